"""What the server's JSON is read as: units, times, ids, and what must not break anything."""

import json
import math
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs import create_request

from skaha_apply.model.errors import NotSkaha
from skaha_apply.model.session import Phase
from skaha_apply.skaha import listings
from skaha_apply.skaha.field_values import read_cores, read_ram, read_time
from skaha_apply.skaha.requests import session_request
from skaha_apply.skaha.responses import (
    FIELDS_OF_A_SESSION,
    one_line,
    read_context,
    read_created,
    read_images,
    read_item,
    read_registries,
    read_session,
    read_sessions,
)

# As skaha 1.4.0 lists a fixed and a flexible session.
FIXED = {
    "id": "k2j3h4g5",
    "userid": "me",
    "runAsUID": "1000",
    "supplementalGroups": [1, 2],
    "image": "images.canfar.net/skaha/astroml:24.07",
    "type": "headless",
    "status": "Running",
    "name": "reduce-3",
    "startTime": "2026-01-02T03:04Z",
    "expiryTime": "2026-01-16T03:04:00Z",
    "connectURL": "",
    "requestedRAM": "34.36",
    "requestedCPUCores": "8",
    "requestedGPUCores": "0",
    "isFixedResources": True,
}
FLEXIBLE = {"id": "abcd1234", "name": "b", "type": "notebook", "status": "Pending", "isFixedResources": False}


def read(*entries):
    return read_sessions(json.dumps(entries).encode())


def test_a_fixed_and_a_flexible_session():
    (fixed, flexible), notes = read(FIXED, FLEXIBLE)
    assert notes == ()
    assert (fixed.cores, fixed.ram, fixed.gpus) == (8, 32, None)
    assert (flexible.cores, flexible.ram) == (None, None)
    assert fixed.expires - fixed.started == 14 * 86400
    assert (fixed.phase, flexible.phase) == (Phase.RUNNING, Phase.PENDING)


def test_resources_of_a_flexible_session_are_none_even_when_shown():
    ((session,), _) = read({**FIXED, "isFixedResources": False})
    assert (session.cores, session.ram) == (None, None)


@given(st.integers(1, 4096))
def test_ram_is_read_back_as_it_was_asked_for(halves):
    gib = halves / 2
    assert read_ram(f"{gib * 2**30 / 1e9:.2f}") == gib


@pytest.mark.parametrize(
    ("shown", "gib"),
    [
        ("4.29", 4),
        ("34.36", 32),
        ("8.59", 8),
        ("8G", 8),
        ("8Gi", 8),
        ("2.5G", 2.5),
        (8, 8),
        ("512Mi", 0.5),
        (4.29, 4),
        ("<none>", None),
        ("", None),
        (None, None),
        ("x", None),
        (True, None),
        ([], None),
        ("8Q", None),
        (math.inf, None),
        ("0", None),
        ("1e400", None),
    ],
)
def test_ram_of_all_versions(shown, gib):
    assert read_ram(shown) == gib


@pytest.mark.parametrize(
    ("shown", "cores"),
    [("2", 2), ("0.100", 0.1), ("2.500", 2.5), (4, 4), ("500m", 0.5), ("<none>", None), ("0", None), (None, None)],
)
def test_cores_of_all_versions(shown, cores):
    assert read_cores(shown) == cores


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T00:01Z", 60),
        ("2026-01-01T00:01:30Z", 90),
        ("2026-01-01T00:01:30.25Z", 90.25),
        ("2026-01-01T00:01:30.123456789Z", 90.123456),
        ("2026-01-01T01:01+01:00", 60),
        ("2026-01-01T00:01", 60),
    ],
)
def test_times(text, seconds):
    assert read_time(text) == pytest.approx(1767225600 + seconds)


@pytest.mark.parametrize("text", [None, "", "<none>", "yesterday", 5])
def test_malformed_time_is_none(text):
    assert read_time(text) is None


def test_names_in_any_case_or_none():
    sessions, _ = read({**FLEXIBLE, "name": "Reduce-1"}, {**FLEXIBLE, "name": None}, {"id": "x1"})
    assert [session.name for session in sessions] == ["reduce-1", "", ""]


def test_an_unknown_status_word_is_active():
    ((session,), _) = read({**FLEXIBLE, "status": "Hibernating", "surprise": {"deep": [1]}})
    assert session.phase is Phase.OTHER
    assert session.phase.active


@pytest.mark.parametrize("bad", [None, "", "a/b", "..", "a b", 7, "é", "x" * 64, "a\n"])
def test_entries_without_a_usable_id_are_passed_over_and_noted(bad):
    sessions, notes = read({**FLEXIBLE, "id": bad}, FIXED, "text", None)
    assert [session.id for session in sessions] == ["k2j3h4g5"]
    assert notes == ("3 items of the session list have no usable ID; they are ignored",)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requestedRAM", "9" * 400),
        ("requestedRAM", float("1e300")),
        ("requestedRAM", -4),
        ("requestedCPUCores", "1" * 5000),
        ("requestedGPUCores", "9" * 400),
        ("startTime", "9999-12-31T23:59:59-23:00"),
        ("startTime", "0001-01-01T00:00+10:00"),
        ("expiryTime", "soon"),
    ],
)
def test_one_absurd_field_is_unknown_and_noted_and_stops_nothing(field, value):
    sessions, notes = read({**FIXED, field: value}, FIXED)
    assert len(sessions) == 2
    assert getattr(sessions[0], ATTRIBUTES[field]) is None
    assert getattr(sessions[1], ATTRIBUTES[field]) is not None or field == "requestedGPUCores"
    assert len(notes) == 1
    assert field in notes[0]
    assert "counts as unknown" in notes[0]


def test_a_number_that_python_refuses_to_read_is_unknown():
    body = json.dumps([FIXED]).replace(f'"{FIXED["requestedRAM"]}"', "9" * 5000)
    sessions, notes = read_sessions(body.encode())
    assert sessions[0].ram is None
    assert "requestedRAM" in notes[0]


ATTRIBUTES = {
    "requestedRAM": "ram",
    "requestedCPUCores": "cores",
    "requestedGPUCores": "gpus",
    "startTime": "started",
    "expiryTime": "expires",
}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"<html><title>Log\n in</title>", "web page, not JSON: Log in"),
        (b'[{"id": "k2', "breaks off"),
        (b"hello", "not JSON"),
        (b'{"a": 1}', "not a list"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "breaks off"),
    ],
)
def test_body_that_is_not_a_list_is_a_clear_error(body, says):
    with pytest.raises(NotSkaha, match=says) as caught:
        read_sessions(body)
    assert len(str(caught.value)) < 450


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("k2j3h4g5")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from([*FIXED, "cores", "memoryGB", "gpus", "options", "maxInteractiveSessions"]), inner
        ),
    ),
    max_leaves=20,
)


@given(json_values)
def test_no_json_breaks_a_reader(value):
    body = json.dumps(value).encode()
    for reader in (read_sessions, read_session, read_context, read_images, read_registries):
        try:
            reader(body)
        except NotSkaha:
            continue


@pytest.mark.parametrize(
    ("body", "session_id"),
    [
        (b"k2j3h4g5\n", "k2j3h4g5"),
        (b"k2j3h4g5", "k2j3h4g5"),
        (b"<html>", None),
        (b"", None),
        (b"two words", None),
        (b"../x", None),
        (b"a" * 1000, None),
    ],
)
def test_the_id_of_a_create(body, session_id):
    assert read_created(body) == session_id


def test_one_line_holds_nothing_that_acts_on_a_terminal():
    assert one_line(b"a\x1b[31m\r\n\tb\xff") == "a [31m b\N{REPLACEMENT CHARACTER}"
    assert len(one_line("x" * 1000)) <= 300


def test_an_object_within_an_item_of_a_listing_does_not_count_as_a_session():
    inner = {"id": "abcd1234", "name": "inner"}
    items = [{**FIXED, "name": inner, "labels": [inner]}, [inner], inner | {"id": {"id": "abcd1235"}}]
    sessions, notes = read_sessions(json.dumps(items).encode())
    assert [(session.id, session.name) for session in sessions] == [(FIXED["id"], "")]
    assert notes == ("2 items of the session list have no usable ID; they are ignored",)


ITEMS = st.sampled_from(
    [
        FIXED,
        {**FIXED, "status": "Completed"},
        {**FIXED, "ramInUse": "1.07"},
        {**FIXED, "isFixedResources": False},
        {**FIXED, "requestedRAM": "-1"},
        {**FIXED, "image": ["a"], "labels": {"tile": "3"}},
        {**FIXED, "labels": {"tile": "4"}},
        FLEXIBLE,
        {"name": "without an ID"},
        {},
        None,
    ]
)


@given(st.lists(st.lists(ITEMS, max_size=4), max_size=4))
def test_a_listing_after_others_is_read_as_one_alone(turns):
    reader = listings.Listings()
    for items in turns:
        body = json.dumps(items).encode()
        assert reader.read(body) == read_sessions(body)


CHANGES = {
    "id": "other123", "name": "reduce-4", "type": "notebook", "status": "Pending", "userid": "you",
    "image": "images.canfar.net/skaha/astroml:24.08", "startTime": "2026-01-02T03:05Z",
    "expiryTime": "2026-01-17T03:04:00Z", "connectURL": "https://example.org/x", "isFixedResources": False,
    "requestedRAM": "17.18", "requestedCPUCores": "4", "requestedGPUCores": "1", "ramInUse": "2.14",
    "cpuCoresInUse": "0.5",
}  # fmt: skip


class Item(dict):
    """An item of a listing that keeps which of its fields are read."""

    def __init__(self, *given):
        super().__init__(*given)
        self.read = set()

    def get(self, key, default=None):
        self.read.add(key)
        return super().get(key, default)


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_of_one_field_is_read_from_a_later_listing(field):
    reader, changed = listings.Listings(), json.dumps([{**FIXED, field: CHANGES[field]}]).encode()
    for _ in range(2):
        before = reader.read(json.dumps([FIXED]).encode())
    assert reader.read(changed) == read_sessions(changed) != before


def test_the_fields_of_a_session_are_those_that_are_read():
    item = Item({**FIXED, **CHANGES, "isFixedResources": True})
    read_item(item)
    assert item.read == set(FIELDS_OF_A_SESSION) == set(CHANGES)


def test_a_session_that_is_listed_again_is_read_once():
    reader, items = listings.Listings(), [{**FIXED, "id": f"session{number}"} for number in range(5)]
    found = [reader.read(json.dumps(items).encode())[0] for _ in range(4)]
    assert found[1] == found[0]
    assert all(one is other for later in found[2:] for one, other in zip(found[1], later, strict=True))
    items[2]["status"] = "Failed"
    changed = reader.read(json.dumps(items).encode())[0]
    assert [one is other for one, other in zip(found[3], changed, strict=True)] == [True, True, False, True, True]
    assert changed[2].phase is Phase.FAILED


@given(st.text(st.characters()) | st.text("ab 01.-_~=&+%/:é\ud800\n", max_size=400))
def test_the_form_of_a_create_has_the_escapes_of_the_standard_library(text):
    request = session_request(create_request("a", "b", cmd=text, env={"A": text}))
    quoted = quote_plus(text, errors="surrogatepass")
    assert request.form == f"name=a&image=b&type=headless&cmd={quoted}&env=A%3D{quoted}".encode()
