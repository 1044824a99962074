"""The options of commands as keywords, with the names that they have on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from skaha_apply.model.errors import UsageError
from skaha_apply.planning.options import Adopt, PlanOptions
from skaha_apply.workflow.logs import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable


class PlanChoices(TypedDict, total=False):
    """Which replicas are in scope, and what a plan can do with them.

    `target` and `exclude` are `NAME[/REPLICAS]` patterns. `adopt` records unmanaged sessions that match: active ones,
    or also ended ones. `take_over` replaces unmanaged sessions. `force` lifts the limits for deletes, `allow_loss` is
    the largest number of core-hours that a plan can lose (by default 100).
    """

    target: str | Iterable[str]
    exclude: str | Iterable[str]
    adopt: Literal["active", "ended"]
    take_over: bool
    force: bool
    allow_loss: float


def plan_options(choices: PlanChoices) -> PlanOptions:
    """The options as the planner reads them.

    Raises:
        UsageError: `adopt` has an unknown value.
    """
    adopt = choices.get("adopt", Adopt.NONE.value)
    if adopt not in set(Adopt):
        raise UsageError(f"adopt={adopt!r} is not an option", hint="Write 'active' or 'ended'.")
    return PlanOptions(
        adopt=Adopt(adopt),
        take_over=choices.get("take_over", False),
        force=choices.get("force", False),
        allow_loss=choices.get("allow_loss", PlanOptions().allow_loss),
        targets=words(choices.get("target", ())),
        excludes=words(choices.get("exclude", ())),
    )


def words(given: str | Iterable[str]) -> tuple[str, ...]:
    """One word or several words as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


def known_wait(wait: str) -> str:
    """What to wait for; raises `UsageError` for another word."""
    if wait not in ("none", "ready", "complete"):
        raise UsageError(f"wait={wait!r} is not an option", hint="Write 'none', 'ready' or 'complete'.")
    return wait


def known_attempt(attempt: int | str | None) -> int | None:
    """The attempt as `read_logs` takes it; raises `UsageError` for another value."""
    if attempt is None or (isinstance(attempt, int) and attempt >= 1):
        return attempt
    if attempt == "all":
        return ALL
    raise UsageError(f"attempt={attempt!r} is not an attempt", hint="Write a number from 1, or 'all'.")
