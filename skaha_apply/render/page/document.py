"""The data of a page as one JSON value: of each project its numbers, its replicas in columns, and its failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.progress.run_times import RunTimes, bounds_of
from skaha_apply.model.session import Phase
from skaha_apply.render.page.causes import MOST_CAUSES, causes, final_failures, retried_failures
from skaha_apply.render.page.entries_graph import first_specs, graph
from skaha_apply.render.page.next_apply import next_apply
from skaha_apply.render.page.public import public_project
from skaha_apply.render.page.replicas import Tables, replica_columns
from skaha_apply.render.page.resources import resources
from skaha_apply.render.page.series import DEADLINE, histogram, queue_wait, running_and_queued
from skaha_apply.render.page.shown_text import SharedTexts, shown, shown_lines
from skaha_apply.render.page.words import CLASSES, GROUPS, PARTS, classified, shown_groups
from skaha_apply.render.reasons import reason_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skaha_apply.model.display.page import LogTail, ProjectPage
    from skaha_apply.model.progress.summary import EntrySummary, ProjectSummary
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.model.status import ReplicaStatus
    from skaha_apply.render.page.causes import FailedAttempt

PAGE_FORMAT = "1.0"
POLL = 1800.0  # seconds: a page that no invocation repeats is expected to be made this often by a schedule
LINE = 300  # characters of a line of a log
LONGEST_COMMAND = 4000  # characters: it can have the paths of many manifests
LOGS = 300_000  # characters of all logs


def page_data(pages: Sequence[ProjectPage], *, public: bool = False) -> dict[str, Any]:
    """The data of a page. With `public` it has only what everybody may read; see `public.py`.

    Args:
        pages: the projects, in the order in which they are shown.
        public: whether the page is published.
    """
    polls = [page.poll for page in pages if page.poll is not None]
    projects = [_project(page) for page in pages]
    return {
        "format": PAGE_FORMAT,
        "public": public,
        "poll": min(polls, default=POLL),
        "deadline": DEADLINE,
        "classes": list(CLASSES),
        "groups": list(GROUPS),
        "parts": list(PARTS),
        "projects": [public_project(one) for one in projects] if public else projects,
    }


def _project(page: ProjectPage) -> dict[str, Any]:
    found = page.status
    rows = rows_by_entry(page)
    every = [row for members in rows.values() for row in members]
    records = {record.key: record for record in found.document.replicas}
    failed, retried = final_failures(every), retried_failures(every, records)
    tables = _tables(page, records, (failed, retried))
    times = {name: _run_times(members) for name, members in rows.items()}
    specs = first_specs(page.sessions)
    order = {key: place for place, key in enumerate(specs)}
    entries = sorted(found.entries, key=lambda one: order.get(one.name.casefold(), len(order)))
    document = {
        "name": shown(found.project),
        "server": shown(page.server),
        "at": round(found.at),
        "zero": tables.zero,
        **_numbers(found.summary),
        "entries": [_entry(one, rows.get(one.name, []), (times, specs, tables)) for one in entries],
        **graph(page.sessions),
        "causes": causes(page, failed, tables.time),
        "retries": causes(page, retried, tables.time),
        "series": {**running_and_queued(page.timeline, tables.zero), "limit": page.limit},
        "queue": queue_wait(page.timeline),
        "next": next_apply(found, specs, page.commands.get("rerun", "")),
        "refused": shown(reason_text(page.refused)) if page.refused else "",
        "notes": [shown(reason_text(note)) for note in page.notes],
        "commands": {name: shown(text, LONGEST_COMMAND) for name, text in page.commands.items()},
        "logs": _logs(page.logs, every),
    }
    return {**document, "words": [classified(text) for text in tables.words.texts], "texts": tables.texts.texts}


def _numbers(summary: ProjectSummary) -> dict[str, Any]:
    """The numbers of the head; see `ProjectSummary`."""
    pace, hours = summary.pace, summary.core_hours
    low, high = pace.left_range or (pace.left, pace.left)
    without = [shown(name) for name in pace.not_estimated]
    return {
        "open": any(one.open for one in summary.entries if one.batch),
        "counts": shown_groups(summary.groups),
        "waits": shown_groups(summary.queue),
        "total": summary.total,
        "pace": {
            "rate": pace.rate,
            "recent": pace.recent,
            "window": pace.window,
            "quiet": pace.quiet,
            "elapsed": pace.elapsed,
            "left": pace.left,
            "at_most": pace.left_is_upper_bound,
            "low": low,
            "high": high,
            "not_estimated": without,
        },
        "hours": {
            "used": round(hours.used, 2),
            "lost": round(hours.lost, 2),
            "to_come": round(hours.to_come, 2),
            "at_most": hours.to_come_is_upper_bound,
            "not_estimated": without,
        },
    }


def _tables(
    page: ProjectPage,
    records: Mapping[ReplicaKey, ReplicaRecord],
    failures: tuple[Mapping[str, Sequence[FailedAttempt]], Mapping[str, Sequence[FailedAttempt]]],
) -> Tables:
    found = page.status
    times = [row.accepted for row in found.rows if row.accepted is not None]
    times += [one.accepted for record in found.document.replicas for one in record.earlier if one.accepted is not None]
    failed, retried = failures
    numbered = [*_numbered(failed, 1), *_numbered(retried, min(len(failed), MOST_CAUSES + 1) + 1)]
    return Tables(
        zero=int(min(times, default=found.at)),
        words=SharedTexts(),
        texts=SharedTexts(),
        records=records,
        specs={spec.key: spec for spec in page.sessions},
        recorded=found.document.specs,
        causes={one.row.name: number for number, one in numbered},
        retried={one.row.name: one.cause for members in retried.values() for one in members},
    )


def _numbered(failures: Mapping[str, Sequence[FailedAttempt]], first: int) -> Iterator[tuple[int, FailedAttempt]]:
    """Each failure with the number of its item in the list of causes; one item stands for all after `MOST_CAUSES`."""
    for place, members in enumerate(failures.values()):
        yield from ((first + min(place, MOST_CAUSES), one) for one in members)


def rows_by_entry(page: ProjectPage) -> dict[str, list[ReplicaStatus]]:
    """The replicas that count for each entry, by its name: desired ones, and those that left and still run."""
    names = {one.name.casefold(): one.name for one in page.status.entries}
    found: dict[str, list[ReplicaStatus]] = {}
    for row in page.status.rows:
        name = names.get((row.group or row.session).casefold())
        if name is not None and row.progress:
            found.setdefault(name, []).append(row)
    return found


def _entry(
    one: EntrySummary,
    rows: Sequence[ReplicaStatus],
    about: tuple[Mapping[str, RunTimes], Mapping[str, SessionSpec], Tables],
) -> dict[str, Any]:
    times, specs, tables = about
    spec, run_times = specs.get(one.name.casefold()), times.get(one.name, RunTimes())
    return {
        "key": one.name.casefold(),
        "name": shown(one.name),
        "total": one.total,
        "counts": shown_groups(one.groups),
        "waits": shown_groups(one.queue),
        "batch": one.batch,
        "image": shown(spec.image) if spec else "",
        "kind": spec.kind.value if spec else "",
        "parallelism": spec.parallelism if spec else None,
        "timeout": spec.timeout if spec else None,
        "median": one.median,
        "at_most": one.median_is_upper_bound,
        "longest": one.longest,
        "left": one.left,
        "retried": sum(row.name in tables.retried for row in rows),
        "runs": histogram(run_times.counted),
        "vague": len(run_times.bounds) - len(run_times.counted),
        "use": resources(rows, tables),
        "replicas": replica_columns(rows, [name for name, _ in one.stragglers], tables),
    }


def _run_times(rows: Sequence[ReplicaStatus]) -> RunTimes:
    """The run times of done replicas."""
    done = (row for row in rows if row.phase == Phase.DONE.value)
    every = (bounds_of(row.started, row.ended_after, row.ended) for row in done)
    return RunTimes().with_more(one for one in every if one is not None)


def _logs(logs: Mapping[str, LogTail], rows: Sequence[ReplicaStatus]) -> dict[str, Any]:
    """The last lines of logs by live name, those of failed replicas first, as far as there is room."""
    left, found = LOGS, {}
    for row in sorted(rows, key=lambda row: row.phase != Phase.FAILED.value):
        tail = logs.get(row.name)
        if tail is None:
            continue
        lines = shown_lines(tail.lines, LINE)
        left -= sum(map(len, lines))
        if left < 0:
            break
        found[shown(row.name)] = [tail.attempt, lines]
    return found
