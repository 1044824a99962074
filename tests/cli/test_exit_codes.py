"""Exit codes, streams and signals, as a shell or CI sees them: real processes against a real server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time

import jsonschema
import pytest

from skaha_apply.render.plan.documents import plan_schema

WAIT_S = 60
LONG = """\
version: 1
project: survey
defaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 1, ram: 4}
sessions:
  - {name: nap, replicas: 2, cmd: sleep, args: ["60"]}
"""


def test_plan_exits_with_0_or_2_and_writes_nothing(command):
    made = command("plan", "m.yaml")
    assert made.returncode == 0, made.stderr
    assert "no state yet; this plan creates one" in made.stdout.splitlines()[0]
    assert "+   create  reduce [1-3]" in made.stdout
    assert made.stderr == ""
    assert command("plan", "m.yaml", "--detailed-exitcode").returncode == 2
    assert not (command.folder / ".skaha-apply").exists()


def test_the_plan_as_json_obeys_its_schema_and_the_reports_are_written(command):
    made = command("plan", "m.yaml", "-o", "json", "--report", "markdown=p.md", "--report", "text=p.txt")
    document = json.loads(made.stdout)
    jsonschema.validate(document, plan_schema())
    assert document["summary"]["create"] == 3
    assert (command.folder / "p.md").read_text().startswith("### survey: 3 to create")
    assert "Plan: 3 to create" in (command.folder / "p.txt").read_text()


def test_several_projects_come_in_one_document(command):
    command.manifest(
        "version: 1\nproject: other\nsessions:\n  - {name: b, image: images.canfar.net/a/b:1, cmd: x}\n", "n.yaml"
    )
    document = json.loads(command("plan", "m.yaml", "n.yaml", "-o", "json").stdout)
    assert [plan["project"] for plan in document["plans"]] == ["survey", "other"]
    alone = json.loads(command("plan", "m.yaml", "n.yaml", "-o", "json", "--project", "other").stdout)
    assert alone["project"] == "other"


def test_apply_without_a_terminal_needs_yes_and_then_changes_once(command, sandbox):
    refused = command("apply", "m.yaml")
    assert refused.returncode == 4
    assert "--yes" in refused.stderr
    assert sandbox.sessions() == []
    applied = command("apply", "m.yaml", "--yes")
    assert applied.returncode == 0, applied.stderr
    assert "survey: 3 created.\n" in applied.stdout
    assert "reduce: 3 created (reduce-1 " in applied.stderr
    again = command("apply", "m.yaml")
    assert again.returncode == 0, again.stderr
    assert "No changes." in again.stdout
    assert len(sandbox.sessions()) == 3


def test_the_report_as_json_is_alone_on_stdout(command):
    applied = command("apply", "m.yaml", "--yes", "-o", "json", "--wait", "complete", "--poll", "0.2s")
    assert applied.returncode == 0, applied.stderr
    report = json.loads(applied.stdout)
    assert report["applied"] == {"create": 3}
    assert {one["phase"] for one in report["sessions"]} == {"done"}
    assert "Plan: 3 to create" in applied.stderr


def test_a_no_at_the_question_is_1_and_a_yes_applies(command, sandbox):
    code, out, screen = command.in_terminal("apply", "m.yaml", answer="no\n")
    assert code == 1, screen
    assert "Plan: 3 to create" in out
    assert "Apply this plan of survey? [y/N]" in screen
    assert sandbox.sessions() == []
    code, out, screen = command.in_terminal("apply", "m.yaml", answer="y\n")
    assert code == 0, screen
    assert "3 created" in out
    assert "3/3" in screen


def test_the_end_of_the_input_is_a_no(command, sandbox):
    code, _, screen = command.in_terminal("apply", "m.yaml", answer="\x04")
    assert code == 1, screen
    assert sandbox.sessions() == []


def test_ctrl_c_at_the_question_is_130_without_a_traceback(command, sandbox):
    code, _, screen = command.in_terminal("apply", "m.yaml", press=lambda one: one.send_signal(signal.SIGINT))
    assert code == 130, screen
    assert "\r\ninterrupted: nothing was changed" in re.sub(r"\x1b\[[0-9;]*m", "", screen)
    assert "Traceback" not in screen
    assert sandbox.sessions() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_wait_is_130_and_the_next_plan_is_right(number, command):
    command.manifest(LONG)
    process = command.start("apply", "m.yaml", "--yes", "--wait", "complete")
    for line in process.stderr:
        if "nap-2" in line:
            break
    process.send_signal(number)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in printed
    after = json.loads(command("plan", "m.yaml", "-o", "json").stdout)
    # Where the disk was too slow for the last write, an open intent waits for the next list; nothing is made twice.
    assert after["summary"]["unchanged"] + after["summary"]["wait"] == 2, after
    assert not after["has_changes"]


@pytest.mark.parametrize("last", [signal.SIGINT, signal.SIGTERM])
def test_with_a_request_in_flight_only_a_second_sigint_ends_at_once(last, command, fresh_sandbox):
    sandbox = fresh_sandbox()  # what is in flight acts long after the test: not on a sandbox that others use
    command.environment |= {"SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token}
    sandbox.faults(latency_ms=[20_000, 20_000], only=["POST"])
    process = command.start("apply", "m.yaml", "--yes")
    sandbox.wait_until(lambda: any(one["method"] == "POST" for one in sandbox.requests()["requests"]), WAIT_S)
    for number in (signal.SIGTERM, signal.SIGTERM, last):
        process.send_signal(number)
        time.sleep(0.2)  # signals of one kind that come together count as one
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert ("error: interrupted" in printed) == (last != signal.SIGINT)
    assert command("plan", "m.yaml", "-o", "json").returncode == 0


def test_a_failed_replica_is_9_and_shows_its_log(command):
    (command.folder / "run.sh").write_text('echo "cannot read tile $REPLICA_ID"\nexit 3\n')
    applied = command("apply", "m.yaml", "--yes", "--wait", "complete", "--poll", "0.2s")
    assert applied.returncode == 9, applied.stderr
    assert "cannot read tile 2" in applied.stdout
    shown = command("logs", "reduce/2", "--manifest", "m.yaml")
    assert shown.stdout == "cannot read tile 2\n"
    every = command("logs", "reduce", "--manifest", "m.yaml")
    assert every.stdout.count("==> reduce-") == 3
    marked = command("mark", "complete", "reduce/2-3", "--manifest", "m.yaml", "--yes")
    assert marked.returncode == 0, marked.stderr
    status = json.loads(command("status", "m.yaml", "-o", "json").stdout)
    assert [one["phase"] for one in status["sessions"]] == ["failed", "done", "done"]


def test_marks_come_from_a_list_and_from_standard_input(command):
    (command.folder / "done.txt").write_text("# finished in spring\r\nreduce/1\r\n\r\nreduce/2\r\n")
    assert command("mark", "complete", "--from", "done.txt", "--manifest", "m.yaml", "--yes").returncode == 0
    assert (
        command("mark", "complete", "--from", "-", "--manifest", "m.yaml", "--yes", input="reduce/3\n").returncode == 0
    )
    assert json.loads(command("plan", "m.yaml", "-o", "json").stdout)["summary"]["done"] == 3
    (command.folder / "empty.txt").write_text("# nothing\n")
    empty = command("mark", "rerun", "--from", "empty.txt", "--manifest", "m.yaml", "--yes")
    assert empty.returncode == 4
    assert "has no names" in empty.stderr


def test_unmanaged_session_of_that_name_is_8(command, sandbox):
    sandbox.create(name="reduce-2", cmd="sleep", args="60")
    applied = command("apply", "m.yaml", "--yes")
    assert applied.returncode == 8, applied.stderr
    assert "! conflict  reduce [2]" in applied.stdout.replace("!   ", "! ")
    assert "2 created" in applied.stdout


def test_plan_that_a_safety_rule_refuses_is_printed_and_7(command):
    command.manifest(LONG)
    assert command("apply", "m.yaml", "--yes").returncode == 0
    command.manifest("version: 1\nproject: survey\nsessions: []\n")
    refused = command("apply", "m.yaml", "--yes")
    assert refused.returncode == 7, refused.stderr
    assert "Plan: 0 to create, 0 to replace, 2 to delete.\nRefused: " in refused.stdout
    assert command("plan", "m.yaml").returncode == 0
    forced = command("apply", "m.yaml", "--yes", "--force")
    assert forced.returncode == 0, forced.stderr
    assert "2 deleted" in forced.stdout


def test_a_timeout_is_10(command):
    command.manifest(LONG)
    applied = command("apply", "m.yaml", "--yes", "--wait", "complete", "--timeout", "1s", "--poll", "0.2s")
    assert applied.returncode == 10, applied.stderr
    destroyed = command("destroy", "m.yaml", "--yes")
    assert destroyed.returncode == 0, destroyed.stderr
    assert "2 deleted" in destroyed.stdout


def test_a_saved_plan_is_applied_without_asking_and_a_stale_one_is_5(command, sandbox):
    assert command("plan", "m.yaml", "--out", "p.plan").returncode == 0
    both = command("apply", "p.plan", "m.yaml")
    assert both.returncode == 4
    settled = command("apply", "p.plan", "--target", "reduce/1")
    assert settled.returncode == 4
    assert "already decides --target" in settled.stderr
    applied = command("apply", "p.plan")
    assert applied.returncode == 0, applied.stderr
    assert len(sandbox.sessions()) == 3
    command.manifest((command.folder / "m.yaml").read_text().replace("r]", "g]"))
    stale = command("apply", "p.plan")
    assert stale.returncode == 5, stale.stderr
    assert "Traceback" not in stale.stderr


def test_locked_state_is_6_and_names_the_owner(command):
    command.manifest(LONG)
    locked = []

    def meanwhile(process):
        locked.append(command("apply", "m.yaml", "--yes"))
        process.send_signal(signal.SIGINT)

    code, _, screen = command.in_terminal("apply", "m.yaml", press=meanwhile)
    assert code == 130, screen
    assert locked[0].returncode == 6, locked[0].stderr
    assert "process" in locked[0].stderr


@pytest.mark.parametrize(
    ("token", "said"),
    [("token-expired", "401"), ("no-such-token", "401"), ("token-denied", "403")],
)
def test_a_credential_that_is_refused_is_1_and_never_shown(token, said, command):
    command.environment["SKAHA_TOKEN"] = token
    made = command("plan", "m.yaml", "-v")
    assert made.returncode == 1
    assert "error: " in made.stderr
    assert token not in made.stderr
    assert "Traceback" not in made.stderr


def test_error_in_a_manifest_names_its_location_and_sends_nothing(command, sandbox):
    sandbox.forget_requests()
    command.manifest("version: 1\nproject: p\nsessions:\n  - {name: a, imge: x}\n")
    made = command("apply", "m.yaml", "--yes")
    assert made.returncode == 1
    assert "m.yaml:4:" in made.stderr
    assert sandbox.requests()["requests"] == []


def test_a_reader_that_leaves_early_stops_nothing(command, sandbox):
    for words in (["plan", "m.yaml"], ["apply", "m.yaml", "--yes"]):
        process = command.start(*words)
        process.stdout.close()
        printed = process.stderr.read()
        process.stderr.close()
        assert process.wait(60) == 0, printed
        assert "Traceback" not in printed
        assert "BrokenPipe" not in printed
    assert len(sandbox.sessions()) == 3


def test_a_manifest_comes_from_standard_input(command):
    made = command("plan", "-", input=(command.folder / "m.yaml").read_text())
    assert made.returncode == 0, made.stderr
    assert "reduce [1-3]" in made.stdout


@pytest.mark.parametrize("words", [["apply", "--unknown"], ["apply", "--server", "http://example.org/skaha"]])
def test_errors_are_colored_in_a_terminal_unless_an_option_forbids_it(words, command):
    assert "\x1b[1;31merror:" in command.in_terminal(*words)[2]
    assert "\x1b" not in command.in_terminal(*words, "--no-color")[2]
    command.environment["NO_COLOR"] = "1"
    assert "\x1b" not in command.in_terminal(*words)[2]


def test_a_signal_before_anything_began_is_130(command):
    process = command.start("plan", "-", stdin=subprocess.PIPE)
    process.stdin.write("#" * 1_000_000)  # more than a pipe holds: this comes back once it reads its standard input
    process.send_signal(signal.SIGTERM)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in printed


def test_a_manifest_cannot_act_on_the_terminal(command):
    command.manifest('version: 1\nproject: p\nsessions:\n  - {name: "a\\e[2J", image: "\\e]0;x\\a", cmd: x}\n')
    for words in (["plan", "m.yaml"], ["lint", "m.yaml"]):
        made = command(*words)
        assert made.returncode == 1
        assert "\x1b" not in made.stdout + made.stderr


def test_the_state_is_shown_forgotten_and_renamed(command):
    assert command("apply", "m.yaml", "--yes").returncode == 0
    shown = json.loads(command("state", "show", "--manifest", "m.yaml").stdout)
    assert len(shown["replicas"]) == 3
    assert command("state", "mv", "reduce", "sift", "--project", "survey").returncode == 0
    assert command("state", "forget", "sift/2-3", "--project", "survey").stdout.count("forgot") == 2
    unknown = command("state", "forget", "nothing", "--project", "survey")
    assert (unknown.returncode, unknown.stdout) == (0, "")
    assert command("state", "unlock", "no-such-id", "--project", "survey").returncode == 1


def test_a_sandbox_is_served_found_and_stopped(command):
    process = command.start(
        "sandbox", "serve", "--data", "box", "--port-file", "port", "--token", "secret-one", "--slots", "1"
    )
    first = process.stdout.readline()  # through a pipe, while it runs
    port = (command.folder / "port").read_text().strip()
    assert first == f"the sandbox listens on http://127.0.0.1:{port}/skaha/v1; Ctrl-C ends it\n"
    found = command("sandbox", "status", "--data", "box")
    assert found.returncode == 0
    assert port in found.stdout
    assert "secret-one" not in found.stdout + found.stderr
    second = command("sandbox", "serve", "--data", "box")
    assert second.returncode == 1
    assert "hint:" in second.stderr
    assert command("sandbox", "stop", "--data", "box").stdout == "stopped\n"
    process.communicate(timeout=60)
    assert command("sandbox", "status", "--data", "box").returncode == 1
