"""One request to a Skaha route: its path, read as the server reads it, its user and its parameters.

Source: [SessionAction].
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox.text.java_text import split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.sandbox.http.parameters import RequestParameters
    from skaha_apply.sandbox.platform.cluster import Cluster
    from skaha_apply.sandbox.platform.desktop_apps import DesktopApps

_OPEN = ("/capabilities", "/availability")
_PATH = re.compile(r"/v([01])(/session|/context|/image|/repository)(?:/(.*))?", re.DOTALL)
_MOST_SEGMENTS = 3


@dataclass(frozen=True)
class RequestTarget:
    """The service, session and desktop app that a path below /skaha names.

    `session_id` and `app_id` are None if the path has no such segment, and "" if the segment is empty. `too_long` holds
    a path of more than three segments, which the server refuses.
    """

    service: str
    session_id: str | None = None
    is_app: bool = False
    app_id: str | None = None
    too_long: str | None = None

    @property
    def route(self) -> str:
        """The route as faults and the request log name it."""
        if self.session_id is None:
            return self.service
        app = ("/app/{appid}" if self.app_id is not None else "/app") if self.is_app else ""
        return f"{self.service}/{{id}}{app}"


@dataclass(frozen=True)
class RoutedRequest:
    """One request to a known route; `list_lag` is the age of a listing in seconds."""

    method: str
    target: RequestTarget
    userid: str
    parameters: RequestParameters
    headers: Mapping[str, str]
    list_lag: float = 0.0

    @property
    def session_id(self) -> str:
        """The session ID of the path; "" if there is none."""
        return self.target.session_id or ""


@dataclass(frozen=True)
class Platform:
    """What the routes read and change: the cluster, its desktop apps, the public images, the server's own address."""

    cluster: Cluster
    apps: DesktopApps
    images: Mapping[str, tuple[str, ...]]
    origin: str


def locate(path: str, *, v0: bool) -> RequestTarget | None:
    """Read a path below /skaha; None if it names no service.

    Below /session the path is split as Java does it, and any second segment counts as `app`. Below the other services
    the rest of the path is ignored.
    """
    if path in _OPEN:
        return RequestTarget(path)
    found = _PATH.fullmatch(path)
    if found is None or (found[1] == "0" and not v0):
        return None
    service, below = found[2], found[3]
    if service != "/session" or below is None:
        return RequestTarget(service)
    parts = split(below, "/")
    if len(parts) > _MOST_SEGMENTS:
        return RequestTarget(service, parts[0], is_app=True, app_id=parts[2], too_long=below)
    padded: list[str | None] = [*parts, None, None, None]
    return RequestTarget(service, padded[0], is_app=len(parts) > 1, app_id=padded[2])
