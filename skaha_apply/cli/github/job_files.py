"""What a step leaves for its job: outputs, the summary, and annotations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from skaha_apply.cli.output.streams import Streams
from skaha_apply.render.ci_commands import MOST, annotation
from skaha_apply.render.results.markdown import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skaha_apply.model.errors import SkahaApplyError


def write_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Append the outputs of the step, each in one line."""
    lines = [f"{name}={' '.join(value.split())}\n" for name, value in outputs.items()]
    _append(environ, "GITHUB_OUTPUT", "".join(lines))


def append_summary(environ: Mapping[str, str], text: str) -> None:
    """Append Markdown to the summary of the step, up to its size."""
    file = Path(environ.get("GITHUB_STEP_SUMMARY") or "/")
    size = file.stat().st_size if file.is_file() else 0
    if size + len(text.encode()) <= SUMMARY:
        _append(environ, "GITHUB_STEP_SUMMARY", text)


def _append(environ: Mapping[str, str], variable: str, text: str) -> None:
    """Append to a file of the runner; a problem is a note, because the work of the step is done."""
    file = environ.get(variable)
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        Streams().message("note", f"cannot write to {variable}: {error.strerror or error}")


def show_error(error: SkahaApplyError) -> None:
    """Print an error as an annotation."""
    text = f"{error.message}\n{error.hint}" if error.hint else error.message
    Streams().show_commands(f"{annotation('error', text, {'title': 'skaha-apply'})}\n")


def show_failures(report: Mapping[str, Any]) -> None:
    """Print an annotation for each error of a report in JSON: at most as many as a step shows."""
    found = list(_failures(report))
    more = [annotation("notice", f"and {len(found) - MOST} more errors in the log of this step", {})]
    lines = [*found[:MOST], *(more if len(found) > MOST else [])]
    Streams().show_commands("".join(f"{line}\n" for line in lines))


def _failures(report: Mapping[str, Any]) -> Iterator[str]:
    """Errors of the manifests, of the command, of actions, then failed replicas with their cause."""
    for one in report.get("lint", {}).get("diagnostics", ()):
        if one["severity"] == "error":
            place = {"file": one["file"], "line": one["line"], "col": one["column"], "title": one["rule"]}
            yield annotation("error", f"{one['summary']}\n{one['detail']}".rstrip(), place)
    if not report.get("lint", {}).get("errors"):
        yield from (annotation("error", text, {"title": "skaha-apply"}) for text in report.get("errors", ()))
    for project in report.get("reports", (report,)):
        for one in project.get("failed", ()):
            yield annotation("error", one["error"], {"title": f"{one['action']} {one['name']}"})
        for cause in project.get("causes", ()):
            yield _failed_replicas(cause["names"][0], cause["count"], cause["cause"])
        silent = [one["name"] for one in project.get("sessions", ()) if one["phase"] == "failed" and not one["cause"]]
        if silent:
            yield _failed_replicas(silent[0], len(silent), "neither the log nor the events state a cause")


def _failed_replicas(first: str, count: int, cause: str) -> str:
    """One annotation for all replicas that failed for the same cause."""
    others = f" and {count - 1} more" if count > 1 else ""
    return annotation("error", cause, {"title": f"{first}{others} failed"})
