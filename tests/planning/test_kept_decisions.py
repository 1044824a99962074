"""Plans that one invocation makes in turn: each is the plan that a new process would make."""

from __future__ import annotations

import pickle
from itertools import accumulate

import pytest
import scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import HOUR, NOW
from test_records import become

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.planning.decisions.decision_table import decide
from skaha_apply.planning.decisions.ordered_actions import merged
from skaha_apply.planning.expansion import Expansion
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.planner import plan
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.summary.entry_summaries import Snapshot, not_started
from skaha_apply.planning.summary.project_summary import plan_summary
from skaha_apply.planning.working_state import WorkingState
from tests.counted_calls import times_called

PHASES = [Phase.DONE, Phase.DONE, Phase.DONE, *Phase]
TIMES = st.sampled_from([NOW - HOUR, NOW - 600, NOW - 60, NOW + HOUR])


@st.composite
def projects(draw):
    """Three entries in a chain, one of them a matrix, with the rules that read several replicas."""
    rules = {
        "stop_after": draw(st.sampled_from([1, 2, 3])),
        "retries": draw(st.integers(0, 1)),
        "rerun": draw(st.sampled_from(["on-change", "on-change", "never", "always", 1000.0])),
        "protect": draw(st.integers(0, 4)) == 0,
        "vanished": draw(st.sampled_from(["hold", "complete"])),
    }
    tile = scene.spec("tile", replicas=5, pilot=draw(st.sampled_from([None, 1, 3])), **rules)
    share = draw(st.sampled_from([{}, {"tile": 0.6}, {"tile": 0.0}]))
    pilot = draw(st.sampled_from([None, 1]))
    maps = list(scene.matrix("map", "abc", needs=("tile",), require=share, parallelism=2, pilot=pilot, **rules))
    if draw(st.booleans()):  # an `include` changes one combination
        maps[0] = maps[0].model_copy(update={"cores": 16, "retries": rules["retries"] + 1})
    last = scene.spec("sum", needs=("map-${tile}",), stop_after=1)
    return scene.project(tile, *maps, last)


def before(project, spec):
    """The sessions of a project that a spec can depend on."""
    others = (one for one in project.sessions if one.entry_key != spec.entry_key)
    return [one for one in others if spec.name == "sum" or (one.name == "tile" and spec.needs)]


@st.composite
def records(draw, project, spec, number):
    """The record of one replica in any phase; None without one."""
    phase = draw(st.sampled_from([*PHASES, None]))
    if phase is None:
        return None
    needed = before(project, spec)
    name, ended = spec.live_name(number), draw(TIMES)
    failed = Attempt(attempt=1, phase=Phase.FAILED, id=f"old-{name}", ended=draw(TIMES))
    fields = {
        "id": f"id-{name}",
        "attempt": draw(st.integers(1, 2)),
        "ended": ended if phase.ended else None,
        "started": draw(st.sampled_from([None, NOW - 2 * HOUR, NOW - 3 * HOUR])),
        "past": draw(st.sampled_from([(), (f"old-{name}",)])),
        "earlier": draw(st.sampled_from([(), (failed,)])),
    }
    if draw(st.integers(0, 9)) == 0:
        fields |= {"work": "1:other", "run": "1:other"}
    return scene.record(spec, phase, number, needed, **fields)


@st.composite
def passes(draw, project):
    """What some passes find: in each one a few records are others, and a few requests are open."""
    keys = [(spec, number) for spec in project.sessions for number in range(1, spec.replicas + 1)]
    gone = scene.spec("left", replicas=2)
    keys += [(gone, 1), (gone, 2)]
    known = {}
    for position, (spec, number) in enumerate(keys):
        known[position] = draw(records(project, spec, number))
    found = []
    for _ in range(draw(st.integers(2, 4))):
        for position in draw(st.lists(st.sampled_from(sorted(known)), max_size=3)):
            known[position] = draw(records(project, *keys[position]))
        chosen = draw(st.lists(st.sampled_from(keys), max_size=2, unique_by=lambda key: (key[0].key, key[1])))
        opened = [
            draw(
                st.sampled_from(
                    [
                        scene.intent(spec, number, before(project, spec)),
                        scene.pending_delete(f"id-{spec.live_name(number)}", spec, number),
                    ]
                )
            )
            for spec, number in chosen
        ]
        late = draw(st.sets(st.sampled_from([(spec.key, number) for spec, number in keys]), max_size=1))
        lists = sorted((record for record in known.values() if record), key=lambda record: record.key)
        found.append((scene.state(*lists, *opened), frozenset(late)))
    return found


@settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_later_plan_is_the_plan_that_a_new_process_makes(data):
    project = data.draw(projects())
    targets = data.draw(st.sampled_from([(), (), ("tile/1-3",), ("map-${tile}",)]))
    expansion = Expansion(project)
    live = [scene.live("old-tile-1"), scene.live("map-a", id="theirs")]
    working, lasting, reruns = None, Expansion(project), None
    for number, (state, adopted) in enumerate(data.draw(passes(project))):
        seen = scene.seen(*live, at=NOW + number)
        situation = Situation(state, seen, PlanOptions(targets=targets, reruns=reruns), adopted)
        expected = plan(project, situation)
        reruns = expected.reruns
        for _ in range(2):
            found = plan(project, situation, expansion)
            assert found == expected
            check_summaries(found, expected, state, project.sessions)
        working = working or WorkingState.from_document(state)
        become(working, state)
        assert plan(project, replace(situation, working=working), lasting) == expected


def check_summaries(found, expected, state, sessions):
    """The numbers and reasons of a plan that decides only some replicas are those of all its actions."""
    snapshot = Snapshot({record.key: record for record in state.replicas}, NOW + HOUR, state.specs)
    assert plan_summary(found, snapshot, sessions) == plan_summary(expected, snapshot, sessions)
    assert not_started(found.decided_now) == not_started(expected.actions)


@pytest.mark.parametrize(
    ("phase", "limits", "numbers"),
    [
        ("running", {}, [50, 50, 50, 51]),
        ("running", {"timeout": HOUR}, [50, 52, 54, 56]),
        ("pending", {}, [50, 52, 54, 56]),
    ],
)
def test_a_replica_that_stays_done_or_running_is_decided_once(phase, limits, numbers):
    """A running one only if time alone cannot change the decision."""
    wanted = scene.spec(replicas=50, **limits)
    records = [scene.record(wanted, "done" if number > 2 else phase, number) for number in range(1, 51)]
    working = WorkingState.from_document(scene.state(*records))
    project, made, counted = scene.project(wanted), [], []
    expansion = Expansion(project)
    for turn in range(4):
        if turn == 3:
            key = records[0].key
            working.records[key] = replace(working.records[key], cores_used=0.5)
        situation = Situation(working.to_document(), scene.seen(), working=working)
        counted.append(
            times_called(decide, lambda now=situation: made.append(plan(scene.project(wanted), now, expansion)))
        )
        assert made[-1] == plan(scene.project(wanted), situation, Expansion(scene.project(wanted)))
    assert list(accumulate(counted)) == numbers


class CountedSpecs(tuple):
    """The specs of a project, which count how often all of them are read."""

    __slots__ = ()
    read = 0

    def __iter__(self):
        """Count a reading of all specs."""
        CountedSpecs.read += 1
        return super().__iter__()


def test_a_later_plan_of_a_matrix_reads_no_spec_that_is_done():
    specs = CountedSpecs(scene.matrix("tile", "abcdef"))
    records = [scene.record(spec, "running" if spec.key == "tile-a" else "done") for spec in specs]
    project, working = scene.project(*specs), WorkingState.from_document(scene.state(*records))
    project = replace(project, sessions=specs)
    expansion, counted = Expansion(project), []
    for _ in range(3):
        before = CountedSpecs.read
        made = plan(project, Situation(working.to_document(), scene.seen(), PlanOptions(), working=working), expansion)
        counted.append(CountedSpecs.read - before)
        assert made.summary["done"] == 5
    assert counted[0] > 0
    assert counted[1:] == [0, 0]


def test_a_plan_that_is_not_read_puts_no_kept_action_in_order():
    """And the actions of a plan are those of its pass, whenever they are read."""
    wanted = scene.spec(replicas=6)
    records = [scene.record(wanted, "done" if number > 1 else "running", number) for number in range(1, 7)]
    project, expansion, made = scene.project(wanted), Expansion(scene.project(wanted)), []
    working = WorkingState.from_document(scene.state(*records))

    def four_plans():
        for phase in ("done", "done", "failed", "done"):
            working.records[records[3].key] = scene.record(wanted, phase, 4)
            made.append(plan(project, Situation(working.to_document(), scene.seen(), working=working), expansion))

    assert times_called(merged, four_plans) == 0
    kinds = []
    assert times_called(merged, lambda: kinds.extend([action.kind.value for action in one.actions] for one in made)) > 0
    assert kinds == [["unchanged", *["done"] * 5]] * 2 + [["unchanged", "done", "done", "failed", "done", "done"]] + [
        ["unchanged", *["done"] * 5]
    ]


def test_a_plan_with_kept_decisions_can_be_pickled():
    wanted = scene.spec(replicas=3)
    records = [scene.record(wanted, "done" if number > 1 else "running", number) for number in range(1, 4)]
    project, expansion = scene.project(wanted), Expansion(scene.project(wanted))
    for _ in range(2):
        made = plan(project, Situation(scene.state(*records), scene.seen()), expansion)
    assert made.decided_before[0].done == 2
    assert pickle.loads(pickle.dumps(made)) == made


OPEN = {
    "intent": lambda wanted: {"intents": (scene.intent(wanted, 4),)},
    "delete": lambda wanted: {"tombstones": (scene.pending_delete("reduce-4", wanted, 4),)},
    "record": lambda wanted: {"phase": "running"},
    "new digest": lambda wanted: {"work": "1:other", "run": "1:other"},
    "no record": lambda wanted: {"phase": None},
    "late session": lambda wanted: {"adopted": frozenset({(wanted.key, 4)})},
}


@pytest.mark.parametrize("pilot", [None, 3])
@pytest.mark.parametrize("what", OPEN)
def test_a_done_replica_is_decided_again_when_something_is_new(what, pilot):
    """And when it is over, the plan is the first one again."""
    wanted = scene.spec(replicas=6, pilot=pilot, stop_after=2)
    dependent = scene.spec("sum", needs=("reduce",))
    project, expansion = scene.project(wanted, dependent), Expansion(scene.project(wanted, dependent))
    given = OPEN[what](wanted)
    adopted, fields = given.pop("adopted", frozenset()), {}
    if {"phase", "work"} & given.keys():
        fields, given = given, {}
    done = [scene.record(wanted, "done", number, ended=NOW - number) for number in range(1, 7)]
    other = [scene.record(wanted, **{"phase": "done"} | fields, number=4)] if fields.get("phase", "done") else []
    changed = [*done[:3], *(other if fields else done[3:4]), *done[4:]]
    plans = []
    for records, late, extra in ((done, frozenset(), {}), (changed, adopted, given), (done, frozenset(), {})):
        situation = Situation(scene.state(*records, **extra), scene.seen(), adopted=late)
        plans.append(plan(project, situation, expansion))
        assert plans[-1] == plan(project, situation)
    assert plans[0] == plans[2] != plans[1]


def test_the_pilot_of_an_entry_stays_the_first_replicas():
    """Replica 3 failed behind a pilot that is done. So replicas 4 to 6 are created, in each plan."""
    wanted = scene.spec(replicas=6, pilot=2, stop_after=5)
    entries = [scene.record(wanted, phase, number) for number, phase in ((1, "done"), (2, "done"), (3, "failed"))]
    situation, expansion = Situation(scene.state(*entries), scene.seen()), Expansion(scene.project(wanted))
    for _ in range(2):
        assert plan(scene.project(wanted), situation, expansion).summary["create"] == 3


def test_a_done_replica_whose_recorded_spec_differs_is_decided_again():
    """Its record is not updated yet, and an apply updates only what the plan decides."""
    recorded, wanted = scene.spec(protect=False), scene.spec(protect=True)
    situation = Situation(scene.state(scene.record(recorded, "done")), scene.seen())
    expansion = Expansion(scene.project(wanted))
    for _ in range(2):
        (action,) = plan(scene.project(wanted), situation, expansion).decided_now
        assert (action.kind, action.changes) == ("done", ())
