"""The owner of a lock, as Terraform's lock JSON: a lock file and HTTP use the same seven keys."""

from __future__ import annotations

import getpass
import json
import os
import socket
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model import __version__

_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class LockOwner:
    """The owner of a lock; `created` and `expires` are Unix seconds by the clock of the owner, None if unknown."""

    id: str
    operation: str = ""
    info: str = ""
    who: str = ""
    version: str = ""
    created: float | None = None
    path: str = ""
    pid: int | None = None
    expires: float | None = None
    boot: str = ""

    def shares_machine(self, other: LockOwner) -> bool:
        """Whether both run on one kernel, so that the lock of its operating system shows whether the owner runs.

        The host name or the boot ID of the kernel must be equal. Containers on one machine have different host names.
        """
        same_host = self.who.rpartition("@")[2] == other.who.rpartition("@")[2]
        return same_host or bool(self.boot and self.boot == other.boot)

    def describe(self, now: float) -> str:
        """`anna@host (process 12), operation apply, since 2026-11-22T10:00:00Z (5 min ago)`, without unknown parts."""
        parts = [self.who or "an unknown owner"]
        if self.pid is not None:
            parts[0] += f" (process {self.pid})"
        if self.operation:
            parts.append(f"operation {self.operation}")
        if self.created is not None:
            parts.append(f"since {_stamp(self.created)} ({format_age(now - self.created)} ago)")
        if self.expires is not None:
            when = "expires in" if self.expires > now else "expired since"
            parts.append(f"{when} {format_age(abs(self.expires - now))}")
        return ", ".join(parts)


def this_process(operation: str, path: str, now: float) -> LockOwner:
    """This process as the owner of a new lock, without an expiry."""
    return LockOwner(
        id=str(uuid.uuid4()),
        operation=operation,
        who=f"{_user()}@{socket.gethostname()}",
        version=__version__,
        created=now,
        path=path,
        pid=os.getpid(),
        boot=_boot(),
    )


def to_json(owner: LockOwner) -> bytes:
    """The lock JSON: Terraform's seven keys, all present, then those of this tool."""
    body: dict[str, Any] = {
        "ID": owner.id,
        "Operation": owner.operation,
        "Info": owner.info,
        "Who": owner.who,
        "Version": owner.version,
        "Created": _stamp(owner.created) if owner.created is not None else "",
        "Path": owner.path,
    }
    if owner.pid is not None:
        body["Pid"] = owner.pid
    if owner.boot:
        body["Boot"] = owner.boot
    if owner.expires is not None:
        body["Expires"] = _stamp(owner.expires)
    return json.dumps(body).encode()


def from_json(data: bytes) -> LockOwner | None:
    """The owner from lock JSON; None for other data, such as an empty or half-written lock file."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not isinstance(body.get("ID"), str) or not body["ID"]:
        return None
    pid = body.get("Pid")
    return LockOwner(
        id=body["ID"],
        operation=_printable(body.get("Operation")),
        info=_printable(body.get("Info")),
        who=_printable(body.get("Who")),
        version=_printable(body.get("Version")),
        created=_unix(body.get("Created")),
        path=_printable(body.get("Path")),
        pid=pid if isinstance(pid, int) and not isinstance(pid, bool) else None,
        expires=_unix(body.get("Expires")),
        boot=_printable(body.get("Boot")),
    )


def format_age(seconds: float) -> str:
    """A duration in the largest unit that fits: `5 min`."""
    seconds = max(seconds, 0.0)
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # the user of a container can have no name
        return str(os.getuid())


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        return ""


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _unix(value: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _printable(value: Any) -> str:
    return "".join(char for char in value if char.isprintable())[:200] if isinstance(value, str) else ""
