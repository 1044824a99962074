"""A working state that lives over many passes is at each time the one that its document gives."""

from __future__ import annotations

import pytest
import scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import NOW, SETTLE
from test_properties import clusters, projects

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase
from skaha_apply.planning.expansion import Expansion
from skaha_apply.planning.planner import plan
from skaha_apply.planning.records import Records, has_past, has_run_number, is_open, lacks_log
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.tracking.confirmed_times import take_times
from skaha_apply.planning.tracking.update import update_state, update_working_state
from skaha_apply.planning.working_state import WorkingState

GROUPS = (is_open, lacks_log, has_past, has_run_number)
SPECS = [scene.spec(replicas=6), scene.spec(replicas=6, protect=True)]
MANY = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def changes(draw):
    """One change of the records: a key, and its record or None."""
    number, spec = draw(st.integers(1, 6)), draw(st.sampled_from(SPECS))
    if draw(st.integers(0, 3)) == 0:
        return (spec.key, number), None
    past, again = draw(st.sampled_from([(), ("old",)])), draw(st.integers(0, 1))
    fields = {"logged": draw(st.booleans()), "past": past, "run_number": again}
    return (spec.key, number), scene.record(spec, draw(st.sampled_from(list(Phase))), number, **fields)


def change(records, key, record):
    if record is None:
        records.pop(key, None)
    else:
        records[key] = record


def exact(working):
    """The document of a working state with the times of all listings, those that only confirm a record too."""
    copied = WorkingState.from_document(working.to_document())
    copied.confirmed = dict(working.confirmed)
    take_times(copied)
    return copied.to_document()


def timeless(made):
    """A plan whose records have no times of listings."""
    actions = [replace(one, record=one.record and replace(one.record, seen=None, running=None)) for one in made.actions]
    return replace(made, actions=tuple(actions))


def become(working, state):
    """Change a working state until it is the one of a document, and count it as stored."""
    wanted, now = WorkingState.from_document(state), WorkingState.from_document(exact(working))
    for key in working.records.keys() | wanted.records.keys():
        if now.records.get(key) != wanted.records.get(key):
            working.confirmed.pop(key, None)
            change(working.records, key, wanted.records.get(key))
    working.stored_records.clear()
    working.head, working.specs, working.intents = state, wanted.specs, wanted.intents
    working.pending_deletes, working.unconfirmed_creates = wanted.pending_deletes, wanted.unconfirmed_creates


@MANY
@given(st.lists(changes(), max_size=12), st.lists(changes(), max_size=12))
def test_groups_and_changes_are_those_of_all_records(first, later):
    records = Records(record for _, record in first if record)
    before, revision = dict(records), records.revision
    for belongs in GROUPS[:2]:
        records.group(belongs)
    for key, record in later:
        change(records, key, record)
    for belongs in GROUPS:
        assert records.group(belongs) == {key: record for key, record in records.items() if belongs(record)}
    changed = set(records.changed_since(revision))
    assert {key for key in before.keys() | records.keys() if before.get(key) is not records.get(key)} <= changed
    assert changed <= {key for key, _ in later}
    assert list(records.changed_since(records.revision)) == []


@MANY
@given(st.lists(changes(), max_size=12), st.lists(st.lists(changes(), max_size=3), max_size=4))
def test_a_document_that_takes_over_the_last_one_is_a_new_one(first, passes):
    working = WorkingState.from_document(scene.state(*(record for _, record in first if record)))
    working.specs.update(scene.state(*(scene.record(spec, "done") for spec in SPECS)).specs)
    for steps in passes:
        for key, record in steps:
            change(working.records, key, record)
        fresh = WorkingState(working.head, dict(working.specs), Records(working.records.values()))
        assert working.to_document() == fresh.to_document()


@MANY
@given(projects(), clusters(), st.sampled_from(["Completed", "Failed"]))
def test_passes_over_one_working_state_are_passes_over_documents(project, cluster, ends):
    working, expansion = WorkingState.from_document(cluster.state), Expansion(project)
    for _ in range(4):
        seen = cluster.observe()
        state, adopted = update_state(cluster.state, seen, SETTLE)
        assert (update_working_state(working, seen, SETTLE), exact(working)) == (adopted, state)
        made = plan(project, Situation(state, seen, adopted=adopted, server="s"))
        again = Situation(working.to_document(), seen, adopted=adopted, server="s", working=working)
        assert timeless(plan(project, again, expansion)) == timeless(made)
        cluster.state = state
        cluster.apply(made)
        become(working, cluster.state)
        cluster.tick(61, ends)


def test_groups_follow_each_change_of_a_record():
    records = Records([scene.record(SPECS[0], "done")])
    for way in (records.update, records.setdefault):
        with pytest.raises(TypeError, match="one by one"):
            way({})
    with pytest.raises(TypeError, match="one by one"):
        records.clear()


class CountingRecords(Records):
    """Counts the records that are read one by one."""

    read = 0

    def get(self, *given):
        """Count a look-up."""
        CountingRecords.read += 1
        return super().get(*given)

    def __getitem__(self, key):
        """Count a look-up."""
        CountingRecords.read += 1
        return super().__getitem__(key)

    def _all(self, found):
        CountingRecords.read += len(self)
        return found

    def __iter__(self):
        """Count all records."""
        return self._all(super().__iter__())

    def items(self):
        """Count all records."""
        return self._all(super().items())

    def values(self):
        """Count all records."""
        return self._all(super().values())

    def keys(self):
        """Count all records."""
        return self._all(super().keys())


@pytest.mark.parametrize("done", [100, 500])
def test_an_idle_pass_reads_the_open_records_only(done):
    desired = scene.spec(replicas=done + 5)
    records = [
        scene.record(desired, "done" if number > 5 else "running", number, logged=True) for number in range(1, done + 6)
    ]
    live = [scene.live(f"reduce-{number}", id=record.id) for number, record in enumerate(records[:5], start=1)]
    working = WorkingState.from_document(scene.state(*records))
    working.records = CountingRecords(records)
    project = scene.project(desired)
    expansion, counts = Expansion(project), []
    for number in range(4):
        CountingRecords.read = 0
        seen = scene.seen(*live, at=NOW + number)
        adopted = update_working_state(working, seen, SETTLE)
        situation = Situation(working.to_document(), seen, adopted=adopted, working=working)
        assert len(plan(project, situation, expansion).decided_now) == (5 if number else done + 5)
        counts.append(CountingRecords.read)
    assert counts[0] > 2 * done
    assert counts[2] == counts[3] < 50
