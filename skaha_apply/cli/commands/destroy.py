"""`destroy`: delete what is live and keep what is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog
from skaha_apply.cli.options import AllowLossOption, ForceOption, ManifestOptions, TargetOption, Yes
from skaha_apply.cli.projects import for_each, load
from skaha_apply.model.errors import ExitCode  # noqa: TC001 - the command reads its hints

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.reconcile.request import ApplyOptions
    from skaha_apply.workflow.setup.context import Context


@dataclass(frozen=True, kw_only=True)
class DestroyArguments(ManifestOptions):
    """The options of `destroy`."""

    yes: Yes = False
    force: ForceOption = False
    allow_loss: AllowLossOption = None
    target: TargetOption = None

    def apply_options(self) -> ApplyOptions:
        """The options as the workflow takes them."""
        from skaha_apply.planning.options import PlanOptions  # noqa: PLC0415 - keeps --help fast
        from skaha_apply.workflow.reconcile.request import ApplyOptions  # noqa: PLC0415

        allowed = PlanOptions().allow_loss if self.allow_loss is None else self.allow_loss
        return ApplyOptions(
            plan=PlanOptions(force=self.force, allow_loss=allowed, targets=tuple(self.target or ()), destroying=True),
        )


@command(app, "destroy")
def destroy(options: DestroyArguments) -> ExitCode:
    """Delete what is live and owned; protected sessions stay, and so does the memory of what is done."""
    from skaha_apply.workflow.reconcile import loop as workflow  # noqa: PLC0415 - keeps --help fast

    dialog = Dialog(options.streams(), yes=options.yes, destroying=True)
    setting = options.setting()
    projects = load(setting, dialog.streams)

    async def one(context: Context, project: Project) -> ExitCode:
        report = await workflow.destroy(context, project, options.apply_options(), dialog.approve, dialog.progress)
        return dialog.ended(report)

    try:
        return for_each(setting, projects, dialog.streams, one, options.apply_options().plan)
    finally:
        dialog.close()
