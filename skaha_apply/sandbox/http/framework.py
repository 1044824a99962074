"""What the REST framework does around every action: methods, parameters, credentials, headers.

Source: [RestServlet, RestAction].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.access import require_access
from skaha_apply.sandbox.http.responses import EMPTY, Refusal, Reply, tomcat_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.sandbox.http.access import Accounts
    from skaha_apply.sandbox.http.parameters import RequestParameters

SERVER = {"server": "OpenCADC/cadc-rest"}
_METHODS = {"/session": ("GET", "POST", "DELETE"), "/capabilities": ("GET", "HEAD"), "/availability": ("GET", "HEAD")}
_OPTIONS = {"Allow": "GET, HEAD, POST, PUT, DELETE, OPTIONS"}
_REFUSED = ("GET", "HEAD", "POST", "PUT", "DELETE", "TRACE")


def reply_without_action(method: str, service: str) -> Reply | None:
    """Respond, for any caller, to a method that `service` (`/session`, ...) does not support; None if it does."""
    methods = _METHODS.get(service, ("GET",))
    if method in methods:
        return None
    if method == "OPTIONS":
        return EMPTY.with_headers(_OPTIONS)
    if method not in _REFUSED:
        return tomcat_page(501, "Not Implemented")
    return Reply(405, f"unsupported: HTTP {method}\n".encode(), headers={"Allow": ", ".join(methods)})


def run_action(
    accounts: Accounts,
    authorization: str | None,
    read: Callable[[], RequestParameters],
    action: Callable[[str, RequestParameters], Reply],
) -> Reply:
    """Run one action of a user.

    A wrong credential is refused before the parameters are read. If the user is known and the parameters could be
    read, every response has the user's name in a header, also an error.

    Args:
        accounts: the known users and tokens.
        authorization: the Authorization header.
        read: returns the parameters; can raise Refusal.
        action: responds to a user and parameters; can raise Refusal.
    """
    try:
        caller = accounts.identify(authorization)
    except Refusal as refusal:
        return refusal.reply
    headers = dict(SERVER)
    try:
        parameters = read()
        if caller is not None:
            headers["x-vo-authenticated"] = caller.userid
        reply = action(require_access(caller), parameters)
    except Refusal as refusal:
        reply = refusal.reply
    return reply.with_headers(headers)
