"""The ID and the address of an interactive session in every output: a terminal and --show-ids only, and never in CI."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from skaha_apply.cli import main
from skaha_apply.model.masking.session_ids import short_id

MANIFEST = """\
version: 1
project: p
defaults: {image: "images.canfar.net/skaha/astroml:24.07"}
sessions:
  - {name: desk, kind: notebook}
  - {name: work, image: "images.canfar.net/skaha/astroml:24.07", cmd: "true"}
"""
OTHER = MANIFEST.replace("name: desk", "name: other").replace("astroml:24.07", "astroml:24.03")
FORMATS = (["-o", "text"], ["-o", "json"], ["-o", "markdown"])


@pytest.fixture
def desk(sandbox, tmp_path, monkeypatch):
    """A folder with manifests of two notebooks; one that no state owns runs already."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("SKAHA", "CANFAR", "GITHUB", "CI", "TF_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SKAHA_URL", sandbox.url)
    monkeypatch.setenv("SKAHA_TOKEN", sandbox.token)
    (tmp_path / "m.yaml").write_text(MANIFEST)
    (tmp_path / "other.yaml").write_text(OTHER)
    sandbox.create(name="other", type="notebook", image="images.canfar.net/skaha/astroml:24.07")
    return tmp_path


def secrets(sandbox):
    """IDs and addresses of the interactive sessions that the server has or had."""
    listed = sandbox.get().json()
    found = {one["id"] for one in sandbox.sessions() if one["kind"] != "headless"}
    return {*found, *(one["connectURL"] for one in listed if one["type"] != "headless")}


def files(folder):
    """What every file holds that a command writes for others, and its name."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "out" in path.relative_to(folder).parts[0]]
    names = [str(path.relative_to(folder)).encode() for path in folder.rglob("*") if ".skaha-apply" in str(path)]
    return b"\n".join([*(path.read_bytes() for path in paths), *names])


def walk(folder):
    """Command lines of every command that shows sessions, in an order in which each has something to show."""
    yield ["plan", "m.yaml", *FORMATS[0]]
    yield [
        "apply",
        "m.yaml",
        "--yes",
        "-v",
        "--wait",
        "ready",
        "--poll",
        "0.2s",
        "--settle",
        "0.2s",
        "--events",
        "out.jsonl",
    ]
    for form in FORMATS:
        yield ["plan", "m.yaml", *form, "--all"] if "json" in form else ["plan", "m.yaml", *form]
        yield ["plan", "other.yaml", *form]
    forms = ("text", "json", "markdown", "gitlab", "junit")
    reports = [word for form in forms for word in ("--report", f"{form}=out.{form}")]
    yield ["plan", "other.yaml", "--take-over", "--out", "out.plan", *reports]
    yield ["plan", "m.yaml", "--offline", "-o", "json", "--all"]
    for form in FORMATS[:2]:
        yield ["status", "m.yaml", *form]
        yield ["status", "m.yaml", *form, "--all", "--timeline", "out.svg"]
    yield ["logs", "desk", "--manifest", "m.yaml", "--attempt", "all"]
    yield ["events", "desk", "--manifest", "m.yaml"]
    yield ["events", "desk", "--manifest", "m.yaml", "-v"]
    yield ["export", "-v"]
    yield ["state", "show", "--manifest", "m.yaml"]
    yield ["state", "pull", "--manifest", "m.yaml"]
    yield ["mark", "hold", "desk", "--manifest", "m.yaml", "--yes", "--force"]
    yield ["mark", "rerun", "desk", "--manifest", "m.yaml", "--yes"]
    yield ["apply", "m.yaml", "--yes", "-o", "json", "--settle", "0.2s", "--events", "out.jsonl", *reports]
    yield ["refresh", "m.yaml", "--events", "out.jsonl", *reports]
    yield ["apply", "other.yaml", "--yes", "--settle", "0.2s"]
    yield ["apply", "out.plan", "--settle", "0.2s", "-v"]
    yield ["destroy", "other.yaml", "--yes", "-v"]


@pytest.mark.parametrize("variable", ["CI", "GITHUB_ACTIONS", None])
def test_no_output_holds_the_id_or_the_address(desk, sandbox, monkeypatch, capfdbinary, variable):
    more = []
    if variable is not None:
        monkeypatch.setenv(variable, "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(desk / "out.summary"))
        more = ["--show-ids"]
    known = secrets(sandbox)
    for call in walk(desk):
        main(call if call[0] == "export" else [*call, *more])
        known |= secrets(sandbox)
        shown = capfdbinary.readouterr()
        written = shown.out + shown.err + files(desk)
        assert not [one for one in known if one.encode() in written], call
        assert b"Traceback" not in shown.err, call
    assert len(known) >= 6


def test_a_digest_stands_for_the_id_where_it_is_hidden(desk, sandbox, capfdbinary):
    main(["apply", "m.yaml", "--yes", "--settle", "0.2s", "-o", "json"])
    (session,) = (one["id"] for one in sandbox.sessions() if one["name"] == "desk")
    (work,) = (one["id"] for one in sandbox.sessions() if one["name"] == "work")
    report = json.loads(capfdbinary.readouterr().out)
    assert {one["name"]: one["id"] for one in report["sessions"]} == {"desk": short_id(session), "work": work}
    main(["status", "m.yaml", "-o", "json"])
    hidden = json.loads(capfdbinary.readouterr().out)["sessions"][0]
    assert (hidden["id"], hidden["connect_url"]) == (short_id(session), None)
    main(["status", "m.yaml", "-o", "json", "--show-ids"])
    shown = json.loads(capfdbinary.readouterr().out)["sessions"][0]
    assert shown["id"] == session
    assert session in shown["connect_url"]
    main(["apply", "m.yaml", "--yes", "--settle", "0.2s", "--show-ids", "--report", "json=out.json"])
    report = (desk / "out.json").read_text()  # somebody publishes it, so it has no ID of a notebook
    assert work in report
    assert session not in report


def test_a_terminal_shows_ids_and_a_terminal_in_ci_does_not(command, sandbox):
    command.manifest(MANIFEST)
    assert command("apply", "m.yaml", "--yes", "--settle", "0.2s").returncode == 0
    for ci, shows in (("", True), ("true", False)):
        command.environment["CI"] = ci
        _, out, screen = command.in_terminal("logs", "desk", "--manifest", "m.yaml")
        (session,) = (one["id"] for one in sandbox.sessions() if one["name"] == "desk")
        assert (session in screen) is shows
        assert session not in out


def test_a_state_is_pulled_with_ids_only_where_they_may_be_shown(desk, sandbox, capfdbinary, monkeypatch):
    main(["apply", "m.yaml", "--yes", "--settle", "0.2s"])
    capfdbinary.readouterr()
    assert main(["state", "pull", "--manifest", "m.yaml"]) == 7
    assert b"--show-ids" in capfdbinary.readouterr().err
    assert main(["state", "pull", "--manifest", "m.yaml", "--show-ids"]) == 0
    pulled = capfdbinary.readouterr().out
    (stored,) = desk.rglob("*.state.json")
    assert pulled == stored.read_bytes()
    monkeypatch.setenv("CI", "true")
    assert main(["state", "pull", "--manifest", "m.yaml", "--show-ids"]) == 7


def test_a_plan_that_was_saved_with_whole_ids_is_applied(desk, sandbox, capfdbinary):
    main(["apply", "m.yaml", "--yes", "--settle", "0.2s"])
    (desk / "m.yaml").write_text(MANIFEST.replace("astroml:24.07", "astroml:24.03", 1))
    assert main(["plan", "m.yaml", "--out", "out.plan"]) == 0
    saved = json.loads((desk / "out.plan").read_text())
    (session,) = (one["id"] for one in sandbox.sessions() if one["name"] == "desk")
    lines = [line.replace(short_id(session), session) for line in saved["plans"][0]["approved"]]
    assert lines != saved["plans"][0]["approved"]
    digest = subprocess.run(["sha256sum"], input="\n".join(lines).encode(), capture_output=True, check=True).stdout
    saved["plans"][0] |= {"approved": lines, "digest": f"sha256:{digest[:64].decode()}"}
    (desk / "old.plan").write_text(json.dumps(saved | {"format_version": "1.1"}))
    assert main(["apply", "old.plan", "--settle", "0.2s"]) == 0, capfdbinary.readouterr()
