"""`apply`: one pass, and with `--wait` more passes until nothing can change.

The lock lasts for a pass, not for the wait. Each pass reads the state and the credential again; the manifests are
read once. Later passes carry out what the approved plan showed as due later (waits, retries, renewals) and delete
duplicate sessions of their own. They report a delete or replace that was not approved, and leave it undone.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import Unauthorized
from skaha_apply.model.session import Phase
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.workflow.reconcile.credential_wait import wait_for_credential
from skaha_apply.workflow.reconcile.one_pass import is_notified, observe_and_record, one_pass, send_due_notices
from skaha_apply.workflow.reconcile.report import make_report, reporting_early_end, waiting_replicas
from skaha_apply.workflow.reconcile.request import ApplyOptions, ApplyRequest
from skaha_apply.workflow.reconcile.results import PassResult, Progress
from skaha_apply.workflow.reconcile.summaries import invocation_end
from skaha_apply.workflow.reconcile.wait import sleep_until_next_pass, waiting_event
from skaha_apply.workflow.setup.variables import check_complete
from skaha_apply.workflow.state.locking import ProjectState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event, Report
    from skaha_apply.planning.summary.invocation_end import InvocationEnd
    from skaha_apply.workflow.setup.context import Context


@dataclass
class ApplyRun:
    """One `apply` of one project: the request, its state, what it has done so far, and its last pass."""

    request: ApplyRequest
    state: ProjectState
    progress: Progress = field(default_factory=Progress)
    last: PassResult = field(default_factory=PassResult)

    @property
    def end(self) -> InvocationEnd:
        """Whether the wait is over after the last pass, and the exit codes."""
        return invocation_end(self.request, self.progress, self.last)


async def apply(
    context: Context,
    project: Project,
    options: ApplyOptions,
    approve: Callable[[Plan], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> Report:
    """Create, replace and delete sessions until the server has what the project asks for.

    Args:
        context: server and stores.
        project: what should exist.
        options: how the plan is carried out.
        approve: gets the plan once, and returns whether the user agrees. Its result does not count for an empty or
            refused plan.
        observe: gets each event.

    Returns:
        What was done, and the phase of each replica; its `exit_code` is that of the invocation.

    Raises:
        SafetyRefusal: a safety rule refuses the plan (`approve` got it before).
        StalePlan: a saved plan differs from the plan as it is now.
        StateLocked: another process holds the lock.
        StateError: the state cannot be read, written or trusted.
        ServerError: the server cannot be used, and nothing was approved yet.
        UsageError: a sensitive variable has no value.
    """
    return await continue_run(await start_run(ApplyRequest(context, project, options, approve, observe)))


async def start_run(request: ApplyRequest) -> ApplyRun:
    """The first pass of `apply`, in which the plan is approved; `continue_run` makes the others."""
    if not request.options.plan.destroying:
        check_complete(request.project)
    run = ApplyRun(
        request, ProjectState(request.context, request.project, request.observe, request.options.known_lineage)
    )
    await _make_pass(run)
    return run


def what_waits(run: ApplyRun) -> str:
    """Which replicas wait for a slot or a dependency once the first pass has ended; "" if a wait would not help."""
    if run.last.left_out or run.request.options.wait != "none":
        return ""
    end = replace(run.end, wait="complete")
    return "" if end.is_over else waiting_replicas(end.summary)


def stay(run: ApplyRun) -> None:
    """Let the run wait until all work has ended."""
    run.request = replace(run.request, options=replace(run.request.options, wait="complete"))


async def continue_run(run: ApplyRun) -> Report:
    """Make passes until the wait is over. The runs of several projects can do so at the same time."""
    has_waited = False
    while not run.end.is_over:
        has_waited = True
        run.request.observe(waiting_event(run.request, run.last))
        with reporting_early_end(run.request, run.progress, lambda: run.last):
            timeout = await sleep_until_next_pass(run.request, run.last)
        if timeout is None:
            await _make_pass(run)
        else:
            run.last = replace(run.last, stopped=timeout)
    if has_waited:
        run.request.observe(waiting_event(run.request, run.last))  # the last one stays on the screen
    return make_report(run.request, run.progress, run.last)


async def _make_pass(run: ApplyRun) -> None:
    """Make a pass. Once a plan is approved, a refused credential repeats the pass with the next valid credential."""
    run.last = await one_pass(run.request, run.state, run.progress, run.last)
    while isinstance(refused := run.last.stopped, Unauthorized):
        with reporting_early_end(run.request, run.progress, lambda: run.last):
            timeout = await wait_for_credential(run.request, refused, run.last.deadline)
        if timeout is not None:
            run.last = replace(run.last, stopped=timeout)
            return
        run.progress.forget_failures(refused.message)
        run.last = await one_pass(run.request, run.state, run.progress, run.last)
    _report_pass(run.request, run.last)


def _report_pass(request: ApplyRequest, last: PassResult) -> None:
    if request.after_pass is not None:
        request.after_pass(request, last)


async def destroy(
    context: Context,
    project: Project,
    options: ApplyOptions,
    approve: Callable[[Plan], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> Report:
    """Delete the live sessions that the state owns. Protected replicas stay, and finished work stays recorded.

    See `apply` for what it raises.
    """
    destroying = replace(options.plan, destroying=True)
    return await apply(context, project, replace(options, plan=destroying, wait="none"), approve, observe)


async def refresh(
    context: Context,
    project: Project,
    observe: Callable[[Event], None],
    after_pass: Callable[[ApplyRequest, PassResult], None] | None = None,
) -> Report:
    """List the sessions, record phases and times, and save logs. See `apply` for what it raises.

    The exit code of the report is `UNFINISHED` only if a replica failed since the last pass, so that a schedule reports
    each failure once.
    """
    request = ApplyRequest(context, project, ApplyOptions(), _decline, observe, after_pass)
    progress = Progress()
    async with ProjectState(context, project, observe).locked("refresh") as execution:
        records = execution.ledger.document.replicas
        known = frozenset(record.key for record in records if record.phase in (Phase.FAILED, Phase.UNKNOWN))
        situation = await observe_and_record(request, execution, PassResult(), progress)
        plan, listing = make_plan(project, situation), situation.observation.listing
        if is_notified(request):
            await send_due_notices(request, plan, execution.ledger, progress, listing.at)
        last = PassResult(plan, listing, execution.ledger.document, known_failures=known)
    _report_pass(request, last)
    return make_report(request, progress, last)


async def _decline(_: Plan) -> bool:
    return False
