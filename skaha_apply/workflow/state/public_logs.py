"""Logs that everybody can read who can read the state: what they must not contain, and where saved logs are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import UsageError
from skaha_apply.render.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.ports import SharedLogs, Store
    from skaha_apply.state.saved_logs import SavedLogs
    from skaha_apply.workflow.setup.settings import Settings


@dataclass(frozen=True)
class PublicLogs:
    """Adds logs to those next to the state, without IDs of interactive sessions and with control characters escaped."""

    logs: SharedLogs
    publish: Callable[[str], str]

    def add(self, name: str, label: str, log: str, events: str | None) -> None:
        """Store a log and events with the next state, if their replica has failed then."""
        self.logs.add(name, label, self._public(log), None if events is None else self._public(events))

    def _public(self, text: str) -> str:
        return printable_lines(self.publish(text))


@dataclass(frozen=True)
class SavedText:
    """A saved log with its events, and the path or the address where it is."""

    log: str
    events: str
    source: str


@dataclass(frozen=True)
class LogCopies:
    """The copies of the logs of one project: on this machine, and next to the state that `store` has read last."""

    saved: SavedLogs
    store: Store

    async def read(self, name: str, label: str) -> SavedText | None:
        """The copy on this machine, else that next to the state; None without one. Raises `StateError`."""
        found = self.saved.read(name, label)
        if found is not None:
            return SavedText(*found, str(self.saved.path(name, label)))
        logs = self.store.shared_logs
        shared = await logs.read(name, label) if logs is not None else None
        return None if shared is None else SavedText(*shared, f"{self.store.address} ({name}/{label})")


def public_logs(setting: Settings, store: Store) -> PublicLogs | None:
    """The logs next to the state to which this invocation adds; None if it adds none.

    Raises `UsageError` if they are asked for, and the store has none.
    """
    if not setting.state_logs or setting.sandbox:
        return None
    if store.shared_logs is None:
        raise UsageError(
            f"--state-logs requires a state in git, and the state is {store.address}",
            hint="Remove --state-logs, or select a state in git with --state git:REMOTE.",
        )
    return PublicLogs(store.shared_logs, setting.publish)
