"""The sandbox of a project: where its data is, how it is started, and how messages name it."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.state.paths import FOLDER, find_checkout, find_root

if TYPE_CHECKING:
    from skaha_apply.sandbox import Rehearsal, RunningSandbox
    from skaha_apply.workflow.setup.settings import Settings

SANDBOX = "sandbox"
RECORD = "server.json"  # what a sandbox writes while it runs
UNUSED = "A sandbox runs for this project and requires no credential; to use it, add --sandbox."
MOST_FOLDERS = 5_000  # folders that are searched for a sandbox outside a checkout


def sandbox_data(root: Path) -> Path:
    """The folder in which the sandbox of a folder keeps its data."""
    return root / FOLDER / SANDBOX / "server"


def default_home(setting: Settings) -> Path:
    """The folder whose sandbox is used by a command without manifests.

    It is the root of the checkout. Outside a checkout it is a folder below the working directory that has a sandbox,
    because manifests there started one; else the working directory.
    """
    root = find_root(setting.cwd)
    if find_checkout(setting.cwd) or sandbox_data(root).is_dir():
        return root
    walks = (os.walk(setting.cwd / source) for source in setting.sources)
    folders = (Path(folder) for folder, _, _ in islice(chain.from_iterable(walks), MOST_FOLDERS))
    return next((folder for folder in folders if sandbox_data(folder).is_dir()), root)


def start_sandbox(setting: Settings, home: Path) -> RunningSandbox:
    """The sandbox of a folder, started if none runs.

    Its sessions run at the root of the checkout, and outside a checkout in the working directory.

    Raises:
        UsageError: a sandbox with other options runs, or the options exclude each other.
        SkahaApplyError: it cannot be started.
    """
    from skaha_apply.sandbox import Rehearsal, SandboxError, SandboxOptions, ensure  # noqa: PLC0415
    from skaha_apply.sandbox.options import checked, default_slots  # noqa: PLC0415
    from skaha_apply.state.paths import make_folder  # noqa: PLC0415

    data = sandbox_data(home)
    try:
        make_folder(data)
        rehearsal = checked(setting.rehearsal or Rehearsal())
        workdir, slots = find_checkout(home) or setting.cwd, default_slots(rehearsal)
        running = ensure(SandboxOptions(data=data, workdir=workdir, slots=slots, rehearsal=rehearsal))
    except (SandboxError, OSError) as error:
        hint = getattr(error, "hint", None)
        raise SkahaApplyError(f"the sandbox cannot be started: {error}", hint=hint) from error
    if setting.rehearsal is not None and running.rehearsal != rehearsal:
        where = os.path.relpath(data)
        raise UsageError(
            f"a sandbox with other options runs in {where}", hint=_ways_on(setting, data, running.rehearsal)
        )
    return running


def rehearsal_reason(rehearsal: Rehearsal) -> Reason:
    """What a sandbox does with sessions, as part of another text."""
    return Reason(ReasonCode.SANDBOX_OPTIONS, **_arguments(rehearsal))


def sandbox_note(rehearsal: Rehearsal) -> Reason:
    """The note of a plan in the sandbox."""
    return Reason(ReasonCode.SANDBOX, **_arguments(rehearsal))


def unused_note(root: Path, server: str) -> Reason | None:
    """The note of a plan for a server, if a sandbox runs for the project in `root`; sends no request."""
    return Reason(ReasonCode.SANDBOX_UNUSED, server=server) if _runs_in(root) else None


def name_unused_sandbox(error: SkahaApplyError, setting: Settings) -> None:
    """Add the way to a sandbox, if one runs for these manifests, to the hint of an error about a credential."""
    if not setting.sandbox and UNUSED not in (error.hint or "") and _runs_in(default_home(setting)):
        error.hint = f"{error.hint}\n{UNUSED}" if error.hint else UNUSED


def _runs_in(root: Path) -> bool:
    data = sandbox_data(root)
    if not (data / RECORD).exists():
        return False
    from skaha_apply.sandbox import runs  # noqa: PLC0415 - seldom needed

    return runs(data)


def _arguments(rehearsal: Rehearsal) -> dict[str, Any]:
    mounts = ", ".join(f"{point} is {folder}" for point, folder in rehearsal.mounts)
    pretend = -1.0 if rehearsal.pretend is None else rehearsal.pretend
    return {"pretend": pretend, "failed": rehearsal.fail * 100, "speed": rehearsal.speed, "mounts": mounts}


def _ways_on(setting: Settings, data: Path, rehearsal: Rehearsal) -> str:
    from skaha_apply.render.reasons import reason_text  # noqa: PLC0415 - only for an error

    is_default = data == sandbox_data(default_home(replace(setting, paths=())))
    folder = "" if is_default else f" --data {shlex.quote(os.path.relpath(data))}"
    return (
        f"There, {reason_text(rehearsal_reason(rehearsal))}.\n"
        "To use it, write --sandbox without --pretend, --fail, --speed and --mount.\n"
        f"To end it and its sessions:\nskaha-apply sandbox stop{folder}"
    )
