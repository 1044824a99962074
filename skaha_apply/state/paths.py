"""The paths of the files of a project, below `.skaha-apply/` at the root of the checkout."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = ".skaha-apply"
PRIVATE = 0o700

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
_LONGEST = (
    120  # bytes; with `.state.json` and the suffix of a temporary file the name stays below the usual limit of 255
)


def find_checkout(start: Path) -> Path | None:
    """The root of the git checkout that holds `start`: the nearest folder with `.git`, a file in worktrees.

    The git program is not asked, because it can be absent, and refuses checkouts of another owner.
    """
    start = start.absolute()
    return next((folder for folder in (start, *start.parents) if os.path.exists(folder / ".git")), None)  # noqa: PTH110 - False where access is denied


def find_root(start: Path) -> Path:
    """The root of the git checkout that holds `start`, else `start`."""
    return find_checkout(start) or start.absolute()


def find_homes(folders: Sequence[str]) -> tuple[str, ...]:
    """Where the state of manifests in these real folders can live by default, sorted.

    These are the roots of the checkouts that hold the folders, and the folder that all folders outside any checkout
    share.
    """
    checkouts = {folder: find_checkout(Path(folder)) for folder in folders}
    bare = [folder for folder, checkout in checkouts.items() if checkout is None]
    homes = {str(checkout) for checkout in checkouts.values() if checkout is not None}
    return tuple(sorted(homes | ({os.path.commonpath(bare)} if bare else set())))


def file_name(text: str) -> str:
    """`text` as a file name: different texts give different names, also on file systems that ignore case.

    Lower-case letters, digits and `-_.` stay. Every other byte of the UTF-8 text, also of capitals, becomes `%xx`. A
    name that is too long is cut and ends in `=` and a digest.
    """
    name = "".join(char if char in _PLAIN else _escape(char) for char in text)
    if name.startswith("."):
        name = f"%2e{name[1:]}"
    if len(name) > _LONGEST:
        import hashlib  # noqa: PLC0415 - a slow import, for the longest names only

        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        name = f"{name[: _LONGEST - len(digest) - 1]}={digest}"
    return name or "%"


def state_path(root: Path, server_folder: str, project: str) -> Path:
    """The default path of the state of a project; `server_folder` is the host, or `sandbox`."""
    return root / FOLDER / file_name(server_folder) / f"{file_name(project)}.state.json"


def archive_folder(path: Path) -> Path:
    """The folder of the archive of a state file."""
    return path.with_name(f"{path.name}.archive")


def logs_folder(root: Path, server_folder: str, project: str) -> Path:
    """The folder of the saved logs of a project."""
    return root / FOLDER / file_name(server_folder) / "logs" / file_name(project)


def make_folder(folder: Path) -> None:
    """Make `folder`. If `.skaha-apply` is one of its parents, put a `.gitignore` there: git must not store its files.

    The folders from `.skaha-apply` down are private for every umask.

    Raises `OSError`.
    """
    parts = (folder, *folder.parents)
    state_folder = next((part for part in parts if part.name == FOLDER), None)
    if state_folder is None:
        folder.mkdir(parents=True, exist_ok=True)
        return
    state_folder.parent.mkdir(parents=True, exist_ok=True)
    for part in reversed(parts[: parts.index(state_folder) + 1]):
        part.mkdir(mode=PRIVATE, exist_ok=True)
        _make_private(part)
    if not (state_folder / ".gitignore").exists():
        (state_folder / ".gitignore").write_text("*\n", encoding="utf-8")
        (state_folder / ".gitignore").chmod(0o600)


def _make_private(folder: Path) -> None:
    """Make a folder private, unless a user gave permissions to its group alone."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IRWXO or mode & PRIVATE != PRIVATE:
        with suppress(OSError):  # a folder of another user, or a file system without permissions
            folder.chmod(PRIVATE)


def _escape(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
