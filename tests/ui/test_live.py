"""The live page follows manifests and state without a lock, keeps its data after an error, and ends in order."""

from __future__ import annotations

import json
import signal
import socket
import time

import pytest

from tests.acceptance_remote.conftest import counting_repository, pushes

LIMIT_S = 60
POLL = ("--poll", "0.2s")


def errors(page):
    return page.data().get("errors", [])


@pytest.fixture
def followed(done_desk, live_page):
    """The page of a project whose replicas are done."""
    page = live_page(done_desk, *POLL).open()
    assert page.counts() == {"done": 3}
    return page


def mtimes(folder):
    """When each file and folder in a folder changed last. A new or removed file changes its folder."""
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


@pytest.fixture(params=["local", "http", "git"])
def stored(request, desk, store, tmp_path):
    """A desk with its state in a file, at an address or in git; each lock and write changes `store[1]()`."""
    if request.param == "local":
        desk.store = (), lambda: mtimes(desk.state_path.parent)
    elif request.param == "http":
        desk.store = ("--state", store.address), lambda: sum(one.method != "GET" for one in store.requests)
    else:
        remote = counting_repository(tmp_path / "remote.git")
        desk.store = ("--state", "git:remote.git"), lambda: pushes(remote)
    return desk


def test_a_change_of_the_state_shows_and_reading_neither_locks_nor_writes(stored, live_page):
    words, writes = stored.store
    stored.write({"name": "tile", "replicas": 3, "cmd": "true"})
    stored.apply("--wait", "complete", "--poll", "0.2s", *words)
    before, requests = writes(), stored.sandbox.requests(0)["counts"]
    assert before
    page = live_page(stored, *POLL, *words).open()
    assert page.counts() == {"done": 3}
    page.until(page.data)
    assert (writes(), stored.sandbox.requests(0)["counts"]) == (before, requests)
    stored("mark", "rerun", "tile/2", "--yes", *words)
    assert page.until(lambda: page.counts().get("done") == 2)
    assert errors(page) == []


def test_without_a_change_no_data_is_sent(followed):
    reply = followed.http.get("/data.json")
    tag = reply.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        same = followed.http.get("/data.json", headers={"If-None-Match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert followed.http.get("/data.json", headers={"If-None-Match": '"other"'}).status_code == 200
    followed.desk("mark", "rerun", "tile/2", "--yes")

    def changed():
        return followed.http.get("/data.json", headers={"If-None-Match": tag}).status_code == 200

    followed.until(changed)


def test_an_edit_of_the_manifest_shows(followed):
    followed.desk.write({"name": "tile", "replicas": 3, "cmd": "true"}, {"name": "merge", "cmd": "true"})
    assert followed.until(lambda: sum(followed.counts().values()) == 4)


def break_manifest(desk):
    (desk.folder / "m.yaml").write_text("version: 1\nproject: [")


def damage_state(desk):
    desk.state_path.write_bytes(desk.state_path.read_bytes()[:-20])


def change_project(desk):
    document = json.loads(desk.state_path.read_text()) | {"project": "other"}
    del document["digest"]
    new = desk.state_path.with_name("new")
    new.write_text(json.dumps(document))
    new.replace(desk.state_path)


def hide_manifest(desk):
    (desk.folder / "m.yaml").rename(desk.folder / "m.txt")


def remove_state(desk):
    desk.state_path.unlink()


@pytest.mark.parametrize("spoil", [break_manifest, damage_state, change_project, hide_manifest, remove_state])
def test_an_error_is_one_line_and_the_last_data_stays_until_it_is_repaired(followed, spoil):
    desk = followed.desk
    manifest, state, path = (desk.folder / "m.yaml").read_bytes(), desk.state_path.read_bytes(), desk.state_path
    spoil(desk)
    (line,) = followed.until(lambda: errors(followed))
    assert line
    assert "\n" not in line
    assert followed.counts() == {"done": 3}
    assert followed.http.get("/").status_code == 200
    (desk.folder / "m.yaml").write_bytes(manifest)
    path.write_bytes(state)
    followed.until(lambda: not errors(followed))
    assert followed.counts() == {"done": 3}
    assert followed.stop() == 0


def test_of_two_projects_the_one_that_can_be_read_goes_ahead(desk, live_page):
    for project in ("a", "b"):
        desk.write({"name": f"tile-{project}", "replicas": 2, "cmd": "true"}, project=project, name=f"{project}.yaml")
    desk.apply("--wait", "complete", "--poll", "0.2s")
    page = live_page(desk, *POLL).open()
    (desk.folder / ".skaha-apply/localhost/a.state.json").write_text("{")
    desk("mark", "rerun", "tile-b/1", "--yes", "--project", "b")

    def done():
        return {one["name"]: one["counts"].get("done") for one in page.data()["projects"]}

    page.until(lambda: done() == {"a": 2, "b": 1})
    (line,) = errors(page)
    assert line.startswith("a: ")


def test_a_project_that_cannot_be_read_does_not_end_the_one_that_is_shown(followed):
    desk = followed.desk
    state = desk.state_path.with_name("two.state.json")
    state.write_text("{")
    desk.write({"name": "tile", "replicas": 3, "cmd": "true"}, project="two")
    (line,) = followed.until(lambda: errors(followed))
    assert "two.state.json" in line
    assert [one["name"] for one in followed.data()["projects"]] == ["survey"]
    state.unlink()
    followed.until(lambda: [one["name"] for one in followed.data()["projects"]] == ["two"])
    assert errors(followed) == []


def test_with_refresh_the_server_is_listed_and_nothing_is_written(desk, live_page):
    desk.script("while [ ! -e go ]; do sleep 0.1; done\n")
    desk.write({"name": "tile", "replicas": 2, "cmd": "bash", "args": ["run.sh"]})
    desk.apply("--wait", "ready", "--poll", "0.2s")
    page = live_page(desk, *POLL, "--refresh").open()
    before = desk.files()
    desk.sandbox.forget_requests()
    assert page.counts() == {"running": 2}
    (desk.folder / "go").touch()
    page.until(lambda: page.counts() == {"done": 2})
    assert set(desk.files()) == {*before, "go"}
    assert all(desk.files()[name] == data for name, data in before.items())
    assert desk.writes() == {}


def test_without_refresh_no_request_is_sent_to_the_server(followed):
    followed.until(followed.data)
    assert followed.desk.sandbox.requests(0)["counts"] == {}


def test_with_refresh_a_server_that_is_away_is_one_line_until_it_is_back(done_desk, live_page):
    desk = done_desk
    desk.environment["SKAHA_APPLY_RETRY_TIME"] = "0.1s"
    page = live_page(desk, *POLL, "--refresh").open()
    desk.sandbox.faults(rate_503=1)
    (line,) = page.until(lambda: errors(page))
    assert "503" in line
    assert page.counts() == {"done": 3}
    desk.sandbox.faults()
    page.until(lambda: not errors(page))


def test_a_slow_store_delays_no_response_for_long(desk, store, live_page):
    desk.write({"name": "tile", "cmd": "true"})
    page = live_page(desk, *POLL, "--state", store.address).open()
    before = page.counts()
    store.delay, store.answered = 20.0, 0
    time.sleep(0.2)
    assert page.counts() == before
    assert store.answered == 0
    assert page.stop() == 0
    assert page.errors == ["Ctrl-C ends the page\n"]
    assert store.answered == 0


def test_requests_that_follow_each_other_closely_share_a_reading(desk, store, live_page):
    desk.write({"name": "tile", "cmd": "true"})
    page = live_page(desk, "--poll", "20s", "--state", store.address).open()
    before = len(store.requests)
    for _ in range(50):
        page.data()
    assert 1 <= len(store.requests) - before < 50


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order(server_less, live_page, number):
    page = live_page(server_less).open()
    assert page.stop(number) == 0
    assert [line for line in page.errors if "Ctrl-C" not in line] == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", page.port), timeout=LIMIT_S)


def test_a_port_in_use_is_one_message(server_less, live_page):
    page = live_page(server_less)
    error = server_less("ui", "--no-browser", "--port", page.port, code=1).err
    assert error.splitlines() == [
        f"error: port {page.port} of 127.0.0.1 is in use",
        "hint: choose another port, or leave out --port for a free one",
    ]


def test_a_port_can_be_chosen_and_used_again_at_once(server_less, live_page):
    first = live_page(server_less).open()
    assert first.stop() == 0
    assert live_page(server_less, "--port", str(first.port)).port == first.port


def test_a_missing_extra_is_one_message_with_the_command_that_installs_it(server_less, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['starlette'] = None\n")
    error = server_less("ui", "--no-browser", code=1, PYTHONPATH=str(tmp_path)).err
    assert error.splitlines() == [
        "error: the page server requires packages that are not installed: starlette",
        "hint: pip install 'skaha-apply[sandbox]'",
    ]


@pytest.mark.parametrize("poll", ["21s", "1h", "0s", "x"])
def test_an_interval_is_at_most_20_seconds(server_less, poll):
    assert "--poll" in server_less("ui", "--poll", poll, code=4).err


def test_a_manifest_on_standard_input_is_refused_because_it_cannot_be_read_again(server_less):
    assert "standard input" in server_less("ui", "-", stdin="version: 1\n", code=4).err


@pytest.mark.parametrize("spoil", [break_manifest, hide_manifest])
def test_a_manifest_that_is_broken_from_the_beginning_is_an_error(desk, spoil):
    desk.write({"name": "tile", "cmd": "true"})
    spoil(desk)
    ended = desk("ui", "--no-browser", code=desk("plan", "--offline", check=False).code)
    assert ended.out == ""


def browser_script(desk):
    """A browser that notes the addresses it is asked to open."""
    path = desk.folder / "browser"
    path.write_text(f"#!/bin/sh\necho \"$1\" >> '{desk.folder}/opened'\n")
    path.chmod(0o755)
    return str(path)


def test_the_browser_gets_the_address(prepared, desk):
    desk.write({"name": "tile", "cmd": "true"})
    desk.environment["BROWSER"] = browser_script(desk)
    process = desk.start("ui")
    address = process.stdout.readline()
    until = time.monotonic() + LIMIT_S
    while not (desk.folder / "opened").exists() or not (desk.folder / "opened").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    desk.finish(process)
    assert (desk.folder / "opened").read_text() == address


def test_the_data_has_no_value_of_a_sensitive_variable(desk, live_page):
    secret = "sensitive-value-of-the-test"
    desk.write(
        {"name": "tile", "cmd": "echo", "args": ["${var.key}"], "env": {"KEY": "${var.key}"}},
        variables={"key": {"sensitive": True}},
    )
    desk.apply("--wait", "complete", "--poll", "0.2s", "--var", f"key={secret}")
    page = live_page(desk, *POLL, "--var", f"key={secret}").open()
    assert secret not in page.http.get("/").text + json.dumps(page.data())


def test_a_secret_that_equals_a_number_or_a_key_of_the_data_breaks_nothing(desk, live_page):
    desk.write(
        {"name": "tile", "cmd": "true", "env": {"KEY": "${var.number}", "WORD": "${var.word}"}},
        variables={"number": {"sensitive": True}, "word": {"sensitive": True}},
    )
    secrets = ("--var", "number=some-long-number", "--var", "word=some-long-word")
    desk.apply("--wait", "complete", "--poll", "0.2s", *secrets)
    plain = live_page(desk, *secrets).open().data()
    at = plain["projects"][0]["at"]
    page = live_page(desk, "--var", f"number={at}", "--var", "word=not_estimated").open()
    assert page.data() == plain
    assert page.http.get("/").status_code == 200


def test_only_with_refresh_a_page_can_be_out_of_date(done_desk, live_page):
    polls = [live_page(done_desk, *POLL, *words).open().data()["poll"] for words in ((), ("--refresh",))]
    assert polls == [None, 0.2]


def test_a_public_page_has_neither_names_of_replicas_nor_paths_also_in_errors(done_desk, live_page):
    page = live_page(done_desk, *POLL, "--public").open()
    break_manifest(done_desk)
    page.until(lambda: errors(page))
    shown = page.http.get("/").text + json.dumps(page.data())
    for private in (str(done_desk.folder), "m.yaml", "tile-1", "images.canfar.net", "localhost"):
        assert private not in shown
    assert page.counts() == {"done": 3}
    assert page.until(lambda: "m.yaml" in "".join(page.errors))


def test_a_state_that_is_only_touched_changes_no_data(followed):
    tag = followed.http.get("/data.json").headers["etag"]
    state = followed.desk.state_path
    state.touch()
    for _ in range(5):
        reply = followed.http.get("/data.json", headers={"If-None-Match": tag})
        assert reply.status_code == 304
        time.sleep(0.1)


def test_the_page_never_has_the_id_of_an_interactive_session(desk, live_page):
    desk.write({"name": "notes", "kind": "notebook"})
    desk.apply()
    (session,) = desk.sandbox.sessions()
    page = live_page(desk, *POLL, "--refresh").open()
    shown = page.http.get("/").text + json.dumps(page.data())
    assert "notes" in shown
    assert session["id"] not in shown
