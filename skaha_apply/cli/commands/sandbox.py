"""`sandbox serve|stop|status`: the local server by itself; `--sandbox` on other commands starts one as needed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.option_types import DURATION, duration
from skaha_apply.cli.options import CommonOptions
from skaha_apply.model.errors import ExitCode, SkahaApplyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.sandbox import SandboxOptions

group = typer.Typer(help="A local Skaha server that runs headless sessions as processes.", rich_markup_mode=None)
app.add_typer(group, name="sandbox")


UNCHANGED_OPTIONS = (
    "token",
    "slots",
    "idle",
    "ttl",
    "deadline",
    "userid",
    "interactive_ttl",
    "interactive_deadline",
    "grace",
    "max_interactive",
)


def account(text: str) -> str:
    """`TOKEN=NAME`, checked."""
    token, _, name = text.rpartition("=")
    if not token or not name:
        raise typer.BadParameter("write TOKEN=NAME")
    return text


@dataclass(frozen=True, kw_only=True)
class SandboxFolderOptions(CommonOptions):
    """Which sandbox."""

    data: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Folder of all it keeps (default: below .skaha-apply/, as --sandbox uses)."),
    ] = None

    @property
    def folder(self) -> Path:
        """The folder of the sandbox."""
        from skaha_apply.workflow.setup.context import default_home, sandbox_data  # noqa: PLC0415
        from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415 - keeps --help fast

        return Path(self.data) if self.data is not None else sandbox_data(default_home(Settings()))


@dataclass(frozen=True, kw_only=True)
class ServeArguments(SandboxFolderOptions):
    """How to serve."""

    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0
    port_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Gets the port number once the server listens."),
    ] = None
    token: Annotated[str | None, typer.Option(metavar="TOKEN", help="Bearer token (default: a random one).")] = None
    slots: Annotated[
        int | None,
        typer.Option(min=1, help="Headless sessions at once, the others are Pending (default: one a core)."),
    ] = None
    workdir: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Working directory of headless sessions (default: the current one)."),
    ] = None
    idle: Annotated[
        float | None,
        typer.Option(parser=duration, metavar=DURATION, help="End after so long without use (default: never)."),
    ] = None
    ttl: Annotated[
        float | None,
        typer.Option(parser=duration, metavar=DURATION, help="How long an ended session stays listed (default: 1h)."),
    ] = None
    deadline: Annotated[
        float | None,
        typer.Option(parser=duration, metavar=DURATION, help="How long a headless session may run (default: 14d)."),
    ] = None

    userid: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the user (default: sandbox).")] = None
    interactive_ttl: Annotated[
        float | None,
        typer.Option(parser=duration, metavar=DURATION, help="--ttl of the other kinds (default: 1d)."),
    ] = None
    interactive_deadline: Annotated[
        float | None,
        typer.Option(parser=duration, metavar=DURATION, help="--deadline of the other kinds (default: 4d)."),
    ] = None
    grace: Annotated[
        float | None,
        typer.Option(parser=duration, metavar=DURATION, help="Between SIGTERM and SIGKILL of a session (default: 2s)."),
    ] = None
    max_interactive: Annotated[
        int | None,
        typer.Option(min=0, help="Interactive sessions of a user at once (default: 5)."),
    ] = None
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST/NAME:TAG[=TYPE]", help="A further public image; may be repeated."),
    ] = None
    account: Annotated[
        list[str] | None,
        typer.Option(parser=account, metavar="TOKEN=NAME", help="A further user; may be repeated."),
    ] = None
    denied: Annotated[
        list[str] | None,
        typer.Option(metavar="TOKEN", help="Token of a user without access (403); may be repeated."),
    ] = None
    expired: Annotated[
        list[str] | None,
        typer.Option(metavar="TOKEN", help="Token past its date (401); may be repeated."),
    ] = None
    no_v0: Annotated[bool, typer.Option("--no-v0", help="Do not answer below /skaha/v0.")] = False

    def as_sandbox_options(self) -> SandboxOptions:
        """The options as the sandbox takes them."""
        from skaha_apply.sandbox import SandboxOptions  # noqa: PLC0415 - keeps --help fast

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
        return SandboxOptions(data=self.folder, port=self.port, v0=not self.no_v0, **known)


@command(group, "serve")
def serve(options: ServeArguments) -> ExitCode:
    """Serve the Skaha API on 127.0.0.1 until Ctrl-C, SIGTERM or SIGHUP."""
    from skaha_apply import sandbox  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.sandbox.environment import start_clean  # noqa: PLC0415
    from skaha_apply.state.paths import make_folder  # noqa: PLC0415

    start_clean()
    with _translating_errors():
        make_folder(options.folder)
        sandbox.serve(options.as_sandbox_options())
    return ExitCode.OK


@command(group, "stop")
def stop(options: SandboxFolderOptions) -> ExitCode:
    """End the sandbox; without one nothing is done."""
    from skaha_apply import sandbox  # noqa: PLC0415 - keeps --help fast

    with _translating_errors():
        stopped = sandbox.stop(options.folder)
    options.streams().show("stopped\n" if stopped else "no sandbox runs here\n")
    return ExitCode.OK


@command(group, "status")
def status(options: SandboxFolderOptions) -> ExitCode:
    """Say whether a sandbox runs, where, and how many sessions it has; exit code 1 without one."""
    from skaha_apply import sandbox  # noqa: PLC0415 - keeps --help fast

    with _translating_errors():
        running = sandbox.status(options.folder)
    streams = options.streams()
    if running is None:
        streams.show("no sandbox runs here\n")
        return ExitCode.ERROR
    streams.show(
        f"{running.url} (process {running.pid})\n"
        f"{running.pending} pending, {running.running} running, {running.finished} finished\n",
    )
    return ExitCode.OK


@contextmanager
def _translating_errors() -> Iterator[None]:
    """The sandbox stands apart from the rest of the package, its error too."""
    from skaha_apply.sandbox import SandboxError  # noqa: PLC0415 - keeps --help fast

    try:
        yield
    except SandboxError as error:
        raise SkahaApplyError(error.message, hint=error.hint or None) from error
    except OSError as error:
        raise SkahaApplyError(f"{error.filename or 'the sandbox'}: {error.strerror}") from error
