"""The Skaha routes: which action answers a call; /context, /image, /repository and the open documents.

Newer servers dropped /v0; the published `skaha` 1.7.0 still defaults to it, so the sandbox answers there too unless
it is started with `--no-v0`. Source: skaha-api.md, "Addresses, methods, authentication", "Reading".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.changes import delete_session, post_session
from skaha_apply.sandbox.http.responses import HTML, JSON, Answer, bad_request
from skaha_apply.sandbox.http.views import get_session
from skaha_apply.sandbox.platform import catalog

if TYPE_CHECKING:
    from skaha_apply.sandbox.http.calls import Call, Service

_OPEN = {"/capabilities": "capabilities", "/availability": "availability"}
_PAGES = {"contrib": "contributed"}
_PAGE_SEGMENTS = 3
_SESSION = {"GET": get_session, "POST": post_session, "DELETE": delete_session}


def open_document(service: str) -> Answer | None:
    """Answer the two routes that need no credentials; None for the others."""
    if service not in _OPEN:
        return None
    name = _OPEN[service]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<vosi:{name} xmlns:vosi="http://www.ivoa.net/xml/VOSI{name.title()}/v1.0"'
    inner = "<vosi:available>true</vosi:available>" if name == "availability" else ""
    return Answer(200, f"{body}>{inner}</vosi:{name}>\n".encode(), "text/xml")


def answer(service: Service, call: Call) -> Answer:
    """Answer one call; raises Refusal."""
    place = call.place
    if place.too_long is not None:
        raise bad_request(f"Invalid request: {place.too_long}")
    if place.service == "/session":
        return _SESSION[call.method](service, call)
    if place.service == "/context":
        return Answer(200, catalog.context(service.cluster.options.max_interactive).encode(), JSON)
    if place.service == "/repository":
        return Answer(200, json.dumps(catalog.hosts(service.images)).encode(), JSON)
    kind = call.parameters.first("type")
    if kind is not None and kind not in catalog.TYPES:
        raise bad_request(f"unknown type: {kind}")
    return Answer(200, catalog.image_list(dict(service.images), kind).encode(), JSON)


def stand_in_page(service: Service, path: str) -> Answer | None:
    """Give the page behind the connectURL of an interactive session; None when there is none at `path`."""
    parts = path.strip("/").split("/")
    if parts[0] != "session" or len(parts) < _PAGE_SEGMENTS:
        return None
    session = service.cluster.sessions.get(parts[2])
    if session is None or session.kind != _PAGES.get(parts[1], parts[1]):
        return None
    words = f"The sandbox stands in for {session.kind} session {session.id}."
    return Answer(200, f"<!doctype html><title>{session.kind} {session.id}</title><p>{words}</p>".encode(), HTML)
