"""`export`: print live sessions as a manifest."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import OUTPUT, SELECTION
from skaha_apply.cli.options import CommonOptions
from skaha_apply.cli.output.session_ids import identify
from skaha_apply.cli.shared_options import CredentialCommandOption, SandboxUseOptions, ServerOption
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode
from skaha_apply.model.session import Kind  # noqa: TC001 - typer reads the annotations


class StatusWord(StrEnum):
    """The status words of the server."""

    PENDING = "pending"
    RUNNING = "running"
    TERMINATING = "terminating"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class ExportArguments(SandboxUseOptions, CommonOptions):
    """The options of `export`."""

    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Only sessions with this name: reduce, reduce-3; * and ? are wildcards (default: all)",
            show_default=False,
        ),
    ] = None
    project: Annotated[
        str | None,
        typer.Option(
            metavar="PROJECT", help="Name of the project in the manifest (default: exported)", rich_help_panel=OUTPUT
        ),
    ] = None
    kind: Annotated[
        list[Kind] | None,
        typer.Option(
            case_sensitive=False,
            metavar="KIND",
            help="Only sessions of this kind; repeatable (default: all)",
            rich_help_panel=SELECTION,
        ),
    ] = None
    status: Annotated[
        list[StatusWord] | None,
        typer.Option(
            case_sensitive=False,
            metavar="STATUS",
            help="Only sessions with this status; repeatable (default: all)",
            rich_help_panel=SELECTION,
        ),
    ] = None
    everything: Annotated[
        bool, typer.Option("--all", help="Ended and terminating sessions too", rich_help_panel=SELECTION)
    ] = False
    server: ServerOption = None
    credential_command: CredentialCommandOption = None


@command(
    app,
    "export",
    examples=("skaha-apply export 'reduce*' --sandbox --all --project survey",),
)
def export(options: ExportArguments) -> ExitCode:
    """Print live sessions as a manifest, for `plan --adopt`.

    Reads the session listing of the server and prints a manifest. Changes nothing. Use it to manage sessions that were
    started by hand or by a script: add cmd, args and env, which the server does not report, then run plan --adopt.
    """
    from skaha_apply.cli.event_loop import run  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.manifest.generate.from_sessions import SessionFilter  # noqa: PLC0415
    from skaha_apply.model.session import phase_of  # noqa: PLC0415
    from skaha_apply.workflow.export import export as exported  # noqa: PLC0415
    from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415

    options.check_server(options.server)
    streams = options.streams()
    setting = Settings(
        server=options.server,
        credential_command=options.credential_command,
        sandbox=options.uses_sandbox,
        rehearsal=options.rehearsal,
        project=options.project,
        observe=streams.warn,
        identify=identify,
    )
    session_filter = SessionFilter(
        patterns=tuple(options.patterns or ()),
        kinds=frozenset(options.kind or ()),
        phases=frozenset(phase_of(word) for word in options.status or ()),
        over=options.everything,
    )
    made = run(exported(setting, session_filter), streams.restore_terminal)
    streams.show_document(made.text)
    for note in made.notes:
        streams.message("note", note)
    return ExitCode.OK
