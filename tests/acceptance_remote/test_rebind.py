"""`state rebind`: the state of a server that moved, and a new credential of the account."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler

import pytest

from skaha_apply.lazy_dataclass import replace
from skaha_apply.state.codec import encode

SLEEP = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}
OLD = "old.example.org/skaha/v1"


@pytest.fixture
def moved(desk):
    """A desk with a state from the time when the server had another address."""
    desk.write(SLEEP)
    desk.apply()
    desk("refresh")
    here = desk.state_path
    there = desk.folder / ".skaha-apply" / "old.example.org" / here.name
    there.parent.mkdir()
    there.write_text(json.dumps(desk.state | {"server": OLD}))
    (there.parent / "logs" / "survey").mkdir(parents=True)
    (there.parent / "logs" / "survey" / "one.log").write_text("a log\n")
    here.unlink()
    desk.old = there
    return desk


def test_a_server_that_moved_takes_its_state_and_its_logs_along(moved):
    serial = json.loads(moved.old.read_text())["serial"]
    said = moved("state", "rebind", "--yes").out
    assert f"{OLD} -> localhost/skaha/v1" in said
    assert "the server lists 3 of 3 active sessions" in said
    assert "account:    sandbox\n" in said
    assert moved.state["server"] == "localhost/skaha/v1"
    assert moved.state["serial"] == serial + 1
    assert not moved.old.exists()
    assert (moved.state_path.parent / "logs" / "survey" / "one.log").read_text() == "a log\n"
    plan = moved.plan()
    assert (plan["has_changes"], plan["summary"]["unchanged"]) == (False, 3)
    assert "Nothing to rebind" in moved("state", "rebind").out


def full(desk):
    """Its files, but for those of locks that nobody holds."""
    return {name: data for name, data in desk.files().items() if data}


def test_it_asks_and_no_changes_nothing(moved):
    before = full(moved)
    ended = moved.in_terminal("state", "rebind", answer="n\n", code=1)
    assert f"{OLD} -> localhost/skaha/v1" in ended.out
    assert full(moved) == before
    moved("state", "rebind", code=4)  # nobody to ask
    moved.in_terminal("state", "rebind", answer="y\n")
    assert moved.plan()["has_changes"] is False


def test_one_of_several_states_is_chosen_by_its_host(moved, one_line):
    other = moved.folder / ".skaha-apply" / "third.example.org" / moved.old.name
    other.parent.mkdir()
    other.write_text(moved.old.read_text())
    one_line(moved("state", "rebind", "--yes", code=4), r"old\.example\.org, third\.example\.org", r"--from")
    one_line(moved("state", "rebind", "--yes", "--from", "x.org", code=4), r"no state .* x\.org")
    moved("state", "rebind", "--yes", "--from", "old.example.org")
    assert other.exists()
    assert moved.state["server"] == "localhost/skaha/v1"


def test_a_state_in_a_file_of_its_own_stays_there(moved, one_line):
    one_line(moved("plan", "--state", moved.old, code=1), r"old\.example\.org", r"state rebind")
    moved("state", "rebind", "--yes", "--state", moved.old)
    assert moved.plan("--state", moved.old)["has_changes"] is False


def test_a_remote_state_is_bound_again(remote_desk):
    store = remote_desk.store
    remote_desk.write(SLEEP)
    remote_desk.apply()
    store.put(encode(replace(store.stored, server=OLD, serial=store.stored.serial + 1)))
    remote_desk("plan", code=1)
    remote_desk("state", "rebind", "--yes")
    assert store.stored.server == "localhost/skaha/v1"
    assert store.lock is None
    assert remote_desk.plan()["has_changes"] is False


def test_another_account_is_refused_unless_it_was_renamed(moved, sandbox, one_line):
    form = {"name": "theirs", "image": "images.canfar.net/skaha/astroml:24.07", "cmd": "sleep", "args": "600"}
    other = {"Authorization": "Bearer token-of-another"}
    assert sandbox.http.post("/skaha/v1/session", data=form, headers=other).status_code == 200
    before = moved.old.read_bytes()
    ended = moved("state", "rebind", "--yes", code=1, SKAHA_TOKEN="token-of-another")
    one_line(ended, r"account 'sandbox'", r"'another'", r"--account another")
    ended = moved("state", "rebind", "--yes", "--account", "third", code=1, SKAHA_TOKEN="token-of-another")
    one_line(ended, r"'another', not of 'third'")
    assert moved.old.read_bytes() == before
    said = moved("state", "rebind", "--yes", "--account", "another", SKAHA_TOKEN="token-of-another").out
    assert "sandbox -> another" in said
    assert "the server lists 0 of 3 active sessions" in said
    assert moved.state["account"] == "another"


@pytest.fixture
def in_front(odd_server, sandbox):
    """A function that starts a server in front of the sandbox which takes any token, and gives its URL.

    It reports the user with its responses, or it does not.
    """

    def start(*, reports):
        class Front(BaseHTTPRequestHandler):
            def do_GET(self):
                reply = sandbox.http.get(self.path, headers={"Authorization": f"Bearer {sandbox.token}"})
                self.send_response(reply.status_code)
                user = reply.headers.get("x-vo-authenticated")
                assert user == "sandbox"
                if reports:
                    self.send_header("x-vo-authenticated", user)
                self.send_header("Content-Type", reply.headers["Content-Type"])
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)

            def log_message(self, *_):
                """Print nothing."""

        return f"{odd_server(Front)}/skaha/v1"

    return start


@pytest.fixture
def emptied(desk, sandbox):
    """A desk with a change to make, after all sessions of its state have expired."""
    desk.write({**SLEEP, "args": ["0.1"]})
    desk.apply("--wait", "complete", "--poll", "0.2s")
    for session in sandbox.sessions():
        sandbox.expire(session["id"])
    assert desk.live() == {}
    desk.write({**SLEEP, "args": ["0.2"]})
    return desk


def test_a_new_token_of_the_user_that_the_server_reports_needs_no_rebind(emptied, in_front):
    new = {"SKAHA_TOKEN": "a-rotated-token", "SKAHA_URL": in_front(reports=True)}
    assert emptied.plan(**new)["has_changes"] is True


def test_credential_of_an_unknown_account_is_bound_by_hand(emptied, in_front, one_line):
    new = {"SKAHA_TOKEN": "a-rotated-token", "SKAHA_URL": in_front(reports=False)}
    one_line(emptied("plan", code=1, **new), r"the server lists no session for it", r"state rebind")
    said = emptied("state", "rebind", "--yes", **new).out
    assert "recorded as a credential of the account" in said
    assert emptied.plan(**new)["has_changes"] is True
    assert "token" not in json.dumps(emptied.state)


@pytest.mark.parametrize("words", [["--sandbox"], ["--from", "x.org", "--state", "x.json"]])
def test_impossible_options_are_a_usage_error(moved, words, one_line):
    one_line(moved("state", "rebind", *words, "--yes", code=4), words[0].strip("-"))


def test_without_a_state_there_is_nothing_to_rebind(desk, one_line):
    desk.write(SLEEP)
    one_line(desk("state", "rebind", "--yes", code=1), r"has no state")
