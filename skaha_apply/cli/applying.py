"""`apply`, `destroy`, `refresh`: what changes the server or the state, shown, asked for and reported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.asking import ask
from skaha_apply.cli.documents import as_json
from skaha_apply.cli.invocation import command as command_again
from skaha_apply.cli.options import AllowsLoss, Choices, Forces, Manifests, Targets, Yes
from skaha_apply.cli.parsers import DURATION, duration, pause
from skaha_apply.cli.projects import for_each, load
from skaha_apply.cli.registry import command
from skaha_apply.cli.session_ids import public
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.cli.projects import Later
    from skaha_apply.cli.streams import Streams
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.report import Report
    from skaha_apply.model.spec import Project
    from skaha_apply.model.variables import Lack
    from skaha_apply.workflow.run import ApplyOptions, Run
    from skaha_apply.workflow.saved import SavedPlan
    from skaha_apply.workflow.world import World

EventsFile = Annotated[
    str | None,
    typer.Option("--events", metavar="FILE", help="Append each change of phase to a file, as a line of JSON."),
]
NOTHING_TO_DELETE = "Nothing to delete: no session of this project is live."


class Wait(StrEnum):
    """What `apply` waits for."""

    NONE = "none"
    READY = "ready"
    COMPLETE = "complete"


class ReportFormat(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, kw_only=True)
class ApplyCall(Choices):
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
        typer.Option(parser=pause, metavar=DURATION, help="Give up after so long, with exit code 10."),
    ] = None
    poll: Annotated[
        float | None,
        typer.Option(parser=pause, metavar=DURATION, help="Look so often while waiting (default: 10s)."),
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
    events: EventsFile = None

    @property
    def lack(self) -> Lack:
        """No variable may be without a value: what is sent holds them all."""
        from skaha_apply.model.variables import Lack  # noqa: PLC0415 - keeps --help fast

        return Lack.NONE

    def apply_options(self) -> ApplyOptions:
        """The options as the workflow takes them."""
        from skaha_apply.workflow.run import ApplyOptions  # noqa: PLC0415 - keeps --help fast

        return ApplyOptions(
            plan=self.plan_options(),
            wait=self.wait.value,
            timeout=self.timeout,
            poll=ApplyOptions().poll if self.poll is None else self.poll,
            limit=self.limit,
            init=self.init,
        )


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
        from skaha_apply.workflow.run import ApplyOptions  # noqa: PLC0415

        allowed = PlanOptions().allow_loss if self.allow_loss is None else self.allow_loss
        return ApplyOptions(
            plan=PlanOptions(force=self.force, allow_loss=allowed, targets=tuple(self.target or ()), destroying=True),
        )


@dataclass(frozen=True, kw_only=True)
class RefreshCall(Manifests):
    """The options of `refresh`."""

    events: EventsFile = None


class Conversation:
    """What a person sees of an apply: the plan, the question, the progress, the report."""

    def __init__(self, streams: Streams, *, yes: bool, as_documents: bool = False, destroying: bool = False) -> None:
        self.streams = streams
        self.narrator = streams.narrator()
        self._yes = yes
        self._as_documents = as_documents
        self._destroying = destroying
        self._reports: list[Report] = []

    async def approve(self, plan: Plan) -> bool:
        """Show the plan, and ask unless it is empty, refused, or approved beforehand."""
        from skaha_apply.render.text import NOTHING, plan_text  # noqa: PLC0415 - keeps --help fast

        self.narrator.close()
        nothing = NOTHING_TO_DELETE if self._destroying else NOTHING
        if self._as_documents:
            self.streams.tell(plan_text(plan, self.streams.err_ink, nothing))
        else:
            self.streams.show(plan_text(plan, self.streams.out_ink, nothing))
        if plan.refused is not None or not plan.has_changes or self._yes:
            return plan.refused is None
        verb = "Destroy these sessions" if self._destroying else "Apply this plan"
        return await ask(self.streams, f"{line(plan.question)} {verb} of {line(plan.project)}?".strip())

    def ended(self, report: Report, nothing: str = "nothing was changed") -> ExitCode:
        """Show a report, at once as text, together with others as JSON."""
        from skaha_apply.render.report import report_text, resume_text  # noqa: PLC0415 - keeps --help fast

        self.narrator.part(report.project).close()
        self._reports.append(report)
        if not self._as_documents:
            self.streams.show(report_text(report, self.streams.out_ink, nothing))
        (self.streams.tell if self._as_documents else self.streams.show)(resume_text(report, command_again()))
        return report.exit_code

    def close(self, projects: Sequence[Project] = ()) -> None:
        """Give the terminal back, and show the reports as JSON, in the order of the projects."""
        from skaha_apply.render.documents import reports_document  # noqa: PLC0415 - keeps --help fast

        self.narrator.close()
        if self._as_documents and self._reports:
            order = {project.name: index for index, project in enumerate(projects)}
            reports = sorted(self._reports, key=lambda report: order.get(report.project, len(order)))
            self.streams.show_document(as_json(reports_document(reports)))


@command(app, "apply")
def apply(options: ApplyCall) -> ExitCode:
    """Create, replace and delete sessions until the server holds what the manifests ask for."""
    from skaha_apply.workflow import apply as workflow  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.telling import closing_events, told_to  # noqa: PLC0415

    saved = _saved_plan(options)
    talk = Conversation(
        options.streams(),
        yes=options.yes or saved is not None,
        as_documents=options.output is ReportFormat.JSON,
    )
    setting = options.setting(concurrency=options.concurrency, settle=options.settle)
    how = options.apply_options()
    if saved is not None:
        setting = replace(setting, paths=saved.paths, project=saved.project, given=saved.given(setting.given))
    projects = load(setting, talk.streams)

    async def one(world: World, project: Project) -> Later:
        chosen = how
        if saved is not None:
            saved.check(world.client.address, [each.name for each in projects])
            chosen = _as_saved(how, saved, project.name)
        world, observe = told_to(events, world, project, talk.narrator.part(project.name))
        return partial(go_on, await workflow.begin(world, project, chosen, talk.approve, observe))

    async def go_on(run: Run) -> ExitCode:
        return talk.ended(await workflow.go_on(run))

    with closing_events(options.events, public) as events:
        try:
            return for_each(setting, projects, talk.streams, one, how.plan if saved is None else None)
        finally:
            talk.close(projects)


@command(app, "destroy")
def destroy(options: DestroyCall) -> ExitCode:
    """Delete what is live and owned; protected sessions stay, and so does the memory of what is done."""
    from skaha_apply.workflow import apply as workflow  # noqa: PLC0415 - keeps --help fast

    talk = Conversation(options.streams(), yes=options.yes, destroying=True)
    setting = options.setting()
    projects = load(setting, talk.streams)

    async def one(world: World, project: Project) -> ExitCode:
        report = await workflow.destroy(world, project, options.apply_options(), talk.approve, talk.narrator)
        return talk.ended(report)

    try:
        return for_each(setting, projects, talk.streams, one, options.apply_options().plan)
    finally:
        talk.close()


@command(app, "refresh")
def refresh(options: RefreshCall) -> ExitCode:
    """Look at the server and record what it shows, logs included; nothing else is done."""
    from skaha_apply.workflow import apply as workflow  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.telling import closing_events, told_to  # noqa: PLC0415

    talk = Conversation(options.streams(), yes=False)
    setting = options.setting()
    projects = load(setting, talk.streams, looks=True)

    async def one(world: World, project: Project) -> ExitCode:
        world, observe = told_to(events, world, project, talk.narrator)
        return talk.ended(await workflow.refresh(world, project, observe), "what the server shows is recorded")

    with closing_events(options.events, public) as events:
        try:
            return for_each(setting, projects, talk.streams, one)
        finally:
            talk.close()


def _saved_plan(options: ApplyCall) -> SavedPlan | None:
    """The saved plan that is to be applied, told from its content; None when manifests are."""
    from skaha_apply.workflow.saved import is_plan, read_plan  # noqa: PLC0415 - keeps --help fast

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


def _as_saved(how: ApplyOptions, saved: SavedPlan, project: str) -> ApplyOptions:
    """The options of the call, with what the plan has settled; what lifts a refusal is said anew."""
    plan = replace(saved.options, force=how.plan.force, allow_loss=how.plan.allow_loss)
    return replace(how, plan=plan, approved=saved.approved[project], lineage=saved.lineages[project])
