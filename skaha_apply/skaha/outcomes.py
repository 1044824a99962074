"""Turn the result of a request into an error for a failed read, or into one of the three outcomes of a write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from skaha_apply.lazy_dataclass import dataclass
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
    NoResponse,
    Reply,
    ReplyKind,
    Response,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.requests import ApiRequest

NOT_SENT = "not sent, because the command was stopped"
_CREATED = (200, 201)
_READ = 20_000  # bytes of a response that a message is made from
_NO_ACCESS = "Not authorized to use the skaha system"  # [GroupURISessionAuthorizer]
_ACCESS_HINT = "ask the operators of the server for access to it"
_REACH_HINT = "check the network and the address of the server (--server, SKAHA_URL), or try again later"
_BUSY_HINT = "the server, or a gateway in front of it, refuses requests at the moment; repeat the command later"


@dataclass(frozen=True, slots=True)
class RequestResult:
    """How a request ended.

    `reply_kind` and `reply` belong to the last try; both are None if there was no try. `value` was read from a good
    response; `error` states why a response could not be read. `unconfirmed`: a try might have had an effect.
    `retry_after`: the seconds of the last Retry-After. `stopped`: the client was stopped, so there was no further try.
    """

    reply_kind: ReplyKind | None = None
    reply: Reply | None = None
    value: Any = None
    error: SkahaApplyError | None = None
    unconfirmed: bool = False
    retry_after: float | None = None
    stopped: bool = False

    @property
    def response(self) -> Response | None:
        """The last response; None if there was none."""
        return self.reply if isinstance(self.reply, Response) else None


def read_error(request: ApiRequest, result: RequestResult, address: str, login: Login | None) -> SkahaApplyError:
    """The error of a failed read; `address` is the base URL."""
    text = shown_text(result.reply, login)
    if result.reply_kind is ReplyKind.DENIED:
        return result.error or _denial(address, login, text)
    if result.error:
        return result.error
    if result.response is None:
        hint = isinstance(result.reply, NoResponse) and result.reply.hint
        return Unreachable(f"no response from {address}: {text}", hint=hint or _REACH_HINT)
    if result.reply_kind is ReplyKind.BUSY:
        return Unreachable(f"{address} is unavailable: {_busy(result, text)}", hint=_busy_hint(result.retry_after))
    return _refusal(request, result.response, result.reply_kind, f"{address}: {text}")


def _denial(address: str, login: Login | None, text: str) -> Unauthorized:
    source = f" from {login.source}" if login else ""
    hint = f"renew it: {login.renewal}" if login else None
    return Unauthorized(f"{urlsplit(address).netloc} refuses the credential{source}: {text}", hint=hint)


def _refusal(request: ApiRequest, response: Response, reply_kind: ReplyKind | None, text: str) -> ServerError:
    status = response.status
    if status == FORBIDDEN:
        return Forbidden(f"the account has no access to {text}", hint=_ACCESS_HINT)
    if MOVED <= status < BAD_REQUEST:
        return NotSkaha(f"{_redirect(response)}; the credential is not sent there: {text}", hint=NOT_SKAHA_HINT)
    if reply_kind is ReplyKind.NOT_SKAHA:
        return NotSkaha(
            f"the response {status} at /{request.path} is not from a Skaha server: {text}", hint=NOT_SKAHA_HINT
        )
    what = "failed at" if status >= FAILED else "refuses"
    return ServerError(f"the server {what} {request.method} /{request.path}: {status}, {text}")


def _busy(result: RequestResult, text: str) -> str:
    """The status of a refusal for a moment, the text of the server, and the wait that the server asks for."""
    response = result.response
    shown = response.status_line if response else text
    own = f": {text}" if response and response.body.strip() else ""
    seconds = result.retry_after
    wait = f" (the server asks to wait {format_exact(round(seconds))})" if seconds else ""
    return f"{shown}{own}{wait}"


def _busy_hint(seconds: float | None) -> str:
    return f"repeat the command in {format_exact(round(seconds))}" if seconds else _BUSY_HINT


def outcome(
    result: RequestResult,
    login: Login | None,
    url: str,
    read_id: Callable[[bytes], str | None] | None = None,
) -> Outcome:
    """The outcome of a write to `url`; `read_id` reads the ID from the response to a create."""
    response = result.response
    if result.reply_kind is ReplyKind.FINAL and response and response.ok:
        return _accepted(response, read_id, login)
    text = shown_text(result.reply, login)
    if result.unconfirmed:
        return Unconfirmed(text)
    if result.reply is None:
        return Refused(0, NOT_SENT if result.stopped else text, stopped=result.stopped)
    status = response.status if response else 0
    if response and MOVED <= status < BAD_REQUEST:
        text = _redirect(response)
    elif status == NOT_FOUND:
        text = f"the server has no resource {url} ({status}): {text}"
    elif result.reply_kind is ReplyKind.BUSY and response:
        text = _busy(result, text)
    if result.reply_kind is ReplyKind.DENIED:
        denial = result.error or _denial(url, login, text)
        return Refused(status, denial.located_message, stopped=result.stopped, auth=True, hint=denial.hint)
    denied = status == FORBIDDEN and _NO_ACCESS in text
    message = result.error.located_message if result.error else text
    return Refused(status, message, stopped=result.stopped, auth=denied)


def _accepted(response: Response, read_id: Callable[[bytes], str | None] | None, login: Login | None) -> Outcome:
    if read_id is None:
        return Accepted()
    session_id = read_id(response.body) if response.status in _CREATED else None
    if session_id:
        return Accepted(session_id)
    return Unconfirmed(f"the response has no session ID: {shown_text(response, login)}")


def _redirect(response: Response) -> str:
    try:
        host = urlsplit(response.headers.get("location", "")).hostname
    except ValueError:
        host = None
    return f"the server redirects ({response.status}{f' to {host}' if host else ''})"


def shown_text(reply: Reply | None, login: Login | None) -> str:
    """The text of a reply for a message: one line without the credential."""
    if reply is None:
        return "the server does not respond"
    text = reply.text if isinstance(reply, NoResponse) else reply.body[:_READ].decode("utf-8", "replace")
    if isinstance(reply, Response) and not text.strip():
        text = reply.headers.get("www-authenticate", "") or f"status {reply.status}"
    return one_line(login.without_secrets(text) if login else text)


def outage_cause(reply: Reply) -> str:
    """Why the server cannot carry out a request at the moment."""
    if isinstance(reply, Response):
        return f"the server responds {reply.status_line}"
    return f"the server cannot be reached ({reply.text})"
