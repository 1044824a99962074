"""Responses of the server as values; errors have the exact texts of the Skaha services.

Errors are text/plain. Source: [RestAction, RestServlet].
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = "text/plain"
JSON = "application/json"
HTML = "text/html;charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """One HTTP response; an empty `media_type` sends no Content-Type. The Date header is added when it is sent."""

    status: int = 200
    body: bytes = b""
    media_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, headers: Mapping[str, str]) -> Reply:
        """Return this response with more headers."""
        return replace(self, headers={**self.headers, **headers})


EMPTY = Reply(media_type="")


class Refusal(Exception):
    """Ends a request with an error response."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.body)
        self.reply = reply


def text(content: str, status: int = 200) -> Reply:
    """Return a response in plain text."""
    return Reply(status, content.encode())


def bad_request(message: str) -> Refusal:
    """Refuse as RestServlet reports an IllegalArgumentException: 400, the message and a newline [RestAction]."""
    return Refusal(text(f"{message}\n", 400))


def not_found(message: str) -> Refusal:
    """Refuse as RestServlet reports a ResourceNotFoundException: 404, the message and a newline [RestAction]."""
    return Refusal(text(f"{message}\n", 404))


def forbidden(message: str) -> Refusal:
    """Refuse as RestServlet reports an AccessControlException: 403, the message and a newline [RestAction]."""
    return Refusal(text(f"{message}\n", 403))


def unexpected(java_class: str, message: str) -> Refusal:
    """Refuse as RestServlet reports any other exception: 500, without a newline [RestServlet]."""
    return Refusal(text(f"unexpected exception: {java_class}: {message}", 500))


def unavailable(path: str, retry_after: int) -> Reply:
    """Respond as RestServlet reports a TransientException: a fixed text, and Retry-After [TransientException]."""
    body = f"temporarily unavailable: {path}\n".encode()
    return Reply(503, body, headers={"Retry-After": str(retry_after)})


def tomcat_page(status: int, reason: str) -> Reply:
    """Return the HTML page that Tomcat sends if no servlet handles a request."""
    title = f"HTTP Status {status} \u2013 {reason}"
    page = (
        f'<!doctype html><html lang="en"><head><title>{title}</title></head>'
        f'<body><h1>{title}</h1><hr class="line" /><h3>Apache Tomcat</h3></body></html>'
    )
    return Reply(status, page.encode(), HTML)
