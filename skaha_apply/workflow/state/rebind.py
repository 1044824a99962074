"""Binds a state again: to a server that moved, and to the credential that is used now."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass, replace
from skaha_apply.model.errors import StateError, UsageError
from skaha_apply.planning.safety.account import with_identity
from skaha_apply.state.paths import FOLDER, logs_folder, make_folder, state_path
from skaha_apply.state.stores import open_store
from skaha_apply.workflow.setup.sandbox import SANDBOX
from skaha_apply.workflow.state.edit import rewrite
from skaha_apply.workflow.state.locking import store_lock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.model.ports import Store
    from skaha_apply.model.session import Listing
    from skaha_apply.model.state import StateDocument
    from skaha_apply.workflow.setup.context import Context, StateLocation


@dataclass(frozen=True)
class Rebinding:
    """What would be rebound: (before, after) of the server, the account and the place of the state.

    `trusts` states whether the present credential is recorded as one of the account. `active` is the number of active
    sessions in the state, and `listed` the number of these that the server lists.
    """

    project: str
    server: tuple[str, str]
    account: tuple[str | None, str | None]
    address: tuple[str, str]
    trusts: bool
    active: int
    listed: int

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.trusts or any(before != after for before, after in (self.server, self.account, self.address))


@dataclass(frozen=True)
class RebindOptions:
    """The name of the account, and the earlier host of the server. None is valid if there is only one candidate."""

    account: str | None = None
    host: str | None = None


async def rebind(
    context: Context,
    project: str,
    options: RebindOptions,
    approve: Callable[[Rebinding], Awaitable[bool]],
) -> bool:
    """Show the changes, ask for approval, and write them; returns whether the user agreed.

    A local state in the folder of the earlier server moves to the folder of the present server, with its saved logs.
    `approve` is called also if nothing would change, so that it can report this.

    Raises:
        UsageError: several states are possible, and the options select none of them.
        StateError: the listing is of another account than the state, or than the given account.
        ServerError: the server cannot be used.
        StateLocked: another process has the lock.
    """
    location = context.location
    target = location.store(project)
    source = await _source(location, project, target, options.host)
    async with AsyncExitStack() as locks:
        for store in dict.fromkeys((source, target)):
            await locks.enter_async_context(store_lock(store, "state rebind", location.setting.lock_timeout))
        document = await _read(source, project)
        listing = await context.client.sessions()
        account = _account(document, listing, options.account)
        after = _bound(document, context, account)
        planned = _rebinding(document, after, listing, (source.address, target.address))
        if not await approve(planned):
            return False
        if planned.changes:
            await _move(after, source, target)
    if source is not target:
        _move_logs(location, project, Path(source.address).parent.name)
    return True


async def _source(location: StateLocation, project: str, target: Store, host: str | None) -> Store:
    """The present store of the state: at the expected place, else in the folder of another server."""
    named = location.is_remote or location.setting.state is not None
    if named and host is not None:
        raise UsageError(
            "--from and --state exclude each other: --from selects a state below .skaha-apply/",
            hint="remove --from, or remove --state",
        )
    if named or host == location.folder or (host is None and await target.read_bytes() is not None):
        return target
    found = _elsewhere(location, project)
    known = ", ".join(found) or "none"
    if host is not None and host not in found:
        raise UsageError(f"there is no state of project {project!r} for {host}", hint=f"There are states for: {known}.")
    if len(found) > 1 and host is None:
        raise UsageError(
            f"several servers have states of project {project!r}: {known}", hint="Select one: --from HOST."
        )
    chosen = host or next(iter(found), None)
    return target if chosen is None else open_store(None, found[chosen], {})


def _elsewhere(location: StateLocation, project: str) -> dict[str, Path]:
    """The project's states for other servers, by host."""
    folders = sorted(path for path in (location.root / FOLDER).glob("*") if path.name not in (location.folder, SANDBOX))
    states = {folder.name: state_path(location.root, folder.name, project) for folder in folders}
    return {name: path for name, path in states.items() if path.exists()}


async def _read(store: Store, project: str) -> StateDocument:
    document = await store.read()
    if document is None:
        raise StateError(f"project {project!r} has no state at {store.address}", hint="There is nothing to rebind.")
    if document.project != project:
        raise StateError(
            f"the state {store.address} belongs to project {document.project!r}, not to {project!r}",
            hint=f"To rename the project in the state, run `skaha-apply state mv {document.project} {project}`.",
        )
    return document


def _account(document: StateDocument, listing: Listing, named: str | None) -> str | None:
    """The new account of the state; raises StateError if the listing is of another account."""
    shown = listing.account
    if named is not None and shown not in (None, named):
        raise StateError(
            f"the server lists sessions of account {shown!r}, not of {named!r}",
            hint=f"Use a credential of {named}.",
        )
    if named is None and None not in (shown, document.account) and shown != document.account:
        raise StateError(
            f"the state belongs to account {document.account!r}, the credential is that of {shown!r}",
            hint=f"Use a credential of {document.account}; if the account was renamed or hands its work over, "
            f"add --account {shown}.",
        )
    return named or shown or document.account


def _bound(document: StateDocument, context: Context, account: str | None) -> StateDocument:
    known = document.identities if account == document.account else ()
    bound = replace(document, server=context.location.server, account=account, identities=known)
    return bound if account is None else with_identity(bound, context.client.identity)


def _rebinding(
    before: StateDocument,
    after: StateDocument,
    listing: Listing,
    address: tuple[str, str],
) -> Rebinding:
    active = [record.id for record in before.replicas if record.phase.active and record.id]
    return Rebinding(
        project=before.project,
        server=(before.server, after.server),
        account=(before.account, after.account),
        address=address,
        trusts=after.identities != before.identities,
        active=len(active),
        listed=sum(one in listing.by_id for one in active),
    )


async def _move(document: StateDocument, source: Store, target: Store) -> None:
    if source is target:
        await rewrite(target, document)
        return
    if await target.read() is not None:
        raise UsageError(
            f"there is a state at {target.address} already",
            hint="Keep one of the two states: move the file of the other one away, then repeat the command.",
        )
    await rewrite(target, document)
    await source.remove()


def _move_logs(location: StateLocation, project: str, host: str) -> None:
    """Move the saved logs too, unless the new server has saved logs. If that fails, they stay in their folder."""
    before, after = logs_folder(location.root, host, project), logs_folder(location.root, location.folder, project)
    with suppress(OSError):
        make_folder(after.parent)
        before.rename(after)
