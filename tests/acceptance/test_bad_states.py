"""States that cannot be trusted or written: one clear message with a hint, and nothing is sent."""

from __future__ import annotations

import os
import resource

import pytest

from skaha_apply.model.state import STATE_FORMAT

SLEEP = {"name": "reduce", "replicas": 2, "cmd": "sleep", "args": ["600"]}


@pytest.fixture
def applied(desk):
    desk.write(SLEEP)
    desk.apply()
    desk.sandbox.forget_requests()
    return desk


def cut(text):
    return text[: len(text) // 2]


def changed(text):
    return text.replace('"phase":"pending"', '"phase":"done"', 1).replace('"phase":"running"', '"phase":"done"', 1)


def newer(text):
    return text.replace(f'"format_version": "{STATE_FORMAT}"', '"format_version": "3.0"')


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, "incomplete|damaged"),
        (changed, 'was changed after it was written: in replicas(.|\n)*remove its line "digest"'),
        (newer, "newer skaha-apply"),
        (lambda _: "", "is empty"),
        (lambda _: "<html>", "not JSON"),
        (lambda _: "[]", "not a state"),
        (lambda _: '{"format_version": "1.0"}', "damaged"),
    ],
    ids=["cut", "changed", "newer", "empty", "html", "list", "half"],
)
def test_a_state_that_cannot_be_read(applied, one_line, damage, said):
    before, live = applied.files(), applied.live()
    name = str(applied.state_path.relative_to(applied.folder))
    applied.state_path.write_text(damage(applied.state_path.read_text()))
    damaged = applied.files()
    assert damaged[name] != before[name]
    for words in (["plan"], ["apply", "--yes"]):
        one_line(applied(*words, code=1), said, name)
    assert applied.files() == damaged
    assert applied.live() == live
    assert applied.writes() == {}


@pytest.mark.parametrize("suffix", [".json", ".lock"])
def test_a_pipe_instead_of_a_file_ends_a_command_at_once(applied, one_line, suffix):
    path = applied.state_path.with_suffix(suffix)
    path.unlink()
    os.mkfifo(path)
    one_line(applied("apply", "--yes", code=1), "This is a pipe or a device", path.name)
    assert applied("status", code=1 if suffix == ".json" else 0)
    assert applied.writes() == {}


@pytest.fixture
def within(desk):
    """A function that applies while no file can grow beyond a size in bytes; it must fail and name the file."""

    def apply(size, *words):
        process = desk.start("apply", "--yes", *words, limits={resource.RLIMIT_FSIZE: size})
        ended = desk.finish(process, code=1)
        assert "survey.state.json" in ended.err
        assert "too large" in ended.err

    return apply


def test_a_full_disk_stops_before_anything_is_sent(desk, within):
    desk.write({**SLEEP, "replicas": 200})
    within(500)
    assert desk.writes() == {}
    assert not list(desk.folder.glob(".skaha-apply/localhost/*.state.json"))
    desk.apply()
    assert len(desk.live()) == 200


def test_a_disk_that_fills_up_in_the_middle_loses_nothing(desk, sandbox, within):
    desk.write({**SLEEP, "replicas": 300})
    sandbox.faults(latency_ms=20, only=["POST /session"])
    within(30_000, "--concurrency", "4")
    made = len(desk.live())
    assert 0 < made < 300
    sandbox.faults()
    desk.apply()
    assert len(desk.live()) == 300
    assert len(sandbox.sessions()) == 300


def test_a_state_below_a_regular_file(desk):
    desk.write(SLEEP)
    (desk.folder / "file").write_text("")
    ended = desk("apply", "--yes", "--state", "file/x.state.json", code=1)
    assert "file/x.state" in ended.err
    assert desk.writes() == {}


def test_on_this_machine_ci_may_start_a_state(desk):
    desk.write(SLEEP)
    ended = desk("plan", code=0, CI="true")
    assert "2 to create" in ended.out
    desk.apply(CI="true")
    assert len(desk.live()) == 2
