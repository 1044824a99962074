"""What the answers of a remote state store mean to a user, who cannot see the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skaha_apply.model.errors import StateError
from skaha_apply.state.http.requests import Lost

if TYPE_CHECKING:
    from skaha_apply.state.http.config import Backend
    from skaha_apply.state.http.requests import Answer

_HINTS = {
    401: "Check TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
    403: "The account lacks the rights; at GitLab, reading needs Developer, locking and writing Maintainer.",
    404: "Check the address; a project that the account may not see looks the same.",
    405: "Check the address, and the methods in TF_HTTP_LOCK_METHOD, TF_HTTP_UNLOCK_METHOD and TF_HTTP_UPDATE_METHOD.",
    409: "The lock was broken or taken over meanwhile; run it again, and it starts from what is there.",
    412: "Somebody wrote it meanwhile; run it again, and it starts from what is there.",
    413: "The store limits the size of a state: raise that limit, or split the project.",
    422: "GitLab says so for a serial that was used before: somebody wrote meanwhile. Run it again.",
    423: "The lock was broken or taken over meanwhile; run it again, and it starts from what is there.",
    501: "The store knows no locks at this address: give TF_HTTP_LOCK_ADDRESS and TF_HTTP_LOCK_METHOD.",
}
_REDIRECTS = range(300, 400)


def refused(backend: Backend, doing: str, answer: Answer | Lost) -> StateError:
    """The refusal to `doing` (a verb, as in `write`) by an answer that is not a success."""
    what = f"cannot {doing} the state {backend.shown}"
    if isinstance(answer, Lost):
        return StateError(
            f"{what}: no answer: {answer.text}", hint="Check the network and the address; then try again."
        )
    if answer.status in _REDIRECTS:
        host = urlsplit(answer.location).hostname or "another address"
        return StateError(
            f"{what}: the store redirects to {host}, which is not followed with a credential",
            hint="Give the address that it redirects to.",
        )
    hint = _HINTS.get(answer.status, "Try again later, or ask those who run the store.")
    if doing == "lock" and answer.status in (404, 405):
        hint = _HINTS[501]
    return StateError(f"{what}: {backend.scrub(answer.text)}", hint=hint)
