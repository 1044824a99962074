"""A connection to one server, with a method for each command that works on a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack

import skaha_apply.render.notebook.tables  # noqa: F401 - it registers how values show themselves
from skaha_apply.model.errors import ServerError
from skaha_apply.planning.safety.approval import needs_approval
from skaha_apply.workflow.api.boundary import api_method
from skaha_apply.workflow.api.choices import PlanChoices, known_attempt, known_wait
from skaha_apply.workflow.api.open_connection import OpenConnection
from skaha_apply.workflow.api.results import Histories, Marks
from skaha_apply.workflow.logs import read_logs
from skaha_apply.workflow.reconcile.request import ApplyOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event, Report
    from skaha_apply.model.status import ProjectStatus, Timeline
    from skaha_apply.workflow.logs import LogText

Wait = Literal["none", "ready", "complete"]


class Skaha(OpenConnection):
    """A connection to one server; `connect` opens it.

    The state of a project lives where its manifests are, as on the command line. A project that the script defines has
    no manifests: its state lives in the checkout of the working directory, else in the working directory.
    """

    @api_method
    async def plan(self, project: Project, **choices: Unpack[PlanChoices]) -> Plan:
        """What `apply` would do; takes no lock and writes nothing.

        `choices` are the options of the plan: target, exclude, adopt, take_over, force, allow_loss (`PlanChoices`).

        Raises:
            StateError: for a state that cannot be read, or belongs to another project, server or account.
            ServerError: when the server cannot be asked.
            UsageError: an option matches nothing.
        """
        from skaha_apply.workflow.plan import plan  # noqa: PLC0415

        return await plan(self._context.at(project), project, await self._options(project, choices))

    @api_method
    async def apply(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        project: Project,
        *,
        plan: Plan | None = None,
        wait: Wait = "none",
        timeout: float | str | None = None,  # noqa: ASYNC109 - a user's option, as on the command line
        poll: float | str = 10.0,
        limit: int | None = None,
        approve: Callable[[Plan], bool] = lambda _: True,
        observe: Callable[[Event], None] | None = None,
        display: bool | None = None,
        **choices: Unpack[PlanChoices],
    ) -> Report:
        """Create, replace and delete sessions until the server has what the project asks for.

        It is safe to repeat at any time.

        Args:
            project: what should exist.
            plan: carry out exactly this plan, or raise `StalePlan`; by default a new plan is made.
            wait: continue until created sessions run (`ready`), or until nothing can change (`complete`).
            timeout: when the wait ends, in seconds or as text (`6h`); the exit code of the report is 10 then.
            poll: the duration between passes while waiting, in seconds or as text.
            limit: the largest number of actions; by default all.
            approve: gets the plan and returns whether to carry it out; by default every plan is carried out.
            observe: gets each event as it happens.
            display: show the progress; by default only in a notebook, as a table that is updated in place.
            choices: the options of the plan: target, exclude, adopt, take_over, force, allow_loss (`PlanChoices`).

        Returns:
            Counts, failures, and name, replica, ID and phase of each session.

        Raises:
            SafetyRefusal: a safety rule refuses the plan.
            StalePlan: the given plan differs from the plan as it is now.
            StateLocked: another process works on this project.
            StateError, ServerError: state or server cannot be used.
            UsageError: an option matches nothing, or has no meaning.
        """
        from skaha_apply.workflow.reconcile.loop import apply  # noqa: PLC0415

        async def answer(shown: Plan) -> bool:
            return await self._callbacks.ask(lambda: approve(shown))

        options = ApplyOptions(
            plan=await self._options(project, choices),
            wait=known_wait(wait),
            timeout=None if timeout is None else float(timeout),
            poll=float(poll),
            limit=limit,
            init=True,
            approved=None if plan is None else plan.approved,
        )
        async with self._relay(project, observe, display=display) as events:
            return await apply(self._context.at(project), project, options, answer, events)

    @api_method
    async def wait(
        self,
        project: Project,
        *,
        timeout: float | str | None = None,  # noqa: ASYNC109 - a user's option, as on the command line
        poll: float | str = 10.0,
        observe: Callable[[Event], None] | None = None,
        display: bool | None = None,
    ) -> Report:
        """Wait until nothing can change, and create what becomes due; nothing is deleted or replaced."""
        return await self.apply(
            project,
            wait="complete",
            timeout=timeout,
            poll=poll,
            approve=lambda plan: not any(needs_approval(action) for action in plan.actions),
            observe=observe,
            display=display,
        )

    @api_method
    async def destroy(self, project: Project, **choices: Unpack[PlanChoices]) -> Report:
        """Delete the live sessions that the state owns. Protected sessions stay, and finished work stays recorded."""
        from skaha_apply.workflow.reconcile.loop import destroy  # noqa: PLC0415

        async def yes(_: Plan) -> bool:
            return True

        options = ApplyOptions(plan=await self._options(project, choices), init=True)
        return await destroy(self._context.at(project), project, options, yes, lambda _: None)

    @api_method
    async def refresh(self, project: Project, *, observe: Callable[[Event], None] | None = None) -> Report:
        """Record what the server reports, and save the logs of sessions that ended; creates and deletes nothing."""
        from skaha_apply.workflow.reconcile.loop import refresh  # noqa: PLC0415

        async with self._relay(project, observe, display=False) as events:
            return await refresh(self._context.at(project), project, events)

    @api_method
    async def status(self, project: Project) -> ProjectStatus:
        """The status of every replica; to iterate over it gives the replicas."""
        from skaha_apply.workflow.status import survey  # noqa: PLC0415

        return await survey(self._context.at(project), project)

    @api_method
    async def show(self, project: Project, name: str) -> Histories:
        """The history of the replicas that `NAME[/REPLICAS]` selects: attempts, causes, dependencies.

        A single replica has also its last events and log lines. If the server is unavailable, the state and the saved
        logs are read, and `offline` of each history is the reason.
        """
        from skaha_apply.workflow.replica.show import show, show_recorded  # noqa: PLC0415

        context = self._context.at(project)
        try:
            return Histories(await show(context, project, name))
        except ServerError as error:
            return Histories(await show_recorded(context.location, project, name, error.message))

    @api_method
    async def timeline(self, project: Project) -> Timeline:
        """The attempts of each replica with their times; `save` draws them, and a notebook shows the picture."""
        from skaha_apply.workflow.status import survey  # noqa: PLC0415
        from skaha_apply.workflow.timeline import timeline  # noqa: PLC0415

        return timeline(await survey(self._context.at(project), project))

    @api_method
    async def logs(
        self, project: Project, name: str, *, attempt: int | Literal["all"] | None = None
    ) -> tuple[LogText, ...]:
        """The logs of the replicas that `NAME[/REPLICAS]` selects, from the server, else from the saved copy.

        `attempt` is a number from 1, or `all`; by default the last attempt that has a log.
        """
        return await read_logs(self._context.at(project), project, name, attempt=known_attempt(attempt))

    @api_method
    async def events(
        self, project: Project, name: str, *, attempt: int | Literal["all"] | None = None
    ) -> tuple[LogText, ...]:
        """The events of the replicas that `NAME[/REPLICAS]` selects, as `logs` reads them."""
        return await read_logs(self._context.at(project), project, name, events=True, attempt=known_attempt(attempt))

    @api_method
    async def mark(
        self,
        project: Project,
        verb: Literal["complete", "rerun", "hold"],
        *names: str,
        phase: str | Iterable[str] = (),
        axis: str | None = None,
        force: bool = False,
    ) -> Marks:
        """Mark replicas as complete, to be rerun, or on hold; returns those that were marked.

        Args:
            project: the project.
            verb: the mark.
            names: `NAME[/REPLICAS]` patterns; with `axis`, values of this axis of a matrix.
            phase: only replicas in these phases (failed, unknown, done); by default all.
            axis: the axis of a matrix.
            force: also mark active replicas, and delete their sessions.

        Raises:
            UsageError: no replica is selected, or an active one without `force`.
            SkahaApplyError: some sessions could not be deleted.
        """
        from skaha_apply.workflow.api.marks import mark_options, mark_replicas  # noqa: PLC0415

        options = mark_options(verb, names, phase, axis, force=force)
        return Marks(await mark_replicas(self._context.at(project), project, options))
