"""The graph of entries: labels, layers after dependencies, also for circles and missing entries."""

from __future__ import annotations

import scene
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.planning.scheduling.entry_graph import entry_graph


def labels(*specs, **given):
    return [(edge.dependency, edge.dependent, edge.label) for edge in entry_graph("survey", specs, **given).edges]


def test_an_edge_states_what_is_waited_for():
    tiles = scene.matrix("tile", "abc")
    maps = scene.matrix("map", "abc", needs=("tile-${tile}",))
    most = scene.spec("most", needs=("Map-${tile}",), require={"map-${tile}": 0.95})
    last = scene.spec("last", needs=("map-${tile}", "most"), require={"MOST": 0.0})
    assert labels(*tiles, *maps, most, last) == [
        ("tile-${tile}", "map-${tile}", "tile by tile"),
        ("map-${tile}", "most", "all, 95 %"),
        ("map-${tile}", "last", "all"),
        ("most", "last", "all ended"),
    ]


def test_an_edge_names_every_shared_axis():
    both = {"group": "one-${tile}-${band}", "values": {"tile": "a", "band": "g"}}
    three = {"group": "two-${x}-${band}-${tile}", "values": {"x": "1", "band": "g", "tile": "a"}}
    one, two = scene.spec("one-a-g", **both), scene.spec("two-1-g-a", **three, needs=(both["group"],))
    last = scene.spec("last", **three | {"group": "last"}, needs=(three["group"],), require={three["group"]: 0.5})
    assert [label for _, _, label in labels(one, two, last)] == ["by band and tile", "by x, band and tile, 50 %"]


def test_an_edge_exists_for_what_one_combination_needs():
    """An `include` can change `needs` and `require`, and a row can lack the cell of a column."""
    flat, dark = scene.spec("flat"), scene.spec("dark")
    tiles = scene.matrix("tile", "abc", needs=("flat",))
    changed = tiles[1].model_copy(update={"needs": ("Dark", "flat"), "require": {"Flat": 0.0}})
    lacking = scene.spec("map-", group="map-${tile}", needs=("tile-${tile}",))
    maps = (*scene.matrix("map", "ab", needs=("tile-${tile}",)), lacking)
    assert labels(flat, dark, tiles[0], changed, tiles[2], *maps) == [
        ("flat", "tile-${tile}", "all or all ended"),
        ("dark", "tile-${tile}", "all, some combinations"),
        ("tile-${tile}", "map-${tile}", "tile by tile or all"),
    ]
    assert entry_graph("survey", (flat, dark, *tiles[:1], changed)).layers == (("flat", "dark"), ("tile-${tile}",))


def test_an_entry_stands_behind_its_dependencies_and_an_empty_list_is_an_entry():
    one, two = scene.spec("one", replicas=3), scene.spec("two", needs=("one", "none"))
    found = entry_graph("survey", (two, one, scene.desktop()), empty=("none",))
    assert found.layers == (("one", "none", "desk"), ("two",))  # those with a dependent are close to it
    assert [(node.name, node.replicas) for node in found.nodes.values()] == [
        ("two", 1), ("one", 3), ("desk", 1), ("none", 0),
    ]  # fmt: skip
    assert found.nodes["desk"].is_interactive


def test_a_missing_dependency_has_no_edge_and_a_circle_is_stated():
    first, second = scene.spec("a", needs=("b", "nowhere")), scene.spec("b", needs=("a",))
    found = entry_graph("survey", (scene.spec("ok"), first, second))
    assert (found.circle, found.layers) == ({"a", "b"}, (("ok",), ("a",), ("b",)))
    assert len(found.edges) == 2


@given(st.integers(1, 9), st.data())
def test_every_entry_is_in_one_layer_and_every_edge_leads_to_a_later_one(count, data):
    specs = []
    for number in range(count):
        needs = data.draw(st.lists(st.integers(0, number - 1), unique=True)) if number else []
        specs.append(scene.spec(f"e{number}", needs=tuple(f"e{one}" for one in needs)))
    found = entry_graph("survey", data.draw(st.permutations(specs)))
    layer = {key: place for place, keys in enumerate(found.layers) for key in keys}
    assert sorted(layer) == sorted(found.nodes)
    assert all(layer[edge.dependency] < layer[edge.dependent] for edge in found.edges)
    assert all(found.layers)
