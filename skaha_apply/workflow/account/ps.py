"""`ps`: all sessions of the account, managed or not, with the project that owns each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.account.sessions import AccountSessions, OwnedSession
from skaha_apply.workflow.export import owning_records
from skaha_apply.workflow.setup.context import open_context

if TYPE_CHECKING:
    from skaha_apply.workflow.setup.settings import Settings


async def account_sessions(setting: Settings) -> AccountSessions:
    """List the sessions once, and read the states of this checkout. Nothing is changed.

    Raises:
        ServerError: the server cannot be used.
    """
    async with open_context(setting) as context:
        listing = await context.client.sessions()
        owners = await owning_records(context.location)
    ordered = sorted(listing.sessions, key=lambda live: (live.name, live.started or 0.0, live.id))
    sessions = []
    for live in ordered:
        project, record = owners.get(live.id, ("", None))
        sessions.append(OwnedSession(live, project, f"{record.key[0]}/{record.key[1]}" if record else ""))
    return AccountSessions(listing.account, listing.at, tuple(sessions))
