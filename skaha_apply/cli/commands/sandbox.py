"""`sandbox`: start and stop the local Skaha server. The option `--sandbox` of other commands starts one too."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import add_group
from skaha_apply.cli.command import command
from skaha_apply.cli.help import ACCESS, LIMITS, OUTPUT, SERVER
from skaha_apply.cli.option_types import account
from skaha_apply.cli.options import CommonOptions
from skaha_apply.cli.shared_options import RehearsalOptions, duration_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, SkahaApplyError
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.sandbox import SandboxOptions

group = add_group(
    "sandbox",
    "Run a local Skaha server that starts local processes",
    "A sandbox serves the Skaha API on 127.0.0.1 and runs headless sessions as local processes. Other commands "
    "start one with --sandbox. Use these commands to start one with options, to see it, or to stop it.",
    ("skaha-apply sandbox serve --slots 4", "skaha-apply sandbox status", "skaha-apply sandbox stop"),
)

UNCHANGED_OPTIONS = (
    "token", "slots", "idle", "ttl", "deadline", "userid", "interactive_ttl", "interactive_deadline", "grace",
    "max_interactive",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SandboxFolderOptions(CommonOptions):
    """The folder that identifies a sandbox."""

    data: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the sandbox (default: the folder in .skaha-apply/ that --sandbox uses)",
            rich_help_panel=SERVER,
        ),
    ] = None

    @property
    def folder(self) -> Path:
        """The folder of the sandbox."""
        from skaha_apply.workflow.setup.sandbox import default_home, sandbox_data  # noqa: PLC0415
        from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415 - keeps --help fast

        return Path(self.data) if self.data is not None else sandbox_data(default_home(Settings()))


@dataclass(frozen=True, kw_only=True)
class ServeArguments(RehearsalOptions, SandboxFolderOptions):
    """The options of `sandbox serve`."""

    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Port on 127.0.0.1 (default: 0, any free port)",
            rich_help_panel=SERVER,
        ),
    ] = 0
    port_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File to which the port is written once the server listens (default: none)",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN", help="Bearer token that requests must have (default: random)", rich_help_panel=ACCESS
        ),
    ] = None
    slots: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of headless sessions that run at the same time (default: cores; 1000 with --pretend)",
            rich_help_panel=LIMITS,
        ),
    ] = None
    workdir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Working directory of headless sessions (default: the current directory)",
            rich_help_panel=SERVER,
        ),
    ] = None
    idle: Annotated[
        float | None,
        duration_option("Time without a request after which the sandbox stops (default: never)", LIMITS),
    ] = None
    ttl: Annotated[
        float | None,
        duration_option("Time for which an ended session stays listed (default: 1h)", LIMITS),
    ] = None
    deadline: Annotated[
        float | None,
        duration_option("Time for which a headless session may run (default: 14d)", LIMITS),
    ] = None

    userid: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the user (default: sandbox)", rich_help_panel=ACCESS)
    ] = None
    interactive_ttl: Annotated[
        float | None,
        duration_option("Time for which an ended interactive session stays listed (default: 1d)", LIMITS),
    ] = None
    interactive_deadline: Annotated[
        float | None,
        duration_option("Time for which an interactive session may run (default: 4d)", LIMITS),
    ] = None
    grace: Annotated[
        float | None,
        duration_option("Time between SIGTERM and SIGKILL of a deleted session (default: 2s)", LIMITS),
    ] = None
    max_interactive: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Number of interactive sessions that a user can have at the same time (default: 5)",
            rich_help_panel=LIMITS,
        ),
    ] = None
    image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST/NAME:TAG[=TYPE]",
            help="Additional public image; repeatable (default: none)",
            rich_help_panel=SERVER,
        ),
    ] = None
    account: Annotated[
        list[str] | None,
        typer.Option(
            parser=account,
            metavar="TOKEN=NAME",
            help="Additional user and their token; repeatable (default: none)",
            rich_help_panel=ACCESS,
        ),
    ] = None
    denied: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOKEN",
            help="Token of a user without access (403); repeatable (default: none)",
            rich_help_panel=ACCESS,
        ),
    ] = None
    expired: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOKEN", help="Token that has expired (401); repeatable (default: none)", rich_help_panel=ACCESS
        ),
    ] = None
    no_v0: Annotated[bool, typer.Option("--no-v0", help="Do not serve /skaha/v0", rich_help_panel=SERVER)] = False

    def as_sandbox_options(self) -> SandboxOptions:
        """The options as the sandbox takes them."""
        from skaha_apply.sandbox import Rehearsal, SandboxOptions  # noqa: PLC0415 - keeps --help fast
        from skaha_apply.sandbox.options import default_slots  # noqa: PLC0415

        rehearsal = self.rehearsal or Rehearsal()
        given = {
            "port_file": Path(self.port_file) if self.port_file is not None else None,
            "workdir": Path(self.workdir) if self.workdir is not None else None,
            "accounts": tuple(tuple(pair.rpartition("=")[::2]) for pair in self.account) if self.account else None,
            "images": tuple(self.image) if self.image else None,
            "denied": tuple(self.denied) if self.denied else None,
            "expired": tuple(self.expired) if self.expired else None,
            **{name: getattr(self, name) for name in UNCHANGED_OPTIONS},
        }
        known = {name: value for name, value in given.items() if value is not None}
        known.setdefault("slots", default_slots(rehearsal))
        return SandboxOptions(data=self.folder, port=self.port, v0=not self.no_v0, rehearsal=rehearsal, **known)


@command(group, "serve", examples=("skaha-apply sandbox serve --slots 4 --idle 1h",))
def serve(options: ServeArguments) -> ExitCode:
    """Serve the Skaha API on 127.0.0.1 until a signal.

    Runs in the foreground until Ctrl-C, SIGTERM or SIGHUP, and runs headless sessions as processes of this machine.
    Keeps its sessions, logs and token in its folder. Prints its address once it listens. Use it to try manifests and
    scripts without an account.
    """
    from skaha_apply import sandbox  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.sandbox.environment import start_clean  # noqa: PLC0415
    from skaha_apply.state.paths import make_folder  # noqa: PLC0415

    start_clean()
    streams = options.streams()
    with _translating_errors():
        chosen = options.as_sandbox_options()
        make_folder(options.folder)
        sandbox.serve(chosen, lambda url: streams.show(f"the sandbox listens on {url}; Ctrl-C ends it\n"))
    return ExitCode.OK


@command(group, "stop", examples=("skaha-apply sandbox stop",))
def stop(options: SandboxFolderOptions) -> ExitCode:
    """Stop the sandbox.

    Stops the server and the processes of its sessions. Does nothing if no sandbox runs in the folder.
    """
    from skaha_apply import sandbox  # noqa: PLC0415 - keeps --help fast

    with _translating_errors():
        stopped = sandbox.stop(options.folder)
    options.streams().show("stopped\n" if stopped else f"no sandbox runs in {one_line(str(options.folder))}\n")
    return ExitCode.OK


@command(group, "status", examples=("skaha-apply sandbox status",))
def status(options: SandboxFolderOptions) -> ExitCode:
    """Show whether a sandbox runs, and its sessions.

    Prints the address, the process ID, the number of sessions, and whether they only pretend. Exits with 1 if no
    sandbox runs in the folder.
    """
    from skaha_apply import sandbox  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.render.reasons import reason_text  # noqa: PLC0415
    from skaha_apply.workflow.setup.sandbox import rehearsal_reason  # noqa: PLC0415

    with _translating_errors():
        running = sandbox.status(options.folder)
    streams = options.streams()
    if running is None:
        streams.show(f"no sandbox runs in {one_line(str(options.folder))}\n")
        return ExitCode.ERROR
    streams.show(
        f"{running.url} (process {running.pid})\n"
        f"{running.pending} pending, {running.running} running, {running.finished} finished\n"
        f"{one_line(reason_text(rehearsal_reason(running.rehearsal)))}\n",
    )
    return ExitCode.OK


@contextmanager
def _translating_errors() -> Iterator[None]:
    """Raise errors of the sandbox as `SkahaApplyError`, because the sandbox shares no code with the client."""
    from skaha_apply.sandbox import SandboxError  # noqa: PLC0415 - keeps --help fast

    try:
        yield
    except SandboxError as error:
        raise SkahaApplyError(error.message, hint=error.hint or None) from error
    except OSError as error:
        raise SkahaApplyError(f"{error.filename or 'the sandbox'}: {error.strerror}") from error
