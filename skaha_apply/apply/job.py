"""One action on its way, and the ways in which it may end without being carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skaha_apply.model.field_roles import Decides, names_by_role

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import DesiredReplica, SessionSpec
    from skaha_apply.model.state import PendingDelete

TRIES = 3  # times that one run posts a create, or sends a DELETE, of one replica

Shape = tuple[Any, ...]


class JobFailed(Exception):
    """The action was not carried out; the text is for the report, `again` says that a later pass may try once more."""

    def __init__(self, text: str, *, again: bool = False) -> None:
        super().__init__(text)
        self.again = again


class RunStopped(Exception):
    """The job was not begun, or not ended, because the whole run stops; the reason is reported once."""


class NothingToDo(Exception):
    """What the action was for has come about by itself; it is not counted."""


@dataclass
class Job:
    """One action on its way.

    `unsent` tells that nothing was sent yet of what was written ahead for it, `posted` that its create was. `placed`
    tells that it holds a place, `pioneer` that it is the first of its image and resources, which goes alone.
    """

    action: Action
    revision: int = 0
    not_sent: bool = False
    posted: bool = False
    ended: bool = False
    has_slot: bool = True
    is_canary: bool = False
    pending_deletes: list[PendingDelete] = field(default_factory=list)

    @property
    def creates(self) -> bool:
        """Whether it makes a session in this pass."""
        creating = self.action.kind.creates
        return creating and not self.action.held_back

    @property
    def desired(self) -> DesiredReplica:
        """What it creates; the planner gives it to every action that does."""
        if self.action.desired is None:
            raise AssertionError(self.action)
        return self.action.desired

    @property
    def shape(self) -> Shape:
        """What the server judges its create by, as it is sent."""
        return shape_of(self.desired.spec)


def shape_of(spec: SessionSpec) -> Shape:
    """What the server judges a create by: image, kind and resources."""
    return (
        spec.image,
        spec.kind.value,
        *(getattr(spec, name) for name in names_by_role(type(spec), Decides.RESOURCES)),
    )
