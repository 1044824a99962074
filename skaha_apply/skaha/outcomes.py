"""How a request's end is told: an error of the tree for a read, one of the three outcomes for a write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from skaha_apply.model.durations import format_exact
from skaha_apply.model.errors import Forbidden, NotSkaha, ServerError, SkahaApplyError, Unauthorized, Unreachable
from skaha_apply.model.request import Accepted, Outcome, Refused, Unconfirmed
from skaha_apply.skaha.responses import NOT_SKAHA_HINT, one_line
from skaha_apply.skaha.transport.retry import (
    BAD_REQUEST,
    FAILED,
    FORBIDDEN,
    MOVED,
    NOT_FOUND,
    Answer,
    Lost,
    Result,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.requests import Call

NOT_SENT = "not sent: no new requests are wanted"
_CREATED = (200, 201)
_READ = 20_000  # bytes of an answer that a message is made from
_NO_ACCESS = "Not authorized to use the skaha system"  # [GroupURISessionAuthorizer]
_ACCESS_HINT = "ask the operators of the server for access to it"
_REACH_HINT = "check the network and the address of the server (--server, SKAHA_URL), or try again later"
_BUSY_HINT = "the server, or a gateway before it, refuses requests at the moment; repeat the command later"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a request ended.

    `verdict` and `result` are of its last try, both None when none was made. `value` is what was read from a good
    answer, `error` why it could not be. `doubt` says that a try may have had an effect. `asked` are the seconds of the
    last Retry-After. `stopped` tells that no new tries are wanted.
    """

    verdict: Verdict | None = None
    result: Result | None = None
    value: Any = None
    error: SkahaApplyError | None = None
    doubt: bool = False
    asked: float | None = None
    stopped: bool = False

    @property
    def answer(self) -> Answer | None:
        """The last answer, None when there was none."""
        return self.result if isinstance(self.result, Answer) else None


def failure(call: Call, ended: Ended, address: str, login: Login | None) -> SkahaApplyError:
    """The error that tells why a read has no answer; `address` is the base URL."""
    text = said(ended.result, login)
    if ended.verdict is Verdict.DENIED:
        return ended.error or _denial(address, login, text)
    if ended.error:
        return ended.error
    if ended.answer is None:
        hint = isinstance(ended.result, Lost) and ended.result.hint
        return Unreachable(f"no response from {address}: {text}", hint=hint or _REACH_HINT)
    if ended.verdict is Verdict.BUSY:
        return Unreachable(f"{address} is unavailable: {_busy(ended, text)}", hint=_busy_hint(ended.asked))
    return _refusal(call, ended.answer, ended.verdict, f"{address}: {text}")


def _denial(address: str, login: Login | None, text: str) -> Unauthorized:
    source = f" from {login.source}" if login else ""
    hint = f"renew it: {login.renewal}" if login else None
    return Unauthorized(f"{urlsplit(address).netloc} refuses the credential{source}: {text}", hint=hint)


def _refusal(call: Call, answer: Answer, verdict: Verdict | None, text: str) -> ServerError:
    status = answer.status
    if status == FORBIDDEN:
        return Forbidden(f"the account is known and may not use {text}", hint=_ACCESS_HINT)
    if MOVED <= status < BAD_REQUEST:
        return NotSkaha(f"{_redirect(answer)}; no credential is sent there: {text}", hint=NOT_SKAHA_HINT)
    if verdict is Verdict.FOREIGN:
        return NotSkaha(f"is this a Skaha server? It answers {status} at /{call.path}: {text}", hint=NOT_SKAHA_HINT)
    what = "fails at" if status >= FAILED else "refuses"
    return ServerError(f"the server {what} {call.method} /{call.path}: {status}, {text}")


def _busy(ended: Ended, text: str) -> str:
    """The status of a server that refuses for the moment, its own text, and how long it asks to wait."""
    answer = ended.answer
    shown = answer.status_line if answer else text
    own = f": {text}" if answer and answer.body.strip() else ""
    wait = f" (it asks to wait {format_exact(round(ended.asked))})" if ended.asked else ""
    return f"{shown}{own}{wait}"


def _busy_hint(asked: float | None) -> str:
    return f"repeat the command in {format_exact(round(asked))}" if asked else _BUSY_HINT


def outcome(
    ended: Ended,
    login: Login | None,
    url: str,
    read_id: Callable[[bytes], str | None] | None = None,
) -> Outcome:
    """The outcome of a write to `url`; `read_id` finds the id in the answer of a create."""
    text, answer = said(ended.result, login), ended.answer
    if ended.verdict is Verdict.ANSWERED and answer and answer.ok:
        return _accepted(answer, read_id, text)
    if ended.doubt:
        return Unconfirmed(text)
    if ended.result is None:
        return Refused(0, NOT_SENT if ended.stopped else text, stopped=ended.stopped)
    status = answer.status if answer else 0
    if answer and MOVED <= status < BAD_REQUEST:
        text = _redirect(answer)
    elif status == NOT_FOUND:
        text = f"the server has nothing at {url} ({status}): {text}"
    elif ended.verdict is Verdict.BUSY and answer:
        text = _busy(ended, text)
    if ended.verdict is Verdict.DENIED:
        denial = ended.error or _denial(url, login, text)
        return Refused(status, str(denial), stopped=ended.stopped, auth=True, hint=denial.hint)
    denied = status == FORBIDDEN and _NO_ACCESS in text
    return Refused(status, str(ended.error or text), stopped=ended.stopped, auth=denied)


def _accepted(answer: Answer, read_id: Callable[[bytes], str | None] | None, text: str) -> Outcome:
    if read_id is None:
        return Accepted()
    session_id = read_id(answer.body) if answer.status in _CREATED else None
    return Accepted(session_id) if session_id else Unconfirmed(f"the response has no session ID: {text}")


def _redirect(answer: Answer) -> str:
    try:
        host = urlsplit(answer.headers.get("location", "")).hostname
    except ValueError:
        host = None
    return f"the server sends elsewhere ({answer.status}{f' to {host}' if host else ''})"


def said(result: Result | None, login: Login | None) -> str:
    """What an answer says, for a message: one line, and never the credential."""
    if result is None:
        return "the server does not answer"
    text = result.text if isinstance(result, Lost) else result.body[:_READ].decode("utf-8", "replace")
    if isinstance(result, Answer) and not text.strip():
        text = result.headers.get("www-authenticate", "") or f"status {result.status}"
    return one_line(login.hide_in(text) if login else text)


def problem(result: Result) -> str:
    """What keeps the server from doing a request at the moment."""
    if isinstance(result, Answer):
        return f"the server responds {result.status_line}"
    return f"the server cannot be reached ({result.text})"
