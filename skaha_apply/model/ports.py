"""What the stages need of the outside world: the server, the store of the state, the saved logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from skaha_apply.model.report import Event
    from skaha_apply.model.request import CreateRequest, Offer, Outcome
    from skaha_apply.model.session import Listing, LiveSession
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import DoneReplicas, ReplicaRecord, StateDocument

    Observer = Callable[[Event], None]


class Server(Protocol):
    """A Skaha server and the account whose credential is used.

    Reads raise `ServerError`. Writes return one of the three outcomes, and raise only the errors of the lock guard.
    The client repeats requests that were refused temporarily (429, 503, connection refused) for up to `patience`
    seconds. The value is small before the approval of a plan and large after it.
    """

    patience: float

    @property
    def address(self) -> str:
        """The base URL with the API version, as the user gave it."""
        ...

    @property
    def identity(self) -> str | None:
        """A digest that identifies the account of the credential, or the credential if the account is unknown."""
        ...

    def now(self) -> float:
        """The server's time, in Unix seconds (its `Date` header; the local clock before the first response)."""
        ...

    @property
    def has_server_time(self) -> bool:
        """Whether a response had a `Date` header, so that `now()` is not the local clock."""
        ...

    async def sessions(self) -> Listing:
        """All sessions of the account."""
        ...

    async def session(self, session_id: str) -> LiveSession | None:
        """One session; None if the server responds 404."""
        ...

    async def create(self, request: CreateRequest) -> Outcome:
        """Create one session. The request is not idempotent, so an unconfirmed create is never repeated here."""
        ...

    async def delete(self, session_id: str) -> Outcome:
        """Delete one session. The server always responds 200, so only a later listing shows whether it is deleted."""
        ...

    async def renew(self, session_id: str) -> Outcome:
        """Move the deadline of a running session to a later time."""
        ...

    async def logs(self, session_id: str) -> str:
        """The whole log; "" for an unknown ID, a pending pod, and an empty log."""
        ...

    async def events(self, session_id: str) -> str | None:
        """The pod's events as a table, None when there is no pod (404)."""
        ...

    async def offer(self) -> Offer:
        """What the server offers; parts in an unknown form are None."""
        ...

    def private(self, image: str) -> bool:
        """Whether a registry credential is sent with this image, so that it need not be in the public list."""
        ...

    def stop(self) -> None:
        """Send no new requests from now on: queued requests end as refused, requests in flight continue."""
        ...


class Store(Protocol):
    """Where one project's state lives. `acquire` and `release` bracket every write."""

    @property
    def address(self) -> str:
        """The path or URL, without secrets."""
        ...

    @property
    def interval(self) -> float:
        """Seconds between grouped writes."""
        ...

    @property
    def shared_logs(self) -> SharedLogs | None:
        """The logs that travel with the state; None if the store has only the state."""
        ...

    @property
    def archive(self) -> StateArchive | None:
        """Where records of done replicas can be apart from the document; None if the store has the document only."""
        ...

    async def acquire(self, operation: str, timeout: float) -> None:  # noqa: ASYNC109 - a user's option, not a deadline
        """Take the lock, waiting at most `timeout` seconds; raises `StateLocked`, which names the owner."""
        ...

    async def release(self) -> None:
        """Release the lock; never raises."""
        ...

    async def read(self) -> StateDocument | None:
        """The document, None if there is none; raises `StateError` for a damaged or foreign document."""
        ...

    async def read_open(self) -> StateDocument | None:
        """The document without the records in the archive, which its `done` names. It must not be written."""
        ...

    async def read_bytes(self) -> bytes | None:
        """The stored bytes, unchecked, None if there are none; raises `StateError`."""
        ...

    async def write(self, document: StateDocument, *, last: bool = False) -> None:
        """Store the document durably and atomically; raises `StateError`. `document.serial` is the new serial.

        `last` states that nothing follows but `release`, so that a store can free the lock in the same request.
        A write that failed or was canceled might be stored anyway, so each attempt uses a new serial.
        """
        ...

    async def check_lock(self) -> None:
        """Prove that this process still owns the lock, directly before it sends a create, delete or renewal.

        Asks the store only if the last proof is older than a minute by any clock of this machine: a process that was
        stopped, or a machine that slept, may have lost the lock meanwhile. Raises `StateLocked` if it is lost, and
        `StateError` if the store does not respond. The caller must not send the request then.
        """
        ...

    async def check_free(self) -> bool:
        """Whether the lock is known to be free; raises `StateLocked` if another process has it. Takes nothing.

        False for a store that shows the owner of a lock only to a process that takes it.
        """
        ...

    async def remove(self) -> None:
        """Drop the stored document, under the lock (the old state of a renamed project); raises `StateError`."""
        ...

    async def unlock(self, lock_id: str) -> None:
        """Break a left-behind lock by its ID; raises `StateError` if the ID differs or the lock is in use."""
        ...


class StateArchive(Protocol):
    """Where a store keeps the records of done replicas apart from the document.

    `least` is the number of records that move together; fewer stay in the document.
    """

    least: int

    def is_due(self, done: int) -> bool:
        """Whether enough more replicas are done than when this last returned true; `done` is their number."""
        ...

    def add(self, done: DoneReplicas, records: tuple[ReplicaRecord, ...]) -> bool:
        """Let the next write move these records, objects of that document, from the document to the archive.

        Returns whether enough of them are new in the archive. `done` has no ranges and no file.
        """
        ...


class LogStore(Protocol):
    """The store of logs and events, because the server deletes them with the session."""

    def save(self, name: str, label: str, log: str, events: str | None) -> str | None:
        """Save a log and events. An empty log never replaces a saved one. Returns the path, None if nothing was saved.

        Raises `StateError` if the file cannot be written.
        """
        ...

    def read(self, name: str, label: str) -> tuple[str, str] | None:
        """The saved log and events."""
        ...


class LogSink(Protocol):
    """The logs of failed replicas that everybody can read who can read the state."""

    def add(self, name: str, label: str, log: str, events: str | None) -> None:
        """Store a log and events with the next state, if their replica has failed then. The texts have no secrets."""
        ...


class SharedLogs(LogSink, Protocol):
    """The logs that a store keeps next to the state."""

    def leave(self, keys: Collection[ReplicaKey]) -> None:
        """Note the replicas that left the manifest; their logs are removed with the next state."""
        ...

    async def read(self, name: str, label: str) -> tuple[str, str] | None:
        """The log and events next to the state that was read last; raises `StateError`."""
        ...
