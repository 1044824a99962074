"""From live sessions to a manifest, and from there to a plan that adopts them and creates nothing."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest

from skaha_apply.model.masking.session_ids import short_id

IMAGE = "images.canfar.net/skaha/astroml:24.07"
GONE = "images.canfar.net/skaha/gone:1.0"
SLEEP = {"cmd": "sleep", "args": "600"}
DONE = {"cmd": "true", "args": None}


def export(desk, *words, code=0, **environment):
    """What was printed, checked: `fmt` has nothing to change in it, and `lint` finds no errors."""
    ended = desk("export", *words, code=code, **environment)
    if code == 0:
        assert desk("fmt", "-", stdin=ended.out).out == ended.out
        desk("lint", "-", stdin=ended.out)
    return ended


def adoption(desk, text, *words):
    """The plan of an exported manifest with a state that knows nothing: action, name and id of each."""
    (desk.folder / "mine.yaml").write_text(text)
    plan = desk.plan("mine.yaml", "--adopt", "--state", "fresh.json", "--show-ids", *words)
    return [(one["action"], one["name"], one["id"]) for one in plan["actions"]]


def test_what_apply_made_is_exported_loaded_again_and_adopted(desk, sandbox):
    desk.write(
        {"name": "Reduce", "replicas": 12, "cores": 2, "ram": 8, "cmd": "sleep", "args": ["600"]},
        {"name": "combine", "cores": 1, "ram": 1, "cmd": "sleep", "args": ["600"]},
        {"name": "flexible", "cmd": "sleep", "args": ["600"]},
        {"name": "desk", "kind": "notebook", "cores": 1, "ram": 30},
    )
    desk.apply()
    ended = export(desk, "--project", "again")
    assert [row for row in ended.out.splitlines() if "#" not in row] == [
        "version: 1",
        "project: again",
        "sessions:",
        "  - name: combine",
        f"    image: {IMAGE}",
        "    cores: 1",
        "    ram: 1",
        "  - name: desk",
        "    kind: notebook",
        f"    image: {IMAGE}",
        "    cores: 1",
        "    ram: 30",
        "  - name: flexible",
        f"    image: {IMAGE}",
        "  - name: reduce",
        f"    image: {IMAGE}",
        "    cores: 2",
        "    ram: 8",
        "    replicas: 12",
    ]
    assert ended.out.count("    # cmd: ...") == 3
    assert "skaha-apply plan --adopt" in ended.out
    live = {name: row["id"] for name, row in desk.live().items()}
    assert sorted(adoption(desk, ended.out)) == [("adopt", name, live[name]) for name in sorted(live)]
    # carried out, nothing is left to do, and no session was made or deleted
    writes = desk.writes()
    desk.apply("mine.yaml", "--adopt", "--state", "fresh.json")
    assert desk.plan("mine.yaml", "--state", "fresh.json")["has_changes"] is False
    assert desk.writes() == writes
    # a state that is kept here already owns them
    assert ended.out.count("# Owned by the project survey already") == 4
    assert "owned by a project already: combine, desk, flexible, reduce;" in ended.err


def test_incomplete_series_has_an_entry_for_each_session_and_names_the_next_step(desk, sandbox):
    for number in (2, 3, 10):
        sandbox.create(name=f"tile-{number}", **SLEEP)
    text = export(desk).out
    assert [row.split()[-1] for row in text.splitlines() if "- name:" in row] == ["tile-2", "tile-3", "tile-10"]
    assert "replicas:" not in [row.strip().split(" ")[0] for row in text.splitlines()]
    assert "because tile-1 to tile-10 are not complete. Missing: 1,4-9." in text
    assert text.count("mark complete 'tile/1,4-9'") == 1
    assert {action for action, _, _ in adoption(desk, text)} == {"adopt"}

    # and the way that it shows: what is missing is done, the others are adopted as replicas of one session
    (desk.folder / "mine.yaml").unlink()
    desk.write({"name": "tile", "replicas": 10, "cmd": "sleep", "args": ["600"]}, project="tiles")
    desk("mark", "complete", "tile/1,4-9", "--yes")
    actions = desk.plan("--adopt")["actions"]
    assert [(one["action"], one["name"]) for one in actions if one["action"] != "done"] == [
        ("adopt", f"tile-{number}") for number in (2, 3, 10)
    ]


def test_a_pattern_never_cuts_a_series_short(desk, sandbox):
    for number in (1, 2, 3):
        sandbox.create(name=f"tile-{number}", **SLEEP)
    sandbox.create(name="other", **SLEEP)
    assert "replicas: 3" in export(desk, "TILE").out
    text = export(desk, "tile-[12]").out
    assert "- name: tile-1" in text
    assert "replicas: 2" not in text
    assert "Missing: 3." in text
    assert "other" not in text
    ended = desk("export", "tiel", code=4)
    assert "tiel" in ended.err
    assert "other, tile-1, tile-2, tile-3" in ended.err
    assert not ended.out


def test_kind_and_status_choose(desk, sandbox):
    sandbox.settings(slots=1)
    sandbox.create(name="runs", **SLEEP)
    sandbox.wait_until(lambda: desk.live()["runs"]["status"] == "Running")
    sandbox.create(name="queued", **SLEEP)
    sandbox.create(name="desk", type="notebook")
    names = lambda *words: [row.split()[-1] for row in export(desk, *words).out.splitlines() if "- name:" in row]  # noqa: E731
    assert names("--kind", "Headless") == ["queued", "runs"]
    assert names("--kind", "headless", "--status", "running") == ["runs"]
    assert names("--kind", "headless", "--kind", "notebook", "--status", "Pending", "--status", "running") == [
        "desk", "queued", "runs",
    ]  # fmt: skip
    ended = export(desk, "--status", "failed")
    assert ended.out.endswith("sessions: []\n")
    assert "none of the 3 listed sessions matches" in ended.err
    desk("export", "--kind", "desktop-app", code=4)


def test_ended_sessions_are_left_out_unless_asked_for(desk, sandbox):
    sandbox.create(name="good", **DONE)
    sandbox.create(name="bad", cmd="false")
    sandbox.wait_idle()
    sandbox.create(name="runs", **SLEEP)
    ended = export(desk)
    assert [row.split()[-1] for row in ended.out.splitlines() if "- name:" in row] == ["runs"]
    assert "because they ended or are being deleted: 2 (--all includes them)" in ended.err
    text = export(desk, "--all").out
    assert "good: completed; `--adopt=ended`" in text
    assert "bad: failed;" in text
    (desk.folder / "mine.yaml").write_text(text)
    actions = desk.plan("mine.yaml", "--adopt=ended")["actions"]
    assert {one["name"]: one["action"] for one in actions} == {"good": "adopt", "runs": "adopt", "bad": "conflict"}
    assert "- name: good" in export(desk, "--status", "completed").out


def test_name_of_two_sessions_is_left_out_with_both_ids(desk, sandbox):
    ids = sorted(sandbox.create(name=name, **SLEEP).text.strip() for name in ("twin", "Twin"))
    sandbox.create(name="again", **DONE)
    sandbox.wait_until(lambda: sandbox.status()["active"] == 2)
    live = sandbox.create(name="again", **SLEEP).text.strip()
    ended = export(desk)
    assert "- name: twin" not in ended.out
    assert f"#   twin: 2 sessions have this name ({', '.join(ids)})" in ended.out
    assert "because no manifest can describe them: 1" in ended.err
    assert adoption(desk, ended.out) == [("adopt", "again", live)]  # an ended session of that name does not count


def test_nothing_live_is_an_empty_manifest_and_a_note(desk):
    for words in ((), ("reduce",)):
        ended = export(desk, *words)
        assert ended.out.endswith("version: 1\nproject: exported\nsessions: []\n")
        assert "note: no session is live" in ended.err


class Odd(BaseHTTPRequestHandler):
    """Lists what the sandbox has no way to make."""

    answers: ClassVar = {
        "session": [
            {"id": "a1", "name": "old", "type": "headless", "status": "Running", "image": GONE},
            {"id": "a2", "name": "older", "type": "headless", "status": "Running", "image": GONE},
            {"id": "b1", "name": "viewer", "type": "desktop-app", "status": "Running", "image": IMAGE},
            {"id": "c1", "type": "notebook", "status": "Running", "image": IMAGE},
            {"id": "d1", "name": "bare", "type": "headless", "status": "Running"},
            {"id": "e1", "name": "ray", "type": "ray\x1b[2J", "status": "Running", "image": IMAGE},
            {"id": "f1", "name": "leaving", "type": "headless", "status": "Terminating", "image": IMAGE},
        ],
        "context": {"cores": {"options": [1, 2]}, "memoryGB": {"options": [1, 2]}, "gpus": {"options": []}},
        "image": [{"id": IMAGE, "types": ["headless"]}],
        "repository": ["images.canfar.net"],
    }

    def do_GET(self):
        body = json.dumps(self.answers[self.path.rpartition("/")[2]]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Print nothing."""


def test_session_that_a_manifest_cannot_describe_is_left_out_and_refusals_are_remarks(desk, odd_server):
    ended = export(desk, SKAHA_URL=f"{odd_server(Odd)}/skaha/v1")
    assert [row.split()[-1] for row in ended.out.splitlines() if "- name:" in row] == ["old", "older"]
    refused = f"# The server would refuse a new session like this: the image `{GONE}` is not in the server's list"
    assert ended.out.count(refused) == 2
    viewer, notebook, ray = map(short_id, ("b1", "c1", "e1"))
    for said in (f"viewer ({viewer}): it was started in a desktop session",
                 f"{notebook} (notebook): the server reports no",
                 "bare (d1): the server reports no image", f"ray ({ray}): `ray"):  # fmt: skip
        assert f"#   {said}" in ended.out
    assert "\x1b" not in ended.out
    assert "because no manifest can describe them: 4" in ended.err
    assert "because they ended or are being deleted: 1" in ended.err


@pytest.mark.parametrize("server", ["away", "denied"])
def test_unavailable_server_is_exit_code_1_and_no_manifest(desk, one_line, server):
    environment = {"SKAHA_TOKEN": "token-denied"} if server == "denied" else {"SKAHA_URL": "http://127.0.0.1:9/skaha"}
    one_line(desk("export", code=1, SKAHA_APPLY_RETRY_TIME="1s", **environment))


def test_names_of_projects_and_servers_are_checked_before_anything_is_asked(desk, one_line, sandbox):
    sandbox.forget_requests()
    one_line(desk("export", "--project", "my survey", code=4), "not a name for a project")
    one_line(desk("export", "--sandbox", "--server", "x", code=4), "exclude each other")
    assert sandbox.requests(0)["counts"] == {}
