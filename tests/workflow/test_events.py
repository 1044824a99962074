"""The order of the two writes: a change is written before it is stored, and again if it was not stored."""

from __future__ import annotations

import asyncio
import json

import pytest

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import StateError
from skaha_apply.model.report import PhaseChanged
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import ReplicaRecord, StateDocument
from skaha_apply.state.observed_stores import EventLoggingStore
from skaha_apply.workflow.event_file import EventFile, Journal

SPEC = SessionSpec(name="Tile", image="x/y/z:1", group="")


def document(**phases):
    records = tuple(
        ReplicaRecord(
            session="tile", replica=int(key[1:]), name=f"tile-{key[1:]}", id=f"id{key[1:]}",
            spec="s", work="w", run="r", phase=Phase(phase),
        )
        for key, phase in phases.items()
    )  # fmt: skip
    return StateDocument(lineage="l", project="survey", server="s", specs={"s": SPEC}, replicas=records)


class Disk:
    """A store that notes the events in the file when the state was written; `broken` refuses."""

    address, interval = "memory", 0.5

    def __init__(self, path, stored=None):
        self.path, self.stored, self.broken, self.written = path, stored, False, []

    async def read(self):
        return self.stored

    async def write(self, document, *, last=False):
        self.written.append(steps(self.path))
        if self.broken:
            raise StateError("the disk is full")
        self.stored = document


def steps(path):
    return [(one["name"], one["from"], one["to"]) for one in map(json.loads, path.read_text().splitlines())]


@pytest.fixture
def journal(tmp_path):
    notes = []
    events = EventFile(tmp_path / "run.jsonl")
    made = Journal(events, "survey", lambda: 1_790_000_000.0, notes.append)
    made.path, made.notes = tmp_path / "run.jsonl", notes
    yield made
    events.close()


def changed(before, after, replica=1, **more):
    return PhaseChanged("survey", "Tile", replica, f"tile-{replica}", f"id{replica}", before, after, **more)


def test_change_is_written_before_it_is_stored_and_again_after_a_crash_between_the_two(journal):
    disk = Disk(journal.path)
    store = EventLoggingStore(disk, journal)

    async def run():
        assert await store.read() is None
        await store.write(document(r1="accepted"))
        disk.broken = True
        with pytest.raises(StateError):
            await store.write(document(r1="done"))
        await store.read()  # as the next run does
        disk.broken = False
        await store.write(document(r1="done"))
        await store.write(document(r1="done", r2="failed"))

    asyncio.run(run())
    accepted, done = ("tile-1", None, "accepted"), ("tile-1", "accepted", "done")
    assert disk.written == [
        [accepted],
        [accepted, done],
        [accepted, done, done],
        [accepted, done, done, ("tile-2", None, "failed")],
    ]


def test_listed_change_is_written_at_once_after_the_missing_one_and_not_again_when_stored(journal):
    journal.begin(document(r1="failed"))
    journal.seen(changed("accepted", "pending", attempt=1))
    journal.seen(changed("pending", "running"))
    journal.seen(changed("unconfirmed", "running", 2))
    journal.stored(document(r1="running", r2="running"))
    assert steps(journal.path) == [
        ("tile-1", "failed", "accepted"),
        ("tile-1", "accepted", "pending"),
        ("tile-1", "pending", "running"),
        ("tile-2", None, "running"),
    ]


def test_another_session_in_the_same_phase_is_a_change(journal):
    journal.begin(document(r1="done"))
    again = replace(document(r1="done").replicas[0], id="other")
    journal.stored(replace(document(), replicas=(again,)))
    assert steps(journal.path) == [("tile-1", "done", "done")]
