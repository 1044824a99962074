"""Sessions that only take time, a share that fails, accelerated times, and folders of the server."""

from __future__ import annotations

from datetime import datetime

import pytest

from skaha_apply.sandbox import Rehearsal, SandboxError, SandboxOptions, serve
from skaha_apply.sandbox.options import LEAST_TTL_S, PRETENDED_SLOTS
from skaha_apply.sandbox.text.mounts import Mounts

COUNT = 40


def ended(sandbox, count):
    """The sessions by name, after all have ended."""
    sandbox.wait_until(lambda: sandbox.status()["finished"] == count)
    return {one["name"]: one for one in sandbox.get().json()}


def log_of(sandbox, identifier, view="logs"):
    return sandbox.get(f"/session/{identifier}", view=view).text


def seconds_between(first, last):
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def test_a_pretended_session_takes_its_time_and_runs_nothing(fresh_sandbox):
    sandbox = fresh_sandbox("--pretend", 0.2, slots=1)
    for name in ("one", "two"):
        sandbox.create(name=name, cmd="touch", args="proof")
    sessions = ended(sandbox, 2)
    assert {one["status"] for one in sessions.values()} == {"Completed"}
    kept = {one["name"]: one for one in sandbox.sessions()}
    assert [one["pid"] for one in kept.values()] == [None, None]
    assert kept["one"]["ended"] - kept["one"]["started"] >= 0.2
    assert kept["two"]["started"] >= kept["one"]["ended"], "there is one slot"
    assert list(sandbox.workdir.iterdir()) == []
    assert log_of(sandbox, kept["one"]["id"]) == "sandbox: takes 0.2 s instead of running touch\n"


def test_a_deleted_or_interactive_pretended_session_ends_with_its_delete(fresh_sandbox):
    sandbox = fresh_sandbox("--pretend", 1000)
    identifiers = [sandbox.create(name="long", cmd="x").text.strip()]
    identifiers.append(sandbox.create(name="desk", type="notebook", image="images.canfar.net/skaha/astroml:24.07").text)
    assert sandbox.status()["running"] == 2
    for identifier in identifiers:
        assert sandbox.delete(identifier.strip()).status_code == 200
    sandbox.wait_idle()
    assert sandbox.get().json() == []


def fail_some(sandbox):
    """The names that fail of `COUNT` sessions."""
    for number in range(COUNT):
        sandbox.create(name=f"tile-{number}", cmd="x")
    return {name for name, one in ended(sandbox, COUNT).items() if one["status"] == "Failed"}


def test_the_same_share_fails_again_and_a_rerun_can_succeed(fresh_sandbox):
    sandbox = fresh_sandbox("--pretend", 0, "--fail", 0.3)
    failed = fail_some(sandbox)
    assert 0.15 * COUNT < len(failed) < 0.45 * COUNT
    sandbox.reset()
    assert fail_some(sandbox) == failed
    for name in failed:
        sandbox.create(name=name, cmd="x")
    sandbox.wait_until(lambda: sandbox.status()["finished"] == COUNT + len(failed))
    again = [one for one in sandbox.sessions() if one["attempt"] == 2]
    assert {one["name"] for one in again} == failed
    assert {"Completed", "Failed"} == {one["status"] for one in again}


def test_a_pretended_failure_has_a_log_an_exit_code_and_an_event(fresh_sandbox):
    sandbox = fresh_sandbox("--pretend", 0, "--fail", 1)
    fail_some(sandbox)
    kept = sandbox.sessions()
    assert {one["exit_code"] for one in kept} == {1, 137}
    for one in kept:
        last = log_of(sandbox, one["id"]).splitlines()[-1]
        assert last.endswith("(pretended by the sandbox)")
        killed = "OOMKilled" in log_of(sandbox, one["id"], "events")
        assert killed == (one["exit_code"] == 137) == last.startswith("Killed")


def test_speed_divides_the_times_of_sessions_and_faults(fresh_sandbox):
    sandbox = fresh_sandbox("--pretend", 50, "--speed", 1000, "--ttl", 3_000_000, "--interactive-ttl", 6000)
    sandbox.create(name="one", cmd="x")
    (one,) = ended(sandbox, 1).values()
    assert seconds_between(one["startTime"], one["expiryTime"]) == pytest.approx(14 * 86400 / 1000, abs=1)
    kept = sandbox.sessions()[0]
    assert 0.05 <= kept["ended"] - kept["started"] < 50
    settings = sandbox.settings()
    assert (settings["ttl"], settings["interactive_ttl"]) == ("3000.0", str(LEAST_TTL_S))
    assert (settings["grace"], settings["slots"]) == ("0.002", "16")
    sandbox.faults(list_lag_s=1_000_000)
    assert sandbox.get().json() == []
    sandbox.clock(1000)
    assert len(sandbox.get().json()) == 1
    sandbox.faults(rate_503=1, retry_after=30, latency_ms=1000)
    reply = sandbox.get()
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")


def test_the_status_states_the_rehearsal(fresh_sandbox):
    sandbox = fresh_sandbox("--pretend", "--fail", 0.03, "--speed", 100)
    assert sandbox.status()["rehearsal"] == {"pretend": 2.0, "fail": 0.03, "speed": 100.0, "mounts": []}


def test_a_session_reads_and_writes_below_a_mount(fresh_sandbox, tmp_path):
    (tmp_path / "arc" / "home").mkdir(parents=True)
    (tmp_path / "arc" / "in.txt").write_text("of the server\n")
    (tmp_path / "arc" / "copy.sh").write_text('#!/bin/sh\ncat "$1" > "$OUT"; echo "$SKAHA_APPLY_MOUNTS"\n')
    (tmp_path / "arc" / "copy.sh").chmod(0o755)
    sandbox = fresh_sandbox("--mount", f"/arc={tmp_path / 'arc'}")
    identifier = sandbox.create(cmd="/arc/copy.sh", args="/arc/in.txt", env="OUT=/arc/home/out.txt").text.strip()
    assert ended(sandbox, 1)["one"]["status"] == "Completed"
    assert (tmp_path / "arc" / "home" / "out.txt").read_text() == "of the server\n"
    assert log_of(sandbox, identifier) == f"/arc={tmp_path / 'arc'}\n"
    kept = sandbox.sessions()[0]
    assert (kept["argv"], kept["env"]["OUT"]) == (["/arc/copy.sh", "/arc/in.txt"], "/arc/home/out.txt")


@pytest.mark.parametrize(
    ("text", "mounted"),
    [
        ("/arc", "/here"),
        ("/arc/x", "/here/x"),
        ("--out=/arc/x", "--out=/here/x"),
        ("/arc/a:/arc/b", "/here/a:/here/b"),
        ("cat '/arc/x' >/arc/y", "cat '/here/x' >/here/y"),
        ("/arc/projects/x", "/there/x"),
        ("/arc/projects2", "/here/projects2"),
        ("/data/arc/x", "/data/arc/x"),
        ("~/arc/x", "~/arc/x"),
        ("${ROOT}/arc/x", "${ROOT}/arc/x"),
        ("../arc/x", "../arc/x"),
        ("/arcs/x", "/arcs/x"),
        ("/arc.old", "/arc.old"),
        ("https://host/arc/x", "https://host/arc/x"),
    ],
)
def test_a_mount_replaces_whole_paths(text, mounted):
    mounts = Mounts([("/arc", "/here"), ("/arc/projects", "/there")])
    assert mounts.words([text]) == (mounted,)
    assert mounts.variables({"A": text, "HOME": "/arc/me"}) == {
        "A": mounted,
        "HOME": "/arc/me",
        "SKAHA_APPLY_MOUNTS": "/arc=/here:/arc/projects=/there",
    }


def test_without_mounts_nothing_is_added():
    assert Mounts([]).words(["/arc"]) == ("/arc",)
    assert Mounts([]).variables({"A": "/arc"}) == {"A": "/arc"}


@pytest.mark.parametrize(
    ("rehearsal", "error"),
    [
        (Rehearsal(fail=0.5), "--fail requires --pretend"),
        (Rehearsal(pretend=1, mounts=(("/arc", "/tmp"),)), "exclude each other"),
        (Rehearsal(mounts=(("arc", "/tmp"),)), "not a folder of the server"),
        (Rehearsal(mounts=(("/", "/tmp"),)), "not a folder of the server"),
        (Rehearsal(mounts=(("/arc", "/not/here"),)), "/not/here is not a folder"),
        (Rehearsal(speed=0), "speed must be more than 0"),
        (Rehearsal(pretend=1, fail=1.5), "fail from 0 to 1"),
    ],
)
def test_options_that_exclude_each_other_are_refused(tmp_path, rehearsal, error):
    with pytest.raises(SandboxError, match=error):
        serve(SandboxOptions(data=tmp_path / "data", workdir=tmp_path, rehearsal=rehearsal))


def test_more_slots_are_free_if_sessions_run_nothing():
    from skaha_apply.sandbox.options import default_slots  # noqa: PLC0415 - only here

    assert default_slots(Rehearsal(pretend=0.0)) == PRETENDED_SLOTS > default_slots(Rehearsal())
