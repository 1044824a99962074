"""The remote store against both dialects over real sockets: locked, never over another's state, nothing lost."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest

from skaha_apply.model.errors import StateError, StateLocked, UsageError
from skaha_apply.state.codec import decode, encode
from skaha_apply.state.http.config import backend
from skaha_apply.state.http.store import HttpStore
from skaha_apply.state.lease import LEASE, SLACK
from skaha_apply.state.local.store import LocalStore
from skaha_apply.state.remote.rescue import rescue_path
from skaha_apply.state.stores import find_address, open_store, parse_address


@pytest.fixture
def opened(tmp_path, notes):
    """A function that returns a store for a server; each further invocation returns another one, as another process."""
    folder = tmp_path / ".skaha-apply" / "a.org"

    def make(server, clocks=None, **env):
        account = {"TF_HTTP_USERNAME": server.user, "TF_HTTP_PASSWORD": server.password}
        given = backend(server.address, account | {"TF_HTTP_RETRY_WAIT_MIN": "0"} | env)
        return HttpStore(given, rescue_path(folder / "survey.state.json"), observe=notes, clocks=clocks)

    make.rescue = folder / "survey.state.rescue.json"
    return make


@asynccontextmanager
async def locked(store, operation="apply"):
    await store.acquire(operation, 0)
    try:
        yield store
    finally:
        await store.release()


def test_a_text_is_decoded_again_only_if_it_is_another(dialect, opened, make_document):
    async def main():
        async with dialect() as server:
            store, other = opened(server), opened(server)
            async with locked(store):
                await store.write(first := make_document(1, writer="w"))
                assert await store.read() is first
            async with locked(other):
                await other.read()
                await other.write(make_document(2, writer="v", replicas=5))
            async with locked(store):
                assert await store.read() == make_document(2, writer="v", replicas=5)
                assert await store.read() is await store.read()
                await store.write(make_document(3, writer="w"))
            assert await opened(server).read() == make_document(3, writer="w")

    asyncio.run(main())


def test_a_state_is_locked_written_read_and_unlocked(dialect, opened, make_document, notes):
    async def main():
        async with dialect() as server:
            store = opened(server)
            assert await store.read() is None
            async with locked(store):
                assert await store.read() is None
                await store.write(make_document(1, writer="w"))
                await store.write(make_document(2, writer="w", replicas=400))
                assert server.lock is not None
            assert server.lock is None
            assert await opened(server).read() == make_document(2, writer="w", replicas=400)
            async with locked(store):
                await store.remove()
            assert await store.read() is None
            posts = [request for request in server.seen("POST") if request.path == server.path]
            assert [request.query["ID"] for request in posts] == [server.requests[1].asked_id] * 2

    asyncio.run(main())
    assert notes == []
    assert not opened.rescue.parent.exists()


def test_gitlab_needs_no_more_than_its_address_and_plain_stores_are_locked_at_theirs(plain, gitlab, opened):
    async def main():
        async with gitlab() as remote, plain() as other:
            for server in (remote, other):
                async with locked(opened(server)):
                    pass
            assert [(r.method, r.path) for r in remote.requests] == [
                ("HEAD", remote.path),
                ("POST", f"{remote.path}/lock"),
                ("DELETE", f"{remote.path}/lock"),
            ]
            assert [r.method for r in other.requests] == ["HEAD", "LOCK", "UNLOCK"]
            assert other.requests[1].body == other.requests[2].body
            body = json.loads(remote.requests[1].body)
            uuid, expiry, owner = body["ID"].split(".", 2)
            assert len(uuid) == 36
            assert 0 < int(expiry) - time.time() <= LEASE
            assert owner == body["Who"]
            assert body["Path"] == remote.address

    asyncio.run(main())


def test_a_locked_state_names_the_owner_the_time_and_the_command_that_breaks_the_lock(dialect, opened):
    async def main():
        async with dialect() as server:
            first = opened(server)
            await first.acquire("apply", 0)
            with pytest.raises(StateLocked) as caught:
                await opened(server).acquire("mark", 0)
            who = re.escape(server.lock_id.split(".", 2)[2])
            assert re.search(
                rf"the state {server.address} is locked by {who}.*since 2.*expires in ", caught.value.message
            )
            assert f"state unlock {server.lock_id}" in caught.value.hint
            assert "mark" not in caught.value.message, "GitLab echoes our own operation, which says nothing"
            await first.release()

    asyncio.run(main())


def test_a_waiting_one_gets_the_lock_when_it_is_given_back(dialect, opened):
    async def main():
        async with dialect() as server:
            first, second = opened(server), opened(server)
            await first.acquire("apply", 0)
            waiting = asyncio.ensure_future(second.acquire("apply", 30))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await first.release()
            await waiting
            await second.release()
            assert server.lock is None

    asyncio.run(main())


def test_an_expired_lock_is_taken_over_with_a_note(dialect, opened, notes):
    async def main():
        async with dialect() as server:
            gone = opened(server)
            await gone.acquire("apply", 0)
            owner = server.lock_id.split(".", 2)[2]
            server.ahead = LEASE + SLACK / 2
            with pytest.raises(StateLocked, match="expired since"):
                await opened(server).acquire("apply", 0)
            assert notes == []
            server.ahead = LEASE + 2 * SLACK
            later = opened(server)
            await later.acquire("apply", 0)
            assert [note for note in notes if "taking over" in note] == notes[:1]
            assert notes[0].startswith(f"taking over the expired lock of {owner}")
            await later.release()

    asyncio.run(main())


def test_a_lock_of_terraform_itself_never_expires(dialect, opened):
    async def main():
        async with dialect() as server:
            server.lock = {
                "ID": "0d7f6f2e-4a0b-4f5e-9a44-0c5d3b1f9a10",
                "Who": "bob@ci",
                "Created": "2001-01-01T00:00:00Z",
            }
            with pytest.raises(StateLocked, match="bob@ci") as caught:
                await opened(server).acquire("apply", 0)
            assert "state unlock 0d7f6f2e" in caught.value.hint

    asyncio.run(main())


def test_a_lock_is_broken_with_its_id_only(dialect, opened):
    async def main():
        async with dialect(naive=True) as server:
            gone, store = opened(server), opened(server)
            with pytest.raises(StateError, match="is not locked"):
                await store.unlock("x")
            assert server.lock is None
            await gone.acquire("apply", 0)
            with pytest.raises(StateError, match=f"another ID than x: {server.lock_id}"):
                await store.unlock("x")
            await store.unlock(server.lock_id)
            assert server.lock is None

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["lose", "drop", 500, 503, 429])
def test_an_inconclusive_response_to_a_lock_is_retried(dialect, fault, opened):
    async def main():
        async with dialect() as server:
            server.fail(dialect.lock_method, fault)
            async with locked(opened(server)):
                assert server.lock is not None
            assert server.lock is None

    asyncio.run(main())


def test_canceled_lock_request_leaves_no_lock(dialect, opened):
    async def main():
        async with dialect() as server:
            server.fail(dialect.lock_method, "slow")
            asking = asyncio.ensure_future(opened(server).acquire("apply", 0))
            await server.until(lambda: server.seen(dialect.lock_method))
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert [request.method for request in server.requests[1:]] == [dialect.lock_method, dialect.unlock_method]
            assert server.lock is None

    asyncio.run(main())


@pytest.mark.parametrize("faults", [["lose"], ["drop"], [500], ["drop", "lose"], ["lose", 502], [503, 429]])
def test_an_unconfirmed_write_is_read_back_and_repeated_only_if_it_did_not_arrive(
    dialect, faults, opened, make_document, notes
):
    async def main():
        async with dialect() as server:
            store = opened(server)
            async with locked(store):
                await store.write(make_document(1, writer="w"))
                server.fail("POST", *faults)
                await store.write(make_document(2, writer="w"))
                await store.write(make_document(3, writer="w"))
            assert server.stored == make_document(3, writer="w")
            serials = [json.loads(r.body)["serial"] for r in server.seen("POST") if r.path == server.path]
            in_vain = faults.index("lose") if "lose" in faults else len(faults)
            assert serials.count(2) == in_vain + 1

    asyncio.run(main())
    assert notes == []


def test_serial_of_another_writer_is_not_taken_for_the_own_one(dialect, opened, make_document):
    async def main():
        async with dialect() as server:
            store = opened(server)
            async with locked(store):
                await store.write(make_document(1, writer="w"))
                before = server.state
                server.put(encode(make_document(2, writer="other")))
                server.fail("POST", "drop")
                if not dialect.checks_serials:
                    server.fail("GET", (200, before))
                with pytest.raises(
                    StateError, match=r"another process changed the state .*: it was serial 1 .* and is now serial 2"
                ):
                    await store.write(make_document(2, writer="w"))
            assert server.stored.writer == "other"

    asyncio.run(main())


def test_a_serial_that_moved_underneath_is_never_overwritten(dialect, opened, make_document):
    async def main():
        async with dialect() as server:
            store = opened(server)
            async with locked(store):
                await store.write(make_document(1, writer="w"))
                server.put(encode(make_document(2, writer="other")))
                with pytest.raises(StateError, match=r"another process changed|422") as caught:
                    await store.write(make_document(2, writer="w"))
                assert "meanwhile" in caught.value.hint or "starts from the stored state" in caught.value.hint
            assert server.stored.writer == "other"
            assert decode(opened.rescue.read_bytes(), "rescue").writer == "w"

    asyncio.run(main())


def test_another_lineage_or_an_older_serial_is_not_written(dialect, opened, make_document):
    async def main():
        async with dialect() as server:
            async with locked(opened(server)) as store:
                await store.write(make_document(5))
            for document, message in (
                (make_document(6, lineage="other"), "another lineage"),
                (make_document(5), "which is not newer"),
                (make_document(3), "which is not newer"),
            ):
                async with locked(opened(server)) as store:
                    with pytest.raises(StateError, match=message):
                        await store.write(document)
            async with locked(opened(server)) as store:
                await store.write(make_document(9))
            assert server.stored.serial == 9

    asyncio.run(main())


def test_a_write_that_fails_keeps_the_state_in_a_rescue_file(dialect, opened, make_document, notes):
    async def main():
        async with dialect() as server:
            store = opened(server)
            async with locked(store):
                await store.write(make_document(1, writer="w"))
                server.fail("POST", "drop", 500, "drop")
                with pytest.raises(StateError) as caught:
                    await store.write(make_document(2, writer="w"))
            assert f"saved in {opened.rescue}" in caught.value.message
            assert f"`skaha-apply state push {opened.rescue} --state {server.address}`" in caught.value.hint
            kept = decode(opened.rescue.read_bytes(), "rescue")
            assert kept == make_document(2, writer="w")
            assert server.stored.serial == 1
            assert notes == []
            pushing = opened(server)
            async with locked(pushing):
                assert (await pushing.read()).serial == 1
                assert f"state push {opened.rescue}" in notes[0]
                await pushing.write(kept)
            assert not opened.rescue.exists()
            assert server.stored == kept

    asyncio.run(main())


def test_a_failed_write_that_a_later_one_makes_good_leaves_no_rescue_file(dialect, opened, make_document):
    async def main():
        async with dialect() as server:
            async with locked(opened(server, TF_HTTP_RETRY_MAX="0")) as store:
                server.fail("POST", "drop")
                with pytest.raises(StateError, match="cannot write"):
                    await store.write(make_document(1, writer="w"))
                assert opened.rescue.exists()
                await store.write(make_document(2, writer="w"))
            assert not opened.rescue.exists()

    asyncio.run(main())


@pytest.mark.parametrize("arrives", [True, False])
def test_an_interrupted_write_is_kept_and_the_last_one_follows(dialect, arrives, opened, make_document, notes):
    async def main():
        async with dialect() as server:
            async with locked(opened(server)) as store:
                await store.write(make_document(1, writer="w"))
                before = len(server.requests)
                server.fail("POST", "slow" if arrives else "hang")
                writing = asyncio.ensure_future(store.write(make_document(2, writer="w")))
                await server.until(lambda: any(r.method == "POST" for r in server.requests[before:]))
                writing.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await writing
                assert decode(opened.rescue.read_bytes(), "rescue").serial == 2
                if arrives:
                    await server.until(lambda: server.stored.serial == 2)
                await store.write(make_document(3, writer="w"))
            assert server.stored.serial == 3
            assert len(notes) == 1
            assert "interrupted; the new state is saved in" in notes[0]
            assert not opened.rescue.exists()

    asyncio.run(main())


def test_a_lock_that_was_broken_meanwhile_stops_the_writes_and_keeps_the_state(plain, opened, make_document):
    async def main():
        async with plain() as server:
            store, other = opened(server), opened(server)
            await store.acquire("apply", 0)
            await store.read()
            await other.unlock(server.lock_id)
            await other.acquire("apply", 0)
            theirs = server.lock_id
            with pytest.raises(StateLocked, match=r"lost: its owner is now .*saved in") as caught:
                await store.write(make_document(1))
            assert "push" not in caught.value.hint, "the new owner works from the stored state"
            await store.release()
            assert server.lock_id == theirs
            assert server.state is None
            await other.release()

    asyncio.run(main())


def test_near_its_expiry_the_lock_is_extended_before_a_write(dialect, opened, make_document, make_machine):
    async def main():
        machine = make_machine()
        async with dialect() as server:
            store = opened(server, machine.clocks)
            async with locked(store):
                first = server.lock_id
                await store.write(make_document(1))
                assert server.lock_id == first
                for ago in (LEASE / 2, LEASE + 1):
                    machine.sleep(ago)
                    server.ahead += ago
                    await store.write(make_document(2 if ago < LEASE else 3))
                    assert (server.lock_id == first) is (ago < LEASE)
                assert server.lock_id != first
                assert server.requests[-1].query["ID"] == server.lock_id
            assert server.lock is None

    asyncio.run(main())


@pytest.mark.parametrize("naive", [True, False])
def test_a_lock_that_expired_and_was_taken_over_is_not_taken_back(plain, naive, opened, make_document, make_machine):
    async def main():
        machine = make_machine()
        async with plain(naive=naive) as server:
            store, other = opened(server, machine.clocks), opened(server)
            await store.acquire("apply", 0)
            machine.sleep(LEASE + 2 * SLACK)
            server.ahead += LEASE + 2 * SLACK
            await other.acquire("apply", 0)
            theirs = server.lock_id
            with pytest.raises(StateLocked, match="saved in"):
                await store.write(make_document(1))
            await store.release()
            assert server.lock_id == theirs
            assert server.state is None
            await other.release()

    asyncio.run(main())


def test_nothing_is_written_without_the_lock(plain, opened, make_document):
    async def main():
        async with plain() as server:
            with pytest.raises(StateError, match="not locked by this process"):
                await opened(server).write(make_document(1))
            with pytest.raises(StateError, match="not locked by this process"):
                await opened(server).remove()
            assert server.requests == []

    asyncio.run(main())


@pytest.mark.parametrize(
    "case",
    [
        ("GET", 401, "cannot read .*: 401", "TF_HTTP_PASSWORD"),
        ("GET", 403, "cannot read .*: 403", "Developer"),
        ("GET", (302, b""), "redirects to login.example.org", "address"),
        ("GET", (200, b""), "is empty", "backup"),
        ("GET", (200, b"<html>Sign in</html>"), "is not JSON: its text begins with '<html>", "backup"),
        ("GET", (200, b'{"version": 4, "serial": 3, "lineage": "x"}'), "not a state of skaha-apply", "--state"),
        ("LOCK", 401, "cannot lock .*: 401", "TF_HTTP_PASSWORD"),
        ("LOCK", 403, "cannot lock .*: 403", "Maintainer"),
        ("LOCK", 405, "cannot lock .*: 405", "TF_HTTP_LOCK_ADDRESS"),
        ("WRITE", 413, "cannot write .*: 413", "limits the size"),
        ("WRITE", 403, "cannot write .*: 403", "Maintainer"),
    ],
)
def test_a_refusal_is_one_clear_message_with_the_way_out(dialect, case, opened, make_document):
    method, fault, message, hint = case

    async def main():
        async with dialect(headers={"Location": "https://u:secret@login.example.org/x?key=1"}) as server:
            store = opened(server)
            if method == "LOCK":
                server.fail(dialect.lock_method, fault)
                await store.acquire("apply", 0)
            if method == "GET":
                server.fail("GET", fault)
                await store.read()
            async with locked(store):
                await store.read()
                server.fail("POST", fault)
                await store.write(make_document(1))

    with pytest.raises(StateError, match=message) as caught:
        asyncio.run(main())
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_gitlab_project_without_access_is_not_an_empty_state(gitlab, opened):
    async def main():
        async with gitlab() as server:
            server.fail("GET", (404, b'{"message":"404 Project Not Found"}'))
            await opened(server).read()

    with pytest.raises(StateError, match="404"):
        asyncio.run(main())


def test_a_store_that_does_not_respond_is_one_clear_message(plain, opened):
    async def main():
        async with plain() as server:
            store = opened(server)
        await asyncio.sleep(0)
        await store.read()

    with pytest.raises(StateError, match=r"cannot read the state http://127\.0\.0\.1:.*no response") as caught:
        asyncio.run(main())
    assert "network" in caught.value.hint


def test_a_lock_that_cannot_be_given_back_is_a_note_that_names_its_id(dialect, opened, notes):
    async def main():
        async with dialect() as server:
            store = opened(server)
            await store.acquire("apply", 0)
            lock_id = server.lock_id
            server.fail(dialect.unlock_method, "drop", 500, 500)
            await store.release()
            await store.release()
            return lock_id

    lock_id = asyncio.run(main())
    assert len(notes) == 1
    assert f"state unlock {lock_id}" in notes[0]


@pytest.mark.parametrize(("failures", "remains"), [(2, False), (5, True)], ids=["short outage", "long outage"])
def test_a_lock_without_a_response_does_not_lock_its_own_process_out(dialect, opened, notes, failures, remains):
    async def main():
        async with dialect() as server:
            server.fail(dialect.lock_method, "lose", *[503] * failures)
            with pytest.raises(StateError, match="cannot lock the state"):
                await opened(server).acquire("apply", 0)
            assert (server.lock is not None) == remains
            if remains:
                assert (
                    f"might remain; if the next run reports it, run `skaha-apply state unlock {server.lock_id}`"
                    in (notes[0])
                )
            async with locked(opened(server)):
                assert server.lock is not None
            assert server.lock is None

    asyncio.run(main())
    assert len(notes) == remains


def test_a_store_without_a_connection_gets_no_note_about_a_lock(plain, opened, notes):
    async def main():
        async with plain() as server:
            store = opened(server)
        with pytest.raises(StateError, match="cannot lock the state"):
            await store.acquire("apply", 0)

    asyncio.run(main())
    assert notes == []


def test_a_lock_that_could_not_be_freed_does_not_lock_its_own_process_out(dialect, opened, notes):
    async def main():
        async with dialect() as server:
            for _ in range(2):
                async with locked(opened(server)) as store:
                    server.fail(dialect.unlock_method, "drop", 500, 500)
                assert server.lock is not None
            await opened(server).unlock(server.lock_id)
            await opened(server).acquire("apply", 0)
            theirs = server.lock_id
            with pytest.raises(StateLocked):
                await store.acquire("apply", 0)
            assert server.lock_id == theirs, "a lock that was not left behind stays"

    asyncio.run(main())
    assert len(notes) == 2


def test_reads_are_repeated_until_a_response_is_conclusive(plain, opened, make_document):
    async def main():
        async with plain(state=encode(make_document(4))) as server:
            server.fail("GET", 503, "drop")
            assert (await opened(server).read()).serial == 4
            server.fail("GET", 503, "drop", 500)
            with pytest.raises(StateError, match="500"):
                await opened(server).read()

    asyncio.run(main())


def test_the_credential_is_in_no_message(plain, tmp_path, notes, make_document, caplog):
    caplog.set_level("DEBUG")

    async def main():
        async with plain(path="/state") as server:
            user = f"{quote(server.user)}:{quote(server.password)}"
            address = f"http://{user}@127.0.0.1:{server.port}/state?key=topsecret"
            store = open_store(
                parse_address(address, "--state"),
                tmp_path / "s.state.json",
                {"TF_HTTP_RETRY_MAX": "0"},
                observe=notes,
            )
            texts = [store.address, repr(backend(address, {}))]
            for method in ("GET", "LOCK", "POST", "UNLOCK"):
                server.fail(method, (400, f"{server.password} key=topsecret".encode()))
            for attempt in (store.read, lambda: store.acquire("apply", 0)):
                with pytest.raises(StateError) as caught:
                    await attempt()
                texts += [caught.value.message, str(caught.value.hint)]
            async with locked(store):
                assert json.loads(server.requests[-1].body)["Path"] == f"http://127.0.0.1:{server.port}/state"
                assert server.requests[-1].query == {"key": "topsecret"}
                with pytest.raises(StateError) as caught:
                    await store.write(make_document(1))
                texts += [caught.value.message, str(caught.value.hint)]
            return texts

    texts = [*asyncio.run(main()), *notes]
    assert len(texts) == 9
    for text in (*texts, caplog.text):
        assert plain.password not in text
        assert quote(plain.password) not in text
    assert all("topsecret" not in text for text in texts if not text.startswith("Backend("))


def test_which_store_is_opened(tmp_path):
    default = tmp_path / "s.state.json"
    env = {"TF_HTTP_ADDRESS": "https://a.org/state/x"}

    def opened(option, variables):
        return open_store(find_address(option, variables), default, variables)

    assert isinstance(opened(None, {}), LocalStore)
    assert opened(None, {}).address == str(default)
    assert opened(None, env).address == "https://a.org/state/x"
    assert opened(str(tmp_path / "other"), env).address == str(tmp_path / "other")
    assert opened("https://b.org/y", env).address == "https://b.org/y"
    assert opened(None, {"TF_HTTP_ADDRESS": ""}).address == str(default)
    assert (opened(None, {}).interval, opened(None, env).interval) == (0.5, 10)
    for address, given in (
        ("https://", {}),
        ("http://a:b/x", {}),
        (None, {"TF_HTTP_ADDRESS": "x"}),
    ):
        with pytest.raises(StateError) as caught:
            opened(address, given)
        assert caught.value.hint
    with pytest.raises(UsageError) as refused:
        opened("s3://bucket/x", {})
    assert refused.value.hint


def test_the_variables_of_terraform_are_obeyed():
    env = {
        "TF_HTTP_ADDRESS": "https://a.org/s",
        "TF_HTTP_UPDATE_METHOD": "PUT",
        "TF_HTTP_LOCK_ADDRESS": "https://a.org/l",
        "TF_HTTP_LOCK_METHOD": "PUT",
        "TF_HTTP_UNLOCK_ADDRESS": "https://u:p@a.org/u",
        "TF_HTTP_UNLOCK_METHOD": "DELETE",
        "TF_HTTP_USERNAME": "me",
        "TF_HTTP_PASSWORD": "it",
        "TF_HTTP_RETRY_MAX": "5",
        "TF_HTTP_RETRY_WAIT_MIN": "2",
        "TF_HTTP_RETRY_WAIT_MAX": "9",
    }
    found = backend("https://a.org/s", env)
    assert (found.lock_address, found.unlock_address) == ("https://a.org/l", "https://a.org/u")
    assert (found.update_method, found.lock_method, found.unlock_method) == ("PUT", "PUT", "DELETE")
    assert (found.username, found.password) == ("me", "it")
    assert (found.retries, found.wait_min, found.wait_max) == (5, 2, 9)
    other = backend("https://b.org/s", env)
    assert (other.lock_address, other.unlock_address) == ("https://b.org/s", "https://b.org/s")
    for name, value in (("TF_HTTP_RETRY_MAX", "-1"), ("TF_HTTP_LOCK_METHOD", "lock it"), ("TF_HTTP_LOCK_ADDRESS", "x")):
        with pytest.raises(StateError, match=name):
            backend("https://a.org/s", env | {name: value})


def test_an_unencrypted_password_to_another_machine_is_reported():
    given = {"TF_HTTP_PASSWORD": "secret"}
    assert backend("http://a.org/s", given).sends_password_unencrypted
    assert not backend("http://a.org/s", {}).sends_password_unencrypted
    assert not backend("https://a.org/s", given).sends_password_unencrypted
    assert not backend("http://localhost:1/s", given).sends_password_unencrypted
