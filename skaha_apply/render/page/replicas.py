"""The replicas of an entry as columns of a page: names, phases, times, causes and peaks, and the earlier attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.masking.session_ids import short_id
from skaha_apply.model.session import Phase
from skaha_apply.render.page.columns import column, names_column
from skaha_apply.render.page.shown_text import SharedTexts, shown
from skaha_apply.render.page.words import is_active, progress_text, reason_and_share, shown_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import Attempt, ReplicaRecord
    from skaha_apply.model.status import ReplicaStatus

MOST_RETRIED = 2000  # replicas of an entry whose earlier attempts a page has
_OBVIOUS = frozenset({"completed", "running", "pending"})  # reasons that the phase states already


@dataclass(frozen=True)
class Tables:
    """What the columns of all entries refer to by number. Times are seconds after `zero`, in Unix seconds."""

    zero: int
    words: SharedTexts
    texts: SharedTexts
    records: Mapping[ReplicaKey, ReplicaRecord]
    specs: Mapping[str, SessionSpec]  # of the manifest, by session key
    recorded: Mapping[str, SessionSpec]  # of the state, by their key there
    causes: Mapping[str, int]  # the number of the cause of each failure by live name, from 1
    retried: Mapping[str, str]  # why the last attempt failed of each replica that runs again, by live name

    def time(self, at: float | None) -> int | None:
        """A time as the page has it."""
        return None if at is None else round(at) - self.zero

    def spec(self, row: ReplicaStatus) -> SessionSpec | None:
        """The spec of a replica: that of its last session, else that of the manifest."""
        record = self.records.get(key_of(row))
        found = self.recorded.get(record.spec) if record else None
        return found or self.specs.get(row.session.casefold())


def key_of(row: ReplicaStatus) -> ReplicaKey:
    """The key of a replica in the state."""
    return (row.session.casefold(), row.replica)


def replica_columns(rows: Sequence[ReplicaStatus], slow: Sequence[str], tables: Tables) -> dict[str, Any]:
    """The columns of one entry.

    `a` is the time of acceptance, `w` the seconds from there to the start, `d` the seconds from the start (without one:
    from the acceptance) to the end; null is unknown. `c` is the cause of the failure and `y` the reason of the action,
    as numbers of `texts`. `k` is the number of the cause in the lists of causes, from 1: those of final failures, then
    those of retried ones; `b` is why the last attempt of a retried one failed, as a number of `texts`. `uc` and `ur`
    are the highest cores and RAM (GiB) that were seen in use. `again` has the earlier attempts by the place of the
    replica, `slow` the places of stragglers. `numbered` is 1 where the name of the replica is that of its session with
    a number.
    """
    place = {row.name: number for number, row in enumerate(rows)}
    specs = [tables.spec(row) for row in rows]
    interactive = [spec is not None and spec.kind.interactive for spec in specs]
    return {
        "names": names_column([shown(row.name) for row in rows]),
        "numbered": column([int(row.name != row.session.lower()) for row in rows]),
        "word": column([tables.words.number(progress_text(row)) for row in rows]),
        "attempt": column([row.attempt for row in rows]),
        "of": column([row.attempts for row in rows]),
        "a": column([tables.time(row.accepted) for row in rows]),
        "w": column([_between(row.accepted, row.started) for row in rows]),
        "d": column([None if is_active(row) else _between(row.started or row.accepted, row.ended) for row in rows]),
        "c": column([tables.texts.number(shown(row.cause)) for row in rows]),
        "k": column([tables.causes.get(row.name, 0) for row in rows]),
        "b": column([tables.texts.number(shown(tables.retried.get(row.name, ""))) for row in rows]),
        "y": column([tables.texts.number(_reason(row, spec)) for row, spec in zip(rows, specs, strict=True)]),
        "cores": column([spec.cores if spec else None for spec in specs]),
        "ram": column([_first(row.ram, spec.ram if spec else None) for row, spec in zip(rows, specs, strict=True)]),
        "gpus": column([spec.gpus if spec else None for spec in specs]),
        "uc": column([_rounded(row.used.cores) if row.used else None for row in rows]),
        "ur": column([_rounded(row.used.ram) if row.used else None for row in rows]),
        "ids": column([_id(row, hidden=hidden) for row, hidden in zip(rows, interactive, strict=True)]),
        "again": _earlier(rows, tables),
        "slow": [place[name] for name in slow if name in place],
    }


def _earlier(rows: Sequence[ReplicaStatus], tables: Tables) -> dict[str, list[list[Any]]]:
    """The earlier attempts of each replica that has some: number, phase, times, cause and peaks.

    Of more than `MOST_RETRIED` replicas, those that failed come first, and the page has no attempts of the last ones.
    """
    found = {}
    for place, row in enumerate(rows):
        record = tables.records.get(key_of(row))
        if record is not None and record.earlier:
            found[place] = record.earlier
    places = sorted(found, key=lambda place: not _has_failed(rows[place]))[:MOST_RETRIED]
    return {str(place): [_attempt(one, tables) for one in found[place]] for place in sorted(places)}


def _attempt(one: Attempt, tables: Tables) -> list[Any]:
    cause = shown(one.cause or one.note)
    return [
        one.attempt,
        tables.words.number(shown_word("deleted" if one.phase in (Phase.DUE, Phase.GONE) else one.phase.value)),
        tables.time(one.accepted),
        _between(one.accepted, one.started),
        _between(one.started or one.accepted, one.ended),
        tables.texts.number(cause),
        one.ram,
        _rounded(one.ram_used),
        _rounded(one.cores_used),
    ]


def _reason(row: ReplicaStatus, spec: SessionSpec | None) -> str:
    text = shown(reason_and_share(row.reason, spec))
    text = "" if text in _OBVIOUS else text
    return f"{text}; {shown(row.event)}" if row.event else text


def _id(row: ReplicaStatus, *, hidden: bool) -> str:
    """The ID of a session that is not done; that of an interactive session is its password, so it is a short digest."""
    if row.id is None or row.phase == Phase.DONE.value:
        return ""
    return short_id(row.id) if hidden else shown(row.id)


def _has_failed(row: ReplicaStatus) -> bool:
    return row.phase == Phase.FAILED.value


def _between(first: float | None, last: float | None) -> int | None:
    return None if first is None or last is None else max(0, round(last) - round(first))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
