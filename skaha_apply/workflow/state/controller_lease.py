"""The lease of a controller in the state: it shows other machines that a controller works on the project.

Each pass of a controller reads it under the lock of the state, and extends it when half of it has passed. Its times are
those of the server, which all controllers of a state share. It only keeps a second controller away. The lock of the
state prevents that work is lost or done twice, with and without a lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass, replace
from skaha_apply.model.errors import AnotherController
from skaha_apply.model.state import ControllerLease
from skaha_apply.state.lock_owner import format_age

if TYPE_CHECKING:
    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.ports import Server

SHORTEST = 3600.0  # seconds of a lease; half of it is longer than the longest wait of a controller with faults
INTERVALS = 3  # of a controller with a longer interval


@dataclass(frozen=True)
class OwnLease:
    """The lease of this controller: its ID, who it is, and for how many seconds it lasts."""

    id: str
    who: str
    seconds: float

    def confirm(self, ledger: Ledger, server: Server) -> None:
        """Take the lease, or extend it if half of it has passed; it is stored with the pass.

        Raises `AnotherController`: another one has it. Without a clock of the server nothing proves that it has ended.
        """
        working, now = ledger.working_state, server.now()
        lease = working.head.controller
        if lease is not None and lease.id != self.id and (lease.until > now or not server.has_server_time):
            raise another_controller(ledger.document.project, lease, now)
        left = lease.until - now if lease is not None and lease.id == self.id else 0.0
        if not self.seconds / 2 <= left <= self.seconds:
            since = lease.since if lease is not None and left > 0 else now
            mine = ControllerLease(id=self.id, who=self.who, since=since, until=now + self.seconds)
            working.head = replace(working.head, controller=mine)
            ledger.changed()

    def drop(self, ledger: Ledger) -> None:
        """Give the lease back, because the controller ends during a pass, if the pass has something to store anyway."""
        working = ledger.working_state
        if not ledger.is_stored and working.head.controller is not None and working.head.controller.id == self.id:
            working.head = replace(working.head, controller=None)
            ledger.changed()


def another_controller(project: str, lease: ControllerLease, now: float) -> AnotherController:
    """The error that another controller has the lease."""
    left = f"in {format_age(lease.until - now)}" if lease.until > now else "at an unknown time"
    since = f"{lease.who}, since {format_age(now - lease.since)}"
    return AnotherController(
        f"another controller works on {project}: {since}; its lease ends {left}",
        hint="End that process, or give this one other manifests. If it was killed, wait for the end of its lease, or "
        f"run `skaha-apply state unlock {lease.id}`.",
    )
