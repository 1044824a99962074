"""Options that several commands have, each declared once with its group in `--help`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from skaha_apply.cli.help import INPUT, OUTPUT, SAFETY, SELECTION, SERVER
from skaha_apply.cli.option_types import hours, pattern


class Adoption(StrEnum):
    """Which unmanaged sessions `--adopt` records."""

    ACTIVE = "active"
    ENDED = "ended"


PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Manifests: files, folders, or - for standard input (default: manifests/ if it exists, else .)",
        show_default=False,
    ),
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
        help="Use a local test server (sandbox); start it if it does not run",
        rich_help_panel=SERVER,
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
        "--manifest",
        metavar="PATH",
        help="Manifest file or folder; repeatable (default: manifests/ if it exists, else .)",
        rich_help_panel=INPUT,
    ),
]
EventsOption = Annotated[
    str | None,
    typer.Option(
        "--events",
        metavar="FILE",
        help="Append a line of JSON to FILE for each change of phase (default: none)",
        rich_help_panel=OUTPUT,
    ),
]
YesOption = Annotated[
    bool, typer.Option("-y", "--yes", help="Carry out without asking for approval", rich_help_panel=SAFETY)
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        parser=pattern,
        metavar="NAME[/REPLICAS]",
        help="Only these replicas; repeatable (default: all)",
        rich_help_panel=SELECTION,
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        parser=pattern,
        metavar="NAME[/REPLICAS]",
        help="Not these replicas; repeatable (default: none)",
        rich_help_panel=SELECTION,
    ),
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
