"""`split` shows the shares that the replicas get, and it recommends the better strategy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply import distributed
from skaha_apply.model.shares import Helper, ItemList, LoadUnit
from skaha_apply.planning.summary.share_preview import divide, preview

weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=80).filter(any)
counts = st.integers(1, 40)


def listing(loads, unit=LoadUnit.BYTES):
    return ItemList(tuple(f"f{index}" for index in range(len(loads))), tuple(loads), unit, "files", "sorted")


@pytest.mark.parametrize("strategy", ["chunk", "stripe"])
@given(loads=weights, replicas=counts)
def test_each_replica_is_shown_what_distributed_deals_it(strategy, loads, replicas):
    shown = divide(listing(loads), replicas, strategy)
    for part in shown.shares:
        mine = getattr(distributed, strategy)(range(len(loads)), part.replica, replicas)
        assert part.items == len(mine)
        assert part.load == sum(loads[index] for index in mine)
        assert (part.first, part.last) == ((f"f{mine[0]}", f"f{mine[-1]}") if mine else (None, None))
    assert [part.replica for part in shown.shares] == list(range(1, replicas + 1))
    assert shown.total == sum(loads)
    assert shown.imbalance == pytest.approx(max(part.load for part in shown.shares) * replicas / sum(loads))
    assert shown.empty == max(0, replicas - len(loads))


@pytest.mark.parametrize("strategy", ["chunk", "stripe"])
@given(loads=weights, replicas=counts)
def test_the_published_client_deals_each_item_once(strategy, loads, replicas):
    shown = divide(listing(loads), replicas, strategy, Helper.CANFAR)
    assert shown.total == sum(loads)
    assert sum(part.items for part in shown.shares) == len(loads)


def test_the_published_client_leaves_the_remainder_to_the_last():
    shown = preview(listing([1] * 1099, LoadUnit.ITEMS), 100, Helper.CANFAR)
    assert [part.items for part in shown.strategies[0].shares] == [10] * 99 + [109]
    assert shown.recommended == "stripe"
    assert "109" not in shown.reason
    assert any("leaves the whole remainder, 99 items, to the last replica" in note for note in shown.notes)


@given(loads=weights, replicas=counts, helper=st.sampled_from(Helper))
def test_what_to_take_is_never_much_worse(loads, replicas, helper):
    shown = preview(listing(loads), replicas, helper)
    taken = next(split for split in shown.strategies if split.strategy == shown.recommended)
    assert taken.imbalance <= 1.05 * min(split.imbalance for split in shown.strategies) * (1 + 1e-9)


def test_sizes_that_grow_with_the_name_are_striped():
    shown = preview(listing(range(1, 41)), 4)
    assert shown.recommended == "stripe"
    assert shown.reason == (
        "its largest share is 1.07 times the mean, and that of chunk is 1.73 times the mean: "
        "the busiest replica has 38% less to do"
    )
    assert shown.notes == ()


def test_sizes_that_repeat_with_the_count_are_chunked():
    shown = preview(listing([9, 1, 1, 1] * 10), 4)
    assert shown.recommended == "chunk"
    assert shown.reason.startswith("it is more even than stripe: imbalance 1.")


def test_when_both_are_even_neighbors_stay_together_and_a_note_states_the_uncertainty():
    shown = preview(listing([1] * 1000, LoadUnit.ITEMS), 100)
    assert (shown.recommended, shown.reason) == (
        "chunk",
        "it is as even as stripe, and keeps neighbors of the list together",
    )
    assert "if the cost grows or falls along the list, stripe balances it better" in shown.notes[0]


def test_one_replica_and_one_item_each_need_no_choice():
    assert preview(listing([3, 4]), 1).reason == "one replica gets everything"
    shown = preview(listing([3, 4]), 5)
    assert shown.reason == "both give the same shares: each item has its own replica"
    assert shown.notes == ("3 of 5 replicas get no item: this list can use at most 2 replicas",)


def test_one_item_that_outweighs_a_share_bounds_the_replicas():
    shown = preview(listing([100] + [1] * 99), 10)
    assert any("5.03 times the mean share" in note and "more than 1 replica would save" in note for note in shown.notes)


def test_better_order_is_recommended_if_there_is_one():
    assert preview(listing([8, 8, 1, 1, 8, 8, 1, 1, 1, 1, 1, 1]), 2).notes == ()  # even as it is
    shown = preview(listing([1, 9, 9, 6, 8, 1, 4, 3]), 3)
    assert shown.notes == ("if the list were sorted by size, the imbalance of stripe would be 1.17",)
    assert min(split.imbalance for split in shown.strategies) > 1.17 * 1.1
