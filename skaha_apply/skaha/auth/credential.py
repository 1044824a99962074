"""The credential of a client: find it, read it again, and renew it before or after the server refuses it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from skaha_apply.model.errors import SkahaApplyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.transport.clock import Clock

_log = logging.getLogger("skaha_apply.credential")


class Renew(Protocol):
    """Runs another program that renews the credential, if it is due."""

    async def __call__(self, now: float, /, *, refused: bool) -> None:
        """`now` is the server's time in Unix seconds; `refused` states that the server refused the last credential."""
        ...


async def renew_nothing(_now: float, /, *, refused: bool) -> None:
    """For a credential that no program renews."""


class Credential:
    """Holds the login in use.

    Args:
        find: finds the login, in the environment and in files.
        renew: runs before `find`.
        clock: measures when a read ended.
        now: gives the server's time, in Unix seconds.
    """

    def __init__(self, find: Callable[[], Login], renew: Renew, clock: Clock, now: Callable[[], float]) -> None:
        self.login: Login | None = None
        self.generation = 0
        self._find = find
        self._renew = renew
        self._clock = clock
        self._now = now
        self._reading = asyncio.Lock()
        self._last_renewal = float("-inf")
        self._warned: set[str] = set()

    async def read(self) -> bool:
        """Read the credential again; returns whether it changed.

        Raises `Unauthorized` if there is none or it has expired. A source that cannot be read (a file that is being
        written) changes nothing, while the last credential has not expired.
        """
        async with self._reading:
            return await self._read(refused=False)

    async def after_refusal(self, begun: float, generation: int) -> bool:
        """Read the credential after a 401; returns whether it is another one than the refused request had.

        `begun` (monotonic seconds) and `generation` are of that request: the refusals of many requests that were in
        flight together cause one read. Raises as `read` does.
        """
        async with self._reading:
            if self.generation != generation or begun < self._last_renewal:
                return self.generation != generation
            try:
                return await self._read(refused=True)
            finally:
                self._last_renewal = self._clock.monotonic()

    async def _read(self, *, refused: bool) -> bool:
        try:
            await self._renew(self._now(), refused=refused)
            found = self._find()
        except SkahaApplyError as error:
            if self.login is None:
                raise
            self.login.check(self._now())
            self._warn(f"{error.located_message}; the credential that was read before is used")
            return False
        found.check(self._now())
        before = self.login
        if before is not None and before.same_as(found):
            self.login = replace(found, hidden=before.hidden)
            return False
        self.login = found if before is None else found.after(before)
        self.generation += 1
        return True

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            _log.warning("%s", text)
