"""One call of apply: its options, and what it has come to so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skaha_apply.model.request import Offer
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.replicas import Expansion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.model.plan import Plan, Trial
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event, Failure
    from skaha_apply.model.session import Listing
    from skaha_apply.model.state import StateDocument
    from skaha_apply.workflow.setup.context import Context


@dataclass(frozen=True)
class ApplyOptions:
    """How a plan is carried out. Times are seconds.

    `approved` are the lines of a saved plan, `lineage` is that of its state.
    """

    plan: PlanOptions = field(default_factory=PlanOptions)
    wait: str = "none"  # none | ready | complete
    timeout: float | None = None
    poll: float = 10.0
    limit: int | None = None
    init: bool = False
    approved: tuple[str, ...] | None = None
    lineage: str | None = None


@dataclass
class Run:
    """One call of apply for one project: what was approved, and what became of it so far.

    `since` is when it first looked, by the server's clock. `failures` are what is reported, by live name and kind;
    `tried` is what was tried in vain and is left alone from then on. `spent` counts the actions that were carried out
    or failed, which `--limit` bounds; `cut` are those of the last pass that it left undone. `offer` is what the server
    was found to offer. `deadline`, the end of the granted time, and `began`, that of the last pass, are times of the
    event loop.
    """

    world: Context
    project: Project
    options: ApplyOptions
    approve: Callable[[Plan], Awaitable[bool]]
    observe: Callable[[Event], None]
    approved: Plan | None = None
    lineage: str = ""
    since: float | None = None
    declined: bool = False
    applied: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)
    tried: set[Trial] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    halted: SkahaApplyError | None = None
    plan: Plan | None = None
    listing: Listing | None = None
    document: StateDocument | None = None
    deadline: float | None = None
    began: float = 0.0
    spent: int = 0
    cut: int = 0
    offer: Offer = field(default_factory=Offer)
    expansion: Expansion = field(init=False)

    def __post_init__(self) -> None:
        self.expansion = Expansion(self.project)

    @property
    def left(self) -> int | None:
        """How many more actions `--limit` allows this invocation, None without a limit."""
        return None if self.options.limit is None else max(0, self.options.limit - self.spent)
