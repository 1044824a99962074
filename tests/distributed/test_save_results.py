import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from skaha_apply.distributed import DistributedError, chunk, save, share_of, stripe


def read(path):
    return json.loads(path.read_text())


def test_results_are_bare_and_described_in_another_file(become, tmp_path):
    become(3, 4, "f00", attempt=2)
    mine = stripe(list("abcdefgh"))

    path = save([{"name": name} for name in mine], tmp_path / "new" / "folder")

    assert path == tmp_path / "new" / "folder" / "container_3_results.json"
    assert read(path) == [{"name": "c"}, {"name": "g"}]
    meta = read(path.with_name("container_3.meta.json"))
    expected = {"replica": 3, "count": 4, "run": "f00", "strategy": "stripe", "items": 8, "attempt": 2, "results": 2}
    assert meta.items() >= expected.items()
    assert meta["fingerprint"] == share_of(list("abcdefgh")).fingerprint
    assert meta["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(entry.name for entry in path.parent.iterdir()) == [
        "container_3.meta.json",
        "container_3_results.json",
    ]


def test_a_retry_overwrites_its_own_file(become, tmp_path):
    become(1, 2)
    save([1], tmp_path)
    become(1, 2, attempt=2)
    save([2], tmp_path)

    assert read(tmp_path / "container_1_results.json") == [2]
    assert read(tmp_path / "container_1.meta.json")["attempt"] == 2


def test_a_share_shares_among_local_workers_does_not_rename_the_replica(become, tmp_path):
    become(7, 100)
    mine = chunk(range(1000))
    for worker in range(1, 9):
        chunk(mine, worker, 8)

    path = save(mine, tmp_path)

    assert path.name == "container_7_results.json"
    assert read(tmp_path / "container_7.meta.json")["items"] == 1000


def test_without_replicas_the_numbers_given_to_chunk_name_the_file(tmp_path):
    for replica in (1, 2, 3):
        save(chunk(range(6), replica, 3), tmp_path)

    assert read(tmp_path / "container_3_results.json") == [4, 5]


def test_a_share_can_be_given(become, tmp_path):
    become(1, 2)
    chunk(["other"])

    save([], tmp_path, share=share_of(["x", "y", "z"], "stripe", 2, 2))

    assert read(tmp_path / "container_2.meta.json").items() >= {"items": 3, "strategy": "stripe"}.items()


def test_results_of_no_list_are_saved_without_one(become, tmp_path):
    become(2, 3)
    save({"seed": 2}, tmp_path)

    meta = read(tmp_path / "container_2.meta.json")
    assert (meta["strategy"], meta["items"], meta["fingerprint"], meta["results"]) == (None, None, None, None)


def test_what_numpy_and_paths_give_is_written_as_plain_json(tmp_path):
    results = [
        np.float32(1.5),
        np.int64(3),
        np.bool_(True),
        np.array([[1, 2], [3, 4]]),
        np.ma.masked,
        {Path("a") / "b": (Path("c"), np.str_("é")), np.int16(4): None, 2.5: 1, None: 2},
    ]

    plain = read(save(results, tmp_path))

    assert plain == [1.5, 3, True, [[1, 2], [3, 4]], None, {"a/b": ["c", "é"], "4": None, "2.5": 1, "null": 2}]


def test_nan_and_infinity_come_back_as_python_reads_them(tmp_path):
    nan, infinity, low = read(save([np.float64("nan"), math.inf, -np.inf], tmp_path))

    assert math.isnan(nan)
    assert (infinity, low) == (math.inf, -math.inf)


def test_file_names_that_are_not_utf8_are_kept(tmp_path):
    assert read(save(["\udcff.fits", "Zürich ★"], tmp_path)) == ["\udcff.fits", "Zürich ★"]


class Flux:
    """Like a quantity with a unit: `tolist` raises an error."""

    def __repr__(self):
        return "<Flux 3 Jy>"

    def tolist(self):
        raise NotImplementedError


class Stubborn:
    """Like a scalar of a library whose `tolist` returns the scalar itself."""

    def tolist(self):
        return self


def holds_itself():
    results = []
    results.append(results)
    return results


@pytest.mark.parametrize(
    ("results", "named"),
    [
        ([1, {"flux": Flux()}], "<Flux 3 Jy>"),
        ([Stubborn()], "Stubborn"),
        ([b"raw"], "bytes"),
        ({1, 2}, "set"),
        ([1j], "complex"),
        (np.array([1j]), "complex"),
        ({(1, 2): 3}, "tuple"),
        ({"1": "a", 1: "b"}, "two keys"),
        (holds_itself(), "contain themselves"),
        ((number for number in range(3)), "generator"),
    ],
)
def test_what_json_cannot_hold_is_refused_and_what_was_saved_stays(tmp_path, results, named):
    save(["before"], tmp_path)

    with pytest.raises(DistributedError, match=named):
        save(results, tmp_path)

    assert read(tmp_path / "container_1_results.json") == ["before"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["container_1.meta.json", "container_1_results.json"]


def test_what_cannot_be_written_leaves_no_draft_and_the_old_results(tmp_path):
    save(["before"], tmp_path)
    (tmp_path / "container_2_results.json").mkdir()
    (tmp_path / "container_2_results.json" / "in the way").touch()

    with pytest.raises(OSError, match="container_2_results"):
        save(["after"], tmp_path, share=share_of([1, 2], "chunk", 2, 2))

    assert not list(tmp_path.glob(".*.tmp"))
    assert read(tmp_path / "container_1_results.json") == ["before"]


def test_what_a_reader_holds_open_is_never_written_into(tmp_path):
    path = save(["before"], tmp_path)
    os.link(path, tmp_path / "held")

    save(["after"], tmp_path)

    assert read(tmp_path / "held") == ["before"]
    assert read(path) == ["after"]


def test_group_members_may_read_what_was_saved(tmp_path):
    old = os.umask(0o027)
    try:
        path = save([1], tmp_path)
    finally:
        os.umask(old)

    assert path.stat().st_mode & 0o777 == 0o640
