"""The lock for every write of a state, and the ledger that is open under it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from skaha_apply.apply.ledger import Ledger
from skaha_apply.workflow.event_file import EventLoggingStore
from skaha_apply.workflow.state.binding import check_server, check_store, new_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.context import Context

UNLOCK_LIMIT = 0.6  # seconds that unlocking may take after an interrupt; saving before it has the rest of two seconds


@asynccontextmanager
async def held_lock(store: Store, operation: str, patience: float) -> AsyncIterator[None]:
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


@asynccontextmanager
async def open_ledger(
    context: Context,
    project: Project,
    operation: str,
    patience: float | None = None,
) -> AsyncIterator[tuple[Ledger, bool]]:
    """The ledger of a project under its lock, and whether the state is new; changes are stored at the end.

    Raises:
        StateLocked: another process keeps the lock.
        StateError: the state cannot be read or written, belongs to another project or server, or is not the one that
            the manifests declare.
    """
    check_store(context.location, project)
    store = context.location.store(project.name)
    if context.journal is not None:
        store = EventLoggingStore(store, context.journal)
    async with held_lock(store, operation, context.location.setting.lock_timeout if patience is None else patience):
        stored = await store.read()
        document = stored or new_document(project.name, context.location.server)
        check_server(document, project.name, context.location.server)
        async with Ledger(store, document, context.client.now) as ledger:
            yield ledger, stored is None
