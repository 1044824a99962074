"""A survey at GitLab with the jobs of the component: a merge request, a plan, a manual apply, a failure, a schedule."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

from tests.github.conftest import write

TOKEN = {"SKAHA_TOKEN": "secret-of-the-tests"}
BAD = "  - {name: bad, cmd: sh, args: [fails.sh]}\n"
ARGS = {"args": "--settle=0.2s"}


def test_merge_request_apply_failure_schedule(project, sandbox, checkout):
    sandbox.settings(workdir=str(checkout))
    (checkout / "fails.sh").write_text("until [ -e fail ]; do sleep 0.05; done; echo 'OSError: disk full'; exit 1\n")
    second = "version: 1\nproject: second\nsessions: [{name: other, image: 'images.canfar.net/skaha/astroml:24.07'}]\n"
    write(checkout, more=BAD)
    (checkout / "manifests" / "second.yaml").write_text(second)

    # A merge request from a fork has no credential: its plan sends nothing to the server.
    assert project.run("skaha-lint") == 0, project.log
    assert json.loads((checkout / "skaha-lint.json").read_text()) is not None
    assert project.run("skaha-plan") == 0, project.log
    assert sandbox.requests(0)["counts"] == {}

    # On the default branch the plan has the server; the widget counts, and the digests are those that apply takes.
    assert project.run("skaha-plan", **TOKEN) == 0, project.log
    widget = json.loads((checkout / "skaha-plan.json").read_text())
    assert (widget["create"], widget["update"], widget["delete"]) == (5, 0, 0)
    assert ET.parse(checkout / "skaha-plan.xml").getroot().tag == "testsuites"
    write(checkout, replicas=5, more=BAD)
    assert project.run("skaha-apply", ARGS, **TOKEN) == 5, project.log
    assert [one["name"] for one in sandbox.sessions()] == ["other"]  # the plan of the other project is the reviewed one
    write(checkout, more=BAD)
    assert project.run("skaha-apply", {"args": "--settle=0.2s\n--concurrency=4"}, **TOKEN) == 0, project.log
    assert len(sandbox.sessions()) == 5
    assert {name: one.lock for name, one in project.store.states.items()} == {"survey": None, "second": None}

    # The schedule fails once for a failure.
    (checkout / "fail").touch()
    sandbox.wait_until(lambda: any(one["status"] == "Failed" for one in sandbox.get().json()))
    assert project.run("skaha-refresh", **TOKEN) == 9, project.log
    assert "disk full" in (checkout / "skaha-refresh.xml").read_text()
    assert project.run("skaha-refresh", **TOKEN) == 0, project.log
    assert project.run("skaha-doctor", **TOKEN) == 0, project.log
    lines = project.installed.read_text().splitlines()
    assert set(lines) == {"install --quiet --disable-pip-version-check skaha-apply==0.1.0"}


def test_without_a_plan_nothing_is_applied(project, sandbox, checkout):
    for report in ("{}", '{"plans": []}'):
        (checkout / "skaha-plan-report.json").write_text(report)
        assert project.run("skaha-apply", **TOKEN) == 1
        assert "error: the report has no plan" in project.log
    assert sandbox.sessions() == []


def test_inputs_run_nothing(project, checkout):
    hostile = "$(touch pwned) `touch pwned`;touch pwned *"
    for name in ("paths", "args", "version"):
        code = project.run("skaha-plan", {name: hostile})
        assert code != 0 or name == "version"
    assert project.run("skaha-lint", {"paths": "manifest*"}) == 1, project.log
    assert re.search(r"^install .* skaha-apply==\$\(touch pwned\)", project.installed.read_text(), re.MULTILINE)
    assert not [*checkout.parent.rglob("pwned")]
