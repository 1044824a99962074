"""The options that commands share, each declared once; a command's own stand beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.invocation import redacted_words
from skaha_apply.cli.option_types import DURATION, assignment, duration, hours, pattern
from skaha_apply.cli.output.masking import add_possible_secrets
from skaha_apply.cli.output.session_ids import identify, show_ids
from skaha_apply.cli.output.streams import Streams
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from skaha_apply.model.project import MissingValues, VariableValues
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setup.settings import Settings

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="ManifestOptions: files, folders, or - for standard input (default: manifests/ if it exists, else .).",
        show_default=False,
    ),
]
Server = Annotated[
    str | None,
    typer.Option(metavar="NAME|URL", help="The Skaha server: a URL, or a name of ~/.canfar/config.yaml."),
]


CredentialCommandOption = Annotated[
    str | None,
    typer.Option(
        "--credential-command",
        metavar="CMD",
        help="Command that prints a token or PEM certificate; run without a shell, again after a 401.",
    ),
]


ShowIdsOption = Annotated[
    bool,
    typer.Option(
        "--show-ids", help="Show IDs and addresses of interactive sessions also outside a terminal; never in a CI job."
    ),
]


def check_server(server: str | None, *, sandbox: bool) -> None:
    """Raise `UsageError` when two servers are asked for."""
    if sandbox and server is not None:
        raise UsageError("--sandbox and --server exclude each other", hint="give one of them")


class Adoption(StrEnum):
    """Which sessions of others `--adopt` records."""

    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """What every command takes."""

    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, also in a terminal.")] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Tell more, tracebacks included.")] = False

    def streams(self) -> Streams:
        """Where the command writes; with -v that also tells what the package logs (never a credential)."""
        streams = Streams(colour=not self.no_color)
        if self.verbose:
            streams.show_logs()
        return streams


@dataclass(frozen=True, kw_only=True)
class VariableOptions(CommonOptions):
    """Values for the variables of manifests."""

    var: Annotated[
        list[str] | None,
        typer.Option(
            "--var",
            parser=assignment,
            metavar="NAME=VALUE",
            help="A value for a variable of the manifests; may be repeated.",
        ),
    ] = None
    var_file: Annotated[
        list[str] | None,
        typer.Option("--var-file", metavar="FILE", help="Values for variables, NAME: VALUE a line; may be repeated."),
    ] = None

    def given(self, missing_values: MissingValues) -> VariableValues:
        """The values of the call, those of SKAHA_VAR_name included; raises what `variables.given` raises."""
        from skaha_apply.workflow.setup.variables import given  # noqa: PLC0415 - keeps --help fast

        pairs = (text.partition("=") for text in self.var or ())
        found = given(
            {name.strip(): value for name, _, value in pairs}, self.var_file or (), os.environ, missing_values
        )
        add_possible_secrets(found.values)
        return found


@dataclass(frozen=True, kw_only=True)
class ServerOptions(VariableOptions):
    """Which server, which state, which project."""

    server: Server = None
    credential_command: CredentialCommandOption = None
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="Use a local sandbox, with a state of its own; started when none runs."),
    ] = False
    state: Annotated[
        str | None,
        typer.Option(metavar="PATH|URL", help="Where the state is kept (default: below .skaha-apply/)."),
    ] = None
    project: Annotated[str | None, typer.Option(metavar="PROJECT", help="Only this project.")] = None
    lock_timeout: Annotated[
        float | None,
        typer.Option(parser=duration, metavar=DURATION, help="Wait so long for the lock of the state (default: 0)."),
    ] = None
    show_ids: ShowIdsOption = False
    no_logs: Annotated[bool, typer.Option("--no-logs", help="Do not save the logs of sessions that ended.")] = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The manifests that were named."""
        return ()

    @property
    def missing_values(self) -> MissingValues:
        """Which variables may be without a value: here those whose values are never compared."""
        from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - keeps --help fast

        return MissingValues.SENSITIVE

    def setting(self, *, concurrency: int | None = None, settle: float | None = None) -> Settings:
        """The setting of the call; raises `UsageError` for options that contradict each other."""
        if self.show_ids:
            show_ids()
        from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415 - keeps --help fast

        check_server(self.server, sandbox=self.sandbox)
        default = Settings()
        return Settings(
            paths=self.sources,
            server=self.server,
            credential_command=self.credential_command,
            sandbox=self.sandbox,
            state=self.state,
            project=self.project,
            concurrency=default.concurrency if concurrency is None else concurrency,
            settle=default.settle if settle is None else settle,
            lock_timeout=default.lock_timeout if self.lock_timeout is None else self.lock_timeout,
            keep_logs=not self.no_logs,
            given=self.given(self.missing_values),
            command=redacted_words(),
            observe=Streams(colour=not self.no_color).warn,
            identify=identify,
        )


@dataclass(frozen=True, kw_only=True)
class ManifestOptions(ServerOptions):
    """A command whose arguments are manifests."""

    paths: Paths = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The manifests that were named."""
        return tuple(self.paths or ())


@dataclass(frozen=True, kw_only=True)
class NameOptions(ServerOptions):
    """A command whose arguments are names; its manifests are given by an option."""

    manifest: Annotated[
        list[str] | None,
        typer.Option("--manifest", metavar="PATH", help="The manifests; may be repeated (default as for plan)."),
    ] = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The manifests that were named."""
        return tuple(self.manifest or ())


Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]
TargetOption = Annotated[
    list[str] | None,
    typer.Option("--target", parser=pattern, metavar="NAME[/REPLICAS]", help="Only these; may be repeated."),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", parser=pattern, metavar="NAME[/REPLICAS]", help="Not these; may be repeated."),
]
AdoptOption = Annotated[
    Adoption | None,
    typer.Option(
        "--adopt",
        help="Record sessions of others that match; =ended also those that have ended (alone it means =active).",
    ),
]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Replace sessions of others that bear a name of ours.")
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Carry out what the safety rules refuse; never what is protected.")
]
AllowLossOption = Annotated[
    float | None,
    typer.Option(
        "--allow-loss",
        parser=hours,
        metavar="HOURS",
        help="Core-hours that may be lost to deletes and replaces (default: 100).",
    ),
]


@dataclass(frozen=True, kw_only=True)
class DecisionOptions(ManifestOptions):
    """What decides a plan."""

    target: TargetOption = None
    exclude: ExcludeOption = None
    adopt: AdoptOption = None
    take_over: TakeOverOption = False
    force: ForceOption = False
    allow_loss: AllowLossOption = None

    def plan_options(self) -> PlanOptions:
        """The options as the planner takes them."""
        from skaha_apply.planning.options import Adopt, PlanOptions  # noqa: PLC0415 - keeps --help fast

        return PlanOptions(
            adopt=Adopt(self.adopt.value) if self.adopt else Adopt.NONE,
            take_over=self.take_over,
            force=self.force,
            targets=tuple(self.target or ()),
            excludes=tuple(self.exclude or ()),
            allow_loss=PlanOptions().allow_loss if self.allow_loss is None else self.allow_loss,
        )
