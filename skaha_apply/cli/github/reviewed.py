"""`reviewed`: the digests of the plans that were reviewed in the pull request of the pushed commit.

They come from the comments that the workflow of this repository wrote about the last commit of the pull request. A plan
from a fork is not taken: its text and digest could be made up.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.cli.github.api import GitHub
from skaha_apply.cli.github.comment import own_comments
from skaha_apply.cli.github.job_files import append_summary, write_outputs
from skaha_apply.cli.github.step import REVIEWED
from skaha_apply.model.errors import StalePlan, UsageError
from skaha_apply.render.results.comment import PlanComment, comment_text, read_comments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_HINT = (
    "Read the plan in the summary of this job. To apply it, run this workflow by hand (Run workflow) with its digest."
)


def find_reviewed(environ: Mapping[str, str]) -> int:
    """Write the output `digest`, and keep the reviewed plans for the summary of a later step; returns 0.

    Raises:
        StalePlan: no plan was reviewed for this commit.
        UsageError: the step does not run in a job of a push.
    """
    commit = environ.get("GITHUB_SHA", "")
    if not _COMMIT.fullmatch(commit):
        raise UsageError("GITHUB_SHA is missing", hint="run this step in a job of a push")
    plans, problem = _reviewed_plans(GitHub(environ), commit)
    if not plans:
        append_summary(environ, f"### Nothing was applied\n\n{problem}. {_HINT}\n")
        raise StalePlan(f"nothing is applied: {problem}", hint=_HINT)
    kept = Path(environ.get("RUNNER_TEMP") or ".") / REVIEWED
    kept.write_text("".join(map(comment_text, plans)), encoding="utf-8")
    write_outputs(environ, {"digest": " ".join(dict.fromkeys(plan.digest for plan in plans))})
    return 0


def _reviewed_plans(github: GitHub, commit: str) -> tuple[list[PlanComment], str]:
    """The plans, or why there are none."""
    merged: list[dict[str, Any]] = [
        one for one in github.pages(f"/commits/{commit}/pulls?") if one.get("merge_commit_sha") == commit
    ]
    if not merged:
        return [], f"the commit {commit[:10]} is not the merge of a pull request"
    (pull, *_) = merged
    if (pull["head"].get("repo") or {}).get("full_name") != github.repository:
        return [], f"the plan of pull request {int(pull['number'])} comes from a fork, and is not trusted"
    about = f"\nCommit: `{pull['head']['sha']}`\n"
    plans = [
        plan
        for one in own_comments(github, int(pull["number"]))
        if about in one["body"].partition("\nDigest: ")[0]
        for plan in _plan_in(one["body"])
    ]
    return plans, f"pull request {int(pull['number'])} has no plan of its last commit"


def _plan_in(body: str) -> tuple[PlanComment, ...]:
    try:
        return read_comments(body.replace("\r\n", "\n"))
    except ValueError:
        return ()
