"""The server's placeholders, `${skaha.sessionid}` and 20 others. The server replaces them also in cmd, args and env.

Source: [PostAction, launch-headless.yaml].
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BUNDLE = "${headless.image.bundle}"
HOST = "127.0.0.1"
_PLACEHOLDER = re.compile(r"\$\{([a-zA-Z_.]+)\}")


@dataclass(frozen=True)
class JobFields:
    """The values of one create that placeholders stand for. Cores and RAM (GiB) are pairs of request and limit."""

    session_id: str
    userid: str
    name: str
    kind: str
    image: str
    cores: tuple[float, float]
    ram: tuple[float, float]


def job_name(kind: str, userid: str, session_id: str) -> str:
    """Return the name of the Kubernetes job: type, user, ID. Listings are ordered by it."""
    return f"skaha-{kind}-{userid.lower()}-{session_id}"


def threads(cores: float) -> str:
    """Return OMP_NUM_THREADS: the integer part of the cores, at least 1 [launch-headless.yaml]."""
    return str(max(1, int(cores)))


def placeholder_values(job: JobFields, data: Path, uid: int, expiry: float) -> dict[str, str]:
    """Return the text of each placeholder. Folders are below `data`; `expiry` is in seconds."""
    return {
        "skaha.sessionid": job.session_id,
        "skaha.sessionname": job.name,
        "skaha.sessionexpiry": f"{expiry:.0f}",
        "skaha.jobname": job_name(job.kind, job.userid, job.session_id),
        "skaha.hostname": HOST,
        "skaha.sessions.hostname": HOST,
        "skaha.userid": job.userid,
        "skaha.posixid": str(uid),
        "skaha.sessiontype": job.kind,
        "skaha.supgroups": "",
        "software.imageid": job.image,
        "software.hostname": job.name,
        "software.requests.cores": str(job.cores[0]),
        "software.limits.cores": str(job.cores[1]),
        "software.requests.ram": f"{job.ram[0]}Gi",
        "software.limits.ram": f"{job.ram[1]}Gi",
        "software.thread.count": threads(job.cores[0]),
        "headless.priority": "",
        "SKAHA_USER_HOME_DIR": str(home(data, job.userid)),
        "SKAHA_TOP_LEVEL_DIR": str(data),
        "SKAHA_PROJECTS_DIR": str(data / "projects"),
    }


def home(data: Path, userid: str) -> Path:
    """Return the home directory of a user."""
    return data / "home" / userid


def fill(text: str, known: dict[str, str]) -> str:
    """Replace the placeholders of `text`. An unknown placeholder stays as written, also `${headless.image.bundle}`."""
    return _PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), text)
