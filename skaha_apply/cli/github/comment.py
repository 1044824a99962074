"""`comment`: write the plans of a finished pull request workflow as comments, each updated in its place.

The step runs in a `workflow_run` job with a token that can write. The number of the pull request, the commit and the
fork come from GitHub; only the text of the plans comes from the artifact.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from skaha_apply.cli.github.api import GitHub
from skaha_apply.cli.github.artifact import ARCHIVE, comments_in
from skaha_apply.cli.output.outlet import standard_output
from skaha_apply.cli.output.streams import Streams
from skaha_apply.model.errors import UsageError
from skaha_apply.render.results.comment import comment_text, marker

if TYPE_CHECKING:
    from collections.abc import Mapping

ARTIFACT = "skaha-apply-plan"
AUTHOR = "github-actions[bot]"
_FORK = (
    "\n**This plan comes from a fork.** It was made without the server, and the fork could have changed its text. "
    "Review the files.\n"
)


def write_comments(environ: Mapping[str, str]) -> int:
    """Write or update a comment for each plan; returns 0. Without a pull request or an artifact it prints a note.

    Raises:
        UsageError: the step does not run in a `workflow_run` job.
        SkahaApplyError: the artifact is not one of this tool, or GitHub refuses a request.
    """
    run = _workflow_run(environ)
    github = GitHub(environ)
    number = _pull_request(github, run) if run.get("event") == "pull_request" else None
    if number is None:
        return _note("no open pull request has the commit of this run, so no comment is written")
    artifacts = github.pages(f"/actions/runs/{int(run['id'])}/artifacts?name={ARTIFACT}", "artifacts")
    artifact = next((one for one in artifacts if one.get("name") == ARTIFACT and not one.get("expired")), None)
    if artifact is None:
        return _note(f"the run has no artifact {ARTIFACT}, so no comment is written")
    plans = comments_in(github.download(f"/actions/artifacts/{int(artifact['id'])}/zip", ARCHIVE))
    is_fork = (run.get("head_repository") or {}).get("full_name") != github.repository
    about = f"\nCommit: `{run['head_sha']}`\n" + (_FORK if is_fork else "")
    known = own_comments(github, number)
    for plan in plans:
        body = {"body": comment_text(plan, about)}
        old = next((one for one in known if one["body"].startswith(marker(plan.project) + "\n")), None)
        if old is None:
            github.write("POST", f"/issues/{number}/comments", body)
        elif old["body"] != body["body"]:
            github.write("PATCH", f"/issues/comments/{int(old['id'])}", body)
    return 0


def own_comments(github: GitHub, number: int) -> list[dict[str, Any]]:
    """The comments of a pull request that a workflow wrote. Others can begin with a marker, and are not trusted."""
    found = github.pages(f"/issues/{number}/comments?sort=created")
    return [one for one in found if (one.get("user") or {}).get("login") == AUTHOR and isinstance(one.get("body"), str)]


def _workflow_run(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH") or "/").read_text(encoding="utf-8"))
        run: dict[str, Any] = event["workflow_run"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            "the comment step runs only after another workflow", hint="use it in a workflow with `on: workflow_run`"
        ) from None
    return run


def _pull_request(github: GitHub, run: Mapping[str, Any]) -> int | None:
    """The open pull request whose newest commit the run had; a plan of an older commit is not shown."""
    owner = str(((run.get("head_repository") or {}).get("owner") or {}).get("login", ""))
    head = quote(f"{owner}:{run.get('head_branch') or ''}", safe="")
    for one in github.pages(f"/pulls?state=open&head={head}"):
        if one["head"]["sha"] == run["head_sha"] and one["base"]["repo"]["full_name"] == github.repository:
            return int(one["number"])
    return None


def _note(text: str) -> int:
    with standard_output():
        Streams().message("note", text)
    return 0
