"""The form of an address chooses the store; a form that is not known is an error, and no new local state."""

from __future__ import annotations

from pathlib import Path

import pytest

from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.state.address import StateAddress
from skaha_apply.state.stores import STORES, StoreType, find_address, open_store, parse_address

UNKNOWN = [
    "hg:/path/r",
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
    " svn:x",
]


@pytest.mark.parametrize("address", UNKNOWN)
def test_an_unknown_form_is_an_error_that_names_the_known_ones(address):
    for given, env in ((address, {}), (None, {"TF_HTTP_ADDRESS": address})):
        with pytest.raises(UsageError) as raised:
            find_address(given, env)
        assert raised.value.exit_code is ExitCode.USAGE
        assert "http(s)://" in raised.value.hint
        assert "./a:b" in raised.value.hint


@pytest.mark.parametrize(
    "address",
    [
        "git:/path/r.git#b",
        "git:git@host:repository#main",
        "./a:b",
        "folder/a:b",
        "/tmp/a:b",
        "../a:b",
        "s.json",
        "~/a:b",
        "HTTPS://h.org/s",
    ],
)
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
        ("git:https://h.org/r.git#a", "git:https://me:pw@H.org:443/r.git/#a", True),
        ("git:https://h.org/r.git#a", "git:https://h.org/r.git#b", False),
        ("git:ssh://git@h.org/r.git#a", "git:ssh://h.org/r.git#a", True),
        ("git:git@h.org:r.git#a", "git:git@h.org:r.git#a", True),
        ("git:/x/../r.git#a", "git:/r.git#a", True),
        ("git:/r.git#a", "/r.git", False),
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


def test_an_address_of_git_is_shown_with_its_branch_and_without_a_password():
    shown = {
        "git:https://me:p@ss@h.org/r.git#b": "git:https://h.org/r.git#b",
        "git:ssh://git@h.org/r.git": "git:ssh://git@h.org/r.git",
        "git:git@h.org:a/r.git#b": "git:git@h.org:a/r.git#b",
        "GIT:/a/b?c#d": "git:/a/b?c#d",
    }
    assert {text: parse_address(text, "--state").shown for text in shown} == shown


@pytest.mark.parametrize(
    ("text", "located"),
    [
        ("git:r.git", "git:/folder/r.git#skaha-state/survey"),
        ("git:../r.git#b", "git:/r.git#b"),
        ("git:/a/r.git#b", "git:/a/r.git#b"),
        ("git:git@h.org:r.git", "git:git@h.org:r.git#skaha-state/survey"),
        ("git:ssh://h.org/r.git", "git:ssh://h.org/r.git#skaha-state/survey"),
        ("https://h.org/{project}/{project}?x={project}", "https://h.org/survey/survey?x=survey"),
        ("https://h.org/s", "https://h.org/s"),
    ],
)
def test_a_path_of_git_starts_at_the_folder_and_a_branch_is_that_of_the_project(text, located):
    found = parse_address(text, "--state").in_folder(Path("/folder"), "survey.state.json", "survey")
    assert found.text == located


@pytest.mark.parametrize("address", ["https://h.org/{Project}", "https://me:{pw}@h.org/{project}/{}"])
def test_an_unknown_placeholder_is_refused(address):
    with pytest.raises(UsageError, match=r"unknown placeholder '{(Project)?}'; {project} stands for the name"):
        find_address(address, {})


REFUSED = {
    "git:--upload-pack=touch acted": "do not begin with '-'",
    "git:remote.git#--upload-pack=touch": "do not begin with '-'",
    "git:ext::sh -c touch% acted": "word::address can run a program",
    "git:ext::touch acted#x": "word::address can run a program",
    "git:transport::x": "word::address",
    "git:ftp://host/x": "the scheme ftp://",
    "git:https://": "the host is missing",
    "git:ssh://-oProxyCommand=touch/x": "the host is missing or not valid",
    "git:ssh://me:secret@host/x": "a password has no effect",
    "git:word:path": "this is not a path, not a URL",
    "git:": "the repository is missing",
    "git:remote.git#": "the branch after '#' is missing",
    "git:remote.git#skaha-lock/x": "the locks of states",
    "git:remote.git\x1b[2J": "a control character",
    "git://host/x": "git:git://",
}


@pytest.mark.parametrize("address", REFUSED, ids=[text.replace("\x1b", "ESC") for text in REFUSED])
def test_an_address_on_which_git_would_act_is_refused(address):
    with pytest.raises(UsageError) as raised:
        find_address(address, {})
    assert REFUSED[address] in raised.value.message
    assert "secret" not in raised.value.message + raised.value.hint
    assert raised.value.message.isprintable()
