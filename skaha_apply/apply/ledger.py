"""The state while a command changes it: changes are kept here and stored in grouped writes.

A record that must be durable before a request (an intent, a pending delete) is added first; `stored` waits until a
write that holds it is done. There is one write at a time: at once if a job waits for it, else one per interval.
"""

from __future__ import annotations

import asyncio
import functools
import os
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import StateError
from skaha_apply.planning.records import is_done, is_open
from skaha_apply.planning.safety.account import with_account_shown
from skaha_apply.planning.tracking.archivable_records import archivable_records
from skaha_apply.planning.tracking.confirmed_times import take_times
from skaha_apply.planning.tracking.news import is_news
from skaha_apply.planning.tracking.update import update_working_state
from skaha_apply.planning.working_state import WorkingState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from skaha_apply.model.names.moves import MovedDocument
    from skaha_apply.model.ports import Store
    from skaha_apply.model.report import PhaseChanged
    from skaha_apply.model.session import Observation
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import Intent, PendingDelete, ReplicaRecord, StateDocument
    from skaha_apply.planning.expansion import Expansion

SAVE_LIMIT = 1.4  # seconds for saving after an interrupt; unlocking has the rest of two seconds


def writer() -> str:
    """The identity of this process in the states that it writes. A forked process gets another one."""
    return _writer_of(os.getpid())


@functools.cache
def _writer_of(_: int) -> str:
    return uuid.uuid4().hex


class Ledger:
    """The working state of one project and its way into the store. Leaving this asynchronous context stores the rest.

    A newer time of a listing alone is not stored, as long as the stored time is recent; see `planning.tracking.news`.

    Args:
        store: locked by the caller.
        stored: what the store has, None for nothing.
        opened: `stored`, or a new document, after the moves of the manifest. A move counts as a change.
        now: the server's time in Unix seconds.
        working: what the last pass of this process knew, with newer times than the document; without it the document.
    """

    def __init__(
        self,
        store: Store,
        stored: StateDocument | None,
        opened: MovedDocument,
        now: Callable[[], float],
        working: WorkingState | None = None,
    ) -> None:
        document, is_moved = opened.document, bool(opened.notes)
        self.is_new = stored is None
        self.notes = opened.notes  # what a plan states about the state
        self.stored_document = document
        self.working_state = working or WorkingState.from_document(document)
        self._document: StateDocument | None = None if working or is_moved else document
        self._store = store
        self._now = now
        self._serial = document.serial
        self._changed = int(is_moved)  # revision of the working state
        self._written = 0  # revision that is stored
        self._wake = asyncio.Event()
        self._stored = asyncio.Condition()
        self._failure: Exception | None = None
        self._writer: asyncio.Task[None] | None = None
        self._writing: asyncio.Future[None] | None = None

    @property
    def document(self) -> StateDocument:
        """The document with all changes, stored or not."""
        if self._document is None:
            self._document = self.working_state.to_document()
        return self._document

    @property
    def is_stored(self) -> bool:
        """Whether all changes are stored, except newer times that need not be."""
        return self._failure is None and self._written >= self._changed

    @property
    def interval(self) -> float:
        """Seconds between grouped writes."""
        return self._store.interval

    async def check_lock(self) -> None:
        """Make sure that this process still has the lock, right before a request is sent; see `Store.check_lock`."""
        await self._store.check_lock()

    def changed(self) -> int:
        """Mark the working state as changed; returns the revision to wait for with `stored`.

        Every change of `working_state` is followed by `changed` before anything else runs.
        """
        self._document = None
        self._changed += 1
        return self._changed

    async def stored(self, revision: int) -> None:
        """Wait until a revision is durable; raises `StateError` if it cannot be stored."""
        if self._written >= revision:
            return
        self._wake.set()
        async with self._stored:
            await self._stored.wait_for(lambda: self._written >= revision or self._failure is not None)
        if self._failure is not None and self._written < revision:
            raise self._failure

    def update(
        self, seen: Observation, settle: float, identity: str | None
    ) -> tuple[frozenset[ReplicaKey], tuple[PhaseChanged, ...]]:
        """Update the state from an observation; returns the adopted replicas and each change of phase.

        `identity` is the digest of the credential; it is recorded if the listing shows the account of the state.
        """
        working, before = self.working_state, _Before(self.working_state)
        adopted = update_working_state(working, seen, settle)
        working.head = with_account_shown(working.head, seen.listing, identity)
        moved = before.moved(working)
        self._document = None
        for key, record in moved.items():
            working.stored_records.setdefault(key, record)
        stored, records = working.stored_records, working.records
        if before.has_other_tables(working) or any(is_news(stored[key], records.get(key)) for key in moved):
            self.changed()
        return adopted, tuple(_phase_changes(moved, working))

    def archive_done(self, expansion: Expansion) -> None:
        """Let the next write move records of done replicas to the archive of the store, if many are new."""
        archive, done = self._store.archive, len(self.working_state.records.group(is_done))
        if archive is None or not archive.is_due(done):
            return
        desired, entries = expansion.kept.desired, expansion.entries
        found = archivable_records(desired, entries, self.working_state, archive.least)
        if sum(archive.add(*one) for one in found):
            self.changed()

    async def __aenter__(self) -> Self:
        """Start writing in the background."""
        self._writer = asyncio.create_task(self._write_in_background())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Store the rest; on a cancellation in a bounded time.

        Raises:
            StateError: the last write failed, and nothing else went wrong before.
        """
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        interrupted = kind is not None and issubclass(kind, asyncio.CancelledError)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._write_rest(), SAVE_LIMIT if interrupted else None)
        if self._failure is not None and kind is None:
            raise self._failure

    async def _write_in_background(self) -> None:
        while self._failure is None:
            try:
                await asyncio.wait_for(self._wake.wait(), self.interval)
            except TimeoutError:
                if self._written >= self._changed:
                    continue
            self._wake.clear()
            try:
                await self._write()
            except Exception as failure:  # noqa: BLE001 - raised in every job that waits for the write
                self._failure = failure
            async with self._stored:
                self._stored.notify_all()

    async def _write_rest(self) -> None:
        """Write the changes that are not stored yet, after a write that is still in progress."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            if not self._writing.cancelled():
                self._writing.exception()  # the next write repeats it
        if self._failure is None and self._written < self._changed:
            try:
                await self._write(last=True)
            except StateError as failure:
                self._failure = failure

    def _newest_document(self) -> StateDocument:
        """The document with all changes, and with the times of listings that confirm records."""
        take_times(self.working_state)
        self._document = None
        return self.document

    async def _write(self, *, last: bool = False) -> None:
        revision = self._changed
        self._serial += 1
        head: dict[str, Any] = {"serial": self._serial, "writer": writer(), "written": self._now()}
        document = replace(self._newest_document(), **head)
        earlier, self.working_state.stored_records = self.working_state.stored_records, {}
        # Shielded: a canceled wait does not interrupt a write, and the next write waits for it.
        self._writing = asyncio.ensure_future(self._store.write(document, last=last))
        try:
            await asyncio.shield(self._writing)
        except BaseException:
            self.working_state.stored_records = {**self.working_state.stored_records, **earlier}
            raise
        self._written = revision
        self.stored_document = document
        self.working_state.head = replace(self.working_state.head, **head)
        if self._document is not None:
            self._document = replace(self._document, **head)


class _Before:
    """What an observation can change in a working state, as it was before."""

    def __init__(self, working: WorkingState) -> None:
        records = working.records
        self._revision = records.revision
        self._tables = _tables(working)
        self._records: dict[ReplicaKey, ReplicaRecord | None] = dict(records.group(is_open))
        for key in (*working.intents, *working.unconfirmed_creates, *(one.key for one in self._tables[1])):
            self._records[key] = records.get(key)

    def moved(self, working: WorkingState) -> dict[ReplicaKey, ReplicaRecord | None]:
        """The earlier records of the replicas whose record is another one now, by key and sorted."""
        return {key: self._records.get(key) for key in sorted(working.records.changed_since(self._revision))}

    def has_other_tables(self, working: WorkingState) -> bool:
        """Whether anything but records has changed."""
        return self._tables != _tables(working)


def _tables(working: WorkingState) -> tuple[tuple[Intent, ...], tuple[PendingDelete, ...], tuple[object, ...]]:
    """The open requests of a working state and the account that it is bound to, with its credentials."""
    others = (*working.unconfirmed_creates.values(), working.head.account, working.head.identities)
    return tuple(working.intents.values()), tuple(working.pending_deletes.values()), others


def _phase_changes(moved: Mapping[ReplicaKey, ReplicaRecord | None], working: WorkingState) -> list[PhaseChanged]:
    from skaha_apply.model.report import UNCONFIRMED, PhaseChanged  # noqa: PLC0415

    found = []
    for key, before in moved.items():
        record = working.records.get(key)
        if record is None or (before is not None and before.phase == record.phase):
            continue
        spec = working.specs[record.spec]
        change = PhaseChanged(
            project=working.head.project,
            session=spec.name,
            replica=record.replica,
            name=record.name,
            id=record.id,
            before=UNCONFIRMED if before is None else before.phase,
            after=record.phase,
            group=spec.group,
            attempt=record.attempt,
            note=record.note,
        )
        found.append(change)
    return found
