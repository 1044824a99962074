"""The attempts of a replica: its history, a failed attempt, and the wait before the next attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.reasons import OUT_OF_MEMORY, Reason, ReasonCode
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.model.status import PeakUse

if TYPE_CHECKING:
    from skaha_apply.model.session import Number
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import ReplicaRecord

REMEMBERED = 20  # the largest number of earlier attempts, and of earlier session IDs, in a record
LONGEST_WAIT = 600.0  # seconds; the wait between attempts grows by a factor of 2 up to this limit
# The values that a record gets when its attempts are counted from 1 again.
FIRST_ATTEMPT = {"attempt": 1, "ram": None, "cause": "", "ram_used": None, "cores_used": None}
_OVER = frozenset({Phase.DONE, Phase.FAILED, Phase.UNKNOWN})


def history(record: ReplicaRecord | None, *, marked: bool = False) -> tuple[Attempt, ...]:
    """The attempts before the next one: the earlier attempts of a record, and its current one if that is over.

    `marked` states that the replica was marked to run again.
    """
    every = _attempts(record)
    return (*every[:-1], replace(every[-1], marked=True)) if marked and every else every


def _attempts(record: ReplicaRecord | None) -> tuple[Attempt, ...]:
    if record is None:
        return ()
    if record.phase not in _OVER or record.id is None:
        return record.earlier
    own = Attempt(
        attempt=record.attempt,
        phase=record.phase,
        id=record.id,
        run_number=record.run_number,
        ram=record.ram,
        accepted=record.accepted,
        started=record.started,
        running=record.running,
        ended=record.ended,
        note=record.note,
        cause=record.cause,
        ram_used=record.ram_used,
        cores_used=record.cores_used,
    )
    return (*record.earlier, own)[-REMEMBERED:]


def failure(record: ReplicaRecord, spec: SessionSpec) -> Reason:
    """The failed attempt and the allowed number of attempts. A failed record has a note only after a timeout."""
    most = max(spec.retries + 1, record.attempt)
    return Reason(ReasonCode.FAILED, attempt=record.attempt, attempts=most, note=record.note)


def why_retry(record: ReplicaRecord, spec: SessionSpec) -> Reason:
    """Why a failed replica starts again: the failure; with `retry_ram` the RAM, and whether the failure was memory."""
    failed = failure(record, spec)
    ram = ram_of(spec, record.attempt + 1)
    if not spec.retry_ram or ram is None:
        return failed
    cause = Reason(ReasonCode.KILLED_FOR_MEMORY) if record.cause == OUT_OF_MEMORY else Reason(ReasonCode.ATTEMPT_FAILED)
    return Reason(
        ReasonCode.RETRY_WITH_RAM,
        attempt=record.attempt,
        next=record.attempt + 1,
        attempts=max(spec.retries + 1, record.attempt),
        ram=ram,
        cause=cause,
        note=record.note,
    )


def ram_of(spec: SessionSpec, attempt: int) -> Number | None:
    """The RAM in GiB that an attempt requests, counted from 1; None in the server's flexible mode."""
    if attempt == 1 or not spec.retry_ram or spec.kind.interactive:
        return spec.ram
    return spec.retry_ram[min(attempt - 2, len(spec.retry_ram) - 1)]


def ram_to_record(spec: SessionSpec, attempt: int) -> Number | None:
    """The RAM of an attempt for its record; None without `retry_ram`, because its spec then has the RAM."""
    return ram_of(spec, attempt) if spec.retry_ram else None


def as_requested(spec: SessionSpec, ram: Number | None) -> SessionSpec:
    """The spec as an attempt requests it: with this RAM, if there is one."""
    return spec if ram is None or ram == spec.ram else spec.model_copy(update={"ram": ram})


def cause_of_failure(record: ReplicaRecord | None) -> str:
    """Why the last attempt failed: the cause in its log or events, else the note of a timeout; "" if it did not."""
    if record is None or record.phase is not Phase.FAILED:
        return ""
    return record.cause or record.note


def ended_after(one: Attempt | ReplicaRecord | None) -> float | None:
    """The last time at which the session of an attempt that ended is known to have existed, in Unix seconds.

    It ended between this time and `ended`, because `ended` is the time of the listing that showed the end. None if it
    has not ended, or nothing is known.
    """
    if one is None or one.phase.active or one.ended is None:
        return None
    known = [time for time in (one.accepted, one.started, one.running) if time is not None]
    return min(max(known), one.ended) if known else None


def peak_use(one: Attempt | ReplicaRecord | None, spec: SessionSpec | None) -> PeakUse | None:
    """The most that an attempt used, and what its spec requested; None if no listing showed it."""
    if one is None or (one.ram_used is None and one.cores_used is None):
        return None
    ram = one.ram if one.ram is not None else spec.ram if spec else None
    return PeakUse(one.ram_used, one.cores_used, ram, spec.cores if spec else None)


def left_of_wait(first: float, attempt: int, ended: float, now: float) -> float:
    """Seconds until a replica that ended in this attempt is due again; 0.0 if it is due.

    Args:
        first: seconds to wait after the first attempt; each later wait is twice as long, up to `LONGEST_WAIT`.
        attempt: counts from 1.
        ended: when its end was first seen, in Unix seconds by the server's clock.
        now: the same clock. If the clock was set back, there is no wait.
    """
    wait = min(first * 2 ** min(attempt - 1, 20), max(first, LONGEST_WAIT))
    left = ended + wait - now
    return left if 0 < left <= wait else 0.0
