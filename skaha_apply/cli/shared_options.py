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
ShowIdsOption = Annotated[
    bool,
    typer.Option(
        "--show-ids",
        help="Show IDs and URLs of interactive sessions outside a terminal too (never in a CI job)",
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
        help="File to which each change of phase is appended, as one line of JSON (default: none)",
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
        help="Record unmanaged sessions that match the manifest as owned; =ended: completed ones too",
        rich_help_panel=SELECTION,
    ),
]
TakeOverOption = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="Replace unmanaged sessions that have the name of a managed one",
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
        help="Core-hours of work that deletes and replaces may lose (default: 100)",
        rich_help_panel=SAFETY,
    ),
]
