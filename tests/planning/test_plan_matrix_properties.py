"""Properties of limits, needs and pilots over random pipelines and states, compared with independent counts."""

from __future__ import annotations

from dataclasses import replace

import scene
from cluster import Cluster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import HOUR, NOW

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.project import MaxActive
from skaha_apply.model.session import Phase
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.replicas import expand
from skaha_apply.planning.working_state import WorkingState

MANY = settings(
    deadline=None,
    max_examples=4 * settings().max_examples // 5,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
CREATING = (ActionKind.CREATE, ActionKind.REPLACE, ActionKind.RETRY)
CANNOT_SUCCEED = (ActionKind.FAILED, ActionKind.UNKNOWN, ActionKind.CONFLICT, ActionKind.BLOCKED, ActionKind.PROTECTED)
AXES = {(): [{}], ("tile",): [{"tile": t} for t in "abc"], ("tile", "band"): []}
AXES["tile", "band"] = [{"tile": t, "band": b} for t in "ab" for b in "gr"]
ROUNDS = 60
LIMITS = st.sampled_from([None, 1, 2, 3])


@st.composite
def pipelines(draw):
    """Projects of up to four entries in a random order, each with limits, a pilot and needs of earlier ones."""
    entries = []
    for name in draw(st.lists(st.sampled_from(["one", "two", "three", "four"]), min_size=1, unique=True)):
        axes = draw(st.sampled_from(list(AXES)))
        group = "-".join([name, *(f"${{{axis}}}" for axis in axes)])
        earlier = [made[0].group or made[0].name for made in entries]
        needs = tuple(draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True))) if earlier else ()
        fields = {
            "group": group if axes else "",
            "needs": needs,
            "require": {one: share for one in needs if (share := draw(st.sampled_from([None, 0, 0.5, 1]))) is not None},
            "replicas": draw(st.integers(1, 2)),
            "parallelism": draw(LIMITS),
            "pilot": draw(LIMITS),
            "retries": draw(st.integers(0, 2)),
            "stop_after": draw(st.sampled_from([2, 100])),
        }
        combinations = draw(st.lists(st.sampled_from(AXES[axes]), min_size=1, unique_by=str))
        entries.append(
            [
                scene.spec("-".join([name, *one.values()]), values=one, args=(name, *one.values()), **fields)
                for one in combinations
            ]
        )
    specs = [spec for entry in draw(st.permutations(entries)) for spec in entry]
    return scene.project(*specs, max_active=MaxActive(draw(LIMITS), draw(st.sampled_from([None, 2, 4]))))


@st.composite
def situations(draw):
    """A project, and a cluster that stands somewhere in the middle of it, or of another version of it."""
    project = draw(pipelines())
    past = project
    if draw(st.booleans()):
        old = {"image": "images.canfar.net/skaha/astroml:23.01"}
        specs = tuple(one.model_copy(update=old) if draw(st.booleans()) else one for one in project.sessions)
        past = replace(project, sessions=specs)
    entries, live = [], {}
    for one in expand(past):
        phase = draw(st.sampled_from([None, None, Phase.DONE, Phase.DONE, Phase.FAILED, Phase.DUE, *Phase]))
        given = {"id": f"id-{one.name}", "work": one.work, "run": one.run, "attempt": draw(st.integers(1, 2))}
        if phase in (Phase.DONE, Phase.FAILED):
            given |= {"ended": NOW - HOUR / 2}
        if phase is not None:
            entries.append(scene.record(one.spec, phase, one.replica, past.sessions, **given))
            if phase in (Phase.PENDING, Phase.RUNNING):
                live[given["id"]] = scene.live(one.name, phase.value.title(), id=given["id"])
                if draw(st.integers(0, 5)) == 0:
                    entries.append(scene.pending_delete(given["id"], one.spec, one.replica, why="replace"))
        if draw(st.integers(0, 9)) == 0:
            entries.append(scene.intent(one.spec, one.replica, past.sessions, given_up=NOW - 1, at=NOW - 2))
    theirs = {f"theirs-{number}": scene.live(f"theirs-{number}") for number in range(draw(st.integers(0, 3)))}
    return project, Cluster(scene.state(*entries), live | theirs, frozenset(theirs), NOW)


def active(cluster):
    """The replicas of a project that take a slot, by key: one each."""
    working = WorkingState.from_document(cluster.state)
    pending = {pending_delete.key for pending_delete in working.pending_deletes.values() if pending_delete.active}
    return {key for key, record in working.records.items() if record.phase.active} | set(working.intents) | pending


def created(made):
    """The creates of a plan; those that only delete for now left out."""
    return [action for action in made.actions if action.kind in CREATING and not action.create_later]


@MANY
@given(situations(), st.sampled_from([(), ("one*",), ("t*",)]))
def test_active_sessions_stay_below_the_limits_and_never_increase_above_them(situation, targets):
    project, cluster = situation
    cluster.settle()
    made = cluster.plan(project, PlanOptions(force=True, targets=targets))
    before = active(cluster)
    after = before | {action.key for action in created(made)}
    entry = {spec.key: spec.entry_key for spec in project.sessions}
    for spec in project.sessions:
        if spec.parallelism is not None:
            mine = [{key for key in keys if entry[key[0]] == spec.entry_key} for keys in (before, after)]
            assert len(mine[1]) <= max(spec.parallelism, len(mine[0]))
    limits = project.max_active
    if limits.project is not None:
        assert len(after) <= max(limits.project, len(before))
    if limits.account is not None:
        listed = [one for one in cluster.live.values() if one.phase in (Phase.PENDING, Phase.RUNNING)]
        fresh = [
            action
            for action in created(made)
            if not any(to_delete.id in cluster.live for to_delete in action.sessions_to_delete)
        ]
        assert len(listed) + len(fresh) <= max(limits.account, len(listed))


def agreeing(project, spec, name):
    """The combinations of an entry that a combination needs, found by comparing each."""
    return [
        one
        for one in project.sessions
        if one.entry_key == name.casefold()
        and all(spec.values[axis] == one.values[axis] for axis in spec.values.keys() & one.values.keys())
    ]


@MANY
@given(situations())
def test_nothing_starts_before_its_dependencies(situation):
    project, cluster = situation
    cluster.settle()
    made = cluster.plan(project, PlanOptions(force=True))
    actions = {}
    for action in made.actions:
        actions.setdefault(action.key[0], []).append(action)
    for action in created(made):
        spec = action.desired.spec
        for name in spec.needs:
            needed = [other for one in agreeing(project, spec, name) for other in actions[one.key]]
            done = [other.kind is ActionKind.DONE for other in needed]
            assert needed
            if name in spec.require:
                assert all(other.kind in (ActionKind.DONE, *CANNOT_SUCCEED) for other in needed)
                assert sum(done) >= spec.require[name] * len(done)
            else:
                assert all(done)


@MANY
@given(situations())
def test_pilot_is_alone(situation):
    project, cluster = situation
    cluster.settle()
    made = cluster.plan(project, PlanOptions(force=True))
    for entry in {spec.entry_key for spec in project.sessions}:
        mine = [action for action in ordered(project, made) if action.desired.spec.entry_key == entry]
        first = mine[: mine[0].desired.spec.pilot or 0]
        if any(action.kind is not ActionKind.DONE for action in first):
            assert not [action for action in mine[len(first) :] if action in created(made)]


def ordered(project, made):
    """The actions of the desired replicas in the order of the manifest."""
    order = {one.key: index for index, one in enumerate(expand(project))}
    return sorted((action for action in made.actions if action.desired), key=lambda action: order[action.key])


@MANY
@given(situations())
def test_plan_is_in_the_order_of_the_manifest_and_the_same_when_nothing_changed(situation):
    project, cluster = situation
    cluster.settle()
    cluster.plan(project)
    one, other = cluster.plan(project), cluster.plan(project)
    assert one == other
    creates = [action for action in one.actions if action.kind in (ActionKind.CREATE, ActionKind.RETRY)]
    assert creates == [action for action in ordered(project, one) if action in creates]


@MANY
@given(pipelines(), st.lists(st.sampled_from(["Completed", "Completed", "Failed"]), max_size=12))
def test_pipeline_comes_to_its_end_and_nothing_waits_for_time_that_will_not_come(project, fates):
    cluster = Cluster(scene.state(), {}, frozenset(), NOW)
    for turn in range(ROUNDS):
        made = cluster.plan(project, PlanOptions(force=True))
        waits = any(action.kind is ActionKind.WAIT and not action.waits_indefinitely for action in made.actions)
        if not made.has_changes and not active(cluster) and not waits:
            break
        cluster.apply(made)
        assert_capped(project, cluster)
        cluster.tick(700, fates[turn] if turn < len(fates) else "Completed")
    kinds = {action.kind for action in made.actions}
    assert kinds <= {ActionKind.DONE, ActionKind.FAILED, ActionKind.BLOCKED}, scene.lines(made)
    if "Failed" not in fates and not any(missing(project, spec) for spec in project.sessions):
        assert kinds == {ActionKind.DONE}
        assert cluster.made == len(made.actions)


def missing(project, spec):
    """Whether a combination needs something of which nothing agrees with it."""
    return any(not agreeing(project, spec, name) for name in spec.needs)


def assert_capped(project, cluster):
    running = [session for session in cluster.live.values() if session.phase.active]
    if project.max_active.project:
        assert len(running) <= project.max_active.project
    if project.max_active.account:
        assert len(running) <= project.max_active.account
    for spec in project.sessions:
        entry = [one for one in project.sessions if one.entry_key == spec.entry_key]
        names = {one.live_name(number) for one in entry for number in range(1, one.replicas + 1)}
        assert spec.parallelism is None or sum(one.name in names for one in running) <= spec.parallelism
