"""Desktop apps: programs on the desktop of a running desktop session. The sandbox lists them and runs nothing.

An app exists as long as its desktop session is listed, and at most until the sandbox process ends.
Source: [PostAction.attachDesktopApp, GetAction].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.sandbox.platform.launch import random_id
from skaha_apply.sandbox.platform.sessions import RUNNING, SandboxSession

if TYPE_CHECKING:
    from skaha_apply.sandbox.http.create import RequestedResources
    from skaha_apply.sandbox.platform.cluster import Cluster

KIND = "desktop-app"
_ID_LENGTH = 3


class DesktopApps:
    """The desktop apps of all users."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._apps: dict[tuple[str, str], SandboxSession] = {}

    def listed(self, userid: str | None) -> list[SandboxSession]:
        """Return the apps of one user, or of all users, whose desktop session is still listed."""
        for key in [key for key in self._apps if key[0] not in self._cluster.sessions]:
            del self._apps[key]
        return sorted(
            (app for app in self._apps.values() if userid in (None, app.userid)), key=lambda app: app.job_name
        )

    def find(self, session_id: str, app_id: str, userid: str) -> SandboxSession | None:
        """Return one app of a user."""
        return next((app for app in self.listed(userid) if (app.id, app.appid) == (session_id, app_id)), None)

    def attach(self, desktop: SandboxSession, image: str, name: str, resources: RequestedResources) -> str:
        """Start an app on a desktop session and return its ID."""
        app_id = random_id(_ID_LENGTH)
        while (desktop.id, app_id) in self._apps:
            app_id = random_id(_ID_LENGTH)
        now = self._cluster.clock.now()
        self._apps[desktop.id, app_id] = SandboxSession(
            id=desktop.id,
            userid=desktop.userid,
            name=name,
            kind=KIND,
            image=image,
            cores=resources.cores,
            ram=resources.ram,
            fixed=resources.fixed,
            argv=(),
            env={},
            created=now,
            deadline=desktop.deadline,
            ttl=desktop.ttl,
            status=RUNNING,
            started=now,
            appid=app_id,
        )
        return app_id

    def delete(self, app: SandboxSession) -> None:
        """End an app."""
        self._apps.pop((app.id, app.appid or ""), None)
