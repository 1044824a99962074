"""docs/sandbox.md lists every option, control route, fault and setting."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from skaha_apply.sandbox.faults.fault_plan import KINDS, FaultPlan

DOCS = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_options():
    command = [sys.executable, "-m", "skaha_apply.sandbox", "serve", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = {word.strip("[],") for word in shown.split() if word.strip("[],").startswith("--")} - {"--help"}
    assert len(options) > 15
    assert [option for option in options if f"`{option}" not in DOCS] == []


def test_faults():
    assert [one.name for one in fields(FaultPlan) if f"`{one.name}`" not in DOCS] == []
    assert [kind for kind in KINDS if f"`{kind}`" not in DOCS and f"`rate_{kind}`" not in DOCS] == []


def test_control_routes_and_settings(sandbox):
    known = sandbox.http.get("/sandbox/nothing").text.partition("there are: ")[2].strip().split(", ")
    assert len(known) >= 10
    assert [route for route in known if f"`{route}" not in DOCS] == []
    assert [name for name in sandbox.settings() if f"`{name}`" not in DOCS] == []
