"""POST and DELETE of /session and below: create, renew, delete, desktop apps.

Source: [PostAction, DeleteAction].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.create import CreateLimits, read_create, read_resources
from skaha_apply.sandbox.http.responses import EMPTY, Reply, bad_request, not_found, text
from skaha_apply.sandbox.platform.sessions import RUNNING
from skaha_apply.sandbox.text import labels

if TYPE_CHECKING:
    from skaha_apply.sandbox.http.request_target import Platform, RoutedRequest


def post_session(platform: Platform, request: RoutedRequest) -> Reply:
    """Respond to POST /session and to POST of a path below it."""
    if request.target.is_app:
        return _attach_app(platform, request)
    return _create(platform, request) if request.target.session_id is None else _renew(platform, request)


def delete_session(platform: Platform, request: RoutedRequest) -> Reply:
    """Respond to DELETE below /session: 200 without a body, also if the session does not exist [DeleteAction]."""
    if request.target.is_app:
        return _delete_app(platform, request)
    if request.target.session_id is None:
        raise bad_request("Cannot kill all sessions.")
    session = platform.cluster.find(request.session_id, request.userid)
    if session is not None:
        platform.cluster.delete(session)
    return EMPTY


def _create(platform: Platform, request: RoutedRequest) -> Reply:
    cluster = platform.cluster
    limits = CreateLimits(platform.images, cluster.interactive_count(request.userid), cluster.options.max_interactive)
    identity = cluster.new_identity(request.userid)
    session = cluster.create(read_create(request.parameters, request.headers, limits, identity), identity)
    return text(f"{session.id}\n")


def _renew(platform: Platform, request: RoutedRequest) -> Reply:
    action = request.parameters.first("action")
    if not action:
        raise bad_request("Cannot modify an existing session")
    if action.lower() != "renew":
        raise bad_request("unrecognized action")
    labels.check_label(labels.ID, request.session_id)
    session = platform.cluster.find(request.session_id, request.userid)
    if session is None or not platform.cluster.renew(session):
        raise bad_request(f"No active job for user {request.userid} with session {request.session_id}")
    return EMPTY


def _attach_app(platform: Platform, request: RoutedRequest) -> Reply:
    """Start a desktop app. The server checks cores, ram and the desktop session, but not the image."""
    image = request.parameters.first("image")
    if image is None:
        raise bad_request("Missing parameter 'image'")
    if request.target.app_id is not None:
        raise bad_request("Cannot modify an existing app.")
    resources = read_resources(request.parameters)
    labels.check_label(labels.ID, request.session_id)
    desktop = platform.cluster.find(request.session_id, request.userid)
    if desktop is None or desktop.kind != "desktop" or desktop.status != RUNNING:
        raise not_found(f"session {request.session_id} not found")
    name = image.rpartition("/")[2].lower().translate(str.maketrans(":._", "---"))
    return text(platform.apps.attach(desktop, image, labels.listed_name(name), resources) + "\n")


def _delete_app(platform: Platform, request: RoutedRequest) -> Reply:
    app_id = request.target.app_id or ""
    if not app_id.strip():
        raise bad_request("Missing app ID")
    labels.check_label(labels.ID, request.session_id)
    labels.check_label(labels.APP_ID, app_id)
    app = platform.apps.find(request.session_id, app_id, request.userid)
    if app is not None:
        platform.apps.delete(app)
    return EMPTY
