"""Which records of done replicas can move to the archive of a state, because a later plan needs only their number."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from skaha_apply.model.session import Phase
from skaha_apply.model.state import DoneReplicas
from skaha_apply.planning.archive import NO_REPLICA
from skaha_apply.planning.digest import SpecDigests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skaha_apply.model.spec import DesiredReplica, ReplicaKey, SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.entries import Entries
    from skaha_apply.planning.working_state import WorkingState


def archivable_records(
    desired: Iterable[DesiredReplica], entries: Entries, working: WorkingState, least: int
) -> Iterator[tuple[DoneReplicas, tuple[ReplicaRecord, ...]]]:
    """The records that can move to the archive, by session; `DoneReplicas` without ranges and file.

    A later plan must not need them: the replicas are done as the manifest asks, in their first run, and nothing about
    them is open. Pilot replicas, replicas with a `rerun` and interactive sessions are decided by their records. A
    session with fewer than `least` such replicas keeps its records.
    """
    open_keys = _open_keys(working)
    for _, replicas in groupby(desired, key=lambda one: id(one.spec)):
        first = next(replicas)
        if first.spec.replicas < least or not _is_counted(first.spec, entries):
            continue
        found: dict[str, list[ReplicaRecord]] = {}  # by the key of the recorded spec
        for one in (first, *replicas):
            record = working.records.get(one.key)
            if record is not None and _is_done_for_good(record, one) and one.key not in open_keys:
                found.setdefault(record.spec, []).append(record)
        work = SpecDigests().work(first.spec, first.links).digest(NO_REPLICA)
        for key, records in found.items():
            if len(records) >= least and working.specs[key] == first.spec:
                ended = max(record.ended or 0.0 for record in records)
                done = DoneReplicas(session=first.spec.key, spec=key, work=work, replicas="", ended=ended, file="")
                yield done, tuple(records)


def _is_counted(spec: SessionSpec, entries: Entries) -> bool:
    """Whether a plan needs no record of the done replicas of a spec."""
    if spec.kind.interactive or spec.rerun != "on-change":
        return False
    return not entries.by_key[spec.entry_key].pilot


def _is_done_for_good(record: ReplicaRecord, desired: DesiredReplica) -> bool:
    done = record.phase is Phase.DONE and not record.past
    return done and record.work == desired.work and record.run_number == desired.run_number == 0


def _open_keys(working: WorkingState) -> frozenset[ReplicaKey]:
    pending = (one.key for one in working.pending_deletes.values())
    return frozenset((*working.intents, *working.unconfirmed_creates, *pending))
