"""One action that is carried out, and the ways in which it can end without that."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.planning.attempts import as_requested, ram_of

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action
    from skaha_apply.model.session import Listing
    from skaha_apply.model.spec import DesiredReplica
    from skaha_apply.model.state import PendingDelete

TRIES = 3  # requests that one run sends at most to create or delete the session of one replica

Shape = tuple[Any, ...]


class JobFailed(Exception):
    """The action was not carried out. The text is for the report.

    `can_be_repeated` states whether a later pass can try the action again.
    """

    def __init__(self, text: str, *, can_be_repeated: bool = False) -> None:
        super().__init__(text)
        self.can_be_repeated = can_be_repeated


class RunStopped(Exception):
    """The job did not start or did not end, because the whole run stops; the reason is reported once."""


class NothingToDo(Exception):
    """The action is no longer needed; it is not counted."""


@dataclass
class Job:
    """One action that is carried out.

    `not_sent` is true while records are written ahead and no request was sent; `listing` is the last one before that.
    `posted` is true once the create was sent.
    `has_slot` is true while the job has a slot. `is_canary` marks the first create of its image and resources, which is
    sent alone.
    """

    action: Action
    revision: int = 0
    not_sent: bool = False
    listing: Listing | None = None
    posted: bool = False
    ended: bool = False
    has_slot: bool = True
    is_canary: bool = False
    pending_deletes: list[PendingDelete] = field(default_factory=list)

    @property
    def creates(self) -> bool:
        """Whether it creates a session in this pass."""
        creating = self.action.kind.creates
        return creating and not self.action.create_later

    @property
    def desired(self) -> DesiredReplica:
        """The replica that it creates; the planner sets it for every action that creates."""
        if self.action.desired is None:
            raise AssertionError(self.action)
        return self.action.desired

    @cached_property
    def shape(self) -> Shape:
        """The properties by which the server accepts or refuses the create."""
        spec = self.desired.spec
        return as_requested(spec, ram_of(spec, self.action.attempt)).shape
