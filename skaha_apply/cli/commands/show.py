"""`show`: print the history of replicas, from the server and the state, or from the state alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import NameOptions, ServerOptions
from skaha_apply.cli.output.session_ids import are_shown
from skaha_apply.cli.output.streams import size_of
from skaha_apply.cli.projects import for_each, for_each_offline, load
from skaha_apply.cli.shared_options import TextOrJson, format_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, ServerError, UsageError

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.model.status import ReplicaHistory
    from skaha_apply.workflow.setup.context import Context, StateLocation


@dataclass(frozen=True, kw_only=True)
class ShowArguments(NameOptions, ServerOptions):
    """The options of `show`."""

    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME[/REPLICAS]",
            help="Replicas to show: reduce/3, a live name reduce-3, or a whole entry",
            show_default=False,
        ),
    ]
    output: Annotated[TextOrJson, format_option("history")] = TextOrJson.TEXT


@command(
    app,
    "show",
    examples=("skaha-apply show reduce/3 --sandbox", "skaha-apply show reduce-3 --sandbox -o json"),
)
def show(options: ShowArguments) -> ExitCode:
    """Show the history of a replica: attempts, cause, log.

    Prints the attempts with times and IDs, why the replica ran again, the cause of its failure, its last events and log
    lines, what it waits for, what waits for it, and the requested resources. If the server is unavailable, the command
    reads the state and the saved logs alone, and states this. Changes nothing.
    """
    code, found = _histories(options)
    if not found:
        return code
    streams = options.streams()
    from skaha_apply.render.printable import as_json  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.render.run.history import histories_document, histories_text  # noqa: PLC0415

    if options.output is TextOrJson.JSON:
        shown = are_shown(terminal=streams.out_is_terminal)
        streams.show_document(as_json(histories_document(found, addresses=shown)))
    else:
        streams.show(histories_text(found, size_of(streams.out)[0], streams.out_paint))
    return code


def _histories(options: ShowArguments) -> tuple[ExitCode, tuple[ReplicaHistory, ...]]:
    """The exit code and the selected replicas of every project; raises `UsageError` if there is none."""
    from skaha_apply.planning.options import PlanOptions  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.replica.show import show as show_observed  # noqa: PLC0415
    from skaha_apply.workflow.replica.show import show_recorded  # noqa: PLC0415

    streams, setting = options.streams(), options.setting()
    projects = load(setting, streams, warn=False)
    found: list[ReplicaHistory] = []
    unknown: list[UsageError] = []
    reason = ""

    async def observed(context: Context, project: Project) -> ExitCode:
        try:
            found.extend(await show_observed(context, project, options.name))
        except UsageError as error:
            unknown.append(error)
        return ExitCode.OK

    async def recorded(location: StateLocation, project: Project) -> ExitCode:
        try:
            found.extend(await show_recorded(location, project, options.name, reason))
        except UsageError as error:
            unknown.append(error)
        return ExitCode.OK

    try:
        code = for_each(setting, projects, streams, observed)
    except ServerError as error:
        reason = error.message
        streams.message("warning", f"{error.message}; this is what the state has recorded")
        found.clear()
        unknown.clear()
        code = for_each_offline(setting, projects, streams, recorded, PlanOptions())
    if not found and unknown:
        raise unknown[0]
    return code, tuple(found)
