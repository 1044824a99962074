"""GET of /session and below: listings, statistics, one session, its log and events, desktop apps.

Source: [session/GetAction, SessionAction, SessionDAO].
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

    from skaha_apply.sandbox.http.request_target import Platform, RoutedRequest
    from skaha_apply.sandbox.platform.cluster import Cluster
    from skaha_apply.sandbox.platform.sessions import SandboxSession


def get_session(platform: Platform, request: RoutedRequest) -> Reply:
    """Respond to GET of /session and below. Names of views are case-sensitive, except `interactive`."""
    view = request.parameters.first("view")
    if request.target.is_app:
        return (
            _show_app(platform, request)
            if request.target.app_id is not None
            else _list_sessions(platform, request, DESKTOP_APP)
        )
    if request.target.session_id is not None:
        return {"logs": _show_log, "events": _show_events}.get(view or "", _show_session)(platform, request)
    if view == "stats":
        return Reply(200, _stats(platform.cluster).encode(), JSON)
    if view is not None and view.lower() == "interactive":
        return _list_interactive(platform, request)
    return _list_sessions(platform, request, request.parameters.first("type"))


def _list_sessions(platform: Platform, request: RoutedRequest, kind: str | None) -> Reply:
    """List the user's sessions, or all sessions with `view=all`; desktop apps only if `kind` is `desktop-app`."""
    everybody = request.parameters.first("view") == "all"
    userid = None if everybody else request.userid
    if kind is not None and kind.lower() == DESKTOP_APP:
        found = platform.apps.listed(userid)
    else:
        found = platform.cluster.listed(userid, request.list_lag)
        found = [session for session in found if kind is None or session.kind == kind.lower()]
    found = _with_status(found, request)
    body = sessions.public_listing_json(found) if everybody else sessions.listing_json(found, platform.origin)
    return Reply(200, body.encode(), JSON)


def _list_interactive(platform: Platform, request: RoutedRequest) -> Reply:
    """List the user's interactive sessions and desktop apps; `type` is ignored."""
    found = [
        session for session in platform.cluster.listed(request.userid, request.list_lag) if session.kind != "headless"
    ]
    found = sorted([*found, *platform.apps.listed(request.userid)], key=lambda session: session.job_name)
    return Reply(200, sessions.listing_json(_with_status(found, request), platform.origin).encode(), JSON)


def _with_status(found: Iterable[SandboxSession], request: RoutedRequest) -> list[SandboxSession]:
    status = request.parameters.first("status")
    return [session for session in found if status is None or session.status.lower() == status.lower()]


def _show_session(platform: Platform, request: RoutedRequest) -> Reply:
    """Return one session; an empty ID stands for the first listed session of the user."""
    identifier = request.session_id
    if identifier.strip():
        labels.check_label(labels.ID, identifier)
        found = platform.cluster.find(identifier, request.userid)
    else:
        found = next(iter(platform.cluster.listed(request.userid)), None)
    if found is None:
        raise not_found(f"session {identifier} not found")
    return _session_reply(platform, found)


def _show_app(platform: Platform, request: RoutedRequest) -> Reply:
    identifier, app_id = request.session_id, request.target.app_id or ""
    if identifier.strip():
        labels.check_label(labels.ID, identifier)
    found = platform.apps.find(identifier, app_id, request.userid)
    if found is None:
        raise not_found(f"desktop app with session {identifier} and app ID {app_id} was not found")
    return _session_reply(platform, found)


def _session_reply(platform: Platform, found: SandboxSession) -> Reply:
    return Reply(200, json.dumps(sessions.session_fields(found, platform.origin), indent=2).encode(), JSON)


def _show_events(platform: Platform, request: RoutedRequest) -> Reply:
    """Return the events as kubectl prints them; without a pod 404, with a period at its end."""
    labels.check_label(labels.ID, request.session_id)
    session = platform.cluster.find_with_pod(request.session_id, request.userid)
    if session is None:
        raise not_found(f"session {request.session_id} not found.")
    return text(sessions.event_table(session, platform.cluster.clock.now()))


def _show_log(platform: Platform, request: RoutedRequest) -> Reply:
    """Return the whole log. The server drops errors of kubectl: no log is an empty 200 [streamPodLogs]."""
    labels.check_label(labels.ID, request.session_id)
    session = platform.cluster.find_with_pod(request.session_id, request.userid)
    try:
        return Reply(200, platform.cluster.log_path(session.id).read_bytes() if session else b"")
    except OSError:
        return Reply(200)


def _stats(cluster: Cluster) -> str:
    """Return `view=stats`: requests of all sessions, available resources, and limits of one session [ResourceStats]."""
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
