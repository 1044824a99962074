"""A session as the sandbox keeps it, and the three forms in which the server shows it.

Source: skaha-api.md, "Reading" (fields, events) and "The id of an interactive session is its password".
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
    """One session from its create to long after it is gone; times are seconds since the epoch of the sandbox's clock.

    `started` is None while it is queued; `gone` is when it left the listing (deleted or expired); `stopped` is when the
    last of its processes had ended; `pod_gone` is when log and events went with the pod. `appid` is that of a desktop
    app, whose `id` is that of its desktop session.
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

    @property
    def job_name(self) -> str:
        """The name of the Kubernetes job, by which listings are ordered."""
        if self.appid is not None:
            return f"{self.id}-{self.appid}-{self.userid.lower()}-{self.name}"
        return job_name(self.kind, self.userid, self.id)

    @property
    def is_active(self) -> bool:
        """Whether it is queued or runs."""
        return self.status in (PENDING, RUNNING)

    @property
    def has_pod(self) -> bool:
        """Whether Kubernetes would still know a pod: from the start until the pod is removed; a queued job has none."""
        return self.started is not None and self.pod_gone is None

    def add_event(self, reason: str, message: str, at: float, kind: str = "Normal") -> None:
        """Add an event."""
        self.events.append(PodEvent(kind, reason, message, at))

    def to_document(self) -> dict[str, Any]:
        """Give everything as JSON values: what is stored, and what the control route shows."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "cached_json"}
        values["events"] = [[event.kind, event.reason, event.message, event.at] for event in self.events]
        return values


def from_document(values: dict[str, Any]) -> SandboxSession:
    """Read back what `SandboxSession.to_document` gave."""
    events = [PodEvent(*event) for event in values["events"]]
    return SandboxSession(**{**values, "argv": tuple(values["argv"]), "events": events})


def connect_url(session: SandboxSession, origin: str) -> str:
    """Give the address of an interactive session; headless ones and desktop apps have an empty one.

    The id is the password: a notebook's address has it as `token=`, a desktop's as `password=` [SessionURLBuilder].
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
    """Give the object of GET /session, fields in the server's order, null ones absent [SandboxSession, Gson]."""
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
    """Give the pretty-printed JSON array of GET /session; what was printed once is kept with the session."""
    parts = []
    for session in sessions:
        if session.cached_json is None:
            session.cached_json = _indented(json.dumps(session_fields(session, origin), indent=2))
        parts.append(session.cached_json)
    return "[\n" + ",\n".join(parts) + "\n]" if parts else "[]"


def public_listing_json(sessions: Iterable[SandboxSession]) -> str:
    """Give the array of `view=all`: only userid, type, status and startTime of everybody's sessions."""
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
    """Give the kubectl table of the pod's events of the last hour, or `<none>`."""
    rows = [("TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME")]
    for event in session.events:
        if now - event.at < EVENT_LIFE_S:
            moment = expiry_time(event.at)
            rows.append((event.kind, event.reason, event.message, moment, moment))
    if len(rows) == 1:
        return "<none>\n"
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join("   ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows)
