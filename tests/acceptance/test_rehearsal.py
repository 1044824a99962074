"""A rehearsal of a manifest: its options, and the sandbox in plans, questions and errors."""

from __future__ import annotations

import pytest

WAIT = ("--yes", "--wait", "complete", "--poll", "0.2s", "--settle", "0.2s")
OTHER = "a sandbox with other options runs in .skaha-apply/sandbox/server"


@pytest.fixture
def checkout(desk):
    """A desk whose folder is a checkout, with a survey; its sandbox is stopped after the test."""
    (desk.folder / ".git").mkdir()
    desk.environment["PYTHONWARNINGS"] = "ignore"  # the sandbox outlives the command that starts it
    tiles = {"name": "tile-${t}", "matrix": {"t": [1, 2, 3]}, "cmd": "/arc/projects/survey/run.sh", "args": ["${t}"]}
    desk.write({**tiles, "cores": 1, "ram": 2}, name="manifests/survey.yaml")
    yield desk
    desk("sandbox", "stop")


def test_pretend_rehearses_the_whole_manifest_and_names_the_sandbox(checkout):
    ended = checkout("apply", "--pretend=0s", *WAIT)
    shown = " ".join(ended.out.split())
    assert "note: this is the sandbox on this machine: each session takes 0s and runs nothing" in shown
    assert "Replicas: 3 done." in ended.out
    assert not checkout.posts(), "the server got no request"


def test_a_path_after_pretend_stays_a_path(checkout):
    assert "3 to create" in checkout("plan", "--pretend", "manifests").out
    assert "each session takes 2s and runs nothing" in checkout("sandbox", "status").out


def test_a_note_states_that_the_sandbox_does_not_use_the_state_of_the_option(checkout):
    note = "note: the sandbox has a state of its own, so --state is ignored\n"
    assert note in checkout("plan", "--pretend", "--state", "other.json").err
    assert note not in checkout("plan", "--pretend").err


def test_another_sandbox_runs(checkout):
    checkout("plan", "--pretend=7s", "--speed", "50")
    for words in (["--pretend"], ["--pretend=7s"], ["--sandbox", "--speed", "3"], ["--sandbox", "--mount", "/arc=."]):
        refused = checkout("plan", *words, code=4)
        assert OTHER in refused.err
        assert "There, each session takes 7s and runs nothing; times are divided by 50." in refused.err
        assert "\n  skaha-apply sandbox stop\n" in refused.err
    checkout("plan", "--sandbox")
    checkout("plan", "--pretend=7s", "--speed", "50.0")


def test_failures_have_causes_and_the_next_command_repeats_the_options(checkout):
    ended = checkout("apply", "--pretend=0s", "--fail", "100%", "--speed=9", *WAIT, code=9)
    assert "failed" in ended.out
    assert "(pretended by the sandbox)" in ended.err
    marks = [line for line in ended.out.splitlines() if "skaha-apply mark rerun" in line]
    assert marks == ["  skaha-apply mark rerun --phase failed --project survey --pretend=0s --fail 100% --speed=9"]


def test_the_question_and_the_variable(checkout):
    asked = checkout.in_terminal("apply", "--sandbox", answer="n\n", code=1)
    assert "Apply this plan of survey in the sandbox? [y/N]" in asked.err
    assert "sessions run here" in asked.out
    plan = checkout("plan", SKAHA_APPLY_SANDBOX="1")
    assert "this is the sandbox on this machine" in plan.out
    both = checkout("plan", "--server", "http://127.0.0.1:1", code=4, SKAHA_APPLY_SANDBOX="1")
    assert "SKAHA_APPLY_SANDBOX=1 and --server exclude each other" in both.err
    assert "unset SKAHA_APPLY_SANDBOX" in both.err
    wrong = checkout("plan", code=4, SKAHA_APPLY_SANDBOX="maybe")
    assert "SKAHA_APPLY_SANDBOX='maybe' is neither 1 nor 0" in wrong.err
    checkout("lint", SKAHA_APPLY_SANDBOX="1")


def test_a_sandbox_that_runs_is_named_where_it_is_not_used(checkout):
    assert "sandbox" not in checkout("plan").out
    checkout("plan", "--pretend")
    shown = " ".join(checkout("plan").out.split())
    assert "not for the sandbox that runs for this project (--sandbox)" in shown
    asked = checkout.in_terminal("apply", answer="n\n", code=1)
    assert f"on {checkout.sandbox.url}, not in the sandbox? [y/N]" in " ".join(asked.err.split())
    way = "A sandbox runs for this project and requires no credential; to use it, add --sandbox."
    for name, credential in (("SKAHA_TOKEN", ""), ("SKAHA_TOKEN", "token-expired")):
        assert way in checkout("plan", code=1, **{name: credential}).err
        assert way in " ".join(checkout("doctor", code=1, **{name: credential}).out.split())
    checkout("sandbox", "stop")
    assert way not in checkout("plan", code=1, SKAHA_TOKEN="").err


def test_a_mount_is_a_folder_of_the_server(checkout):
    program = checkout.folder / "copy of arc" / "projects" / "survey" / "run.sh"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$1" > "$(dirname "$0")/$1.done"\n')
    program.chmod(0o755)
    ended = checkout("apply", "--sandbox", "--mount", "/arc=copy of arc", *WAIT)
    assert "Replicas: 3 done." in ended.out
    assert sorted(path.name for path in program.parent.glob("*.done")) == ["1.done", "2.done", "3.done"]


def test_a_sandbox_that_serve_started_is_used_if_its_options_are_the_same(checkout):
    options = ["--pretend=0s", "--fail", "3%", "--speed", "2"]
    process = checkout.start("sandbox", "serve", *options, "--port-file", "port")
    try:
        checkout.sandbox.wait_until((checkout.folder / "port").exists)
        shown = checkout("sandbox", "status").out
        assert shown.endswith("each session takes 0s and runs nothing; 3% of them fail; times are divided by 2\n")
        assert "3 to create" in checkout("plan", *options).out
        assert OTHER in checkout("plan", "--pretend=0s", code=4).err
    finally:
        process.terminate()
        checkout.finish(process)
    refused = checkout("sandbox", "serve", "--fail", "3%", code=4)
    assert "--fail requires --pretend" in refused.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--pretend", "5"], "'5' does not belong to --pretend\nhint: write --pretend=5s"),
        (["--pretend", "5m"], "hint: write --pretend=5m"),
        (["--pretend=soon"], "'soon' is not a duration"),
        (["--fail", "3%"], "--fail requires --pretend"),
        (["--pretend", "--fail", "3"], "'3' is not a percentage: write 3%"),
        (["--pretend", "--fail", "101%"], "'101%' is not a percentage"),
        (["--pretend", "--speed", "0"], "'0' is not a number of more than 0"),
        (["--speed", "10"], "--speed requires --sandbox"),
        (["--mount", "/arc=."], "--mount requires --sandbox"),
        (["--sandbox", "--mount", "/arc=none"], "the folder 'none' does not exist"),
        (["--sandbox", "--mount", "arc=."], "'arc=.' does not begin with a path of the server"),
        (["--sandbox", "--mount", "/arc"], "write /arc=DIR"),
        (["--pretend", "--mount", "/arc=."], "--mount and --pretend exclude each other"),
        (["--pretend", "--server", "http://127.0.0.1:1"], "--pretend and --server exclude each other"),
    ],
)
def test_options_that_cannot_be_meant_exit_with_4(desk, words, error):
    desk.write({"name": "one", "cmd": "true"})
    for command in ("plan", "ps"):
        assert error in desk(command, *words, code=4).err
    assert not (desk.folder / ".skaha-apply").exists()


def test_an_offline_plan_starts_no_sandbox(desk):
    desk.write({"name": "one", "cmd": "true"})
    assert "--offline and --pretend exclude each other" in desk("plan", "--offline", "--pretend", code=4).err
    assert "1 to create" in desk("plan", "--offline", "--sandbox").out
    assert not (desk.folder / ".skaha-apply" / "sandbox" / "server").exists()
