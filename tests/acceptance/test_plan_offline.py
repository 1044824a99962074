"""`plan --offline`: manifests against the state alone; no request, no credential, nothing written."""

from __future__ import annotations

import pytest

SLEEP = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}
NOBODY = {"SKAHA_TOKEN": ""}


@pytest.fixture
def offline(desk, sandbox):
    """A function that plans without a credential, and checks that the server was asked nothing."""

    def plan(*words, code=0, **environment):
        before = desk.files()
        sandbox.forget_requests()
        ended = desk("plan", "--offline", *words, code=code, **(NOBODY | environment))
        assert sandbox.requests()["total"] == 0
        assert desk.files() == before
        return ended

    return plan


def test_without_a_state_all_is_new_and_no_text_is_about_the_server(desk, offline):
    desk.write(SLEEP)
    ended = offline("--detailed-exitcode", code=2)
    assert "reduce [1-3]  not in the state\n" in ended.out
    assert "note: offline: there is no state to compare with; the sessions on the server are not known" in ended.out
    document = offline("-o", "json").json
    assert (document["offline"], document["summary"]["create"]) == (True, 3)
    assert "offline" not in desk.plan()


def test_what_was_active_is_taken_to_be_so_still(desk, offline, sandbox):
    desk.write({**SLEEP, "timeout": "1h", "when_removed": "delete"})
    desk.apply()
    for row in desk.live().values():
        sandbox.delete(row["id"])
    ended = offline("--detailed-exitcode")
    assert "3 unchanged" in ended.out
    assert "offline: this plan compares the manifests with the state of " in ended.out
    desk.write({**SLEEP, "args": ["601"], "timeout": "1h"})
    (group,) = {(one["action"], one["changes"][0]["path"]) for one in offline("-o", "json").json["actions"]}
    assert group == ("replace", "args[0]")
    assert "3 to replace" in offline("-o", "markdown").out


def test_options_that_need_a_server_are_refused(desk, offline, one_line):
    desk.write(SLEEP)
    for words in (["--out", "p"], ["--adopt"], ["--take-over"]):
        one_line(offline(*words, code=4), f"--offline and {words[0]} exclude each other")
    one_line(offline("--target", "redcue", code=4), "matches no replica of survey")


def test_a_state_of_another_server_is_refused(desk, offline, one_line):
    desk.write(SLEEP)
    desk.apply()
    where = {"SKAHA_URL": "https://ws.example.org/skaha"}
    one_line(offline("--state", str(desk.state_path), code=1, **where), "ws.example.org", "localhost")


def test_the_sandbox_is_not_started(desk, offline):
    desk.write(SLEEP)
    assert "survey on sandbox: no state yet" in offline("--sandbox").out
    assert not (desk.folder / ".skaha-apply").exists()
