"""Reading, status, times, renewals and deletes, as a table over existing sessions."""

from __future__ import annotations

import re

import pytest
from facts import ANYTHING, IMAGE, JSON, TEXT, Answer, Request, differences, names, send

LONG = "a" * 64
SYNTAX = Answer(400, "canfar.net/id label value must match Kubernetes label value syntax\n")
TOO_LONG = Answer(400, "canfar.net/id label value exceeds 63 characters\n")
BLANK = Answer(400, "canfar.net/id label value cannot be blank\n")
NO_CHANGE = Answer(400, "Cannot modify an existing session\n")
NOTHING = Answer(200, "[]", (("content-type", JSON),))
OBJECT = Answer(200, re.compile(r'\{\n  "id".*', re.DOTALL), (("content-type", JSON),))
APP_ID = re.compile(r"[a-z][a-z0-9]{2}\n")
APP = f"image={IMAGE}"


@pytest.fixture(scope="module")
def place(_shared_sandbox):
    """The shared sandbox, reset before and after the tests of this module, which run in their order."""
    _shared_sandbox.reset()
    yield _shared_sandbox
    _shared_sandbox.reset()


def attach(place, desktop):
    return send(place, Request(f"POST /v1/session/{desktop}/app", APP)).text.strip()


@pytest.fixture(scope="module")
def world(place):
    """A desktop with an app, a carta session, an ended session, a Pending session, and a session of another user."""
    made = {
        "desk": place.create(name="desk", type="desktop").text.strip(),
        "map": place.create(name="map", type="carta").text.strip(),
        "done": place.create(name="done", cmd="true").text.strip(),
    }
    other = f"name=theirs&type=notebook&image={IMAGE}"
    made["theirs"] = send(place, Request("POST /v1/session", other, token="token-of-another")).text.strip()
    made["app"] = attach(place, made["desk"])
    place.wait_until(lambda: place.get(status="Completed").json())
    place.settings(slots=1)
    place.create(name="blocker", cmd="sleep", args="600")
    made["wait"] = place.create(name="wait", cmd="true").text.strip()
    return made


# A query of GET /session, and the names that it lists.
LISTINGS = [
    ("all own", "", {"desk", "map", "done", "blocker", "wait"}),
    ("type", "?type=CARTA", {"map"}),
    ("type empty", "?type=", set()),
    ("type unknown", "?type=x", set()),
    ("type desktop-app", "?type=Desktop-App", {"astroml-24-07"}),
    ("status", "?status=completed", {"done"}),
    ("status Pending", "?status=Pending", {"wait"}),
    ("status empty", "?status=", set()),
    ("status Succeeded", "?status=Succeeded", set()),
    ("both", "?status=Running&type=carta", {"map"}),
    ("interactive", "?view=interactive", {"desk", "map", "astroml-24-07"}),
    ("interactive in capitals", "?view=INTERACTIVE&type=carta", {"desk", "map", "astroml-24-07"}),
    ("interactive of a status", "?view=interactive&status=Pending", set()),
    ("view in capitals is a list", "?view=STATS", {"desk", "map", "done", "blocker", "wait"}),
    ("view unknown is a list", "?view=x", {"desk", "map", "done", "blocker", "wait"}),
    ("view ALL is a list", "?view=ALL&type=carta", {"map"}),
    ("view logs is a list", "?view=logs&type=carta", {"map"}),
    ("apps of an id", "/any/app", {"astroml-24-07"}),
    ("apps by another word", "/any/thing", {"astroml-24-07"}),
    ("apps of a status", "/any/app?status=Failed", set()),
]


@pytest.mark.parametrize(("query", "listed"), [row[1:] for row in LISTINGS], ids=names(LISTINGS))
def test_listings(place, world, query, listed):
    assert {one["name"] for one in place.http.get(f"/skaha/v1/session{query}").json()} == listed


def test_view_all_has_four_fields_of_everybody(place, world):
    rows = place.get(view="all").json()
    assert {row["userid"] for row in rows} == {"sandbox", "another"}
    assert {name for row in rows for name in row} == {"userid", "type", "status", "startTime"}
    assert "desktop-app" not in {row["type"] for row in rows}
    assert [row["type"] for row in place.get(view="all", type="desktop-app").json()] == ["desktop-app"]


# Requests, in which {desk} and the like stand for the ids of the sessions above.
REQUESTS = [
    ("stats", Request("GET /v1/session?view=stats"), Answer(200, re.compile(r"\{\n  \"cores\".*", re.DOTALL))),
    ("unknown id", Request("GET /v1/session/nosuchid"), Answer(404, "session nosuchid not found\n")),
    ("foreign id", Request("GET /v1/session/{theirs}"), Answer(404, "session {theirs} not found\n")),
    ("slash after an id", Request("GET /v1/session/{map}/"), OBJECT),
    ("slash", Request("GET /v1/session/"), OBJECT),
    ("two slashes are a list", Request("GET /v1/session//"), Answer(200, re.compile(r"\[.*", re.DOTALL))),
    ("no label", Request("GET /v1/session/a!"), SYNTAX),
    ("id of 64", Request(f"GET /v1/session/{LONG}"), TOO_LONG),
    ("id of 63", Request(f"GET /v1/session/{LONG[1:]}"), Answer(404, f"session {LONG[1:]} not found\n")),
    ("logs", Request("GET /v1/session/{done}?view=logs"), Answer(200, "", (("content-type", TEXT),))),
    ("logs of an unknown id", Request("GET /v1/session/nosuchid?view=logs"), Answer(200, "")),
    ("logs of one that waits", Request("GET /v1/session/{wait}?view=logs"), Answer(200, "")),
    ("logs, no label", Request("GET /v1/session/a!?view=logs"), SYNTAX),
    ("logs, id of 64", Request(f"GET /v1/session/{LONG}?view=logs"), TOO_LONG),
    ("logs, slash", Request("GET /v1/session/?view=logs"), BLANK),
    (
        "LOGS is the session",
        Request("GET /v1/session/{map}?view=LOGS"),
        Answer(200, ANYTHING, (("content-type", JSON),)),
    ),
    ("events", Request("GET /v1/session/{map}?view=events"), Answer(200, re.compile(r"TYPE +REASON.*", re.DOTALL))),
    (
        "events of an unknown id",
        Request("GET /v1/session/nosuchid?view=events"),
        Answer(404, "session nosuchid not found.\n"),
    ),
    (
        "events of one that waits",
        Request("GET /v1/session/{wait}?view=events"),
        Answer(404, "session {wait} not found.\n"),
    ),
    ("events, no label", Request("GET /v1/session/a!?view=events"), SYNTAX),
    ("image type", Request("GET /v1/image?type=carta"), Answer(200, ANYTHING)),
    ("image type in capitals", Request("GET /v1/image?type=Carta"), Answer(400, "unknown type: Carta\n")),
    ("image type unknown", Request("GET /v1/image?type=x"), Answer(400, "unknown type: x\n")),
    ("image type empty", Request("GET /v1/image?type="), Answer(400, "unknown type: \n")),
    ("attach", Request("POST /v1/session/{desk}/app", APP), Answer(200, APP_ID, (("content-type", TEXT),))),
    ("attach any image", Request("POST /v1/session/{desk}/app", "image=x/y:1"), Answer(200, APP_ID)),
    ("attach by another word", Request("POST /v1/session/{desk}/x", APP), Answer(200, APP_ID)),
    ("attach without image", Request("POST /v1/session/{desk}/app"), Answer(400, "Missing parameter 'image'\n")),
    (
        "attach, cores",
        Request("POST /v1/session/{desk}/app", f"{APP}&cores=99"),
        Answer(400, "Invalid value for 'cores': 99\n"),
    ),
    ("attach to no desktop", Request("POST /v1/session/{map}/app", APP), Answer(404, "session {map} not found\n")),
    (
        "attach to an unknown id",
        Request("POST /v1/session/nosuchid/app", APP),
        Answer(404, "session nosuchid not found\n"),
    ),
    (
        "attach to an app",
        Request("POST /v1/session/{desk}/app/x", APP),
        Answer(400, "Cannot modify an existing app.\n"),
    ),
    ("app", Request("GET /v1/session/{desk}/app/{app}"), OBJECT),
    (
        "unknown app",
        Request("GET /v1/session/{desk}/app/zzz"),
        Answer(404, "desktop app with session {desk} and app ID zzz was not found\n"),
    ),
    ("delete app", Request("DELETE /v1/session/{desk}/app/{app}"), Answer(200)),
    ("delete unknown app", Request("DELETE /v1/session/{desk}/app/zzz"), Answer(200)),
    ("delete without an app", Request("DELETE /v1/session/{desk}/app"), Answer(400, "Missing app ID\n")),
    ("four segments", Request("GET /v1/session/a/app/b/c"), Answer(400, "Invalid request: a/app/b/c\n")),
    ("four segments, delete", Request("DELETE /v1/session/a/b/c/d"), Answer(400, "Invalid request: a/b/c/d\n")),
    ("renew", Request("POST /v1/session/{map}", "action=renew"), Answer(200)),
    ("renew in the query", Request("POST /v1/session/{map}?action=renew"), Answer(200)),
    ("renew in capitals", Request("POST /v1/session/{map}", "action=RENEW"), Answer(200)),
    (
        "renew one that ended",
        Request("POST /v1/session/{done}", "action=renew"),
        Answer(400, "No active job for user sandbox with session {done}\n"),
    ),
    (
        "renew one that waits",
        Request("POST /v1/session/{wait}", "action=renew"),
        Answer(400, "No active job for user sandbox with session {wait}\n"),
    ),
    (
        "renew an unknown id",
        Request("POST /v1/session/nosuchid", "action=renew"),
        Answer(400, "No active job for user sandbox with session nosuchid\n"),
    ),
    (
        "renew a foreign id",
        Request("POST /v1/session/{theirs}", "action=renew"),
        Answer(400, "No active job for user sandbox with session {theirs}\n"),
    ),
    ("renew, no label", Request("POST /v1/session/a!", "action=renew"), SYNTAX),
    ("renew, id of 64", Request(f"POST /v1/session/{LONG}", "action=renew"), TOO_LONG),
    ("another action", Request("POST /v1/session/{map}", "action=stop"), Answer(400, "unrecognized action\n")),
    ("action empty", Request("POST /v1/session/{map}", "action="), NO_CHANGE),
    ("no action", Request("POST /v1/session/{map}"), NO_CHANGE),
    ("delete", Request("DELETE /v1/session/{map}"), Answer(200)),
    ("delete unknown", Request("DELETE /v1/session/nosuchid"), Answer(200)),
    ("delete foreign", Request("DELETE /v1/session/{theirs}"), Answer(200)),
    ("delete no label", Request("DELETE /v1/session/a!"), Answer(200)),
    ("delete id of 64", Request(f"DELETE /v1/session/{LONG}"), Answer(200)),
    ("delete all", Request("DELETE /v1/session"), Answer(400, "Cannot kill all sessions.\n")),
    ("delete, slash", Request("DELETE /v1/session/"), Answer(200)),
]


@pytest.mark.parametrize(("request_", "answer"), [row[1:] for row in REQUESTS], ids=names(REQUESTS))
def test_requests(place, world, request_, answer):
    body = answer.body
    for name, identifier in world.items():
        request_ = request_._replace(line=request_.line.replace(f"{{{name}}}", identifier))
        body = body.replace(f"{{{name}}}", identifier) if isinstance(body, str) else body
    known = (("x-vo-authenticated", "sandbox"), ("server", "OpenCADC/cadc-rest"))
    assert differences(send(place, request_), answer._replace(body=body, headers=answer.headers + known)) == []
    theirs = place.http.get("/skaha/v1/session", headers={"Authorization": "Bearer token-of-another"}).json()
    assert [one["id"] for one in theirs] == [world["theirs"]]


def test_desktop_app_is_listed_with_the_id_of_its_desktop_and_ends_with_it(place):
    desktop = place.create(name="other", type="desktop").text.strip()
    app = attach(place, desktop)
    entry = place.get(f"/session/{desktop}/app/{app}").json()
    assert (entry["id"], entry["appid"], entry["type"]) == (desktop, app, "desktop-app")
    assert list(entry).index("appid") == list(entry).index("image") - 1
    assert place.get(f"/session/{desktop}").json()["type"] == "desktop"
    place.delete(desktop)
    assert place.get(f"/session/{desktop}/app/{app}").status_code == 404
    assert desktop not in {one["id"] for one in place.get("/session/any/app").json()}
