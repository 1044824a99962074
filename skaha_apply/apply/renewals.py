"""Renewals extend the deadline of a session. A repeated one does no harm, so an unconfirmed one is repeated at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.apply.job import TRIES, JobFailed
from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.request import Accepted, Refused

if TYPE_CHECKING:
    from skaha_apply.apply.context import ExecutionContext
    from skaha_apply.apply.job import Job
    from skaha_apply.apply.job_slots import JobSlots


async def renew(job: Job, context: ExecutionContext, job_slots: JobSlots) -> str | None:
    """Extend the deadline of one session; returns its ID.

    Raises:
        JobFailed: the server refused it; or no response was clear, and a later pass can try again.
        RunStopped: the whole run stops.
    """
    session_id, last = job.action.id or "", ""
    for _ in range(TRIES):
        job_slots.check_running()
        outcome = await context.server.renew(session_id)
        if isinstance(outcome, Accepted):
            _record_renewal(job, context)
            return session_id
        if isinstance(outcome, Refused):
            job_slots.raise_refusal(outcome)
        last = outcome.text
    raise JobFailed(f"{TRIES} renewals had no clear response; the last problem: {last}", can_be_repeated=True)


def _record_renewal(job: Job, context: ExecutionContext) -> None:
    ledger, key = context.ledger, job.action.key
    record = ledger.working_state.records.get(key)
    if record is not None and record.id == job.action.id:
        ledger.working_state.records[key] = replace(record, renewed=context.server.now())
        ledger.changed()
