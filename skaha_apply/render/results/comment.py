"""The plans of a result as comments for a pull request, and the same text read back as data.

A comment begins with a marker, by which a later run finds it. The text of a plan stands in a fenced block, where
nothing of it acts: no mention, no link, no image, no marker.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.render.plan.markdown import COMMENT
from skaha_apply.render.plan.text import plan_text
from skaha_apply.render.printable import printable_lines, truncate

if TYPE_CHECKING:
    from skaha_apply.model.report import CommandResult

PROJECT = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"
_MARKER = re.compile(rf"^<!-- skaha-apply plan ({PROJECT}) -->$", re.MULTILINE)
_DIGEST = re.compile(r"\nDigest: `(sha256:[0-9a-f]{64})`\n")
LONGEST_FENCE = 64  # characters
_FENCE = re.compile(rf"(`{{3,{LONGEST_FENCE}}})text")
TEXT = COMMENT - 4096  # characters of a plan; the rest is for the words around it
_CUT = "\n… the rest is not shown; `skaha-apply plan` prints it"


@dataclass(frozen=True)
class PlanComment:
    """One plan for a comment: its project, its digest, and its text as the command prints it."""

    project: str
    digest: str
    text: str


def marker(project: str) -> str:
    """The first line of the comment about a project."""
    return f"<!-- skaha-apply plan {project} -->"


def render(result: CommandResult, **_: bool) -> str:
    """A comment for each plan, one after the other; "" if there is none."""
    plans = [one.plan for one in result.projects if one.plan is not None]
    return "".join(comment_text(PlanComment(plan.project, plan.digest, plan_text(plan))) for plan in plans)


def comment_text(comment: PlanComment, provenance: str = "") -> str:
    """The comment, with at most `COMMENT` characters; `provenance` stands below its heading."""
    text = printable_lines(comment.text).strip("\n")
    if len(text) > TEXT:
        text = truncate(text, TEXT - len(_CUT)) + _CUT
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    if longest >= LONGEST_FENCE:
        text, longest = text.replace("`", "'"), 0
    fence = "`" * max(3, longest + 1)
    head = f"{marker(comment.project)}\n### skaha-apply: plan of `{comment.project}`\n{provenance}"
    return f"{head}\nDigest: `{comment.digest}`\n\n{fence}text\n{text}\n{fence}\n"


def read_comments(text: str) -> tuple[PlanComment, ...]:
    """The plans in a file of comments; raises `ValueError` if it is not one. All other text is ignored."""
    starts = [*_MARKER.finditer(text)]
    if not starts or starts[0].start() != 0:
        raise ValueError("it does not begin with the marker of a plan")
    ends = [*(one.start() for one in starts[1:]), len(text)]
    found = {}
    for start, end in zip(starts, ends, strict=True):
        part = text[start.end() : end]
        head, opening, block = _fenced(part)
        digest = _DIGEST.search(head)
        if digest is None or not opening:
            raise ValueError(f"the plan of {start[1]} is not complete")
        found[start[1]] = PlanComment(start[1], digest[1], block)
    return tuple(found.values())


def _fenced(text: str) -> tuple[str, str, str]:
    """The text before a fenced block, its fence, and its content; the fence is "" if no block is complete."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if _FENCE.fullmatch(line)), len(lines))
    fence = lines[first].removesuffix("text") if first < len(lines) else ""
    last = next((number for number in range(len(lines) - 1, first, -1) if lines[number] == fence), 0)
    return "\n".join([*lines[:first], ""]), fence if last else "", "\n".join(lines[first + 1 : last])
