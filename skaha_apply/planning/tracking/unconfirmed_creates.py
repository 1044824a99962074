"""Unconfirmed creates: the sessions of such a create that are listed later, and its duplicate sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.session import ACTIVE, Phase
from skaha_apply.model.state import ReplicaRecord, UnconfirmedCreate
from skaha_apply.planning.attempts import REMEMBERED, as_requested, history
from skaha_apply.planning.tracking.clock_skew import age, is_in_future, settle_start
from skaha_apply.planning.tracking.deletions import TTL
from skaha_apply.planning.tracking.vanished import vanished_before
from skaha_apply.planning.working_state import WorkingState, resembles

if TYPE_CHECKING:
    from skaha_apply.model.session import LiveSession, Observation
    from skaha_apply.model.state import Intent


UNCONFIRMED_AGE = 86400.0  # seconds for which a duplicate session of an unconfirmed create can still appear


_RANK = {Phase.DONE: 0, Phase.RUNNING: 1, Phase.OTHER: 2, Phase.PENDING: 3, Phase.TERMINATING: 4, Phase.FAILED: 5}


def is_decidable(intent: Intent, seen: Observation, settle: float) -> bool:
    """Whether a listing can resolve an open intent: it was requested at least a settle time after the intent."""
    if not seen.whole or intent.key in seen.in_flight:
        return False
    # An intent written after the list request started cannot be in that listing.
    if intent.given_up is not None and not is_in_future(seen, intent.given_up):
        return seen.listing.asked >= intent.given_up + settle
    return seen.listing.asked >= settle_start(seen, intent.at) + settle


def duplicate_sessions(
    working: WorkingState, unconfirmed: UnconfirmedCreate, seen: Observation
) -> tuple[LiveSession, ...]:
    """The duplicate sessions of an unconfirmed create, which the tool deletes; the best one comes first.

    Such a session has an ID that is new since the intent, and the image, kind and resources of the intent. If there are
    more of them than unconfirmed requests, some are unmanaged sessions, and the tool deletes none. Pending deletes of
    duplicate sessions reduce the number of requests.
    """
    recorded = working.specs.get(unconfirmed.spec)
    if recorded is None:
        return ()
    spec = as_requested(recorded, unconfirmed.ram)
    record = working.records.get(unconfirmed.key)
    known = record.id if record else None
    others = [
        session
        for session in seen.listing.by_name.get(unconfirmed.name, ())
        if session.id != known and session.id not in unconfirmed.listed and resembles(session, spec)
    ]
    if not others:
        return ()  # the usual case; the search through owned and deleted sessions is skipped because it is slow
    owned = working.owned()
    found = [session for session in others if session.id not in owned]
    deleting = sum(
        one.key == unconfirmed.key and one.why is DeleteReason.SURPLUS for one in working.pending_deletes.values()
    )
    return tuple(sorted(found, key=_phase_rank)) if len(found) <= unconfirmed.posts - deleting else ()


def superseded_sessions(working: WorkingState, record: ReplicaRecord, seen: Observation) -> tuple[LiveSession, ...]:
    """Earlier sessions of a replica that still run, although they counted as ended and a later session exists."""
    return tuple(one for one in superseded_or_stopping(working, record, seen) if one.phase is not Phase.TERMINATING)


def superseded_or_stopping(working: WorkingState, record: ReplicaRecord, seen: Observation) -> tuple[LiveSession, ...]:
    """Earlier sessions that still run, plus vanished ones that are now terminating.

    The tool creates no replacement while such a session exists. Ended sessions are ignored.
    """
    found = [session for one in record.past if one not in working.pending_deletes and (session := seen.session(one))]
    vanished = {one.id for one in record.earlier if one.phase is Phase.UNKNOWN} if found else set()
    return tuple(
        session
        for session in found
        if session.phase in ACTIVE and session.id != record.id
        if session.phase is not Phase.TERMINATING or session.id in vanished
    )


def _phase_rank(session: LiveSession) -> tuple[int, str]:
    return (_RANK.get(session.phase, len(_RANK)), session.id)


def resolve_create(working: WorkingState, intent: Intent, seen: Observation, owned: set[str]) -> bool:
    """Resolve an intent. True if a session was adopted; its ID is then in `owned`."""
    spec, record = as_requested(working.specs[intent.spec], intent.ram), working.records.get(intent.key)
    del working.intents[intent.key]
    if record and record.phase.active and record.id and seen.session(record.id):
        # A create is sent after the end of the session that it replaces. That session still exists: no create was sent.
        return False
    found = [
        session
        for session in seen.listing.by_name.get(intent.name, ())
        if session.id not in owned and session.id not in intent.listed and resembles(session, spec)
    ]
    left = intent.posts
    if found:
        adopted = min(found, key=_phase_rank)
        owned.add(adopted.id)
        mine = record_of_create(working, intent, adopted.id, min(intent.at, seen.listing.at))
        working.records[intent.key] = with_live_session(mine, adopted, seen.listing.at)
        left -= 1
    elif age(seen, intent.at) > TTL / 2 and not spec.kind.interactive:
        working.records[intent.key] = replace(
            record_of_create(working, intent, None, intent.at),
            phase=Phase.UNKNOWN,
            note="create request unconfirmed for too long to know whether its session ran",
        )
    elif record and not record.phase.ended:
        note = "its create request had no effect"
        working.records[intent.key] = replace(record, phase=Phase.DUE, note=note)
    if left > 0:
        record_unconfirmed_create(working, intent, left)
    return bool(found)


def record_unconfirmed_create(working: WorkingState, intent: Intent, posts: int) -> None:
    """Record for a day that sessions of these creates can still appear; without digests if the work differs."""
    earlier = working.unconfirmed_creates.get(intent.key)
    same = earlier is None or earlier.work == intent.work
    working.unconfirmed_creates[intent.key] = UnconfirmedCreate(
        session=intent.session,
        replica=intent.replica,
        name=intent.name,
        spec=intent.spec,
        work=intent.work if same else "",
        run=intent.run if same else "",
        run_number=intent.run_number,
        attempt=intent.attempt,
        ram=intent.ram,
        since=intent.at,
        listed=earlier.listed if earlier else intent.listed,
        posts=posts + (earlier.posts if earlier else 0),
    )


def record_of_create(
    working: WorkingState, intent: Intent | UnconfirmedCreate, session_id: str | None, now: float
) -> ReplicaRecord:
    """The record of a replica whose create was accepted."""
    earlier = working.records.get(intent.key)
    past = (*earlier.past, earlier.id) if earlier and earlier.id else earlier.past if earlier else ()
    return ReplicaRecord(
        session=intent.session,
        replica=intent.replica,
        name=intent.name,
        spec=intent.spec,
        work=intent.work,
        run=intent.run,
        run_number=intent.run_number,
        attempt=intent.attempt,
        ram=intent.ram,
        phase=Phase.ACCEPTED,
        id=session_id,
        past=past[-REMEMBERED:],
        accepted=now,
        vanished=vanished_before(earlier, intent),
        earlier=history(earlier),
    )


def with_live_session(record: ReplicaRecord, live: LiveSession, at: float) -> ReplicaRecord:
    """The record after a listing or look-up at `at` showed its session, in Unix seconds by the server's clock."""
    phase = live.phase
    is_queued_again = record.phase is Phase.RUNNING and phase is Phase.PENDING
    return replace(
        record,
        phase=phase,
        seen=at,
        ran=(record.ran or at) if phase is Phase.RUNNING else None,
        running=at if phase is Phase.RUNNING else record.running,
        vanished=0 if phase.ended else record.vanished,
        stopped=False,
        queued=at if is_queued_again else None if phase is Phase.RUNNING else record.queued,
        started=live.started or record.started,
        expires=live.expires,
        ended=(record.ended or at) if phase.ended else None,
        note=live.status if phase is Phase.OTHER else "",
        ram_used=_peak(record.ram_used, live.ram_used),
        cores_used=_peak(record.cores_used, live.cores_used),
    )


def _peak(before: float | None, now: float | None) -> float | None:
    """The larger of two amounts, to three digits after the point; None if both are unknown."""
    if now is None:
        return before
    return round(now if before is None else max(before, now), 3)


def adopt_late_session(working: WorkingState, unconfirmed: UnconfirmedCreate, seen: Observation) -> None:
    """Adopt a late session of an unconfirmed create if the replica has no session, or one in a worse phase.

    Completed is better than Running, and Running is better than Pending. A session whose work is ambiguous is not
    adopted.
    """
    record = working.records.get(unconfirmed.key)
    extra = duplicate_sessions(working, unconfirmed, seen)
    if not extra or not unconfirmed.work or unconfirmed.key in working.intents or unconfirmed.key in seen.in_flight:
        return
    if record is None or record.id is None or record.phase in (Phase.DUE, Phase.GONE, Phase.UNKNOWN):
        late = record_of_create(working, unconfirmed, extra[0].id, min(unconfirmed.since, seen.listing.at))
        working.records[unconfirmed.key] = with_live_session(late, extra[0], seen.listing.at)
        return
    current = seen.session(record.id)
    if (
        current is None
        or record.id in working.pending_deletes
        or record.phase is Phase.DONE
        or record.spec != unconfirmed.spec
    ):
        return
    if _phase_rank(extra[0])[0] < _phase_rank(current)[0]:
        better = replace(record, id=extra[0].id, ram=unconfirmed.ram, started=None, ended=None)
        working.records[record.key] = with_live_session(better, extra[0], seen.listing.at)
