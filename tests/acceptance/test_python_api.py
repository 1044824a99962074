"""The Python API inside a running event loop: six lines for a launch, safe to cancel at any moment."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

import skaha_apply
from skaha_apply.model.errors import StalePlan

IMAGE = "images.canfar.net/skaha/astroml:24.07"


@pytest.fixture
def notebook(desk, monkeypatch):
    """This process as a notebook would be: in the folder, with the surroundings of the desk."""
    monkeypatch.chdir(desk.folder)
    for name in ("HOME", "SKAHA_URL", "SKAHA_TOKEN"):
        monkeypatch.setenv(name, desk.environment[name])
    for name in ("CI", "CANFAR_URL", "CANFAR_TOKEN", "TF_HTTP_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    return desk


def survey(replicas=100, seconds="600"):
    session = skaha_apply.Session(name="reduce", image=IMAGE, replicas=replicas, cmd="sleep", args=(seconds,))
    return skaha_apply.define("survey", session)


def test_a_hundred_replicas_in_a_few_lines(notebook, sandbox):
    async def launch():
        async with skaha_apply.connect() as skaha:
            session = skaha_apply.Session(name="reduce", image=IMAGE, replicas=100, cmd="sleep", args=("600",))
            project = skaha_apply.define("survey", session)
            report = await skaha.apply(project)
            return [(one.name, one.replica, one.id) for one in report.sessions]

    launched = asyncio.run(launch())
    truth = {(one["name"], int(one["env"]["REPLICA_ID"]), one["id"]) for one in sandbox.sessions()}
    assert len(launched) == len(truth) == 100
    assert set(launched) == truth


def test_plan_apply_wait_status_and_destroy(notebook, sandbox):
    notebook.write({"name": "reduce", "replicas": 3, "cmd": "true"})

    async def work():
        async with skaha_apply.connect() as skaha:
            project = skaha_apply.load("m.yaml")
            plan = await skaha.plan(project)
            assert plan.summary["create"] == 3
            assert notebook.writes() == {}
            report = await skaha.apply(project, plan=plan)
            assert report.applied == {"create": 3}
            report = await skaha.wait(project, poll=0.2, timeout=60)
            assert Counter(one.phase for one in report.sessions) == {"done": 3}
            assert {row.phase for row in await skaha.status(project)} == {"done"}
            assert not (await skaha.plan(project)).has_changes
            with pytest.raises(StalePlan):
                await skaha.apply(survey(4), plan=plan)
            await skaha.destroy(project)

    asyncio.run(work())
    # the command line continues with the same state
    assert notebook.plan()["summary"]["done"] == 3


def test_canceled_apply_loses_nothing_and_creates_nothing_twice(notebook, sandbox):
    sandbox.faults(latency_ms=[20, 300], only=["POST /session"])
    setting = skaha_apply.workflow.setup.settings.Settings(concurrency=8, settle=0.5)

    async def canceled():
        async with skaha_apply.connect(setting=setting) as skaha:
            begun = asyncio.Event()
            seen = []

            def observe(event):
                seen.append(event)
                if len(seen) > 20:
                    begun.set()

            task = asyncio.create_task(skaha.apply(survey(), observe=observe))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with skaha_apply.connect(setting=setting) as skaha:
            made = len(notebook.live())
            plan = await skaha.plan(survey())
            assert plan.summary["create"] == 100 - made
            sandbox.faults()
            await skaha.apply(survey())
            return made

    made = asyncio.run(canceled())
    assert 10 < made < 100
    assert len(notebook.live()) == 100
    assert len(sandbox.sessions()) == 100


def test_declined_approval_changes_nothing(notebook):
    async def declined():
        async with skaha_apply.connect() as skaha:
            return await skaha.apply(survey(2), approve=lambda plan: plan.summary["create"] < 2)

    assert asyncio.run(declined()).applied == {}
    assert notebook.writes() == {}
