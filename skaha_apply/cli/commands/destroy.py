"""`destroy`: delete what is live and keep what is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog
from skaha_apply.cli.options import AllowsLoss, Forces, Manifests, Targets, Yes
from skaha_apply.cli.projects import for_each, load
from skaha_apply.model.errors import ExitCode  # noqa: TC001 - the command reads its hints

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.reconcile.run import ApplyOptions
    from skaha_apply.workflow.setup.context import Context


@dataclass(frozen=True, kw_only=True)
class DestroyCall(Manifests):
    """The options of `destroy`."""

    yes: Yes = False
    force: Forces = False
    allow_loss: AllowsLoss = None
    target: Targets = None

    def apply_options(self) -> ApplyOptions:
        """The options as the workflow takes them."""
        from skaha_apply.planning.options import PlanOptions  # noqa: PLC0415 - keeps --help fast
        from skaha_apply.workflow.reconcile.run import ApplyOptions  # noqa: PLC0415

        allowed = PlanOptions().allow_loss if self.allow_loss is None else self.allow_loss
        return ApplyOptions(
            plan=PlanOptions(force=self.force, allow_loss=allowed, targets=tuple(self.target or ()), destroying=True),
        )


@command(app, "destroy")
def destroy(options: DestroyCall) -> ExitCode:
    """Delete what is live and owned; protected sessions stay, and so does the memory of what is done."""
    from skaha_apply.workflow.reconcile import loop as workflow  # noqa: PLC0415 - keeps --help fast

    talk = Dialog(options.streams(), yes=options.yes, destroying=True)
    setting = options.setting()
    projects = load(setting, talk.streams)

    async def one(world: Context, project: Project) -> ExitCode:
        report = await workflow.destroy(world, project, options.apply_options(), talk.approve, talk.narrator)
        return talk.ended(report)

    try:
        return for_each(setting, projects, talk.streams, one, options.apply_options().plan)
    finally:
        talk.close()
