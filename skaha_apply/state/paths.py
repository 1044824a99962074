"""Where the files of a project lie, below `.skaha-apply/` at the root of the checkout."""

from __future__ import annotations

import hashlib
import os
import stat
import string
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = ".skaha-apply"
PRIVATE = 0o700

_PLAIN = frozenset(string.ascii_lowercase + string.digits + "-_.")
_LONGEST = 120  # bytes; with `.state.json`, a temporary file's suffix and all below the usual limit of 255


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
    """`text` as the name of a file: different texts give different names, also where case does not count.

    Lower-case letters, digits and `-_.` stay; every other byte of its UTF-8, capitals among them, is `%xx`. What
    grows too long is cut and ends in `=` and a digest.
    """
    name = "".join(char if char in _PLAIN else _escape(char) for char in text)
    if name.startswith("."):
        name = f"%2e{name[1:]}"
    if len(name) > _LONGEST:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        name = f"{name[: _LONGEST - len(digest) - 1]}={digest}"
    return name or "%"


def state_path(root: Path, server_folder: str, project: str) -> Path:
    """Where the state of a project lives by default; `server_folder` is the host, or `sandbox`."""
    return root / FOLDER / file_name(server_folder) / f"{file_name(project)}.state.json"


def logs_folder(root: Path, server_folder: str, project: str) -> Path:
    """Where the saved logs of a project live."""
    return root / FOLDER / file_name(server_folder) / "logs" / file_name(project)


def make_folder(folder: Path) -> None:
    """Make `folder`; a `.skaha-apply` among its parents gets a `.gitignore`, because it holds nothing for git.

    The folders from `.skaha-apply` down are private, whatever the umask.

    Raises `OSError`.
    """
    parts = (folder, *folder.parents)
    ours = next((part for part in parts if part.name == FOLDER), None)
    if ours is None:
        folder.mkdir(parents=True, exist_ok=True)
        return
    ours.parent.mkdir(parents=True, exist_ok=True)
    for part in reversed(parts[: parts.index(ours) + 1]):
        part.mkdir(mode=PRIVATE, exist_ok=True)
        _close_to_others(part)
    if not (ours / ".gitignore").exists():
        (ours / ".gitignore").write_text("*\n", encoding="utf-8")
        (ours / ".gitignore").chmod(0o600)


def _close_to_others(folder: Path) -> None:
    """Make a folder private whose rights are those of the umask; rights for a group alone are somebody's choice."""
    rights = stat.S_IMODE(folder.stat().st_mode)
    if rights & stat.S_IRWXO or rights & PRIVATE != PRIVATE:
        with suppress(OSError):  # a folder of another user, or a file system without rights
            folder.chmod(PRIVATE)


def _escape(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
