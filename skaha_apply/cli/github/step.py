"""A step that runs a command of the tool, and leaves its result in outputs, summary and annotations."""

from __future__ import annotations

import json
import tempfile
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skaha_apply.cli import main
from skaha_apply.cli.github.job_files import append_summary, show_failures, write_outputs
from skaha_apply.cli.output.outlet import standard_output
from skaha_apply.model.errors import ExitCode
from skaha_apply.render.printable import printable_lines
from skaha_apply.render.results.comment import read_comments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.cli.github.inputs import Inputs

REVIEWED = "skaha-apply-reviewed.md"  # in the temporary folder of the job: the plans that `reviewed` has found
MOST_DIFFERENCES = 400  # lines
WIDEST = 400  # characters of such a line


def run_command(inputs: Inputs, environ: Mapping[str, str]) -> int:
    """Run the command in this process, so that it gets the signals of the runner; returns its exit code."""
    temporary = environ.get("RUNNER_TEMP") or None
    folder = Path(tempfile.mkdtemp(prefix="skaha-apply-", dir=temporary))
    code = main(command_words(inputs, folder))
    report = _read(folder / "report.json")
    with standard_output():
        if code not in (ExitCode.OK, ExitCode.CHANGES):
            show_failures(report or _unknown_failure(inputs.command, code))
        write_outputs(environ, _outputs(code, report, folder))
        if code == ExitCode.STALE and inputs.digests:
            reviewed = Path(temporary or folder) / REVIEWED
            append_summary(environ, _difference(inputs.digests, report, reviewed, folder / "comment.md"))
    return code


def command_words(inputs: Inputs, folder: Path) -> list[str]:
    """The command line: options of the action, then those of the workflow, then the paths after `--`."""
    report = ["--report", f"json={folder / 'report.json'}"]
    comment = ["--report", f"comment={folder / 'comment.md'}"]
    saved = [] if {"--offline", "--out"} & set(inputs.args) else ["--out", str(folder / "plan")]
    approval = [word for digest in inputs.digests for word in ("--digest", digest)] or ["--yes"]
    own = {
        "lint": ["-o", "github"],
        "plan": [*report, *comment, *saved],
        "apply": [*report, *comment, *approval],
        "refresh": report,
        "doctor": [],
    }[inputs.command]
    state = ["--state", inputs.state] if inputs.state and inputs.command != "lint" else []
    return [inputs.command, *own, *state, *inputs.args, "--", *inputs.paths]


def _read(file: Path) -> dict[str, Any]:
    """The report of the command; empty if the command wrote none."""
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _unknown_failure(command: str, code: int) -> dict[str, Any]:
    """The report of a command that writes none; `lint` prints annotations itself."""
    return {} if command == "lint" else {"errors": [f"{command} ended with exit code {code}; see the log of this step"]}


def _outputs(code: int, report: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The outputs of the step. `digest` has the digest of each plan, in the order of the projects."""
    projects = report.get("plans") or report.get("reports") or [report]
    plans = [one for one in projects if one.get("digest")]
    reports = [one for one in projects if "applied" in one]
    changes = any(one.get("has_changes") for one in plans) or any(one["applied"] for one in reports)
    files = {name: folder / file for name, file in (("plan-file", "plan"), ("comment-file", "comment.md"))}
    return {
        "exit-code": str(code),
        "digest": " ".join(one["digest"] for one in plans),
        "has-changes": str(changes).lower(),
        **{name: str(file) if file.exists() else "" for name, file in files.items()},
    }


def _difference(digests: tuple[str, ...], report: Mapping[str, Any], reviewed: Path, now: Path) -> str:
    """Why nothing was applied, as Markdown: the digests, and what differs between the reviewed plan and this one."""
    before, after = _plan_texts(reviewed), _plan_texts(now)
    lines = [line.rstrip("\n") for line in unified_diff(before, after, "reviewed plan", "plan now", lineterm="")]
    shown = [printable_lines(line)[:WIDEST].replace("`", "'") for line in (lines if before else after)]
    cut = [f"… and {len(shown) - MOST_DIFFERENCES} more lines"] if len(shown) > MOST_DIFFERENCES else []
    fenced = "\n".join(["```diff", *shown[:MOST_DIFFERENCES], *cut, "```"])
    errors = "; ".join(report.get("errors", ()))
    about = f"{errors.replace('`', '')}\n" if errors else ""
    return (
        f"### Nothing was applied: the plan is not the reviewed one\n\n{about}"
        f"\nReviewed: `{' '.join(digests)}`\n\n{fenced}\n"
    )


def _plan_texts(file: Path) -> list[str]:
    """The lines of the plans in a file of comments; none if there is no such file."""
    try:
        plans = read_comments(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [line for plan in plans for line in plan.text.split("\n")]
