from __future__ import annotations

import pytest

from skaha_apply.model.errors import UsageError
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.workflow.setup.selection import Candidate, ReplicaSelection, check_axis


def tile(value, replica=1, replicas=1, phase=None, **more):
    name = f"tile-{value.lower()}"
    spec = SessionSpec(name=name, image="i", replicas=replicas, group="tile-${tile}", values={"tile": value, **more})
    return Candidate((spec.key, replica), spec.live_name(replica), spec, phase)


def reduce(replica, phase=None):
    spec = SessionSpec(name="Reduce", image="i", replicas=9)
    return Candidate((spec.key, replica), spec.live_name(replica), spec, phase)


ALL = [tile("270.280"), tile("270.28"), tile("T3"), reduce(1), reduce(2, Phase.FAILED)]


def taken(selection):
    return [one.name for one in ALL if selection.includes(one)]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ((), ["tile-270.280", "tile-270.28", "tile-t3", "reduce-1", "reduce-2"]),
        (("tile-T3",), ["tile-t3"]),
        (("reduce/2-3", "reduce-1"), ["reduce-1", "reduce-2"]),
        (("tile-270*",), ["tile-270.280", "tile-270.28"]),
        (("TILE-${tile}",), ["tile-270.280", "tile-270.28", "tile-t3"]),
        (("reduce-1/1",), []),
    ],
)
def test_patterns(patterns, names):
    assert taken(ReplicaSelection(patterns)) == names


def test_values_are_compared_as_they_are_written():
    selection = ReplicaSelection(axis="tile", values=("270.280", "t3"))
    assert taken(selection) == ["tile-270.280"]
    assert selection.unmatched == ("t3",)


def test_patterns_limit_the_sessions_whose_axis_is_meant():
    listed = [tile("a"), Candidate(("map-a", 1), "map-a", SessionSpec(name="map-a", image="i", values={"tile": "a"}))]
    selection = ReplicaSelection(("map-*",), "tile", ("a",))
    assert [selection.includes(one) for one in listed] == [False, True]


def test_a_word_that_means_something_in_another_phase_is_not_meaningless():
    selection = ReplicaSelection(("reduce/1", "reduce/7", "nothing", "n*"), phases=(Phase.FAILED,))
    assert taken(selection) == []
    assert selection.unmatched == ("reduce/7", "nothing", "n*")


def test_malformed_pattern_is_refused():
    with pytest.raises(UsageError, match="not a list of replicas"):
        taken(ReplicaSelection(("reduce/x",)))


def test_an_axis_that_there_is_not_names_those_that_there_are():
    specs = [one.spec for one in (tile("a", band="r"), reduce(1))]
    check_axis("band", specs)
    with pytest.raises(UsageError) as raised:
        check_axis("tyle", specs)
    assert raised.value.hint == "there are: band, tile"
    with pytest.raises(UsageError) as raised:
        check_axis("tile", [reduce(1).spec])
    assert "no session here has a matrix" in raised.value.hint


def test_five_thousand_names_are_looked_up_at_once():
    """With a comparison of each name with each replica this would be 25 million."""
    listed = [tile(f"t{number:04}") for number in range(5000)]
    selection = ReplicaSelection(tuple(one.name for one in listed[::2]))
    assert sum(selection.includes(one) for one in listed) == 2500
    assert not selection.unmatched
