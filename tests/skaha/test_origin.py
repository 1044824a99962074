"""The parts of a base URL: as httpx has them, which is asked only for addresses that need an encoding."""

import sys

import httpx
import pytest

from skaha_apply.model.errors import UsageError
from skaha_apply.skaha.transport.origin import read_origin

PLAIN = [
    "https://ws-uv.canfar.net/skaha/v1",
    "http://localhost:8080/skaha/v1",
    "http://127.0.0.1:65535/skaha/v1",
    "https://a1.example/a.b/~c/v1",
    f"https://{'a' * 63}.example/v1",
]
ENCODED = [
    "https://observatoire-é.example/skaha/v1",
    "http://[::1]:8080/skaha/v1",
    "https://10.0.0.1/skaha/v1",
    "https://example.org./skaha/v1",
    "https://example.org/ünder/v1",
    "https://example.org/a/../b/v1",
    "https://example.org/.a/v1",
    'https://example.org/"a"/v1',
]


@pytest.mark.parametrize("base", [*PLAIN, *ENCODED])
def test_the_parts_are_those_of_httpx(base):
    found, expected = read_origin(base), httpx.Request("GET", base)
    assert found.path.encode() == expected.url.raw_path
    assert (found.host.encode(), found.port, found.scheme) == (
        expected.url.raw_host,
        expected.url.port,
        expected.url.scheme,
    )
    assert found.authority == expected.headers["host"]
    assert found.connects_to == (expected.url.port or {"http": 80, "https": 443}[expected.url.scheme])


@pytest.mark.parametrize("base", PLAIN)
def test_common_addresses_are_read_without_httpx(base, monkeypatch):
    monkeypatch.setitem(sys.modules, "skaha_apply.lean_httpx", None)  # its import fails
    assert read_origin(base).url == base[: base.index("/", 8)]


@pytest.mark.parametrize("host", ["999.1.1.1", "a..b", f"{'a' * 64}.example", f"{'é' * 63}.example", "[::1::]"])
def test_an_impossible_host_is_refused(host):
    with pytest.raises((UsageError, ValueError)):
        read_origin(f"https://{host}/skaha/v1")
