"""Which exit codes follow from the last pass of an invocation, and whether another pass is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skaha_apply.model.errors import ExitCode, SafetyRefusal, StateError, TimeoutReached, Unauthorized
from skaha_apply.model.plan import Action, ActionKind, Plan, SessionToDelete
from skaha_apply.model.reasons import DeleteReason, Reason, ReasonCode
from skaha_apply.model.report import Failure
from skaha_apply.model.session import Listing, LiveSession, Phase
from skaha_apply.model.spec import DesiredReplica, SessionSpec
from skaha_apply.model.state import PendingDelete, ReplicaRecord, StateDocument
from skaha_apply.planning.summary.entry_summaries import Snapshot
from skaha_apply.planning.summary.invocation_end import Achievement, InvocationEnd
from skaha_apply.planning.summary.pass_summary import PassSummary

SPEC = SessionSpec(name="tile", image="x/y/z:1", replicas=9, cores=2, retries=1)


def record(number, phase, **more):
    about = {"session": "tile", "replica": number, "name": f"tile-{number}", "spec": "s", "work": "w", "run": "r"}
    return ReplicaRecord(**about, phase=Phase(phase), id=f"id{number}", **more)


def action(number, kind, now=None, **more):
    return Action(
        kind=ActionKind(kind), session="tile", replica=number, replicas=9, name=f"tile-{number}",
        reason=Reason(ReasonCode.DUE), desired=DesiredReplica(SPEC, number, f"tile-{number}", "w", "r", 0),
        record=now, **more,
    )  # fmt: skip


def after(*pairs, pending=(), at=100.0, listing=None):
    """The summary of a pass with these actions, each with the record of its replica after the pass."""
    records = tuple(one for _, one in pairs if one is not None)
    document = StateDocument(
        lineage="l", project="p", server="s", specs={"s": SPEC}, replicas=records, tombstones=tuple(pending)
    )
    snapshot = Snapshot({one.key: one for one in records}, at, document.specs)
    return PassSummary(Plan("p", "s", tuple(one for one, _ in pairs), "d"), snapshot, document, listing)


def kept(number, phase, kind="unchanged", **more):
    found = record(number, phase, **more)
    return action(number, kind, found), found


RUNNING, DONE = kept(1, "running"), kept(2, "done", "done")
FAILED = kept(3, "failed", "failed", attempt=2)
RETRIED = action(4, "wait", record(4, "failed")), record(4, "failed")
CREATED_AND_FAILED = action(5, "create"), record(5, "failed")  # its first attempt of two
CONFLICT = action(6, "conflict"), None


@pytest.mark.parametrize(
    ("pairs", "given", "codes"),
    [
        ([DONE], {}, set()),
        ([RUNNING], {}, set()),
        ([RUNNING], {"wait": "ready"}, {ExitCode.OK}),
        ([RUNNING], {"wait": "complete"}, {ExitCode.UNFINISHED}),
        ([RUNNING], {"wait": "complete", "stopped": TimeoutReached("late")}, {ExitCode.TIMEOUT}),
        ([DONE], {"declined": True}, {ExitCode.ERROR}),
        ([RUNNING], {"declined": True, "wait": "complete"}, {ExitCode.ERROR}),
        ([DONE], {"stopped": SafetyRefusal("many")}, {ExitCode.REFUSED}),
        ([DONE], {"stopped": Unauthorized("expired")}, {ExitCode.PARTIAL}),
        ([DONE], {"stopped": StateError("full")}, {ExitCode.PARTIAL}),
        ([CONFLICT], {}, {ExitCode.PARTIAL}),
        ([FAILED, DONE], {}, {ExitCode.UNFINISHED}),
        ([FAILED], {"done": Achievement(known_failures=frozenset({("tile", 3)}))}, set()),
        ([RETRIED, CREATED_AND_FAILED], {}, set()),
        ([RETRIED], {"wait": "complete"}, {ExitCode.UNFINISHED}),
        ([(action(7, "create"), record(7, "failed", attempt=2))], {}, {ExitCode.UNFINISHED}),
    ],
)
def test_the_exit_codes_of_what_is_left(pairs, given, codes):
    assert InvocationEnd(after(*pairs), **given).exit_codes - {ExitCode.OK} == codes - {ExitCode.OK}


def test_a_failure_counts_unless_it_is_why_no_other_pass_is_made():
    done = Achievement(failures=(Failure("tile-1", "create", "expired"),))
    assert InvocationEnd(after(DONE), done=done).exit_codes == {ExitCode.PARTIAL}
    assert InvocationEnd(after(DONE), "none", done, TimeoutReached("expired")).exit_codes == {ExitCode.TIMEOUT}
    assert ExitCode.PARTIAL in InvocationEnd(after(DONE), "none", done, TimeoutReached("other")).exit_codes


def test_a_wait_ends_if_no_action_is_left_for_this_invocation():
    due = action(5, "create"), None
    waiting = InvocationEnd(after(due), "complete")
    assert not waiting.is_over
    assert replace(waiting, done=Achievement(closed={due[0].attempt_key})).is_over
    assert replace(waiting, done=Achievement(has_actions_left=False)).is_over
    assert replace(waiting, stopped=TimeoutReached("late")).is_over
    assert replace(waiting, declined=True).is_over
    assert not replace(waiting, summary=after(due, RUNNING), done=Achievement(has_actions_left=False)).is_over


def test_a_wait_until_ready_ends_once_each_new_session_runs_or_has_ended():
    done = Achievement(created={"id1", "id2"})
    assert not InvocationEnd(after(kept(1, "pending"), DONE), "ready", done).is_over
    assert InvocationEnd(after(RUNNING, DONE, kept(3, "pending")), "ready", done).is_over


def test_the_usage_counts_from_the_first_listing_on():
    now = kept(1, "running", started=1000.0)
    assert InvocationEnd(after(now, at=5600.0)).usage is None
    usage = InvocationEnd(after(now, at=5600.0), done=Achievement(began=2000.0)).usage
    assert (usage.elapsed, usage.core_hours) == (3600.0, 2.0)


def test_the_phase_of_a_replica_after_a_pass():
    sent = PendingDelete(
        id="id2", session="tile", replica=2, name="tile-2", why=DeleteReason.SURPLUS, at=1.0, sent=True
    )
    live = LiveSession(id="id1", name="tile-1", kind="headless", status="Running", image="x", connect_url="https://one")
    summary = after(
        kept(1, "running"), kept(2, "running"), (action(3, "create"), None),
        kept(4, "due", "blocked"), kept(5, "gone", "conflict"), kept(6, "due", "wait"),
        pending=[sent], listing=Listing((live,), 90.0, 90.0),
    )  # fmt: skip
    assert [one.phase for one in summary.replicas] == ["running", "deleted", "create", "blocked", "conflict", "due"]
    assert [one.connect_url for one in summary.replicas] == ["https://one", "", "", "", "", ""]


def test_what_an_interrupt_leaves_is_counted():
    to_delete = (SessionToDelete("id7", active=False, why=DeleteReason.REPLACE),)
    replaced = action(7, "replace", record(7, "done"), sessions_to_delete=to_delete), record(7, "due")
    summary = after(RUNNING, DONE, RETRIED, (action(5, "create"), None), replaced)
    assert (len(summary.active), summary.not_created, summary.retried) == (1, 3, {"tile-4"})
    assert summary.not_created_again == "tile-7"
    assert [(one.kind, one.count) for one in summary.waiting] == [("wait", 1)]


def test_failures_with_another_attempt_count_apart_from_the_others():
    summary = after(FAILED, RETRIED, DONE)
    assert [one.name for one in summary.failed] == ["tile-3", "tile-4"]
    assert [one.name for one in summary.not_retried] == ["tile-3"]
    assert summary.retried == {"tile-4"}


class EveryAction(tuple):
    """The actions of a plan of which no pass of a wait may look at every one."""

    __slots__ = ()

    def __iter__(self):
        raise AssertionError("every action is read")


def test_a_pass_of_a_wait_looks_only_at_the_replicas_that_were_not_done_before():
    summary = after(RUNNING, DONE)
    plan = replace(summary.plan, actions=EveryAction(summary.plan.actions), newly_decided=(RUNNING[0],))
    summary = replace(summary, plan=replace(plan, decided_before=()))
    assert dict(summary.progress.counts) == {"running": 1}
    assert summary.not_started == summary.not_retried == ()
    assert not InvocationEnd(summary, "complete").is_over
    with pytest.raises(AssertionError, match="every action is read"):
        _ = summary.replicas
