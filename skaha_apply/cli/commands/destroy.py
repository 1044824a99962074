"""`destroy`: delete the live sessions of a project and keep the records of finished work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog
from skaha_apply.cli.options import ManifestOptions, RecordOptions
from skaha_apply.cli.projects import for_each, load
from skaha_apply.cli.shared_options import AllowLossOption, ForceOption, TargetOption, YesOption
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode  # noqa: TC001 - the command reads its hints

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.reconcile.request import ApplyOptions
    from skaha_apply.workflow.setup.context import Context


@dataclass(frozen=True, kw_only=True)
class DestroyArguments(ManifestOptions, RecordOptions):
    """The options of `destroy`."""

    yes: YesOption = False
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


@command(
    app,
    "destroy",
    examples=(
        "skaha-apply destroy --sandbox --yes --target reduce/3",
        "skaha-apply destroy --sandbox --yes",
    ),
)
def destroy(options: DestroyArguments) -> ExitCode:
    """Delete the live sessions of the project.

    Prints the sessions that it would delete, and asks for approval. Deletes only sessions that the state owns.
    Protected sessions stay and are reported. The records of finished work stay in the state, so a later apply does not
    rerun it.
    """
    from skaha_apply.workflow.reconcile import loop as workflow  # noqa: PLC0415 - keeps --help fast

    dialog = Dialog(options.streams(), yes=options.yes, destroying=True)
    setting = options.setting()
    projects = load(setting, dialog.streams)

    async def one(context: Context, project: Project) -> ExitCode:
        report = await workflow.destroy(context, project, options.apply_options(), dialog.approve, dialog.progress)
        return dialog.show_report(report)

    try:
        return for_each(setting, projects, dialog.streams, one, options.apply_options().plan)
    finally:
        dialog.close()
