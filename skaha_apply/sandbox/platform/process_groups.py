"""The process groups that run now, by session ID. They end by SIGTERM, and by SIGKILL after a grace period.

A session that only pretends to run counts as a process group.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST_STOP_S = 30.0
_POLL_S = 0.01


class ProcessGroup(Protocol):
    """The processes of one session."""

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all of them."""

    def reap(self) -> int | None:
        """Return the exit code after the end, and collect what is left; None before."""


class ProcessGroups:
    """Running process groups by session id."""

    def __init__(self) -> None:
        self._children: dict[str, ProcessGroup] = {}

    def __len__(self) -> int:
        return len(self._children)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._children

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._children))

    def add(self, identifier: str, child: ProcessGroup) -> None:
        """Add a child that was just started."""
        self._children[identifier] = child

    def collect_exited(self) -> list[tuple[str, int]]:
        """Remove the groups that have ended since the last call; return their session IDs and exit codes."""
        codes = [(identifier, child.reap()) for identifier, child in self._children.items()]
        ended = [(identifier, code) for identifier, code in codes if code is not None]
        for identifier, _ in ended:
            del self._children[identifier]
        return ended

    def terminate(self, identifier: str, grace: float) -> None:
        """Send SIGTERM now, and SIGKILL after `grace` seconds if the group still runs."""
        self._children[identifier].send(signal.SIGTERM)
        asyncio.get_running_loop().call_later(grace, self._kill, identifier)

    def _kill(self, identifier: str) -> None:
        child = self._children.get(identifier)
        if child is not None:
            child.send(signal.SIGKILL)

    async def end_all(self, grace: float, reap: Callable[[], None]) -> None:
        """End all groups and wait for them; `reap` is called meanwhile and must call `collect_exited`."""
        loop = asyncio.get_running_loop()
        for number, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, _LONGEST_STOP_S)):
            if wait <= 0:
                continue
            for child in self._children.values():
                child.send(number)
            until = loop.time() + wait
            while self._children and loop.time() < until:
                reap()
                await asyncio.sleep(_POLL_S)
