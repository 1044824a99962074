"""The local store against real files: whole or not at all, never over what somebody else wrote, clear when refused."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import StateError
from skaha_apply.state.codec import decode, encode
from skaha_apply.state.local.store import LocalStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".skaha-apply" / "a.org" / "survey.state.json"


def put(path, *documents):
    async def main():
        store = LocalStore(path)
        await store.acquire("apply", 0)
        try:
            for document in documents:
                await store.write(document)
        finally:
            await store.release()

    asyncio.run(main())


def get(path):
    return asyncio.run(LocalStore(path).read())


def stored(path):
    return decode(path.read_bytes(), str(path))


def test_what_is_written_is_read_by_another(path, make_document):
    assert get(path) is None
    assert not path.parent.exists(), "reading makes nothing"
    put(path, make_document(1), make_document(2, replicas=50))
    assert get(path) == make_document(2, replicas=50)
    assert sorted(item.name for item in path.parent.iterdir()) == ["survey.state.json", "survey.state.lock"]
    assert (path.parents[1] / ".gitignore").read_text() == "*\n"


def test_a_file_is_decoded_again_only_after_another_has_written_it(path, make_document):
    async def main():
        store = LocalStore(path)
        await store.acquire("apply", 0)
        await store.write(first := make_document(1))
        assert await store.read() is first
        await store.release()
        await asyncio.to_thread(put, path, second := make_document(2, replicas=5))
        await store.acquire("apply", 0)
        assert await store.read() == second
        assert await store.read() is await store.read()
        path.write_bytes(encode(make_document(3)))  # without the lock, in the same file
        assert await store.read() == make_document(3)
        await store.write(replace(second, serial=4))
        path.unlink()
        assert await store.read() is None
        await store.release()

    asyncio.run(main())


def test_a_file_with_the_same_inode_time_and_size_is_another_if_its_text_is(path, make_document):
    """A file system can use an inode again, and its times can be as coarse as a second."""
    first, second = make_document(1), make_document(2)

    async def main():
        store = LocalStore(path)
        await store.acquire("apply", 0)
        await store.write(first)
        await store.release()
        before = path.stat()
        path.write_bytes(encode(second))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = path.stat()
        for name in ("st_ino", "st_mtime_ns", "st_size"):
            assert getattr(after, name) == getattr(before, name)
        await store.acquire("apply", 0)
        assert await store.read() == second
        await store.write(make_document(3))
        await store.release()

    asyncio.run(main())
    assert stored(path) == make_document(3)


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts the bytes that a process reads")
def test_a_file_older_than_the_lock_is_read_once_until_another_has_written_it(path, make_document):
    def bytes_read():
        return int(dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())["rchar"])

    async def read_under_a_lock(store):
        await store.acquire("apply", 0)
        before = bytes_read()
        document = await store.read()
        read = bytes_read() - before
        await store.release()
        return document, read

    async def main():
        store = LocalStore(path)
        await asyncio.to_thread(put, path, first := make_document(1, replicas=2000))
        size = path.stat().st_size
        document, read = await read_under_a_lock(store)
        assert read > size
        await asyncio.sleep(0.3)  # longer than a step of the file times
        assert (await read_under_a_lock(store))[1] > size, "the text of the first time was as new as the lock"
        for _ in range(3):
            again, read = await read_under_a_lock(store)
            assert again is document
            assert read < size
        old = path.stat()
        path.write_bytes(encode(make_document(2, replicas=2000)))
        assert path.stat().st_size == size
        os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
        again, _ = await read_under_a_lock(store)
        assert again.serial == 2
        assert document == first

    asyncio.run(main())


def test_after_a_removal_a_new_state_can_begin(path, make_document):
    async def main():
        store = LocalStore(path)
        await store.acquire("mv", 0)
        await store.write(make_document(4))
        await store.remove()
        assert await store.read() is None
        await store.write(make_document(1, lineage="new"))
        await store.release()

    asyncio.run(main())
    assert stored(path).lineage == "new"


def test_nothing_is_written_or_removed_without_the_lock(path, make_document):
    put(path, make_document(1))

    async def main():
        store = LocalStore(path)
        for change in (store.write(make_document(2)), store.remove()):
            with pytest.raises(StateError, match="not locked by this process"):
                await change

    asyncio.run(main())
    assert stored(path).serial == 1


@pytest.mark.parametrize(
    ("underneath", "message"),
    [
        ({"serial": 2}, "it was serial 1 .* and is now serial 2"),
        ({"serial": 9}, "now serial 9"),
        ({"serial": 1, "lineage": "other"}, "now serial 1 of lineage other"),
        (None, "now no state"),
    ],
)
def test_a_state_that_moved_underneath_is_never_overwritten(path, make_document, underneath, message):
    put(path, make_document(1))

    async def main():
        store = LocalStore(path)
        await store.acquire("apply", 0)
        assert await store.read() is not None
        if underneath is None:
            path.unlink()
        else:
            path.write_bytes(encode(make_document(**underneath)))
        with pytest.raises(StateError, match=message):
            await store.write(make_document(2))
        await store.release()

    asyncio.run(main())
    assert (stored(path) if path.exists() else None) == (make_document(**underneath) if underneath else None)


def test_a_state_that_appeared_after_none_was_found_is_never_overwritten(path, make_document):
    async def main():
        store = LocalStore(path)
        await store.acquire("apply", 0)
        assert await store.read() is None
        path.write_bytes(encode(make_document(1)))
        with pytest.raises(StateError, match="it was no state and is now serial 1"):
            await store.write(make_document(1))
        await store.release()

    asyncio.run(main())


def test_a_touched_or_copied_file_with_the_same_serial_has_not_moved(path, make_document):
    put(path, make_document(1))

    async def main():
        store = LocalStore(path)
        await store.acquire("apply", 0)
        await store.read()
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
        await store.write(make_document(2))
        await store.release()

    asyncio.run(main())
    assert stored(path).serial == 2


def test_a_writer_that_read_nothing_needs_the_lineage_and_a_higher_serial(path, make_document):
    put(path, make_document(5))
    for document, message in (
        (make_document(6, lineage="other"), "another lineage"),
        (make_document(5), "the new state 5, which is not newer"),
        (make_document(4), "the new state 4, which is not newer"),
    ):
        with pytest.raises(StateError, match=message):
            put(path, document)
    put(path, make_document(9))
    assert stored(path).serial == 9


def test_a_damaged_state_is_not_overwritten(path, make_document):
    put(path, make_document(1))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StateError, match="is incomplete"):
        get(path)
    with pytest.raises(StateError, match="is incomplete"):
        put(path, make_document(2))


def test_through_a_link_the_target_is_replaced_and_locked(tmp_path, make_document):
    target = tmp_path / "real" / "state.json"
    link = tmp_path / "link.json"
    put(target, make_document(1))
    link.symlink_to(target)
    put(link, make_document(2))
    assert link.is_symlink()
    assert stored(target).serial == 2

    async def main():
        one, other = LocalStore(link), LocalStore(target)
        await one.acquire("apply", 0)
        with pytest.raises(StateError, match="is locked by"):
            await other.acquire("apply", 0)
        await one.release()

    asyncio.run(main())


def test_rights_of_the_file_are_kept(path, make_document):
    put(path, make_document(1))
    path.chmod(0o640)
    put(path, make_document(2))
    assert path.stat().st_mode & 0o777 == 0o640


def test_files_of_killed_writers_are_deleted_with_the_next_lock(path, make_document):
    put(path, make_document(1))
    ours = path.with_name(f".{path.name}.0123456789ab.tmp")
    others = path.with_name(f".other{path.name}.0123456789ab.tmp")
    for file in (ours, others):
        file.write_text("half")
    put(path, make_document(2))
    assert (ours.exists(), others.exists()) == (False, True)


def in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "survey.state.json"


def circle(tmp_path):
    (tmp_path / "a.json").symlink_to(tmp_path / "b.json")
    (tmp_path / "b.json").symlink_to(tmp_path / "a.json")
    return tmp_path / "a.json"


def folder(tmp_path):
    (tmp_path / "x.json").mkdir()
    return tmp_path / "x.json"


@pytest.mark.parametrize(
    ("make_path", "reason"),
    [
        (in_the_way, "Not a directory|File exists"),
        (circle, "Too many levels of symbolic links"),
        (folder, "Is a directory"),
        (lambda tmp_path: tmp_path / ("x" * 300), "File name too long"),
        (lambda tmp_path: tmp_path / "deep" / ("x" * 300) / "s.json", "File name too long"),
        pytest.param(
            lambda tmp_path: Path("/proc/self/survey.state.json"),
            "No such file|Permission denied|Operation not permitted",
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="/proc is a folder where root cannot write either"
            ),
        ),
    ],
)
def test_a_path_that_cannot_be_is_one_clear_message(tmp_path, make_document, make_path, reason):
    path = make_path(tmp_path)
    with pytest.raises(StateError, match=reason) as caught:
        put(path, make_document(1))
    assert "cannot" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_root_folder_is_not_a_state():
    with pytest.raises(StateError, match="cannot be stored there"):
        LocalStore(Path("/"))


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import StateError
from skaha_apply.state.codec import decode
from skaha_apply.state.local.store import LocalStore

async def main(path, new):
    store = LocalStore(path)
    await store.acquire("apply", 0)
    document = await store.read()
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, unlimited[1]))
    try:
        await store.write(decode(new.read_bytes(), "new"))
    except StateError as error:
        print(error.message, "|", error.hint)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    await store.write(replace(document, serial=document.serial + 1))
    await store.release()

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def test_a_write_that_fails_in_the_middle_leaves_the_old_state_and_no_litter(path, tmp_path, make_document):
    put(path, make_document(1))
    new = tmp_path / "new.json"
    new.write_bytes(encode(make_document(2, replicas=500)))
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, path, new], capture_output=True, text=True, check=True, timeout=60
    )
    assert f"cannot write the state {path}: File too large | " in ran.stdout
    assert stored(path) == make_document(2), "the write after it, with room again, succeeds"
    assert sorted(item.name for item in path.parent.iterdir()) == ["survey.state.json", "survey.state.lock"]


def test_a_full_disk_leaves_the_old_state(tmp_path, make_document):
    mount = tmp_path / "disk"
    mount.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small disk; the limit on file sizes is tested for everybody")
    try:
        path = mount / ".skaha-apply" / "s.state.json"
        put(path, make_document(1))
        with pytest.raises(StateError, match="No space left on device") as caught:
            put(path, make_document(2, replicas=2000))
        assert "Free disk space" in caught.value.hint
        assert stored(path) == make_document(1)
        assert sorted(item.name for item in path.parent.iterdir()) == [".gitignore", "s.state.json", "s.state.lock"]
        put(path, make_document(2))
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        assert get(path) == make_document(2), "a read-only disk can be read"
        with pytest.raises(StateError, match="Read-only file system"):
            put(path, make_document(3))
    finally:
        subprocess.run(["umount", mount], check=True)


WRITER = """
import asyncio, sys
from pathlib import Path
from skaha_apply.lazy_dataclass import replace
from skaha_apply.state.local.store import LocalStore

async def main(path):
    store = LocalStore(path)
    await store.acquire("apply", 30)
    document = await store.read()
    print("begun", flush=True)
    while True:
        document = replace(document, serial=document.serial + 1)
        await store.write(document)
        print("written", flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_state_and_a_free_lock(path, make_document):
    put(path, make_document(1, replicas=3000))
    chance = random.Random(1)
    serial = 1
    for number in range(8):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"begun\n"
            if number % 2:
                assert writer.stdout.readline() == b"written\n"
            time.sleep(chance.uniform(0, 0.15))
            writer.send_signal(signal.SIGKILL)
        after = stored(path)
        assert after.serial >= serial
        assert after.replicas == make_document(1, replicas=3000).replicas
        serial = after.serial
    assert serial > 1
    put(path, make_document(serial + 1))
    assert sorted(item.name for item in path.parent.iterdir()) == ["survey.state.json", "survey.state.lock"]


def test_readers_during_a_write_always_see_a_whole_state(path, make_document):
    put(path, make_document(1, replicas=200))
    done = threading.Event()

    def write():
        put(path, *(make_document(serial, replicas=200 + serial % 2) for serial in range(2, 40)))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    serials = [get(path).serial]
    while not done.is_set():
        serials.append(get(path).serial)
    writer.join()
    assert serials == sorted(serials)


def test_event_loop_continues_while_a_large_state_is_written(path, make_document):
    async def main():
        store = LocalStore(path)
        await store.acquire("apply", 0)
        ticks = 0
        writing = asyncio.ensure_future(store.write(make_document(1, replicas=5000)))
        while not writing.done():
            ticks += 1
            await asyncio.sleep(0)
        await writing
        await store.release()
        return ticks

    assert asyncio.run(main()) > 2


def test_canceled_write_ends_before_the_lock_is_released(path, make_document):
    async def main():
        store = LocalStore(path)
        await store.acquire("apply", 0)
        writing = asyncio.ensure_future(store.write(make_document(1, replicas=3000)))
        await asyncio.sleep(0.01)
        writing.cancel()
        writing.cancel()
        await store.release()
        after = LocalStore(path)
        await after.acquire("apply", 0)
        found = await after.read()
        await asyncio.sleep(0.1)
        assert await after.read() == found
        await after.release()
        with pytest.raises(asyncio.CancelledError):
            await writing

    asyncio.run(main())


def descriptors():
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_many_writes_do_not_leak_descriptors(path, make_document):
    async def main():
        store = LocalStore(path)
        for serial in range(1, 30):
            await store.acquire("apply", 0)
            await store.read()
            await store.write(make_document(serial))
            await store.release()
            if serial == 5:
                before = descriptors()
        return descriptors() - before

    assert asyncio.run(main()) == 0


def test_the_state_is_written_in_the_clear(path, make_document):
    put(path, make_document(3))
    assert json.loads(path.read_text())["serial"] == 3
