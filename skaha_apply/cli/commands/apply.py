"""`apply`, `destroy`, `refresh`: what changes the server or the state, shown, asked for and reported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog, EventsOption, ReportFormat
from skaha_apply.cli.option_types import DURATION, duration, interval
from skaha_apply.cli.options import DecisionOptions, Yes
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.cli.projects import TwoSteps, for_each_in_two_steps, load
from skaha_apply.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from skaha_apply.model.project import MissingValues, Project
    from skaha_apply.workflow.reconcile.loop import ApplyRun
    from skaha_apply.workflow.reconcile.request import ApplyOptions
    from skaha_apply.workflow.saved_plan import SavedPlan
    from skaha_apply.workflow.setup.context import Context


class Wait(StrEnum):
    """What `apply` waits for."""

    NONE = "none"
    READY = "ready"
    COMPLETE = "complete"


@dataclass(frozen=True, kw_only=True)
class ApplyArguments(DecisionOptions):
    """The options of `apply`."""

    yes: Yes = False
    wait: Annotated[
        Wait,
        typer.Option(
            help="Go on until what was created runs (ready), or until nothing can change any more (complete)."
        ),
    ] = Wait.NONE
    timeout: Annotated[
        float | None,
        typer.Option(parser=interval, metavar=DURATION, help="Give up after so long, with exit code 10."),
    ] = None
    poll: Annotated[
        float | None,
        typer.Option(parser=interval, metavar=DURATION, help="Look so often while waiting (default: 10s)."),
    ] = None
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Requests in flight at once.")] = 32
    settle: Annotated[
        float | None,
        typer.Option(parser=duration, metavar=DURATION, help="How long a list may lag behind (default: 5s)."),
    ] = None
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most actions that this invocation carries out.")
    ] = None
    init: Annotated[bool, typer.Option("--init", help="In CI: this is the first run, there is no state yet.")] = False
    output: Annotated[ReportFormat, typer.Option("-o", "--output", help="How to print the report.")] = ReportFormat.TEXT
    events: EventsOption = None

    @property
    def missing_values(self) -> MissingValues:
        """No variable may be without a value: what is sent holds them all."""
        from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - keeps --help fast

        return MissingValues.NONE

    def apply_options(self) -> ApplyOptions:
        """The options as the workflow takes them."""
        from skaha_apply.workflow.reconcile.request import ApplyOptions  # noqa: PLC0415 - keeps --help fast

        return ApplyOptions(
            plan=self.plan_options(),
            wait=self.wait.value,
            timeout=self.timeout,
            poll=ApplyOptions().poll if self.poll is None else self.poll,
            limit=self.limit,
            init=self.init,
        )


@command(app, "apply")
def apply(options: ApplyArguments) -> ExitCode:
    """Create, replace and delete sessions until the server holds what the manifests ask for."""
    from skaha_apply.workflow.reconcile import loop  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.reconcile.request import ApplyRequest  # noqa: PLC0415
    from skaha_apply.workflow.setup.context import open_event_file, with_event_file  # noqa: PLC0415

    saved = _saved_plan(options)
    dialog = Dialog(
        options.streams(),
        yes=options.yes or saved is not None,
        as_documents=options.output is ReportFormat.JSON,
    )
    setting = options.setting(concurrency=options.concurrency, settle=options.settle)
    how = options.apply_options()
    if saved is not None:
        setting = replace(setting, paths=saved.paths, project=saved.project, given=saved.given(setting.given))
    projects = load(setting, dialog.streams)

    async def start(context: Context, project: Project) -> ApplyRun:
        chosen = how
        if saved is not None:
            saved.check(context.client.address, [each.name for each in projects])
            chosen = _with_saved_choices(how, saved, project.name)
        context, observe = with_event_file(events, context, project, dialog.progress.for_project(project.name))
        return await loop.start_run(ApplyRequest(context, project, chosen, dialog.approve, observe))

    async def finish(run: ApplyRun) -> ExitCode:
        return dialog.ended(await loop.continue_run(run))

    scope = how.plan if saved is None else None
    with open_event_file(options.events, mask_ids) as events:
        try:
            return for_each_in_two_steps(setting, projects, dialog.streams, TwoSteps(start, finish), scope)
        finally:
            dialog.close(projects)


def _saved_plan(options: ApplyArguments) -> SavedPlan | None:
    """The saved plan that is to be applied, told from its content; None when manifests are."""
    from skaha_apply.workflow.saved_plan import is_plan, read_plan  # noqa: PLC0415 - keeps --help fast

    plans = [path for path in options.paths or () if path != "-" and is_plan(Path(path))]
    if not plans:
        return None
    if len(options.paths or ()) > 1:
        raise UsageError(f"{plans[0]} is a saved plan, which is applied alone", hint="give only the plan")
    given = {
        "--target": options.target,
        "--exclude": options.exclude,
        "--adopt": options.adopt,
        "--take-over": options.take_over,
        "--project": options.project,
    }
    if settled := [name for name, value in given.items() if value]:
        raise UsageError(f"{settled[0]} is settled by the saved plan", hint="plan again with it")
    return read_plan(Path(plans[0]))


def _with_saved_choices(how: ApplyOptions, saved: SavedPlan, project: str) -> ApplyOptions:
    """The options of the call, with what the plan has settled; what lifts a refusal is said anew."""
    plan = replace(saved.options, force=how.plan.force, allow_loss=how.plan.allow_loss)
    return replace(how, plan=plan, approved=saved.approved[project], lineage=saved.lineages[project])
