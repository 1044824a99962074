"""`refresh`: list, record, save logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog, EventsFile
from skaha_apply.cli.options import Manifests
from skaha_apply.cli.output.session_ids import public
from skaha_apply.cli.projects import for_each, load
from skaha_apply.model.errors import ExitCode  # noqa: TC001 - the command reads its hints

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.context import Context


@dataclass(frozen=True, kw_only=True)
class RefreshCall(Manifests):
    """The options of `refresh`."""

    events: EventsFile = None


@command(app, "refresh")
def refresh(options: RefreshCall) -> ExitCode:
    """Look at the server and record what it shows, logs included; nothing else is done."""
    from skaha_apply.workflow.reconcile import loop as workflow  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.context import closing_events, told_to  # noqa: PLC0415

    talk = Dialog(options.streams(), yes=False)
    setting = options.setting()
    projects = load(setting, talk.streams, looks=True)

    async def one(world: Context, project: Project) -> ExitCode:
        world, observe = told_to(events, world, project, talk.narrator)
        return talk.ended(await workflow.refresh(world, project, observe), "what the server shows is recorded")

    with closing_events(options.events, public) as events:
        try:
            return for_each(setting, projects, talk.streams, one)
        finally:
            talk.close()
