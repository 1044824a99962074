"""The process groups that run now, by session ID. They end by SIGTERM, and by SIGKILL after a grace period."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from skaha_apply.sandbox.platform import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST_STOP_S = 30.0
_POLL_S = 0.01


class ProcessGroups:
    """Running process groups by session id."""

    def __init__(self) -> None:
        self._children: dict[str, processes.ChildProcess] = {}

    def __len__(self) -> int:
        return len(self._children)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._children

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._children))

    def add(self, identifier: str, child: processes.ChildProcess) -> None:
        """Add a child that was just started."""
        self._children[identifier] = child

    def collect_exited(self) -> list[tuple[str, int]]:
        """Remove the groups that have ended since the last call; return their session IDs and exit codes."""
        codes = [(identifier, processes.reap(child)) for identifier, child in self._children.items()]
        ended = [(identifier, code) for identifier, code in codes if code is not None]
        for identifier, _ in ended:
            del self._children[identifier]
        return ended

    def terminate(self, identifier: str, grace: float) -> None:
        """Send SIGTERM now, and SIGKILL after `grace` seconds if the group still runs."""
        processes.signal_group(self._children[identifier], signal.SIGTERM)
        asyncio.get_running_loop().call_later(grace, self._kill, identifier)

    def _kill(self, identifier: str) -> None:
        child = self._children.get(identifier)
        if child is not None:
            processes.signal_group(child, signal.SIGKILL)

    async def end_all(self, grace: float, reap: Callable[[], None]) -> None:
        """End all groups and wait for them; `reap` is called meanwhile and must call `collect_exited`."""
        loop = asyncio.get_running_loop()
        for number, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, _LONGEST_STOP_S)):
            if wait <= 0:
                continue
            for child in self._children.values():
                processes.signal_group(child, number)
            until = loop.time() + wait
            while self._children and loop.time() < until:
                reap()
                await asyncio.sleep(_POLL_S)
