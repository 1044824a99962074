"""`doctor`: every check is made in every situation, and each problem has a command that fixes it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from skaha_apply.cli import main
from skaha_apply.state.local.store import LocalStore

AWAY = "http://127.0.0.1:9"
REDUCE = {"name": "reduce", "cmd": "sleep", "args": ["600"]}


def checks(desk, *words, code=0, **environment):
    """The checks by name; the document is the same as the exit code."""
    document = desk("doctor", "-o", "json", *words, code=code, SKAHA_APPLY_RETRY_TIME="1s", **environment).json
    assert document["healthy"] is (code == 0)
    found = {one["name"]: one for one in document["checks"]}
    assert all(one["fix"] for one in found.values() if one["health"] == "failed")
    return found


def healths(found):
    return {name: one["health"] for name, one in found.items()}


def token(expires):
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({}, {"exp": expires})]
    return ".".join([*parts, "c2ln"])


def test_everything_is_in_order_after_an_apply_and_nothing_was_written(desk):
    desk.write(REDUCE)
    desk.apply()
    before, writes = desk.files(), desk.writes()
    found = checks(desk)
    assert set(healths(found).values()) == {"ok"}
    assert found["account"]["text"] == "sandbox, 1 session listed"
    assert "1 replica, written" in found["state"]["text"]
    assert (desk.files(), desk.writes()) == (before, writes)


def test_without_manifests_their_checks_are_not_made(desk):
    found = healths(checks(desk))
    assert {name for name, health in found.items() if health == "not_checked"} == {"manifests", "state", "lock"}


def test_a_broken_manifest_names_its_line_and_the_command_of_lint(desk):
    (desk.folder / "m.yaml").write_text("version: 1\nproject: p\nsessions:\n  - {name: a, imge: x}\n")
    found = checks(desk, "m.yaml", code=1)
    assert found["manifests"]["text"].startswith("m.yaml:4:")
    assert found["manifests"]["fix"] == "skaha-apply lint m.yaml"
    assert found["server"]["health"] == "ok"


def test_without_a_server_the_checks_of_this_machine_are_made(desk):
    desk.write(REDUCE)
    found = checks(desk, "--server", AWAY, code=1)
    assert found["server"]["fix"] == f"skaha-apply doctor --server {AWAY}"
    assert healths(found) | {"server": "", "state": "", "lock": ""} == {
        "server": "", "credential": "ok", "account": "not_checked", "clock": "not_checked", "limits": "not_checked",
        "registry": "ok", "manifests": "ok", "state": "", "lock": "",
    }  # fmt: skip


@pytest.mark.parametrize("given", ["", token(time.time() - 60)], ids=["missing", "expired"])
def test_without_a_usable_credential_the_server_is_checked_nevertheless(desk, given):
    found = checks(desk, code=1, SKAHA_TOKEN=given)
    assert found["credential"]["health"] == "failed"
    assert (found["server"]["health"], found["clock"]["health"]) == ("ok", "ok")


@pytest.mark.parametrize("token", ["t", ""])
def test_a_silent_server_is_asked_once(desk, odd_server, token):
    """Each request would wait for the whole time of retries."""
    asked, over = [], threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            over.wait(60)

    url = f"{odd_server(Silent)}/skaha/v1"
    try:
        found = checks(desk, code=1, SKAHA_URL=url, SKAHA_TOKEN=token)
    finally:
        over.set()
    assert healths(found)["server"] == "failed"
    assert len(asked) == 1


def test_a_credential_that_the_server_refuses_fails(desk):
    found = checks(desk, code=1, SKAHA_TOKEN="wrong")
    assert (found["server"]["health"], found["credential"]["health"]) == ("ok", "failed")


def test_a_credential_that_ends_soon_fails_on_request(desk_at, fresh_sandbox, tmp_path):
    desk = desk_at(tmp_path / "desk", fresh_sandbox(token=token(time.time() + 86400)))
    assert checks(desk)["credential"]["text"].endswith("ends in 1d")
    assert healths(checks(desk, "--expires-within", "3d", code=1))["credential"] == "failed"


def test_a_lock_names_its_owner_and_the_command_that_waits_for_it(desk):
    desk.write(REDUCE)
    desk.apply()
    store = LocalStore(desk.state_path)
    asyncio.run(store.acquire("apply", 0))
    found = checks(desk, code=1)
    asyncio.run(store.release())
    assert "is locked by" in found["lock"]["text"]
    assert found["lock"]["fix"] == "skaha-apply refresh --project=survey --lock-timeout=5m"
    assert checks(desk)["lock"]["health"] == "ok"
    assert found["state"]["health"] == "ok"


def test_a_damaged_state_and_a_state_of_another_account_fail(desk):
    desk.write(REDUCE)
    desk.apply()
    desk.state_path.write_text(desk.state_path.read_text().replace('"account": "sandbox"', '"account": "anna"'))
    assert checks(desk, code=1)["state"]["health"] == "failed"
    desk.state_path.write_text("{")
    found = checks(desk, code=1)
    assert (found["state"]["health"], found["lock"]["health"]) == ("failed", "ok")


def test_a_clock_that_differs_by_an_hour_fails(desk):
    desk.sandbox.clock(3600)
    found = checks(desk, code=1)
    assert "behind the server" in found["clock"]["text"]


def test_an_incomplete_registry_login_is_the_one_problem(desk):
    found = checks(desk, code=1, SKAHA_REGISTRY_USERNAME="me")
    assert [name for name, one in found.items() if one["health"] == "failed"] == ["registry"]


def test_lines_fit_80_columns_but_for_commands(desk):
    desk.write(REDUCE)
    ended = desk("doctor", "--server", AWAY, code=1, SKAHA_APPLY_RETRY_TIME="1s", CANFAR_REGISTRY__USERNAME="me")
    assert all(len(row) <= 80 or row.strip().startswith(("skaha-apply", "export")) for row in ended.out.splitlines())
    assert ended.out.splitlines()[-1].endswith("checks failed.")


WORDS = [
    "--server", AWAY, "http://", "nowhere", "--sandbox=1", "--state", "git:x", "s.json", "--project", "p", "--project=",
    "--expires-within", "3d", "-1s", "x", "--var", "a=b", "=", "--var-file", "none.yaml", "-o", "json", "xml",
    "broken.yaml", "binary.yaml", "--credential-command", "false", "'", "--no-color", "-v", "-", "\x1b[2J",
]  # fmt: skip


def test_two_hundred_wrong_command_lines_end_with_a_message(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken.yaml").write_text("version: 1\nproject: [\n")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    (tmp_path / "s.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    for name, value in {"HOME": str(tmp_path), "SKAHA_URL": AWAY, "SKAHA_APPLY_RETRY_TIME": "0.01s"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SKAHA_TOKEN", raising=False)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"version: 2")))
    draw = random.Random(12)
    for _ in range(200):
        words = ["doctor", *(draw.choice(WORDS) for _ in range(draw.randint(0, 5)))]
        monkeypatch.setenv("SKAHA_TOKEN", draw.choice(["", "t", "a b"]))
        assert main(words) in (0, 1, 4), words
        shown = capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err, words
        assert "this is a bug" not in shown.err, words
