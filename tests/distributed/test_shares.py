from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.distributed import ReplicaError, chunk, describe, share_of, stripe

lists = st.lists(st.integers() | st.text(), max_size=200)
counts = st.integers(min_value=1, max_value=60)


@given(items=lists, total=counts)
def test_chunk_gives_each_item_to_one_replica_and_keeps_the_order(items, total):
    shares = [chunk(items, replica, total) for replica in range(1, total + 1)]

    assert [item for share in shares for item in share] == items
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


@given(items=lists, total=counts)
def test_stripe_gives_each_item_to_one_replica_and_keeps_the_order(items, total):
    shares = [stripe(items, replica, total) for replica in range(1, total + 1)]

    dealt_back = [shares[place % total][place // total] for place in range(len(items))]
    assert dealt_back == items
    assert sum(map(len, shares)) == len(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_thousand_items_over_a_hundred_replicas():
    assert chunk(range(1000), 1, 100) == list(range(10))
    assert stripe(range(1000), 1, 100) == list(range(0, 1000, 100))


def test_the_remainder_is_spread_and_not_left_to_the_last():
    sizes = [len(chunk(range(1099), replica, 100)) for replica in range(1, 101)]

    assert max(sizes) == 11
    assert min(sizes) == 10
    assert sum(sizes) == 1099


@pytest.mark.parametrize("deal", [chunk, stripe])
def test_more_replicas_than_items_leaves_the_surplus_with_nothing(deal):
    assert [deal(["ab", "c"], replica, 4) for replica in range(1, 5)] == [["ab"], ["c"], [], []]


def test_the_environment_is_read_when_called(become):
    become(2, 5)
    assert chunk(range(10)) == [2, 3]
    become(5, 5)
    assert chunk(range(10)) == [8, 9]
    assert stripe(range(10)) == [4, 9]


def test_without_the_pair_it_is_one_of_one():
    assert chunk(iter("abc")) == ["a", "b", "c"]


def test_numbers_given_win_over_the_environment(become):
    become(2, 5)
    assert chunk(range(10), 1, 2) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("replica", "total", "named"),
    [
        ("0", "10", "REPLICA_ID is '0'"),
        ("abc", "10", "REPLICA_ID is 'abc'"),
        ("", "10", "REPLICA_ID is ''"),
        ("1.0", "10", "REPLICA_ID is '1.0'"),
        ("-1", "10", "REPLICA_ID is '-1'"),
        ("٣", "10", "REPLICA_ID"),
        ("3", "many", "REPLICA_COUNT is 'many'"),
        ("3", "9" * 5000, "REPLICA_COUNT is"),
        ("11", "10", "REPLICA_ID 11 is larger than REPLICA_COUNT 10"),
        ("3", None, "REPLICA_ID is set, but REPLICA_COUNT is not"),
        (None, "10", "REPLICA_COUNT is set, but REPLICA_ID is not"),
    ],
)
@pytest.mark.parametrize("deal", [chunk, stripe, describe])
def test_a_wrong_pair_in_the_environment_is_a_clear_error(monkeypatch, deal, replica, total, named):
    for name, value in (("REPLICA_ID", replica), ("REPLICA_COUNT", total)):
        if value is not None:
            monkeypatch.setenv(name, value)

    with pytest.raises(ReplicaError, match=named):
        deal([1, 2, 3])


@pytest.mark.parametrize(("replica", "total"), [(1, None), (None, 2), (3, 2), (0, 2), (True, 2), (1.0, 2)])
def test_a_wrong_pair_of_arguments_is_a_clear_error(replica, total):
    with pytest.raises(ValueError, match="replica"):
        chunk([1, 2, 3], replica, total)


def test_what_cannot_be_shared_in_one_order_is_refused():
    class Tile:
        pass

    with pytest.raises(TypeError, match="set has another order"):
        chunk({"a", "b"})
    with pytest.raises(TypeError, match="items is a single str"):
        chunk("images.txt")
    with pytest.raises(TypeError, match="items is a single PosixPath"):
        chunk(Path("images"))
    with pytest.raises(TypeError, match="Tile has no __str__"):
        chunk([Tile()])


def test_describe_names_replica_size_ends_and_list():
    line = describe(range(1000), "chunk", 7, 100)

    assert line.startswith("Container 7 of 100 processing 10 items: first 60, last 69 (chunk of 1000, list sha256:")
    assert describe(range(1000), "stripe", 7, 100).startswith(
        "Container 7 of 100 processing 10 items: first 6, last 906 (stripe of 1000, list sha256:"
    )
    assert describe([1], replica=1, total=2).startswith("Container 1 of 2 processing 1 item: first 1, last 1 (")
    assert describe([1], replica=2, total=2).startswith("Container 2 of 2 processing 0 items (")


def test_the_fingerprint_is_of_the_whole_list_in_its_order():
    def fingerprint(items, replica=1):
        return share_of(items, "chunk", replica, 2).fingerprint

    assert fingerprint(["a", "b"]) == fingerprint(("a", "b"), 2) == fingerprint([PurePosixPath("a"), b"b"])
    different = [["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""], ["a,b"], ["1:a1:b"], []]
    assert len({fingerprint(items) for items in different}) == len(different)
    assert fingerprint(["\udcff"]) == fingerprint([b"\xff"])


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="unknown strategy 'random': use chunk or stripe"):
        describe([1], "random")
