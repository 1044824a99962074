"""Reads the graph of entries from manifests, also from manifests that `plan` refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply import manifest
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.errors import ManifestError, UsageError
from skaha_apply.planning.scheduling.entry_graph import entry_graph
from skaha_apply.state.paths import find_homes

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.display.entry_graph import EntryGraph
    from skaha_apply.workflow.setup.settings import Settings


def entry_graphs(setting: Settings, stdin: Callable[[], bytes] | None = None) -> tuple[tuple[EntryGraph, ...], int]:
    """The graph of each project of an invocation, and the number of errors in its manifests.

    An entry with an error is left out. It sends no request, and reads no state.

    Raises:
        ManifestError: no entry can be read; it has all diagnostics.
        UsageError: `--project` names a project that no manifest has.
    """
    loaded = manifest.load(setting.sources, root=find_homes, stdin=stdin, given=setting.given)
    errors = [one for one in loaded.diagnostics if one.severity is Severity.ERROR]
    if not loaded.projects:
        raise ManifestError(loaded.diagnostics)
    names = [project.name for project in loaded.projects]
    if setting.project is not None and setting.project not in names:
        raise UsageError(
            f"there is no project {setting.project!r} in these manifests", hint=f"the projects are: {', '.join(names)}"
        )
    chosen = [one for one in loaded.projects if setting.project in (None, one.name)]
    return tuple(entry_graph(one.name, one.sessions, one.empty) for one in chosen), len(errors)
