"""The Skaha routes: the action of each request, and the responses of /context, /image, /repository and open documents.

Newer servers have dropped /v0. The client `skaha` 1.7.0 uses it by default, so the sandbox serves it, too, unless it is
started with `--no-v0`. Source: [SkahaAction, GetAction of context, image and repository].
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.responses import HTML, JSON, Reply, bad_request
from skaha_apply.sandbox.http.session_changes import delete_session, post_session
from skaha_apply.sandbox.http.session_views import get_session
from skaha_apply.sandbox.platform import catalog

if TYPE_CHECKING:
    from skaha_apply.sandbox.http.request_target import Platform, RoutedRequest

_OPEN = {"/capabilities": "capabilities", "/availability": "availability"}
_PAGES = {"contrib": "contributed"}
_PAGE_SEGMENTS = 3
_SESSION = {"GET": get_session, "POST": post_session, "DELETE": delete_session}


def open_document(service: str) -> Reply | None:
    """Respond to the two routes that require no credentials; None for the other routes."""
    if service not in _OPEN:
        return None
    name = _OPEN[service]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<vosi:{name} xmlns:vosi="http://www.ivoa.net/xml/VOSI{name.title()}/v1.0"'
    inner = "<vosi:available>true</vosi:available>" if name == "availability" else ""
    return Reply(200, f"{body}>{inner}</vosi:{name}>\n".encode(), "text/xml")


def handle(platform: Platform, request: RoutedRequest) -> Reply:
    """Respond to one request; raises Refusal."""
    target = request.target
    if target.too_long is not None:
        raise bad_request(f"Invalid request: {target.too_long}")
    if target.service == "/session":
        return _SESSION[request.method](platform, request)
    if target.service == "/context":
        return Reply(200, catalog.context(platform.cluster.options.max_interactive).encode(), JSON)
    if target.service == "/repository":
        return Reply(200, json.dumps(catalog.hosts(platform.images)).encode(), JSON)
    kind = request.parameters.first("type")
    if kind is not None and kind not in catalog.TYPES:
        raise bad_request(f"unknown type: {kind}")
    return Reply(200, catalog.image_list(dict(platform.images), kind).encode(), JSON)


def interactive_page(platform: Platform, path: str) -> Reply | None:
    """Return the page at the connectURL of an interactive session; None if `path` is not such a URL."""
    parts = path.strip("/").split("/")
    if parts[0] != "session" or len(parts) < _PAGE_SEGMENTS:
        return None
    session = platform.cluster.sessions.get(parts[2])
    if session is None or session.kind != _PAGES.get(parts[1], parts[1]):
        return None
    words = f"The sandbox stands in for {session.kind} session {session.id}."
    return Reply(200, f"<!doctype html><title>{session.kind} {session.id}</title><p>{words}</p>".encode(), HTML)
