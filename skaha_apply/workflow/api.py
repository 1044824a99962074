"""The use cases for notebooks and scripts: connect, load or define a project, plan, apply, wait.

    async with skaha_apply.connect() as skaha:
        project = skaha_apply.load("manifests/fits-processing.yaml")
        report = await skaha.apply(project, wait="complete")
        for session in report.sessions:
            print(session.name, session.replica, session.id, session.phase)

Everything runs on the current event loop (that of a notebook, or of `asyncio.run`). Canceling is safe at any
moment: requests in flight have some seconds to finish, the state is saved, and the next invocation continues.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.errors import ManifestError, UsageError
from skaha_apply.model.project import Project
from skaha_apply.model.spec import SessionSpec
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.safety.approval import needs_approval
from skaha_apply.workflow.reconcile.request import ApplyOptions
from skaha_apply.workflow.setup.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.report import Event, Report
    from skaha_apply.model.status import ReplicaStatus
    from skaha_apply.workflow.setup.context import Context

Session = SessionSpec
Wait = Literal["none", "ready", "complete"]
_HERE = "(python)"  # the manifest file of sessions that a script defines


def load(*paths: str | Path, variables: Mapping[str, object] | None = None) -> Project:
    """The one project that manifests describe (files or folders; by default `manifests/`, else the folder itself).

    Args:
        paths: the manifests.
        variables: values by name, as `--var` gives them. Variables `SKAHA_VAR_name` of the environment give values too.

    Raises:
        ManifestError: for anything that cannot be applied, with all diagnostics.
        UsageError: the manifests have several projects (`load_all` returns them), or none of them declares one of
            `variables`.
    """
    projects = load_all(*paths, variables=variables)
    if len(projects) > 1:
        names = ", ".join(project.name for project in projects)
        raise UsageError(f"these manifests hold several projects ({names})", hint="Use load_all, or name one file.")
    return projects[0]


def load_all(*paths: str | Path, variables: Mapping[str, object] | None = None) -> tuple[Project, ...]:
    """Every project that manifests describe; see `load`."""
    from skaha_apply.workflow.setup.load import load_projects  # noqa: PLC0415 - YAML, for those who load some
    from skaha_apply.workflow.setup.variables import given  # noqa: PLC0415 - as above

    values = given({name: str(value) for name, value in (variables or {}).items()}, (), os.environ)
    return load_projects(Settings(paths=tuple(map(str, paths)), given=values))[0]


def define(name: str, *sessions: Session, secrets: Mapping[str, str] | None = None) -> Project:
    """A project without a manifest: `define("survey", Session(name="reduce", image=..., replicas=100, cmd="python"))`.

    A value of `secrets` takes the place of `${var.NAME}` in cmd, args and env when a session is created, and is neither
    shown nor stored.

    Raises:
        ManifestError: for what the server would refuse, drop or change.
    """
    from skaha_apply import lint  # noqa: PLC0415

    placed = tuple(session.model_copy(update={"file": _HERE}) for session in sessions)
    project = Project(name=name, sessions=placed, files=(_HERE,), secrets=dict(secrets or {}))
    errors = tuple(one for one in lint.check((project,)) if one.severity is Severity.ERROR)
    if errors:
        raise ManifestError(errors)
    return project


@dataclass(frozen=True)
class Skaha:
    """A connection to one server.

    The state of a project lives where its manifests are, as on the command line. A project that the script defines has
    no manifests: its state lives in the checkout of the working directory, else in the working directory.
    """

    _context: Context

    async def plan(self, project: Project) -> Plan:
        """What `apply` would do; takes no lock and writes nothing.

        Raises:
            StateError: for a state that cannot be read, or belongs to another project, server or account.
            ServerError: when the server cannot be asked.
        """
        from skaha_apply.workflow.plan import plan  # noqa: PLC0415

        return await plan(self._context.at(project), project, PlanOptions())

    async def apply(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        project: Project,
        *,
        plan: Plan | None = None,
        wait: Wait = "none",
        timeout: float | None = None,  # noqa: ASYNC109 - a user's option, as on the command line
        poll: float = 10.0,
        approve: Callable[[Plan], bool] = lambda _: True,
        observe: Callable[[Event], None] = lambda _: None,
    ) -> Report:
        """Create, replace and delete sessions until the server has what the project asks for.

        It is safe to repeat at any time.

        Args:
            project: what should exist.
            plan: carry out exactly this plan, or raise `StalePlan`; by default a new plan is made.
            wait: continue until created sessions run (`ready`), or until nothing can change (`complete`).
            timeout: seconds after which the wait ends; the exit code of the report is 10 then.
            poll: seconds between passes while waiting.
            approve: gets the plan and returns whether to carry it out; by default every plan is carried out.
            observe: gets each event as it happens.

        Returns:
            Counts, failures, and name, replica, ID and phase of each session.

        Raises:
            SafetyRefusal: a safety rule refuses the plan.
            StalePlan: the given plan differs from the plan as it is now.
            StateLocked: another process works on this project.
            StateError, ServerError: state or server cannot be used.
        """
        from skaha_apply.workflow.reconcile.loop import apply  # noqa: PLC0415

        async def answer(shown: Plan) -> bool:
            return approve(shown)

        approved = None if plan is None else plan.approved
        options = ApplyOptions(wait=wait, timeout=timeout, poll=poll, init=True, approved=approved)
        return await apply(self._context.at(project), project, options, answer, observe)

    async def wait(
        self,
        project: Project,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - a user's option, as on the command line
        poll: float = 10.0,
        observe: Callable[[Event], None] = lambda _: None,
    ) -> Report:
        """Wait until nothing can change, and create what becomes due; nothing is deleted or replaced."""
        return await self.apply(
            project,
            wait="complete",
            timeout=timeout,
            poll=poll,
            approve=lambda plan: not any(needs_approval(action) for action in plan.actions),
            observe=observe,
        )

    async def destroy(self, project: Project, *, force: bool = False, allow_loss: float = 100.0) -> Report:
        """Delete the live sessions that the state owns. Protected sessions stay, and finished work stays recorded."""
        from skaha_apply.workflow.reconcile.loop import destroy  # noqa: PLC0415

        async def yes(_: Plan) -> bool:
            return True

        options = ApplyOptions(plan=PlanOptions(force=force, allow_loss=allow_loss), init=True)
        return await destroy(self._context.at(project), project, options, yes, lambda _: None)

    async def status(self, project: Project) -> tuple[ReplicaStatus, ...]:
        """The status of every replica."""
        from skaha_apply.workflow.status import status  # noqa: PLC0415

        return await status(self._context.at(project), project)


@asynccontextmanager
async def connect(
    server: str | None = None,
    *,
    credential_command: str | None = None,
    sandbox: bool = False,
    state: str | None = None,
    setting: Settings | None = None,
) -> AsyncIterator[Skaha]:
    """A connection: server and credential as on the command line, or a sandbox on this machine.

    Args:
        server: a URL, or the name of a configured server.
        credential_command: a command that prints a token or a PEM certificate, as `--credential-command`.
        sandbox: use a local sandbox, started when none runs.
        state: where the state lives; by default below `.skaha-apply` where the manifests are (`docs/state.md`).
        setting: everything else (concurrency, settle time, working directory).

    Raises:
        ServerError: without a usable credential.
        UsageError: the address of the server is wrong.
    """
    from skaha_apply.workflow.setup.context import open_context  # noqa: PLC0415 - httpx, for those who connect

    base = setting or Settings()
    command = credential_command if credential_command is not None else base.credential_command
    chosen = replace(base, server=server, credential_command=command, sandbox=sandbox, state=state)
    async with open_context(chosen) as context:
        yield Skaha(context)
