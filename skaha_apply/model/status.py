"""The status of a project: every replica, every entry of the manifest, and why replicas do not start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.model.errors import ExitCode
    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.report import EntrySummary, NotStarted
    from skaha_apply.model.state import StateDocument


@dataclass(frozen=True)
class ReplicaStatus:
    """One replica. Times are Unix seconds by the server's clock, None if unknown.

    `action` is the action that a plan has for the replica, `reason` the reason of that action. `group` is the name of
    the entry as written if the entry has a matrix. `attempts` is the number of allowed attempts. `pending` is the
    seconds since the create was accepted, if the session is pending. `event` is the last line of its events, if the
    session has been pending for long.
    """

    project: str
    session: str
    replica: int
    name: str
    phase: str
    id: str | None
    attempt: int
    started: float | None
    ended: float | None
    action: str
    reason: Reason
    connect_url: str = ""
    group: str = ""
    attempts: int = 1
    accepted: float | None = None
    pending: float | None = None
    event: str = ""


@dataclass(frozen=True)
class ProjectStatus:
    """The status of one project.

    `exit_code` is 0 if nothing is left to do, 2 if something is active or can be done, 9 if a replica is failed,
    unknown, on hold or blocked, 8 if one is in conflict. `document` is the state, updated with the listing. `at` is the
    time of the listing in Unix seconds.
    """

    project: str
    rows: tuple[ReplicaStatus, ...]
    entries: tuple[EntrySummary, ...]
    not_started: tuple[NotStarted, ...]
    exit_code: ExitCode
    document: StateDocument
    at: float
