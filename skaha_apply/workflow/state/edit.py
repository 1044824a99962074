"""Commands on the state itself: show, unlock, forget records, rename."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from skaha_apply.apply.ledger import writer
from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import StateError, UsageError
from skaha_apply.model.names.renames import has_matrix, has_session, with_entry_renamed
from skaha_apply.planning.selection import matches
from skaha_apply.planning.working_state import WorkingState
from skaha_apply.workflow.state.locking import store_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.ports import Store
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import StateDocument
    from skaha_apply.workflow.setup.context import StateLocation


async def show(location: StateLocation, project: str) -> StateDocument:
    """The state of a project; raises StateError if there is none."""
    store = location.store(project)
    document = await store.read()
    if document is None:
        raise StateError(f"project {project!r} has no state at {store.address}")
    return document


async def unlock(location: StateLocation, project: str, lock_id: str) -> None:
    """Free a lock, or the lease of a controller, whose owner has ended. The ID must be its ID. Raises `StateError`."""
    store = location.store(project)
    try:
        found = await store.read()
    except StateError:  # the lock of a damaged state can be freed, too
        found = None
    if not (has_lease(found, lock_id) and await free_lease(store, lock_id, "state unlock")):
        await store.unlock(lock_id)


def has_lease(document: StateDocument | None, lease_id: str) -> bool:
    """Whether a state has the lease of a controller with this ID."""
    return document is not None and document.controller is not None and document.controller.id == lease_id


async def free_lease(store: Store, lease_id: str, operation: str) -> bool:
    """Remove the lease of a controller with this ID; False if the state has none. Raises `StateError`."""
    async with store_lock(store, operation, 0):
        document = await store.read()
        if document is None or not has_lease(document, lease_id):
            return False
        await rewrite(store, replace(document, controller=None))
    return True


async def forget(location: StateLocation, project: str, patterns: Sequence[str]) -> tuple[str, ...]:
    """Drop the records of replicas, all without a pattern, in any phase; returns their live names.

    Raises:
        UsageError: a pattern is malformed.
        StateError: the state cannot be read or written.
    """
    store = location.store(project)
    async with store_lock(store, "state forget", location.setting.lock_timeout):
        document = await show(location, project)
        working = WorkingState.from_document(document)
        known = {**working.intents, **working.records}
        groups = {key: working.specs[entry.spec].group for key, entry in known.items()}
        selected = {key for key in known if not patterns or _matches_any(patterns, key, groups[key])}
        if not selected:
            return ()
        names = {working.records[key].name if key in working.records else working.intents[key].name for key in selected}
        for table in (working.records, working.intents, working.unconfirmed_creates):
            for key in selected:
                table.pop(key, None)
        for pending in tuple(working.pending_deletes.values()):
            if pending.key in selected:
                del working.pending_deletes[pending.id]
        await rewrite(store, working.to_document())
        return tuple(sorted(names))


def _matches_any(patterns: Sequence[str], key: ReplicaKey, group: str) -> bool:
    try:
        return any(matches(pattern, *key, group) for pattern in patterns)
    except ValueError as error:
        raise UsageError(str(error)) from error


async def move(location: StateLocation, project: str, old: str, new: str) -> str:
    """Rename a session or a project in the state, so that nothing runs again; returns what was renamed.

    If the state has a session OLD, or a matrix OLD (its name as written), it becomes NEW; a matrix includes all its
    combinations. Otherwise the state of project OLD becomes the state of project NEW.

    Raises:
        UsageError: OLD is not a session, matrix or project; or NEW exists already.
        StateError: the state cannot be read or written.
    """
    document = await location.store(project).read()
    if document is not None and (has_matrix(document, old) or has_session(document, old)):
        await _rename(location, project, old, new)
        return f"{'matrix' if has_matrix(document, old) else 'session'} {old} is now {new}"
    if await location.store(old).read() is not None:
        return await _move_project(location, old, new)
    raise UsageError(
        f"there is neither a session {old!r} in the state of {project!r}, nor a state of a project {old!r}"
    )


async def _rename(location: StateLocation, project: str, old: str, new: str) -> None:
    store = location.store(project)
    async with store_lock(store, "state mv", location.setting.lock_timeout):
        renamed = with_entry_renamed(await show(location, project), old, new)
        if renamed is not None:
            await rewrite(store, renamed)


async def _move_project(location: StateLocation, old: str, new: str) -> str:
    source, target = location.store(old), location.store(new)
    if source.address == target.address:
        async with store_lock(source, "state mv", location.setting.lock_timeout):
            await rewrite(source, replace(await show(location, old), project=new))
        return f"project {old} is now {new}"
    patience = location.setting.lock_timeout
    async with store_lock(source, "state mv", patience), store_lock(target, "state mv", patience):
        document = await source.read()
        if document is None:
            raise StateError(f"project {old!r} has no state at {source.address}")
        if await target.read() is not None:
            raise UsageError(f"project {new!r} has a state already, at {target.address}")
        await rewrite(target, replace(document, project=new))
        await source.remove()
    return f"project {old} is now {new}"


async def rewrite(store: Store, document: StateDocument) -> None:
    """Store a changed document with the next serial, as the last write under the lock. Raises StateError."""
    stamped = replace(document, serial=document.serial + 1, writer=writer(), written=time.time())
    await store.write(stamped, last=True)
