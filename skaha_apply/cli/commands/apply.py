"""`apply`: carry out a plan after approval, and wait for its sessions if asked to."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog
from skaha_apply.cli.help import EXIT_CODES, SAFETY, SELECTION, SERVER, WAITING
from skaha_apply.cli.invocation import set_paths
from skaha_apply.cli.option_types import digest, interval
from skaha_apply.cli.options import DecisionOptions, RecordOptions
from skaha_apply.cli.output.output_files import check_outputs
from skaha_apply.cli.output.page_file import PageFile
from skaha_apply.cli.output.result_files import ResultFiles
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.cli.projects import TwoSteps, for_each_in_two_steps, load
from skaha_apply.cli.shared_options import (
    EventsOption,
    HtmlOption,
    PublicOption,
    ReportOption,
    TextOrJson,
    YesOption,
    duration_option,
    format_option,
)
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import MissingValues, Project
    from skaha_apply.workflow.event_file import EventFile
    from skaha_apply.workflow.reconcile.loop import ApplyRun
    from skaha_apply.workflow.reconcile.request import ApplyOptions, ApplyRequest
    from skaha_apply.workflow.saved_plan import SavedPlan
    from skaha_apply.workflow.setup.context import Context
    from skaha_apply.workflow.setup.settings import Settings


class Wait(StrEnum):
    """What `apply` waits for."""

    NONE = "none"
    READY = "ready"
    COMPLETE = "complete"


@dataclass(frozen=True, kw_only=True)
class ApplyArguments(DecisionOptions, RecordOptions):
    """The options of `apply`."""

    yes: YesOption = False
    wait: Annotated[
        Wait,
        typer.Option(
            help="Wait until created sessions run (ready) or all work has ended (complete) (default: none)",
            rich_help_panel=WAITING,
        ),
    ] = Wait.NONE
    timeout: Annotated[
        float | None,
        duration_option(
            "Time after which the wait stops with exit code 10 (default: no limit)", WAITING, parser=interval
        ),
    ] = None
    poll: Annotated[
        float | None,
        duration_option("Interval between passes while waiting (default: 10s)", WAITING, parser=interval),
    ] = None
    concurrency: Annotated[
        int,
        typer.Option(
            min=1,
            max=256,
            metavar="N",
            help="Number of requests in flight at the same time, at most 256 (default: 32)",
            rich_help_panel=SERVER,
        ),
    ] = 32
    settle: Annotated[
        float | None,
        duration_option("Time for which a session listing can be out of date (default: 5s)", WAITING),
    ] = None
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Largest number of actions in this invocation (default: all)",
            rich_help_panel=SELECTION,
        ),
    ] = None
    digest: Annotated[
        list[str] | None,
        typer.Option(
            parser=digest,
            metavar="DIGEST",
            help="Apply without a question if the plan has this digest, else exit with 5; repeatable (default: none)",
            rich_help_panel=SAFETY,
        ),
    ] = None
    init: Annotated[
        bool,
        typer.Option("--init", help="In CI: allow the first apply, which creates the state", rich_help_panel=SAFETY),
    ] = False
    output: Annotated[TextOrJson, format_option("report")] = TextOrJson.TEXT
    report: ReportOption = None
    html: HtmlOption = None
    public: PublicOption = False
    events: EventsOption = None

    @property
    def missing_values(self) -> MissingValues:
        """Every variable must have a value, because requests contain the values."""
        from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - keeps --help fast

        return MissingValues.NONE

    def setting(self) -> Settings:
        """The settings, with what only `apply` decides."""
        setting = replace(super().setting(), concurrency=self.concurrency)
        return setting if self.settle is None else replace(setting, settle=self.settle)

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
            digests=frozenset(self.digest or ()),
        )


@command(
    app,
    "apply",
    examples=(
        "skaha-apply apply --sandbox plan.json",
        "skaha-apply apply --sandbox --yes --wait complete --timeout 2h",
        "skaha-apply apply --sandbox --yes --target reduce/1-2",
    ),
    exit_codes={code: text for code, text in EXIT_CODES.items() if code is not ExitCode.CHANGES},
)
def apply(options: ApplyArguments) -> ExitCode:
    """Create, replace and delete sessions as manifests describe.

    Prints the plan, asks for approval, carries it out, and records in the state what was created. Takes manifests, or
    one plan that `plan --out` saved. Without --wait it ends when the requests are sent, and the sessions continue on
    the server. After an interruption, the same command finds every created session.
    """
    check_outputs({"--html": options.html, "--events": options.events}, options.report)
    streams = options.streams()
    results = ResultFiles("apply", options.report, streams)
    poll = None if options.wait is Wait.NONE else options.apply_options().poll
    page = PageFile(options.html, streams, public=options.public, poll=poll)
    return results.write_after(lambda: _apply(options, streams, results, page))


def _apply(options: ApplyArguments, streams: Streams, results: ResultFiles, page: PageFile) -> ExitCode:
    from skaha_apply.workflow.reconcile import loop  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.context import open_event_file  # noqa: PLC0415

    saved = _saved_plan(options)
    as_documents = options.output is TextOrJson.JSON
    dialog = Dialog(streams, yes=bool(options.yes or saved or options.digest), as_documents=as_documents)
    setting = options.setting()
    if saved is not None:
        set_paths(saved.paths)
        setting = replace(setting, paths=saved.paths, project=saved.project, given=saved.given(setting.given))
    projects = load(setting, streams, results)
    page.order(projects)
    how = options.apply_options()

    async def start(context: Context, project: Project) -> ApplyRun:
        with results.recording_errors(project.name, len(projects)):
            chosen = how
            if saved is not None:
                saved.check(context.client.address, [each.name for each in projects])
                chosen = _with_saved_choices(how, saved, project.name)
            run = await loop.start_run(_request(context, project, chosen, (dialog, results, events, page)))
            if await dialog.stay(project.name, loop.what_waits(run)):
                loop.stay(run)
            return run

    async def finish(run: ApplyRun) -> ExitCode:
        with results.recording_errors(run.request.project.name, len(projects)):
            report = await loop.continue_run(run)
        results.add_report(report)
        return dialog.show_report(report)

    scope = how.plan if saved is None else None
    with open_event_file(options.events, mask_ids) as events:
        try:
            code = for_each_in_two_steps(setting, projects, streams, TwoSteps(start, finish), scope)
            page.check()
            return code
        finally:
            dialog.close(projects)


def _request(
    context: Context,
    project: Project,
    how: ApplyOptions,
    seen_by: tuple[Dialog, ResultFiles, EventFile | None, PageFile],
) -> ApplyRequest:
    """The request of one project, whose plan, events and passes the dialog, the reports, the files and the page get."""
    from skaha_apply.workflow.reconcile.request import ApplyRequest  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.context import with_event_file  # noqa: PLC0415

    dialog, results, events, page = seen_by

    async def approve(plan: Plan) -> bool:
        results.add_plan(plan)
        return await dialog.approve(plan)

    shown = results.observing(project.name, dialog.progress.for_project(project.name))
    context, observe = with_event_file(events, context, project, shown)
    return ApplyRequest(context, project, how, approve, observe, page.after_pass)


def _saved_plan(options: ApplyArguments) -> SavedPlan | None:
    """The saved plan among the paths, recognized by its content; None if the paths are manifests."""
    from skaha_apply.workflow.saved_plan import is_plan, read_plan  # noqa: PLC0415 - keeps --help fast

    plans = [path for path in options.paths or () if path != "-" and is_plan(Path(path))]
    if not plans:
        return None
    if len(options.paths or ()) > 1:
        raise UsageError(f"{plans[0]} is a saved plan, so no other path is allowed", hint="remove the other paths")
    given = {
        "--target": options.target,
        "--exclude": options.exclude,
        "--adopt": options.adopt,
        "--take-over": options.take_over,
        "--project": options.project,
    }
    if fixed := [name for name, value in given.items() if value]:
        raise UsageError(
            f"the saved plan {plans[0]} already decides {fixed[0]}",
            hint=f"remove {fixed[0]}, or save a new plan with it: `skaha-apply plan --out {plans[0]}`",
        )
    return read_plan(Path(plans[0]))


def _with_saved_choices(how: ApplyOptions, saved: SavedPlan, project: str) -> ApplyOptions:
    """The options, with the choices of the saved plan. --force and --allow-loss must be given again."""
    plan = replace(saved.options, force=how.plan.force, allow_loss=how.plan.allow_loss)
    return replace(how, plan=plan, approved=saved.approved[project], lineage=saved.lineages[project])
