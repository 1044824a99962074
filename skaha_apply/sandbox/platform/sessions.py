"""A session as the sandbox keeps it, and the three forms in which the server shows it.

Source: [Session, SessionURLBuilder, Gson].
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from skaha_apply.sandbox.text.placeholders import job_name
from skaha_apply.sandbox.text.quantities import cpu, decimal_gb, expiry_time, start_time

if TYPE_CHECKING:
    from collections.abc import Iterable

PENDING, RUNNING, COMPLETED, FAILED = "Pending", "Running", "Completed", "Failed"
EVENT_LIFE_S = 3600.0


@dataclass(frozen=True)
class PodEvent:
    """One event of a pod, at `at` seconds since the epoch."""

    kind: str
    reason: str
    message: str
    at: float


@dataclass(slots=True)
class SandboxSession:
    """One session, also after it left the listing. Times are seconds since the epoch, by the sandbox's clock.

    Attributes:
        started: None while the session is Pending.
        gone: when the session left the listing (deleted or expired).
        stopped: when the last process of the session had ended.
        pod_gone: when the pod was removed, and log and events with it.
        birth: start time of the process `pid`, as text.
        cached_json: the JSON of the listing; None after a change.
        appid: ID of a desktop app; its `id` is that of its desktop session.
        attempt: number of this session among the sessions with its user and name, from 1.
    """

    id: str
    userid: str
    name: str
    kind: str
    image: str
    cores: float
    ram: float
    fixed: bool
    argv: tuple[str, ...]
    env: dict[str, str]
    created: float
    deadline: float
    ttl: float
    status: str = PENDING
    started: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    gone: float | None = None
    gone_because: str | None = None
    stopped: float | None = None
    pod_gone: float | None = None
    pid: int | None = None
    birth: str | None = None
    events: list[PodEvent] = field(default_factory=list)
    cached_json: str | None = None
    appid: str | None = None
    attempt: int = 1

    @property
    def job_name(self) -> str:
        """The name of the Kubernetes job; listings are ordered by it."""
        if self.appid is not None:
            return f"{self.id}-{self.appid}-{self.userid.lower()}-{self.name}"
        return job_name(self.kind, self.userid, self.id)

    @property
    def is_active(self) -> bool:
        """Whether the session is Pending or Running."""
        return self.status in (PENDING, RUNNING)

    @property
    def has_pod(self) -> bool:
        """Whether a pod exists: from the start until the pod is removed. A Pending job has no pod."""
        return self.started is not None and self.pod_gone is None

    def add_event(self, reason: str, message: str, at: float, kind: str = "Normal") -> None:
        """Add an event of the pod, at `at` seconds since the epoch."""
        self.events.append(PodEvent(kind, reason, message, at))

    def to_document(self) -> dict[str, Any]:
        """Return all fields as JSON values, for the database and the control route."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "cached_json"}
        values["events"] = [[event.kind, event.reason, event.message, event.at] for event in self.events]
        return values


def from_document(values: dict[str, Any]) -> SandboxSession:
    """Read the JSON values of `SandboxSession.to_document`."""
    events = [PodEvent(*event) for event in values["events"]]
    return SandboxSession(**{**values, "argv": tuple(values["argv"]), "events": events})


def connect_url(session: SandboxSession, origin: str) -> str:
    """Return the address of an interactive session; empty for headless sessions and desktop apps.

    The ID is the password. A notebook's address has it as `token=`, a desktop's as `password=` [SessionURLBuilder].
    """
    identifier = session.id
    paths = {
        "notebook": f"notebook/{identifier}/lab/tree/arc/home/{session.userid}?token={identifier}",
        "desktop": f"desktop/{identifier}/?password={identifier}&path=session/desktop/{identifier}/",
        "carta": f"carta/{identifier}/",
        "contributed": f"contrib/{identifier}/",
        "firefly": f"firefly/{identifier}/firefly/",
    }
    return f"{origin}/session/{paths[session.kind]}" if session.kind in paths else ""


def session_fields(session: SandboxSession, origin: str) -> dict[str, object]:
    """Return the object of GET /session: fields in the server's order, without null fields [Session, Gson]."""
    group = os.getgid()
    values: dict[str, object] = {
        "id": session.id,
        "userid": session.userid,
        "runAsUID": str(os.getuid()),
        "runAsGID": str(group),
        "supplementalGroups": [group],
    }
    if session.appid is not None:
        values["appid"] = session.appid
    values |= {"image": session.image, "type": session.kind, "status": session.status, "name": session.name}
    if session.started is not None:
        values["startTime"] = start_time(session.started)
        values["expiryTime"] = expiry_time(session.started + session.deadline)
    values["connectURL"] = connect_url(session, origin)
    if session.fixed:
        values["requestedRAM"] = decimal_gb(session.ram)
        values["requestedCPUCores"] = cpu(session.cores)
    values["requestedGPUCores"] = "0"
    values["isFixedResources"] = session.fixed
    return values


def listing_json(sessions: Iterable[SandboxSession], origin: str) -> str:
    """Return the indented JSON array of GET /session; the JSON of each session is cached until it changes."""
    parts = []
    for session in sessions:
        if session.cached_json is None:
            session.cached_json = _indented(json.dumps(session_fields(session, origin), indent=2))
        parts.append(session.cached_json)
    return "[\n" + ",\n".join(parts) + "\n]" if parts else "[]"


def public_listing_json(sessions: Iterable[SandboxSession]) -> str:
    """Return the array of `view=all`: userid, type, status and startTime of the sessions of all users."""
    rows = []
    for session in sessions:
        row = {"userid": session.userid, "type": session.kind, "status": session.status}
        if session.started is not None:
            row["startTime"] = start_time(session.started)
        rows.append(row)
    return json.dumps(rows, indent=2)


def _indented(block: str) -> str:
    return "\n".join("  " + line for line in block.split("\n"))


def event_table(session: SandboxSession, now: float) -> str:
    """Return the kubectl table of the pod's events of the last hour, or `<none>`."""
    rows = [("TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME")]
    for event in session.events:
        if now - event.at < EVENT_LIFE_S:
            moment = expiry_time(event.at)
            rows.append((event.kind, event.reason, event.message, moment, moment))
    if len(rows) == 1:
        return "<none>\n"
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join("   ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows)
