"""`--report` of `plan`, `apply` and `refresh`, and the job summary: complete, inert, and also after an error."""

from __future__ import annotations

import json
import signal
import xml.etree.ElementTree as ET

import jsonschema
import pytest

from skaha_apply.model.errors import ExitCode
from skaha_apply.model.report import CommandResult
from skaha_apply.render.plan.documents import plan_schema
from skaha_apply.render.results.markdown import SUMMARY, job_summary

FORMATS = ("json", "markdown", "gitlab", "junit", "text")
REPORTS = [word for form in FORMATS for word in ("--report", f"{form}=r.{form}")]
MANIFEST = """\
version: 1
project: survey
defaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 1, ram: 4}
sessions:
  - {name: reduce, replicas: 3, cmd: bash, args: [run.sh, r]}
"""
MORE = MANIFEST + "  - {name: bad, cmd: sh, args: [fails.sh]}\n"
HOSTILE = "::error::x <b>@all</b> `\\x1b[31m ##[command]"


def report(command, form="json"):
    text = (command.folder / f"r.{form}").read_text()
    return json.loads(text) if form in ("json", "gitlab") else ET.fromstring(text) if form == "junit" else text


def failures(command):
    """Messages of failed test cases, by their names."""
    cases = report(command, "junit").iter("testcase")
    return {case.get("name"): case[0].get("message") for case in cases if len(case)}


@pytest.fixture
def failing(command):
    """A manifest with an entry that fails, applied to its end."""
    (command.folder / "fails.sh").write_text("echo 'MemoryError: no room'; exit 1\n")
    command.manifest(MORE)
    return command


def test_every_format_of_a_plan_counts_what_left_the_manifest_and_lint(failing):
    command = failing
    wait = ("--wait", "complete", "--poll", "0.2s", "--settle", "0.2s")
    assert command("apply", "m.yaml", "--yes", *wait, *REPORTS).returncode == 9
    done = report(command)
    assert (done["command"], done["exit_code"], done["applied"]) == ("apply", 9, {"create": 4})
    assert {one["name"]: one["phase"] for one in done["sessions"]}["bad"] == "failed"
    assert report(command, "gitlab") | {"create": 4, "exit_code": 9} == report(command, "gitlab")
    assert failures(command) == {"bad": "bad: failed: MemoryError: no room"}
    assert "MemoryError: no room" in report(command, "markdown")

    command.manifest()
    made = command("plan", "m.yaml", "--all", *REPORTS)
    assert made.returncode == 0, made.stderr
    plan = report(command)
    jsonschema.validate(plan, plan_schema())
    assert (plan["left_manifest"], plan["summary"]["retired"], plan["exit_code"]) == (1, 1, 0)
    assert plan["lint"] == {"errors": 0, "warnings": 0, "diagnostics": []}
    assert len(plan["actions"]) == 4
    widget = {"create": 0, "update": 0, "delete": 0, "left_manifest": 1, "lint_errors": 0, "lint_warnings": 0}
    hours = ("replicas", "expected", "expected_for", "at_most", "at_most_for")
    cost = {f"core_hours_{name}": 0 for name in hours}
    assert report(command, "gitlab") == {**widget, **cost, "exit_code": 0}
    numbers = {one.get("name"): one.get("value") for one in report(command, "junit").iter("property")}
    assert {name: float(value) for name, value in numbers.items()} == {"left_manifest": 1, **cost}
    assert failures(command) == {}
    for form in ("markdown", "text"):
        assert "Left the manifest: 1 replica. In the manifests: 0 errors, 0 warnings." in report(command, form)


def test_refresh_fails_only_for_what_failed_since_the_last_pass(failing, sandbox):
    (failing.folder / "fails.sh").write_text(
        "while [ ! -e may-fail ]; do sleep 0.1; done; echo 'MemoryError: no room'; exit 1\n"
    )
    assert failing("apply", "m.yaml", "--yes", "--settle", "0.2s").returncode == 0
    (failing.folder / "may-fail").touch()
    sandbox.wait_idle()
    first = failing("refresh", "m.yaml", *REPORTS)
    assert first.returncode == 9, first.stderr
    assert (report(failing)["exit_code"], failures(failing)) == (9, {"bad": "bad: failed: MemoryError: no room"})
    second = failing("refresh", "m.yaml", *REPORTS)
    assert second.returncode == 0, second.stderr
    assert "bad" in failures(failing)  # the report has it still


def test_manifests_with_errors_are_in_the_reports(command):
    command.manifest(MANIFEST.replace("r]", "'a b']"))
    for name in ("plan", "apply", "refresh"):
        made = command(name, "m.yaml", *REPORTS)
        assert made.returncode == 1
        failed = report(command)
        assert failed["lint"]["errors"] == 1
        assert failed["lint"]["diagnostics"][0]["rule"] == "arg-space"
        assert len(failed["errors"]) == 1
        assert [message for name, message in failures(command).items() if "arg-space" in name]
        assert "arg-space" in report(command, "markdown")
        assert report(command, "gitlab")["lint_errors"] == 1


def test_an_interrupted_apply_reports_what_it_has_done(command, sandbox):
    command.manifest(MANIFEST.replace("3", "40"))
    sandbox.faults(latency_ms=[20, 200], only=["POST /session"])
    process = command.start("apply", "m.yaml", "--yes", "--concurrency", "4", *REPORTS)
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 8)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    made = len(sandbox.sessions())
    done = report(command)
    assert (done["exit_code"], done["errors"], done["applied"]) == (130, ["interrupted"], {"create": made})
    assert 8 <= made < 40
    assert report(command, "gitlab")["create"] == made
    assert f"### survey: {made} created" in report(command, "markdown")


def test_the_differences_of_a_stale_plan_are_in_the_report(command):
    assert command("plan", "m.yaml", "--out", "p").returncode == 0
    command.manifest(MANIFEST.replace("run.sh, r", "run.sh, g"))
    stale = command("apply", "p", *REPORTS)
    assert stale.returncode == 5
    (error,) = report(command)["errors"]
    assert "reduce: 3 replicas would run other work" in error
    assert report(command)["exit_code"] == 5


@pytest.mark.parametrize("name", ["plan", "apply", "refresh"])
@pytest.mark.parametrize(
    ("entry", "problem"),
    [("xml=a", "FORMAT is one of"), ("json=no/such/file", "no/such does not exist"), ("json=.", "it is a folder")],
)
def test_a_report_that_cannot_be_written_stops_before_anything_is_done(command, sandbox, name, entry, problem):
    sandbox.forget_requests()
    refused = command(name, "m.yaml", "--report", entry, *(["--yes"] if name == "apply" else []))
    assert refused.returncode == 4
    assert problem in refused.stderr
    assert sandbox.requests(0)["counts"] == {}
    assert not (command.folder / ".skaha-apply").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["plan", "m.yaml", "--out", "f", "--report", "json=f"], "--out and --report json write the same file: f"),
        (["plan", "m.yaml", "--html", "f", "--out", "./f"], "--out and --html write the same file: f"),
        (
            ["apply", "m.yaml", "--yes", "--html", "f", "--events", "link"],
            "--html and --events write the same file: l",
        ),
        (
            ["refresh", "m.yaml", "--report", "json=f", "--report", "text=f"],
            "--report json and --report text write",
        ),
        (["status", "m.yaml", "--html", "f.png", "--timeline", "f.png"], "--html and --timeline write the same file"),
        (["lint", "m.yaml", "--report", "sarif=f", "--report", "junit=f"], "--report sarif and --report junit write"),
        (["status", "m.yaml", "--html", "-"], "--html writes a file, and - is not a file"),
        (["plan", "m.yaml", "--out", "-"], "--out writes a file, and"),
        (["apply", "m.yaml", "--yes", "--events", "-"], "--events writes a file, and"),
        (["run", "m.yaml", "--events", "-"], "--events writes a file, and"),
        (["lint", "m.yaml", "--report", "json=-"], "--report json writes a file, and"),
    ],
)
def test_outputs_that_would_be_lost_are_refused_before_any_work(command, sandbox, words, problem):
    (command.folder / "link").symlink_to("f")
    before = sorted(one.name for one in command.folder.iterdir())
    sandbox.forget_requests()
    refused = command(*words)
    assert (refused.returncode, refused.stdout) == (4, "")
    error, hint = refused.stderr.splitlines()
    assert error.startswith(f"error: {problem}")
    assert hint.startswith("hint: name ")
    assert sandbox.requests(0)["counts"] == {}
    assert sorted(one.name for one in command.folder.iterdir()) == before


def test_several_outputs_can_go_to_standard_output(command):
    reports = ("--report", "text=/dev/stdout", "--report", "json=/dev/stdout")
    made = command("plan", "m.yaml", "--offline", "-o", "json", *reports)
    assert made.returncode == 0, made.stderr
    assert "3 to create" in made.stdout


def test_the_cost_to_come_is_counted_for_plan_and_apply(command):
    command.manifest(MANIFEST.replace("replicas: 3,", "replicas: 3, timeout: 2h,"))
    only = ("--target", "reduce/1")
    for words, most in ((["plan", "m.yaml"], 6.0), (["apply", "m.yaml", "--yes", *only], 2.0)):
        assert command(*words, *REPORTS).returncode == 0
        assert report(command)["core_hours_at_most"] == report(command, "gitlab")["core_hours_at_most"] == most
        assert f"Cost to come: at most {most:g}.0 core-hours (timeout)." in report(command, "markdown")


def test_a_cost_that_is_known_for_some_replicas_states_for_how_many(command):
    command.manifest(MORE.replace("replicas: 3,", "replicas: 3, timeout: 2h,"))
    assert command("plan", "m.yaml", *REPORTS).returncode == 0
    for form in ("markdown", "text"):
        assert "Cost to come: at most 6.0 core-hours for 3 of 4 replicas (timeout)." in report(command, form)
    known = {"core_hours_replicas": 4, "core_hours_at_most": 6.0, "core_hours_at_most_for": 3}
    for form in ("json", "gitlab"):
        assert known.items() <= report(command, form).items()


def test_a_report_is_replaced_as_a_whole_and_a_link_stays(command):
    (command.folder / "old.json").write_text("old")
    (command.folder / "r.json").symlink_to("old.json")
    before = (command.folder / "old.json").stat().st_ino
    assert command("plan", "m.yaml", "--offline", "--report", "json=r.json").returncode == 0
    assert (command.folder / "r.json").is_symlink()
    assert (command.folder / "old.json").stat().st_ino != before
    assert report(command)["summary"]["create"] == 3
    assert command("plan", "m.yaml", "--offline", "--report", "json=/dev/null").returncode == 0


def test_the_summary_of_the_job_grows_and_a_problem_is_a_note(command):
    command.environment["GITHUB_STEP_SUMMARY"] = str(command.folder / "summary.md")
    (command.folder / "summary.md").write_text("before\n")
    assert command("plan", "m.yaml").returncode == 0
    assert command("apply", "m.yaml", "--yes").returncode == 0
    text = (command.folder / "summary.md").read_text()
    assert text.startswith("before\n")
    assert text.count("### survey: 3 to create") == 1
    assert text.count("### survey: 3 created") == 1
    command.environment["GITHUB_STEP_SUMMARY"] = "/no/such/summary"
    made = command("plan", "m.yaml")
    assert made.returncode == 0
    assert "note: cannot write the job summary /no/such/summary" in made.stderr


@pytest.mark.parametrize("text", ["x" * 400, "\u2603" * 400, HOSTILE * 10])
def test_a_summary_stays_within_its_size(text):
    result = CommandResult("apply", ExitCode.ERROR, errors=tuple(f"{number} {text}" for number in range(5000)))
    assert len(job_summary(result).encode()) <= SUMMARY
    assert len(job_summary(result, 5000).encode()) <= 5000
    assert job_summary(result, 500) == job_summary(result, -5) == ""


def test_text_of_others_is_inert_in_every_format(command):
    command.manifest(MANIFEST.replace("run.sh, r", f"run.sh, {json.dumps(HOSTILE)}"))
    command.environment["CI"] = "true"
    assert command("plan", "m.yaml", *REPORTS).returncode == 1
    for form in FORMATS:
        text = (command.folder / f"r.{form}").read_text()
        assert "\x1b" not in text
        assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
        report(command, form)
    assert "<b>" not in report(command, "markdown").replace("\\<b\\>", "")
