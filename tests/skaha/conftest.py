"""Lets the tests of this folder import its modules, and runs tests of connection faults over both transports."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

TRANSPORTS = ("own", "httpx")


def pytest_generate_tests(metafunc):
    if metafunc.definition.get_closest_marker("both_transports"):
        metafunc.fixturenames.append("transport_in_use")
        metafunc.parametrize("transport_in_use", TRANSPORTS, indirect=True)


@pytest.fixture
def transport_in_use(request, monkeypatch):
    from adversary import IN_USE  # noqa: PLC0415 - found by the path above

    monkeypatch.setitem(IN_USE, "transport", request.param)
