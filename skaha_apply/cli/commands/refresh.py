"""`refresh`: list, record, save logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog, EventsOption
from skaha_apply.cli.options import ManifestOptions
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.cli.projects import for_each, load
from skaha_apply.model.errors import ExitCode  # noqa: TC001 - the command reads its hints

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.context import Context


@dataclass(frozen=True, kw_only=True)
class RefreshArguments(ManifestOptions):
    """The options of `refresh`."""

    events: EventsOption = None


@command(app, "refresh")
def refresh(options: RefreshArguments) -> ExitCode:
    """Look at the server and record what it shows, logs included; nothing else is done."""
    from skaha_apply.workflow.reconcile import loop as workflow  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.context import open_event_file, with_event_file  # noqa: PLC0415

    dialog = Dialog(options.streams(), yes=False)
    setting = options.setting()
    projects = load(setting, dialog.streams, looks=True)

    async def one(context: Context, project: Project) -> ExitCode:
        context, observe = with_event_file(events, context, project, dialog.progress)
        return dialog.ended(await workflow.refresh(context, project, observe), "what the server shows is recorded")

    with open_event_file(options.events, mask_ids) as events:
        try:
            return for_each(setting, projects, dialog.streams, one)
        finally:
            dialog.close()
