"""`doctor`: check server, credential, account, clock, limits, registry login, manifests, states and locks.

Every check is made, whatever the others found. Nothing is changed, and no lock is taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.account.health import Check, Health, failed, not_checked, passed
from skaha_apply.model.counts import counted
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.workflow.account.server_checks import survey_server
from skaha_apply.workflow.account.state_checks import state_checks
from skaha_apply.workflow.setup.load import diagnose, find_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.diagnostics import Diagnostic
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.settings import Settings

_LINT = "skaha-apply lint"


@dataclass(frozen=True)
class Examination:
    """All checks in the order of the output, and the projects of the manifests, whose secrets must be masked."""

    checks: tuple[Check, ...]
    projects: tuple[Project, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether no check failed."""
        return all(check.health is not Health.FAILED for check in self.checks)


async def examine(
    setting: Settings, expires_within: float = 0.0, stdin: Callable[[], bytes] | None = None
) -> Examination:
    """Make every check. A problem becomes a failed check, never an error.

    Args:
        setting: the invocation; its manifests can be missing or broken.
        expires_within: seconds; a credential that ends within them is a failed check.
        stdin: reads the manifest for the path `-`.
    """
    projects, manifests = check_manifests(setting, stdin)
    homes = projects[0].homes if projects and setting.sandbox else ()
    server = await survey_server(setting, Path(homes[0]) if homes else None, expires_within)
    checks = [*server.checks, manifests]
    for project in projects:
        checks += await state_checks(server, project)
    if not projects:
        checks += [not_checked(name, "no manifest names a project") for name in ("state", "lock")]
    return Examination(tuple(checks), projects)


def check_manifests(setting: Settings, stdin: Callable[[], bytes] | None) -> tuple[tuple[Project, ...], Check]:
    """The projects whose states are checked, and the check of the manifests. Raises nothing."""
    place = ", ".join(setting.sources)
    try:
        projects, found = diagnose(setting, stdin)
        chosen = projects if setting.project is None else _named(setting, projects, stdin)
    except SkahaApplyError as error:
        return (), failed("manifests", error, _LINT)
    if not setting.paths and [one.location.file for one in found] == list(setting.sources):
        return chosen, not_checked("manifests", f"there are none in {place}")  # the one diagnostic is about the folder
    errors = [one for one in found if one.severity is Severity.ERROR]
    if errors:
        return chosen, _broken(errors)
    if any(project not in projects for project in chosen):
        names = ", ".join(project.name for project in projects)
        missing = UsageError(f"there is no project {setting.project!r} in {place}", hint=f"the projects are: {names}")
        return chosen, failed("manifests", missing, _LINT)
    sessions = counted(sum(len(project.sessions) for project in projects), "session spec")
    warnings = f"; {counted(len(found), 'warning')} of lint" if found else ""
    return chosen, passed("manifests", f"{counted(len(projects), 'project')} with {sessions} in {place}{warnings}")


def _named(setting: Settings, projects: tuple[Project, ...], stdin: Callable[[], bytes] | None) -> tuple[Project, ...]:
    """The project of `--project`; one that no manifest has can have a state nevertheless."""
    chosen = tuple(project for project in projects if project.name == setting.project)
    return chosen or (find_project(setting, setting.project or "", stdin),)


def _broken(errors: list[Diagnostic]) -> Check:
    more = f" (and {counted(len(errors) - 1, 'further error')})" if len(errors) > 1 else ""
    text = f"{errors[0].location}: {errors[0].summary}{more}"
    return Check("manifests", Health.FAILED, text, f"to see every error, run `{_LINT}`")
