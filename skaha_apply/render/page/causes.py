"""Failures by cause: how many, an example, when, and the command that lets them run again."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from skaha_apply.model.session import Phase
from skaha_apply.planning.failure_cause import cause_key
from skaha_apply.render.page.shown_text import shown
from skaha_apply.render.page.words import word_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from skaha_apply.model.display.page import ProjectPage
    from skaha_apply.model.report import SharedCause
    from skaha_apply.model.status import ReplicaStatus

MOST_CAUSES = 100  # items; the last one stands for all other causes
MOST_PATTERNS = 500  # of a command that marks the replicas of one cause
UNKNOWN_CAUSE = "no cause known: neither log nor events state one"


def failures_by_cause(rows: Iterable[ReplicaStatus]) -> dict[str, list[ReplicaStatus]]:
    """The replicas whose last attempt failed, by what they have in common; the most frequent cause first."""
    found: dict[str, list[ReplicaStatus]] = {}
    for row in rows:
        if row.phase == Phase.FAILED.value:
            found.setdefault(cause_key(row.cause), []).append(row)
    return dict(sorted(found.items(), key=lambda one: -len(one[1])))


def causes(
    page: ProjectPage, failures: Mapping[str, Sequence[ReplicaStatus]], time: Callable[[float | None], int | None]
) -> list[dict[str, Any]]:
    """One item for each cause. `first` and `last` are the times at which the ends were first seen.

    `again` is the number of failures that have another attempt. `command` is "" if all have one.
    """
    shared = {cause_key(one.cause): one for one in page.status.causes}
    shown_first = list(failures.items())[:MOST_CAUSES]
    items = [_item(shared.get(key), members, page, time) for key, members in shown_first]
    if rest := [row for members in list(failures.values())[MOST_CAUSES:] for row in members]:
        items.append({**_item(None, rest, page, time), "cause": f"{len(failures) - MOST_CAUSES} other causes"})
    return items


def _item(
    shared: SharedCause | None,
    members: Sequence[ReplicaStatus],
    page: ProjectPage,
    time: Callable[[float | None], int | None],
) -> dict[str, Any]:
    ended = [row.ended for row in members if row.ended is not None]
    final = [row for row in members if word_of(row) == Phase.FAILED.value]
    example, cause = (final or list(members))[0], shared.cause if shared else members[0].cause
    return {
        "cause": shown(cause) or UNKNOWN_CAUSE,
        "count": len(members),
        "again": len(members) - len(final),
        "example": shown(example.name),
        "detail": shown(example.cause) if example.cause != cause else "",
        "first": time(min(ended, default=None)),
        "last": time(max(ended, default=None)),
        **_command(final, page),
    }


def _command(failed: Sequence[ReplicaStatus], page: ProjectPage) -> dict[str, Any]:
    """The command that marks these replicas; `for_all` states that it marks all failed ones of the project."""
    patterns = list(replica_patterns(failed))
    for_all = len(patterns) > MOST_PATTERNS
    template = page.commands.get("rerun-failed" if for_all else "rerun", "") if failed else ""
    return {"command": template.replace("REPLICA", " ".join(map(quote, patterns)), 1), "for_all": for_all}


def replica_patterns(rows: Iterable[ReplicaStatus]) -> Iterable[str]:
    """`NAME` or `NAME/1-3,7` for each session of these replicas, as `mark` takes them."""
    numbers: dict[str, list[int]] = {}
    for row in rows:
        single = row.name == row.session.lower()
        numbers.setdefault(row.session, []).extend([] if single else [row.replica])
    for session, replicas in numbers.items():
        yield f"{shown(session)}/{_ranges(replicas)}" if replicas else shown(session)


def _ranges(numbers: Sequence[int]) -> str:
    """`1-3,7` for 1, 2, 3 and 7."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{low}-{high}" if high > low else str(low) for low, high in parts)
