"""Makes and reads the commits of a state, in a private bare repository that nobody else uses.

A temporary folder of the process holds it, so that no checkout, index, hook or configuration of the user is touched,
and no two processes share a file. A killed process leaves the folder to the system.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.state.git.program import GitProgram, GitResult

STATE_FILE, LOCK_FILE = "state.json", "lock.json"
_NO_SPACE = "Check permissions and disk space of the folder for temporary files (TMPDIR)."
_PRUNE_EVERY = 20  # commits; the objects of earlier writes are of no use


class StoredFile(NamedTuple):
    """A file in a commit: its object, and its size in bytes."""

    blob: str
    size: int


class CommitHead(NamedTuple):
    """A commit: its ID, its tree, and the time of the commit in Unix seconds."""

    id: str
    tree: str
    date: float
    message: str
    parent: str = ""


class CommitMaker:
    """Makes commits and reads them; each method raises `StateError` if git fails."""

    def __init__(self, program: GitProgram) -> None:
        self._program = program
        self._folder = ""
        self._made = 0

    @property
    def folder(self) -> str:
        """The private repository; "" until `open`."""
        return self._folder

    async def open(self) -> None:
        """Make the private repository, if there is none yet."""
        if self._folder:
            return
        try:
            folder = tempfile.mkdtemp(prefix="skaha-apply-git-")
        except OSError as error:
            raise StateError(f"cannot make a folder for temporary files: {error.strerror}", hint=_NO_SPACE) from error
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        await self._checked("init", "--bare", "--quiet", "--template=", folder)
        self._folder = folder

    async def tree(self, name: str, data: bytes, folders: Mapping[str, str] | None = None) -> str:
        """The ID of a tree with one file, and with folders: the IDs of their trees by name."""
        blob = await self._id("hash-object", "-w", "--stdin", data=data)
        lines = [
            f"100644 blob {blob}\t{name}",
            *(f"040000 tree {tree}\t{one}" for one, tree in (folders or {}).items()),
        ]
        return await self._id("mktree", data="".join(f"{line}\n" for line in lines).encode())

    async def folder_tree(self, blobs: Mapping[str, str]) -> str:
        """The ID of a tree of folders with files: the IDs of their blobs by path `folder/name`; "" for no file."""
        if not blobs:
            return ""
        folders: dict[str, list[str]] = {}
        for path, blob in blobs.items():
            folder, _, name = path.partition("/")
            folders.setdefault(folder, []).append(f"100644 blob {blob}\t{name}\n")
        trees = await self._ids("mktree", "--batch", data="\n".join(map("".join, folders.values())).encode())
        lines = (f"040000 tree {tree}\t{folder}\n" for folder, tree in zip(folders, trees, strict=True))
        return await self._id("mktree", data="".join(lines).encode())

    async def blobs(self, texts: Iterable[bytes]) -> list[str]:
        """The IDs of new blobs; one process makes all of them."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            paths = await asyncio.to_thread(_write_files, Path(folder), texts)
            return await self._ids("hash-object", "-w", "--no-filters", "--stdin-paths", data=paths.encode())

    async def commit(self, tree: str, message: str, date: float, parent: str = "") -> str:
        """The ID of a commit of a tree; equal arguments give an equal ID."""
        parents = ("-p", parent) if parent else ()
        self._made += 1
        return await self._id("commit-tree", tree, *parents, "-m", message, "--no-gpg-sign", date=date)

    async def prune(self, *kept: str) -> None:
        """Remove the objects of earlier commits now and then, except those that the commits `kept` need."""
        if self._made >= _PRUNE_EVERY:
            self._made = 0
            await self._program.run("prune", "--expire=now", "--", *(one for one in kept if one), folder=self._folder)

    async def has(self, commit: str) -> bool:
        """Whether the private repository has this commit."""
        found = await self._program.run("cat-file", "-e", f"{commit}^{{tree}}", folder=self._folder)
        return found.code == 0

    async def names(self, commit: str) -> tuple[str, ...]:
        """The names at the root of a commit."""
        listed = await self._checked("ls-tree", "-z", "--name-only", commit)
        return tuple(name.decode("utf-8", "replace") for name in listed.out.split(b"\0") if name)

    async def content(self, commit: str, name: str) -> bytes:
        """The content of a file in a commit."""
        return await self.blob(f"{commit}:{name}")

    async def blob(self, name: str) -> bytes:
        """The content of a blob."""
        return (await self._checked("cat-file", "blob", name)).out

    async def files(self, commit: str, folder: str) -> dict[str, StoredFile]:
        """The files below a folder of a commit, by their paths from there; without links and other modes."""
        listed = await self._checked("ls-tree", "-r", "-l", "-z", commit, "--", f"{folder}/")
        found = {}
        for line in listed.out.decode("utf-8", "replace").split("\0"):
            facts, _, path = line.partition("\t")
            mode, _, rest = facts.partition(" ")
            if mode == "100644":
                _, blob, size = rest.split()
                found[path.removeprefix(f"{folder}/")] = StoredFile(blob, int(size))
        return found

    async def head(self, commit: str) -> CommitHead:
        """The tree, the time and the first parent of a commit."""
        text = (await self._checked("cat-file", "commit", commit)).out.decode("utf-8", "replace")
        fields, _, message = text.partition("\n\n")
        found: dict[str, str] = {}
        for line in fields.splitlines():
            key, _, value = line.partition(" ")
            found.setdefault(key, value)
        stamp = found.get("committer", "").rpartition("> ")[2].partition(" ")[0]
        date = float(stamp) if stamp.isascii() and stamp.isdigit() else 0.0
        return CommitHead(commit, found.get("tree", ""), date, message.strip(), found.get("parent", ""))

    async def _ids(self, *words: str, data: bytes) -> list[str]:
        return (await self._checked(*words, data=data)).out.decode("ascii", "replace").split()

    async def _id(self, *words: str, data: bytes = b"", date: float | None = None) -> str:
        return (await self._checked(*words, data=data, date=date)).out.decode("ascii", "replace").strip()

    async def _checked(self, *words: str, data: bytes = b"", date: float | None = None) -> GitResult:
        done = await self._program.run(*words, folder=self._folder, data=data, date=date)
        if done.code != 0:
            raise StateError(
                f"git {words[0]} failed: {done.err.strip()[:200] or 'no message'}",
                hint=_NO_SPACE,
            )
        return done


def _write_files(folder: Path, texts: Iterable[bytes]) -> str:
    """Write each text to a file in a folder; returns the paths, one a line."""
    paths = []
    for number, text in enumerate(texts):
        path = folder / str(number)
        path.write_bytes(text)
        paths.append(f"{path}\n")
    return "".join(paths)
