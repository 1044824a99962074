"""Stores that report what they read and write: to the event file, and to the masks of the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from skaha_apply.model.masking.session_ids import is_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skaha_apply.model.ports import SharedLogs, StateArchive, Store
    from skaha_apply.model.state import Intent, StateDocument, UnconfirmedCreate


class StateJournal(Protocol):
    """Records the changes of a state."""

    def begin(self, document: StateDocument | None) -> None:
        """Take what a state has as recorded."""

    def stored(self, document: StateDocument) -> None:
        """Record the changes in a document that is about to be stored."""

    def confirm(self, document: StateDocument) -> None:
        """Note that a document is stored."""


class EventLoggingStore:
    """A store that reports each document to a journal before it stores it; see `model.ports.Store`."""

    def __init__(self, store: Store, journal: StateJournal) -> None:
        self._store = store
        self._journal = journal

    @property
    def address(self) -> str:
        """The path or URL, without secrets."""
        return self._store.address

    @property
    def interval(self) -> float:
        """Seconds between grouped writes."""
        return self._store.interval

    @property
    def shared_logs(self) -> SharedLogs | None:
        """See `Store`."""
        return self._store.shared_logs

    @property
    def archive(self) -> StateArchive | None:
        """See `Store`."""
        return self._store.archive

    async def acquire(self, operation: str, timeout: float) -> None:  # noqa: ASYNC109 - as in the port
        """See `Store`."""
        await self._store.acquire(operation, timeout)

    async def release(self) -> None:
        """See `Store`."""
        await self._store.release()

    async def read(self) -> StateDocument | None:
        """See `Store`."""
        document = await self._store.read()
        self._journal.begin(document)
        return document

    async def read_open(self) -> StateDocument | None:
        """See `Store`."""
        return await self._store.read_open()

    async def read_bytes(self) -> bytes | None:
        """See `Store`."""
        return await self._store.read_bytes()

    async def write(self, document: StateDocument, *, last: bool = False) -> None:
        """Write the events, then store."""
        self._journal.stored(document)
        await self._store.write(document, last=last)
        self._journal.confirm(document)

    async def check_lock(self) -> None:
        """See `Store`."""
        await self._store.check_lock()

    async def check_free(self) -> bool:
        """See `Store`."""
        return await self._store.check_free()

    async def remove(self) -> None:
        """See `Store`."""
        await self._store.remove()

    async def unlock(self, lock_id: str) -> None:
        """See `Store`."""
        await self._store.unlock(lock_id)


def masking_store(store: Store, identify: Callable[[str, str], None]) -> Store:
    """The store; `identify` gets the ID of each interactive session in what is read from it."""
    return cast("Store", _MaskingStore(store, identify))


class _MaskingStore:
    def __init__(self, store: Store, identify: Callable[[str, str], None]) -> None:
        self._store = store
        self._identify = identify
        self._last: StateDocument | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self) -> StateDocument | None:
        return self._identified(await self._store.read())

    async def read_open(self) -> StateDocument | None:
        return self._identified(await self._store.read_open())

    def _identified(self, document: StateDocument | None) -> StateDocument | None:
        if document is not None and document is not self._last:
            self._last = document
            for session_id in interactive_ids(document):
                self._identify(session_id, "")
        return document


def interactive_ids(document: StateDocument) -> Iterator[str]:
    """The ID of each interactive session in a state, deleted and earlier ones too; digests of IDs are left out."""
    return (one for one in _interactive_ids(document) if not is_hidden(one))


def _interactive_ids(document: StateDocument) -> Iterator[str]:
    kinds = {key: spec.kind for key, spec in document.specs.items()}
    known = {one.key for one in document.replicas}
    interactive = {one.key for one in document.replicas if kinds[one.spec].interactive}
    for record in document.replicas:
        if record.key in interactive:
            yield from (one for one in (record.id, *record.past, *(old.id for old in record.earlier)) if one)
    unconfirmed: tuple[Intent | UnconfirmedCreate, ...] = (*document.intents, *document.doubts)
    for entry in unconfirmed:
        if kinds[entry.spec].interactive:
            yield from entry.listed
    yield from (one.id for one in document.tombstones if one.key in interactive or one.key not in known)
