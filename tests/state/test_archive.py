"""The archive of the local store: its records are whole or not there, and the document decides which files count."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
from dataclasses import replace

import pytest

from skaha_apply.model.errors import StateError
from skaha_apply.model.session import Phase
from skaha_apply.model.state import DoneReplicas
from skaha_apply.state.codec import decode, encode
from skaha_apply.state.document.consistency import check_consistent
from skaha_apply.state.local.store import LocalStore
from tests.counted_calls import calls_for_each_further

MANY = 1_000
WEEK_S = 7 * 86_400


@pytest.fixture
def path(tmp_path):
    return tmp_path / "survey.state.json"


@pytest.fixture
def make_done(make_document):
    """A document with done replicas, of which the last few run."""

    def make(serial, replicas=MANY + 5, done=MANY, **changes):
        document = make_document(serial, replicas=replicas, **changes)
        records = tuple(
            replace(record, phase=Phase.DONE, ended=1_700_000_100.0) if number < done else record
            for number, record in enumerate(document.replicas)
        )
        return replace(document, replicas=records)

    return make


def add(store, document, numbers=None):
    """Let the next write move the done records of a document to the archive."""
    records = tuple(
        record
        for record in document.replicas
        if record.phase is Phase.DONE and (numbers is None or record.replica in numbers)
    )
    done = DoneReplicas(session="reduce", spec="s1", work="1:work", replicas="", ended=1_700_000_100.0, file="")
    return store.archive.add(done, records)


def run(store, work):
    async def main():
        await store.acquire("apply", 0)
        try:
            return await work(store)
        finally:
            await store.release()

    return asyncio.run(main())


def put(path, *documents, archive=True):
    async def work(store):
        for document in documents:
            if archive:
                add(store, document)
            await store.write(document)

    run(LocalStore(path), work)


def get(path):
    return asyncio.run(LocalStore(path).read())


def raw(path):
    return json.loads(path.read_bytes())


def files(path):
    return sorted(item.name for item in path.with_name("survey.state.json.archive").iterdir())


def same(document, other):
    """Whether two documents have the same content; the format of a state with an archive is another one."""
    return document == replace(other, format_version=document.format_version)


def test_what_is_archived_is_read_by_another(path, make_done):
    document = make_done(1)
    put(path, document)
    assert same(get(path), document)
    stored = raw(path)
    assert stored["format_version"] == "2.0"
    assert [record["replica"] for record in stored["replicas"]] == list(range(MANY + 1, MANY + 6))
    assert [done["replicas"] for done in stored["done"]] == [f"1-{MANY}"]
    assert files(path) == [stored["done"][0]["file"]]
    opened = asyncio.run(LocalStore(path).read_open())
    assert len(opened.replicas) == 5
    assert opened.done[0].replicas == f"1-{MANY}"


def test_few_records_stay_in_the_document(path, make_done):
    document = make_done(1, done=MANY - 1)
    put(path, document)
    assert raw(path)["format_version"] == "1.3"
    assert decode(path.read_bytes(), "x") == document


def test_a_write_after_the_first_one_repeats_no_archived_record(path, make_done):
    async def work(store):
        document = make_done(1)
        add(store, document)
        await store.write(document)
        before = files(path), path.stat().st_size
        await store.write(replace(document, serial=2))
        assert not add(store, document), "they are archived already"
        assert (files(path), path.stat().st_size) == before
        known = await store.read()
        later = replace(known.replicas[-1], phase=Phase.DONE, ended=1_700_000_200.0)
        await store.write(replace(known, serial=3, replicas=(*known.replicas[:-1], later)))
        assert files(path) == before[0]

    run(LocalStore(path), work)
    assert get(path).replicas[-1].phase is Phase.DONE


def test_a_changed_record_returns_to_the_document_with_the_others_of_its_file(path, make_done):
    put(path, make_done(1))

    async def mark(store):
        known = await store.read()
        changed = replace(known.replicas[7], phase=Phase.DUE, note="marked")
        records = (*known.replicas[:7], changed, *known.replicas[8:])
        await store.write(replace(known, serial=2, replicas=records))

    run(LocalStore(path), mark)
    found = decode(path.read_bytes(), "x")
    assert (found.serial, found.replicas[7].note, len(found.replicas)) == (2, "marked", MANY + 5)
    assert same(get(path), found)


def test_two_files_are_read_together_and_one_of_them_can_be_left(path, make_done):
    async def work(store):
        document = make_done(1, replicas=2 * MANY, done=2 * MANY)
        add(store, document, range(1, MANY + 1))
        await store.write(document)
        add(store, replace(document, serial=2), range(MANY + 1, 2 * MANY + 1))
        await store.write(replace(document, serial=2))
        assert len(files(path)) == 2

    run(LocalStore(path), work)
    assert [done["replicas"] for done in raw(path)["done"]] == [f"1-{MANY}", f"{MANY + 1}-{2 * MANY}"]

    async def change(store):
        known = await store.read()
        records = (replace(known.replicas[0], note="changed"), *known.replicas[1:])
        await store.write(replace(known, serial=3, replicas=records))

    run(LocalStore(path), change)
    assert [done["replicas"] for done in raw(path)["done"]] == [f"{MANY + 1}-{2 * MANY}"]
    found = get(path)
    assert (found.replicas[0].note, len(found.replicas)) == ("changed", 2 * MANY)


def test_the_text_without_an_archive_is_kept_for_earlier_versions(path, make_done):
    before = make_done(1)
    put(path, before, archive=False)
    text = path.read_bytes()
    put(path, make_done(2))
    copy = path.with_name("survey.state.json.v1")
    assert copy.read_bytes() == text
    assert decode(copy.read_bytes(), "x") == before
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_content_is_pulled_as_one_text(path, make_done):
    put(path, document := make_done(1))
    pulled = asyncio.run(LocalStore(path).read_bytes())
    assert decode(pulled, "x") == document


def test_a_file_that_the_document_left_stays_for_a_week(path, make_done):
    put(path, make_done(1))
    (name,) = files(path)
    archive = path.with_name("survey.state.json.archive")
    long_ago = 1_000_000_000
    os.utime(archive / name, (long_ago, long_ago))
    put(path, plain := make_done(2, replicas=3, done=0))
    assert files(path) == [name], "a copy of the earlier document can name it"
    for age, left in ((WEEK_S - 3_600, [name]), (WEEK_S + 3_600, [])):
        now = path.stat().st_mtime - age
        os.utime(archive / name, (now, now))
        put(path, plain := replace(plain, serial=plain.serial + 1))
        assert files(path) == left


def test_the_group_of_a_state_can_use_its_archive(path, make_done):
    put(path, make_done(1), archive=False)
    path.chmod(0o660)
    path.parent.chmod(0o770)
    put(path, make_done(2))
    folder = path.with_name("survey.state.json.archive")
    (file,) = folder.iterdir()
    modes = [one.stat().st_mode & 0o777 for one in (path, path.with_name("survey.state.json.v1"), folder, file)]
    assert modes == [0o660, 0o660, 0o770, 0o660]


@pytest.mark.parametrize("name", ["survey.state.json.archive", "survey.state.json.v1"])
def test_a_state_whose_archive_cannot_be_written_is_stored_whole(path, make_done, name):
    put(path, make_done(1), archive=False)
    blocked = path.with_name(name)
    if name.endswith("archive"):
        blocked.write_text("in the way")
    else:
        blocked.mkdir()
    put(path, new := make_done(2))
    assert decode(path.read_bytes(), "x") == new
    if name.endswith("archive"):
        blocked.unlink()
    else:
        blocked.rmdir()
    put(path, later := make_done(3))
    assert raw(path)["done"]
    assert same(get(path), later)


def test_records_that_are_added_twice_are_in_one_file(path, make_done):
    async def work(store):
        document = make_done(1)
        assert add(store, document)
        assert add(store, document)
        await store.write(document)
        await store.write(replace(document, serial=2))
        add(store, document)
        await store.write(replace(document, serial=3))

    run(LocalStore(path), work)
    assert len(files(path)) == 1
    assert same(get(path), make_done(3))


def test_a_check_of_a_document_looks_each_record_up_in_the_ranges_once(make_document):
    def check(size):
        document = make_document(1, replicas=2 * size)
        done = DoneReplicas(
            session="reduce", spec="s1", work="1:w", ended=1_700_000_100.0, file="f",
            replicas=",".join(str(number) for number in range(1, 2 * size + 1, 2)),
        )  # fmt: skip
        opened = replace(document, replicas=document.replicas[1::2], done=(done,))
        return lambda: check_consistent(opened, "x")

    checks = {size: check(size) for size in (100, 200)}
    calls = calls_for_each_further(lambda size: checks[size]())
    assert sum(calls.values()) < 5


def test_a_file_in_use_stays_however_old_it_is(path, make_done):
    put(path, make_done(1))
    (name,) = files(path)
    os.utime(path.with_name("survey.state.json.archive") / name, (1_000_000_000, 1_000_000_000))

    async def work(store):
        known = await store.read()
        await store.write(replace(known, serial=2))

    run(LocalStore(path), work)
    assert files(path) == [name]


def test_a_removed_state_leaves_no_archive(path, make_done):
    put(path, make_done(1))
    run(LocalStore(path), _read_and_remove)
    assert not path.exists()
    assert not path.with_name("survey.state.json.archive").exists()


async def _read_and_remove(store):
    await store.read()
    await store.remove()


def _damaged(file):
    text = bytearray(file.read_bytes())
    text[len(text) // 2] ^= 1
    file.write_bytes(text)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda file: file.unlink(), "there is no file"),
        (_damaged, "was changed or is damaged"),
        (lambda file: file.write_bytes(file.read_bytes()[:-20]), "was changed or is damaged"),
        (lambda file: file.write_bytes(b""), "was changed or is damaged"),
    ],
)
def test_damage_is_named_and_nothing_is_written(path, make_done, harm, message):
    put(path, make_done(1))
    (name,) = files(path)
    file = path.with_name("survey.state.json.archive") / name
    harm(file)
    before = path.read_bytes()
    with pytest.raises(StateError) as caught:
        get(path)
    assert message in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.hint
    with pytest.raises(StateError):
        put(path, make_done(2))
    assert path.read_bytes() == before


def test_a_document_that_names_a_replica_twice_is_refused(path, make_done):
    put(path, make_done(1))
    stored = raw(path)
    del stored["digest"]
    for change, message in (
        ({"done": stored["done"] * 2}, "contains reduce/1 twice"),
        ({"done": [stored["done"][0] | {"replicas": "1-1001"}]}, "contains reduce/1001 twice"),
        ({"done": [stored["done"][0] | {"replicas": "1-"}]}, "is not a list of ranges"),
        ({"done": [stored["done"][0] | {"spec": "s9"}]}, "has no spec 's9'"),
        ({"done": [stored["done"][0] | {"file": "../other"}]}, "is not a file name"),
        ({"done": [stored["done"][0] | {"replicas": "1-999"}]}, "has other replicas"),
    ):
        path.write_text(json.dumps(stored | change))
        with pytest.raises(StateError) as caught:
            get(path)
        assert message in caught.value.message


def test_other_stores_refuse_a_text_that_refers_to_an_archive(path, make_done):
    put(path, make_done(1))
    with pytest.raises(StateError, match="refers to the archive of a local state") as caught:
        decode(path.read_bytes(), "x")
    assert "state pull" in caught.value.hint


def killed(work):
    """Run work in a forked process; whether a signal ended it."""
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def placed(folder, text):
    """A state file with a text in a new folder."""
    folder.mkdir()
    path = folder / "survey.state.json"
    path.write_bytes(text)
    return path


def check_whole(path, *documents):
    """The stored document is one of these, and the next write works."""
    found = get(path)
    assert any(same(found, one) for one in documents)
    put(path, later := replace(documents[-1], serial=found.serial + 10))
    assert same(get(path), later)


def test_killed_at_any_byte_of_any_file(tmp_path, make_done):
    """The system ends the process when a file would get longer: in the copy, the archive or the document."""
    old, new = make_done(1, replicas=MANY + 40, done=0), make_done(2, replicas=MANY + 40)
    put(tmp_path / "whole.state.json", new)
    text = encode(old)
    sizes = [len(text), *(item.stat().st_size for item in tmp_path.rglob("*") if item.is_file())]
    ends = 0
    for number, limit in enumerate(
        sorted({*range(1, max(sizes), max(sizes) // 20), *sizes, *(one - 1 for one in sizes)})
    ):
        path = placed(tmp_path / str(number), text)

        def work(limit=limit, path=path):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            put(path, new)

        ends += killed(work)
        check_whole(path, old, new)
    assert ends > 20


STEPS = ("open", "fsync", "replace", "utime", "mkdir", "unlink", "close")


def test_killed_before_any_call_of_the_system(tmp_path, make_done, monkeypatch):
    old, new = make_done(1, replicas=MANY + 5, done=0), make_done(2)
    text, ends = encode(old), 0
    for number in range(200):
        path = placed(tmp_path / str(number), text)

        def work(number=number, path=path):
            left = [number]
            for name in STEPS:
                monkeypatch.setattr(os, name, _deadly(getattr(os, name), left))
            put(path, new)

        if not killed(work):
            break
        ends += 1
        check_whole(path, old, new)
    assert 20 < ends < 199


def _deadly(call, left):
    """The call, except that the process is killed before one of the calls."""

    def deadly(*given, **named):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*given, **named)

    return deadly
