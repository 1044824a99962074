"""A state belongs to one server and one account; a command that meets another stops before anything is done."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SafetyRefusal, StateError
from skaha_apply.model.state import StateDocument
from skaha_apply.state.codec import check_binding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.session import Listing, Observation
    from skaha_apply.workflow.world import Place, World

_REMEMBERED = 5  # credentials of one account that are remembered, by digest


def new_document(project: str, server: str) -> StateDocument:
    """The state of a project that has none yet."""
    return StateDocument(lineage=str(uuid.uuid4()), project=project, server=server)


def check_server(document: StateDocument, project: str, server: str) -> None:
    """Refuse a state of another project or server; raises StateError."""
    check_binding(document, project, server)


def check_account(document: StateDocument, listing: Listing) -> None:
    """Refuse a state of another account, as far as the list tells; raises StateError."""
    check_binding(document, document.project, document.server, listing.account)


def check_confirmed(document: StateDocument, seen: Observation, world: World, plan: Plan) -> None:
    """Refuse to act for an account that cannot be told.

    An empty list bears no `userid`. Then only a credential that was seen with this account before is taken for it: to
    another account all that is recorded would look gone, and would be made again.

    Raises:
        StateError: when the plan would change something.
    """
    identity = world.client.identity
    known = seen.listing.account is not None or document.account is None or identity is None
    if known or world.place.setting.sandbox or identity in document.identities or not plan.has_changes:
        return
    raise StateError(
        f"the state belongs to account {document.account!r}; this credential is not the one that was used before, and "
        "the list is empty, so that nothing tells whose it is",
        hint="Use the credential of that account; if this is it, start any session by hand: then the list tells.",
    )


def remember_identity(ledger: Ledger, listing: Listing | None, world: World) -> None:
    """Note the credential once a list has shown whose it is: when all has expired, no list tells any more."""
    head, identity = ledger.book.head, world.client.identity
    if listing is None or listing.account is None or listing.account != head.account:
        return
    if identity is None or identity in head.identities or world.place.setting.sandbox:
        return
    ledger.book.head = head.model_copy(update={"identities": (*head.identities, identity)[-_REMEMBERED:]})
    ledger.changed()


def check_first_run(place: Place, environment: Mapping[str, str], *, init: bool) -> None:
    """Refuse to start a new memory on a CI runner, which would run everything again; raises SafetyRefusal."""
    if init or place.local or place.remote or place.setting.sandbox or not environment.get("CI"):
        return
    raise SafetyRefusal(
        "there is no state here, and a fresh CI runner keeps none: everything would be run again",
        hint="Keep the state in a remote store (--state URL), or say --init when this is the first run.",
    )
