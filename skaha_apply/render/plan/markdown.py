"""Plans as Markdown for a comment on a merge request: limited in size, with complete counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.render import action_labels
from skaha_apply.render.plan import text
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.reasons import reason_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.plan import Plan
    from skaha_apply.render.color import Paint

COMMENT = 65_536  # characters that GitHub accepts in a comment
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~@&!])")


def render(plans: Sequence[Plan], _paint: Paint, **_: bool) -> str:
    """The text of the format `markdown`."""
    return plans_markdown(plans)


def plans_markdown(plans: Sequence[Plan], limit: int = COMMENT) -> str:
    """All plans in at most `limit` characters: the counts of each plan, then the actions that fit."""
    counts = [_counts(plan) for plan in plans]
    kept, left = [], limit - len(_CUT_COUNTS) - 1
    for part in counts:
        if len(part) + 1 > left:
            break
        kept.append(part)
        left -= len(part) + 1
    if len(kept) < len(counts):
        return "\n".join(kept) + _CUT_COUNTS.format(rest=len(counts) - len(kept))
    for number, plan in enumerate(plans):
        share = left // (len(plans) - number)
        details = _details(plan, share)
        kept[number] += details
        left -= len(details)
    return "\n".join(kept)


_CUT_COUNTS = "\n\n_{rest} more projects; `plan -o json` lists all of them._\n"


def _counts(plan: Plan) -> str:
    summary = plan.summary
    title = (
        f"### {escaped(plan.project)}: {action_labels.change_counts(summary) if plan.has_changes else 'no changes'}\n"
    )
    lines = [title]
    if plan.refused:
        lines.append(f"**Refused:** {escaped(truncate(reason_text(plan.refused), 2000))}\n")
    if plan.new_state:
        lines.append("There is no state yet; this plan creates one.\n")
    if other := action_labels.other_counts(summary):
        lines.append(f"Also: {other}.\n")
    lines += [f"{escaped(truncate(reason_text(note), 500))}\n" for note in plan.notes[:10]]
    return "\n".join(lines)


def _details(plan: Plan, room: int) -> str:
    """The actions in a fenced block of at most `room` characters; "" if there are none, or none fits."""
    rows = [*text.body(plan)[1:], *text.foot(plan)[1:]]
    longest = max((len(run) for row in rows for run in re.findall(r"`+", row)), default=0)
    fence = "`" * max(3, longest + 1)
    before, after = f"\n<details><summary>Actions</summary>\n\n{fence}\n", f"{fence}\n\n</details>\n"
    marked = "… {rest} of {all} lines are not shown; `plan -o json` lists every action\n"
    left = room - len(before) - len(after) - len(marked) - 20
    kept: list[str] = []
    for row in rows:
        left -= len(row) + 1
        if left < 0:
            break
        kept.append(row + "\n")
    if not kept:
        return ""
    tail = marked.format(rest=len(rows) - len(kept), all=len(rows)) if len(kept) < len(rows) else ""
    return before + "".join(kept) + tail + after


def escaped(value: str) -> str:
    """The text on one line, with an escape for each character that Markdown or HTML reads."""
    return _SPECIAL.sub(r"\\\1", one_line(value))
