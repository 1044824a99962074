"""`python -m skaha_apply.sandbox serve|stop|status`: the sandbox without the rest of the tool."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from skaha_apply.sandbox import RunningSandbox, SandboxError, SandboxOptions, serve, status, stop
from skaha_apply.sandbox.environment import start_clean
from skaha_apply.sandbox.lifecycle import options_from_json
from skaha_apply.sandbox.options import Rehearsal, default_slots

DEFAULT_DATA = Path(".skaha-apply/sandbox/server")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code: 0, or 1 with a message on standard error."""
    _occupy_descriptors()
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.command == "serve":
            start_clean()
            if chosen.options_from_stdin:
                serve(options_from_json(sys.stdin.read()))
            else:
                serve(_options(chosen), _print_address)
        elif chosen.command == "stop":
            _print("stopped" if stop(chosen.data) else "no sandbox runs on this data folder")
        else:
            return _show(status(chosen.data))
    except SandboxError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"error: {error.message}\n" + (f"  {error.hint}\n" if error.hint else ""))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m skaha_apply.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("serve", "stop", "status"):
        command = commands.add_parser(name)
        command.add_argument(
            "--data", type=Path, default=DEFAULT_DATA, help="data folder: sessions, logs, home directories"
        )
        if name == "serve":
            _add_serve_options(command)
    return parser


def _add_serve_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    default = SandboxOptions(data=DEFAULT_DATA)
    add("--port", type=int, default=0, help="port on 127.0.0.1; 0 (default) takes a free port")
    add("--port-file", type=Path, help="file to which the server writes its port number")
    add("--token", help="bearer token of the user (default: a random token, kept in the data folder)")
    add("--slots", type=int, help="headless sessions that run at once; the others are Pending (default: all CPUs)")
    add("--workdir", type=Path, default=Path(), help="working directory of headless sessions")
    add("--idle", type=float, help="end the server after this time without use, in seconds (default: never)")
    add("--ttl", type=float, default=default.ttl, help="seconds for which a finished headless session stays listed")
    add("--interactive-ttl", type=float, default=default.interactive_ttl, help="like --ttl, for the other kinds")
    add("--deadline", type=float, default=default.deadline, help="seconds for which a headless session may run")
    add(
        "--interactive-deadline",
        type=float,
        default=default.interactive_deadline,
        help="like --deadline, for other kinds",
    )
    add("--grace", type=float, default=default.grace, help="seconds between SIGTERM and SIGKILL")
    add("--max-interactive", type=int, default=default.max_interactive, help="limit of interactive sessions of a user")
    add("--userid", default=default.userid, help="name of the user")
    add("--image", action="append", default=[], metavar="HOST/NAME:TAG[=TYPE]", help="another public image")
    add("--account", action="append", default=[], metavar="TOKEN=USERID", help="another user")
    add("--denied", action="append", default=[], metavar="TOKEN", help="token of a user without access (403)")
    add("--expired", action="append", default=[], metavar="TOKEN", help="token that has expired (401)")
    add("--no-v0", dest="v0", action="store_false", help="do not serve /skaha/v0")
    add("--pretend", type=float, nargs="?", const=2.0, help="sessions take this time in seconds, and run nothing")
    add("--fail", type=float, default=0.0, help="share of the pretended sessions that fail, from 0 to 1")
    add("--speed", type=float, default=1.0, help="number by which the times of the sandbox are divided")
    add("--mount", action="append", default=[], metavar="/PATH=DIR", help="folder that stands for one of the server")
    add("--options-from-stdin", action="store_true", help=argparse.SUPPRESS)


def _options(chosen: argparse.Namespace) -> SandboxOptions:
    values = vars(chosen)
    plain = {name: values[name] for name in SandboxOptions.__dataclass_fields__ if name in values}
    accounts = tuple(tuple(entry.rsplit("=", 1)) for entry in chosen.account)
    if not all(len(pair) == len(("token", "user")) and all(pair) for pair in accounts):
        raise SandboxError("--account is not TOKEN=USERID")
    rehearsal = Rehearsal(chosen.pretend, chosen.fail, chosen.speed, tuple(map(_mount, chosen.mount)))
    plain |= {"rehearsal": rehearsal, "slots": default_slots(rehearsal) if chosen.slots is None else chosen.slots}
    lists = {"images": tuple(chosen.image), "denied": tuple(chosen.denied), "expired": tuple(chosen.expired)}
    return SandboxOptions(**{**plain, **lists, "accounts": accounts})


def _mount(text: str) -> tuple[str, str]:
    point, _, folder = text.partition("=")
    return point, folder


def _show(running: RunningSandbox | None) -> int:
    if running is None:
        _print("no sandbox runs on this data folder")
        return 1
    _print(f"{running.url} (process {running.pid})")
    _print(f"{running.pending} pending, {running.running} running, {running.finished} finished")
    return 0


def _print_address(url: str) -> None:
    """Print where the sandbox listens; a sandbox serves also if nobody can read this."""
    with suppress(SandboxError):
        _print(f"the sandbox listens on {url}")


def _print(line: str) -> None:
    """Print a line. Raises `SandboxError` if standard output is closed or full."""
    if sys.stdout is None:
        raise SandboxError("cannot write to standard output: it is closed")
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush of the interpreter
        raise SandboxError(f"cannot write to standard output: {error.strerror}") from error


def _occupy_descriptors() -> None:
    """Open the null device for each closed standard descriptor, because a file opened later would get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    sys.exit(main())
