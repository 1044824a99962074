"""Collects what a `plan`, `apply` or `refresh` does, and writes it at the end: `--report` and the job summary.

The files are written in every case: after an error and after an interrupt they have what happened before.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.cli.output.masking import mask
from skaha_apply.cli.output.output_files import check_place
from skaha_apply.cli.output.session_ids import hide_ids
from skaha_apply.cli.output.streams import write_file
from skaha_apply.model.errors import ExitCode, SkahaApplyError
from skaha_apply.render.formats import ResultFormat
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.diagnostics import Diagnostic
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.report import CommandResult, Event, Report

MASKS = 16_384  # bytes for masks that are longer than what they replace
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


class ResultFiles:
    """The files of one invocation.

    Args:
        command: its name.
        entries: `FORMAT=FILE` of each `--report`.
        streams: for notes and warnings.
        everything: a plan as JSON includes unchanged replicas.

    Raises:
        UsageError: a folder of a file does not exist, or cannot be written. Nothing is done before.
    """

    def __init__(
        self, command: str, entries: Sequence[str] | None, streams: Streams, *, everything: bool = False
    ) -> None:
        self._command = command
        self._streams = streams
        self._everything = everything
        self._files = [(ResultFormat[name.upper()], file) for name, _, file in map(_split_entry, entries or ())]
        self._plans: dict[str, Plan] = {}
        self._reports: dict[str, Report] = {}
        self._applied: dict[str, Counter[str]] = {}
        self._diagnostics: tuple[Diagnostic, ...] = ()
        self._errors: list[tuple[BaseException, str]] = []
        for _, file in self._files:
            check_place("report", file)

    def write_after(self, work: Callable[[], ExitCode]) -> ExitCode:
        """Do the work of the command and write the files; returns its exit code, or raises its error.

        Raises `SkahaApplyError` if the work ended and a file cannot be written.
        """
        try:
            code = work()
        except BaseException as error:
            self._add_error(error, "")
            self._write_after_error(_code_of(error))
            raise
        self._write(code)
        return code

    def add_diagnostics(self, found: tuple[Diagnostic, ...]) -> None:
        """Keep the diagnostics of the manifests."""
        self._diagnostics = found

    def add_plan(self, plan: Plan) -> None:
        """Keep the plan of a project."""
        self._plans[plan.project] = plan

    def add_report(self, report: Report) -> None:
        """Keep the report of a project."""
        self._reports[report.project] = report

    @contextmanager
    def recording_errors(self, project: str, number: int) -> Iterator[None]:
        """Keep an error that ends the work of a project; `number` is the number of projects."""
        try:
            yield
        except SkahaApplyError as error:
            self._add_error(error, f"{project}: " if number > 1 else "")
            raise

    def observing(self, project: str, observe: Callable[[Event], None]) -> Callable[[Event], None]:
        """An observer that also keeps what was done in a project, in case it ends early."""
        from skaha_apply.model.report import ActionEnded, EndedEarly  # noqa: PLC0415 - keeps --help fast

        done = self._applied.setdefault(project, Counter())

        def both(event: Event) -> None:
            if isinstance(event, ActionEnded) and event.error is None:
                done[event.action.kind.value] += 1
            elif isinstance(event, EndedEarly):
                self.add_report(event.report)
            observe(event)

        return both

    def result(self, code: ExitCode) -> CommandResult:
        """All that was kept, as the formats take it."""
        from dataclasses import replace  # noqa: PLC0415 - as above

        from skaha_apply.model.report import CommandResult, ProjectResult  # noqa: PLC0415

        projects = []
        for name in dict.fromkeys([*self._plans, *self._reports]):
            report = self._reports.get(name)
            if report is not None and self._applied.get(name):
                report = replace(report, applied=dict(self._applied[name]))
            plan = report.plan if report and report.plan else self._plans.get(name)
            projects.append(ProjectResult(name, plan, report))
        errors = tuple(dict.fromkeys(text for _, text in self._errors))
        return CommandResult(self._command, code, tuple(projects), errors, self._diagnostics)

    def _add_error(self, error: BaseException, prefix: str) -> None:
        if any(known is error for known, _ in self._errors):
            return
        self._diagnostics = getattr(error, "diagnostics", self._diagnostics)
        if isinstance(error, KeyboardInterrupt):
            text = "interrupted"
        elif isinstance(error, SkahaApplyError):
            text = error.located_message.replace(":\n", ": ").replace("\n", "; ")
        else:  # its message can hold a value of the user
            text = f"unexpected {type(error).__name__}"
        self._errors.append((error, prefix + text))

    def _write(self, code: ExitCode) -> None:
        result = self.result(code)
        for form, file in self._files:
            write_file("report", file, hide_ids(form.render(result, everything=self._everything)))
        self._append_summary(result)

    def _write_after_error(self, code: ExitCode) -> None:
        """Write the files; a problem is a warning, because the error of the command matters more."""
        try:
            self._write(code)
        except SkahaApplyError as error:
            self._streams.message("warning", error.message)

    def _append_summary(self, result: CommandResult) -> None:
        """Append the result to the summary of the CI job, if the step has one. A problem is a note."""
        file = os.environ.get(SUMMARY_VARIABLE)
        if not file or self._command == "refresh":
            return
        from skaha_apply.render.results.markdown import SUMMARY, job_summary  # noqa: PLC0415 - only in a CI job

        try:
            with Path(file).open("ab") as summary:
                room = SUMMARY - MASKS - os.fstat(summary.fileno()).st_size
                summary.write(hide_ids(mask(job_summary(result, room))).encode())
        except (OSError, ValueError) as error:
            self._streams.message("note", f"cannot write the job summary {one_line(file)}: {error}")


def _code_of(error: BaseException) -> ExitCode:
    if isinstance(error, SkahaApplyError):
        return error.exit_code
    return ExitCode.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ExitCode.ERROR


def _split_entry(entry: str) -> tuple[str, str, str]:
    return entry.partition("=")
