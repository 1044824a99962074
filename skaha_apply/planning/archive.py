"""Done replicas whose records are in the archive of a state: how a plan counts them without these records.

The state names archived replicas by ranges, with the digest of their work. If this digest and the recorded spec are
those of the manifest, the replicas are done, and a plan needs nothing else of them. Otherwise the plan needs the whole
state.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.names.replica_ranges import count_of, has_replica, outside, parse_ranges
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skaha_apply.model.names.replica_ranges import Ranges
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import Intent, PendingDelete, StateDocument, UnconfirmedCreate
    from skaha_apply.planning.digest import PartialDigest

    AttemptEnd = tuple[float, bool, str, int, int]  # see `scheduling.failure_limits`

_TO_CREATE = (Phase.DUE, Phase.GONE)
NO_REPLICA = "null"  # in place of a number, in the digest of the work that all replicas of a session share


class ArchiveNeeded(Exception):
    """The plan depends on records in the archive: make it again from the whole state."""


@dataclass(frozen=True)
class Archived:
    """The archived replicas of a document. All of them count as done, because `check` refuses others."""

    document: StateDocument

    @classmethod
    def of(cls, document: StateDocument, project: Project) -> Archived | None:
        """The archived replicas of a document that a plan of this project can count; None if it has none.

        Raises:
            ArchiveNeeded: the manifest has another spec for some of them or renames entries, or a request about one of
                them is open, or a replica of the same entries has no session yet: its cost follows from their records.
        """
        if not document.done:
            return None
        made = cls(document)
        specs = {spec.key: spec for spec in project.sessions}
        if project.moved or any(document.specs[done.spec] != specs.get(done.session) for done in document.done):
            raise ArchiveNeeded
        if made._count_of_started() < sum(spec.replicas for spec in specs.values() if spec.entry_key in made.ends):
            raise ArchiveNeeded
        pending: tuple[Intent | PendingDelete | UnconfirmedCreate, ...]
        pending = (*document.intents, *document.tombstones, *document.doubts)
        if any(has_replica(made.ranges.get(one.session, ()), one.replica) for one in pending):
            raise ArchiveNeeded
        return made

    @cached_property
    def ranges(self) -> Mapping[str, Ranges]:
        """The numbers of the archived replicas, by session key."""
        found: dict[str, list[tuple[int, int]]] = {}
        for done in self.document.done:
            found.setdefault(done.session, []).extend(parse_ranges(done.replicas))
        return {session: tuple(sorted(ranges)) for session, ranges in found.items()}

    @cached_property
    def by_session(self) -> Counter[str]:
        """The number of archived replicas, by session key."""
        return Counter({session: count_of(ranges) for session, ranges in self.ranges.items()})

    @cached_property
    def ends(self) -> Mapping[str, list[AttemptEnd]]:
        """The last success of the archived replicas, by entry key."""
        found: dict[str, list[AttemptEnd]] = {}
        for done in self.document.done:
            entry = self.document.specs[done.spec].entry_key
            found.setdefault(entry, []).append((done.ended, True, done.session, 0, 0))
        return {entry: [max(ends)] for entry, ends in found.items()}

    @property
    def by_entry(self) -> Counter[str]:
        """The number of archived replicas, by the name of their entry as written."""
        found: Counter[str] = Counter()
        for done in self.document.done:
            spec = self.document.specs[done.spec]
            found[spec.group or spec.name] += count_of(parse_ranges(done.replicas))
        return found

    def check(self, spec: SessionSpec, works: PartialDigest) -> None:
        """Raise `ArchiveNeeded` unless the archived replicas of a spec have the work that the manifest asks for."""
        if spec.key not in self.ranges:
            return
        wanted = works.digest(NO_REPLICA)
        if any(done.work != wanted for done in self.document.done if done.session == spec.key):
            raise ArchiveNeeded

    def _count_of_started(self) -> int:
        """The number of replicas of the archived entries that have or had a session and do not wait for another one."""
        entry_keys = {key: spec.entry_key for key, spec in self.document.specs.items()}
        started = (
            record.phase not in _TO_CREATE and entry_keys[record.spec] in self.ends for record in self.document.replicas
        )
        return self.by_session.total() + sum(started)

    def others(self, spec: SessionSpec) -> Iterator[int]:
        """The numbers of the replicas of a spec that are not archived."""
        return outside(self.ranges.get(spec.key, ()), spec.replicas)
