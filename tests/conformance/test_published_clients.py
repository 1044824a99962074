"""The published clients work against the sandbox, so it behaves where they look as the real server does."""

from __future__ import annotations

import json

import pytest

IMAGE = "images.canfar.net/skaha/astroml:24.07"
SCRIPT = "echo replica $REPLICA_ID of $REPLICA_COUNT band $BAND\n"

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


@pytest.fixture
def script(sandbox):
    (sandbox.workdir / "replica.sh").write_text(SCRIPT)
    return "replica.sh"


def check_life(seen, sandbox, desk_name):
    """Check what a client saw of three replicas and a notebook, from create to destroy."""
    ids = seen["ids"]
    assert len(set(ids)) == 3
    assert {one["id"]: one["status"] for one in seen["listed"]} == dict.fromkeys(ids, "Completed")
    assert sorted(one["name"] for one in seen["listed"]) == ["conform-1", "conform-2", "conform-3"]
    assert [one["id"] for one in seen["info"]] == ids
    assert {one["requestedRAM"] for one in seen["info"]} == {"4.29"}
    numbers = {one["id"]: one["name"].rpartition("-")[2] for one in seen["listed"]}
    assert seen["logs"] == {one: f"replica {number} of 3 band r\n" for one, number in numbers.items()}
    assert all("Started container" in text for one in seen["events"] for text in one.values())
    assert len(seen["events"]) == 3
    assert seen["stats"].keys() == {"cores", "ram"}
    assert seen["desk_info"][0]["status"] == "Running"
    assert seen["desk_info"][0]["name"] == desk_name
    assert seen["destroyed"] == dict.fromkeys([*ids, *seen["desk"]], True)
    assert seen["left"] == []
    truth = {one["id"]: one for one in sandbox.sessions()}
    for identifier, number in numbers.items():
        assert truth[identifier]["argv"] == ["bash", "replica.sh"]
        given = truth[identifier]["env"]
        assert (given["REPLICA_ID"], given["REPLICA_COUNT"], given["BAND"]) == (number, "3", "r")


def test_canfar(client, sandbox, script):
    seen = client("canfar").drive("drive_canfar.py", sandbox.url, sandbox.token, IMAGE, script)
    check_life(seen, sandbox, "desk")
    assert seen["renewed"] == {seen["desk"][0]: True}


@pytest.mark.parametrize("version", ["default", "v1"])
def test_skaha(client, sandbox, script, version):
    seen = client("skaha").drive("drive_skaha.py", f"{sandbox.origin}/skaha", version, sandbox.token, IMAGE, script)
    check_life(seen, sandbox, "desk-1")
    used = {request["path"].split("/")[2] for request in sandbox.requests()["requests"]}
    assert used == {"v0" if version == "default" else "v1"}


def test_canfar_command_line(client, sandbox, script):
    canfar = client("canfar")
    account = {"CANFAR_TOKEN": sandbox.token, "CANFAR_URL": sandbox.url}
    canfar.run(
        ["canfar", "create", "-n", "cli", "-r", "2", "headless", "skaha/astroml:24.07", "--", "bash", script], **account
    )
    sandbox.wait_idle()
    listed = json.loads(canfar.run(["canfar", "ps", "--all", "--output", "json"], **account))
    assert sorted((one["name"], one["status"]) for one in listed) == [("cli-1", "Completed"), ("cli-2", "Completed")]
    ids = [one["id"] for one in listed]
    assert "replica 1 of 2" in canfar.run(["canfar", "logs", *ids], **account)
    assert "Started container" in canfar.run(["canfar", "events", *ids], **account)
    canfar.run(["canfar", "stats"], **account)
    canfar.run(["canfar", "delete", "--force", *ids], **account)
    assert sandbox.get().json() == []
