"""The settings of a remote state store: its address, and the `TF_HTTP_*` variables of Terraform.

The protocol is that of Terraform's `http` backend. The tool recognizes a GitLab-managed state by the path of its
address, so that the user gives only a credential. This module sends no request.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

# [lib/api/terraform/state.rb]: lock is POST <address>/lock, unlock DELETE <address>/lock.
_GITLAB = re.compile(r"/api/v4/projects/[^/]+/terraform/state/[^/]+/?$")
_METHOD = re.compile(r"[A-Z]+$")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Backend:
    """A store that uses the protocol of Terraform's `http` backend; addresses have no user and password.

    `retries` is the number of requests after the first. `wait_min` and `wait_max` limit the seconds between them.
    """

    address: str
    lock_address: str
    unlock_address: str
    update_method: str = "POST"
    lock_method: str = "LOCK"
    unlock_method: str = "UNLOCK"
    username: str = ""
    password: str = field(default="", repr=False)
    retries: int = 2
    wait_min: float = 1.0
    wait_max: float = 30.0
    gitlab: bool = False

    @property
    def shown(self) -> str:
        """The address for messages: without the query, which can contain a key."""
        return _shown(self.address)

    @property
    def sends_password_unencrypted(self) -> bool:
        """Whether a request sends the password unencrypted to another machine."""
        parts = urlsplit(self.address)
        return bool(self.password) and parts.scheme == "http" and parts.hostname not in _LOOPBACK

    def mask(self, text: str) -> str:
        """A text of the server without the credential, on one line of at most 200 characters."""
        for secret in (self.password, urlsplit(self.address).query):
            if secret:
                text = text.replace(secret, "(sensitive)")
        return "".join(char if char.isprintable() else " " for char in text).strip()[:200]


def backend(address: str, env: Mapping[str, str]) -> Backend:
    """The backend at `address`; the `TF_HTTP_*` variables give the credential and change the default settings.

    The variables for lock addresses count only if TF_HTTP_ADDRESS is absent or equal to `address`, because they belong
    to that state. Without them the tool locks the address of the state (`<address>/lock` at GitLab); it always locks.
    Raises `StateError` for an invalid address or variable.
    """
    parts = _split(address, "the address of the state")
    plain = _without_user(parts)
    gitlab = _GITLAB.search(parts.path) is not None
    variable = env.get("TF_HTTP_ADDRESS", "")
    same = not variable or _without_user(_split(variable, "TF_HTTP_ADDRESS")) == plain
    lock = f"{plain.rstrip('/')}/lock" if gitlab else plain
    return Backend(
        address=plain,
        lock_address=_address(env, "TF_HTTP_LOCK_ADDRESS", lock, use_variable=same),
        unlock_address=_address(env, "TF_HTTP_UNLOCK_ADDRESS", lock, use_variable=same),
        update_method=_method(env, "TF_HTTP_UPDATE_METHOD", "POST"),
        lock_method=_method(env, "TF_HTTP_LOCK_METHOD", "POST" if gitlab else "LOCK"),
        unlock_method=_method(env, "TF_HTTP_UNLOCK_METHOD", "DELETE" if gitlab else "UNLOCK"),
        username=env.get("TF_HTTP_USERNAME") or unquote(parts.username or ""),
        password=env.get("TF_HTTP_PASSWORD") or unquote(parts.password or ""),
        retries=int(_number(env, "TF_HTTP_RETRY_MAX", 2)),
        wait_min=_number(env, "TF_HTTP_RETRY_WAIT_MIN", 1),
        wait_max=_number(env, "TF_HTTP_RETRY_WAIT_MAX", 30),
        gitlab=gitlab,
    )


def _split(address: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(address.strip())
        complete = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        complete = False
    if not complete:
        raise StateError(
            f"{what} is not an http address",
            hint="Write it as https://HOST/PATH. Give user and password in TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
        )
    return parts


def _without_user(parts: SplitResult) -> str:
    return urlunsplit((parts.scheme.lower(), parts.netloc.rpartition("@")[2], parts.path or "/", parts.query, ""))


def _shown(address: str) -> str:
    return urlunsplit((*urlsplit(address)[:3], "", ""))


def _address(env: Mapping[str, str], name: str, default: str, *, use_variable: bool) -> str:
    given = env.get(name, "")
    return _without_user(_split(given, name)) if given and use_variable else default


def _method(env: Mapping[str, str], name: str, default: str) -> str:
    method = env.get(name) or default
    if not _METHOD.match(method):
        raise StateError(f"{name} is not an http method: {method!r}", hint="Write methods in capitals: POST, PUT.")
    return method


def _number(env: Mapping[str, str], name: str, default: int) -> float:
    given = env.get(name) or str(default)
    if not (given.isascii() and given.isdigit()):
        raise StateError(
            f"{name} is not a whole number: {given!r}", hint="Give a whole number (of retries, or of seconds)."
        )
    return int(given)
