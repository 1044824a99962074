"""The logs of failed replicas next to the state, so that everybody who can read the branch can read them.

They are files of the commit with the state: `logs/<live name>/<attempt>-<session ID>.log` and `.events`. So they need
no push of their own. The newest ones are kept, up to a limit. The logs of replicas that are done or left are removed.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from skaha_apply.model.masking.session_ids import log_label
from skaha_apply.model.session import Phase
from skaha_apply.state.git.objects import StoredFile
from skaha_apply.state.paths import file_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import Attempt, ReplicaRecord, StateDocument
    from skaha_apply.state.git.objects import CommitMaker

LOGS = "logs"  # the folder in the tree of the commit
FILE_LIMIT = 32 * 1024  # bytes of one file; its end is kept
TOTAL_LIMIT = 1024 * 1024  # bytes of all files
SUFFIXES = ("log", "events")

LogKey = tuple[str, str]  # the live name and the label of a log
Texts = tuple[bytes, bytes]  # the content of a log and of its events, by the order of `SUFFIXES`


class AddedLogs:
    """The logs that no stored commit has yet, up to the limit of all files. The oldest ones are dropped first."""

    def __init__(self) -> None:
        self._texts: dict[LogKey, Texts] = {}  # oldest first
        self._size = 0  # bytes of all texts

    def __bool__(self) -> bool:
        return bool(self._texts)

    def items(self) -> Iterable[tuple[LogKey, Texts]]:
        """The logs and their texts."""
        return self._texts.items()

    def texts(self, key: LogKey) -> Texts:
        """The texts of a log; empty ones if it was not added."""
        return self._texts.get(key, (b"", b""))

    def add(self, key: LogKey, log: bytes, events: bytes) -> None:
        """Add a log as the newest one. An empty text does not replace an earlier one."""
        before = self._drop(key)
        texts = log or before[0], events or before[1]
        if any(texts):
            self._texts[key] = texts
            self._size += sum(map(len, texts))
        while self._size > TOTAL_LIMIT:
            self._drop(next(iter(self._texts)))

    def remove(self, logs: Mapping[LogKey, Texts]) -> None:
        """Remove logs, unless they have got other texts since."""
        for key, texts in logs.items():
            if self.texts(key) is texts:
                self._drop(key)

    def _drop(self, key: LogKey) -> Texts:
        texts = self._texts.pop(key, (b"", b""))
        self._size -= sum(map(len, texts))
        return texts


class BranchLogs:
    """The logs that the next commit of a state gets, and those of the last one."""

    def __init__(self, objects: CommitMaker) -> None:
        self._objects = objects
        self._added = AddedLogs()
        self._finished: dict[LogKey, Texts] = {}  # those of them that a later commit does not need from here
        self._left: frozenset[ReplicaKey] = frozenset()
        self._known: tuple[str, dict[str, StoredFile]] = ("", {})  # a commit, and its files below `logs/`
        self._made: tuple[dict[str, StoredFile], str] = ({}, "")  # the files of the last tree, and its ID
        self.commit = ""  # the commit that was read last

    def add(self, name: str, label: str, log: str, events: str | None) -> None:
        """Store a log with the next state, if its replica has failed then. Secrets are masked by the caller.

        An empty text never replaces a stored one: the server returns none for a session that it has deleted.
        """
        self._added.add((name, label), _end_of(log), _end_of(events or ""))

    def leave(self, keys: Collection[ReplicaKey]) -> None:
        """Note the replicas that left the manifest; their logs are removed with the next state."""
        self._left = frozenset(keys)

    async def read(self, name: str, label: str) -> tuple[str, str] | None:
        """The log and events in the commit that was read last; None if it has neither. Raises `StateError`."""
        files = await self._files(self.commit)
        texts = []
        for suffix in SUFFIXES:
            stored = files.get(_path((name, label), suffix))
            data = await self._objects.blob(stored.blob) if stored else b""
            texts.append(data[-FILE_LIMIT:].decode("utf-8", "replace"))
        return (texts[0], texts[1]) if any(texts) else None

    async def tree(self, document: StateDocument, base: str) -> str:
        """The tree `logs` of a commit with this state that follows `base`; "" without a log. Raises `StateError`."""
        before = await self._files(base)
        if not (before or self._added):
            self._made, self._finished = ({}, ""), {}
            return ""
        failed = failed_attempts(document, self._left)
        kept = self._kept(failed, before)
        self._finished = self._finished_by(document, failed, kept)
        texts = {
            _path(key, suffix): data
            for key in kept
            for suffix, data in zip(SUFFIXES, self._added.texts(key), strict=True)
            if data
        }
        blobs = await self._objects.blobs(texts.values()) if texts else []
        files = {path: before[path] for key in kept for path in _paths(key, before)}
        files |= {path: StoredFile(blob, len(data)) for (path, data), blob in zip(texts.items(), blobs, strict=True)}
        if files != self._made[0]:
            tree = await self._objects.folder_tree({path: one.blob for path, one in files.items()})
            self._made = files, tree
        return self._made[1]

    def stored(self, commit: str) -> None:
        """Note that the commit with the last tree is stored."""
        self._added.remove(self._finished)
        self._finished = {}
        self._known = commit, self._made[0]
        self.commit = commit

    def _kept(self, failed: Iterable[LogKey], before: Mapping[str, StoredFile]) -> list[LogKey]:
        """The logs that the next commit has: those of failed attempts, the newest first, up to the limit."""
        kept, left = [], TOTAL_LIMIT
        for key in failed:
            sizes = {path: before[path].size for path in _paths(key, before)}
            new = zip(SUFFIXES, self._added.texts(key), strict=True)
            sizes |= {_path(key, suffix): len(data) for suffix, data in new if data}
            size = sum(sizes.values())
            if 0 < size <= left:
                kept.append(key)
                left -= size
        return kept

    def _finished_by(
        self, document: StateDocument, failed: Collection[LogKey], kept: Collection[LogKey]
    ) -> dict[LogKey, Texts]:
        """The added logs that are of no use once this state is stored: the commit has them, or they did not fail.

        A session that is active, or whose create is stored only as an intent, can still fail.
        """
        open_names = {record.name for record in document.replicas if record.phase.active}
        open_names |= {intent.name for intent in document.intents}
        stored, needed = {*kept}, {*failed}
        return {
            key: texts
            for key, texts in self._added.items()
            if key in stored or (key not in needed and key[0] not in open_names)
        }

    async def _files(self, commit: str) -> dict[str, StoredFile]:
        if not commit:
            return {}
        if self._known[0] != commit:
            self._known = commit, await self._objects.files(commit, LOGS)
        return self._known[1]


def failed_attempts(document: StateDocument, left: Collection[ReplicaKey] = ()) -> list[LogKey]:
    """The failed attempts of the replicas of a state that are not done and not among `left`, the newest first.

    The server prints the ID of an interactive session in its log, so no attempt of one is among them.
    """
    found: list[tuple[float, LogKey]] = []
    for record in document.replicas:
        if record.phase is Phase.DONE or record.key in left or document.specs[record.spec].kind.interactive:
            continue
        attempts: list[Attempt | ReplicaRecord] = [record, *record.earlier]
        for one in attempts:
            if one.phase is Phase.FAILED and one.id is not None:
                label = log_label(one.attempt, one.id, interactive=False)
                found.append((one.ended or 0.0, (record.name, label)))
    return [key for _, key in sorted(found, key=itemgetter(0), reverse=True)]


def _path(key: LogKey, suffix: str) -> str:
    """The path of a file below `logs/`."""
    name, label = key
    return f"{file_name(name)}/{file_name(label)}.{suffix}"


def _paths(key: LogKey, files: Mapping[str, StoredFile]) -> Iterator[str]:
    return (path for suffix in SUFFIXES if (path := _path(key, suffix)) in files)


def _end_of(text: str) -> bytes:
    """The end of a text as UTF-8, from the start of a line if possible; its first line states how much is left out."""
    if text.strip() in ("", "<none>"):
        return b""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= FILE_LIMIT:
        return data
    heading = f"(the first {{}} of {len(data)} bytes are left out)\n"
    end = data[len(heading) + 16 - FILE_LIMIT :]
    end = end.partition(b"\n")[2] or end
    end = end.decode("utf-8", "ignore").encode("utf-8")
    return heading.format(len(data) - len(end)).encode("utf-8") + end


def has_only_logs(names: Iterable[str], state_file: str) -> bool:
    """Whether a tree has the file of the state and at most the folder of logs next to it."""
    found = set(names)
    return state_file in found and found <= {state_file, LOGS}
