"""Properties of the planner over random manifests, states and live sessions, against a model of the server.

A failing example prints a blob by which it can be replayed.
"""

from __future__ import annotations

from functools import cache

import scene
from cluster import Cluster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import HOUR, NOW, SETTLE

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.request import Offer
from skaha_apply.model.session import Kind, Phase
from skaha_apply.planning.options import Adopt, PlanOptions
from skaha_apply.planning.planner import plan, plan_destroy
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.tracking.update import update_state
from skaha_apply.planning.working_state import WorkingState

MANY = settings(
    deadline=None,
    max_examples=4 * settings().max_examples // 5,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
NAMES = ("tile", "tile-1", "Mosaic", "combine", "desk")
PHASES = [*Phase]
WORDS = ("Pending", "Running", "Completed", "Failed")
AGES = st.sampled_from([1.0, 30.0, 200.0, HOUR, 48 * HOUR, -HOUR])
ORDERS = st.permutations(NAMES)
ROUNDS = 14


@cache
def one_of(*values):
    """A strategy for one of these values; to make a new one at each draw takes longer than the draw."""
    return st.sampled_from(values)


@st.composite
def manifests(draw):
    """Session specs that pass the linter: no live name twice, and needs that lead to batch sessions named before."""
    specs, taken = [], set()
    for name in draw(ORDERS):
        if not draw(st.integers(0, 3)):
            continue
        fields = {
            "replicas": draw(st.integers(1, 3)),
            "args": draw(one_of(("a",), ("b",))),
            "ram": draw(one_of(None, 8, 16)),
            "protect": draw(st.integers(0, 4)) == 0,
            "file": draw(one_of(scene.FILE, "manifests/other.yaml")),
        }
        fields |= {
            "stop_after": draw(one_of(1, 2, 10)),
            "retries": draw(st.integers(0, 1)),
            "vanished": draw(one_of("hold", "rerun", "complete")),
        }
        if name == "desk":
            fields["kind"] = draw(one_of(Kind.NOTEBOOK, Kind.HEADLESS))
        batch = [spec.name for spec in specs if not spec.kind.interactive]
        if batch:
            fields["needs"] = tuple(draw(st.lists(st.sampled_from(batch), max_size=2, unique=True)))
        made = scene.spec(draw(one_of(name, name.upper())), **fields)
        names = {made.live_name(number) for number in range(1, made.replicas + 1)}
        if not names & taken:
            specs.append(made)
            taken |= names
    return specs


@st.composite
def clusters(draw):
    """A state of some earlier manifest, in any condition, and a server that holds what fits to it, and more."""
    past, entries, live, theirs = draw(manifests()), [], {}, set()
    clean = draw(st.booleans())
    for spec in past:
        needed = [one for one in past if one is not spec]
        for number in range(1, spec.replicas + 1):
            draw(_replicas(spec, number, needed, (entries, live), clean=clean))
            if draw(st.integers(0, 5)) == 0:
                identifier = f"theirs-{spec.live_name(number)}"
                live[identifier] = draw(_unmanaged_sessions(spec.live_name(number), identifier))
                theirs.add(identifier)
    for name in NAMES:
        if draw(st.integers(0, 9)) == 0:
            identifier = f"alien-{name}"
            live[identifier] = draw(_unmanaged_sessions(name.lower(), identifier))
            theirs.add(identifier)
    return Cluster(scene.state(*entries), live, frozenset(theirs), NOW)


@st.composite
def _unmanaged_sessions(draw, name, identifier):
    """Unmanaged sessions with another image, because an equal one could be the result of an unconfirmed create."""
    status = draw(one_of("Pending", "Running", "Completed", "Failed", "Odd"))
    kind = draw(one_of("headless", "notebook"))
    return scene.live(name, status, id=identifier, image="images.canfar.net/other/image:1", kind=kind)


@st.composite
def _replicas(draw, spec, number, needed, into, *, clean):
    """Put one replica of an earlier manifest into the entries of a state and the live sessions, in any condition."""
    if not draw(st.integers(0, 4)):
        return
    entries, live = into
    recorded = draw(_records(spec, number, needed)) if draw(st.booleans()) else None
    if recorded is not None:
        entries.append(recorded)
        live |= {session.id: session for session in draw(_sessions(spec, recorded))}
    if clean:
        return
    if recorded is not None and recorded.phase.active and draw(st.booleans()):
        why = draw(one_of("delete", "replace", "hold", "rerun"))
        fields = {"sent": draw(st.booleans()), "at": NOW - draw(AGES), "why": why}
        entries.append(scene.pending_delete(recorded.id, spec, number, **fields))
    unconfirmed_creates = draw(_unconfirmed_creates(spec, number, needed))
    entries += unconfirmed_creates
    name = spec.live_name(number)
    for turn in range(draw(st.integers(0, sum(one.posts for one in unconfirmed_creates)))):
        live[f"lost{turn}-{name}"] = _shown(spec, name, f"lost{turn}-{name}", draw(one_of(*WORDS)))


@st.composite
def _records(draw, spec, number, needed):
    name, phase, then = spec.live_name(number), draw(one_of(*PHASES)), NOW - draw(AGES)
    fields = {
        "id": f"id-{name}" if phase.active or draw(st.booleans()) else None,
        "past": draw(one_of((), (f"past-{name}",))),
        "run_number": draw(st.integers(0, 1)),
        "attempt": draw(st.integers(1, 3)),
        "accepted": then - 60,
        "seen": None if phase in (Phase.ACCEPTED, Phase.DUE) and draw(st.booleans()) else then,
        "ended": then if phase.ended else None,
    }
    if draw(st.integers(0, 5)) == 0:
        fields |= {"work": "0:another-recipe", "run": "0:another-recipe"}
    return scene.record(spec, phase, number, needed, **fields)


@st.composite
def _sessions(draw, spec, recorded):
    """The live sessions of a replica; an ended replica, or one on hold, has none that runs."""
    found = []
    if recorded.id and draw(st.booleans()):
        ended = recorded.phase.ended or recorded.phase is Phase.HELD
        word = draw(one_of(*(("Completed", "Failed") if ended else (*WORDS, "Terminating"))))
        found.append(_shown(spec, recorded.name, recorded.id, word))
    if recorded.past and draw(st.booleans()):
        found.append(_shown(spec, recorded.name, recorded.past[0], draw(one_of(*WORDS))))
    return found


@st.composite
def _unconfirmed_creates(draw, spec, number, needed):
    found = []
    if draw(st.integers(0, 3)) == 0:
        given_up = draw(one_of(None, NOW - 30, NOW - 1))
        found.append(scene.intent(spec, number, needed, at=NOW - draw(AGES), given_up=given_up))
    if draw(st.integers(0, 3)) == 0:
        found.append(scene.unconfirmed(spec, number, needed, posts=2, since=NOW - draw(AGES)))
    return found


def _shown(spec, name, identifier, word):
    fields = {"kind": spec.kind.value, "image": spec.image, "cores": spec.cores, "ram": spec.ram}
    return scene.live(name, word, id=identifier, **fields)


def projects():
    """Projects, of one loaded file or of a whole folder."""
    where = st.sampled_from([((scene.FILE,), ()), ((scene.FILE,), ("manifests",))])
    return st.builds(lambda specs, at: scene.project(*specs, files=at[0], folders=at[1]), manifests(), where)


def option_values(**fixed):
    """What a user may ask for."""
    given = {"adopt": st.sampled_from(Adopt), "take_over": st.booleans(), "force": st.booleans()} | fixed
    return st.builds(PlanOptions, **given)


def offers():
    """What a server may offer."""
    return st.builds(Offer, max_interactive=st.sampled_from([None, 0, 2]))


def waits(made):
    """The replicas that a plan leaves for later."""
    later = (ActionKind.WAIT, ActionKind.BLOCKED, ActionKind.CONFLICT)
    return {action.key for action in made.actions if action.kind in later or action.create_later}


def changing(made):
    """What a plan changes, as text."""
    return [line for line, action in zip(scene.lines(made), made.actions, strict=True) if action.kind.changes]


@MANY
@given(projects(), clusters(), option_values(), offers())
def test_what_was_applied_needs_no_second_apply(project, cluster, options, offer):
    cluster.settle()
    first = cluster.plan(project, options, offer=offer)
    cluster.apply(first)
    cluster.now += SETTLE
    second = cluster.plan(project, options, offer=offer)
    assert {action.key for action in second.actions if action.kind.changes} <= waits(first), changing(second)


@MANY
@given(projects(), clusters(), option_values(), offers(), st.sampled_from(["Completed", "Failed"]))
def test_applied_again_and_again_it_comes_to_rest(project, cluster, options, offer, ends):
    quiet = 0
    for _ in range(ROUNDS):
        made = cluster.plan(project, options, offer=offer)
        quiet = 0 if made.has_changes or cluster.state.tombstones or cluster.state.intents else quiet + 1
        if quiet > 1:  # the first may have taught the state that something is gone
            break
        cluster.apply(made)
        cluster.tick(610, ends)
    assert changing(made) == []
    cluster.tick(610, ends)
    assert changing(cluster.plan(project, options, offer=offer)) == []


@MANY
@given(projects(), clusters(), option_values(take_over=st.just(value=False)), st.booleans())
def test_no_unmanaged_session_is_deleted(project, cluster, options, destroying):
    for _ in range(3):
        if destroying:
            cluster.plan(project, options)
            seen = cluster.observe()
            state, adopted = update_state(cluster.state, seen, SETTLE)
            made = plan_destroy(project, Situation(state, seen, options, adopted, server="s"))
        else:
            made = cluster.plan(project, options)
        cluster.apply(made)
        assert not cluster.deleted & cluster.theirs
        cluster.tick(61)


def _computes(session):
    return session.phase is not Phase.TERMINATING


def _is_made(session_id):
    return session_id.startswith("made")


@MANY
@given(projects(), clusters(), option_values())
def test_no_replica_has_two_sessions_that_run(project, cluster, options):
    for _ in range(3):
        before = {one for ids in cluster.running().values() if len(ids) > 1 for one in ids}
        cluster.apply(cluster.plan(project, options))
        doubled = {key: ids for key, ids in cluster.running().items() if len(ids) > 1 and not before & set(ids)}
        # This plan did not make a session of an earlier create that appears next to a vanished one. Nor did it make
        # a session that had disappeared and that a listing shows again while it stops.
        computing = {key: [one for one in ids if _computes(cluster.live[one])] for key, ids in doubled.items()}
        assert not {key: ids for key, ids in computing.items() if len(ids) > 1 and any(map(_is_made, ids))}
        cluster.tick(61)
    assert all(len(ids) < 2 for ids in cluster.running().values())


@MANY
@given(projects(), clusters(), option_values(), offers(), st.randoms(use_true_random=False))
def test_order_of_anything_but_the_manifest_never_matters(project, cluster, options, offer, chance):
    def shuffled(items):
        return tuple(chance.sample(list(items), len(items)))

    stored, live = cluster.state, cluster.live
    lists = {name: shuffled(getattr(stored, name)) for name in ("replicas", "intents", "tombstones", "doubts")}
    mixed_state = replace(stored, **(lists | {"specs": dict(shuffled(stored.specs.items()))}))
    mixed = Cluster(mixed_state, dict(shuffled(live.items())), cluster.theirs, cluster.now)
    assert cluster.plan(project, options, offer=offer) == mixed.plan(project, options, offer=offer)
    assert cluster.state == mixed.state


@MANY
@given(projects(), clusters(), option_values(), offers())
def test_every_replica_has_one_action_and_every_record_at_least_one(project, cluster, options, offer):
    made = cluster.plan(project, options, offer=offer)
    wanted = [(spec.key, number) for spec in project.sessions for number in range(1, spec.replicas + 1)]
    extra = [
        action for action in made.actions if any(to_delete.why == "surplus" for to_delete in action.sessions_to_delete)
    ]
    plain = [action.key for action in made.actions if action not in extra]
    working = WorkingState.from_document(cluster.state)
    assert sorted(plain) == sorted({*wanted, *working.records, *working.intents})
    known = {*cluster.live, *(record.id for record in cluster.state.replicas)}
    assert {to_delete.id for action in made.actions for to_delete in action.sessions_to_delete} <= known


@MANY
@given(projects(), clusters(), option_values())
def test_it_is_deterministic_and_its_digest_does_not_change_with_time_alone(project, cluster, options):
    seen = cluster.observe()
    state, adopted = update_state(cluster.state, seen, SETTLE)
    made = plan(project, Situation(state, seen, options, adopted, server="s"))
    assert made == plan(project, Situation(state, seen, options, adopted, server="s"))
    listing = replace(seen.listing, at=seen.listing.at + 7 * HOUR, asked=seen.listing.asked + 7 * HOUR)
    later = plan(project, Situation(state, replace(seen, listing=listing), options, adopted, server="s"))
    assert (later.digest, later.approved) == (made.digest, made.approved)


@MANY
@given(projects(), clusters(), option_values())
def test_second_observation_of_the_same_listing_changes_nothing(project, cluster, options):
    cluster.plan(project, options)
    once, seen = cluster.state, cluster.observe()
    twice, _ = update_state(once, replace(seen, not_found=frozenset()), SETTLE)
    assert twice == update_state(twice, replace(seen, not_found=frozenset()), SETTLE)[0]


@MANY
@given(projects(), clusters(), option_values(), st.sampled_from(["tile", "mosaic", "desk/1-2", "*"]))
def test_scope_leaves_out_actions_and_changes_none(project, cluster, options, name):
    cluster.settle()
    whole = cluster.plan(project, options)
    for limited in (replace(options, targets=(name,)), replace(options, excludes=(name,))):
        part = cluster.plan(project, limited)
        same = [one for one in part.actions if one in whole.actions]
        assert [one for one in whole.actions if one in part.actions] == same
        later = waits(whole)
        assert all(one.kind is ActionKind.BLOCKED and one.key in later for one in part.actions if one not in same)
        assert not any(one.kind is ActionKind.DELETE and one.counts_as_mass for one in part.actions)


@MANY
@given(projects(), clusters(), option_values(take_over=st.just(value=False)))
def test_nothing_is_made_under_a_name_that_others_use(project, cluster, options):
    for _ in range(3):
        used = {session.name for key, session in cluster.live.items() if key in cluster.theirs and session.phase.active}
        made = cluster.plan(project, options)
        creating = (ActionKind.CREATE, ActionKind.REPLACE)
        assert not used & {
            action.name for action in made.actions if action.kind in creating and not action.create_later
        }
        cluster.apply(made)
        cluster.tick(61)


@MANY
@given(projects(), clusters(), option_values())
def test_work_runs_only_if_it_is_new_or_changed_or_its_session_has_disappeared(project, cluster, options):
    before = WorkingState.from_document(cluster.state)
    made = cluster.plan(project, options)
    for action in made.actions:
        record, wanted = action.record, action.desired
        if action.kind is ActionKind.CREATE and record is not None:
            again = wanted.spec.kind.interactive and record.phase.ended
            vanished = record.phase is Phase.UNKNOWN and wanted.spec.vanished == "rerun"
            assert again or vanished or record.phase in (Phase.DUE, Phase.GONE)
            assert action.key not in before.records or before.records[action.key].phase is not Phase.DONE or again
        if action.kind is ActionKind.REPLACE and record is not None:
            assert (record.work, record.run) != (wanted.work, wanted.run)
            assert not (wanted.spec.protect and record.phase.active)
        if action.kind in (ActionKind.CREATE, ActionKind.REPLACE):
            needed = {name.casefold() for name in wanted.spec.needs}
            others = [one for one in made.actions if one.desired and one.key[0] in needed]
            assert action.create_later or all(one.record and one.record.phase is Phase.DONE for one in others)


@st.composite
def entries_in_trouble(draw):
    """One entry near its failure limit and its dependent, with replicas in every phase, and the server's sessions."""
    wanted = scene.spec(
        replicas=draw(st.integers(3, 6)),
        stop_after=draw(st.integers(1, 3)),
        retries=draw(st.integers(0, 1)),
        vanished=draw(one_of("hold", "rerun", "complete")),
        pilot=draw(one_of(None, 1)),
    )
    entries, live = [], {}
    phases = [Phase.FAILED, Phase.FAILED, Phase.PENDING, Phase.ACCEPTED, Phase.RUNNING, Phase.DONE, Phase.HELD, None]
    for number in range(1, wanted.replicas + 1):
        phase = draw(one_of(*phases, Phase.GONE, Phase.UNKNOWN))
        if phase is None:
            continue
        ended = NOW - draw(st.integers(1, 100)) if phase.ended else None
        accepted = NOW - draw(one_of(HOUR, 60.0))
        one = scene.record(wanted, phase, number, ended=ended, accepted=accepted, note="n")
        entries.append(one)
        if phase.active and draw(st.integers(0, 4)):
            live[one.id] = _shown(wanted, one.name, one.id, "Running" if phase is Phase.RUNNING else "Pending")
    project = scene.project(wanted, scene.spec("end", needs=("reduce",)))
    return project, Cluster(scene.state(*entries), live, frozenset(), NOW)


@MANY
@given(entries_in_trouble())
def test_what_the_failure_limit_or_a_disappearance_asks_for_is_done_at_once(scene_now):
    project, cluster = scene_now
    first = cluster.plan(project)
    again = {one.name for one in first.actions if one.kind is ActionKind.CREATE and one.record is not None}
    complete = project.sessions[0].vanished == "complete"
    unfinished = {one.name for one in cluster.state.replicas if one.phase in (Phase.GONE, Phase.UNKNOWN)}
    assert not (complete and again & unfinished)
    cluster.apply(first)
    cluster.now += SETTLE
    second = cluster.plan(project)
    assert {action.key for action in second.actions if action.kind.changes} <= waits(first), changing(second)
