"""The Skaha routes: /session, /context, /image, /repository, with the server's answers and oddities.

Newer servers dropped /v0; the published `skaha` 1.7.0 still defaults to it, so the sandbox answers there too unless
told not to.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox import catalog, sessions
from skaha_apply.sandbox.answers import HTML, JSON, Answer, Refusal, bad_request, not_found, text, tomcat_page
from skaha_apply.sandbox.create import Offer, read_create

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.sandbox.cluster import Cluster
    from skaha_apply.sandbox.parameters import Parameters

METHODS = {"/session": ("GET", "POST", "DELETE"), "/session/{id}": ("GET", "POST", "DELETE")}
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_OPEN = {"/capabilities": "capabilities", "/availability": "availability"}


@dataclass(frozen=True)
class Call:
    """One request to a known route: who asks, for which session (None: no id in the path), with what."""

    method: str
    route: str
    identifier: str | None
    userid: str
    parameters: Parameters
    headers: Mapping[str, str]
    list_lag: float = 0.0


@dataclass(frozen=True)
class Service:
    """What the routes answer from: the cluster, the public images, the server's own address."""

    cluster: Cluster
    images: Mapping[str, tuple[str, ...]]
    origin: str


def locate(path: str, *, v0: bool) -> tuple[str, str | None] | None:
    """Give the route of a path below /skaha and the session id in it; None when there is no such route."""
    if path in _OPEN:
        return path, None
    found = re.fullmatch(r"/v([01])(/session|/context|/image|/repository)(?:/(.*))?", path, re.DOTALL)
    if found is None or (found[1] == "0" and not v0):
        return None
    if found[2] == "/session" and found[3] is not None:
        return "/session/{id}", found[3]
    return (found[2], None) if not found[3] else None


def not_allowed(route: str) -> Answer:
    """Refuse a method: only /session takes POST and DELETE, and HEAD is not taken anywhere [web.xml, RestServlet]."""
    return Answer(405, b"method not allowed\n", headers={"Allow": ", ".join(METHODS.get(route, ("GET",)))})


def document_of(route: str) -> Answer:
    """Answer the two routes that need no credentials."""
    name = _OPEN[route]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<vosi:{name} xmlns:vosi="http://www.ivoa.net/xml/VOSI{name.title()}/v1.0"'
    inner = "<vosi:available>true</vosi:available>" if name == "availability" else ""
    return Answer(200, f"{body}>{inner}</vosi:{name}>\n".encode(), "text/xml")


def answer(service: Service, call: Call) -> Answer:
    """Answer one call; raises Refusal."""
    if call.route == "/session":
        return {"GET": _list, "POST": _create, "DELETE": _kill_all}[call.method](service, call)
    if call.route == "/session/{id}":
        return {"GET": _read, "POST": _renew, "DELETE": _delete}[call.method](service, call)
    if call.route == "/context":
        return Answer(200, catalog.context(service.cluster.options.max_interactive).encode(), JSON)
    if call.route == "/repository":
        return Answer(200, json.dumps(catalog.hosts(service.images)).encode(), JSON)
    kind = call.parameters.first("type")
    if kind is not None and kind.lower() not in catalog.TYPES:
        raise bad_request(f"Invalid session type: {kind}")
    return Answer(200, catalog.image_list(dict(service.images), kind and kind.lower()).encode(), JSON)


def _list(service: Service, call: Call) -> Answer:
    """GET /session: own ones; `view=all` everybody's, `view=interactive` own but headless, `view=stats` totals."""
    view = call.parameters.first("view")
    if view == "stats":
        return Answer(200, _stats(service.cluster).encode(), JSON)
    everybody = view == "all"
    found = service.cluster.listed(None if everybody else call.userid, call.list_lag)
    kind, status = call.parameters.first("type"), call.parameters.first("status")
    if view == "interactive":
        found = [one for one in found if one.kind != "headless"]
    elif kind is not None:
        found = [one for one in found if one.kind == kind.lower()]
    if status is not None:
        found = [one for one in found if one.status.lower() == status.lower()]
    body = sessions.public_listing(found) if everybody else sessions.listing(found, service.origin)
    return Answer(200, body.encode(), JSON)


def _create(service: Service, call: Call) -> Answer:
    cluster = service.cluster
    offer = Offer(service.images, call.userid, cluster.interactive_count(call.userid), cluster.options.max_interactive)
    session = cluster.create(read_create(call.parameters, call.headers, offer), call.userid)
    return text(f"{session.id}\n")


def _kill_all(_service: Service, _call: Call) -> Answer:
    raise bad_request("Cannot kill all sessions.")


def _read(service: Service, call: Call) -> Answer:
    """GET /session/{id}, its log or events."""
    identifier, view = call.identifier or "", call.parameters.first("view")
    if view == "logs":
        return _log(service, call)
    if view == "events":
        session = service.cluster.pod(identifier, call.userid)
        if session is None:
            raise not_found(f"session {identifier} not found.")
        return text(sessions.event_table(session, service.cluster.clock.now()))
    if not _LABEL_VALUE.fullmatch(identifier):
        raise bad_request(
            f'unable to parse requirement: values[0][canfar-net-sessionID]: Invalid value: "{identifier}"'
        )
    if not identifier:
        mine = service.cluster.listed(call.userid)
        found = mine[0] if mine else None
    else:
        found = service.cluster.find(identifier, call.userid)
    if found is None:
        raise not_found(f"session {identifier} not found")
    return Answer(200, json.dumps(sessions.shown(found, service.origin), indent=2).encode(), JSON)


def _log(service: Service, call: Call) -> Answer:
    """Give the whole log; kubectl's errors are dropped: no log is an empty 200 [SessionAction.streamPodLogs]."""
    session = service.cluster.pod(call.identifier or "", call.userid)
    try:
        return Answer(200, service.cluster.log(session.id).read_bytes() if session else b"")
    except OSError:
        return Answer(200)


def _renew(service: Service, call: Call) -> Answer:
    action = call.parameters.first("action")
    if not action:
        raise bad_request("Cannot modify an existing session")
    if action.lower() != "renew":
        raise bad_request(f"unrecognized action: {action}")
    session = service.cluster.find(call.identifier or "", call.userid)
    if session is None or not service.cluster.renew(session):
        raise bad_request(f"No active job for user {call.userid} with session ID {call.identifier}")
    return Answer()


def _delete(service: Service, call: Call) -> Answer:
    """DELETE /session/{id}: always 200 and empty; failures of any kind are swallowed [DeleteAction]."""
    if not call.identifier:
        raise bad_request("Cannot kill all sessions.")
    session = service.cluster.find(call.identifier, call.userid)
    if session is not None:
        service.cluster.delete(session)
    return Answer()


def _stats(cluster: Cluster) -> str:
    """Give the totals of `view=stats`, in the shape that the published clients read."""
    active = [session for session in cluster.sessions.values() if session.active]
    headless = sum(session.kind == "headless" for session in active)
    asked = sum(session.cores for session in active)
    ram = sum(session.ram for session in active)
    slots = cluster.options.slots
    cores = {
        "requestedCPUCores": asked,
        "cpuCoresAvailable": float(slots),
        "maxCPUCores": {"cpuCores": float(slots), "withRam": "0G"},
    }
    memory = {"maxRAM": {"ram": "0G", "withCPUCores": float(slots)}, "ramAvailable": "0G", "requestedRAM": f"{ram:g}G"}
    instances = {"session": len(active) - headless, "desktopApp": 0, "headless": headless, "total": len(active)}
    return json.dumps({"cores": cores, "instances": instances, "ram": memory}, indent=2)


def stand_in_page(kind: str, identifier: str) -> Answer:
    """Give the page behind the connectURL of an interactive session."""
    words = f"The sandbox stands in for {kind} session {identifier}."
    page = f"<!doctype html><title>{kind} {identifier}</title><p>{words}</p>"
    return Answer(200, page.encode(), HTML)


__all__ = [
    "Call",
    "Refusal",
    "Service",
    "answer",
    "document_of",
    "locate",
    "not_allowed",
    "stand_in_page",
    "tomcat_page",
]
