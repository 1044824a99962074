"""A state in a public place has digests of the IDs of interactive sessions; a listing shows the sessions."""

from __future__ import annotations

import pytest
from scene import (
    HOUR,
    NOW,
    decide,
    desktop,
    intent,
    lines,
    live,
    pending_delete,
    project,
    record,
    seen,
    state,
    unconfirmed,
)

from skaha_apply.model.masking.session_ids import is_hidden, short_id
from skaha_apply.planning.tracking.hidden_ids import lost_ids, reveal_ids
from skaha_apply.planning.working_state import WorkingState

DESK = desktop()
HIDDEN = short_id("abcd1234")


def listed(session_id="abcd1234", name="desk", **fields):
    return live(name, id=session_id, **{"kind": "notebook", **fields})


def revealed(document, *sessions):
    working = WorkingState.from_document(document)
    reveal_ids(working, seen(*sessions).listing)
    return working


def test_a_digest_stays_itself():
    assert short_id(HIDDEN) == HIDDEN
    assert is_hidden(HIDDEN)
    assert not is_hidden("abcd1234")


def test_each_digest_of_a_state_becomes_the_id_that_the_listing_shows():
    other, third = desktop("other"), desktop("third")
    document = state(
        record(DESK, id=HIDDEN, past=(short_id("old00001"), short_id("old00002"))),
        pending_delete(HIDDEN, DESK),
        intent(other, listed=(short_id("theirs01"), "plain")),
        unconfirmed(third, listed=(short_id("theirs02"),)),
    )
    sessions = (listed(), listed("old00001"), listed("theirs01", "other"), listed("theirs02", ""))
    working = revealed(document, *sessions)
    (found,) = working.records.values()
    assert (found.id, found.past) == ("abcd1234", ("old00001", short_id("old00002")))
    assert [(key, one.id) for key, one in working.pending_deletes.items()] == [("abcd1234", "abcd1234")]
    assert working.intents[("other", 1)].listed == ("theirs01", "plain")
    assert working.unconfirmed_creates[("third", 1)].listed == ("theirs02",)


def test_a_digest_of_two_listed_sessions_stays_a_digest():
    one, other = "0000000c", "00000078"
    assert short_id(one) == short_id(other)
    document = state(record(DESK, id=short_id(one)), pending_delete(short_id(one), DESK))
    for sessions in ((listed(one), listed(other)), (listed(one), listed(other, name=""))):
        working = revealed(document, *sessions)
        (found,) = working.records.values()
        assert found.id == short_id(one)
        assert list(working.pending_deletes) == [short_id(one)]
    (found,) = revealed(document, listed(one), listed(other, name="elsewhere")).records.values()
    assert found.id == one


@pytest.mark.parametrize(
    "sessions",
    [
        (),
        (listed("another1"),),
        (listed(name="elsewhere"),),
        (listed(kind="desktop"),),
    ],
    ids=["not listed", "another ID", "another name", "another kind"],
)
@pytest.mark.parametrize("change", [{}, {"image": "x/y:2"}, {"cores": 4}])
def test_a_session_that_is_not_found_is_neither_created_again_nor_replaced_nor_deleted(sessions, change):
    document = state(record(DESK, id=HIDDEN, seen=NOW - 30 * HOUR))
    reason = (
        "not listed, and the state has only a digest of its ID, so it counts as running; if it was deleted, run "
        "`skaha-apply state forget desk/1`"
    )
    for wanted, options in ((desktop(**change), {}), (DESK, {"destroying": True})):
        plan = decide(project(wanted), document, seen(*sessions), **options)
        assert lines(plan) == [f"unchanged desk ({reason})"]
    removed = lines(decide(project(desktop("next")), document, seen(*sessions)))
    assert sorted(removed) == ["create next (not in the state and not live)", f"unchanged desk ({reason})"]


def test_only_its_last_known_deadline_ends_a_session_that_is_not_found():
    lasting, over = record(DESK, id=HIDDEN, expires=NOW + 1), record(DESK, id=HIDDEN, expires=NOW - 1)
    listing = seen().listing
    assert lost_ids(WorkingState.from_document(state(lasting)), listing) == ({HIDDEN}, set())
    assert lost_ids(WorkingState.from_document(state(over)), listing) == (set(), {HIDDEN})
    of_the_name = seen(listed("another1")).listing
    assert lost_ids(WorkingState.from_document(state(over)), of_the_name) == ({HIDDEN}, set())
    ended = record(DESK, "done", id=HIDDEN)
    assert lost_ids(WorkingState.from_document(state(ended)), listing) == (set(), set())
