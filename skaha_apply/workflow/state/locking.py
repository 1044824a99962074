"""The lock for every write of a state, and the state of a project during an invocation."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from skaha_apply.apply.context import ExecutionContext
from skaha_apply.apply.ledger import Ledger
from skaha_apply.apply.lister import Lister
from skaha_apply.apply.log_saver import LogSaver
from skaha_apply.model.errors import StateError
from skaha_apply.model.names.moves import MovedDocument, with_moves
from skaha_apply.model.report import Note
from skaha_apply.state.observed_stores import EventLoggingStore
from skaha_apply.workflow.setup.variables import unmasked
from skaha_apply.workflow.state.binding import check_first_run, find_store, new_document, read_state
from skaha_apply.workflow.state.public_logs import public_logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import StateDocument
    from skaha_apply.planning.working_state import WorkingState
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

    Between two passes it keeps the working state of the last pass. It is valid while the store has the document that
    this process read or wrote last.

    Raises:
        StateError: the store is not the one that the manifests declare.
        UsageError: the address has an unknown form, or `--state-logs` has no effect.
    """

    def __init__(
        self, context: Context, project: Project, observe: Callable[[Event], None], lineage: str | None = None
    ) -> None:
        store = find_store(context.location, project)
        self._public = public_logs(context.location.setting, store)
        self._store = store if context.journal is None else EventLoggingStore(store, context.journal)
        self._context = context
        self._project = project
        self._observe = observe
        self._lineage = lineage
        self._stored: StateDocument | None = None
        self._working: WorkingState | None = None

    @asynccontextmanager
    async def locked(
        self, operation: str, patience: float | None = None, *, init: bool = True
    ) -> AsyncIterator[ExecutionContext]:
        """What the executor works with, under the lock of the state; changes are stored at the end.

        `init` states whether a new state may be started in a CI job.

        Raises:
            StateLocked: another process keeps the lock.
            StateError: the state cannot be read or written, or belongs to another project or server.
            SafetyRefusal: there is no state, and this is a CI job.
        """
        location, project = self._context.location, self._project
        async with store_lock(self._store, operation, location.setting.lock_timeout if patience is None else patience):
            stored = await read_state(self._store, location, project)
            self._check_lineage(stored)
            if stored is None:
                check_first_run(location, os.environ, init=init)
            same = stored is not None and (stored is self._stored or stored == self._stored)
            working, self._working = self._working if same else None, None
            document = stored or new_document(location, project)
            ledger = Ledger(
                self._store,
                stored,
                MovedDocument(document) if same else with_moves(document, project),  # the last pass stored the moves
                self._context.client.now,
                working,
            )
            for warning in unmasked(project) if location.setting.keep_logs else ():
                self._observe(Note(warning))
            try:
                async with ledger:
                    yield self._execution(ledger)
            finally:
                if ledger.is_stored:
                    self._stored, self._working = ledger.stored_document, ledger.working_state
                    self._lineage = ledger.stored_document.lineage

    def note_left(self, keys: Collection[ReplicaKey]) -> None:
        """Note the replicas that left the manifest: the store keeps no log of them."""
        if (logs := self._store.shared_logs) is not None:
            logs.leave(keys)

    def _check_lineage(self, stored: StateDocument | None) -> None:
        """Refuse to continue if the state has disappeared or is another one: all finished work would run again."""
        if self._lineage is None or (stored is not None and stored.lineage == self._lineage):
            return
        found = "has disappeared" if stored is None else "is another one"
        raise StateError(
            f"the state {self._store.address} {found} since this command began",
            hint="Restore it from a copy. To begin with the state as it is now, end this command, and run it again.",
        )

    def _execution(self, ledger: Ledger) -> ExecutionContext:
        client, project, setting = self._context.client, self._project, self._context.location.setting
        logs = self._context.location.logs(project.name) if setting.keep_logs else None
        return ExecutionContext(
            server=client.guarded(ledger.check_lock),
            ledger=ledger,
            lister=Lister(client, setting.settle),
            log_saver=LogSaver(client, logs, project.secrets, self._observe, self._public),
            observe=self._observe,
            project=project.name,
            settle=setting.settle,
            concurrency=setting.concurrency,
            secrets=project.secrets,
            checks_account=not setting.sandbox,
        )
