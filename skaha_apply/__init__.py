"""Declarative sessions for CANFAR's Skaha API: manifests in git, a plan, an idempotent apply.

The names below are the Python API (`skaha_apply.workflow.api` describes them); they are imported when first used, so
that `skaha_apply.distributed` stays light inside containers.
"""

from __future__ import annotations

from skaha_apply.model import __version__

TYPE_CHECKING = False  # the command `--version` spares the import of typing
if TYPE_CHECKING:
    from typing import Any

    from skaha_apply.model.errors import (
        ManifestError,
        SafetyRefusal,
        ServerError,
        SkahaApplyError,
        StalePlan,
        StateError,
        StateLocked,
        UsageError,
    )
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Report
    from skaha_apply.model.status import ProjectStatus as Status
    from skaha_apply.model.status import Timeline
    from skaha_apply.workflow.api.connect import connect, connect_sync
    from skaha_apply.workflow.api.connection import Skaha
    from skaha_apply.workflow.api.projects import Session, define, load, load_all
    from skaha_apply.workflow.api.sync_connection import SyncSkaha
    from skaha_apply.workflow.setup.settings import Settings

__all__ = [
    "ManifestError",
    "Plan",
    "Project",
    "Report",
    "SafetyRefusal",
    "ServerError",
    "Session",
    "Settings",
    "Skaha",
    "SkahaApplyError",
    "StalePlan",
    "StateError",
    "StateLocked",
    "Status",
    "SyncSkaha",
    "Timeline",
    "UsageError",
    "__version__",
    "connect",
    "connect_sync",
    "define",
    "load",
    "load_all",
]
# The module of each name that is not an error.
_HOMES = {
    "SyncSkaha": "workflow.api.sync_connection",
    "Plan": "model.plan",
    "Project": "model.project",
    "Report": "model.report",
    "Session": "workflow.api.projects",
    "Settings": "workflow.setup.settings",
    "Skaha": "workflow.api.connection",
    "Status": "model.status",
    "Timeline": "model.status",
    "connect": "workflow.api.connect",
    "connect_sync": "workflow.api.connect",
    "define": "workflow.api.projects",
    "load": "workflow.api.projects",
    "load_all": "workflow.api.projects",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    home = import_module(f"{__name__}.{_HOMES.get(name, 'model.errors')}")
    return getattr(home, "ProjectStatus" if name == "Status" else name)


def __dir__() -> list[str]:
    return list(__all__)
