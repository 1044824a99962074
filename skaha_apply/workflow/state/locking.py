"""The lock for every write of a state, and the state of a project during an invocation."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from skaha_apply.apply.ledger import Ledger
from skaha_apply.state.observed_stores import EventLoggingStore
from skaha_apply.workflow.state.binding import find_store, new_document, read_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.model.state import StateDocument
    from skaha_apply.workflow.setup.context import Context

UNLOCK_LIMIT = 0.6  # seconds that unlocking may take after an interrupt; saving before it has the rest of two seconds


@asynccontextmanager
async def store_lock(store: Store, operation: str, patience: float) -> AsyncIterator[None]:
    """Keep the lock of a store; wait at most `patience` seconds for another owner.

    Raises:
        StateLocked: another process keeps it; the message names the process and the time.
    """
    await store.acquire(operation, patience)
    limit: float | None = None
    try:
        yield
    except asyncio.CancelledError:
        limit = UNLOCK_LIMIT
        raise
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(store.release(), limit)


class ProjectState:
    """The state of one project during one invocation: its store is opened once, its lock is taken for each pass.

    Between two passes it keeps the state of the last pass. This copy is valid while the store has the document that
    this process read or wrote last.

    Raises:
        StateError: the store is not the one that the manifests declare.
        UsageError: the address has an unknown form.
    """

    def __init__(self, context: Context, project: Project) -> None:
        store = find_store(context.location, project)
        self._store = store if context.journal is None else EventLoggingStore(store, context.journal)
        self._context = context
        self._project = project
        self._stored: StateDocument | None = None
        self._latest: StateDocument | None = None

    @asynccontextmanager
    async def locked(self, operation: str, patience: float | None = None) -> AsyncIterator[Ledger]:
        """The ledger of the project under its lock; changes are stored at the end.

        Raises:
            StateLocked: another process keeps the lock.
            StateError: the state cannot be read or written, or belongs to another project or server.
        """
        location = self._context.location
        async with store_lock(self._store, operation, location.setting.lock_timeout if patience is None else patience):
            stored = await read_state(self._store, location, self._project)
            document = stored or new_document(location, self._project)
            same = stored is not None and (stored is self._stored or stored == self._stored)
            latest = self._latest if same else None
            now = self._context.client.now
            async with Ledger(self._store, document, now, latest, is_new=stored is None) as ledger:
                yield ledger
            self._stored, self._latest = ledger.stored_document, ledger.document
