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
    """Writes lines with the keys `time` (UTC, of this machine), `level`, `event`, and those of the event."""

    write_line: Callable[[str], None]
    noted: set[str] = field(default_factory=set)

    def write(self, event: str, *, level: str = "info", **values: Any) -> None:
        """Write one line."""
        time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        line = {"time": time, "level": level, "event": event, **values}
        self.write_line(inert_json(json.dumps(line, ensure_ascii=False)))

    def note_once(self, event: Event) -> None:
        """Write a note that concerns no project, the first time that it is made."""
        if isinstance(event, Note) and event.text not in self.noted:
            self.noted.add(event.text)
            self.write("note", text=event.text)


def observing(log: RunLog, project: str) -> Callable[[Event], None]:
    """An observer of a pass that logs failed replicas, failed actions and notes."""

    def observe(event: Event) -> None:
        if isinstance(event, PhaseChanged) and event.after in _BAD:
            log.write(
                "failed", level="warning", project=project, replica=event.name, phase=event.after, cause=event.note
            )
        elif isinstance(event, ActionEnded) and event.error is not None:
            log.write(
                "action-failed",
                level="warning",
                project=project,
                replica=event.action.name,
                action=event.action.kind.value,
                error=event.error,
            )
        elif isinstance(event, Note):
            log.write("note", project=project, text=event.text)

    return observe
