"""A state belongs to one account; a command that uses another one stops before it concludes or changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import StateError

if TYPE_CHECKING:
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.session import Listing
    from skaha_apply.model.state import StateDocument
    from skaha_apply.planning.situation import Situation

_REMEMBERED = 5  # credentials of one account that are remembered, by digest


def check_account(document: StateDocument, listing: Listing, identity: str | None) -> None:
    """Refuse a state of another account before the tool concludes anything from missing sessions.

    An empty listing has no `userid`. Then only a credential that was used with this account before is accepted. To
    another account everything recorded as active would look deleted, and would be recorded so. `identity` is the digest
    of the credential, None if there is nothing to check.

    Raises:
        StateError: the account is another one, or is not known while something is open.
    """
    if None not in (listing.account, document.account) and listing.account != document.account:
        raise StateError(
            f"the state belongs to account {document.account!r}, the credential to account {listing.account!r}",
            hint=f"Use a credential of {document.account}, or select another state with --state. "
            "To see what the state records: `skaha-apply plan --offline`.",
        )
    if _is_account_known(document, listing, identity):
        return
    active = any(record.phase.active for record in document.replicas)
    if active or document.intents or document.tombstones:
        _refuse_unknown_account(document)


def check_account_of_plan(plan: Plan, situation: Situation) -> None:
    """Refuse to act for an unknown account: raises `StateError` if the plan changes something."""
    known = _is_account_known(situation.state, situation.observation.listing, situation.identity)
    if plan.has_changes and not known:
        _refuse_unknown_account(situation.state)


def _is_account_known(document: StateDocument, listing: Listing, identity: str | None) -> bool:
    known = listing.account is not None or document.account is None
    return known or identity is None or identity in document.identities


def _refuse_unknown_account(document: StateDocument) -> NoReturn:
    raise StateError(
        f"the state belongs to account {document.account!r}, and the account of this credential is not known: "
        "it was not used before, and the server lists no session for it",
        hint=f"Use a credential of {document.account}. If this is one, run `skaha-apply state rebind`.",
    )


def with_account_shown(document: StateDocument, listing: Listing, identity: str | None) -> StateDocument:
    """The state with the credential, once a listing shows its account: an empty listing later shows none."""
    if listing.account is None or listing.account != document.account:
        return document
    return with_identity(document, identity)


def with_identity(document: StateDocument, identity: str | None) -> StateDocument:
    """The state with one more credential of its account."""
    if identity is None or identity in document.identities:
        return document
    return replace(document, identities=(*document.identities, identity)[-_REMEMBERED:])
