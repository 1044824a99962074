"""The dialog with a person: the question for approval, and plan, progress and report of `apply` and the like."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from skaha_apply.cli.event_loop import input_line
from skaha_apply.cli.invocation import complete_lines, complete_reason, project_command, repeat_command, repeat_with
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.model.reasons import ReasonCode
from skaha_apply.render.printable import as_json, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.errors import ExitCode
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Report


NOTHING_TO_DELETE = "Nothing to delete: this project has no live session."


class Dialog:
    """Prints plan, question, progress and report. With `as_documents`, reports are JSON and the rest goes to stderr."""

    def __init__(self, streams: Streams, *, yes: bool, as_documents: bool = False, destroying: bool = False) -> None:
        self.streams = streams
        self.progress = streams.progress()
        self._yes = yes
        self._as_documents = as_documents
        self._destroying = destroying
        self._reports: list[Report] = []
        self._approved: list[str] = []  # projects

    async def approve(self, plan: Plan) -> bool:
        """Print the plan, and ask for approval unless it is empty, refused, or approved before."""
        from skaha_apply.render.plan.text import NOTHING, plan_text  # noqa: PLC0415 - keeps --help fast
        from skaha_apply.render.reasons import reason_text  # noqa: PLC0415

        self.progress.close()
        nothing = NOTHING_TO_DELETE if self._destroying else NOTHING
        if self._as_documents:
            self.streams.notify(complete_lines(plan_text(plan, self.streams.err_paint, nothing)))
        else:
            self.streams.show(complete_lines(plan_text(plan, self.streams.out_paint, nothing)))
        if plan.refused is not None or not plan.has_changes or self._yes:
            return plan.refused is None
        known = f"{one_line(reason_text(plan.question))}. " if plan.question else ""
        action = "Destroy these sessions" if self._destroying else "Apply this plan"
        agreed = await ask(
            self.streams,
            f"{known}{action} of {one_line(plan.project)}{_where(plan)}?",
            declined=_declined(self._approved),
        )
        self._approved += [plan.project] if agreed else []
        return agreed

    def show_report(self, report: Report, nothing: str = "nothing was changed") -> ExitCode:
        """Print a report: at once as text, or at the end with the other reports as JSON."""
        from skaha_apply.render.run.report import report_text  # noqa: PLC0415 - keeps --help fast

        self.progress.for_project(report.project).close()
        self._reports.append(report)
        if not self._as_documents:
            self.streams.show(report_text(report, self.streams.out_paint, nothing, complete_reason))
        if not self._destroying:
            (self.streams.notify if self._as_documents else self.streams.show)(self._next_steps(report))
        return report.exit_code

    def _next_steps(self, report: Report) -> str:
        from skaha_apply.render.run.next_steps import NextCommands, next_steps_text  # noqa: PLC0415 - keeps --help fast

        project = f" --project {shlex.quote(report.project)}"
        rerun = project_command(f"mark rerun --phase failed{project}")
        return next_steps_text(report, NextCommands(repeat_command(), rerun, repeat_with))

    async def stay(self, project: str, waiting: str) -> bool:
        """Ask whether to stay until all work has ended, if a person is there; `waiting` is what waits, and why."""
        if not waiting or self._yes or self._as_documents or sys.stdin is None or not sys.stdin.isatty():
            return False
        self.progress.close()
        self.streams.notify(
            f"{one_line(project)}: {one_line(waiting)}.\n"
            "If you leave, running sessions continue; this command resumes the work:\n"
            f"  {repeat_command()}\n"
        )
        return await ask(
            self.streams, "Stay until all work has ended?", declined="running sessions continue on the server"
        )

    def close(self, projects: Sequence[Project] = ()) -> None:
        """Close the live table, and print the reports as JSON, in the order of the projects."""
        self.progress.close()
        if self._as_documents and self._reports:
            from skaha_apply.render.plan.documents import reports_document  # noqa: PLC0415 - pydantic, for JSON only

            order = {project.name: index for index, project in enumerate(projects)}
            reports = sorted(self._reports, key=lambda report: order.get(report.project, len(order)))
            self.streams.show_document(as_json(reports_document(reports)))


def _where(plan: Plan) -> str:
    """Where the plan is carried out, for the question: named if a sandbox runs for the project."""
    codes = {note.code for note in plan.notes}
    if ReasonCode.SANDBOX in codes:
        return " in the sandbox"
    return f" on {one_line(plan.server)}, not in the sandbox" if ReasonCode.SANDBOX_UNUSED in codes else ""


def _declined(approved: Sequence[str]) -> str:
    """What an interrupt at a question leaves, after the plans of these projects were approved."""
    if not approved:
        return "nothing was changed"
    return f"this plan was not carried out; the sessions of {', '.join(map(one_line, approved))} continue on the server"


async def ask(streams: Streams, question: str, *, declined: str = "nothing was changed") -> bool:
    """Ask on standard error and read standard input. Only `y` and `yes` approve; the end of the input declines.

    Signals work while it waits: an interrupt prints `declined`.

    Raises:
        UsageError: if standard input is not a terminal.
        SkahaApplyError: if the text that the question is about could not be written.
    """
    if streams.has_lost_output:
        raise SkahaApplyError(
            "nothing was changed: the text that you would approve could not be written to standard output"
        )
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        raise UsageError(
            "approval is required, and standard input is not a terminal; nothing was changed",
            hint=f"to approve without a question: {repeat_command()} --yes",
        )
    streams.notify(f"{question} [y/N] ")
    try:
        typed = await input_line()
    except BaseException:  # an interrupt
        streams.notify(f"\ninterrupted: {declined}\n")
        raise
    if not typed.endswith("\n"):  # the end of the input
        streams.notify("\n")
    return typed.strip().lower() in ("y", "yes")
