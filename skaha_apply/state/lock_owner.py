"""Who holds a lock, as Terraform's lock JSON says it: the same seven keys in a lock file and over http."""

from __future__ import annotations

import getpass
import json
import os
import socket
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skaha_apply.model.version import __version__

_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a lock; `created` and `expires` are Unix seconds by its own clock, None where it does not say."""

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

    def shares_machine(self, other: Holder) -> bool:
        """Whether both run on one kernel, so that the lock of its operating system tells who is alive.

        The name of the host says so, or the kernel's boot id: containers on one machine have names of their own.
        """
        same_host = self.who.rpartition("@")[2] == other.who.rpartition("@")[2]
        return same_host or bool(self.boot and self.boot == other.boot)

    def describe(self, now: float) -> str:
        """`anna@host (process 12), operation apply, since 2026-11-22T10:00:00Z (5 min ago)`, as far as it is known."""
        parts = [self.who or "somebody"]
        if self.pid is not None:
            parts[0] += f" (process {self.pid})"
        if self.operation:
            parts.append(f"operation {self.operation}")
        if self.created is not None:
            parts.append(f"since {_stamp(self.created)} ({age(now - self.created)} ago)")
        if self.expires is not None:
            when = "expires in" if self.expires > now else "expired since"
            parts.append(f"{when} {age(abs(self.expires - now))}")
        return ", ".join(parts)


def ourselves(operation: str, path: str, now: float) -> Holder:
    """This process as the holder of a new lock, without an expiry."""
    return Holder(
        id=str(uuid.uuid4()),
        operation=operation,
        who=f"{_user()}@{socket.gethostname()}",
        version=__version__,
        created=now,
        path=path,
        pid=os.getpid(),
        boot=_boot(),
    )


def to_json(holder: Holder) -> bytes:
    """The lock JSON: Terraform's seven keys, all present, then ours."""
    body: dict[str, Any] = {
        "ID": holder.id,
        "Operation": holder.operation,
        "Info": holder.info,
        "Who": holder.who,
        "Version": holder.version,
        "Created": _stamp(holder.created) if holder.created is not None else "",
        "Path": holder.path,
    }
    if holder.pid is not None:
        body["Pid"] = holder.pid
    if holder.boot:
        body["Boot"] = holder.boot
    if holder.expires is not None:
        body["Expires"] = _stamp(holder.expires)
    return json.dumps(body).encode()


def from_json(data: bytes) -> Holder | None:
    """The holder that lock JSON names; None when it is no such JSON (an empty or half-written lock file)."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not isinstance(body.get("ID"), str) or not body["ID"]:
        return None
    pid = body.get("Pid")
    return Holder(
        id=body["ID"],
        operation=_word(body.get("Operation")),
        info=_word(body.get("Info")),
        who=_word(body.get("Who")),
        version=_word(body.get("Version")),
        created=_unix(body.get("Created")),
        path=_word(body.get("Path")),
        pid=pid if isinstance(pid, int) and not isinstance(pid, bool) else None,
        expires=_unix(body.get("Expires")),
        boot=_word(body.get("Boot")),
    )


def age(seconds: float) -> str:
    """A span of time in the largest unit that fits: `5 min`."""
    seconds = max(seconds, 0.0)
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
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


def _word(value: Any) -> str:
    return "".join(char for char in value if char.isprintable())[:200] if isinstance(value, str) else ""
