"""Options that several commands have, each declared once with its group in `--help`."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from skaha_apply.cli.help import INPUT, OUTPUT, REHEARSAL, SAFETY, SELECTION, SERVER
from skaha_apply.cli.option_types import (
    DURATION,
    duration,
    factor,
    hours,
    mount,
    pattern,
    repeated_path,
    report_in,
    share,
)
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import UsageError
from skaha_apply.render.formats import ResultFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.sandbox import Rehearsal

SANDBOX_VARIABLE = "SKAHA_APPLY_SANDBOX"


class TextOrJson(StrEnum):
    """How a command prints that has no other format."""

    TEXT = "text"
    JSON = "json"


class Adoption(StrEnum):
    """Which unmanaged sessions `--adopt` records."""

    ACTIVE = "active"
    ENDED = "ended"


def duration_option(text: str, panel: str, parser: Callable[[str], float] = duration) -> Any:
    """An option whose value is a duration; `text` is its help, `panel` its group."""
    return typer.Option(parser=parser, metavar=DURATION, help=text, rich_help_panel=panel)


def format_option(printed: str) -> Any:
    """The option `-o` of a command that prints this."""
    return typer.Option("-o", "--output", help=f"Format of the {printed} (default: text)", rich_help_panel=OUTPUT)


def _pattern_option(name: str, text: str) -> Any:
    return typer.Option(name, parser=pattern, metavar="NAME[/REPLICAS]", help=text, rich_help_panel=SELECTION)


def _paths_argument(kinds: str, **given: Any) -> Any:
    text = f"Manifests: {kinds} (default: manifests/ if it exists, else .)"
    return typer.Argument(metavar="PATH", help=text, show_default=False, **given)


def _public_option(leave_out: str) -> Any:
    text = f"{leave_out} user and replica names, IDs, addresses, paths, causes, logs, commands"
    return typer.Option("--public", help=text, rich_help_panel=OUTPUT)


PathsArgument = Annotated[list[str] | None, _paths_argument("files, folders, or - for standard input")]
RepeatedPathsArgument = Annotated[list[str] | None, _paths_argument("files or folders", parser=repeated_path)]
ProjectOption = Annotated[
    str | None,
    typer.Option(metavar="PROJECT", help="Only this project (default: all projects)", rich_help_panel=SELECTION),
]
ServerOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|URL",
        help="Skaha server: a URL or a configured name (default: $SKAHA_URL, else CANFAR)",
        rich_help_panel=SERVER,
    ),
]
CredentialCommandOption = Annotated[
    str | None,
    typer.Option(
        "--credential-command",
        metavar="CMD",
        help="Command that prints a token or a PEM certificate (default: $SKAHA_CREDENTIAL_COMMAND)",
        rich_help_panel=SERVER,
    ),
]
SandboxOption = Annotated[
    bool,
    typer.Option(
        "--sandbox",
        envvar=SANDBOX_VARIABLE,
        show_envvar=False,
        help="Use a local test server; start it if none runs (also: SKAHA_APPLY_SANDBOX=1)",
        rich_help_panel=REHEARSAL,
    ),
]
PretendOption = Annotated[
    float | None,
    typer.Option(
        parser=duration,
        metavar="[=DURATION]",
        help="Use a sandbox whose sessions run nothing, and take this time (default: 2s)",
        rich_help_panel=REHEARSAL,
    ),
]
FailOption = Annotated[
    float | None,
    typer.Option(
        parser=share,
        metavar="PERCENT",
        help="Share of the sessions of --pretend that fail (default: 0%)",
        rich_help_panel=REHEARSAL,
    ),
]
SpeedOption = Annotated[
    float | None,
    typer.Option(
        parser=factor,
        metavar="N",
        help="Number by which the times of the sandbox are divided (default: 1)",
        rich_help_panel=REHEARSAL,
    ),
]
MountOption = Annotated[
    list[str] | None,
    typer.Option(
        parser=mount,
        metavar="/PATH=DIR",
        help="Local folder DIR that replaces the server folder /PATH in sessions; repeatable (default: none)",
        rich_help_panel=REHEARSAL,
    ),
]
ShowIdsOption = Annotated[
    bool,
    typer.Option(
        "--show-ids",
        help="Print IDs of interactive sessions (an ID opens its session) outside a terminal, never in CI",
        rich_help_panel=OUTPUT,
    ),
]
ManifestOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH",
        help="Manifest file or folder; repeatable (default: manifests/ if it exists, else .)",
        rich_help_panel=INPUT,
    ),
]
EventsOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Append a line of JSON to FILE for each change of phase (default: none)",
        rich_help_panel=OUTPUT,
    ),
]
ReportOption = Annotated[
    list[str] | None,
    typer.Option(
        parser=report_in(ResultFormat),
        metavar="FORMAT=FILE",
        help="Also write FILE: json, markdown, gitlab, junit, comment, text; repeatable (default: none)",
        rich_help_panel=OUTPUT,
    ),
]
HtmlOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Also write FILE: the status as one HTML page that needs no server (default: none)",
        rich_help_panel=OUTPUT,
    ),
]
PublicOption = Annotated[bool, _public_option("With --html: leave out")]
PublicPageOption = Annotated[bool, _public_option("Leave out")]
YesOption = Annotated[
    bool, typer.Option("-y", "--yes", help="Carry out without asking for approval", rich_help_panel=SAFETY)
]
TargetOption = Annotated[
    list[str] | None, _pattern_option("--target", "Only these replicas; repeatable (default: all)")
]
ExcludeOption = Annotated[
    list[str] | None, _pattern_option("--exclude", "Not these replicas; repeatable (default: none)")
]
AdoptOption = Annotated[
    Adoption | None,
    typer.Option(
        "--adopt",
        help="Record matching unmanaged sessions in the state; --adopt=ended: completed sessions too",
        rich_help_panel=SELECTION,
    ),
]
TakeOverOption = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="Delete unmanaged sessions that have the name of a session to create",
        rich_help_panel=SAFETY,
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Carry out what a safety rule refuses; protected sessions stay protected",
        rich_help_panel=SAFETY,
    ),
]
AllowLossOption = Annotated[
    float | None,
    typer.Option(
        "--allow-loss",
        parser=hours,
        metavar="HOURS",
        help="Most core-hours of work that deletes and replaces can lose (default: 100)",
        rich_help_panel=SAFETY,
    ),
]

StateHistoryOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1000,
        metavar="N",
        help="Commits that a state in git keeps (default: $SKAHA_APPLY_STATE_HISTORY, else 1)",
        rich_help_panel=SERVER,
    ),
]
StateLogsOption = Annotated[
    bool,
    typer.Option(
        "--state-logs",
        envvar="SKAHA_APPLY_STATE_LOGS",
        show_envvar=False,
        help="Also store logs of failed replicas in the state branch (also: SKAHA_APPLY_STATE_LOGS=1)",
        rich_help_panel=SERVER,
    ),
]


@dataclass(frozen=True, kw_only=True)
class RehearsalOptions:
    """How the sessions of a sandbox differ from real ones."""

    pretend: PretendOption = None
    fail: FailOption = None
    speed: SpeedOption = None
    mount: MountOption = None

    @property
    def rehearsal(self) -> Rehearsal | None:
        """What the sandbox must do with sessions; None if no option states it. Raises `UsageError`."""
        if self.fail is not None and self.pretend is None:
            raise UsageError("--fail requires --pretend", hint="add --pretend: sessions that run fail by themselves")
        if self.mount and self.pretend is not None:
            hint = "remove --mount: sessions of --pretend run nothing and read no file"
            raise UsageError("--mount and --pretend exclude each other", hint=hint)
        if not self.mount and all(one is None for one in (self.pretend, self.fail, self.speed)):
            return None
        from skaha_apply.sandbox import Rehearsal  # noqa: PLC0415 - keeps --help fast

        mounts = cast("list[tuple[str, str]]", self.mount or [])  # the parser makes pairs
        return Rehearsal(self.pretend, self.fail or 0.0, 1.0 if self.speed is None else self.speed, tuple(mounts))


@dataclass(frozen=True, kw_only=True)
class SandboxUseOptions(RehearsalOptions):
    """Whether a command uses the sandbox instead of a server."""

    sandbox: SandboxOption = False

    @property
    def uses_sandbox(self) -> bool:
        """Whether `--sandbox`, its variable, or `--pretend` is given."""
        return self.sandbox or self.pretend is not None

    def check_server(self, server: str | None) -> None:
        """Raise `UsageError` if both a server and the sandbox are given, or options of a sandbox without one."""
        if self.uses_sandbox and server is not None:
            name = "--sandbox" if self.sandbox else "--pretend"
            if self.sandbox and os.environ.get(SANDBOX_VARIABLE):
                name = f"{SANDBOX_VARIABLE}={os.environ[SANDBOX_VARIABLE]}"
            hint = f"remove --server, or {'unset' if '=' in name else 'remove'} {name.partition('=')[0]}"
            raise UsageError(f"{name} and --server exclude each other", hint=hint)
        given = {"--speed": self.speed is not None, "--mount": bool(self.mount)}
        if not self.uses_sandbox and any(given.values()):
            name = next(name for name, is_given in given.items() if is_given)
            raise UsageError(f"{name} requires --sandbox", hint="add --sandbox: a server has real times and folders")
