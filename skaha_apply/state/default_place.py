"""The default place of a state: next to the manifests. A state at another place is never ignored.

A second state of the same project would run everything again. So a command that finds no state at the default place
searches the places where an invocation from another folder, or an earlier version of the tool, can have put one.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import StateError
from skaha_apply.state.paths import archive_folder, find_checkout, logs_folder, state_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skaha_apply.model.ports import Observer
    from skaha_apply.state.address import StateAddress


@dataclass(frozen=True)
class StateSetup:
    """What decides where the state of a project is stored.

    `root` is the folder that has `.skaha-apply`, and `folder` that of the server in it. `address` is the address that
    the user gives, relative to `cwd`; None for the default place. `homes` and `around` are as in `Project`. `command`
    are the words of the command line. `observe` gets the notes of the store, `identify` the IDs of interactive
    sessions. `history` is the number of commits that a branch with a state keeps, None if no option states it.
    """

    project: str
    root: Path
    folder: str
    cwd: Path
    address: StateAddress | None
    sandbox: bool
    homes: tuple[str, ...]
    around: tuple[str, ...]
    command: tuple[str, ...]
    observe: Observer | None
    identify: Callable[[str, str], None]
    history: int | None = None

    @property
    def default(self) -> Path:
        """The default path of the state."""
        return state_path(self.root, self.folder, self.project)


def check_one_home(setup: StateSetup) -> None:
    """Refuse a default place for manifests that lie in several checkouts; raises StateError."""
    if len(setup.homes) < 2 or setup.sandbox:  # noqa: PLR2004 - two homes are not one
        return
    known = next((path for path in _states(setup, map(Path, setup.homes)) if path.exists()), None)
    path = known or state_path(Path(setup.homes[0]), setup.folder, setup.project)
    raise StateError(
        f"the manifests of project {setup.project} lie in {' and '.join(setup.homes)}; the tool cannot choose "
        "one of them for the state",
        hint=f"Choose the state: {_with_state(setup, path)}",
    )


def check_no_other(setup: StateSetup) -> None:
    """Refuse to start a state at the default place while the project has one elsewhere; raises StateError."""
    default = setup.default
    if default.exists():
        return
    other = next((path for path in _states(setup, _nearby(setup)) if _is_other(path, default)), None)
    if other is None:
        return
    ways = [f"to move that state, run `{_move(setup, other)}`"]
    if not setup.sandbox:
        ways.insert(0, f"to use that state, run `{_with_state(setup, other)}`")
    raise StateError(
        f"project {setup.project} has no state at {default}, its default place, but it has one at {other}; "
        "a second state would run everything again",
        hint="; ".join(ways),
    )


def _nearby(setup: StateSetup) -> Iterator[Path]:
    """The working directory, its checkout, and the folders of the manifests with all their parents."""
    cwd = setup.cwd.absolute()
    yield cwd
    checkout = find_checkout(cwd)
    if checkout is not None:
        yield checkout
    for folder in map(Path, setup.around):
        yield from (folder, *folder.parents)


def _states(setup: StateSetup, folders: Iterator[Path]) -> Iterator[Path]:
    """The default state in each of some folders."""
    return (state_path(folder, setup.folder, setup.project) for folder in dict.fromkeys(folders))


def _is_other(path: Path, default: Path) -> bool:
    return os.path.exists(path) and os.path.realpath(path) != os.path.realpath(default)  # noqa: PTH110 - False where access is denied


def _move(setup: StateSetup, other: Path) -> str:
    """The shell command that moves a state with its archive and its saved logs to the default place."""
    source, target = other.parent.parent.parent, setup.root
    steps = [(other, setup.default)]
    if archive_folder(other).is_dir():
        steps.insert(0, (archive_folder(other), archive_folder(setup.default)))
    logs = logs_folder(source, setup.folder, setup.project)
    if logs.is_dir():
        steps.append((logs, logs_folder(target, setup.folder, setup.project)))
    moves = (
        f"mkdir -p {shlex.quote(str(after.parent))} && mv {shlex.quote(str(before))} {shlex.quote(str(after))}"
        for before, after in steps
    )
    return " && ".join(moves)


def _with_state(setup: StateSetup, path: Path) -> str:
    """The command of this invocation with `--state`; a script passes `state` to `connect`."""
    words = setup.command
    if not words:
        return f"connect(state={str(path)!r})"
    options = 2 if words[0] == "state" else 1
    return shlex.join(["skaha-apply", *words[:options], "--state", str(path), *words[options:]])
