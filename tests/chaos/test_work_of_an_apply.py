"""How many requests and writes an apply of a thousand creates needs: one write per batch, never one per request."""

from __future__ import annotations

import random

from server import IMAGES, Weather
from world import Universe

from skaha_apply.model.project import Project
from skaha_apply.model.spec import SessionSpec

CREATES, CONCURRENCY = 1000, 32


def survey(replicas):
    """A project with one session in many replicas."""
    spec = SessionSpec(
        name="reduce", image=IMAGES[0], replicas=replicas, cores=1, ram=1, cmd="run", file="manifests/survey.yaml"
    )
    return Project(name="survey", sessions=(spec,), files=(spec.file,), folders=("manifests",))


def calm_universe(folder):
    """A server without faults, whose first listing is not empty: an empty one is requested twice."""
    universe = Universe(random.Random(0), folder, concurrency=CONCURRENCY)
    universe.server.plan = lambda form: (1.0, 10_000.0, False)
    universe.server.add_unmanaged_session("other")
    universe.server.change_weather(Weather(latency=(0.05, 0.05)))
    return universe


def test_a_thousand_creates_need_two_listings_and_one_write_per_batch(tmp_path):
    project, universe = survey(CREATES), calm_universe(tmp_path)
    ended = universe.apply(project)
    assert ended.report is not None, ended
    assert len(universe.state(project).replicas) == CREATES
    assert ended.process.points["request"] == CREATES + 2
    # Without a batch there would be a thousand. The end has a write of its own.
    assert universe.vaults["survey"].writes <= CREATES / (4 * CONCURRENCY)


def test_the_first_creates_behind_a_canary_are_stored_with_it(tmp_path):
    project, universe = survey(4 * CONCURRENCY), calm_universe(tmp_path)
    universe.apply(project)
    assert universe.vaults["survey"].writes == 2  # all intents, and the end


def test_a_refused_canary_leaves_no_intent_and_no_other_request(tmp_path):
    project, universe = survey(CREATES), calm_universe(tmp_path)
    universe.server.refusal = (400, b"image not allowed\n", "text/plain")
    ended = universe.apply(project)
    state = universe.state(project)
    assert universe.server.served["POST"] == 1
    assert len(ended.report.failed) == CREATES
    assert (state.intents, state.replicas, state.tombstones) == ((), (), ())


def test_a_canary_without_a_response_renews_the_intents_behind_it(tmp_path):
    """An intent names the sessions that have its name in the latest listing; none of them is adopted later."""
    project, universe = survey(3), calm_universe(tmp_path)
    server, faults, unmanaged = universe.server, iter(["drop_after", "", "drop_before"]), []

    def appear(form):
        if form["name"] == "reduce-1":
            unmanaged.append(server.add_unmanaged_session("reduce-3", created=0.0, listed=0.0))
        return 1.0, 10_000.0, False

    server.plan = appear
    server._fault = lambda ticket: next(faults, "") if ticket.method == "POST" else ""
    universe.apply(project)
    assert server.served["POST"] == 4
    assert unmanaged[0].id not in {record.id for record in universe.state(project).replicas}
    assert {record.phase.value for record in universe.state(project).replicas} == {"running"}
