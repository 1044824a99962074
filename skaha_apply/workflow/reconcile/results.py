"""What the passes of one `apply` hand to each other: the progress, and the result of a pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.request import Offer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.apply.context import Outcomes
    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.model.plan import AttemptKey, Plan
    from skaha_apply.model.report import Failure
    from skaha_apply.model.session import Listing
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord, StateDocument
    from skaha_apply.planning.safety.allowed_actions import Approval


@dataclass
class Progress:
    """What one `apply` has done so far, over all passes.

    `began` is the time of the first listing, in Unix seconds by the server's clock.
    `reruns` are the run numbers that `rerun` gave to done replicas in the first plan. `failures` has the reported
    failures by live name and kind of action. `tried` has the actions that failed and are not tried again. `created` are
    the IDs of new sessions. `attempted` counts the actions that were carried out or failed; `--limit` bounds it.
    `unsent` are the events whose notice this invocation could not send to each target.
    """

    reruns: Mapping[ReplicaKey, int] | None = None
    began: float | None = None
    applied: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)
    tried: set[AttemptKey] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    attempted: int = 0
    unsent: set[str] = field(default_factory=set)

    def add(self, outcomes: Outcomes) -> None:
        """Add what the executor did; an action that succeeds clears its earlier failure."""
        self.applied.update(outcomes.applied)
        self.created.update(outcomes.accepted)
        self.tried |= outcomes.tried
        for action in outcomes.done:
            self.failures.pop((action.name, action.kind.value), None)
        for failure in outcomes.failures:
            self.failures[failure.name, failure.action] = failure
        for note in outcomes.notes:
            self.add_note(note)

    def forget_failures(self, message: str) -> None:
        """Drop the failures with this message, because their actions are planned again."""
        self.failures = {key: failure for key, failure in self.failures.items() if failure.error != message}

    def add_note(self, text: str) -> None:
        """Add a line to the report, once."""
        self.notes[text] = None

    def actions_left(self, limit: int | None) -> int | None:
        """How many more actions `--limit` allows, None without a limit."""
        return None if limit is None else max(0, limit - self.attempted)


@dataclass(frozen=True)
class PassResult:
    """What the latest pass has reached; a pass that was cut short keeps the values of the pass before.

    `records` are the records of the state by key, which the next pass changes. `began` and `deadline` are times of the
    event loop: the start of the pass, and the end of `--timeout` (None without it). `stopped` is the reason why no
    further pass is made. `left_out` counts the actions that `--limit` excluded. `not_approved` are the attempts that no
    approval covers. `known_failures` are the replicas that the state had as failed or unknown before: they do not count
    for the exit code of a refresh.
    """

    plan: Plan | None = None
    listing: Listing | None = None
    document: StateDocument | None = None
    records: Mapping[ReplicaKey, ReplicaRecord] = field(default_factory=dict)
    stopped: SkahaApplyError | None = None
    approval: Approval | None = None
    deadline: float | None = None
    declined: bool = False
    offer: Offer = field(default_factory=Offer)
    began: float = 0.0
    left_out: int = 0
    not_approved: frozenset[AttemptKey] = frozenset()
    known_failures: frozenset[ReplicaKey] = frozenset()
