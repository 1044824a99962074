"""When a wait for completion is over, judged by the plan of its last pass."""

from __future__ import annotations

import pytest

from skaha_apply.model.plan import Action, ActionKind, Plan
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import DesiredReplica, SessionSpec
from skaha_apply.model.state import ReplicaRecord, StateDocument
from skaha_apply.planning.summary.entry_summaries import Snapshot, entry_summaries, not_started
from skaha_apply.planning.summary.exit_codes import code_of
from skaha_apply.planning.summary.invocation_end import InvocationEnd
from skaha_apply.planning.summary.pass_summary import PassSummary


def spec(kind="headless"):
    return SessionSpec(name="one", image="x/y/z:1", kind=kind)


def record(phase, **more):
    return ReplicaRecord(session="one", replica=1, name="one", spec="s", work="w", run="r", phase=Phase(phase), **more)


def action(kind, phase=None, *, session_kind="headless", desired=True, name="one", **more):
    about = spec(session_kind)
    return Action(
        kind=ActionKind(kind), session=name, replica=1, replicas=1, name=name,
        reason=Reason(ReasonCode.DUE, note=more.pop("reason", "")),
        desired=DesiredReplica(about, 1, name, "w", "r", 0, "t") if desired else None,
        record=None if phase is None else record(phase, **more.pop("recorded", {})),
        **more,
    )  # fmt: skip


def over(one, session_kind="headless"):
    document = StateDocument(lineage="l", project="p", server="s", specs={"s": spec(session_kind)})
    summary = PassSummary(Plan("p", "s", (one,), "d"), Snapshot({}, 0.0), document)
    return InvocationEnd(summary, wait="complete").is_over


@pytest.mark.parametrize(
    ("kind", "phase", "session_kind", "code"),
    [
        ("done", "done", "headless", 0),
        ("unchanged", "running", "notebook", 0),
        ("renew", "running", "notebook", 0),
        ("protected", "running", "notebook", 0),
        ("unchanged", "running", "headless", 2),
        ("unchanged", "pending", "notebook", 2),
        ("wait", None, "headless", 2),
        ("replace", "done", "headless", 2),
        ("unchanged", "held", "headless", 9),
        ("unchanged", "held", "notebook", 9),
        ("protected", "running", "headless", 9),
        ("protected", "done", "headless", 9),
        ("failed", "failed", "headless", 9),
        ("unknown", "unknown", "headless", 9),
        ("blocked", None, "headless", 9),
        ("conflict", None, "headless", 8),
    ],
)
def test_what_one_replica_contributes_to_the_exit_code(kind, phase, session_kind, code):
    assert code_of(action(kind, phase, session_kind=session_kind)) == code


@pytest.mark.parametrize("kind", ["protected", "retired", "not loaded"])
def test_what_left_the_manifest_contributes_nothing(kind):
    assert code_of(action(kind, "running", desired=False)) == 0


@pytest.mark.parametrize(
    ("kind", "phase", "session_kind", "is_over"),
    [
        ("unchanged", "running", "headless", False),
        ("unchanged", "running", "notebook", True),
        ("unchanged", "pending", "notebook", False),
        ("renew", "running", "notebook", True),
        ("create", None, "headless", False),
        ("retry", "failed", "headless", False),
        ("done", "done", "headless", True),
        ("failed", "failed", "headless", True),
        ("blocked", None, "headless", True),
        ("conflict", None, "headless", True),
        ("protected", "running", "headless", True),
        ("unknown", "unknown", "headless", True),
        ("not loaded", "running", "headless", True),
    ],
)
def test_what_is_waited_for(kind, phase, session_kind, is_over):
    assert over(action(kind, phase, session_kind=session_kind), session_kind) is is_over


@pytest.mark.parametrize(("session_kind", "is_over"), [("headless", False), ("notebook", True)])
def test_what_left_the_manifest_and_finishes_is_waited_for_where_it_has_an_end(session_kind, is_over):
    assert over(action("unchanged", "running", desired=False), session_kind) is is_over


def test_wait_for_time_alone_continues_and_a_wait_without_a_possible_action_ends():
    assert not over(action("wait", "failed"))
    assert over(action("wait", waits_indefinitely=True))


def test_counts_of_entries_show_the_longest_run_next_to_the_median_of_finished_ones():
    now = 1000.0
    actions = [
        action("unchanged", "running", name=f"t-{start:.0f}", group="t-${t}", recorded={"started": start})
        for start in (900.0, 100.0)
    ]
    actions += [
        action(
            "done",
            "done",
            name=f"d-{end:.0f}",
            group="t-${t}",
            recorded={"started": 0.0, "running": end - 1, "ended": end},
        )
        for end in (10.0, 30.0, 500.0)
    ]
    actions += [action("failed", "failed", name="f", group="t-${t}"), action("retry", "failed", name="again")]
    actions += [action("wait", name=f"m-{one}", group="m-${t}", reason="needs t") for one in range(9)]
    found = entry_summaries(actions, Snapshot({one.key: one.record for one in actions if one.record}, now))
    tiles, again, merges = found
    assert (tiles.name, dict(tiles.counts), tiles.failed) == ("t-${t}", {"running": 2, "done": 3, "failed": 1}, ("f",))
    assert (tiles.longest, tiles.median, tiles.total) == (900.0, 30.0, 6)
    assert (again.counts, again.failed) == ({"retry": 1}, ())
    assert dict(merges.counts) == {"wait": 9}
    (hold,) = not_started(actions)
    assert (hold.entry, hold.count, len(hold.names)) == ("m-${t}", 9, 5)
