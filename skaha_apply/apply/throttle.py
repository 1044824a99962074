"""Whose turn it is: places for a bounded number of jobs, and the end of a run that cannot go on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.apply.job import JobFailed, RunStopped
from skaha_apply.model.errors import Forbidden, SkahaApplyError, TimeoutReached, Unauthorized

if TYPE_CHECKING:
    from skaha_apply.apply.context import Outcomes
    from skaha_apply.apply.job import Job
    from skaha_apply.model.request import Refused

# No connection, 429, 503: the last answer only when all the patience for a server that is away is used up.
AWAY = frozenset({0, 429, 503})
FORBIDDEN = 403


class JobThrottle:
    """Places for jobs. One that only waits for a list gives its place to the next, and takes one again after it."""

    def __init__(self, outcomes: Outcomes, places: int) -> None:
        self._outcomes = outcomes
        self._places = asyncio.Semaphore(places)

    async def take(self) -> None:
        """Wait for a place."""
        await self._places.acquire()

    def leave(self, job: Job) -> None:
        """Give the place of a job back, once."""
        if job.placed:
            job.placed = False
            self._places.release()

    async def come_back(self, job: Job) -> None:
        """Take a place again after waiting without one; raises Halted when the run stops."""
        await self._places.acquire()
        job.placed = True
        self.go_on()

    def go_on(self) -> None:
        """Raise Halted when no new request is to be begun."""
        if self._outcomes.halted:
            raise RunStopped

    def refused(self, outcome: Refused) -> None:
        """Raise what a refusal means: JobFailed for this action, or Halted for the whole run."""
        if outcome.auth and outcome.status == FORBIDDEN:
            self._halt(Forbidden(outcome.text, hint="ask the operators of the server for access to it"))
        if outcome.auth:
            self._halt(Unauthorized(outcome.text, hint=outcome.hint))
        if outcome.stopped or outcome.status in AWAY:
            self._halt(TimeoutReached(f"the server stayed unavailable: {outcome.text}"))
        raise JobFailed(outcome.text)

    def _halt(self, error: SkahaApplyError) -> None:
        self._outcomes.halted = self._outcomes.halted or error
        raise RunStopped
