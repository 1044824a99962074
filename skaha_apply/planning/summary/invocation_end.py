"""When an invocation of `apply` ends, and with which exit codes."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, SafetyRefusal, TimeoutReached
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import Usage
from skaha_apply.model.session import Phase
from skaha_apply.planning.summary.core_hours import FLEXIBLE_CORES, used_core_hours
from skaha_apply.planning.summary.exit_codes import code_of, is_final_failure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.model.plan import Action, AttemptKey
    from skaha_apply.model.report import Failure
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.summary.pass_summary import PassSummary


@dataclass(frozen=True)
class Achievement:
    """What an invocation has done so far, over all passes.

    `created` are the IDs of new sessions. `closed` are the attempts that it does not make: they have failed, or no
    approval covers them. `has_actions_left` states whether `--limit` allows another action. `failures` are the actions
    that were not carried out. `known_failures` are replicas that had failed before: they do not count for its exit
    code. `began` is the time of the first listing, in Unix seconds by the server's clock.
    """

    created: Collection[str] = ()
    closed: Collection[AttemptKey] = ()
    has_actions_left: bool = True
    failures: tuple[Failure, ...] = ()
    known_failures: frozenset[ReplicaKey] = frozenset()
    began: float | None = None


@dataclass(frozen=True)
class InvocationEnd:
    """Whether an invocation has reached what its `wait` (none, ready or complete) asks for, and its exit codes.

    `summary` is that of the last pass. `stopped` is why no other pass is made, and `declined` states that the plan was
    not approved. A flexible session uses `default_cores` cores.
    """

    summary: PassSummary
    wait: str = "none"
    done: Achievement = field(default_factory=Achievement)
    stopped: SkahaApplyError | None = None
    declined: bool = False
    default_cores: float = FLEXIBLE_CORES

    @property
    def is_over(self) -> bool:
        """Whether no other pass is needed.

        `ready`: every session that this invocation created is Running or has ended. `complete`: nothing is active, and
        nothing can become due. Replicas that wait indefinitely are not waited for.
        """
        plan = self.summary.plan
        if self.declined or self.stopped or self.wait == "none" or plan is None:
            return True
        if self.wait == "ready":
            return not any(map(self._is_starting, self.summary.document.replicas if self.summary.document else ()))
        return not any(map(self._can_change, plan.decided_now))

    @property
    def exit_codes(self) -> frozenset[ExitCode]:
        """An exit code for each thing that the invocation leaves."""
        return frozenset((*self._codes_of_run(), *self._codes_of_replicas()))

    @property
    def usage(self) -> Usage | None:
        """What the invocation has used since its first listing, without the folder of the logs; None before that."""
        document, now, began = self.summary.document, self.summary.snapshot.now, self.done.began
        if document is None or began is None:
            return None
        hours = used_core_hours(document.replicas, document.specs, began, now, self.default_cores)
        return Usage(max(0.0, now - began), hours)

    def _is_starting(self, record: ReplicaRecord) -> bool:
        """Whether this invocation created the session, and it does not run yet."""
        return record.id in self.done.created and record.phase.active and record.phase is not Phase.RUNNING

    def _can_change(self, action: Action) -> bool:
        """Whether an action of the last plan can still lead to a change.

        A renewal was carried out, or is due in another invocation. Its session runs, so there is nothing to wait for.
        Once `--limit` is used up, the wait is for active sessions only.
        """
        if action.kind is ActionKind.RENEW:
            return False
        if action.kind.changes:
            return self.done.has_actions_left and action.attempt_key not in self.done.closed
        if action.kind is ActionKind.WAIT:
            return self.done.has_actions_left and not action.waits_indefinitely
        if action.kind is not ActionKind.UNCHANGED or action.record is None or not action.record.phase.active:
            return False
        return not (self._is_interactive(action) and action.record.phase is Phase.RUNNING)

    def _is_interactive(self, action: Action) -> bool:
        """Whether the session is interactive; the recorded spec decides for a replica that left the manifest."""
        if action.desired is not None:
            return action.desired.spec.kind.interactive
        document = self.summary.document
        recorded = document.specs.get(action.record.spec) if document and action.record else None
        return recorded is not None and recorded.kind.interactive

    def _codes_of_run(self) -> Iterator[ExitCode]:
        """The exit codes of what kept the invocation from its end."""
        if self.declined:
            yield ExitCode.ERROR
        if isinstance(self.stopped, TimeoutReached | SafetyRefusal):
            yield self.stopped.exit_code
        elif self.stopped is not None:
            yield ExitCode.PARTIAL
        if any(self.stopped is None or one.error != self.stopped.message for one in self.done.failures):
            yield ExitCode.PARTIAL

    def _codes_of_replicas(self) -> Iterator[ExitCode]:
        """The exit codes of the replicas in the manifest; after a wait each of them counts."""
        desired, records = self.summary.desired, self.summary.records
        if any(action.kind is ActionKind.CONFLICT for action in desired):
            yield ExitCode.PARTIAL
        counted = records.keys() - self.done.known_failures
        if any(is_final_failure(action, records[action.key]) for action in desired if action.key in counted):
            yield ExitCode.UNFINISHED
        if self.wait != "none" and not self.declined:
            yield from self._codes_of_wait()

    def _codes_of_wait(self) -> frozenset[ExitCode]:
        """The exit codes of what a wait leaves; after `--wait complete` every replica in scope has to be done."""
        codes = frozenset(map(code_of, self.summary.desired))
        ended = self.wait == "complete" and self.stopped is None
        unfinished = {ExitCode.UNFINISHED} if ended and ExitCode.CHANGES in codes else frozenset()
        return (codes | unfinished) - {ExitCode.CHANGES}
