"""The Skaha routes: which action answers a call; /context, /image, /repository and the open documents.

Newer servers dropped /v0; the published `skaha` 1.7.0 still defaults to it, so the sandbox answers there too unless
it is started with `--no-v0`. Source: skaha-api.md, "Addresses, methods, authentication", "Reading".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.responses import HTML, JSON, Reply, bad_request
from skaha_apply.sandbox.http.session_changes import delete_session, post_session
from skaha_apply.sandbox.http.session_views import get_session
from skaha_apply.sandbox.platform import catalog

if TYPE_CHECKING:
    from skaha_apply.sandbox.http.request_target import Backend, RoutedRequest

_OPEN = {"/capabilities": "capabilities", "/availability": "availability"}
_PAGES = {"contrib": "contributed"}
_PAGE_SEGMENTS = 3
_SESSION = {"GET": get_session, "POST": post_session, "DELETE": delete_session}


def open_document(service: str) -> Reply | None:
    """Respond to the two routes that need no credentials; None for the others."""
    if service not in _OPEN:
        return None
    name = _OPEN[service]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<vosi:{name} xmlns:vosi="http://www.ivoa.net/xml/VOSI{name.title()}/v1.0"'
    inner = "<vosi:available>true</vosi:available>" if name == "availability" else ""
    return Reply(200, f"{body}>{inner}</vosi:{name}>\n".encode(), "text/xml")


def handle(backend: Backend, request: RoutedRequest) -> Reply:
    """Respond to one call; raises Refusal."""
    target = request.target
    if target.too_long is not None:
        raise bad_request(f"Invalid request: {target.too_long}")
    if target.service == "/session":
        return _SESSION[request.method](backend, request)
    if target.service == "/context":
        return Reply(200, catalog.context(backend.cluster.options.max_interactive).encode(), JSON)
    if target.service == "/repository":
        return Reply(200, json.dumps(catalog.hosts(backend.images)).encode(), JSON)
    kind = request.parameters.first("type")
    if kind is not None and kind not in catalog.TYPES:
        raise bad_request(f"unknown type: {kind}")
    return Reply(200, catalog.image_list(dict(backend.images), kind).encode(), JSON)


def interactive_page(backend: Backend, path: str) -> Reply | None:
    """Give the page behind the connectURL of an interactive session; None when there is none at `path`."""
    parts = path.strip("/").split("/")
    if parts[0] != "session" or len(parts) < _PAGE_SEGMENTS:
        return None
    session = backend.cluster.sessions.get(parts[2])
    if session is None or session.kind != _PAGES.get(parts[1], parts[1]):
        return None
    words = f"The sandbox stands in for {session.kind} session {session.id}."
    return Reply(200, f"<!doctype html><title>{session.kind} {session.id}</title><p>{words}</p>".encode(), HTML)
