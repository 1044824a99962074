"""The form of an address chooses the store; a form that is not known is an error, and no new local state."""

from __future__ import annotations

import pytest

from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.state.stores import open_store

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
def test_an_unknown_form_is_an_error_that_names_the_known_ones(tmp_path, address):
    for given, env in ((address, {}), (None, {"TF_HTTP_ADDRESS": address})):
        with pytest.raises(UsageError) as raised:
            open_store(given, tmp_path / "s.json", env)
        assert raised.value.exit_code is ExitCode.USAGE
        assert "http(s)://" in raised.value.hint
        assert "./a:b" in raised.value.hint


@pytest.mark.parametrize("address", ["./a:b", "folder/a:b", "/tmp/a:b", "../a:b", "s.json", "~/a:b", "HTTPS://h.org/s"])
def test_paths_and_http_addresses_are_taken(tmp_path, address):
    open_store(address, tmp_path / "s.json", {})
