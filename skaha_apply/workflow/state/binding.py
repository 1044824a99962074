"""A state belongs to one server and one account; a command that uses another one stops before it changes anything."""

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
    """Refuse another store than the one in the manifests, because a second state would run everything again.

    The sandbox always has its own state. Raises `StateError`, which names both stores, and `UsageError` for an address
    of an unknown form.
    """
    if project.state is None or location.setting.sandbox:
        return
    declared, used = location.declared(project.state, project), location.store(project.name).address
    if declared.same_as(parse_address(used, "--state")):
        return
    raise StateError(
        f"the manifests of {project.name} declare the state {declared.shown}, but this invocation would use {used}",
        hint=f"{how_to_select(declared)} selects the declared state. If it moved, correct `state:` in the manifests.",
        location=project.locations.get("state"),
    )


def check_server(document: StateDocument, project: str, server: str) -> None:
    """Refuse a state of another project or server; raises StateError."""
    check_binding(document, project, server)


def check_account(document: StateDocument, context: Context, listing: Listing) -> None:
    """Refuse a state of another account before the tool concludes anything from missing sessions.

    An empty listing has no `userid`. Then only a credential that was used with this account before is accepted. To
    another account everything recorded as active would look deleted, and would be recorded so.

    Raises:
        StateError: the account is another one, or is not known while something is open.
    """
    check_binding(document, document.project, document.server, listing.account)
    active = any(record.phase.active for record in document.replicas)
    if active or document.intents or document.tombstones:
        _check_account_is_known(document, context, listing)


def check_confirmed(document: StateDocument, context: Context, listing: Listing, plan: Plan) -> None:
    """Refuse to act for an unknown account: raises `StateError` if the plan changes something."""
    if plan.has_changes:
        _check_account_is_known(document, context, listing)


def _check_account_is_known(document: StateDocument, context: Context, listing: Listing) -> None:
    identity = context.client.identity
    known = listing.account is not None or document.account is None
    if known or context.location.setting.sandbox or identity is None or identity in document.identities:
        return
    raise StateError(
        f"the state belongs to account {document.account!r}; this credential was not used before, and the session "
        "list is empty, so that the account of the credential is not known",
        hint="Use the credential of that account. If this is the one, run `skaha-apply state rebind`.",
    )


def remember_identity(ledger: Ledger, listing: Listing | None, context: Context) -> None:
    """Record the credential once a listing shows its account, because an empty listing later shows none."""
    head, identity = ledger.working_state.head, context.client.identity
    if listing is None or listing.account is None or listing.account != head.account:
        return
    if identity is None or identity in head.identities or context.location.setting.sandbox:
        return
    ledger.working_state.head = with_identity(head, identity)
    ledger.changed()


def with_identity(document: StateDocument, identity: str | None) -> StateDocument:
    """The state with one more credential of its account."""
    if identity is None or identity in document.identities:
        return document
    return document.model_copy(update={"identities": (*document.identities, identity)[-_REMEMBERED:]})


def check_first_run(location: StateLocation, environment: Mapping[str, str], *, init: bool) -> None:
    """Refuse to start a new state on a CI runner, which would run everything again; raises `SafetyRefusal`."""
    if init or location.local or location.is_remote or location.setting.sandbox or not environment.get("CI"):
        return
    raise SafetyRefusal(
        "there is no state here, and a new CI runner keeps none: everything would run again",
        hint="Keep the state in a remote store (--state URL). If this is the first run, add --init.",
    )
