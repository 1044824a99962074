"""POST and DELETE below /session: create, renew, delete, desktop apps.

Source: skaha-api.md, "POST /session", "Renew, delete", "Reading" (desktop apps) [PostAction, DeleteAction].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.create import Offer, read_create, read_resources
from skaha_apply.sandbox.http.responses import EMPTY, Answer, bad_request, not_found, text
from skaha_apply.sandbox.platform.sessions import RUNNING
from skaha_apply.sandbox.text import labels

if TYPE_CHECKING:
    from skaha_apply.sandbox.http.calls import Call, Service


def post_session(service: Service, call: Call) -> Answer:
    """Answer POST /session and all below it."""
    if call.place.is_app:
        return _attach(service, call)
    return _create(service, call) if call.place.session_id is None else _renew(service, call)


def delete_session(service: Service, call: Call) -> Answer:
    """Answer DELETE /session and all below it: 200 and empty for a session, whatever happens [DeleteAction]."""
    if call.place.is_app:
        return _delete_app(service, call)
    if call.place.session_id is None:
        raise bad_request("Cannot kill all sessions.")
    session = service.cluster.find(call.session_id, call.userid)
    if session is not None:
        service.cluster.delete(session)
    return EMPTY


def _create(service: Service, call: Call) -> Answer:
    cluster = service.cluster
    offer = Offer(service.images, cluster.interactive_count(call.userid), cluster.options.max_interactive)
    origin = cluster.new_origin(call.userid)
    session = cluster.create(read_create(call.parameters, call.headers, offer, origin), origin)
    return text(f"{session.id}\n")


def _renew(service: Service, call: Call) -> Answer:
    action = call.parameters.first("action")
    if not action:
        raise bad_request("Cannot modify an existing session")
    if action.lower() != "renew":
        raise bad_request("unrecognized action")
    labels.check_label(labels.ID, call.session_id)
    session = service.cluster.find(call.session_id, call.userid)
    if session is None or not service.cluster.renew(session):
        raise bad_request(f"No active job for user {call.userid} with session {call.session_id}")
    return EMPTY


def _attach(service: Service, call: Call) -> Answer:
    """Start a desktop app: only cores, ram and the desktop session are checked, the image is not."""
    image = call.parameters.first("image")
    if image is None:
        raise bad_request("Missing parameter 'image'")
    if call.place.app_id is not None:
        raise bad_request("Cannot modify an existing app.")
    resources = read_resources(call.parameters)
    labels.check_label(labels.ID, call.session_id)
    desktop = service.cluster.find(call.session_id, call.userid)
    if desktop is None or desktop.kind != "desktop" or desktop.status != RUNNING:
        raise not_found(f"session {call.session_id} not found")
    name = image.rpartition("/")[2].lower().translate(str.maketrans(":._", "---"))
    return text(service.apps.attach(desktop, image, labels.listed_name(name), resources) + "\n")


def _delete_app(service: Service, call: Call) -> Answer:
    app_id = call.place.app_id or ""
    if not app_id.strip():
        raise bad_request("Missing app ID")
    labels.check_label(labels.ID, call.session_id)
    labels.check_label(labels.APP_ID, app_id)
    app = service.apps.find(call.session_id, app_id, call.userid)
    if app is not None:
        service.apps.delete(app)
    return EMPTY
