"""The form of an address chooses the store; a form that is not known is an error, and no new local state."""

from __future__ import annotations

import pytest

from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.state.address import StateAddress
from skaha_apply.state.stores import STORES, StoreType, find_address, open_store, parse_address

UNKNOWN = [
    "git:/path/r.git",
    "git:git@host:repository#main",
    "s3://bucket/key",
    "ftp://host/state",
    "file:///tmp/s.json",
    "http:/host/state",
    "host:path/s.json",
    "me@host:s.json",
    "C:\\states\\s.json",
    "C:/states/s.json",
    "a:b",
    "2026:s.json",
    ":s.json",
    " git:x",
]


@pytest.mark.parametrize("address", UNKNOWN)
def test_an_unknown_form_is_an_error_that_names_the_known_ones(address):
    for given, env in ((address, {}), (None, {"TF_HTTP_ADDRESS": address})):
        with pytest.raises(UsageError) as raised:
            find_address(given, env)
        assert raised.value.exit_code is ExitCode.USAGE
        assert "http(s)://" in raised.value.hint
        assert "./a:b" in raised.value.hint


@pytest.mark.parametrize("address", ["./a:b", "folder/a:b", "/tmp/a:b", "../a:b", "s.json", "~/a:b", "HTTPS://h.org/s"])
def test_paths_and_http_addresses_are_taken(tmp_path, address):
    open_store(parse_address(address, "--state"), tmp_path / "s.json", {})


def test_one_line_of_the_table_adds_a_store(tmp_path, monkeypatch):
    opened = []
    store = StoreType("a memory: address", lambda address, setup: opened.append((address, setup)))
    monkeypatch.setitem(STORES, "memory:", store)
    address = find_address("memory:me:pw@host#a", {})
    assert address == StateAddress("memory:me:pw@host#a", "memory:")
    assert address.is_remote
    open_store(address, tmp_path / "s.json", {"A": "b"})
    assert [(one.text, setup.default, setup.env) for one, setup in opened] == [
        ("memory:me:pw@host#a", tmp_path / "s.json", {"A": "b"})
    ]
    with pytest.raises(UsageError) as raised:
        parse_address("tape:x", "state")
    assert "a memory: address" in raised.value.hint


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://h.org/s", "https://me:pw@H.org:443/s/?key=1", True),
        ("https://h.org/s", "http://h.org/s", False),
        ("https://h.org/s", "https://h.org:8443/s", False),
        ("s.json", "./s.json", True),
        ("s.json", "https://h.org/s.json", False),
    ],
)
def test_two_spellings_of_one_address(one, other, same):
    first, second = (parse_address(text, "state") for text in (one, other))
    assert first.same_as(second) is same
    assert second.same_as(first) is same


@pytest.mark.parametrize("prefix", ["https://", "git:https://"])
def test_an_address_is_shown_without_its_credential(prefix):
    address = StateAddress(f"{prefix}me:p@ss@h.org:8443/s?key=secret", prefix)
    assert address.shown == f"{prefix}h.org:8443/s"
