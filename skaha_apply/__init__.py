"""Declarative sessions for CANFAR's Skaha API: manifests in git, a plan, an idempotent apply.

The names below are the Python API (`skaha_apply.workflow.api` describes them); they are imported when first used, so
that `skaha_apply.distributed` stays light inside containers.
"""

from __future__ import annotations

from skaha_apply.model import __version__

TYPE_CHECKING = False  # the command `--version` spares the import of typing
if TYPE_CHECKING:
    from typing import Any

    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.api import Session, Skaha, connect, define, load, load_all

__all__ = ["Project", "Session", "Skaha", "SkahaApplyError", "__version__", "connect", "define", "load", "load_all"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    homes = {"Project": "model.project", "SkahaApplyError": "model.errors"}
    return getattr(import_module(f"{__name__}.{homes.get(name, 'workflow.api')}"), name)
