"""The one retry policy, as pure functions: what an answer means for a request, and how long to wait before the next.

Only what is known to have had no effect is repeated without limit of count; what may have had one is repeated a few
times if a second effect does no harm, and never for a create.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from http.client import responses
from typing import TYPE_CHECKING

from skaha_apply.model.durations import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = 0.5
CAP = 30.0
PATIENT = 4.0  # the most that the doubling makes of a Retry-After
TRIES = 3  # of what may have had an effect, or is answered oddly
_ANONYMOUS = b"group memberships for anonymous"  # [IvoaGroupClient]: no credential reached the server
_OWN_503 = b"temporarily unavailable"  # [TransientException]
_NOT_ACTIVE = b"No active job"  # [PostAction]: the only 400 of a renewal that repeating cannot change

OK, MOVED = 200, 300
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TIMED_OUT, TOO_MANY = 400, 401, 403, 404, 408, 429
FAILED, BAD_GATEWAY, UNAVAILABLE, GATEWAY_TIMEOUT = 500, 502, 503, 504
_REPEATED_READS = frozenset({BAD_GATEWAY, UNAVAILABLE, GATEWAY_TIMEOUT})
# A form that was acted on may be answered with these two; the other redirects come instead of acting.
_MAYBE_ACTED = frozenset({302, 303})


class Effect(Enum):
    """What a second sending of a request would do."""

    READ = "read"
    SAME = "same"  # delete: twice is as good as once
    RENEWAL = "renewal"  # as SAME; most of its 400s report a passing fault of the cluster [CommandExecutioner]
    ANOTHER = "another"  # create: twice makes two sessions [PostAction]


class Verdict(StrEnum):
    """What an answer means for its request."""

    ANSWERED = "answered"
    BUSY = "busy"  # nothing happened, and another moment may be better
    DENIED = "denied"  # the credential is refused; nothing happened
    FOREIGN = "foreign"  # nothing happened: this answer is not by Skaha
    UNSURE = "unsure"  # it may have happened
    CANNOT_SUCCEED = "hopeless"  # nothing happened, and waiting mends nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; the names of headers are in lower case. `took` are the seconds from its request to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it is a 2xx."""
        return OK <= self.status < MOVED

    @property
    def status_line(self) -> str:
        """The status with its name: `429 Too Many Requests`; the number alone if it has none."""
        return f"{self.status} {responses.get(self.status, '')}".rstrip()

    @property
    def html(self) -> bool:
        """Whether a proxy or a login page speaks: Skaha never answers HTML, Tomcat in front of it does."""
        return "html" in self.headers.get("content-type", "").lower() or self.body.lstrip()[:1] == b"<"


@dataclass(frozen=True, slots=True)
class Lost:
    """No whole answer. `sent` tells whether the request may have reached the server; `hint` says what to do."""

    sent: bool
    text: str
    hopeless: bool = False
    hint: str = ""


Result = Answer | Lost


def judge(effect: Effect, result: Result, known_as: str = "") -> Verdict:
    """What `result` means for a request of that effect.

    `known_as` is the session id asked for: Skaha's own 404 speaks of a session, mostly by its id; that of a proxy whose
    Skaha is just being redeployed does not, and must not be taken for "this session is gone". That holds for reads. A
    write that ends in 404 had no effect, whoever responded: it is refused (design 5.7).
    """
    if isinstance(result, Lost):
        return _judge_loss(effect, result)
    if result.ok:
        return _judge_success(effect, result)
    if result.status == NOT_FOUND and effect is Effect.READ:
        own = known_as and not result.html and _names_session(result.body.lower(), known_as.lower().encode())
        return Verdict.ANSWERED if own else Verdict.FOREIGN
    return _judge_refusal(effect, result)


def _names_session(body: bytes, known_as: bytes) -> bool:
    return known_as in body or (b"session" in body and b"not found" in body)


def _judge_loss(effect: Effect, lost: Lost) -> Verdict:
    if lost.sent and effect is not Effect.READ:
        return Verdict.UNSURE
    return Verdict.CANNOT_SUCCEED if lost.hopeless else Verdict.BUSY


def _judge_refusal(effect: Effect, answer: Answer) -> Verdict:
    status = answer.status
    if status == UNAUTHORIZED or (status == BAD_REQUEST and _ANONYMOUS in answer.body):
        return Verdict.DENIED
    if status == TOO_MANY or (status == UNAVAILABLE and is_own_503(answer)):
        return Verdict.BUSY
    if effect is Effect.READ and status in _REPEATED_READS:
        return Verdict.BUSY
    if effect is Effect.RENEWAL and status == BAD_REQUEST and not answer.body.lstrip().startswith(_NOT_ACTIVE):
        return Verdict.UNSURE
    if status >= FAILED or status == TIMED_OUT or (effect is not Effect.READ and status in _MAYBE_ACTED):
        return Verdict.UNSURE
    return Verdict.ANSWERED


def _judge_success(effect: Effect, answer: Answer) -> Verdict:
    if effect is Effect.READ:
        return Verdict.FOREIGN if "html" in answer.headers.get("content-type", "").lower() else Verdict.ANSWERED
    return Verdict.UNSURE if answer.html else Verdict.ANSWERED


def is_own_503(answer: Answer) -> bool:
    """Whether Skaha itself says 503, so that nothing was done [RestServlet]; a gateway's may come after the request."""
    return "retry-after" in answer.headers or (not answer.html and answer.body.strip().lower().startswith(_OWN_503))


def delay(attempt: int, draw: float, at_least: float | None = None) -> float:
    """Seconds before the next try: full jitter over `BASE` doubling to `CAP`, and not less than the server asks.

    A server that asks for little is not kept waiting for long: what it asks also bounds the doubling.

    Args:
        attempt: how many tries have failed, from 1.
        draw: a random number from [0, 1).
        at_least: the seconds of a Retry-After.
    """
    cap = CAP if at_least is None else min(CAP, PATIENT * max(at_least, BASE))
    waited = draw * min(cap, BASE * 2.0 ** min(attempt - 1, 10))
    # What the server asks is a minimum; a little more spreads those who were all told the same.
    return waited if at_least is None else max(waited, at_least + draw * min(1.0, at_least / 10))


def retry_after(result: Result, now: float) -> float | None:
    """Seconds that a Retry-After asks for [RFC 9110, 10.2.3], from the server's time `now`; None without one."""
    if isinstance(result, Lost):
        return None
    text = result.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = http_date(text)
    return None if moment is None else max(0.0, moment - now)
