"""The log of a controller: one line of JSON for each event."""

from __future__ import annotations

import json
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.masking.inert_text import inert_json
from skaha_apply.model.report import ActionEnded, Note, PhaseChanged
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.report import Event

_BAD = (Phase.FAILED.value, Phase.UNKNOWN.value)


@dataclass(frozen=True)
class RunLog:
    """Writes lines with the keys `time` (UTC, of this machine), `level`, `event`, and those of the event.

    `complete` returns a hint whose commands have the options of this invocation.
    """

    write_line: Callable[[str], None]
    complete: Callable[[str], str] = str
    noted: set[str] = field(default_factory=set)

    def write(self, event: str, *, level: str = "info", **values: Any) -> None:
        """Write one line."""
        time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        hints = {"hint": self.complete(values["hint"])} if "hint" in values else {}
        line = {"time": time, "level": level, "event": event, **values, **hints}
        self.write_line(inert_json(json.dumps(line, ensure_ascii=False)))

    def note_once(self, event: Event) -> None:
        """Write a note that concerns no project, the first time that it is made."""
        if isinstance(event, Note) and event.text not in self.noted:
            self.noted.add(event.text)
            self.write("note", text=event.text)


@dataclass
class PassLog:
    """The log of one pass over a project. What the pass before has written too is written once, while it lasts.

    `before` are the keys of the lines of the pass before, and `keys` those of this pass.
    """

    log: RunLog
    project: str
    before: frozenset[tuple[str, ...]] = frozenset()
    keys: set[tuple[str, ...]] = field(default_factory=set)

    def note(self, text: str) -> None:
        """Write a note."""
        self._write_once(("note", text), "note", text=text)

    def observe(self, event: Event) -> None:
        """Write failed replicas, failed actions (one for each entry and error) and notes."""
        if isinstance(event, PhaseChanged) and event.after in _BAD:
            values = {"replica": event.name, "phase": event.after, "cause": event.note}
            self.log.write("failed", level="warning", project=self.project, **values)
        elif isinstance(event, ActionEnded) and event.error is not None:
            action = event.action
            key = ("action-failed", action.group or action.session, action.kind.value, event.error)
            values = {"replica": action.name, "action": action.kind.value, "error": event.error}
            self._write_once(key, "action-failed", level="warning", **values)
        elif isinstance(event, Note):
            self.note(event.text)

    @property
    def has_failed_actions(self) -> bool:
        """Whether an action of this pass failed."""
        return any(key[0] == "action-failed" for key in self.keys)

    def _write_once(self, key: tuple[str, ...], event: str, *, level: str = "info", **values: str) -> None:
        if key not in self.before and key not in self.keys:
            self.log.write(event, level=level, project=self.project, **values)
        self.keys.add(key)
