"""Limits the jobs that run at the same time, and stops a run that cannot continue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.apply.job import JobFailed, RunStopped
from skaha_apply.model.errors import Forbidden, SkahaApplyError, TimeoutReached, Unauthorized

if TYPE_CHECKING:
    from skaha_apply.apply.context import Outcomes
    from skaha_apply.apply.job import Job
    from skaha_apply.model.request import Refused

# No connection, 429, 503: the executor gets them only after all request retries.
UNAVAILABLE = frozenset({0, 429, 503})
FORBIDDEN = 403


class JobSlots:
    """Slots for jobs. A job that waits for a listing frees its slot, and takes one again after that."""

    def __init__(self, outcomes: Outcomes, slots: int) -> None:
        self._outcomes = outcomes
        self._slots = asyncio.Semaphore(slots)

    async def take(self) -> None:
        """Wait for a slot."""
        await self._slots.acquire()

    def release_slot(self, job: Job) -> None:
        """Free the slot of a job, once."""
        if job.has_slot:
            job.has_slot = False
            self._slots.release()

    async def reacquire_slot(self, job: Job) -> None:
        """Take a slot again after waiting without one; raises `RunStopped` if the run stops."""
        await self._slots.acquire()
        job.has_slot = True
        self.check_running()

    def check_running(self) -> None:
        """Raise `RunStopped` if no new request may be sent."""
        if self._outcomes.stopped:
            raise RunStopped

    def raise_refusal(self, outcome: Refused) -> None:
        """Raise what a refusal means: `JobFailed` for this action, or `RunStopped` for the whole run."""
        if outcome.auth and outcome.status == FORBIDDEN:
            self._stop_run(Forbidden(outcome.text, hint="ask the operators of the server for access"))
        if outcome.auth:
            self._stop_run(Unauthorized(outcome.text, hint=outcome.hint))
        if outcome.stopped or outcome.status in UNAVAILABLE:
            self._stop_run(TimeoutReached(f"the server stayed unavailable: {outcome.text}"))
        raise JobFailed(outcome.text)

    def _stop_run(self, error: SkahaApplyError) -> None:
        self._outcomes.stopped = self._outcomes.stopped or error
        raise RunStopped
