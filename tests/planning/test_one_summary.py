"""The numbers of a project are the same in every view of one moment."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from scene import HOUR, NOW, live, matrix, project, record, seen, spec, state
from test_kept_decisions import passes, projects

from skaha_apply.model.display.page import ProjectPage
from skaha_apply.model.progress.summary import ProgressGroup, QueuePart
from skaha_apply.model.report import PassEnded
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.planning.expansion import Expansion
from skaha_apply.planning.planner import plan
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.summary.core_hours import used_core_hours
from skaha_apply.planning.summary.entry_summaries import Snapshot, not_started
from skaha_apply.planning.summary.grid import plan_grid
from skaha_apply.planning.summary.project_summary import plan_summary
from skaha_apply.render.page.document import page_data
from skaha_apply.render.plan.documents import plan_document
from skaha_apply.render.run.live_table import LiveTable
from skaha_apply.render.run.status import overview_text, status_document
from skaha_apply.workflow.controller.metrics import Metrics
from skaha_apply.workflow.status import project_status
from skaha_apply.workflow.timeline import timeline

# The columns of the table of entries that are a group, or a part of one.
GROUPS = {
    "done": ["done"], "running": ["running"], "failed": ["failed"], "retrying": ["retry"], "blocked": ["blocked"],
    "queued": ["pending", "waiting"],
}  # fmt: skip


class Frame:
    """The rows of a terminal without end, as text."""

    def draw(self, rows):
        self.lines = ["".join(text for text, _ in row).rstrip() for row in rows(200, 200)]

    def above(self, text):
        pass

    def leave(self):
        pass


def table_numbers(lines):
    """The numbers of each row of a table of entries, by column."""
    head = next(index for index, line in enumerate(lines) if line.startswith("entry "))
    words = lines[head].split()[1:]
    columns = words[: words.index("total") + 1]
    found = {}
    for line in lines[head + 1 :]:
        name, *cells = line.split()
        if len(cells) < len(columns) or not all(cell.isdigit() or cell == "-" for cell in cells[: len(columns)]):
            break
        found[name] = Counter({word: int(cell.replace("-", "0")) for word, cell in zip(columns, cells, strict=False)})
    return found


def sums(document):
    """The groups of a status document, from the table columns of a text."""
    return {name: document["progress"][name] for name in GROUPS}


def from_table(table):
    total = sum(table.values(), Counter())
    return {name: sum(total[column] for column in columns) for name, columns in GROUPS.items()}, total["total"]


def metric(registry, name, **labels):
    return registry.get_sample_value(f"skaha_apply_{name}", {"project": "survey", **labels})


@settings(deadline=None, print_blob=True, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_view_of_a_moment_has_the_same_numbers(data):
    wanted = data.draw(projects())
    expansion = Expansion(wanted)
    for number, (stored, adopted) in enumerate(data.draw(passes(wanted))):
        situation = Situation(stored, seen(live("old-tile-1"), at=NOW + number), adopted=adopted)
        whole, later = plan(wanted, situation), plan(wanted, situation, expansion)
        status = project_status(wanted, situation, whole)
        document = status_document(status)
        check_numbers(document, status, wanted)
        check_tables(document, status, later, wanted)
        check_grid(status, later, wanted)
        check_metrics(document, status)
        cost = plan_document(whole)["core_hours_to_come"]
        assert cost["replicas"] == status.summary.planned.replicas
        assert cost["expected"] == pytest.approx(status.summary.planned.expected, abs=1e-4)
        drawn = timeline(status)
        assert drawn.summary == status.summary
        check_page(document, ProjectPage(status, drawn, wanted.sessions))


def check_numbers(document, status, wanted):
    """The summary is complete and consistent."""
    total = sum(entry["total"] for entry in document["entries"])
    assert sum(document["progress"].values()) == total >= sum(one.replicas for one in wanted.sessions)
    for entry in document["entries"]:
        assert sum(entry["progress"].values()) == entry["total"] == sum(entry["counts"].values())
        assert sum(entry["queue"].values()) == entry["progress"]["queued"]
    assert document["queue"] == {
        part.value: sum(entry["queue"][part] for entry in document["entries"]) for part in QueuePart
    }
    for entry in status.entries:
        assert sum(entry.queue.values()) == entry.groups[ProgressGroup.QUEUED]
        assert min(entry.queue.values()) >= 0
    hours, end = document["core_hours"], document["expected_end"]
    assert 0 <= hours["lost"] <= hours["used"]
    used = used_core_hours(status.document.replicas, status.document.specs, 0.0, status.at, 1.0)
    if all(record.ended is None or record.ended <= status.at for record in status.document.replicas):
        assert hours["used"] == pytest.approx(used, abs=1e-3)
    assert hours["to_come"] >= status.summary.planned.expected - 1e-4
    pace = document["pace"]
    assert (end is None) == (pace["left_s"] is None or bool(pace["not_estimated"]))
    no_least_time = pace["left_s"] is None or not pace["not_estimated"] or pace["left_is_upper_bound"]
    assert (document["not_before"] is None) == no_least_time
    if end is not None and end["earliest"] is not None:
        assert end["earliest"] <= end["at"] <= end["latest"]


def check_tables(document, status, later, wanted):
    """The text of `status`, and the live table after a plan that decided only some replicas."""
    records = {record.key: record for record in status.document.replicas}
    summary = plan_summary(later, Snapshot(records, status.at, status.document.specs), wanted.sessions)
    assert summary.groups == status.summary.groups
    assert summary.queue == status.summary.queue
    assert summary.core_hours == status.summary.core_hours
    assert summary.planned == status.summary.planned
    assert summary.pace == status.summary.pace
    assert [entry.name for entry in summary.entries] == [entry.name for entry in status.summary.entries]
    frame = Frame()
    LiveTable(frame, clock=lambda: 0.0, tick=0)(PassEnded("survey", summary, not_started(later.decided_now)))
    shown = table_numbers(overview_text(status, ()).splitlines())
    assert from_table(shown) == (sums(document), sum(entry["total"] for entry in document["entries"]))
    assert {name: dict(row) for name, row in table_numbers(frame.lines).items()} == {
        name: dict(row) for name, row in shown.items()
    }


def check_grid(status, later, wanted):
    """The grid of `status` and of a pass has each replica once, in the order of the manifest."""
    records = {record.key: record for record in status.document.replicas}
    assert plan_grid(later, Snapshot(records, status.at), wanted.sessions) == status.grid
    for entry in status.entries:
        found = status.grid[entry.name.casefold()]
        assert {group: found.count(group) for group in entry.groups} == entry.groups
    keys = [(row.session.casefold(), row.replica) for row in status.rows if row.progress]
    listed = [(one.key, number) for one in wanted.sessions for number in range(1, one.replicas + 1)]
    assert [key for key in keys if key in listed] == listed


def check_page(document, page):
    (shown,) = page_data([page])["projects"]
    assert shown["total"] == sum(document["progress"].values())
    assert shown["counts"] == {name: count for name, count in document["progress"].items() if count}
    assert {name: shown["hours"][name] for name in document["core_hours"]} == pytest.approx(
        document["core_hours"], abs=0.01
    )
    assert shown["waits"] == {part: count for part, count in document["queue"].items() if count}
    for entry in document["entries"]:
        (waits,) = (one["waits"] for one in shown["entries"] if one["name"] == entry["name"])
        assert waits == {part: count for part, count in entry["queue"].items() if count}
    times = {one["name"]: (one["median"], one["at_most"]) for one in shown["entries"]}
    assert times == {one.name: (one.median, one.median_is_upper_bound) for one in page.status.entries}
    assert shown["pace"]["at_most"] == document["pace"]["left_is_upper_bound"]
    drawn = Counter(
        shown["words"][word][2] for entry in shown["entries"] for word in expanded(entry["replicas"]["word"])
    )
    assert {part: count for part, count in drawn.items() if part} == shown["waits"]
    left, pace = shown["pace"]["left"], document["pace"]
    assert left == (None if pace["left_s"] is None else pytest.approx(pace["left_s"], abs=0.001))
    assert (shown["pace"]["low"], shown["pace"]["high"]) == (page.status.pace.left_range or (left, left))


def expanded(column):
    """The values of a column of a page."""
    runs = iter(column.get("r", ()))
    return (
        column["v"] if "v" in column else [value for value, count in zip(runs, runs, strict=True) for _ in range(count)]
    )


def check_metrics(document, status):
    metrics, registry = Metrics(), CollectorRegistry()
    metrics.add(status, {})
    registry.register(metrics)
    for entry in document["entries"]:
        for phase, count in entry["counts"].items():
            assert metric(registry, "replicas", entry=entry["name"], phase=phase) == count
    for group, count in document["progress"].items():
        assert metric(registry, "progress", group=group) == count
    for kind, hours in document["core_hours"].items():
        assert metric(registry, "core_hours", kind=kind) == pytest.approx(hours, abs=1e-4)
    end = metric(registry, "expected_end_timestamp_seconds")
    assert end == (status.summary.expected_end and status.summary.expected_end.at)
    assert (end is None) == (document["expected_end"] is None)
    least = metric(registry, "end_not_before_timestamp_seconds")
    assert least == status.summary.not_before
    assert (least is None) == (document["not_before"] is None)
    for part, count in document["queue"].items():
        assert metric(registry, "queue", part=part) == count


def summary_of(wanted, *records, others=()):
    listed = [live(one.name, one.phase.value.title(), id=one.id) for one in records if one.phase.active]
    situation = Situation(state(*records), seen(*listed))
    whole = project(wanted, *others)
    return project_status(whole, situation, plan(whole, situation)).summary


def test_the_start_of_an_entry_is_that_of_its_first_attempt():
    wanted = spec(replicas=2, retries=2)
    first = Attempt(attempt=1, phase=Phase.FAILED, accepted=NOW - 5 * HOUR, ended=NOW - 4 * HOUR)
    retried = record(wanted, "running", 1, attempt=2, started=NOW - HOUR, earlier=(first,))
    found = summary_of(wanted, retried, record(wanted, "running", 2, started=NOW - 2 * HOUR))
    assert (found.entries[0].began, found.pace.elapsed) == (NOW - 5 * HOUR, 5 * HOUR)


@pytest.mark.parametrize(
    ("phases", "slots"),
    [
        (["running", "running", "pending"], 2),  # the server has room for no more
        (["running", "running", "running"], 4),  # the next pass creates another
        (["pending", "pending"], 4),
    ],
)
def test_the_time_left_counts_the_slots_that_the_server_and_the_limit_give(phases, slots):
    wanted = spec(replicas=24, parallelism=4)
    done = [record(wanted, "done", one, started=NOW - 2 * HOUR, ended=NOW - HOUR) for one in range(1, 5)]
    active = [record(wanted, phase, one, started=NOW) for one, phase in enumerate(phases, start=5)]
    assert summary_of(wanted, *done, *active).pace.left == pytest.approx(20 * HOUR / slots)


@pytest.mark.parametrize(("retries", "runs"), [(0, 10), (1, 20), (3, 30)])
def test_the_time_left_counts_the_retries_that_failures_let_expect(retries, runs):
    wanted = spec(replicas=14, parallelism=2, retries=retries)
    done = [record(wanted, "done", one, started=NOW - 9 * HOUR, ended=NOW - 8 * HOUR) for one in range(1, 3)]
    first = Attempt(
        attempt=1, phase=Phase.FAILED, started=NOW - 11 * HOUR, running=NOW - 7 * HOUR - 10, ended=NOW - 7 * HOUR
    )
    late = {"attempt": 2, "started": NOW - 7 * HOUR, "ended": NOW - 6 * HOUR, "earlier": (first,)}
    done += [record(wanted, "done", one, **late) for one in range(3, 5)]
    # Four useful hours, and eight lost ones.
    assert summary_of(wanted, *done).pace.left == pytest.approx(runs * HOUR / 2)


@pytest.mark.parametrize(("lost", "runs"), [(8, 8), (99, 11)])
def test_the_time_left_counts_useful_and_lost_time_with_the_cores_of_each_combination(lost, runs):
    small, large = (
        matrix("tile", value, cores=cores, replicas=4, parallelism=1, retries=1)[0]
        for value, cores in (("a", 1), ("b", 15))
    )
    done = [record(one, "done", 1, started=NOW - 2 * HOUR, ended=NOW - HOUR) for one in (small, large)]
    failed = record(large, "failed", 2, started=NOW - 9 * HOUR, ended=NOW - 9 * HOUR + lost / 15 * HOUR)
    running = record(large, "running", 3, started=NOW - HOUR)  # not useful yet
    # 16 useful core-hours; six replicas are open, and one of them is at its end
    assert summary_of(small, *done, failed, running, others=[large]).pace.left == pytest.approx(runs * HOUR)


def test_an_end_that_leaves_an_entry_out_is_not_the_expected_end():
    reduce, merge = spec("reduce", replicas=3, parallelism=1), spec("merge", needs=("reduce",))
    done = record(reduce, "done", 1, started=NOW - 2 * HOUR, ended=NOW - HOUR)
    found = summary_of(reduce, done, others=[merge])
    assert (found.pace.not_estimated, found.expected_end) == (("merge",), None)
    assert found.not_before == found.at + 2 * HOUR
    ended = record(merge, "failed", 1, needed=(reduce,), started=NOW - HOUR / 2, ended=NOW)
    assert summary_of(reduce, done, ended, others=[merge]).not_before is None


def test_the_time_left_counts_the_dependencies_of_each_combination():
    flat = spec("flat", replicas=2)
    first, second = matrix("tile", "ab")
    second = second.model_copy(update={"needs": ("Flat",)})  # an `include` does that
    done = [
        record(flat, "done", 1, started=NOW - 20 * HOUR, ended=NOW - 10 * HOUR),
        record(first, "done", 1, started=NOW - 2 * HOUR, ended=NOW - HOUR),
    ]
    found = summary_of(first, *done, record(flat, "running", 2, started=NOW), others=[second, flat])
    assert [entry.needs for entry in found.entries] == [("flat",), ()]
    assert found.pace.left == pytest.approx(11 * HOUR)


def test_the_spread_of_the_end_and_the_core_hours_of_a_small_run():
    wanted = spec(replicas=12, parallelism=2)
    done = [
        record(wanted, "done", one, started=NOW - 3 * HOUR, ended=NOW - 3 * HOUR + one * 600) for one in range(1, 6)
    ]
    failed = record(wanted, "failed", 6, started=NOW - 2 * HOUR, ended=NOW - HOUR)
    running = record(wanted, "running", 7, started=NOW - 900)
    situation = Situation(state(*done, failed, running), seen(live("reduce-7", id="reduce-7")))
    found = project_status(project(wanted), situation, plan(project(wanted), situation)).summary
    entry, hours = found.entries[0], found.core_hours
    assert (entry.median, entry.run_times) == (1800.0, (600.0, 3000.0))
    # 2 cores: five runs of 600 to 3000 s, one failed hour, a quarter of an hour so far
    assert (hours.used, hours.lost) == (pytest.approx(2 * (9000 + 3600 + 900) / HOUR), 2.0)
    assert hours.to_come == pytest.approx(2 * (5 * 1800 + 900) / HOUR)
    assert found.pace.left == pytest.approx((900 + 5 * 1800) / 2)
    earliest, latest = found.pace.left_range
    assert earliest < found.pace.left < latest
    assert latest == pytest.approx(max((6 * (1800 + 1200 / 6**0.5) - 900) / 2, 3000))
    assert found.expected_end.latest == NOW + latest


def test_entries_are_in_the_order_of_the_manifest_while_a_replace_is_open():
    first, second = spec("first"), spec("second")
    changed = second.model_copy(update={"args": ("run.py", "again")})
    whole = project(first, changed)
    records = [record(first, "running", 1, started=NOW - HOUR), record(second, "running", 1, started=NOW - HOUR)]
    situation = Situation(state(*records), seen(live("first", id="first"), live("second", id="second")))
    expansion = Expansion(whole)
    for made in (plan(whole, situation), plan(whole, situation, expansion), plan(whole, situation, expansion)):
        assert made.actions[0].session == "second"
        snapshot = Snapshot({one.key: one for one in records}, NOW)
        assert [one.name for one in plan_summary(made, snapshot, whole.sessions).entries] == ["first", "second"]
