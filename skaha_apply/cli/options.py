"""Values that hold the options of a command; each field is an option.

A class `XOptions` holds options that commands share. The options of the command `X` alone stand in `commands/X.py`, in
a class `XArguments`. Each option names its group in `--help`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skaha_apply.cli.help import COMMON, INPUT, SERVER, WAITING
from skaha_apply.cli.invocation import redacted_words
from skaha_apply.cli.option_types import assignment
from skaha_apply.cli.output.masking import add_possible_secrets
from skaha_apply.cli.output.session_ids import hide_ids, identify, show_ids
from skaha_apply.cli.output.streams import Streams
from skaha_apply.cli.shared_options import (
    AdoptOption,
    AllowLossOption,
    CredentialCommandOption,
    ExcludeOption,
    ForceOption,
    ManifestOption,
    PathsArgument,
    ProjectOption,
    SandboxUseOptions,
    ServerOption,
    ShowIdsOption,
    StateHistoryOption,
    StateLogsOption,
    TakeOverOption,
    TargetOption,
    duration_option,
)
from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from skaha_apply.model.project import MissingValues, VariableValues
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setup.settings import Settings


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """The options of every command."""

    no_color: Annotated[
        bool, typer.Option("--no-color", help="Print without colors, in a terminal too", rich_help_panel=COMMON)
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "-v", "--verbose", help="Print requests, retries and, after a bug, the traceback", rich_help_panel=COMMON
        ),
    ] = False

    def streams(self) -> Streams:
        """Where the command writes; with -v the log records of the package too (never a credential)."""
        streams = Streams(color=not self.no_color)
        if self.verbose:
            streams.show_logs()
        return streams


@dataclass(frozen=True, kw_only=True)
class PathOptions(CommonOptions):
    """The arguments of a command that reads manifests."""

    paths: PathsArgument = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The paths of manifests on the command line."""
        return tuple(self.paths or ())


@dataclass(frozen=True, kw_only=True)
class VariableOptions(CommonOptions):
    """Values for the variables of manifests."""

    var: Annotated[
        list[str] | None,
        typer.Option(
            "--var",
            parser=assignment,
            metavar="NAME=VALUE",
            help="Value of a variable that the manifests declare; repeatable (default: $SKAHA_VAR_NAME)",
            rich_help_panel=INPUT,
        ),
    ] = None
    var_file: Annotated[
        list[str] | None,
        typer.Option(
            "--var-file",
            metavar="FILE",
            help="YAML, JSON or .env file with values of variables; repeatable (default: none)",
            rich_help_panel=INPUT,
        ),
    ] = None

    def given(self, missing_values: MissingValues) -> VariableValues:
        """The values of variables, from options, files and SKAHA_VAR_name; raises what `variables.given` raises."""
        from skaha_apply.workflow.setup.variables import given  # noqa: PLC0415 - keeps --help fast

        pairs = (text.partition("=") for text in self.var or ())
        values = {name.strip(): value for name, _, value in pairs}
        found = given(values, self.var_file or (), os.environ, missing_values)
        add_possible_secrets(found.values)
        return found


@dataclass(frozen=True, kw_only=True)
class AccountOptions(SandboxUseOptions, CommonOptions):
    """Which server and which credential a command uses that works on no project."""

    server: ServerOption = None
    credential_command: CredentialCommandOption = None

    def setting(self) -> Settings:
        """The settings of this invocation; raises `UsageError` for options that exclude each other."""
        return _setting(self, credential_command=self.credential_command)


@dataclass(frozen=True, kw_only=True)
class StateOptions(SandboxUseOptions, CommonOptions):
    """Which server, which state and which project a command works on."""

    server: ServerOption = None
    state: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL",
            help="State of the project: a file or an address (default: a file in .skaha-apply/)",
            rich_help_panel=SERVER,
        ),
    ] = None
    state_history: StateHistoryOption = None
    project: ProjectOption = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The paths of manifests on the command line."""
        return ()

    def setting(self) -> Settings:
        """The settings of this invocation; raises `UsageError` for options that exclude each other.

        A class that adds options adds their values to these settings.
        """
        given = {"state": self.state, "state_history": self.state_history, "project": self.project}
        setting = _setting(self, paths=self.sources, **given)
        if self.uses_sandbox and self.state is not None:
            note = "the sandbox has a state of its own, so --state is ignored"
            Streams(color=not self.no_color).message("note", note)
        return setting


def _setting(options: AccountOptions | StateOptions, **more: Any) -> Settings:
    """The settings of an invocation that uses a server or the sandbox; raises `UsageError`."""
    from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415 - keeps --help fast

    options.check_server(options.server)
    return Settings(
        server=options.server,
        sandbox=options.uses_sandbox,
        rehearsal=options.rehearsal,
        command=redacted_words(),
        observe=Streams(color=not options.no_color).warn,
        identify=identify,
        **more,
    )


@dataclass(frozen=True, kw_only=True)
class CredentialOptions(StateOptions):
    """The credential of a command that sends requests to the server."""

    credential_command: CredentialCommandOption = None

    def setting(self) -> Settings:
        """The settings, with the credential."""
        return replace(super().setting(), credential_command=self.credential_command)


@dataclass(frozen=True, kw_only=True)
class IdOptions(StateOptions):
    """Whether a command that prints session IDs shows those of interactive sessions."""

    show_ids: ShowIdsOption = False

    def setting(self) -> Settings:
        """The settings; with `--show-ids` the output shows IDs and URLs from now on."""
        if self.show_ids:
            show_ids()
        return super().setting()


@dataclass(frozen=True, kw_only=True)
class ValueOptions(CredentialOptions, VariableOptions):
    """The options of a command that reads manifests with their values, state and server."""

    @property
    def missing_values(self) -> MissingValues:
        """Which variables can be without a value: here those whose values are never compared."""
        from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - keeps --help fast

        return MissingValues.SENSITIVE

    def setting(self) -> Settings:
        """The settings, with the values of variables."""
        return replace(super().setting(), given=self.given(self.missing_values))


@dataclass(frozen=True, kw_only=True)
class ServerOptions(ValueOptions, IdOptions):
    """The options of a command that compares manifests with the sessions of a server, and prints their IDs."""


@dataclass(frozen=True, kw_only=True)
class LockOptions(StateOptions):
    """The options of a command that writes the state, and therefore locks it."""

    lock_timeout: Annotated[
        float | None,
        duration_option("Time to wait for the lock of the state (default: 0s, a locked state is an error)", WAITING),
    ] = None

    def setting(self) -> Settings:
        """The settings, with the time to wait for the lock."""
        setting = super().setting()
        return setting if self.lock_timeout is None else replace(setting, lock_timeout=self.lock_timeout)


@dataclass(frozen=True, kw_only=True)
class RecordOptions(LockOptions):
    """The options of a command that records sessions in the state, and saves the logs of those that ended."""

    no_logs: Annotated[
        bool,
        typer.Option("--no-logs", help="Do not save logs and events of ended sessions", rich_help_panel=SERVER),
    ] = False
    state_logs: StateLogsOption = False

    def setting(self) -> Settings:
        """The settings, with where logs are saved."""
        return replace(super().setting(), keep_logs=not self.no_logs, state_logs=self.state_logs, publish=hide_ids)


@dataclass(frozen=True, kw_only=True)
class ManifestOptions(PathOptions, ServerOptions):
    """The options of a command that compares the manifests of its arguments with the sessions of a server."""


@dataclass(frozen=True, kw_only=True)
class NameOptions(StateOptions):
    """The options of a command whose arguments are names; an option gives its manifests."""

    manifest: ManifestOption = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The paths of manifests on the command line."""
        return tuple(self.manifest or ())


@dataclass(frozen=True, kw_only=True)
class DecisionOptions(ManifestOptions):
    """The options that decide which actions a plan has."""

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
