"""A state of very many done replicas: their records are in the archive, and no command loses one of them."""

from __future__ import annotations

import json

import pytest

MANY = 1_200
REDUCE = {"name": "reduce", "replicas": MANY, "cmd": "sleep", "args": ["600"]}
LAST = {"name": "sum", "cmd": "sleep", "args": ["600"], "needs": ["reduce"]}


@pytest.fixture
def survey(desk):
    """A project with done replicas, whose next step runs."""
    desk.write(REDUCE, LAST)
    desk("mark", "complete", "reduce", "--yes")
    assert desk.state["format_version"] == "1.3"
    desk.apply()
    return desk


def archived(desk):
    return {done["session"]: done["replicas"] for done in desk.state.get("done", ())}


def test_an_apply_moves_done_records_and_a_plan_counts_them(survey):
    assert survey.state["format_version"] == "2.0"
    assert archived(survey) == {"reduce": f"1-{MANY}"}
    assert [record["session"] for record in survey.state["replicas"]] == ["sum"]
    serial = survey.state["serial"]
    assert "Replicas: 1200 done, 1 unchanged." in survey("plan").out
    assert survey.plan()["summary"]["done"] == MANY
    survey.apply()
    assert survey.state["serial"] == serial, "an apply that changes nothing writes nothing"


def test_a_job_summary_has_the_digest_of_the_whole_plan(survey, tmp_path):
    summary = tmp_path / "summary.md"
    survey("plan", GITHUB_STEP_SUMMARY=str(summary))
    assert f"`{survey.plan()['digest']}`" in summary.read_text()


def test_each_command_reads_all_records(survey):
    assert len(survey("status", "--all", "-o", "json").json["sessions"]) == MANY + 1
    assert "reduce/77" in survey("show", "reduce/77").out
    assert "1200 done" in survey("plan", "--offline").out
    pulled = json.loads(survey("state", "pull").out)
    assert (pulled["format_version"], len(pulled["replicas"])) == ("1.3", MANY + 1)
    assert survey("plan", "--target", "reduce/1-3").out.count("3 done") == 1


def test_a_marked_replica_runs_again_and_the_others_stay_done(survey):
    survey("mark", "rerun", "reduce/5", "--yes")
    assert archived(survey) == {}
    assert len(survey.state["replicas"]) == MANY + 1
    plan = survey.plan()
    assert plan["summary"]["done"] == MANY - 1
    survey.apply()
    assert archived(survey) == {"reduce": f"1-4,6-{MANY}"}
    assert "1199 done" in survey("plan").out


def test_a_changed_manifest_is_planned_from_the_archive(survey):
    survey.write({**REDUCE, "args": ["601"]}, LAST)
    ended = survey("plan", "--detailed-exitcode", code=2)
    assert "1200 to create" in ended.out or "1200 finished replicas would be computed again" in ended.out
    assert survey.plan()["summary"]["done"] == 0
    survey.write({**REDUCE, "replicas": MANY + 1}, LAST)
    assert survey("plan", "--detailed-exitcode", code=2).out


def test_a_state_moves_with_its_archive(survey, tmp_path):
    survey("state", "pull")
    survey("state", "mv", "reduce", "calibrate")
    assert len(survey.state["replicas"]) == MANY + 1
    assert {record["session"] for record in survey.state["replicas"]} == {"calibrate", "sum"}


def test_a_copy_without_its_archive_names_what_is_missing(survey, tmp_path):
    copy = tmp_path / "copy.state.json"
    copy.write_bytes(survey.state_path.read_bytes())
    ended = survey("status", "--state", str(copy), code=1)
    assert "the archive of the state" in ended.err
    assert "state pull" in ended.err


@pytest.mark.parametrize("changed", [{"replicas": MANY + 1}, {"args": ["601"]}, {"timeout": "1h"}, {}])
def test_a_plan_lists_the_sessions_once(survey, sandbox, changed):
    survey.write({**REDUCE, **changed}, LAST)
    sandbox.forget_requests()
    survey("plan")
    assert sandbox.requests()["counts"]["GET /session"] == 1


def test_a_plan_of_a_survey_in_progress_lists_the_sessions_once(desk, sandbox):
    desk.write({**REDUCE, "replicas": MANY + 5, "parallelism": 2})
    desk("mark", "complete", f"reduce/1-{MANY}", "--yes")
    desk.apply()
    assert archived(desk) == {"reduce": f"1-{MANY}"}
    sandbox.forget_requests()
    assert "3 waiting" in desk("plan").out
    assert sandbox.requests()["counts"]["GET /session"] == 1
