"""A script of a user, which mypy checks with the package: results have their types, and wrong options are errors."""

from __future__ import annotations

from typing import assert_type

import skaha_apply


def without_await() -> None:
    """A script, or a cell of a notebook."""
    project = skaha_apply.load("manifests", variables={"night": 3})
    with skaha_apply.connect_sync(sandbox=True) as skaha:
        plan = skaha.plan(project, target="reduce/1", force=True)
        report = skaha.apply(project, plan=plan, wait="complete", timeout=60)
        assert_type(plan, skaha_apply.Plan)
        assert_type(report, skaha_apply.Report)
        assert_type(skaha.status(project), skaha_apply.Status)
        assert_type(skaha.timeline(project), skaha_apply.Timeline)
        assert_type([log.text for log in skaha.logs(project, "reduce/1", attempt="all")], list[str])
        skaha.apply(project, wait="forever")  # type: ignore[arg-type]
        skaha.plan(project, tagret="reduce/1")  # type: ignore[call-arg]
        skaha.mark(project, "redo")  # type: ignore[arg-type]
        skaha.plan()  # type: ignore[call-arg]


async def with_await() -> None:
    """The same with an event loop."""
    project = skaha_apply.load("manifests")
    async with skaha_apply.connect() as skaha:
        assert_type(await skaha.plan(project), skaha_apply.Plan)
    skaha = await skaha_apply.connect()
    assert_type(await skaha.wait(project), skaha_apply.Report)
    await skaha.aclose()
