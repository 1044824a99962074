"""Injected faults: each applies to the requests of its plan, before or after the effect, and repeatably."""

from __future__ import annotations

import time

import httpx
import pytest


def outcomes(sandbox, count):
    """Create `count` sessions; return the status codes, or the word "dropped"."""
    seen = []
    for number in range(count):
        try:
            seen.append(sandbox.create(name=f"s-{number}").status_code)
        except httpx.TransportError:
            seen.append("dropped")
    return seen


def made(sandbox):
    return [one["name"] for one in sandbox.sessions()]


@pytest.mark.parametrize(("fault", "effect"), [("rate_drop_before", False), ("rate_drop_after", True)])
def test_dropped_connections(sandbox, fault, effect):
    sandbox.faults(**{fault: 1, "only": ["POST"]})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.create(name="lost")
    assert made(sandbox) == (["lost"] if effect else [])
    assert sandbox.get().status_code == 200
    request = sandbox.requests()["requests"][0]
    assert request["status"] is None
    assert request["fault"] == fault.removeprefix("rate_")


@pytest.mark.parametrize(
    ("fault", "status", "text", "effect"),
    [
        ("rate_503", 503, "temporarily unavailable: /skaha/v1/session\n", False),
        ("rate_429", 429, "Too Many Requests\n", False),
        (
            "rate_500",
            500,
            "unexpected exception: java.lang.RuntimeException: injected by the fault plan of the sandbox",
            False,
        ),
        (
            "rate_500_after",
            500,
            "unexpected exception: java.io.IOException: injected by the fault plan of the sandbox",
            True,
        ),
    ],
)
def test_error_responses(sandbox, fault, status, text, effect):
    sandbox.faults(**{fault: 1, "retry_after": 7})
    reply = sandbox.create(name="tried")
    assert (reply.status_code, reply.text) == (status, text)
    assert reply.headers.get("retry-after") == ("7" if status in (503, 429) else None)
    assert bool(made(sandbox)) is effect


def test_page_in_html_and_json_that_is_cut(sandbox):
    sandbox.create()
    sandbox.faults(rate_html=1)
    page = sandbox.get()
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    sandbox.faults(rate_cut_json=1)
    cut = sandbox.get()
    assert cut.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        cut.json()


def test_rates_are_repeatable_with_a_seed(sandbox):
    runs = []
    for _ in range(2):
        sandbox.faults(seed=7, rate_503=0.3, rate_drop_before=0.2, only=["POST /session"])
        runs.append(outcomes(sandbox, 30))
    assert runs[0] == runs[1]
    assert {200, 503, "dropped"} == {*runs[0]}


def test_after_and_count(sandbox):
    sandbox.faults(rate_503=1, after=2, count=3)
    assert outcomes(sandbox, 7) == [200, 200, 503, 503, 503, 200, 200]


def test_script(sandbox):
    steps = [
        {"match": {"method": "POST"}, "nth": 2, "fault": "drop_after"},
        {"match": {"method": "POST", "name": "s-3"}, "fault": "503"},
        {"match": {"route": "/session", "method": "GET"}, "nth": 1, "times": 2, "fault": "empty_list"},
    ]
    reply = sandbox.http.put("/sandbox/faults", json=steps)
    assert reply.status_code == 200
    assert outcomes(sandbox, 5) == [200, "dropped", 200, 503, 200]
    assert [len(sandbox.get().json()) for _ in range(3)] == [0, 0, 4]
    assert sandbox.control("GET", "/faults")["struck"] == {"drop_after": 1, "503": 1, "empty_list": 2}


def test_latency(sandbox):
    sandbox.faults(latency_ms=[120, 150])
    began = time.monotonic()
    sandbox.get()
    assert time.monotonic() - began >= 0.12


def test_responses_that_never_arrive(sandbox):
    sandbox.faults(script=[{"match": {"method": "POST"}, "fault": "hang_after"}])
    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.post(
            "/skaha/v1/session", data={"image": "images.canfar.net/skaha/astroml:24.07", "name": "late"}, timeout=0.3
        )
    assert made(sandbox) == ["late"]
    assert sandbox.create().status_code == 200


def test_lists_lag_by_the_sandboxs_clock(sandbox):
    old = sandbox.create(name="old").text.strip()
    sandbox.clock(60)
    sandbox.faults(list_lag_s=30)
    new = sandbox.create(name="new").text.strip()
    assert [one["id"] for one in sandbox.get().json()] == [old]
    assert sandbox.get(f"/session/{new}").status_code == 200
    sandbox.delete(old)
    assert sandbox.get(f"/session/{old}").status_code == 404
    assert [one["id"] for one in sandbox.get().json()] == [old]
    sandbox.clock(31)
    assert [one["id"] for one in sandbox.get().json()] == [new]


def test_listing_is_empty_once_or_a_given_number_of_times(sandbox):
    sandbox.create()
    sandbox.faults(empty_list_once=True)
    assert [len(sandbox.get().json()) for _ in range(2)] == [0, 1]
    sandbox.faults(next_lists_empty=2)
    assert [len(sandbox.get().json()) for _ in range(3)] == [0, 0, 1]


def test_deletes_without_effect(sandbox):
    identifier = sandbox.create(type="notebook").text.strip()
    sandbox.faults(delete_without_effect=True)
    assert sandbox.delete(identifier).status_code == 200
    assert len(sandbox.get().json()) == 1
    sandbox.faults()
    sandbox.delete(identifier)
    assert sandbox.get().json() == []


def test_refusals_to_order(sandbox):
    sandbox.faults(refuse={"POST": {"status": 403, "text": "quota exceeded\n"}})
    reply = sandbox.create()
    assert (reply.status_code, reply.text) == (403, "quota exceeded\n")
    assert sandbox.get().status_code == 200


@pytest.mark.parametrize(
    "plan",
    [
        {"rate_5O3": 1},
        {"rate_503": 2},
        {"rate_503": "x"},
        {"script": [{"fault": "explode"}]},
        {"script": [{"match": {}}]},
        {"script": 5},
        {"latency_ms": "slow"},
        {"latency_ms": [1, 2, 3]},
        {"list_lag_s": "x"},
        {"only": "POST"},
        {"refuse": {"POST": 403}},
        "words",
    ],
)
def test_plans_that_cannot_be_read_change_nothing(sandbox, plan):
    sandbox.faults(rate_503=1)
    reply = sandbox.http.put("/sandbox/faults", json=plan)
    assert reply.status_code == 400
    assert reply.text.strip()
    assert sandbox.get().status_code == 503


def test_request_log(sandbox):
    sandbox.create(name="Logged", env=["A=1", "B=2"], cmd="true")
    sandbox.get(status="Running")
    sandbox.get("/session/nosuchid")
    log = sandbox.requests()
    assert log["counts"] == {"POST /session": 1, "GET /session": 1, "GET /session/{id}": 1}
    create, listing, single = log["requests"]
    assert ["name", "Logged"] in create["body"]
    assert [pair for pair in create["body"] if pair[0] == "env"] == [["env", "A=1"], ["env", "B=2"]]
    assert create["session"] == sandbox.sessions()[0]["id"]
    assert (create["status"], listing["status"], single["status"]) == (200, 200, 404)
    assert listing["query"] == [["status", "Running"]]
    sandbox.forget_requests()
    assert sandbox.requests()["total"] == 0


def test_clock_moves_forward_only_and_settings_are_checked(sandbox):
    assert sandbox.http.post("/sandbox/clock", json={"advance_s": -1}).status_code == 400
    assert sandbox.http.post("/sandbox/clock", json={}).status_code == 400
    for changes in ({"slots": "2"}, {"slots": 0}, {"colour": 1}, {"workdir": "/no/such/folder"}, {"ttl": True}):
        assert sandbox.http.put("/sandbox/settings", json=changes).status_code == 400
    assert sandbox.http.get("/sandbox/nothing").status_code == 404
