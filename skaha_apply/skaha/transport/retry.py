"""The one policy of request retries, as pure functions: what a response means, and how long to wait before a retry.

A request that had no effect is repeated without a limit on the number. A request that might have had an effect is
repeated a few times if a second effect does no harm. A create that might have had an effect is never repeated.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.durations import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = 0.5  # seconds
LONGEST = 30.0  # seconds
RETRY_AFTER_FACTOR = 4.0  # the doubling ends at this multiple of a Retry-After
TRIES = 3  # of a request that might have had an effect, or has a response that is not from Skaha
_ANONYMOUS = b"group memberships for anonymous"  # [IvoaGroupClient]: the server received no credential
_OWN_503 = b"temporarily unavailable"  # [TransientException]
_NOT_ACTIVE = b"No active job"  # [PostAction]: the only 400 of a renewal that is final

_STATUS_NAMES = {one.value: one.phrase for one in HTTPStatus}
OK, MOVED = 200, 300
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, REQUEST_TIMEOUT, TOO_MANY = 400, 401, 403, 404, 408, 429
FAILED, BAD_GATEWAY, UNAVAILABLE, GATEWAY_TIMEOUT = 500, 502, 503, 504
_REPEATED_READS = frozenset({BAD_GATEWAY, UNAVAILABLE, GATEWAY_TIMEOUT})
# The server can send these two after it acted on a form. Other redirects mean that it did not act.
_MAYBE_ACTED = frozenset({302, 303})


class Effect(Enum):
    """The effect of sending a request a second time."""

    READ = "read"
    SAME = "same"  # delete: the second has no further effect
    RENEWAL = "renewal"  # like SAME; most of its 400s report a temporary fault of the cluster [CommandExecutioner]
    ANOTHER = "another"  # create: the second makes a second session [PostAction]


class ReplyKind(StrEnum):
    """What a response, or its absence, means for a request."""

    FINAL = "final"  # a success, or a clear refusal
    BUSY = "busy"  # the request had no effect, and a retry can succeed
    DENIED = "denied"  # the server refuses the credential; the request had no effect
    NOT_SKAHA = "not Skaha"  # the response is not from Skaha; the request had no effect
    UNCONFIRMED = "unconfirmed"  # the request might have had an effect
    CANNOT_SUCCEED = "cannot succeed"  # the request had no effect, and a retry cannot succeed


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response; header names are in lower case. `took`: seconds from the request to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return OK <= self.status < MOVED

    @property
    def status_line(self) -> str:
        """The status with its name: `429 Too Many Requests`; only the number if it has no name."""
        return f"{self.status} {_STATUS_NAMES.get(self.status, '')}".rstrip()

    @property
    def is_html(self) -> bool:
        """Whether this is HTML: Skaha never sends it, but a proxy, a login page or Tomcat in front of Skaha does."""
        return "html" in self.headers.get("content-type", "").lower() or self.body.lstrip()[:1] == b"<"


@dataclass(frozen=True, slots=True)
class NoResponse:
    """No complete response. `sent`: the server might have received the request. `hint`: what the user can do."""

    sent: bool
    text: str
    can_retry: bool = True
    hint: str = ""


Reply = Response | NoResponse


def classify_reply(effect: Effect, reply: Reply, session_id: str = "") -> ReplyKind:
    """What `reply` means for a request with that effect.

    `session_id` is the ID in the request. A 404 from Skaha itself names a session, mostly by its ID. A 404 of a proxy
    during a redeployment of Skaha does not, and must not count as "this session was deleted". This matters for reads. A
    write that ends in 404 had no effect, whoever sent the 404: it is refused (design 5.7).
    """
    if isinstance(reply, NoResponse):
        return _kind_of_missing_response(effect, reply)
    if reply.ok:
        return _kind_of_success(effect, reply)
    if reply.status == NOT_FOUND and effect is Effect.READ:
        own = session_id and not reply.is_html and _names_session(reply.body.lower(), session_id.lower().encode())
        return ReplyKind.FINAL if own else ReplyKind.NOT_SKAHA
    return _kind_of_refusal(effect, reply)


def _names_session(body: bytes, session_id: bytes) -> bool:
    return session_id in body or (b"session" in body and b"not found" in body)


def _kind_of_missing_response(effect: Effect, reply: NoResponse) -> ReplyKind:
    if reply.sent and effect is not Effect.READ:
        return ReplyKind.UNCONFIRMED
    return ReplyKind.BUSY if reply.can_retry else ReplyKind.CANNOT_SUCCEED


def _kind_of_refusal(effect: Effect, response: Response) -> ReplyKind:
    status = response.status
    if status == UNAUTHORIZED or (status == BAD_REQUEST and _ANONYMOUS in response.body):
        return ReplyKind.DENIED
    if status == TOO_MANY or (status == UNAVAILABLE and is_own_503(response)):
        return ReplyKind.BUSY
    if effect is Effect.READ and status in _REPEATED_READS:
        return ReplyKind.BUSY
    if effect is Effect.RENEWAL and status == BAD_REQUEST and not response.body.lstrip().startswith(_NOT_ACTIVE):
        return ReplyKind.UNCONFIRMED
    if status >= FAILED or status == REQUEST_TIMEOUT or (effect is not Effect.READ and status in _MAYBE_ACTED):
        return ReplyKind.UNCONFIRMED
    return ReplyKind.FINAL


def _kind_of_success(effect: Effect, response: Response) -> ReplyKind:
    if effect is Effect.READ:
        return ReplyKind.NOT_SKAHA if "html" in response.headers.get("content-type", "").lower() else ReplyKind.FINAL
    return ReplyKind.UNCONFIRMED if response.is_html else ReplyKind.FINAL


def is_own_503(response: Response) -> bool:
    """Whether a 503 is from Skaha itself, which then did nothing [RestServlet]; a gateway can act before its 503."""
    return "retry-after" in response.headers or (
        not response.is_html and response.body.strip().lower().startswith(_OWN_503)
    )


def delay(attempt: int, draw: float, at_least: float | None = None) -> float:
    """Seconds before the next try: full jitter over `BASE`, doubling to `LONGEST`; at least what the server asks for.

    A short Retry-After also limits the doubling.

    Args:
        attempt: the number of failed tries, from 1.
        draw: a random number from [0, 1).
        at_least: the seconds of a Retry-After.
    """
    longest = LONGEST if at_least is None else min(LONGEST, RETRY_AFTER_FACTOR * max(at_least, BASE))
    waited = draw * min(longest, BASE * 2.0 ** min(attempt - 1, 10))
    # A small random addition spreads the clients that received the same Retry-After.
    return waited if at_least is None else max(waited, at_least + draw * min(1.0, at_least / 10))


def retry_after(reply: Reply, now: float) -> float | None:
    """Seconds of a Retry-After [RFC 9110, 10.2.3] after the server's time `now`; None without the header."""
    if isinstance(reply, NoResponse):
        return None
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = http_date(text)
    return None if moment is None else max(0.0, moment - now)
