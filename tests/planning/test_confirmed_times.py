"""A listing that shows a session as its record has it moves times only, and leaves the record the same object."""

from __future__ import annotations

import math

import pytest
import scene
from hypothesis import given, settings
from hypothesis import strategies as st
from scene import NOW, SETTLE

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase
from skaha_apply.planning.tracking.confirmed_times import confirms, take_time, take_times
from skaha_apply.planning.tracking.unconfirmed_creates import with_live_session
from skaha_apply.planning.tracking.update import update_working_state
from skaha_apply.planning.working_state import WorkingState

ONE = scene.spec()
STARTED = NOW - 500


def running(**fields):
    given = {"started": STARTED, "ran": NOW - 400, "running": NOW - 60}
    return scene.record(ONE, "running", **given | fields)


def live(**fields):
    return scene.live("reduce", **{"id": "reduce", "started": STARTED} | fields)


def watch(working, *times, **fields):
    for at in times:
        update_working_state(working, scene.seen(live(**fields), at=at), SETTLE)


@settings(deadline=None)
@given(st.data())
def test_a_confirmed_record_is_the_one_that_the_listing_gives(data):
    choose = lambda *values: data.draw(st.sampled_from(values))  # noqa: E731
    fields = {
        "phase": choose(Phase.RUNNING, Phase.PENDING, Phase.OTHER, Phase.DONE, Phase.ACCEPTED),
        "seen": choose(None, NOW - 60, NOW - 119, NOW + 10),
        "ran": choose(None, NOW - 400),
        "queued": choose(None, NOW - 450),
        "started": choose(None, STARTED),
        "running": choose(None, NOW - 60, NOW - 130),
        "ended": choose(None, NOW - 70),
        "expires": choose(None, NOW + 500),
        "stopped": choose(False, True),
        "note": choose("", "Odd"),
        "ram_used": choose(None, 1.5),
        "cores_used": choose(None, 0.25),
    }
    record = replace(running(), **fields)
    session = live(
        status=choose("Running", "Pending", "Completed", "Odd"),
        started=choose(None, STARTED, NOW - 5),
        expires=choose(None, NOW + 500),
        ram_used=choose(None, 1.0, 2.0),
        cores_used=choose(None, 0.25, 0.5),
    )
    if confirms(session, record, record, NOW):
        working = WorkingState.from_document(scene.state(record))
        working.confirmed[record.key] = record.id, NOW
        take_time(working, record.key)
        assert working.records[record.key] == with_live_session(record, session, NOW)


def test_a_record_stays_the_same_object_for_two_minutes():
    working = WorkingState.from_document(scene.state(record := running()))
    watch(working, NOW, NOW + 30, NOW + 59)
    assert working.records[record.key] is record
    assert working.records.revision == 0
    watch(working, NOW + 60)
    assert working.records[record.key].seen == working.records[record.key].running == NOW + 60


@pytest.mark.parametrize(
    "news",
    [
        {"status": "Pending", "started": None},
        {"status": "Terminating"},
        {"status": "Odd"},
        {"started": NOW - 3},
        {"expires": NOW + 900},
        {"ram_used": 1.5},
    ],
)
def test_any_other_news_changes_the_record_at_once(news):
    working = WorkingState.from_document(scene.state(record := running()))
    watch(working, NOW)
    watch(working, NOW + 10, **news)
    changed = working.records[record.key]
    assert changed == replace(with_live_session(record, live(**news), NOW + 10), running=changed.running)
    assert changed.running == (NOW + 10 if changed.phase is Phase.RUNNING else NOW)


def test_the_times_of_a_stored_record_decide_how_far_it_may_be_behind():
    stored = running(seen=NOW - 119, running=NOW - 119)
    working = WorkingState.from_document(scene.state(running(seen=NOW - 10, running=NOW - 10)))
    working.stored_records[stored.key] = stored
    watch(working, NOW + 1)
    assert working.records[stored.key].seen == NOW + 1


@pytest.mark.parametrize(("later", "phase"), [(290, Phase.GONE), (310, Phase.UNKNOWN)])
def test_a_session_vanishes_by_the_time_of_the_last_listing_that_confirmed_it(later, phase):
    working = WorkingState.from_document(scene.state(record := running()))
    watch(working, NOW + 50)
    gone = replace(scene.seen(at=NOW + 50 + later), not_found=frozenset({record.id}))
    update_working_state(working, gone, SETTLE)
    assert working.records[record.key].phase is phase
    assert working.records[record.key].running == NOW + 50


def test_a_time_of_an_earlier_session_is_not_one_of_the_next():
    working = WorkingState.from_document(scene.state(record := running()))
    watch(working, NOW)
    working.records[record.key] = another = running(id="another", seen=None, running=None)
    take_times(working)
    assert working.records[record.key] is another
    assert not working.confirmed


def test_a_state_that_is_not_stored_needs_no_newer_times():
    working = WorkingState.from_document(scene.state(record := running()))
    update_working_state(working, scene.seen(live(), at=NOW + 3600), SETTLE, stale=math.inf)
    assert working.records[record.key] is record
    assert working.confirmed == {record.key: (record.id, NOW + 3600)}
