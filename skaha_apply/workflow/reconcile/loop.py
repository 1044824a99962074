"""Apply: lock, look, plan, approve, act, confirm, report; with `--wait`, pass after pass until nothing can change.

The lock is held for a pass, not for the wait, and state and credential are read again in each. What is desired is read
once. Later passes do what the approved plan showed as due later (waits, retries, renewals, doubles of our own); a
delete or replace that was not approved is reported, not done.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.report import Note
from skaha_apply.workflow.plan import plan_from
from skaha_apply.workflow.reconcile import wait
from skaha_apply.workflow.reconcile.one_pass import make_pass, make_tools, sighted
from skaha_apply.workflow.reconcile.report import interrupted, make_report
from skaha_apply.workflow.reconcile.run import ApplyOptions, Run
from skaha_apply.workflow.setup.variables import check_complete
from skaha_apply.workflow.state.locking import open_ledger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event, Report
    from skaha_apply.workflow.setup.context import Context


async def apply(
    world: Context,
    project: Project,
    options: ApplyOptions,
    approve: Callable[[Plan], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> Report:
    """Make the server hold what the project asks for.

    Args:
        world: server and stores.
        project: what should exist.
        options: how.
        approve: is shown the plan, once, and says yes or no; its answer to an empty or refused plan does not count.
        observe: is told what happens.

    Returns:
        What was done and where each replica stands; its `exit_code` is that of the call.

    Raises:
        SafetyRefusal: a safety rule refuses the plan (shown to `approve` before).
        StalePlan: a saved plan no longer describes what would be done.
        StateLocked: somebody else holds the lock.
        StateError: the state cannot be read, written or trusted.
        ServerError: the server cannot be asked, before anything was approved.
        UsageError: a sensitive variable has no value.
    """
    return await go_on(await begin(world, project, options, approve, observe))


async def begin(
    world: Context,
    project: Project,
    options: ApplyOptions,
    approve: Callable[[Plan], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> Run:
    """The first pass of `apply`, in which the plan is approved; `go_on` makes the others, if they are waited for."""
    if not options.plan.destroying:
        check_complete(project)
    run = Run(world, project, options, approve, observe)
    with _reporting_interrupts(run):
        await make_pass(run)
    return run


async def go_on(run: Run) -> Report:
    """Pass after pass until the wait is over; the runs of several projects may do so side by side."""
    with _reporting_interrupts(run):
        await _wait(run)
    return make_report(run)


@contextmanager
def _reporting_interrupts(run: Run) -> Iterator[None]:
    """Report what an interrupt leaves once something was approved."""
    try:
        yield
    except asyncio.CancelledError:
        if run.approved is not None:
            run.observe(Note(interrupted(run)))
        raise


async def _wait(run: Run) -> None:
    waited = False
    while not run.declined and run.halted is None and not wait.ended(run):
        waited = True
        run.observe(wait.waiting(run))
        await wait.rest(run)
        if run.halted is None:
            await make_pass(run)
    if waited:
        run.observe(wait.waiting(run))  # what was shown last stays on the screen


async def destroy(
    world: Context,
    project: Project,
    options: ApplyOptions,
    approve: Callable[[Plan], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> Report:
    """Delete what is live and owned; protected replicas stay, the memory of what is done is kept. See `apply`."""
    destroying = replace(options.plan, destroying=True)
    return await apply(world, project, replace(options, plan=destroying, wait="none"), approve, observe)


async def refresh(world: Context, project: Project, observe: Callable[[Event], None]) -> Report:
    """Look and record (phases, times, logs), and do nothing else. See `apply` for what it raises."""
    run = open_run(world, project, observe)
    async with open_ledger(world, project, "refresh") as (ledger, _):
        situation = await sighted(run, make_tools(run, ledger), new=False)
        run.plan = plan_from(world, project, run.options.plan, situation)
        run.document, run.listing = ledger.document, situation.observation.listing
    return make_report(run)


def open_run(world: Context, project: Project, observe: Callable[[Event], None]) -> Run:
    """A run that approves nothing, for commands that only look and record."""

    async def no(_: Plan) -> bool:
        return False

    return Run(world, project, ApplyOptions(), no, observe)
