"""What the live page shows: manifests and states, read again and again without a lock.

Nothing is written. A project that cannot be read keeps its last page, and each error is one line.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import SkahaApplyError, StateError
from skaha_apply.planning.options import PlanOptions
from skaha_apply.workflow.page import page_of_plan, project_page
from skaha_apply.workflow.plan import offline_plan_from, offline_situation
from skaha_apply.workflow.setup.context import find_location, open_context
from skaha_apply.workflow.state.binding import find_store
from skaha_apply.workflow.status import survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.display.page import ProjectPage
    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.model.state import StateDocument
    from skaha_apply.workflow.setup.context import Context
    from skaha_apply.workflow.setup.settings import Settings

_LOG = logging.getLogger(__name__)
_REST = 10.0  # times the time that reading the manifests took, until they are read again


@dataclass(frozen=True)
class _Reading:
    """What a project was read from, and its page. `state` is None if there is no state yet.

    `store` is used again as long as the manifests are not read again. It reads no file that has not changed.
    """

    project: Project
    state: StateDocument | None
    page: ProjectPage
    store: Store | None = None


class PageReading:
    """Reads all projects of an invocation, each time that it is called.

    `load` reads the manifests. With `refresh`, the sessions on the server are listed too.
    """

    def __init__(self, setting: Settings, load: Callable[[], tuple[Project, ...]], *, refresh: bool) -> None:
        self._setting, self._load, self._refresh = setting, _Manifests(load), refresh
        self._readings: dict[str, _Reading] = {}
        self._errors: list[str] = []
        self._has_succeeded = False

    def __call__(self) -> tuple[tuple[ProjectPage, ...], tuple[str, ...]]:
        """The pages in the order of the manifests, and the errors. A project without a change keeps its page.

        The first reading raises an error instead.
        """
        self._errors = []
        try:
            asyncio.run(self._read())
        except SkahaApplyError as error:
            self._report(error)
        except Exception as error:
            if not self._has_succeeded:
                raise
            _LOG.exception("a bug: the projects could not be read")
            self._errors.append(f"a bug of skaha-apply: {type(error).__name__}")
        self._has_succeeded = True
        return tuple(one.page for one in self._readings.values()), tuple(self._errors)

    def _report(self, error: SkahaApplyError, project: str = "") -> None:
        if not self._has_succeeded:
            raise error
        self._errors.append(f"{project}: {error.located_message}" if project else error.located_message)

    async def _read(self) -> None:
        projects = self._load()
        async with AsyncExitStack() as stack:
            contexts: dict[Path | None, Context] = {}
            for project in projects:
                try:
                    await self._read_project(project, contexts, stack)
                except SkahaApplyError as error:
                    self._report(error, project.name if len(projects) > 1 else "")
        found = {one.name: self._readings[one.name] for one in projects if one.name in self._readings}
        # If no project of the edited manifests can be read, the page keeps those of before.
        self._readings = found or self._readings

    async def _read_project(
        self, project: Project, contexts: dict[Path | None, Context], stack: AsyncExitStack
    ) -> None:
        if not self._refresh:
            await self._read_state(project)
            return
        home = Path(project.homes[0]) if self._setting.sandbox and project.homes else None
        if home not in contexts:
            contexts[home] = await stack.enter_async_context(open_context(self._setting, home))
        context = contexts[home].at(project)
        status = await survey(context, project)
        page = project_page(context.location, project, status)
        self._readings[project.name] = _Reading(project, status.document, page)

    async def _read_state(self, project: Project) -> None:
        """Read the state. If nothing has changed, no plan is made and no log is read."""
        location, known = find_location(self._setting).at(project), self._readings.get(project.name)
        store = known.store if known is not None and known.project is project else None
        store = store or find_store(location, project)
        situation = await offline_situation(location, project, PlanOptions(), store)
        state = None if situation.new_state else situation.state
        if state is None and known is not None and known.state is not None:
            raise StateError(
                f"the state has disappeared: {store.address}", hint="Restore it, or start `ui` again without it."
            )
        if known is not None and _is_same(known.project, project) and (known.state is state or known.state == state):
            self._readings[project.name] = _Reading(project, state, known.page, store)
            return
        page = page_of_plan(location, project, situation, offline_plan_from(project, situation))
        self._readings[project.name] = _Reading(project, state, page, store)


class _Manifests:
    """The projects of the manifests. Long manifests are read again after ten times the time that reading takes."""

    def __init__(self, load: Callable[[], tuple[Project, ...]]) -> None:
        self._load = load
        self._projects: tuple[Project, ...] = ()
        self._next = float("-inf")

    def __call__(self) -> tuple[Project, ...]:
        """The projects; raises what `load` raises, and reads again the next time."""
        began = time.monotonic()
        if began >= self._next:
            self._next = began
            self._projects = self._load()
            ended = time.monotonic()
            self._next = ended + _REST * (ended - began)
        return self._projects


def _is_same(one: Project, other: Project) -> bool:
    """Whether two readings of a project are equal, wherever its fields stand in the files."""
    return one is other or replace(one, locations=other.locations) == other
