"""Listings and filters, one session, logs, events, images and options; renewals and deletes."""

from __future__ import annotations

import json
import re

import pytest

FIELDS = [
    "id", "userid", "runAsUID", "runAsGID", "supplementalGroups", "image", "type", "status", "name", "startTime",
    "expiryTime", "connectURL", "requestedRAM", "requestedCPUCores", "requestedGPUCores", "isFixedResources",
]  # fmt: skip
DAY = 86400


def make(sandbox, **parameters):
    reply = sandbox.create(**parameters)
    assert reply.status_code == 200, reply.text
    return reply.text.strip()


def test_fields_in_order_and_pretty_printed(sandbox):
    make(sandbox, ram="8", cores="2", cmd="true")
    sandbox.wait_idle()
    reply = sandbox.get()
    assert reply.text.startswith('[\n  {\n    "id": ')
    one = reply.json()[0]
    assert list(one) == FIELDS
    assert one["connectURL"] == ""
    assert isinstance(one["runAsUID"], str)
    assert isinstance(one["supplementalGroups"][0], int)
    assert sandbox.get(f"/session/{one['id']}").json() == one


def test_listing_is_ordered_by_type_then_id(sandbox):
    for number in range(6):
        make(sandbox, name=f"b{number}")
    make(sandbox, type="notebook")
    make(sandbox, type="carta")
    keys = [(one["type"], one["id"]) for one in sandbox.get().json()]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"batch", "book", "map"}),
        ({"type": "headless"}, {"batch"}),
        ({"type": "NoteBook"}, {"book"}),
        ({"type": "spaceship"}, set()),
        ({"type": ""}, set()),
        ({"status": "completed"}, {"batch"}),
        ({"status": "RUNNING"}, {"book", "map"}),
        ({"status": "Succeeded"}, set()),
        ({"status": ""}, set()),
        ({"status": "Running", "type": "carta"}, {"map"}),
        ({"view": "interactive"}, {"book", "map"}),
        ({"view": "interactive", "type": "carta"}, {"book", "map"}),
    ],
)
def test_filters(sandbox, query, names):
    batch = make(sandbox, name="batch", cmd="true")
    make(sandbox, name="book", type="notebook")
    make(sandbox, name="map", type="carta")
    sandbox.wait_until(lambda: sandbox.get(f"/session/{batch}").json()["status"] == "Completed")
    assert {one["name"] for one in sandbox.get(**query).json()} == names


def test_times_leave_out_zero_seconds_only_in_the_start(sandbox):
    now = sandbox.status()["now"]
    sandbox.clock(120 - now % 60)
    identifier = make(sandbox, type="notebook")
    one = sandbox.get(f"/session/{identifier}").json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", one["startTime"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", one["expiryTime"])
    sandbox.clock(5)
    later = sandbox.get(f"/session/{make(sandbox, type='notebook')}").json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", later["startTime"])


def test_unknown_and_impossible_ids(sandbox):
    reply = sandbox.get("/session/nosuchid")
    assert (reply.status_code, reply.text) == (404, "session nosuchid not found\n")
    assert sandbox.get("/session/a!").status_code == 400


def test_trailing_slash_is_some_session(sandbox):
    identifier = make(sandbox)
    assert sandbox.get("/session/").json()["id"] == identifier


def test_logs_are_always_200(sandbox):
    sandbox.settings(slots=1)
    (sandbox.workdir / "say.sh").write_text("echo out; echo err >&2; echo 'ä'; sleep 600")
    running = make(sandbox, cmd="bash", args="say.sh")
    queued = make(sandbox, cmd="bash", args="say.sh")
    sandbox.wait_until(lambda: "ä" in sandbox.get(f"/session/{running}", view="logs").content.decode())
    assert sandbox.get(f"/session/{running}", view="logs").content.decode() == "out\nerr\nä\n"
    for identifier in (queued, "nosuchid"):
        reply = sandbox.get(f"/session/{identifier}", view="logs")
        assert (reply.status_code, reply.text) == (200, "")
    missing = sandbox.get("/session/nosuchid", view="events")
    assert (missing.status_code, missing.text) == (404, "session nosuchid not found.\n")
    sandbox.delete(queued)
    sandbox.delete(running)


def test_events_last_an_hour(sandbox):
    identifier = make(sandbox, type="notebook")
    table = sandbox.get(f"/session/{identifier}", view="events").text.splitlines()
    assert table[0].split() == ["TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME"]
    assert [line.split()[1] for line in table[1:]] == ["Scheduled", "Pulled", "Created", "Started"]
    sandbox.clock(3601)
    assert sandbox.get(f"/session/{identifier}", view="events").text == "<none>\n"


def test_context(sandbox):
    reply = sandbox.get("/context")
    document = reply.json()
    assert reply.text == json.dumps(document, separators=(",", ":"))
    assert document["maxInteractiveSessions"] == "5"
    assert {"defaultRequest": 1, "defaultLimit": 8}.items() <= document["cores"].items()
    assert {"defaultRequest": 4, "defaultLimit": 32}.items() <= document["memoryGB"].items()
    assert {8, 32} <= {*document["memoryGB"]["options"]}
    assert not {3, 5} & {*document["memoryGB"]["options"]}
    assert document["gpus"]["options"][0] == 1


def test_images(sandbox):
    listed = {one["id"]: one for one in sandbox.get("/image").json()}
    for name in ("astroml:24.07", "astroml:24.03", "astroml:latest", "terminal:1.1.2", "base-notebook:latest"):
        assert f"images.canfar.net/skaha/{name}" in listed
    for kind, name in (("carta", "carta:4.0"), ("firefly", "firefly:2025.2"), ("desktop", "desktop:1.1.2")):
        assert listed[f"images.canfar.net/skaha/{name}"]["types"] == [kind]
        assert f"images.canfar.net/skaha/{name}" in {one["id"] for one in sandbox.get("/image", type=kind).json()}
    assert all(one["digest"].startswith("sha256:") for one in listed.values())
    assert sandbox.get("/image", type="spaceship").status_code == 400
    assert sandbox.get("/repository").json() == ["images.canfar.net"]


def test_stats(sandbox):
    make(sandbox, type="notebook", ram="8", cores="2")
    make(sandbox, type="carta")
    totals = sandbox.get(view="stats").json()
    assert list(totals) == ["cores", "ram"]
    assert list(totals["cores"]) == ["requestedCPUCores", "cpuCoresAvailable", "maxCPUCores"]
    assert list(totals["ram"]) == ["requestedRAM", "ramAvailable", "maxRAM"]
    assert totals["cores"]["requestedCPUCores"] == 3
    assert totals["ram"]["requestedRAM"] == "12.88G"


def test_renewal_of_an_interactive_session(sandbox):
    identifier = make(sandbox, type="notebook")
    before = sandbox.get(f"/session/{identifier}").json()
    sandbox.clock(3 * DAY)
    reply = sandbox.http.post(f"/skaha/v1/session/{identifier}", data={"action": "renew"})
    assert (reply.status_code, reply.content) == (200, b"")
    after = sandbox.get(f"/session/{identifier}").json()
    assert after["startTime"] == before["startTime"]
    assert after["expiryTime"] > before["expiryTime"]
    sandbox.clock(3 * DAY)
    assert sandbox.get(f"/session/{identifier}").json()["status"] == "Running"
    sandbox.clock(2 * DAY)
    assert sandbox.get(f"/session/{identifier}").json()["status"] == "Failed"


def test_renewal_leaves_a_headless_session_as_it_is(sandbox):
    identifier = make(sandbox, cmd="sleep", args="600")
    sandbox.wait_until(lambda: sandbox.get(f"/session/{identifier}").json()["status"] == "Running")
    before = sandbox.get(f"/session/{identifier}").json()
    assert sandbox.http.post(f"/skaha/v1/session/{identifier}", data={"action": "renew"}).status_code == 200
    assert sandbox.get(f"/session/{identifier}").json() == before
    sandbox.delete(identifier)


@pytest.mark.parametrize("kind", [None, "application/json"])
def test_renewal_needs_a_form(sandbox, kind):
    identifier = make(sandbox, type="notebook")
    headers = {"Content-Type": kind} if kind else {}
    reply = sandbox.http.post(f"/skaha/v1/session/{identifier}?action=renew", headers=headers)
    assert (reply.status_code, reply.text) == (400, "Cannot modify an existing session\n")


def test_renewal_of_what_does_not_run(sandbox):
    done = make(sandbox, cmd="true")
    sandbox.wait_idle()
    for identifier in (done, "nosuchid"):
        reply = sandbox.http.post(f"/skaha/v1/session/{identifier}", data={"action": "renew"})
        assert reply.status_code == 400
        assert reply.text.startswith("No active job for user sandbox")


def test_deleting_is_always_200_and_empty(sandbox):
    identifier = make(sandbox, cmd="true")
    for one in (identifier, identifier, "nosuchid", "a!"):
        reply = sandbox.delete(one)
        assert (reply.status_code, reply.content) == (200, b"")
    assert sandbox.get().json() == []


def test_finished_sessions_vanish_an_hour_later_without_a_trace(sandbox):
    batch = make(sandbox, cmd="echo", args="words")
    desk = make(sandbox, type="notebook")
    sandbox.wait_until(lambda: sandbox.get(f"/session/{batch}").json()["status"] == "Completed")
    sandbox.clock(3500)
    assert sandbox.get(f"/session/{batch}", view="logs").text == "words\n"
    sandbox.clock(101)
    assert [one["id"] for one in sandbox.get().json()] == [desk]
    assert sandbox.get(f"/session/{batch}").status_code == 404
    assert sandbox.get(f"/session/{batch}", view="logs").text == ""
    assert sandbox.get(f"/session/{batch}", view="events").status_code == 404
    truth = {one["id"]: one for one in sandbox.sessions()}
    assert truth[batch]["gone_because"] == "expired"
    assert not truth[batch]["listed"]


def test_headless_session_past_its_deadline_has_failed(sandbox):
    identifier = make(sandbox, cmd="sleep", args="600")
    sandbox.wait_until(lambda: sandbox.get(f"/session/{identifier}").json()["status"] == "Running")
    sandbox.clock(13 * DAY)
    assert sandbox.get(f"/session/{identifier}").json()["status"] == "Running"
    sandbox.clock(DAY + 1)
    assert sandbox.get(f"/session/{identifier}").json()["status"] == "Failed"
    sandbox.wait_idle()
    assert sandbox.get(f"/session/{identifier}", view="events").status_code == 404


def test_expiry_to_order(sandbox):
    identifier = make(sandbox, cmd="true")
    sandbox.wait_idle()
    sandbox.expire(identifier)
    assert sandbox.get().json() == []
