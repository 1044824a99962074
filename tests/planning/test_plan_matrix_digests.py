"""Links between entries: tile by tile, as a whole, and the reruns after a change of the list."""

from __future__ import annotations

import pytest
from scene import matrix, project, replica, spec

from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.planning import entries
from skaha_apply.planning.replicas import expand, run_tag


def works(*specs, run_numbers=None, **fields):
    return {one.key: one.work for one in expand(project(*specs, **fields), run_numbers)}


def changed(before, after):
    return sorted(f"{key}/{number}" for key, number in before if before[key, number] != after.get((key, number)))


def survey(tiles, **fields):
    first = matrix("tile", tiles, **fields)
    second = matrix("mosaic", tiles, needs=("TILE-${tile}",))
    return (*first, *second, spec("combine", needs=("mosaic-${tile}",)))


def test_tile_that_runs_again_takes_along_its_own_next_stage_and_the_combine():
    before = works(*survey("abc"))
    assert changed(before, works(*survey("abc"), run_numbers={("tile-b", 1): 1})) == ["combine/1", "mosaic-b/1"]


def test_tiles_that_are_added_change_the_combine_alone():
    assert changed(works(*survey("abc")), works(*survey("abcdefghijklm"))) == ["combine/1"]


def test_order_of_the_list_changes_nothing():
    assert changed(works(*survey("abc")), works(*survey("cab"))) == []


def test_names_of_entries_and_axes_are_in_no_digest():
    one = works(*matrix("a", "xy"), spec("end", needs=("a-${tile}",)))
    args = {"args": ("a",)}
    other = works(
        *(spec(f"b-{v}", group="b-${cell}", values={"cell": v}, args=("a", v)) for v in "xy"),
        spec("end", needs=("b-${cell}",)),
    )
    assert one["end", 1] == other["end", 1]
    single = works(*matrix("a", "x", **args), spec("end", needs=("a-${tile}",)))
    plain = works(spec("a", **args), spec("end", needs=("a",)))
    assert single["end", 1] == plain["end", 1]


def test_session_without_a_matrix_keeps_the_digest_that_it_has():
    needed = spec("first", replicas=2), spec("other")
    one = replica(spec("second", needs=("other", "FIRST")), needed=needed)
    assert (one.work, one.run, run_tag(one)) == (
        "1:b3d89322041a40c368dc2ae5926a720c",
        "1:0ece5136b6db3593c66c167ec89b4942",
        "ce13b1e4ce17",
    )


def grid(name, pairs, **fields):
    made = []
    for tile, band in pairs:
        group, values = f"{name}-${{tile}}-${{band}}", {"tile": tile, "band": band}
        made.append(spec(f"{name}-{tile}-{band}", group=group, values=values, args=(name, tile, band), **fields))
    return made


PAIRS = [(tile, band) for tile in "ab" for band in "gr"]


@pytest.mark.parametrize(
    ("needing", "expected"),
    [
        (matrix("sum", "ab", needs=("image-${tile}-${band}",)), ["sum-b/1"]),
        (matrix("sum", "gr", axis="band", needs=("image-${tile}-${band}",)), ["sum-g/1"]),
        (matrix("sum", "xy", axis="other", needs=("image-${tile}-${band}",)), ["sum-x/1", "sum-y/1"]),
        (grid("sum", PAIRS, needs=("image-${tile}-${band}",)), ["sum-b-g/1"]),
    ],
    ids=["an axis is waited for as a whole", "the other one", "none is shared", "both are shared"],
)
def test_combinations_agree_in_the_axes_that_both_have(needing, expected):
    images = grid("image", PAIRS)
    assert changed(works(*images, *needing), works(*images, *needing, run_numbers={("image-b-g", 1): 1})) == expected


def test_rows_that_lack_a_cell_agree_with_any_value_of_it():
    rows = [*matrix("field", "ab"), spec("field-all", group="field-${tile}", values={}, args=("all",))]
    sums = matrix("sum", "ab", needs=("field-${tile}",))
    before = works(*rows, *sums)
    assert changed(before, works(*rows, *sums, run_numbers={("field-all", 1): 1})) == ["sum-a/1", "sum-b/1"]
    assert changed(before, works(*rows, *sums, run_numbers={("field-a", 1): 1})) == ["sum-a/1"]


def test_list_that_is_empty_gives_no_link_and_no_error():
    end = spec("end", needs=("tile-${tile}",))
    assert works(end, empty=("Tile-${tile}",)) == works(spec("end"))
    with pytest.raises(SkahaApplyError, match=r"needs 'tile-\${tile}', which is not in the manifest"):
        works(end)


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (
            [*matrix("a", "xy", needs=("b-${tile}",)), *matrix("b", "xy", needs=("a-${tile}",))],
            "needs run in a circle: a-${tile} -> b-${tile} -> a-${tile}",
        ),
        (matrix("a", "xy", needs=("A-${tile}",)), "needs run in a circle: a-${tile} -> a-${tile}"),
        (matrix("a", "xy", needs=("a-x",)), "session 'a-${tile}' needs 'a-x', which is not in the manifest"),
    ],
)
def test_error_of_unknown_needs_names_entries_as_written(specs, message):
    with pytest.raises(SkahaApplyError) as error:
        expand(project(*specs))
    assert str(error.value) == message


def test_combinations_with_the_same_needs_share_one_group_so_that_cost_stays_linear():
    tiles = tuple(str(number) for number in range(300))
    specs = (*matrix("tile", tiles), *matrix("sum", tiles, axis="other", needs=("tile-${tile}",)))
    found = entries.Entries(project(*specs))
    groups = {found.needed(one)[0][1] for one in specs[300:]}
    assert len(groups) == 1
    assert len(next(iter(groups)).specs) == 300
