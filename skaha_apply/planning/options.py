"""The options of the user that the planner reads, in addition to the manifest."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import UsageError
from skaha_apply.planning.selection import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.plan import Action, AttemptKey
    from skaha_apply.model.spec import ReplicaKey


def check_core_hours(number: float, given: object) -> float:
    """A number of core-hours, if it can be a limit. `given` is what the user wrote.

    Raises:
        UsageError: a negative number, or `nan`, which would allow every loss.
    """
    if not number >= 0:
        raise UsageError(f"{given!r} is not a number of core-hours: write a number of at least 0")
    return number


class Adopt(StrEnum):
    """Which unmanaged sessions are adopted if they match."""

    NONE = "none"
    ACTIVE = "active"
    ENDED = "ended"  # active ones and ended ones


@dataclass(frozen=True)
class PlanOptions:
    """The options of one invocation.

    `targets` and `excludes` are `NAME[/REPLICAS]` patterns. `failed` are the attempts of actions that failed in this
    invocation: they are not repeated, and take no slot. `allow_loss` is in core-hours. `reruns` are the
    run numbers that `rerun` gave to done replicas in the first plan of the invocation (None: this is the first one).
    `approved` are the lines of an approved plan from which the plan must not differ.
    """

    adopt: Adopt = Adopt.NONE
    take_over: bool = False
    force: bool = False
    allow_loss: float = 100.0
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    failed: frozenset[AttemptKey] = frozenset()
    destroying: bool = False
    reruns: Mapping[ReplicaKey, int] | None = None
    approved: tuple[str, ...] | None = None

    @property
    def limited(self) -> bool:
        """Whether only a part of the project is in scope."""
        return bool(self.targets or self.excludes)

    def in_scope(self, action: Action) -> bool:
        """Whether an action is among the targets and not excluded."""
        return not self.limited or self.includes(action.key, action.group)

    def includes(self, key: ReplicaKey, group: str) -> bool:
        """Whether a replica is among the targets and not excluded; `group` is the name of its entry as written."""
        if any(matches(pattern, *key, group) for pattern in self.excludes):
            return False
        return not self.targets or any(matches(pattern, *key, group) for pattern in self.targets)

    def has_failed(self, action: Action) -> bool:
        """Whether an action failed before in this invocation."""
        return action.attempt_key in self.failed
