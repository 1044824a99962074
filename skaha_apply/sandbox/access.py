"""Who a request comes from, and what the server says to those it does not know or does not let in."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skaha_apply.sandbox.answers import Answer, Refusal, bad_request, forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Accounts:
    """Tokens the sandbox knows: those of users, of a user without access, and expired ones."""

    users: Mapping[str, str] = field(repr=False)
    denied: tuple[str, ...] = field(default=(), repr=False)
    expired: tuple[str, ...] = field(default=(), repr=False)

    def userid(self, authorization: str | None) -> str:
        """Give the user of an Authorization header; raises Refusal as the server does.

        Without credentials the group service is asked first, and refuses anonymous callers: 400 [IvoaGroupClient].
        """
        if authorization is None:
            raise bad_request("cannot get group memberships for anonymous")
        scheme, _, token = authorization.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("invalid_request", "Unsupported or malformed authorization")
        if _one_of(token, self.expired):
            raise _unauthorized("invalid_token", "Token has expired")
        if _one_of(token, self.denied):
            raise forbidden("Not authorized to use the skaha system")
        for known, user in self.users.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                return user
        raise _unauthorized("invalid_token", "Token is not valid")


def _one_of(token: str, known: tuple[str, ...]) -> bool:
    return any(hmac.compare_digest(one.encode(), token.encode()) for one in known)


def _unauthorized(error: str, description: str) -> Refusal:
    """Refuse with 401, the challenge, and a body without newline [StandardIdentityManager, RestServlet]."""
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return Refusal(Answer(401, description.encode(), headers={"WWW-Authenticate": challenge}))
