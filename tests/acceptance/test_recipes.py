"""From a line that users know to a manifest to a plan, and the manifest that everybody starts from, run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = (
    "create -c 8 -m 32 -r 100 -n fits-processing headless images.canfar.net/skaha/astroml:24.07"
    " -- python /path/to/batch_processing.py"
)


@pytest.mark.parametrize("client", ["skaha", "canfar"])
def test_a_line_becomes_a_manifest_becomes_a_plan(desk, client):
    manifest = desk("convert", "--", client, *LINE.split()).out
    (desk.folder / "converted.yaml").write_text(manifest)
    plan = desk.plan("converted.yaml")
    assert plan["summary"]["create"] == 100
    assert [action["name"] for action in plan["actions"]][::99] == ["fits-processing-1", "fits-processing-100"]
    assert "100 to create" in desk("plan", "-", stdin=manifest).out


def fits(name):
    cards = ("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0")
    header = "".join(f"{card:<80}" for card in (*cards, f"OBJECT  = '{name:<8}'", "FILTER  = 'r       '", "END"))
    return f"{header:<2880}".encode()


def test_a_thousand_files_a_hundred_replicas_one_result(desk, sandbox):
    """manifests/fits-processing.yaml as it stands, on a thousand small FITS files."""
    for part in ("manifests/fits-processing.yaml", "manifests/payloads/batch_processing.py"):
        target = desk.folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, target)
    (desk.folder / "fits").mkdir()
    for index in range(1000):
        (desk.folder / "fits" / f"image-{index:04}.fits").write_bytes(fits(f"F{index}"))
    desk.apply("--wait", "complete", "--poll", "0.5s")
    made = sandbox.sessions()
    assert len(made) == 100
    assert {(one["cores"], one["ram"], one["status"]) for one in made} == {(8, 32, "Completed")}
    assert "Container 7 of 100 processing 10 items" in desk("logs", "fits-processing/7").out

    combine = [sys.executable, "-m", "skaha_apply.distributed", "combine", "fits-results", "fits.json"]

    subprocess.run(combine, cwd=desk.folder, check=True, capture_output=True)
    results = json.loads((desk.folder / "fits.json").read_text())
    assert [one["file"] for one in results] == [f"image-{index:04}.fits" for index in range(1000)]
    assert [one["OBJECT"] for one in results] == [f"F{index}" for index in range(1000)]
    assert desk.plan()["summary"]["done"] == 100


def test_every_manifest_here_plans(desk):
    """Several projects in one invocation: quickstart, an interactive session and a mixed project too."""
    examples = sorted((ROOT / "manifests").rglob("*.yaml"))
    document = desk.plan(*examples, "--state", f"{desk.folder}/none/", cwd=ROOT)
    projects = {plan["project"]: plan["summary"] for plan in document["plans"]}
    assert projects["quickstart"]["create"] + projects["quickstart"]["wait"] == 12
    assert projects["notebook"]["create"] == 1
    assert projects["mixed"]["create"] == 5
    assert projects["fits-processing"]["create"] == 100
