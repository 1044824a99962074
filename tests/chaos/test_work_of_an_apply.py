"""How many requests and writes an apply of a thousand creates needs: one write per batch, never one per request."""

from __future__ import annotations

import random

from server import IMAGES, Weather
from world import Universe

from skaha_apply.model.project import Project
from skaha_apply.model.spec import SessionSpec

CREATES, CONCURRENCY = 1000, 32


def test_a_thousand_creates_need_two_listings_and_one_write_per_batch(tmp_path):
    spec = SessionSpec(name="reduce", image=IMAGES[0], replicas=CREATES, cmd="run", file="manifests/survey.yaml")
    project = Project(name="survey", sessions=(spec,), files=(spec.file,), folders=("manifests",))
    universe = Universe(random.Random(0), tmp_path, concurrency=CONCURRENCY)
    universe.server.plan = lambda form: (1.0, 10_000.0, False)
    universe.server.add_unmanaged_session("other")  # the first listing is requested twice if it is empty
    universe.server.change_weather(Weather(latency=(0.05, 0.05)))
    ended = universe.apply(project)
    assert ended.report is not None, ended
    assert len(universe.state(project).replicas) == CREATES
    assert ended.process.points["request"] == CREATES + 2
    # Without a batch there would be a thousand. The canary has a write of its own, and the end has one.
    assert universe.vaults["survey"].writes <= CREATES / (4 * CONCURRENCY)
