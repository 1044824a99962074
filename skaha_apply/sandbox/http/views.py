"""GET below /session: listings, totals, one session, its log and events, desktop apps.

Source: skaha-api.md, "Reading" [session/GetAction, SessionAction, SessionDAO].
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.responses import JSON, Answer, not_found, text
from skaha_apply.sandbox.platform import catalog, sessions
from skaha_apply.sandbox.platform.desktop_apps import KIND as DESKTOP_APP
from skaha_apply.sandbox.text import labels
from skaha_apply.sandbox.text.quantities import decimal_gb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.sandbox.http.calls import Call, Service
    from skaha_apply.sandbox.platform.cluster import Cluster
    from skaha_apply.sandbox.platform.sessions import Session


def get_session(service: Service, call: Call) -> Answer:
    """Answer GET /session and all below it; the names of views are case-sensitive, but `interactive`."""
    view = call.parameters.first("view")
    if call.place.is_app:
        return _app(service, call) if call.place.app_id is not None else _list(service, call, DESKTOP_APP)
    if call.place.session_id is not None:
        return {"logs": _log, "events": _events}.get(view or "", _one)(service, call)
    if view == "stats":
        return Answer(200, _totals(service.cluster).encode(), JSON)
    if view is not None and view.lower() == "interactive":
        return _interactive(service, call)
    return _list(service, call, call.parameters.first("type"))


def _list(service: Service, call: Call, kind: str | None) -> Answer:
    """Give own sessions, or everybody's with `view=all`; desktop apps only when `kind` asks for them."""
    everybody = call.parameters.first("view") == "all"
    userid = None if everybody else call.userid
    if kind is not None and kind.lower() == DESKTOP_APP:
        found = service.apps.listed(userid)
    else:
        found = service.cluster.listed(userid, call.list_lag)
        found = [one for one in found if kind is None or one.kind == kind.lower()]
    found = _of_status(found, call)
    body = sessions.public_listing(found) if everybody else sessions.listing(found, service.origin)
    return Answer(200, body.encode(), JSON)


def _interactive(service: Service, call: Call) -> Answer:
    """Give own sessions but headless ones, desktop apps too; `type` is ignored."""
    found = [one for one in service.cluster.listed(call.userid, call.list_lag) if one.kind != "headless"]
    found = sorted([*found, *service.apps.listed(call.userid)], key=lambda one: one.job_name)
    return Answer(200, sessions.listing(_of_status(found, call), service.origin).encode(), JSON)


def _of_status(found: Iterable[Session], call: Call) -> list[Session]:
    status = call.parameters.first("status")
    return [one for one in found if status is None or one.status.lower() == status.lower()]


def _one(service: Service, call: Call) -> Answer:
    """Give one session; an empty id is some session of the user."""
    identifier = call.session_id
    if identifier.strip():
        labels.check_label(labels.ID, identifier)
        found = service.cluster.find(identifier, call.userid)
    else:
        found = next(iter(service.cluster.listed(call.userid)), None)
    if found is None:
        raise not_found(f"session {identifier} not found")
    return _object(service, found)


def _app(service: Service, call: Call) -> Answer:
    identifier, app_id = call.session_id, call.place.app_id or ""
    if identifier.strip():
        labels.check_label(labels.ID, identifier)
    found = service.apps.find(identifier, app_id, call.userid)
    if found is None:
        raise not_found(f"desktop app with session {identifier} and app ID {app_id} was not found")
    return _object(service, found)


def _object(service: Service, found: Session) -> Answer:
    return Answer(200, json.dumps(sessions.shown(found, service.origin), indent=2).encode(), JSON)


def _events(service: Service, call: Call) -> Answer:
    """Give the table of kubectl; without a pod a 404 that has a full stop."""
    labels.check_label(labels.ID, call.session_id)
    session = service.cluster.pod(call.session_id, call.userid)
    if session is None:
        raise not_found(f"session {call.session_id} not found.")
    return text(sessions.event_table(session, service.cluster.clock.now()))


def _log(service: Service, call: Call) -> Answer:
    """Give the whole log; kubectl's errors are dropped: no log is an empty 200 [SessionAction.streamPodLogs]."""
    labels.check_label(labels.ID, call.session_id)
    session = service.cluster.pod(call.session_id, call.userid)
    try:
        return Answer(200, service.cluster.log(session.id).read_bytes() if session else b"")
    except OSError:
        return Answer(200)


def _totals(cluster: Cluster) -> str:
    """Give `view=stats`: what all sessions request, what there is, what one session may have [ResourceStats]."""
    active = [session for session in cluster.sessions.values() if session.active]
    slots = float(cluster.options.slots)
    most_cores, most_ram = catalog.DEFAULT_CORES[1], f"{catalog.DEFAULT_RAM_GIB[1]:g}Gi"
    cores = {
        "requestedCPUCores": float(sum(session.cores for session in active)),
        "cpuCoresAvailable": slots,
        "maxCPUCores": {"cpuCores": most_cores, "withRam": most_ram},
    }
    ram = {
        "requestedRAM": f"{decimal_gb(sum(session.ram for session in active))}G",
        "ramAvailable": f"{decimal_gb(slots * catalog.DEFAULT_RAM_GIB[0])}G",
        "maxRAM": {"ram": most_ram, "withCPUCores": most_cores},
    }
    return json.dumps({"cores": cores, "ram": ram}, indent=2)
