"""What the stages need of the outside world: the server, the store of the state, the saved logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.report import Event
    from skaha_apply.model.request import CreateRequest, Offer, Outcome
    from skaha_apply.model.session import Listing, LiveSession
    from skaha_apply.model.state import StateDocument

    Observer = Callable[[Event], None]


class Server(Protocol):
    """A Skaha server and the account whose credential is used.

    Reads raise `ServerError`. Writes give one of the three outcomes, and raise only what the guard of a lock raises.
    Requests that were clearly refused for the moment (429, 503, connection refused) are repeated inside, as long as
    patience lasts.

    `patience` are those seconds; short before a plan is approved, long after it.
    """

    patience: float

    @property
    def address(self) -> str:
        """Base URL with the version, as the user knows it."""
        ...

    @property
    def identity(self) -> str | None:
        """A digest that tells the credential's account or, failing that, the credential from others."""
        ...

    def now(self) -> float:
        """The server's time, in Unix seconds (its `Date` header; our own clock before the first answer)."""
        ...

    @property
    def has_server_time(self) -> bool:
        """Whether an answer has borne a `Date` header, so that `now()` is not our own clock alone."""
        ...

    async def sessions(self) -> Listing:
        """All sessions of the account."""
        ...

    async def session(self, session_id: str) -> LiveSession | None:
        """One session; None when the server says 404."""
        ...

    async def create(self, request: CreateRequest) -> Outcome:
        """Create one session; not idempotent on the server, so an unsure one is never repeated inside."""
        ...

    async def delete(self, session_id: str) -> Outcome:
        """Delete one session; the server always says 200, so only a later look tells whether it is gone."""
        ...

    async def renew(self, session_id: str) -> Outcome:
        """Push the deadline of a running session."""
        ...

    async def logs(self, session_id: str) -> str:
        """The whole log; "" for an unknown id, a pending pod and an empty log alike."""
        ...

    async def events(self, session_id: str) -> str | None:
        """The pod's events as a table, None when there is no pod (404)."""
        ...

    async def offer(self) -> Offer:
        """What the server offers; parts that it does not tell in a known form are None."""
        ...

    def private(self, image: str) -> bool:
        """Whether a registry credential is sent with this image, so that it need not be in the public list."""
        ...

    def stop(self) -> None:
        """Send no new requests from now on: what is not yet sent ends as refused, what is in flight goes on."""
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

    async def acquire(self, operation: str, timeout: float) -> None:  # noqa: ASYNC109 - a user's option, not a deadline
        """Take the lock, waiting at most `timeout` seconds; raises `StateLocked`, which says who holds it."""
        ...

    async def release(self) -> None:
        """Give the lock back; never raises."""
        ...

    async def read(self) -> StateDocument | None:
        """The document, None when there is none; raises `StateError` for one that cannot be trusted."""
        ...

    async def read_bytes(self) -> bytes | None:
        """What is stored, byte by byte and unchecked, None when there is nothing; raises `StateError`."""
        ...

    async def write(self, document: StateDocument) -> None:
        """Store it durably and at once as a whole; raises `StateError`. `document.serial` is the new serial.

        A write that failed or was cancelled may have been stored all the same, so each attempt takes a new serial.
        """
        ...

    async def prove(self) -> None:
        """Make sure that the lock is still ours, right before a create, delete or renewal is sent.

        Asks the store only if the last proof is older than a minute by any clock of this machine: a process that was
        stopped, or a machine that slept, may have lost the lock meanwhile. Raises `StateLocked` when it is lost, and
        `StateError` when the store cannot be asked; nothing may be sent then.
        """
        ...

    async def remove(self) -> None:
        """Drop the stored document, under the lock (a renamed project leaves its old place); raises `StateError`."""
        ...

    async def unlock(self, lock_id: str) -> None:
        """Break the lock of that id, which somebody left behind; raises `StateError` when it is another, or alive."""
        ...


class LogStore(Protocol):
    """Where logs and events are kept that the server will forget."""

    def save(self, name: str, label: str, log: str, events: str | None) -> str | None:
        """Keep a log (and events); an empty one never replaces a saved one. Returns the path, None when not kept.

        Raises `StateError` when the disk refuses it.
        """
        ...

    def read(self, name: str, label: str) -> tuple[str, str] | None:
        """The saved log and events."""
        ...
