"""`refresh`: list the sessions, record what the server reports, and save logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog
from skaha_apply.cli.options import ManifestOptions, RecordOptions
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.cli.projects import for_each, load
from skaha_apply.cli.shared_options import EventsOption
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode  # noqa: TC001 - the command reads its hints

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.context import Context


@dataclass(frozen=True, kw_only=True)
class RefreshArguments(ManifestOptions, RecordOptions):
    """The options of `refresh`."""

    events: EventsOption = None


@command(app, "refresh", examples=("skaha-apply refresh --sandbox",))
def refresh(options: RefreshArguments) -> ExitCode:
    """Update the state from the server, and save logs.

    Lists the sessions, records their phases in the state, and saves the logs of sessions that ended. Creates and
    deletes nothing. Run it on a schedule between two applies, because the server lists an ended session for one hour.
    """
    from skaha_apply.workflow.reconcile import loop as workflow  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.context import open_event_file, with_event_file  # noqa: PLC0415

    dialog = Dialog(options.streams(), yes=False)
    setting = options.setting()
    projects = load(setting, dialog.streams, warn=False)

    async def one(context: Context, project: Project) -> ExitCode:
        context, observe = with_event_file(events, context, project, dialog.progress)
        return dialog.show_report(
            await workflow.refresh(context, project, observe), "the state is up to date with the server"
        )

    with open_event_file(options.events, mask_ids) as events:
        try:
            return for_each(setting, projects, dialog.streams, one)
        finally:
            dialog.close()
