"""`plan`: show what `apply` would change. It takes no lock and writes only the files that its options name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import EXIT_CODES, OUTPUT, SERVER
from skaha_apply.cli.invocation import complete_lines, repeat_with
from skaha_apply.cli.options import DecisionOptions
from skaha_apply.cli.output.output_files import check_outputs
from skaha_apply.cli.output.page_file import PageFile
from skaha_apply.cli.output.result_files import SUMMARY_VARIABLE, ResultFiles
from skaha_apply.cli.projects import for_each, for_each_offline, load
from skaha_apply.cli.shared_options import HtmlOption, PublicOption, ReportOption, format_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.formats import Medium, PlanFormat

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.display.page import ProjectPage
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.planning.situation import Situation
    from skaha_apply.workflow.setup.context import Context, StateLocation
    from skaha_apply.workflow.setup.settings import Settings


@dataclass(frozen=True, kw_only=True)
class PlanArguments(DecisionOptions):
    """The options of `plan`."""

    output: Annotated[PlanFormat, format_option("plan")] = PlanFormat.TEXT
    all: Annotated[
        bool, typer.Option("--all", help="With -o json: list done and unchanged replicas too", rich_help_panel=OUTPUT)
    ] = False
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File in which to save the plan, for `apply FILE` (default: none)",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    report: ReportOption = None
    html: HtmlOption = None
    public: PublicOption = False
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 if the plan has changes", rich_help_panel=OUTPUT),
    ] = False
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Compare manifests with the state only; send nothing to the server",
            rich_help_panel=SERVER,
        ),
    ] = False

    @property
    def is_overview(self) -> bool:
        """Whether the result only counts done replicas."""
        has_documents = self.out or self.html or self.report or os.environ.get(SUMMARY_VARIABLE)
        return self.output is PlanFormat.TEXT and not has_documents

    def check(self) -> None:
        """Raise `UsageError` for options that require a listing, together with --offline."""
        given = {"--out": self.out, "--adopt": self.adopt, "--take-over": self.take_over}
        online = [name for name, value in given.items() if value]
        if self.offline and self.pretend is not None:
            hint = "remove --offline, or write --sandbox to use the state of the sandbox"
            raise UsageError("--offline and --pretend exclude each other: --offline starts no sandbox", hint=hint)
        if self.offline and online:
            raise UsageError(
                f"--offline and {online[0]} exclude each other: {online[0]} requires the session listing",
                hint=f"remove --offline, or remove {online[0]}",
            )


@command(
    app,
    "plan",
    examples=(
        "skaha-apply plan --sandbox",
        "skaha-apply plan --sandbox --out plan.json manifests/",
        "skaha-apply plan --sandbox --detailed-exitcode -o json",
    ),
    exit_codes={
        ExitCode.OK: "success, with or without changes",
        ExitCode.ERROR: EXIT_CODES[ExitCode.ERROR].partition(",")[0],
        ExitCode.CHANGES: "changes are pending (only with --detailed-exitcode)",
        ExitCode.USAGE: EXIT_CODES[ExitCode.USAGE],
        ExitCode.INTERRUPTED: EXIT_CODES[ExitCode.INTERRUPTED],
    },
)
def plan(options: PlanArguments) -> ExitCode:
    """Show what apply would change, and why.

    Reads the manifests, the state and the sessions that the server lists, and prints one line for each group of
    replicas with the same action. Takes no lock, and writes only the files that you name. Use it before each apply, and
    in CI to review a change of a manifest.
    """
    from skaha_apply.manifest import collector_at_rest  # noqa: PLC0415 - keeps --help fast

    options.check()
    check_outputs({"--out": options.out, "--html": options.html}, options.report)
    streams = options.streams()
    results = ResultFiles("plan", options.report, streams, everything=options.all)
    page = PageFile(options.html, streams, public=options.public)
    with collector_at_rest(for_good=True):  # the process ends with this command
        return results.write_after(lambda: _plan(options, streams, results, page))


def _page_of_plan(location: StateLocation, project: Project, situation: Situation, made: Plan) -> ProjectPage:
    from skaha_apply.workflow.page import page_of_plan  # noqa: PLC0415 - few plans make a page

    return page_of_plan(location, project, situation, made)


def _plan(options: PlanArguments, streams: Streams, results: ResultFiles, page: PageFile) -> ExitCode:
    from skaha_apply.workflow.plan import observe_and_plan, offline_plan_from, offline_situation  # noqa: PLC0415

    setting = options.setting()
    projects = load(setting, streams, results)
    page.order(projects)
    plan_options = options.plan_options()
    made: list[Plan] = []
    lineages: list[str] = []

    def keep(location: StateLocation, project: Project, situation: Situation, new: Plan) -> ExitCode:
        page.add(lambda: _page_of_plan(location, project, situation, new))
        made.append(new)
        results.add_plan(new)
        return ExitCode.CHANGES if options.detailed_exitcode and new.has_changes else ExitCode.OK

    async def one(context: Context, project: Project) -> ExitCode:
        with results.recording_errors(project.name, len(projects)):
            situation, new = await observe_and_plan(context, project, plan_options, whole=not options.is_overview)
            lineages.append("" if situation.new_state else situation.state.lineage)
            return keep(context.location, project, situation, new)

    async def one_offline(location: StateLocation, project: Project) -> ExitCode:
        with results.recording_errors(project.name, len(projects)):
            situation = await offline_situation(location, project, plan_options)
            return keep(location, project, situation, offline_plan_from(project, situation))

    scope = (setting, projects, streams)
    code = (
        for_each_offline(*scope, one_offline, plan_options) if options.offline else for_each(*scope, one, plan_options)
    )
    if made:
        _show(options, streams, made)
    if options.out is not None and len(made) == len(projects):
        _save(options.out, (setting, plan_options), list(zip(made, lineages, strict=True)), projects)
    page.check()
    return code


def _save(
    file: str, how: tuple[Settings, PlanOptions], plans: list[tuple[Plan, str]], projects: tuple[Project, ...]
) -> None:
    from skaha_apply.workflow.saved_plan import write_plan  # noqa: PLC0415 - only --out requires it

    write_plan(Path(file), *how, plans, projects)


def _show(options: PlanArguments, streams: Streams, plans: list[Plan]) -> None:
    text = options.output.render(plans, streams.out_paint, everything=options.all)
    medium = options.output.medium
    streams.show_rendered(complete_lines(text) if medium is Medium.TEXT else text, medium)
    if medium is Medium.TEXT:
        streams.show(_conflict_steps(plans))


def _conflict_steps(plans: list[Plan]) -> str:
    """The command lines that resolve conflicts with unmanaged sessions; "" without a conflict."""
    from skaha_apply.render.run.next_steps import conflict_steps  # noqa: PLC0415 - keeps --help fast

    actions = [action for each in plans for action in each.actions]
    return "".join(f"{line}\n" for line in conflict_steps(actions, repeat_with))
