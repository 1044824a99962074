"""What a user or a script asks of `apply` for one project."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.planning.expansion import Expansion
from skaha_apply.planning.options import PlanOptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event
    from skaha_apply.workflow.reconcile.results import PassResult
    from skaha_apply.workflow.setup.context import Context
    from skaha_apply.workflow.state.controller_lease import OwnLease


@dataclass(frozen=True)
class ApplyOptions:
    """How a plan is carried out. Times are seconds.

    `timeout` limits the wait, `poll` is the interval between passes, `limit` is the most actions of the invocation.
    `init` confirms a first run in CI. Without `deletes` the approval covers no action that needs one, such as a delete
    or a replace. `approved` are the lines of a saved plan, `lineage` is that of its state. Of `digests`, if there are
    any, one must be the digest of the plan. `known_lineage` is the lineage that the state must have.
    """

    plan: PlanOptions = field(default_factory=PlanOptions)
    wait: str = "none"  # none | ready | complete
    timeout: float | None = None
    poll: float = 10.0
    limit: int | None = None
    init: bool = False
    known_lineage: str | None = None
    deletes: bool = True
    approved: tuple[str, ...] | None = None
    lineage: str | None = None
    digests: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ApplyRequest:
    """One invocation of `apply` for one project.

    `approve` gets the plan once and returns whether the user agrees. `observe` gets each event. `after_pass` gets the
    request and the result of each pass. `lease` is the lease that a controller has in the state.
    """

    context: Context
    project: Project
    options: ApplyOptions
    approve: Callable[[Plan], Awaitable[bool]]
    observe: Callable[[Event], None]
    after_pass: Callable[[ApplyRequest, PassResult], None] | None = None
    lease: OwnLease | None = None

    @cached_property
    def expansion(self) -> Expansion:
        """The replicas of the project, expanded once for all passes."""
        return Expansion(self.project)
