"""The archive of a local state: files with the records of done replicas, which a document names by ranges.

A file is written once, under the sha256 of its content, and never changed. The document decides which files count. So
a process that is killed leaves the old document with its files, and perhaps a file that no document names. A file that
the document no longer names stays for a week.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass, replace
from skaha_apply.model.errors import StateError
from skaha_apply.model.names.replica_ranges import parse_ranges, ranges_text, to_ranges
from skaha_apply.model.state import LEAST_ARCHIVED
from skaha_apply.state.codec import decode_records, encode_records, has_archive
from skaha_apply.state.document.consistency import RESTORE, check_consistent
from skaha_apply.state.local import durable
from skaha_apply.state.paths import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from skaha_apply.model.state import DoneReplicas, ReplicaRecord, StateDocument

KEPT_S = 7 * 86_400.0  # after which a file that no document names any more is removed; a copy of a state can name it
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class _Part:
    """One file of the archive: what the document states about it, and its records."""

    done: DoneReplicas
    records: tuple[ReplicaRecord, ...]


class Archive:
    """The archive in `folder`. It keeps the records that it has read or written, to recognize them in a document."""

    def __init__(self, folder: Path) -> None:
        self.least = LEAST_ARCHIVED
        self._done_before = 0
        self._folder = folder
        self._parts: tuple[_Part, ...] = ()  # those of the document that was read or stored last
        self._archived: frozenset[int] = frozenset()  # their records, by identity
        self._new: list[_Part] = []  # those that the next write adds; it can run in another thread
        self._next: tuple[_Part, ...] = ()  # those of the document that is being stored

    def is_due(self, done: int) -> bool:
        """Whether at least `least` more replicas are done, and a tenth more, than when this last returned true."""
        if done < self._done_before + max(self.least, self._done_before // 10):
            return False
        self._done_before = done
        return True

    def add(self, done: DoneReplicas, records: tuple[ReplicaRecord, ...]) -> bool:
        """Let the next write move these records from the document to a file of their own.

        They must be the objects that the document will have. Records that are in a file already stay there. If fewer
        than `least` are left, nothing is moved. `done` has no ranges and no file yet. Returns whether a file
        is added.
        """
        archived = self._archived
        new = tuple(record for record in records if id(record) not in archived)
        if len(new) < self.least:
            return False
        ranges = ranges_text(to_ranges(record.replica for record in new))
        self._new.append(_Part(replace(done, replicas=ranges), new))
        return True

    def with_archived(self, document: StateDocument, source: str) -> StateDocument:
        """The document with the records of the archive in their places.

        Raises:
            StateError: a file is missing, damaged, or cannot be read.
        """
        known = {part.done.file: part for part in self._parts}
        parts = tuple(known.get(done.file) or _Part(done, self._read(done, source)) for done in document.done)
        self._keep(parts)
        if not parts:
            return document
        records = sorted((*document.replicas, *(one for part in parts for one in part.records)), key=attrgetter("key"))
        made = replace(document, replicas=tuple(records), done=())
        check_consistent(made, f"the state {source}")
        return made

    def move_to_files(self, document: StateDocument) -> StateDocument:
        """The document with ranges in place of the archived records, whose files are durable after this.

        A file counts only if the document still has each of its records as it is. The records of the others are in the
        document again, and so are those whose file cannot be written. Once the document is stored, call `note_stored`.
        """
        intact = _intact(document.replicas, (*self._parts, *self._take_new()))
        self._next = parts = tuple(part for one in intact if (part := self._written(one)) is not None)
        self._touch({part.done.file for part in self._parts} - {part.done.file for part in parts})
        if not parts:
            return document
        archived = _identities(parts)
        rest = tuple(record for record in document.replicas if id(record) not in archived)
        return replace(document, replicas=rest, done=tuple(part.done for part in parts))

    def _take_new(self) -> list[_Part]:
        """The parts that were added since the last call, without those that have a record of an earlier part."""
        new, known = self._new[:], self._archived
        del self._new[: len(new)]
        found = []
        for part in new:
            identities = _identities([part])
            if known.isdisjoint(identities):
                found.append(part)
                known |= identities
        return found

    def keep_copy(self, path: Path, copy: Path) -> bool:
        """Copy a stored text without an archive, before one with an archive replaces it: earlier versions can read it.

        Returns whether the copy exists, or is not needed.
        """
        if self._parts:
            return True
        try:
            before = durable.read_regular(path)
            if not has_archive(before):
                durable.replace(copy, before, private=True)
                durable.share_as(copy, path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def note_stored(self, document: StateDocument, now: float) -> None:
        """Note that a result of `move_to_files`, or the whole document, is stored at `now`.

        Files that were left long before are removed. A file that remains is harmless.
        """
        self._keep(self._next if document.done else ())
        used = {part.done.file for part in self._parts}
        for path in self._files():
            with suppress(OSError):
                if path.name not in used and path.stat().st_mtime < now - KEPT_S:
                    path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove all files, because the document is removed."""
        self._keep(())
        self._new.clear()
        for path in self._files():
            with suppress(OSError):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()

    def _keep(self, parts: tuple[_Part, ...]) -> None:
        if parts != self._parts:
            self._parts, self._archived = parts, _identities(parts)

    def _touch(self, names: Iterable[str]) -> None:
        """Let a week begin for files that the next document does not name."""
        for name in names:
            with suppress(OSError):
                os.utime(self._folder / name)

    def _files(self) -> list[Path]:
        """The files of the archive, also those of a write that was killed."""
        try:
            return [path for path in self._folder.iterdir() if _is_part(path.name)]
        except OSError:
            return []

    def _read(self, done: DoneReplicas, source: str) -> tuple[ReplicaRecord, ...]:
        path = self._folder / done.file
        try:
            if not _NAME.fullmatch(done.file):
                raise StateError(f"the state {source} is damaged: {done.file[:80]!r} is not a file name", hint=RESTORE)
            data = durable.read_regular(path)
        except FileNotFoundError as error:
            raise StateError(
                f"the archive of the state {source} is incomplete: there is no file {path}",
                hint=f"A copy of a state needs the folder {self._folder.name} next to it; `skaha-apply state pull` "
                f"of the original state prints all as one text. {RESTORE}",
            ) from error
        except OSError as error:
            raise durable.refusal(error, "read the archive of the state", path) from error
        if hashlib.sha256(data).hexdigest() != done.file:
            raise StateError(f"{path}, which belongs to the state {source}, was changed or is damaged", hint=RESTORE)
        records = decode_records(data, str(path))
        sessions = {record.session for record in records}
        if sessions != {done.session} or to_ranges(one.replica for one in records) != parse_ranges(done.replicas):
            raise StateError(f"{path}, which belongs to the state {source}, has other replicas", hint=RESTORE)
        return records

    def _written(self, part: _Part) -> _Part | None:
        """The part with its file; None if the file cannot be written."""
        if part.done.file:
            return part
        data = encode_records(part.records)
        name = hashlib.sha256(data).hexdigest()
        try:
            self._make_folder()
            durable.replace(self._folder / name, data, private=True)
            durable.share_as(self._folder / name, self._folder.with_name(self._folder.name.removesuffix(".archive")))
        except OSError:
            return None
        return _Part(replace(part.done, file=name), part.records)

    def _make_folder(self) -> None:
        if not self._folder.exists():
            make_folder(self._folder)
            durable.share_as(self._folder, self._folder.parent)
            durable.sync_folder(self._folder.parent)


def _identities(parts: Iterable[_Part]) -> frozenset[int]:
    return frozenset(id(record) for part in parts for record in part.records)


def _intact(records: Sequence[ReplicaRecord], parts: tuple[_Part, ...]) -> tuple[_Part, ...]:
    """The parts all of whose records are among these objects."""
    archived = _identities(parts)
    if sum(id(record) in archived for record in records) == len(archived):  # as in most writes
        return parts
    present = set(map(id, records))
    return tuple(part for part in parts if present.issuperset(map(id, part.records)))


def _is_part(name: str) -> bool:
    """Whether an archive makes files with this name, also for a write that was killed."""
    return bool(_NAME.fullmatch(name) or re.fullmatch(r"\.[0-9a-f]{64}\.[0-9a-f]{12}\.tmp", name))
