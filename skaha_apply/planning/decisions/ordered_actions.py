"""The order of the actions of a plan, and which of them are in the scope of an invocation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skaha_apply.model.plan import ActionKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.plan import Action
    from skaha_apply.planning.options import PlanOptions


class OrderedActions(Sequence["Action"]):
    """The actions of a plan, which are put in order when they are first read.

    A wait makes a plan in each pass and reads all actions of the last plan only. `make` must return the same actions
    at any time.
    """

    def __init__(self, make: Callable[[], list[Action]]) -> None:
        self._make = make

    @cached_property
    def _actions(self) -> tuple[Action, ...]:
        return tuple(self._make())

    def __getitem__(self, index: Any) -> Any:
        return self._actions[index]

    def __len__(self) -> int:
        return len(self._actions)

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple | OrderedActions) and self._actions == tuple(other)

    def __hash__(self) -> int:
        return hash(self._actions)

    def __repr__(self) -> str:
        return repr(self._actions)


def in_order(actions: Iterable[Action], options: PlanOptions) -> list[Action]:
    """The actions in scope, in the order of a plan."""
    return sorted(in_scope(actions, options), key=lambda action: action.kind.order)


def in_scope(actions: Iterable[Action], options: PlanOptions) -> Iterable[Action]:
    """The actions in scope; `--target` and `--exclude` keep sessions whose manifest line was removed."""
    return [action for action in actions if _is_in_scope(action, options)] if options.limited else actions


def merged(
    kept: Sequence[Action | None], positions: Sequence[int], decided_now: Sequence[Action], options: PlanOptions
) -> list[Action]:
    """All actions in scope, in the order of a plan.

    Args:
        kept: the actions of earlier plans by position; None at `positions`.
        positions: those of the actions with which `decided_now` begins.
        decided_now: the other actions.
        options: they decide about the scope.
    """
    every = list(in_scope_or_none(kept, options))
    first = [action for action in decided_now if action.kind.is_early]
    scoped = {id(action) for action in in_scope(decided_now, options)}
    for position, action in zip(positions, decided_now, strict=False):
        every[position] = action if not action.kind.is_early and id(action) in scoped else None
    last = [action for action in decided_now[len(positions) :] if not action.kind.is_early]
    return [*in_order(first, options), *filter(None, every), *in_scope(last, options)]


def in_scope_or_none(kept: Sequence[Action | None], options: PlanOptions) -> Sequence[Action | None]:
    """The actions by position; None for those out of scope."""
    if not options.limited:
        return kept
    return [action if action is not None and options.in_scope(action) else None for action in kept]


def _is_in_scope(action: Action, options: PlanOptions) -> bool:
    removed = action.kind is ActionKind.DELETE and action.counts_as_mass
    return options.in_scope(action) and not removed
