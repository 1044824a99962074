import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skaha_apply.distributed import CombineError, chunk, combine, save, share_of, stripe


def read(path):
    return json.loads(path.read_text())


def refused(folder, out=None):
    """Return the problems that `combine` names, after checking that it wrote nothing."""
    out = out or folder / "final_results.json"
    with pytest.raises(CombineError) as caught:
        combine(folder, out)
    assert not out.exists()
    assert not list(folder.glob(".*.tmp"))
    return caught.value.problems


def edit_meta(folder, number, **fields):
    path = folder / f"container_{number}.meta.json"
    path.write_text(json.dumps({**read(path), **fields}))


@settings(
    max_examples=settings().max_examples // 4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    items=st.lists(st.text() | st.integers() | st.floats(allow_nan=False), max_size=30),
    total=st.integers(1, 8),
    deal=st.sampled_from([chunk, stripe]),
    lazy=st.booleans(),
)
def test_what_all_saved_is_merged_in_order_of_the_replicas(tmp_path_factory, items, total, deal, lazy):
    folder = tmp_path_factory.mktemp("run")
    for replica in range(1, total + 1):
        mine = deal(items, replica, total)
        if mine or not lazy or replica == 1:  # an empty share need not be saved, but one replica must save the list
            save(mine, folder)

    done = combine(folder, folder / "final.json")

    merged = read(folder / "final.json")
    assert merged == [item for replica in range(1, total + 1) for item in deal(items, replica, total)]
    assert (done.results, done.total, done.complete, done.problems) == (len(items), total, True, ())
    if deal is chunk:
        assert merged == items


def test_a_plain_loop_over_the_files_merges_the_same(run_all, tmp_path):
    folder = run_all(range(23), 5)
    combine(folder, tmp_path / "final.json")

    merged = []
    for path in folder.glob("container_*_results.json"):
        merged.extend(read(path))

    assert sorted(merged) == sorted(read(tmp_path / "final.json")) == list(range(23))


def test_results_that_are_not_lists_give_one_item_for_each_replica(run_all, tmp_path):
    folder = run_all(range(10), 3, result=lambda mine: {"sum": sum(mine)})

    done = combine(folder, tmp_path / "final.json")

    assert read(tmp_path / "final.json") == [{"sum": 6}, {"sum": 15}, {"sum": 24}]
    assert done.results == 3


def test_results_of_no_list_are_complete_when_every_replica_saved(become, tmp_path):
    for replica in (1, 2, 3):
        become(replica, 3)
        save({"seed": replica}, tmp_path)
    assert combine(tmp_path, tmp_path / "final.json").complete

    (tmp_path / "final.json").unlink()
    (tmp_path / "container_3_results.json").unlink()
    (tmp_path / "container_3.meta.json").unlink()
    assert refused(tmp_path) == ("replica 3: missing: nothing saved",)


def test_replicas_with_empty_shares_need_not_save(run_all, tmp_path):
    folder = run_all(range(3), 7, skip=(4, 6, 7))

    done = combine(folder, tmp_path / "final.json")

    assert done.complete
    assert done.merged == (1, 2, 3, 5)


def test_empty_list_is_complete_once_one_replica_has_saved_it(run_all, tmp_path):
    folder = run_all([], 4, skip=(1, 2, 4))

    assert combine(folder, tmp_path / "final.json").complete
    assert read(tmp_path / "final.json") == []


def test_an_empty_folder_is_nothing_to_merge(tmp_path):
    with pytest.raises(CombineError, match="contains no whole results of save"):
        combine(tmp_path, tmp_path / "final.json")
    with pytest.raises(FileNotFoundError):
        combine(tmp_path / "nowhere", tmp_path / "final.json")


def test_missing_replicas_are_named(run_all):
    folder = run_all(range(20), 10, skip=(2, 5, 6, 7))

    assert refused(folder) == ("replicas 2, 5-7: missing: nothing saved",)


def test_results_without_their_description_are_named(run_all):
    folder = run_all(range(20), 4)
    (folder / "container_2.meta.json").unlink()

    assert refused(folder) == ("replica 2: its results have no .meta.json file: save was interrupted, or not used",)


def test_a_description_without_results_is_named(run_all):
    folder = run_all(range(20), 4)
    (folder / "container_2_results.json").unlink()

    assert refused(folder) == ("replica 2: missing: only .meta.json exists, without results",)


def test_a_duplicate_file_is_named(run_all):
    folder = run_all(range(20), 7)
    shutil.copy(folder / "container_7_results.json", folder / "container_07_results.json")
    assert refused(folder) == (
        "replica 7: duplicate file: container_07_results.json in addition to container_7_results.json",
    )


def test_a_duplicate_file_in_capitals_is_named(run_all):
    folder = run_all(range(20), 7)
    other = folder / "Container_7_results.json"
    if other.exists():
        pytest.skip("this file system folds case: no such duplicate can exist")
    shutil.copy(folder / "container_7_results.json", other)
    assert refused(folder) == (
        "replica 7: duplicate file: Container_7_results.json in addition to container_7_results.json",
    )


@pytest.mark.parametrize("name", ["container_x_results.json", "container_0_results.json", "container_8 2_results.json"])
def test_a_stray_that_a_plain_loop_would_merge_is_named(run_all, name):
    folder = run_all(range(20), 7)
    (folder / name).write_text("[]")
    assert refused(folder) == (f"{name} is not a name that save writes",)


def test_a_copy_under_another_number_is_named(run_all):
    folder = run_all(range(20), 4, skip=(3,))
    for rest in ("_results.json", ".meta.json"):
        shutil.copy(folder / f"container_2{rest}", folder / f"container_3{rest}")
    assert refused(folder) == ("replica 3: container_3.meta.json is of replica 2",)


def test_cut_and_changed_results_are_named(run_all):
    folder = run_all(range(20), 4)
    results = folder / "container_2_results.json"
    results.write_text(results.read_text()[:-3])
    (folder / "container_3_results.json").write_text("[10, 11]")
    (folder / "container_4.meta.json").write_text('{"format_version": 1, "repl')

    cut, changed, meta = refused(folder)
    assert cut.startswith("replica 2: unreadable: container_2_results.json: ")
    assert changed.startswith("replica 3: results differ from their .meta.json")
    assert meta.startswith("replica 4: unreadable: container_4.meta.json: ")


def test_new_results_with_an_old_description_are_named(run_all):
    folder = run_all(range(20), 4)
    old = (folder / "container_2.meta.json").read_text()
    run_all(range(20), 4, run="run-b", result=lambda mine: [-item for item in mine])
    (folder / "container_2.meta.json").write_text(old)

    (problem,) = refused(folder)
    assert problem.startswith("replica 2: of run run-a, while run-b saved last")


def test_replicas_of_another_run_are_named(run_all):
    folder = run_all(range(40), 8, run="old")
    run_all(range(40), 5, run="new")

    (problem,) = refused(folder)
    assert problem.startswith("replicas 6-8: of run old, while new saved last (latest=True, --latest, ")


def test_the_latest_run_can_be_merged_alone(run_all, tmp_path):
    folder = run_all(range(40), 8, run="old")
    run_all(range(10), 5, run="new")

    done = combine(folder, tmp_path / "final.json", latest=True)

    assert read(tmp_path / "final.json") == list(range(10))
    assert (done.run, done.total, done.complete) == ("new", 5, True)


def test_the_latest_run_must_be_complete_too(run_all, tmp_path):
    folder = run_all(range(40), 5, run="old")
    run_all(range(40), 5, run="new", skip=(2,))

    with pytest.raises(CombineError, match="replica 2: missing: nothing saved"):
        combine(folder, tmp_path / "final.json", latest=True)


def test_another_list_count_and_strategy_are_named(run_all):
    folder = run_all(range(40), 8)
    run_all([*range(39), "more"], 8, skip=(1, 2, 4, 5, 6, 7, 8))
    run_all(range(40), 8, deal=stripe, skip=(1, 2, 3, 5, 6, 7, 8))
    run_all(range(40), 6, skip=(1, 2, 3, 4, 6))
    run_all(range(40), 8, result=lambda mine: {"sum": sum(mine)}, skip=(1, 2, 3, 4, 5, 7, 8))

    listed, strategy, count, kind = refused(folder)
    assert listed.startswith("replica 3: saw another list: 40 items, sha256:")
    assert strategy == "replica 4: of another strategy: stripe, not chunk"
    assert count == "replica 5: of another count: 6 replicas, not 8"
    assert kind == "replica 6: saved no list, but the others did"


def test_an_unsorted_list_is_named(run_all):
    folder = run_all(["b", "a", "c"], 3)
    run_all(["a", "b", "c"], 3, skip=(3,))

    (problem,) = refused(folder)
    assert problem.startswith("replica 3: saw another list: 3 items, ")
    assert problem.endswith("(is it sorted?)")


def test_a_description_of_another_format_is_named(run_all):
    folder = run_all(range(20), 4)
    edit_meta(folder, 2, format_version=2)
    edit_meta(folder, 3, count="4")
    edit_meta(folder, 4, replica=5)

    assert refused(folder) == (
        "replica 2: unreadable: container_2.meta.json does not have format 1: use one version of this module",
        "replica 3: unreadable: container_3.meta.json has no valid count",
        "replica 4: unreadable: container_4.meta.json has no valid replica",
    )


def test_partial_merges_complete_results_and_lists_incomplete_ones(run_all, tmp_path):
    folder = run_all(range(20), 5, skip=(4,))
    (folder / "container_2_results.json").write_text("[4, 5")

    done = combine(folder, tmp_path / "final.json", partial=True)

    assert read(tmp_path / "final.json") == [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]
    assert (done.complete, done.merged, done.total, done.results) == (False, (1, 3, 5), 5, 12)
    assert [problem.split(":")[0] for problem in done.problems] == ["replica 2", "replica 4"]


def test_partial_of_nothing_whole_is_refused(run_all, tmp_path):
    folder = run_all(range(2), 1)
    (folder / "container_1_results.json").write_text("[4, 5")

    with pytest.raises(CombineError, match="no results to merge"):
        combine(folder, tmp_path / "final.json", partial=True)


def test_a_refusal_leaves_what_was_merged_before(run_all, tmp_path):
    folder = run_all(range(20), 5)
    combine(folder, tmp_path / "final.json")
    (folder / "container_2_results.json").unlink()

    with pytest.raises(CombineError, match="not a complete set"):
        combine(folder, tmp_path / "final.json")

    assert read(tmp_path / "final.json") == list(range(20))


def test_the_merged_file_may_not_pass_for_a_replicas(run_all):
    folder = run_all(range(20), 5)
    with pytest.raises(CombineError, match="choose another"):
        combine(folder, folder / "container_1_results.json")
    assert read(folder / "container_1_results.json") == [0, 1, 2, 3]


def test_drafts_that_a_killed_save_left_do_not_count(run_all, tmp_path):
    folder = run_all(range(20), 5)
    (folder / ".container_1_results.json.0123456789ab.tmp").write_text("[1")

    assert combine(folder, tmp_path / "final.json").complete


def test_a_share_of_another_process_joins_the_set(run_all, tmp_path):
    folder = run_all(range(4), 2, skip=(2,))
    save([2, 3], folder, share=share_of(range(4), "chunk", 2, 2))

    assert combine(folder, tmp_path / "final.json").results == 4
