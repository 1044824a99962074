"""Plans to render, made from a few words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from skaha_apply.model.plan import Action, ActionKind, Plan

sys.path.insert(0, str(Path(__file__).parent))

from reason_notes import note

_ORDER = {ActionKind.DELETE: 0, ActionKind.REPLACE: 1}


@pytest.fixture
def action():
    def make(kind, session="reduce", replica=1, replicas=100, reason="", **more):
        name = session if replicas == 1 else f"{session}-{replica}"
        given = {"kind": ActionKind(kind), "session": session, "replica": replica, "replicas": replicas}
        return Action(**given, name=more.pop("name", name.lower()), reason=note(reason), **more)

    return make


@pytest.fixture
def plan():
    def make(*actions, **more):
        ordered = tuple(sorted(actions, key=lambda action: _ORDER.get(action.kind, 2)))
        given = {"project": "survey", "server": "https://ws-uv.canfar.net/skaha/v1", "digest": "sha256:0"} | more
        return Plan(actions=ordered, **given)

    return make
