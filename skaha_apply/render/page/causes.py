"""Failures by cause: how many, an example, when, and the command that lets them run again."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase
from skaha_apply.planning.failure_cause import cause_key
from skaha_apply.render.page.shown_text import shown
from skaha_apply.render.page.words import class_of, word_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from skaha_apply.model.display.page import ProjectPage
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.model.status import ReplicaStatus

MOST_CAUSES = 100  # items; the last one stands for all other causes
MOST_EXAMPLES = 5  # replicas of a cause that the page names
MOST_PATTERNS = 500  # of a command that marks the replicas of one cause
UNKNOWN_CAUSE = "no cause known: neither log nor events state one"
_AGAIN = (ActionKind.RETRY.value, ActionKind.CREATE.value)  # words of failed replicas that have another attempt
_OPEN = ("running", "queued", "waiting", "retrying")


class FailedAttempt(NamedTuple):
    """A failed attempt: its replica, its cause, and when its end was first seen, in Unix seconds."""

    row: ReplicaStatus
    cause: str
    ended: float | None


def final_failures(rows: Iterable[ReplicaStatus]) -> dict[str, list[FailedAttempt]]:
    """The replicas that failed and have no other attempt, by cause; the most frequent cause first."""
    failed = (row for row in rows if row.phase == Phase.FAILED.value and word_of(row) not in _AGAIN)
    return _by_cause(FailedAttempt(row, row.cause, row.ended) for row in failed)


def retried_failures(
    rows: Iterable[ReplicaStatus], records: Mapping[ReplicaKey, ReplicaRecord]
) -> dict[str, list[FailedAttempt]]:
    """The last failed attempts of the replicas that run again, or will, by cause; the most frequent cause first.

    A replica whose session the next apply deletes does not run again by itself.
    """
    return _by_cause(found for row in rows if (found := _retried(row, records)) is not None)


def _retried(row: ReplicaStatus, records: Mapping[ReplicaKey, ReplicaRecord]) -> FailedAttempt | None:
    if row.phase == Phase.FAILED.value:
        return FailedAttempt(row, row.cause, row.ended) if word_of(row) in _AGAIN else None
    if row.action == ActionKind.DELETE.value:
        return None
    record = records.get((row.session.casefold(), row.replica))
    before = record.earlier[-1] if record is not None and record.earlier else None
    if before is None or before.phase is not Phase.FAILED or class_of(word_of(row)) not in _OPEN:
        return None
    return FailedAttempt(row, before.cause or before.note, before.ended)


def _by_cause(failures: Iterable[FailedAttempt]) -> dict[str, list[FailedAttempt]]:
    found: dict[str, list[FailedAttempt]] = {}
    for one in failures:
        found.setdefault(cause_key(one.cause), []).append(one)
    return dict(sorted(found.items(), key=lambda one: -len(one[1])))


def causes(
    page: ProjectPage, failures: Mapping[str, Sequence[FailedAttempt]], time: Callable[[float | None], int | None]
) -> list[dict[str, Any]]:
    """One item for each cause. `first` and `last` are the times at which the ends were first seen.

    `examples` are some of the replicas. `command` marks those that `mark rerun` can run again; it is "" without any.
    """
    items = [_item(key, members, page, time) for key, members in list(failures.items())[:MOST_CAUSES]]
    if rest := [one for members in list(failures.values())[MOST_CAUSES:] for one in members]:
        items.append({**_item("", rest, page, time), "cause": f"{len(failures) - MOST_CAUSES} other causes"})
    return items


def _item(
    key: str, members: Sequence[FailedAttempt], page: ProjectPage, time: Callable[[float | None], int | None]
) -> dict[str, Any]:
    ended = [one.ended for one in members if one.ended is not None]
    example = members[0]
    cause = example.cause if len({one.cause for one in members}) == 1 else key
    return {
        "cause": shown(cause) or UNKNOWN_CAUSE,
        "count": len(members),
        "examples": [shown(one.row.name) for one in members[:MOST_EXAMPLES]],
        "detail": shown(example.cause) if example.cause != cause else "",
        "first": time(min(ended, default=None)),
        "last": time(max(ended, default=None)),
        **_command([one.row for one in members if word_of(one.row) == Phase.FAILED.value], page),
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
