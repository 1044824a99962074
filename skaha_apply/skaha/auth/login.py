"""A credential as a value: a token or a certificate, with its source, its expiry and its account."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import Unauthorized
from skaha_apply.model.masking.secrets import masked
from skaha_apply.skaha.auth.certificate import read_certificate
from skaha_apply.skaha.auth.secret import Secret

if TYPE_CHECKING:
    from skaha_apply.skaha.auth.registry import RegistryLogin

_TOKEN = re.compile(r"[\x21-\x7e]+")
RENEW_TOKEN = "`canfar login`, or a new token in SKAHA_TOKEN"  # noqa: S105 - a hint, not a token
RENEW_FILE = "`canfar login`"
RENEW_CERTIFICATE = RENEW_FILE
MOST_HIDDEN = 500  # secrets of earlier logins; enough for five days of tokens that last 15 minutes
SHORTEST_HIDDEN = 4  # characters; a shorter text occurs in other texts by chance
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)-----END", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Login:
    """A credential with either a `token` or a `pem`.

    `pem` is a certificate with its private key. `source` is the variable or file that gave it. `expires` is in Unix
    seconds, None if unknown. `identity` is the same for all credentials of an account, if they show the account.
    `renewal` describes how a user gets a new one. `registry` is sent with creates of private images. `hidden` are
    further secrets to mask: those of earlier logins, and a refresh token.
    """

    source: str
    identity: str
    token: Secret | None = None
    pem: Secret | None = None
    expires: float | None = None
    renewal: str = RENEW_TOKEN
    registry: RegistryLogin | None = None
    hidden: tuple[Secret, ...] = ()

    def same_as(self, other: Login) -> bool:
        """Whether both have the same token or the same certificate."""
        return (self.token, self.pem) == (other.token, other.pem)

    def after(self, before: Login) -> Login:
        """This login after `before`, with the secrets of `before` to mask them."""
        known = dict.fromkeys((*before.hidden, *(one for one in (before.token, before.pem) if one), *self.hidden))
        return replace(self, hidden=tuple(known)[-MOST_HIDDEN:])

    def without_secrets(self, text: str) -> str:
        """`text` with `(sensitive)` for each secret, also if it is encoded as in a URL, JSON or base64."""
        values = [one for secret in (self.token, self.pem, *self.hidden) if secret for one in _parts(secret.reveal())]
        if self.registry:
            values += self.registry.secrets
        return masked(text, {str(at): value for at, value in enumerate(values) if len(value) >= SHORTEST_HIDDEN})

    def check(self, now: float) -> None:
        """Raise `Unauthorized` if it has expired at `now` (Unix seconds)."""
        if self.expires is None or now < self.expires:
            return
        what = "token" if self.token else "certificate"
        day = datetime.fromtimestamp(self.expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
        raise Unauthorized(f"the {what} from {self.source} expired on {day}", hint=f"renew it: {self.renewal}")


def token_login(text: str, source: str, *, expires: float | None = None, renewal: str = RENEW_TOKEN) -> Login:
    """A bearer token. Raises `Unauthorized` for a text that a header cannot contain; the message does not repeat it.

    Args:
        text: the token; white space around it is dropped.
        source: its origin, for messages.
        expires: its expiry in a configuration, Unix seconds; the claim `exp` of the token comes first [RFC 7519].
        renewal: how a user gets a new one.
    """
    token = text.strip()
    if token.lower().startswith("bearer "):
        token = token[len("bearer ") :].strip()
    if not _TOKEN.fullmatch(token):
        raise Unauthorized(f"{source} contains no usable token", hint=f"get one: {renewal}")
    claims = _claims(token)
    claimed = claims.get("exp")
    if isinstance(claimed, int | float) and not isinstance(claimed, bool) and 0 < claimed < 2**40:
        expires = float(claimed)
    account = (claims.get("iss"), claims.get("sub"))
    identity = _digest("jwt", *account) if all(isinstance(part, str) and part for part in account) else ""
    return Login(source, identity or _digest("token", token), token=Secret(token), expires=expires, renewal=renewal)


def no_login() -> Login:
    """No credential, to see whether a server responds; it refuses every request but those that need none."""
    return Login("(none)", "")


def certificate_login(pem: str, source: str, *, renewal: str = RENEW_CERTIFICATE) -> Login:
    """A certificate with its key as PEM text; raises `Unauthorized` for another text."""
    try:
        certificate = read_certificate(pem)
    except ValueError as error:
        raise Unauthorized(f"{source}: {error}", hint=f"get a new one: {renewal}") from None
    if "PRIVATE KEY-----" not in pem:
        raise Unauthorized(f"{source} contains a certificate without its private key", hint=f"renew it: {renewal}")
    identity = _digest("x509", *(f"{kind}={value}" for kind, value in certificate.subject))
    return Login(source, identity, pem=Secret(pem), expires=certificate.not_after, renewal=renewal)


def _parts(secret: str) -> list[str]:
    """A token, or the lines of the private keys in a PEM text; certificates are public."""
    if "-----BEGIN" not in secret:
        return [secret]
    keys = [body.split() for body in _KEY.findall(secret)]
    return [part for lines in keys for part in (*lines, "".join(lines))]


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:16]
