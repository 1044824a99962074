"""The default place of a state: next to the manifests. A state at another place is never ignored.

A second state of the same project would run everything again. So a command that finds no state at the default place
searches the places where an invocation from another folder, or an earlier version of the tool, can have put one.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError
from skaha_apply.state.paths import find_checkout, logs_folder, state_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.workflow.setup.context import StateLocation


def check_one_home(location: StateLocation, project: str) -> None:
    """Refuse a default place for manifests that lie in several checkouts; raises StateError."""
    if len(location.homes) < 2 or location.setting.sandbox:  # noqa: PLR2004 - two homes are not one
        return
    known = next((path for path in _states(location, project, map(Path, location.homes)) if path.exists()), None)
    path = known or state_path(Path(location.homes[0]), location.folder, project)
    raise StateError(
        f"the manifests of project {project} lie in {' and '.join(location.homes)}; the tool cannot choose one of them "
        "for the state",
        hint=f"Choose the state: {_with_state(location, path)}",
    )


def check_no_other(location: StateLocation, project: str) -> None:
    """Refuse to start a state at the default place while the project has one elsewhere; raises StateError."""
    default = state_path(location.root, location.folder, project)
    if default.exists():
        return
    other = next((path for path in _states(location, project, _nearby(location)) if _is_other(path, default)), None)
    if other is None:
        return
    ways = [f"to move that state, run `{_move(location, project, other)}`"]
    if not location.setting.sandbox:
        ways.insert(0, f"to use that state, run `{_with_state(location, other)}`")
    raise StateError(
        f"project {project} has no state at {default}, its default place, but it has one at {other}; "
        "a second state would run everything again",
        hint="; ".join(ways),
    )


def _nearby(location: StateLocation) -> Iterator[Path]:
    """The working directory, its checkout, and the folders of the manifests with all their parents."""
    cwd = location.setting.cwd.absolute()
    yield cwd
    checkout = find_checkout(cwd)
    if checkout is not None:
        yield checkout
    for folder in map(Path, location.around):
        yield from (folder, *folder.parents)


def _states(location: StateLocation, project: str, folders: Iterator[Path]) -> Iterator[Path]:
    """The default state in each of some folders."""
    return (state_path(folder, location.folder, project) for folder in dict.fromkeys(folders))


def _is_other(path: Path, default: Path) -> bool:
    return os.path.exists(path) and os.path.realpath(path) != os.path.realpath(default)  # noqa: PTH110 - False where access is denied


def _move(location: StateLocation, project: str, other: Path) -> str:
    """The shell command that moves a state with its saved logs to the default place."""
    source, target = other.parent.parent.parent, location.root
    steps = [(other, state_path(target, location.folder, project))]
    logs = logs_folder(source, location.folder, project)
    if logs.is_dir():
        steps.append((logs, logs_folder(target, location.folder, project)))
    moves = (
        f"mkdir -p {shlex.quote(str(after.parent))} && mv {shlex.quote(str(before))} {shlex.quote(str(after))}"
        for before, after in steps
    )
    return " && ".join(moves)


def _with_state(location: StateLocation, path: Path) -> str:
    """The command of this invocation with `--state`; a script passes `state` to `connect`."""
    words = location.setting.command
    if not words:
        return f"connect(state={str(path)!r})"
    options = 2 if words[0] == "state" else 1
    return shlex.join(["skaha-apply", *words[:options], "--state", str(path), *words[options:]])
