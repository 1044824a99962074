"""`refresh`: list the sessions, record what the server reports, and save logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.dialog import Dialog
from skaha_apply.cli.help import EXIT_CODES
from skaha_apply.cli.options import ManifestOptions, RecordOptions
from skaha_apply.cli.output.output_files import check_outputs
from skaha_apply.cli.output.page_file import PageFile
from skaha_apply.cli.output.result_files import ResultFiles
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.cli.projects import for_each, load
from skaha_apply.cli.shared_options import EventsOption, HtmlOption, PublicOption, ReportOption
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.context import Context


_CODES = (ExitCode.OK, ExitCode.ERROR, ExitCode.USAGE, ExitCode.LOCKED, ExitCode.PARTIAL, ExitCode.UNFINISHED)
_MEANINGS = {ExitCode.ERROR: "error", ExitCode.UNFINISHED: "a replica has failed since the last pass"}


@dataclass(frozen=True, kw_only=True)
class RefreshArguments(ManifestOptions, RecordOptions):
    """The options of `refresh`."""

    report: ReportOption = None
    html: HtmlOption = None
    public: PublicOption = False
    events: EventsOption = None


@command(
    app,
    "refresh",
    examples=("skaha-apply refresh --sandbox", "skaha-apply refresh --sandbox --report junit=refresh.xml"),
    exit_codes={code: _MEANINGS.get(code, text) for code, text in EXIT_CODES.items() if code in _CODES},
)
def refresh(options: RefreshArguments) -> ExitCode:
    """Update the state from the server, and save logs.

    Lists the sessions, records their phases in the state, and saves the logs of sessions that ended. Creates and
    deletes nothing. Run it on a schedule between two applies, because the server lists an ended session for one hour.
    """
    check_outputs({"--html": options.html, "--events": options.events}, options.report)
    dialog = Dialog(options.streams(), yes=False)
    results = ResultFiles("refresh", options.report, dialog.streams)
    page = PageFile(options.html, dialog.streams, public=options.public)
    return results.write_after(lambda: _refresh(options, dialog, results, page))


def _refresh(options: RefreshArguments, dialog: Dialog, results: ResultFiles, page: PageFile) -> ExitCode:
    from skaha_apply.workflow.reconcile import loop as workflow  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.context import open_event_file, with_event_file  # noqa: PLC0415

    setting = options.setting()
    projects = load(setting, dialog.streams, results, warn=False)
    page.order(projects)

    async def one(context: Context, project: Project) -> ExitCode:
        with results.recording_errors(project.name, len(projects)):
            seen = results.observing(project.name, dialog.progress)
            context, observe = with_event_file(events, context, project, seen)
            report = await workflow.refresh(context, project, observe, page.after_pass)
            results.add_report(report)
        return dialog.show_report(report, "the state is up to date with the server")

    with open_event_file(options.events, mask_ids) as events:
        try:
            code = for_each(setting, projects, dialog.streams, one)
            page.check()
            return code
        finally:
            dialog.close()
