"""`limits`: what the server offers, and how much of it is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.account.offer import ServerLimits
from skaha_apply.model.session import Kind, Phase
from skaha_apply.workflow.setup.context import open_context

if TYPE_CHECKING:
    from skaha_apply.model.session import Listing
    from skaha_apply.workflow.setup.settings import Settings

LOAD_PATIENCE = 1.0  # seconds; a server without metrics responds 503 each time


async def server_limits(setting: Settings) -> ServerLimits:
    """Ask for options, images, sessions and load. Nothing is changed.

    Raises:
        ServerError: the server cannot be used. What it does not report is None.
    """
    async with open_context(setting) as context:
        client = context.client
        listing = await client.sessions()
        offer, images = await client.offer(), await client.images()
        client.patience = min(client.patience, LOAD_PATIENCE)
        load = await client.load()
        return ServerLimits(client.address, offer, interactive_in_use(listing), images, load)


def interactive_in_use(listing: Listing) -> int:
    """The number of sessions that count against the limit of interactive sessions [PostAction]."""
    counted = (Phase.PENDING, Phase.RUNNING)
    return sum(one.kind != Kind.HEADLESS and one.phase in counted for one in listing.sessions)
