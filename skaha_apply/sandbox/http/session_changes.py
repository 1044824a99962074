"""POST and DELETE below /session: create, renew, delete, desktop apps.

Source: skaha-api.md, "POST /session", "Renew, delete", "Reading" (desktop apps) [PostAction, DeleteAction].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.create import CreateLimits, read_create, read_resources
from skaha_apply.sandbox.http.responses import EMPTY, Reply, bad_request, not_found, text
from skaha_apply.sandbox.platform.sessions import RUNNING
from skaha_apply.sandbox.text import labels

if TYPE_CHECKING:
    from skaha_apply.sandbox.http.request_target import Backend, RoutedRequest


def post_session(backend: Backend, request: RoutedRequest) -> Reply:
    """Respond to POST /session and all below it."""
    if request.target.is_app:
        return _attach(backend, request)
    return _create(backend, request) if request.target.session_id is None else _renew(backend, request)


def delete_session(backend: Backend, request: RoutedRequest) -> Reply:
    """Respond to DELETE /session and all below it: 200 and empty for a session, whatever happens [DeleteAction]."""
    if request.target.is_app:
        return _delete_app(backend, request)
    if request.target.session_id is None:
        raise bad_request("Cannot kill all sessions.")
    session = backend.cluster.find(request.session_id, request.userid)
    if session is not None:
        backend.cluster.delete(session)
    return EMPTY


def _create(backend: Backend, request: RoutedRequest) -> Reply:
    cluster = backend.cluster
    limits = CreateLimits(backend.images, cluster.interactive_count(request.userid), cluster.options.max_interactive)
    origin = cluster.new_identity(request.userid)
    session = cluster.create(read_create(request.parameters, request.headers, limits, origin), origin)
    return text(f"{session.id}\n")


def _renew(backend: Backend, request: RoutedRequest) -> Reply:
    action = request.parameters.first("action")
    if not action:
        raise bad_request("Cannot modify an existing session")
    if action.lower() != "renew":
        raise bad_request("unrecognized action")
    labels.check_label(labels.ID, request.session_id)
    session = backend.cluster.find(request.session_id, request.userid)
    if session is None or not backend.cluster.renew(session):
        raise bad_request(f"No active job for user {request.userid} with session {request.session_id}")
    return EMPTY


def _attach(backend: Backend, request: RoutedRequest) -> Reply:
    """Start a desktop app: only cores, ram and the desktop session are checked, the image is not."""
    image = request.parameters.first("image")
    if image is None:
        raise bad_request("Missing parameter 'image'")
    if request.target.app_id is not None:
        raise bad_request("Cannot modify an existing app.")
    resources = read_resources(request.parameters)
    labels.check_label(labels.ID, request.session_id)
    desktop = backend.cluster.find(request.session_id, request.userid)
    if desktop is None or desktop.kind != "desktop" or desktop.status != RUNNING:
        raise not_found(f"session {request.session_id} not found")
    name = image.rpartition("/")[2].lower().translate(str.maketrans(":._", "---"))
    return text(backend.apps.attach(desktop, image, labels.listed_name(name), resources) + "\n")


def _delete_app(backend: Backend, request: RoutedRequest) -> Reply:
    app_id = request.target.app_id or ""
    if not app_id.strip():
        raise bad_request("Missing app ID")
    labels.check_label(labels.ID, request.session_id)
    labels.check_label(labels.APP_ID, app_id)
    app = backend.apps.find(request.session_id, app_id, request.userid)
    if app is not None:
        backend.apps.delete(app)
    return EMPTY
