"""A state belongs to one server and one account; a command that meets another stops before anything is done."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SafetyRefusal, StateError
from skaha_apply.model.state import StateDocument
from skaha_apply.state.codec import check_binding
from skaha_apply.state.stores import how_to_select, parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.session import Listing
    from skaha_apply.workflow.setup.context import Context, StateLocation

_REMEMBERED = 5  # credentials of one account that are remembered, by digest


def new_document(project: str, server: str) -> StateDocument:
    """The state of a project that has none yet."""
    return StateDocument(lineage=str(uuid.uuid4()), project=project, server=server)


def check_store(location: StateLocation, project: Project) -> None:
    """Refuse another store than the one that the manifests name: it would be a second memory, and all would run again.

    The sandbox has a state of its own, whatever they say. Raises StateError, which names both, and UsageError
    for an address of an unknown form.
    """
    if project.state is None or location.setting.sandbox:
        return
    declared, used = location.declared(project.state, project), location.store(project.name).address
    if declared.same_as(parse_address(used, "--state")):
        return
    raise StateError(
        f"the manifests of {project.name} say that its state is kept at {declared.shown}; this call would use {used}",
        hint=f"{how_to_select(declared)} chooses it; where the state has moved, correct `state:` in the manifests.",
        location=project.locations.get("state"),
    )


def check_server(document: StateDocument, project: str, server: str) -> None:
    """Refuse a state of another project or server; raises StateError."""
    check_binding(document, project, server)


def check_account(document: StateDocument, context: Context, listing: Listing) -> None:
    """Refuse a state of another account before anything is concluded from what its list leaves out.

    An empty list bears no `userid`. Then only a credential that was seen with this account before is taken for it: to
    another account all that is recorded as active would look gone, and would be recorded so.

    Raises:
        StateError: for another account, and for one that cannot be told while something is open.
    """
    check_binding(document, document.project, document.server, listing.account)
    active = any(record.phase.active for record in document.replicas)
    if active or document.intents or document.tombstones:
        _check_told(document, context, listing)


def check_confirmed(document: StateDocument, context: Context, listing: Listing, plan: Plan) -> None:
    """Refuse to act for an account that cannot be told: raises StateError when the plan would change something."""
    if plan.has_changes:
        _check_told(document, context, listing)


def _check_told(document: StateDocument, context: Context, listing: Listing) -> None:
    identity = context.client.identity
    told = listing.account is not None or document.account is None
    if told or context.location.setting.sandbox or identity is None or identity in document.identities:
        return
    raise StateError(
        f"the state belongs to account {document.account!r}; this credential is not the one that was used before, and "
        "the list is empty, so that nothing tells whose it is",
        hint="Use the credential of that account; if this is it, say so by `skaha-apply state rebind`.",
    )


def remember_identity(ledger: Ledger, listing: Listing | None, context: Context) -> None:
    """Note the credential once a list has shown whose it is: when all has expired, no list tells any more."""
    head, identity = ledger.book.head, context.client.identity
    if listing is None or listing.account is None or listing.account != head.account:
        return
    if identity is None or identity in head.identities or context.location.setting.sandbox:
        return
    ledger.book.head = with_identity(head, identity)
    ledger.changed()


def with_identity(document: StateDocument, identity: str | None) -> StateDocument:
    """The state with a credential among those that are known to belong to its account."""
    if identity is None or identity in document.identities:
        return document
    return document.model_copy(update={"identities": (*document.identities, identity)[-_REMEMBERED:]})


def check_first_run(location: StateLocation, environment: Mapping[str, str], *, init: bool) -> None:
    """Refuse to start a new memory on a CI runner, which would run everything again; raises SafetyRefusal."""
    if init or location.local or location.is_remote or location.setting.sandbox or not environment.get("CI"):
        return
    raise SafetyRefusal(
        "there is no state here, and a fresh CI runner keeps none: everything would be run again",
        hint="Keep the state in a remote store (--state URL), or say --init when this is the first run.",
    )
