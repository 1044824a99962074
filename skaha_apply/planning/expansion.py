"""What the plans of one invocation share: the replicas of a project, and the decisions that later plans keep."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.planning.entries import Entries
from skaha_apply.planning.kept_decisions import KeptDecisions
from skaha_apply.planning.replicas import expand_entries
from skaha_apply.planning.safety.approval import ApprovedLines, approval_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import DesiredReplica, ReplicaKey
    from skaha_apply.planning.archive import Archived
    from skaha_apply.planning.records import Records
    from skaha_apply.planning.working_state import WorkingState


class Expansion:
    """The replicas of one project, kept between plans. They are computed again if an argument differs.

    `kept` are the replicas that a later plan need not decide again. The replicas in `archived` are done, and left out.
    """

    def __init__(self, project: Project, archived: Archived | None = None) -> None:
        self._archived = archived
        self._kept: KeptDecisions | None = None
        self._project = project
        self._lines: tuple[tuple[DesiredReplica, ...], ApprovedLines] | None = None
        self._removed: tuple[Records, int, frozenset[ReplicaKey]] | None = (
            None  # of records at a revision of their keys
        )
        self._known: tuple[dict[ReplicaKey, int], dict[ReplicaKey, str], tuple[DesiredReplica, ...]] | None = None

    @cached_property
    def entries(self) -> Entries:
        """The entries of the project."""
        return Entries(self._project)

    def replicas(
        self, run_numbers: Mapping[ReplicaKey, int], kept: Mapping[ReplicaKey, str]
    ) -> tuple[DesiredReplica, ...]:
        """The result of `expand_entries`; see there for what it raises."""
        if self._known is None or self._known[:2] != (run_numbers, kept):
            desired = expand_entries(self._project, self.entries, run_numbers, kept, self._archived)
            self._known, self._kept = (dict(run_numbers), dict(kept), desired), None
        return self._known[2]

    @property
    def kept(self) -> KeptDecisions:
        """What earlier plans decided about the last result of `replicas`."""
        if self._kept is None:
            self._kept = KeptDecisions(self._known[2] if self._known else (), self.entries)
        return self._kept

    @property
    def approved(self) -> ApprovedLines:
        """The lines of the desired replicas that are approved."""
        if self._known is None:
            return ApprovedLines(())
        if self._lines is None or self._lines[0] is not self._known[2]:
            self._lines = self._known[2], ApprovedLines(approval_lines(self._known[2], ()))
        return self._lines[1]

    def removed(self, working: WorkingState) -> frozenset[ReplicaKey]:
        """The replicas that a state has and the project has not."""
        records = working.records
        if not (records or working.intents):
            return frozenset()
        known = self._removed
        if known is None or known[0] is not records or known[1] != records.key_revision:
            known = self._removed = records, records.key_revision, self._not_desired(records)
        return known[2] | self._not_desired(working.intents)

    def _not_desired(self, keys: Iterable[ReplicaKey]) -> frozenset[ReplicaKey]:
        counts = self._replica_counts
        return frozenset(key for key in keys if key[1] > counts.get(key[0], 0))

    @cached_property
    def _replica_counts(self) -> Mapping[str, int]:
        """The number of replicas by session key."""
        return {spec.key: spec.replicas for spec in self._project.sessions}
