"""A file of every change of phase, one JSON line each, for a sheet, a database or a mail.

A line is written before the state that holds its change. If a process is killed between the two, the next
run writes the line again, so each change is written at least once.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.model.masking.inert_text import inert_json
from skaha_apply.model.report import UNCONFIRMED, Note, PhaseChanged
from skaha_apply.state.local.durable import open_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skaha_apply.model.report import Event
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord, StateDocument


class EventFile:
    """Appends lines to a file, each by one write, so that several processes can write to the same file.

    Lines that cannot be written (a full disk) are kept and tried again with the next line; `left` counts them.

    Args:
        path: the file is created if it does not exist; its folder is not.
        public: returns a text without secrets, because programs and other people can read the file.

    Raises:
        SkahaApplyError: it cannot be written.
    """

    def __init__(self, path: Path, public: Callable[[str], str] = str) -> None:
        self._path = path
        self._public = public
        self._left: list[bytes] = []
        self.problem: str | None = None
        try:
            self._file = open_private(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            self._end_cut_line()
        except OSError as error:
            raise SkahaApplyError(
                f"the event file cannot be written: {path}: {error.strerror}",
                hint="name a file in an existing folder that you can write to",
            ) from error

    @property
    def left(self) -> int:
        """The number of lines that could not be written so far."""
        return len(self._left)

    def append(self, line: dict[str, Any]) -> None:
        """Write a line, after the lines that could not be written before."""
        text = inert_json(self._public(json.dumps(line, ensure_ascii=False)))
        self._left.append(text.encode("utf-8", "backslashreplace") + b"\n")
        self.flush()

    def flush(self) -> None:
        """Try to write the lines that are left."""
        try:
            while self._left:
                self._left[0] = self._left[0][os.write(self._file, self._left[0]) :]
                if not self._left[0]:
                    del self._left[0]
        except OSError as error:
            self.problem = f"events cannot be written to {self._path}: {error.strerror}"

    def close(self) -> None:
        """Close the file; raises `SkahaApplyError` if some lines could not be written."""
        if self._file < 0:
            return
        self.flush()
        os.close(self._file)
        self._file = -1
        if self._left:
            raise SkahaApplyError(
                f"{self.left} event(s) are missing in {self._path}: {self.problem}",
                hint="the state has every change; `skaha-apply status -o json` shows each replica",
            )

    def _end_cut_line(self) -> None:
        """End a line that a full disk has cut short, so that the next one begins where a line begins."""
        if not stat.S_ISREG(os.fstat(self._file).st_mode) or not os.fstat(self._file).st_size:
            return
        with self._path.open("rb") as written:
            written.seek(-1, os.SEEK_END)
            if written.read(1) != b"\n":
                os.write(self._file, b"\n")


@dataclass(frozen=True, slots=True)
class _Written:
    """What was last written about a replica."""

    phase: str
    id: str | None
    attempt: int


class Journal:
    """Writes every change of phase of one project to an `EventFile`, from listings and from writes of the state.

    Args:
        events: the file.
        project: the name of the project.
        now: Unix seconds by the server's clock.
        observe: gets a note once if lines cannot be written.
    """

    def __init__(
        self, events: EventFile, project: str, now: Callable[[], float], observe: Callable[[Event], None]
    ) -> None:
        self._events = events
        self._project = project
        self._now = now
        self._observe = observe
        self._warned = False
        self._written: dict[ReplicaKey, _Written] = {}
        self._stored: StateDocument | None = None  # the document that `_written` is about; None if unknown

    def begin(self, document: StateDocument | None) -> None:
        """Take the stored phases as written: each was written before it was stored."""
        if document is not None and document is self._stored:
            return
        self._stored = document
        records = document.replicas if document else ()
        self._written = {record.key: _Written(record.phase.value, record.id, record.attempt) for record in records}

    def seen(self, event: Event) -> None:
        """Write a change that a listing has shown, and before it the change to its earlier phase if that is missing."""
        if not isinstance(event, PhaseChanged):
            return
        key = (event.session.casefold(), event.replica)
        last = self._written.get(key)
        if event.before not in (UNCONFIRMED, last.phase if last else ""):
            self._write_change(key, replace(event, after=event.before, note=""))
        self._write_change(key, event)

    def stored(self, document: StateDocument) -> None:
        """Write the changes in a document that is about to be stored; `confirm` follows once it is stored."""
        self._stored = None
        for record in document.replicas:
            last = self._written.get(record.key)
            if last is None or (last.phase, last.id, last.attempt) != (record.phase.value, record.id, record.attempt):
                self._write_change(record.key, _as_event(record, document))

    def confirm(self, document: StateDocument) -> None:
        """Note that a document is stored, so that `begin` with it changes nothing."""
        self._stored = document

    def _write_change(self, key: ReplicaKey, event: PhaseChanged) -> None:
        last = self._written.get(key)
        now = _Written(event.after, event.id, event.attempt)
        if last == now:
            return
        self._written[key] = now
        self._events.append(
            {
                "time": _moment(self._now()),
                "project": self._project,
                "session": event.session,
                "group": event.group or None,
                "replica": event.replica,
                "name": event.name,
                "id": event.id,
                "attempt": event.attempt,
                "from": last.phase if last else None,
                "to": event.after,
                "note": event.note or None,
            },
        )
        if self._events.left and not self._warned:
            self._warned = True
            self._observe(Note(f"{self._events.problem}; the tool tries again at the next change of phase"))


def _as_event(record: ReplicaRecord, document: StateDocument) -> PhaseChanged:
    spec = document.specs.get(record.spec)
    return PhaseChanged(
        project=document.project,
        session=spec.name if spec else record.session,
        replica=record.replica,
        name=record.name,
        id=record.id,
        before="",
        after=record.phase.value,
        group=spec.group if spec else "",
        attempt=record.attempt,
        note=record.note,
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
