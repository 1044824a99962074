"""GET below /session: listings, totals, one session, its log and events, desktop apps.

Source: skaha-api.md, "Reading" [session/GetAction, SessionAction, SessionDAO].
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.responses import JSON, Reply, not_found, text
from skaha_apply.sandbox.platform import catalog, sessions
from skaha_apply.sandbox.platform.desktop_apps import KIND as DESKTOP_APP
from skaha_apply.sandbox.text import labels
from skaha_apply.sandbox.text.quantities import decimal_gb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.sandbox.http.request_target import Backend, RoutedRequest
    from skaha_apply.sandbox.platform.cluster import Cluster
    from skaha_apply.sandbox.platform.sessions import SandboxSession


def get_session(backend: Backend, request: RoutedRequest) -> Reply:
    """Respond to GET /session and all below it; the names of views are case-sensitive, but `interactive`."""
    view = request.parameters.first("view")
    if request.target.is_app:
        return (
            _show_app(backend, request)
            if request.target.app_id is not None
            else _list_sessions(backend, request, DESKTOP_APP)
        )
    if request.target.session_id is not None:
        return {"logs": _show_log, "events": _show_events}.get(view or "", _show_session)(backend, request)
    if view == "stats":
        return Reply(200, _stats(backend.cluster).encode(), JSON)
    if view is not None and view.lower() == "interactive":
        return _interactive(backend, request)
    return _list_sessions(backend, request, request.parameters.first("type"))


def _list_sessions(backend: Backend, request: RoutedRequest, kind: str | None) -> Reply:
    """Give own sessions, or everybody's with `view=all`; desktop apps only when `kind` asks for them."""
    everybody = request.parameters.first("view") == "all"
    userid = None if everybody else request.userid
    if kind is not None and kind.lower() == DESKTOP_APP:
        found = backend.apps.listed(userid)
    else:
        found = backend.cluster.listed(userid, request.list_lag)
        found = [one for one in found if kind is None or one.kind == kind.lower()]
    found = _with_status(found, request)
    body = sessions.public_listing_json(found) if everybody else sessions.listing_json(found, backend.origin)
    return Reply(200, body.encode(), JSON)


def _interactive(backend: Backend, request: RoutedRequest) -> Reply:
    """Give own sessions but headless ones, desktop apps too; `type` is ignored."""
    found = [one for one in backend.cluster.listed(request.userid, request.list_lag) if one.kind != "headless"]
    found = sorted([*found, *backend.apps.listed(request.userid)], key=lambda one: one.job_name)
    return Reply(200, sessions.listing_json(_with_status(found, request), backend.origin).encode(), JSON)


def _with_status(found: Iterable[SandboxSession], request: RoutedRequest) -> list[SandboxSession]:
    status = request.parameters.first("status")
    return [one for one in found if status is None or one.status.lower() == status.lower()]


def _show_session(backend: Backend, request: RoutedRequest) -> Reply:
    """Give one session; an empty id is some session of the user."""
    identifier = request.session_id
    if identifier.strip():
        labels.check_label(labels.ID, identifier)
        found = backend.cluster.find(identifier, request.userid)
    else:
        found = next(iter(backend.cluster.listed(request.userid)), None)
    if found is None:
        raise not_found(f"session {identifier} not found")
    return _session_reply(backend, found)


def _show_app(backend: Backend, request: RoutedRequest) -> Reply:
    identifier, app_id = request.session_id, request.target.app_id or ""
    if identifier.strip():
        labels.check_label(labels.ID, identifier)
    found = backend.apps.find(identifier, app_id, request.userid)
    if found is None:
        raise not_found(f"desktop app with session {identifier} and app ID {app_id} was not found")
    return _session_reply(backend, found)


def _session_reply(backend: Backend, found: SandboxSession) -> Reply:
    return Reply(200, json.dumps(sessions.session_fields(found, backend.origin), indent=2).encode(), JSON)


def _show_events(backend: Backend, request: RoutedRequest) -> Reply:
    """Give the table of kubectl; without a pod a 404 that has a full stop."""
    labels.check_label(labels.ID, request.session_id)
    session = backend.cluster.find_with_pod(request.session_id, request.userid)
    if session is None:
        raise not_found(f"session {request.session_id} not found.")
    return text(sessions.event_table(session, backend.cluster.clock.now()))


def _show_log(backend: Backend, request: RoutedRequest) -> Reply:
    """Give the whole log; kubectl's errors are dropped: no log is an empty 200 [SessionAction.streamPodLogs]."""
    labels.check_label(labels.ID, request.session_id)
    session = backend.cluster.find_with_pod(request.session_id, request.userid)
    try:
        return Reply(200, backend.cluster.log_path(session.id).read_bytes() if session else b"")
    except OSError:
        return Reply(200)


def _stats(cluster: Cluster) -> str:
    """Give `view=stats`: what all sessions request, what there is, what one session may have [ResourceStats]."""
    active = [session for session in cluster.sessions.values() if session.is_active]
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
