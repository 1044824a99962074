"""The result of a command as Markdown, for a comment on a merge request or the summary of a CI job."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.render import action_labels
from skaha_apply.render.lint.text import diagnostic_text
from skaha_apply.render.plan.markdown import COMMENT, escaped, plans_markdown
from skaha_apply.render.printable import truncate
from skaha_apply.render.results.numbers import numbers_text
from skaha_apply.render.run.failures import cause_lines
from skaha_apply.render.run.lines import counts_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.report import CommandResult, Report

SUMMARY = 1_048_576  # bytes that GitHub accepts in the summary of a step
LEAST = 1000  # bytes
MOST = 20  # failures, errors and diagnostics that are listed
WIDTH = 500  # characters of one of them


def render(result: CommandResult, **_: bool) -> str:
    """The text of the format `markdown`: at most `COMMENT` characters."""
    return result_markdown(result)


def job_summary(result: CommandResult, room: int = SUMMARY) -> str:
    """The result in at most `room` bytes of UTF-8; "" if that is too little to state anything."""
    limit = room
    if room < LEAST:
        return ""
    text = result_markdown(result, limit)
    while (size := len(text.encode())) > room:
        limit = limit * room // size - 1
        text = result_markdown(result, limit)
    return text


def result_markdown(result: CommandResult, limit: int = COMMENT) -> str:
    """The result in at most `limit` characters: errors and numbers first, then as much of the plans as fits."""
    reports = [_report(one.report) for one in result.projects if one.report is not None]
    digests = [f"Digest of {escaped(one.project)}: `{one.plan.digest}`." for one in result.projects if one.plan]
    numbers = "  \n".join([*(digests[:MOST] if result.command == "plan" else []), numbers_text(result)])
    foot = "\n".join([f"\n{numbers}", *_listed("error", result.errors), *_diagnostics(result)]) + "\n"
    plans = [one.plan for one in result.projects if one.plan is not None]
    if result.command == "plan":
        return (plans_markdown(plans, limit - len(foot)) + foot)[: max(limit, 0)]
    head = "" if reports else f"### skaha-apply {result.command}: exit code {int(result.exit_code)}\n"
    return truncate("\n".join([head, *reports]).lstrip("\n") + foot, max(limit, 0))


def _report(report: Report) -> str:
    """What was done in one project, what was not, and why replicas failed."""
    done = action_labels.applied_counts(report.applied) or "nothing was changed"
    phases = Counter(one.phase for one in report.sessions)
    lines = [f"### {escaped(report.project)}: {done}\n"]
    if phases:
        lines.append(f"Replicas: {escaped(counts_line(phases))}.\n")
    lines += _listed("not carried out", [f"{one.action} {one.name}: {one.error}" for one in report.failed])
    lines += [f"- {escaped(truncate(line, WIDTH))}" for line in cause_lines(report.causes)]
    lines += [f"- {escaped(truncate(note, WIDTH))}" for note in report.notes[:MOST]]
    return "\n".join(lines) + "\n"


def _diagnostics(result: CommandResult) -> Iterable[str]:
    return _listed("diagnostic", [diagnostic_text(one).partition("\n")[0] for one in result.diagnostics])


def _listed(word: str, texts: Iterable[str]) -> list[str]:
    """A list of the first texts, each in one line that acts on nothing; the others are counted."""
    given = list(texts)
    lines = [f"- **{word}:** {escaped(truncate(one, WIDTH))}" for one in given[:MOST]]
    more = [f"- … and {counted(len(given) - MOST, 'other')}"] if len(given) > MOST else []
    return ["", *lines, *more] if lines else []
