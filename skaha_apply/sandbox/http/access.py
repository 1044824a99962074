"""The user of a request, and the errors for unknown users and for users without access.

Source: [StandardIdentityManager, SkahaAction, IvoaGroupClient].
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.responses import Refusal, Reply, bad_request, forbidden

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EXPIRED = "Token has expired"
_DENIED_USER = "denied"


@dataclass
class IssuedTokens:
    """Tokens that expire, issued by a control route. `ends` holds Unix seconds by token; `now` returns the time."""

    userid: str = ""
    now: Callable[[], float] = time.time
    ends: dict[str, float] = field(default_factory=dict, repr=False)

    def issue(self, lifetime: float, *, claims: bool) -> str:
        """Return a token that is valid for `lifetime` seconds; with `claims` an unsigned JWT that states its end."""
        end = self.now() + lifetime
        token = _json_web_token(self.userid, end) if claims else secrets.token_urlsafe(24)
        self.ends[token] = end
        return token

    def expire_all(self) -> None:
        """Expire every issued token now."""
        self.ends = dict.fromkeys(self.ends, 0.0)


def _json_web_token(userid: str, end: float) -> str:
    claims = {"iss": "https://sandbox.invalid", "sub": userid, "exp": end, "jti": secrets.token_hex(8)}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    encoded = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(16)])


@dataclass(frozen=True)
class Caller:
    """A known user; `denied` if the user may not use the system."""

    userid: str
    denied: bool = False


@dataclass(frozen=True)
class Accounts:
    """All known tokens: of users, of a user without access, expired tokens, and issued tokens that expire."""

    users: Mapping[str, str] = field(repr=False)
    denied: tuple[str, ...] = field(default=(), repr=False)
    expired: tuple[str, ...] = field(default=(), repr=False)
    issued: IssuedTokens = field(default_factory=IssuedTokens, repr=False)

    def identify(self, authorization: str | None) -> Caller | None:
        """Return the user of an Authorization header, None without a header; raises Refusal with 401."""
        if authorization is None:
            return None
        scheme, _, token = authorization.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("invalid_request", "Unsupported or malformed authorization")
        if _matches_any(token, self.expired):
            raise _unauthorized("invalid_token", _EXPIRED)
        if _matches_any(token, self.denied):
            return Caller(_DENIED_USER, denied=True)
        for known, user in self.users.items():
            if _matches_any(token, (known,)):
                return Caller(user)
        return self._issued_to(token)

    def _issued_to(self, token: str) -> Caller:
        """Return the user of an issued token; raises Refusal if the token is unknown or has expired."""
        for known, end in self.issued.ends.items():
            if _matches_any(token, (known,)):
                if self.issued.now() >= end:
                    raise _unauthorized("invalid_token", _EXPIRED)
                return Caller(self.issued.userid)
        raise _unauthorized("invalid_token", "Token is not valid")

    def userid(self, authorization: str | None) -> str:
        """Return the user if the user has access; raises Refusal with 400, 401 or 403."""
        return require_access(self.identify(authorization))


def require_access(caller: Caller | None) -> str:
    """Return the user's name; raises Refusal: 400 without credentials, 403 without access.

    Without credentials the response is 400, because the group service refuses anonymous callers [IvoaGroupClient].
    """
    if caller is None:
        raise bad_request("cannot get group memberships for anonymous")
    if caller.denied:
        raise forbidden("Not authorized to use the skaha system")
    return caller.userid


def _matches_any(token: str, known: tuple[str, ...]) -> bool:
    return any(hmac.compare_digest(name.encode(), token.encode("utf-8", "surrogateescape")) for name in known)


def _unauthorized(error: str, description: str) -> Refusal:
    """Refuse with 401, the challenge, and a body without newline [StandardIdentityManager, RestServlet]."""
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return Refusal(Reply(401, description.encode(), headers={"WWW-Authenticate": challenge}))
