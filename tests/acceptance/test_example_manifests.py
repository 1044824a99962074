"""The pipelines that people start from, as they stand: linted, planned, run to their end, and run again."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WAIT = ("--wait", "complete", "--poll", "0.3s")


@pytest.fixture
def example(desk):
    """A function that copies an example into the working directory, in which its sessions work too."""

    def bring(name):
        shutil.copytree(ROOT / "manifests" / name, desk.folder / "manifests" / name)
        (desk.folder / "skaha_apply").mkdir()
        shutil.copy(ROOT / "skaha_apply" / "distributed.py", desk.folder / "skaha_apply")
        assert "no problems found" in desk("lint", "--strict").out
        desk("fmt", "--check")
        return desk

    return bring


def test_survey_tile_by_tile_under_a_limit(example, sandbox):
    desk = example("tile-survey")
    plan = desk.plan()
    assert (plan["summary"]["create"], plan["summary"]["wait"]) == (2, 23)
    desk.apply(*WAIT)
    made = {one["name"]: one for one in sandbox.sessions()}
    assert len(made) == len(sandbox.sessions()) == 25
    assert [one["ram"] for name, one in made.items() if name == "detect-270-280"] == [8]
    pilots = max(made[name]["ended"] for name in ("detect-269-280", "detect-269-281"))
    begins = sorted(one["created"] for name, one in made.items() if name.startswith("detect"))
    assert begins[2] >= pilots
    rows = json.loads((desk.folder / "tile-survey-results" / "catalog.json").read_text())
    assert len({row["tile"] for row in rows}) == 12
    assert desk.plan()["summary"]["done"] == 25

    with (desk.folder / "manifests" / "tile-survey" / "tiles.txt").open("a") as tiles:
        tiles.write("272.280\r\n")
    desk.apply(*WAIT)
    assert [one["name"] for one in sandbox.sessions()[25:]] == ["detect-272-280", "measure-272-280", "catalog"]


def test_a_sweep_over_two_axes(example, sandbox):
    desk = example("sweep")
    desk.apply(*WAIT)
    made = {one["name"]: one for one in sandbox.sessions()}
    fits = {(one["argv"][-3], one["argv"][-2]) for name, one in made.items() if name.startswith("fit")}
    wanted = {(model, rate) for model in ("linear", "quadratic", "cubic") for rate in ("0.01", "0.03", "0.10")}
    assert fits == wanted - {("cubic", "0.10")} | {("quartic", "0.01")}
    assert {name: made[name]["ram"] for name in ("fit-linear-0-01", "fit-cubic-0-03", "fit-quartic-0-01")} == {
        "fit-linear-0-01": 2,
        "fit-cubic-0-03": 8,
        "fit-quartic-0-01": 16,
    }
    ranking = json.loads((desk.folder / "sweep-results" / "ranking.json").read_text())
    assert (len(ranking), ranking[0]["model"]) == (9, "cubic")
    assert desk.plan()["has_changes"] is False


def test_fields_are_reduced_in_shares_and_combined(example, sandbox):
    desk = example("reduce-and-combine")
    desk.apply(*WAIT, "--var", "night=2026-11-21")
    made = sandbox.sessions()
    assert Counter(one["name"].rpartition("-")[0] for one in made if one["name"].startswith("reduce")) == {
        "reduce-ngc-4501": 6,
        "reduce-mp31": 6,
    }
    ram = {one["name"]: one["ram"] for one in made}
    assert (ram["reduce-ngc-4501-1"], ram["reduce-mp31-1"]) == (8, 2)
    assert {one["env"]["SHARE"] for one in made if "SHARE" in one["env"]} == {f"{share}/6" for share in range(1, 7)}
    for field, exposures in (("ngc-4501", 48), ("mp31", 120)):
        results = json.loads((desk.folder / "night-2026-11-21" / f"{field}.json").read_text())
        assert [one["exposure"] for one in results] == list(range(1, exposures + 1))
    assert desk.plan("--var", "night=2026-11-21")["summary"]["done"] == 14
    assert desk.plan()["summary"]["replace"] > 0  # another night is other work


def test_desks_are_kept_over_the_weekend(example, sandbox):
    desk = example("desks")
    desk.apply(*WAIT)
    first = {name: row["id"] for name, row in desk.live().items()}
    assert sorted(first) == ["desk-ada", "desk-grace", "desk-viewer"]
    for _ in range(5):  # Friday to Wednesday, a run a day; without a renewal they end after four
        sandbox.clock(86_400)
        desk.apply(*WAIT)
    assert {name: row["id"] for name, row in desk.live().items()} == first
    renewals = [one for one in desk.posts() if "renew" in json.dumps(one)]
    assert 3 <= len(renewals) <= 9
    assert desk.plan()["has_changes"] is False
