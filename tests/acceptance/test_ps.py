"""`ps`: every session of the account, with its project; IDs of interactive sessions stay hidden."""

from __future__ import annotations

from skaha_apply.model.masking.session_ids import short_id

SLEEP = {"cmd": "sleep", "args": ["600"], "cores": 2, "ram": 8}


def test_sessions_of_two_projects_and_unmanaged_ones_are_listed_with_their_project(desk, sandbox):
    desk.write({"name": "reduce", "replicas": 2, **SLEEP}, {"name": "desk", "kind": "notebook"}, name="a/m.yaml")
    desk.apply("a/m.yaml")
    desk.write({"name": "other", **SLEEP}, project="second", name="b/m.yaml")
    desk.apply("b/m.yaml")
    sandbox.create(name="byhand", cmd="sleep", args="600")
    before, writes = desk.files(), desk.writes()
    rows = desk("ps", "-o", "json").json["sessions"]
    assert [(row["name"], row["project"], row["kind"]) for row in rows] == [
        ("byhand", None, "headless"), ("desk", "survey", "notebook"), ("other", "second", "headless"),
        ("reduce-1", "survey", "headless"), ("reduce-2", "survey", "headless"),
    ]  # fmt: skip
    assert [(row["cores"], row["ram"]) for row in rows][2:] == [(2, 8)] * 3
    assert (desk.files(), desk.writes()) == (before, writes)


def test_the_id_of_an_interactive_session_appears_only_with_show_ids_and_never_in_a_job(desk):
    desk.write({"name": "desk", "kind": "notebook"}, {"name": "reduce", **SLEEP})
    desk.apply()
    live = {name: row["id"] for name, row in desk.live().items()}
    for words, environment, is_shown in (
        ([], {}, False),
        (["--show-ids"], {}, True),
        (["--show-ids"], {"CI": "1"}, False),
    ):
        for form in ("text", "json"):
            out = desk("ps", "-o", form, *words, **environment).out
            assert (live["desk"] in out) is is_shown
            assert (short_id(live["desk"]) in out) is not is_shown
            assert live["reduce"] in out


def test_a_terminal_of_80_columns_holds_every_row(desk, watched):
    desk.write({"name": "a-very-long-name-of-a-session-" + "x" * 20, **SLEEP}, project="a-long-name-of-a-project")
    desk.apply()
    shown = watched("ps", "--no-color", terminal=True)
    assert shown.wait() == 0
    lines = shown.screen.splitlines()
    assert lines[0].split() == ["NAME", "KIND", "STATUS", "AGE", "CORES", "RAM", "PROJECT", "ID"]
    assert all(len(line) <= 80 for line in lines)


def test_without_a_session_there_is_a_note(desk):
    ended = desk("ps")
    assert (ended.out, ended.err) == ("", "note: no session of sandbox is live\n")
