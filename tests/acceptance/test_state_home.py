"""The state lives where the manifests are, from whichever folder the command is invoked; no second one is started."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys

import pytest

import skaha_apply
from skaha_apply.workflow.setup.settings import Settings

SLEEP = {"name": "tile", "replicas": 2, "cmd": "sleep", "args": ["600"]}
STATE = ".skaha-apply/localhost/survey.state.json"


@pytest.fixture
def checkout(desk):
    """A checkout with a manifest below `manifests/`; its sessions run."""
    (desk.folder / "checkout" / ".git").mkdir(parents=True)
    desk.write(SLEEP, name="checkout/manifests/m.yaml")
    desk.apply("checkout/manifests")
    assert (desk.folder / "checkout" / STATE).exists()
    return desk


def knows_both(plan):
    return not plan["has_changes"] and plan["summary"]["unchanged"] == 2


def test_every_folder_and_every_link_leads_to_one_state(checkout):
    root = checkout.folder
    for name in ("elsewhere", "other/.git", "checkout/nb"):
        (root / name).mkdir(parents=True)
    (root / "link").symlink_to("checkout")
    (root / "elsewhere" / "folder").symlink_to("../checkout/manifests")
    (root / "elsewhere" / "file.yaml").symlink_to("../checkout/manifests/m.yaml")
    for folder, words in (
        (".", ["checkout/manifests"]),
        ("elsewhere", ["../checkout/manifests/m.yaml"]),
        ("other", ["../checkout"]),
        ("checkout", []),
        ("checkout/nb", ["../manifests"]),
        ("elsewhere", ["../link/manifests"]),
        ("elsewhere", ["folder"]),
        ("elsewhere", ["file.yaml"]),
        ("link", []),
    ):
        assert knows_both(checkout("plan", "-o", "json", *words, cwd=root / folder).json), (folder, words)
    assert len(list(root.rglob("*.state.json"))) == 1


def test_cron_finds_the_state_without_git_and_with_nothing_but_home_and_path(checkout):
    root = checkout.folder
    empty = root / "no-programs"
    empty.mkdir()
    wanted = {name: checkout.environment[name] for name in ("SKAHA_URL", "SKAHA_TOKEN")}
    environment = {"HOME": str(root / "home"), "PATH": str(empty), **wanted}
    words = [sys.executable, "-m", "skaha_apply", "plan", "-o", "json", str(root / "checkout" / "manifests")]
    ended = subprocess.run(words, cwd=root / "home", env=environment, capture_output=True, check=True)
    assert knows_both(json.loads(ended.stdout))


def test_all_other_commands_find_it_too(checkout):
    elsewhere = checkout.folder / "elsewhere"
    elsewhere.mkdir()
    named = ["--manifest", "../checkout/manifests"]

    def run(*words):
        return checkout(*words, cwd=elsewhere)

    assert run("status", "../checkout/manifests").out.count("running") == 2
    assert "tile-1 (" in checkout("logs", "tile", *named, cwd=elsewhere, check=False).err
    for words in (named, [*named, "--project", "survey"]):
        assert len(json.loads(run("state", "show", *words).out)["replicas"]) == 2
    assert len(json.loads(run("state", "pull", *named).out)["replicas"]) == 2
    assert "2 unchanged" in run("plan", "--offline", "../checkout/manifests").out
    run("refresh", "../checkout/manifests")
    assert "tile is now field" in run("state", "mv", "tile", "field", *named).out
    assert not list(elsewhere.iterdir())


def test_a_removed_line_is_seen_from_elsewhere(desk):
    (desk.folder / "checkout" / ".git").mkdir(parents=True)
    sleep = {"name": "old", "cmd": "sleep", "args": ["600"]}
    desk.write(sleep, {**sleep, "name": "new"}, name="checkout/manifests/m.yaml")
    desk.apply(cwd=desk.folder / "checkout")
    desk.write({**sleep, "name": "new"}, name="checkout/manifests/m.yaml")
    (action,) = desk.plan("checkout/manifests")["actions"]
    assert (action["action"], action["name"]) == ("delete", "old")
    (desk.folder / "checkout" / "manifests" / "m.yaml").rename(desk.folder / "checkout" / "manifests" / "n.yaml")
    (action,) = desk.plan(".")["actions"]
    assert (action["action"], action["name"]) == ("delete", "old")


def test_a_worktree_and_a_submodule_have_states_of_their_own(desk):
    for name in ("checkout", "checkout/submodule"):
        (desk.folder / name).mkdir()
        (desk.folder / name / ".git").write_text("gitdir: somewhere\n")
    desk.write(SLEEP, name="checkout/submodule/m.yaml")
    desk.apply(cwd=desk.folder / "checkout")
    assert (desk.folder / "checkout" / "submodule" / STATE).exists()


def test_projects_of_several_checkouts_have_their_own_states(desk):
    for name in ("north", "south"):
        (desk.folder / name / ".git").mkdir(parents=True)
        desk.write({"name": f"{name}-tile", "cmd": "true"}, name=f"{name}/m.yaml", project=name)
    desk.apply("north", "south")
    found = {str(path.relative_to(desk.folder)) for path in desk.folder.rglob("*.state.json")}
    assert found == {f"{name}/.skaha-apply/localhost/{name}.state.json" for name in ("north", "south")}
    assert not any(plan["has_changes"] for plan in desk.plan("south", "north")["plans"])


def test_outside_git_the_state_is_in_the_folder_that_holds_the_manifests(desk):
    desk.write(SLEEP, name="m/north/a.yaml")
    desk.write({**SLEEP, "name": "field"}, name="m/south/b.yaml")
    desk.apply("m")
    assert (desk.folder / "m" / STATE).exists()
    assert desk.plan("m/north", "m/south")["summary"]["create"] == 0
    # A part of them lies deeper: that is the same project, and no second one.
    ended = desk("plan", "m/north", code=1)
    assert f"has no state at {desk.folder}/m/north/{STATE}" in ended.err
    assert f"it has one at {desk.folder}/m/{STATE}" in ended.err


def test_standard_input_belongs_to_the_working_directory(desk):
    (desk.folder / "checkout" / "deep").mkdir(parents=True)
    (desk.folder / "checkout" / ".git").mkdir()
    text = desk.write(SLEEP).read_text()
    for folder, root in (("checkout/deep", "checkout"), ("home", "home")):
        desk("apply", "--yes", "-", stdin=text, cwd=desk.folder / folder, check=False)
        assert (desk.folder / root / STATE).exists()


def test_manifests_of_one_project_in_two_checkouts_need_a_state(desk):
    for name in ("north", "south"):
        (desk.folder / name / ".git").mkdir(parents=True)
        desk.write({"name": name, "cmd": "true"}, name=f"{name}/m.yaml")
    for words in (["plan"], ["apply", "--yes"], ["status"]):
        ended = desk(*words, "north", "south", code=1)
        assert f"{desk.folder}/north and {desk.folder}/south" in ended.err
        assert "--state" in ended.err
    desk.apply("north", "south", "--state", "survey.json")
    assert desk.plan("south", "north", "--state", "survey.json")["has_changes"] is False
    assert {spec["file"] for spec in json.loads((desk.folder / "survey.json").read_text())["specs"].values()} == {
        "north/m.yaml",
        "south/m.yaml",
    }


@pytest.fixture
def misplaced(desk):
    """A checkout whose state an earlier version of the tool put into the folder of the invocation."""
    (desk.folder / "checkout" / ".git").mkdir(parents=True)
    desk.write(SLEEP, name="checkout/manifests/m.yaml")
    desk.apply("checkout/manifests")

    def put(folder):
        old = desk.folder / "checkout" / ".skaha-apply"
        (desk.folder / folder).mkdir(parents=True, exist_ok=True)
        old.rename(desk.folder / folder / ".skaha-apply")
        return desk.folder / folder / STATE

    return desk, put


@pytest.mark.parametrize(
    ("folder", "cwd"),
    [("home", "home"), ("old", "old/nb"), ("checkout/manifests", "home"), (".", "home")],
)
def test_a_state_in_any_of_these_folders_stops_a_plan(desk, folder, cwd):
    (desk.folder / "checkout" / ".git").mkdir(parents=True)
    (desk.folder / "old" / ".git").mkdir(parents=True)
    (desk.folder / "old" / "nb").mkdir()
    desk.write(SLEEP, name="checkout/manifests/m.yaml")
    other = desk.folder / folder / STATE
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    ended = desk("plan", desk.folder / "checkout", code=1, cwd=desk.folder / cwd)
    assert f"no state at {desk.folder}/checkout/{STATE}" in ended.err
    assert str(other) in ended.err


def test_a_state_elsewhere_stops_every_command_and_is_named(misplaced):
    desk, put = misplaced
    other = put("home")
    before = desk.files()
    manifests = desk.folder / "checkout" / "manifests"
    for words in (
        ["plan", manifests],
        ["apply", "--yes", manifests],
        ["plan", "--offline", manifests],
        ["status", manifests],
        ["destroy", "--yes", manifests],
        ["mark", "rerun", "tile", "--yes", "--manifest", manifests],
        ["state", "show", "--manifest", manifests],
        ["logs", "tile", "--manifest", manifests],
    ):
        ended = desk(*words, code=1, cwd=desk.folder / "home")
        assert f"no state at {desk.folder}/checkout/{STATE}" in ended.err
        assert str(other) in ended.err
    assert desk.files() == before


def commands_of(ended):
    return [part for part in ended.err.split("`") if part.startswith(("skaha-apply ", "mkdir "))]


def test_both_printed_commands_resolve_it(misplaced):
    desk, put = misplaced
    other = put("home")
    home = desk.folder / "home"
    use, move = commands_of(desk("plan", "-o", "json", "../checkout/manifests", code=1, cwd=home))
    assert knows_both(desk(*shlex.split(use)[1:], cwd=home).json)
    subprocess.run(move, shell=True, check=True, env=os.environ)
    assert not other.exists()
    assert knows_both(desk.plan("checkout/manifests"))


def test_a_state_of_another_project_or_server_elsewhere_stops_nothing(desk):
    (desk.folder / "checkout" / ".git").mkdir(parents=True)
    desk.write(SLEEP, name="checkout/m.yaml")
    for path in ("localhost/other.state.json", "ws.example.org/survey.state.json"):
        (desk.folder / ".skaha-apply" / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / ".skaha-apply" / path).write_text("{}")
    assert desk.plan("checkout")["summary"]["create"] == 2


def test_the_sandbox_of_a_checkout_is_found_from_elsewhere(desk):
    checkout = desk.folder / "checkout"
    (checkout / ".git").mkdir(parents=True)
    desk.write({"name": "where", "cmd": "bash", "args": ["where.sh"]}, name="checkout/manifests/m.yaml")
    (checkout / "where.sh").write_text("pwd > here\n")
    desk.environment["PYTHONWARNINGS"] = ""  # the sandbox outlives the command that starts it
    words = ["--sandbox", "--wait", "complete", "--poll", "0.3s", "--yes"]
    try:
        desk("apply", "checkout/manifests", *words)
        assert (checkout / "here").read_text() == f"{checkout}\n"
        assert (checkout / ".skaha-apply" / "sandbox" / "survey.state.json").exists()
        assert "done" in desk("status", "../checkout/manifests", "--sandbox", cwd=desk.folder / "home").out
        assert not list((desk.folder / "home").iterdir())
    finally:
        assert "stopped" in desk("sandbox", "stop", cwd=checkout).out


def test_outside_git_the_sandbox_is_found_again(desk):
    desk.write({"name": "where", "cmd": "bash", "args": ["where.sh"]}, name="manifests/quick/m.yaml")
    (desk.folder / "where.sh").write_text("pwd > here\n")
    desk.environment["PYTHONWARNINGS"] = ""
    try:
        desk("apply", "manifests/quick", "--sandbox", "--wait", "complete", "--poll", "0.3s", "--yes")
        assert (desk.folder / "here").read_text() == f"{desk.folder}\n"
        assert desk("plan", "--sandbox", "-o", "json").json["summary"]["done"] == 1
    finally:
        assert "stopped" in desk("sandbox", "stop").out


def test_a_notebook_finds_the_state_of_the_manifests(checkout, monkeypatch):
    notebooks = checkout.folder / "checkout" / "nb"
    notebooks.mkdir()
    monkeypatch.chdir(notebooks)
    for name in ("SKAHA_URL", "SKAHA_TOKEN"):
        monkeypatch.setenv(name, checkout.environment[name])

    async def plan():
        async with skaha_apply.connect(setting=Settings(settle=0.5)) as skaha:
            return await skaha.plan(skaha_apply.load("../manifests"))

    assert asyncio.run(plan()).summary["unchanged"] == 2
