"""What a page shows of one project, before it is rendered."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.status import ProjectStatus, Timeline

TAIL = 40  # last lines of a log that a page shows


@dataclass(frozen=True, slots=True)
class LogTail:
    """The last lines of the saved log of one attempt, with sensitive values masked."""

    attempt: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class ProjectPage:
    """One project on a page.

    `timeline` is that of `status`. `sessions` are the desired session specs. `server` is the address of the server.
    `limit` is the number of sessions that can be active at the same time, None for no limit. `logs` are saved logs by
    live name. `notes` are those of the plan, `refused` is the safety rule that refuses the next apply. `poll` is the
    number of seconds after which the page is written again, None if nothing repeats. `commands` are command lines with
    the options of this invocation, by name: `logs`, `show`, `rerun`, `rerun-failed`, `apply`, and `page`, which
    writes the file of the page again. They contain `REPLICA` where the name of a replica belongs.
    """

    status: ProjectStatus
    timeline: Timeline
    sessions: tuple[SessionSpec, ...]
    server: str = ""
    limit: int | None = None
    logs: Mapping[str, LogTail] = field(default_factory=dict)
    notes: tuple[Reason, ...] = ()
    refused: Reason | None = None
    poll: float | None = None
    commands: Mapping[str, str] = field(default_factory=dict)
