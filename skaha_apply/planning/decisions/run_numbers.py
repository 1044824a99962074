"""The run number of each replica: a number above the recorded one reruns the replica and its dependents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.session import Phase
from skaha_apply.planning.digest import VERSION, same_version
from skaha_apply.planning.records import has_run_number
from skaha_apply.planning.tracking.vanished import counts_as_complete

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.situation import Situation
    from skaha_apply.planning.working_state import WorkingState


def recorded(working: WorkingState) -> dict[ReplicaKey, int]:
    """The run number of each known replica, if it is above 0.

    An open create can have a higher run number than the record. Its number then decides for the dependents.
    """
    numbers = {key: record.run_number for key, record in working.records.group(has_run_number).items()}
    for key, intent in working.intents.items():
        if intent.run_number > numbers.get(key, 0):
            numbers[key] = intent.run_number
    return numbers


def desired(working: WorkingState, reruns: Mapping[ReplicaKey, int]) -> dict[ReplicaKey, int]:
    """The run number that each replica of the manifest should have, if it is not 0.

    It is the recorded number, or the next one for a replica that succeeded and must run again; see `due_reruns`.
    """
    numbers = recorded(working)
    for key, number in reruns.items():
        record = working.records.get(key)
        if record is not None and record.phase is Phase.DONE:
            numbers[key] = max(number, numbers.get(key, 0))
    return numbers


def due_reruns(project: Project, situation: Situation) -> Mapping[ReplicaKey, int]:
    """The next run number of each replica that succeeded and has to run again.

    Such a replica has `rerun: always`, or its end is older than the age in `rerun`. A replica out of scope keeps its
    number, so that its dependents do not run again. The first plan of an invocation decides it for the later ones. So
    an invocation reruns a replica at most once, also if the clock of the server is set back meanwhile.
    """
    if situation.options.reruns is not None:
        return situation.options.reruns
    return {
        record.key: record.run_number + 1
        for spec, record in _candidates(situation.working_state, project)
        if _is_due(record, spec, situation.now) and situation.options.includes(record.key, spec.group)
    }


def frozen_digests(working: WorkingState, project: Project) -> dict[ReplicaKey, str]:
    """The recorded work digests of replicas that never run again (`rerun: never`).

    Dependents are linked to these digests, so a change of such a replica does not rerun them.
    """
    found = {}
    for spec in project.rerun_specs:
        for replica in range(1, spec.replicas + 1) if spec.rerun == "never" else ():
            record = working.records.get((spec.key, replica))
            if record is None or not same_version(record.work, f"{VERSION}:"):
                continue
            if _stays(record, working.specs[record.spec], spec):
                found[record.key] = record.work
    return found


def _stays(record: ReplicaRecord, recorded: SessionSpec, desired: SessionSpec) -> bool:
    """Whether a replica that never runs again has a session or a result that stays."""
    return record.phase.active or record.phase is Phase.DONE or counts_as_complete(record, recorded, desired)


def _candidates(working: WorkingState, project: Project) -> Iterator[tuple[SessionSpec, ReplicaRecord]]:
    """The recorded replicas of specs with `rerun`."""
    for spec in project.rerun_specs:
        if spec.kind.interactive or spec.rerun == "never":
            continue
        for replica in range(1, spec.replicas + 1):
            if (record := working.records.get((spec.key, replica))) is not None:
                yield spec, record


def _is_due(record: ReplicaRecord, spec: SessionSpec, now: float) -> bool:
    if record.phase is not Phase.DONE:
        return False
    # An end in the future was recorded before the clock was set back.
    return isinstance(spec.rerun, str) or abs(now - (record.ended or record.accepted or 0.0)) > spec.rerun
