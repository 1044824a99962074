"""The errors for responses of a remote state store, in words that need no knowledge of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skaha_apply.model.errors import StateError
from skaha_apply.state.http.requests import NoStoreResponse

if TYPE_CHECKING:
    from skaha_apply.state.http.config import Backend
    from skaha_apply.state.http.requests import StoreResponse

_CHANGED = "Another process broke the lock or took it over. Repeat the command: it starts from the stored state."
_NO_LOCKS = "The store has no locks at this address. Set TF_HTTP_LOCK_ADDRESS and TF_HTTP_LOCK_METHOD."
_HINTS = {
    401: "Check TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
    403: "The account lacks permissions. At GitLab, Developer can read; Maintainer can also lock and write.",
    404: "Check the address. A project that the account cannot see has the same response.",
    405: "Check the address, TF_HTTP_LOCK_METHOD, TF_HTTP_UNLOCK_METHOD and TF_HTTP_UPDATE_METHOD.",
    409: _CHANGED,
    412: "Another process wrote the state meanwhile. Repeat the command: it starts from the stored state.",
    413: "The store limits the size of a state. Raise that limit, or split the project.",
    422: "GitLab refuses a serial that was used before: another process wrote the state meanwhile.",
    423: _CHANGED,
    501: _NO_LOCKS,
}
_REDIRECTS = range(300, 400)


def refused(backend: Backend, action: str, response: StoreResponse | NoStoreResponse) -> StateError:
    """The error of a failed `action`, a verb such as `write`."""
    what = f"cannot {action} the state {backend.shown}"
    if isinstance(response, NoStoreResponse):
        return StateError(
            f"{what}: no response: {response.text}", hint="Check the network and the address, then repeat the command."
        )
    if response.status in _REDIRECTS:
        host = urlsplit(response.location).hostname or "another address"
        return StateError(
            f"{what}: the store redirects to {host}, and a credential does not follow a redirect",
            hint=f"Give the address at {host} in --state.",
        )
    hint = _HINTS.get(response.status, "Repeat the command later, or ask the operators of the store.")
    if action == "lock" and response.status in (404, 405):
        hint = _NO_LOCKS
    return StateError(f"{what}: {backend.mask(response.text)}", hint=hint)
