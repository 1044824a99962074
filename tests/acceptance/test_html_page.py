"""`--html FILE`: one page of the status, written as a whole at each pass, without what must not be public."""

from __future__ import annotations

import json
import os
import re
import resource
import threading
from itertools import count

from skaha_apply.render.page.page import page_parts

KEY = "sesame-open-now"  # a sensitive value
WORD = "function"  # another one, which the script of the page contains
GIVEN = {"SKAHA_VAR_key": KEY, "SKAHA_VAR_word": WORD}
BLOCK = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def page_of(desk, name="page.html"):
    """The page as text, and the data of its only project."""
    text = (desk.folder / name).read_text(encoding="utf-8")
    (project,) = json.loads(BLOCK.search(text)[1])["projects"]
    return text, project


def write_survey(desk):
    """Two tiles, of which the second always fails, a stack of the first tile, and a notebook."""
    desk.script('echo "token is $KEY, a ${WORD}"\n[ "$1" = a ] || { echo "OSError: no card $1"; exit 1; }\n')
    tile = {
        "cmd": "bash",
        "args": ["run.sh", "${tile}"],
        "env": {"KEY": "${var.key}", "WORD": "${var.word}"},
        "ram": 2,
        "cores": 1,
    }
    desk.write(
        {"name": "tile-${tile}", "matrix": {"tile": ["a", "b"]}, **tile},
        {"name": "stack-${tile}", "matrix": {"tile": ["a", "b"]}, "needs": ["tile-${tile}"], **tile},
        {"name": "desk", "kind": "notebook"},
        variables={"key": {"sensitive": True}, "word": {"sensitive": True}},
    )


def test_a_wait_writes_a_whole_page_at_each_pass(desk):
    write_survey(desk)
    seen, over = set(), threading.Event()

    def read():
        while not over.is_set():
            if (desk.folder / "page.html").exists():
                seen.add((desk.folder / "page.html").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        desk.apply("--wait", "complete", "--poll", "0.3s", "--html", "page.html", code=9, **GIVEN)
    finally:
        over.set()
        reader.join()
    assert len(seen) > 1
    assert all(one.rstrip().endswith(b"</html>") for one in seen)
    text, project = page_of(desk)
    assert project["counts"] == {"done": 2, "running": 1, "blocked": 1, "failed": 1}
    assert [(one["cause"], one["count"]) for one in project["causes"]] == [("OSError: no card b", 1)]
    assert project["logs"]["tile-b"] == [1, ["token is (sensitive), a (sensitive)", "OSError: no card b"]]
    assert KEY not in text
    assert page_parts().script in text
    (notebook,) = [record for record in desk.state["replicas"] if record["session"] == "desk"]
    assert notebook["id"] not in text
    desk(*project["causes"][0]["command"].split()[1:], "--yes", **GIVEN)
    assert desk.plan(**GIVEN)["summary"]["create"] == 1


def test_each_command_shows_the_next_apply(desk):
    desk.write({"name": "tile", "replicas": 3, "parallelism": 1, "cmd": "true"})
    for words in (["plan", "--offline"], ["plan"], ["status"], ["refresh"]):
        desk(*words, "--html", f"{words[-1]}.html")
        _, project = page_of(desk, f"{words[-1]}.html")
        assert project["counts"] == {"queued": 3}
        assert [(one["action"], one["count"]) for one in project["next"]["does"]] == [("create", 1)]
        assert [(one["action"], one["count"]) for one in project["next"]["does_not"]] == [("wait", 2)]
    desk.apply("--html", "apply.html")
    _, project = page_of(desk, "apply.html")
    assert "tile-1" not in [one["example"] for one in project["next"]["does"]]  # its create was carried out


def test_two_projects_are_on_one_page_and_a_public_one_has_no_names(desk):
    desk.write({"name": "tile", "replicas": 3, "cmd": "/arc/home/somebody/run.sh"}, project="one", name="one.yaml")
    desk.write({"name": "map", "cmd": "true"}, project="two", name="two.yaml")
    desk("status", "--html", "page.html")
    desk("status", "--html", "public.html", "--public")
    names = [
        [one["name"] for one in json.loads(BLOCK.search((desk.folder / file).read_text())[1])["projects"]]
        for file in ("page.html", "public.html")
    ]
    assert names == [["one", "two"]] * 2
    public = (desk.folder / "public.html").read_text()
    for private in ("tile-1", "somebody", "127.0.0.1", "localhost", str(desk.folder), "images.canfar.net"):
        assert private not in public


def test_a_place_that_cannot_be_written_is_an_error_before_anything_is_done(desk, one_line):
    desk.write({"name": "tile", "cmd": "true"})
    desk.sandbox.forget_requests()
    one_line(
        desk("apply", "--yes", "--html", "no/page.html", code=4), r"cannot write the page no/page\.html: the folder"
    )
    one_line(desk("status", "--html", "m.yaml", code=4), r"cannot write the page m\.yaml: it may be a manifest")
    one_line(desk("status", "--html", "", code=4), r"cannot write the page : the name is empty")
    one_line(desk("status", "--public", code=4), r"--public requires --html")
    assert desk.sandbox.requests()["total"] == 0


def test_a_pipe_gets_the_page_and_one_without_a_reader_is_an_error(desk):
    desk.write({"name": "tile", "cmd": "true"})
    pipe = desk.folder / "pipe"
    os.mkfifo(pipe)
    assert "cannot write the page pipe: no process reads this pipe" in desk("status", "--html", "pipe", code=1).err
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    desk("status", "--html", "pipe")
    reader.join()
    assert b"</html>" in read[0]


def test_a_full_disk_keeps_the_old_page_and_does_not_stop_the_work(desk):
    desk.write({"name": "tile", "replicas": 2, "cmd": "true"})
    desk("status", "--html", "page.html")
    before = (desk.folder / "page.html").read_bytes()

    limits = {resource.RLIMIT_FSIZE: 40_000}  # bytes: the state fits, the page does not
    words = ["apply", "--yes", "--settle", "0.5s", "--wait", "complete", "--poll", "0.3s", "--html", "page.html"]
    ended = desk.finish(desk.start(*words, limits=limits), code=1)
    assert (
        ended.err.count("cannot write the page page.html: File too large") == 2
    )  # a warning, and the error at the end
    assert (desk.folder / "page.html").read_bytes() == before
    assert desk.plan()["summary"]["done"] == 2
    assert not list(desk.folder.glob(".page*"))


def test_two_writers_leave_the_page_of_one_of_them(desk):
    for number in range(2):
        desk.write({"name": "tile", "replicas": 2, "cmd": "true"}, project=f"p{number}", name=f"m{number}.yaml")
    started = [desk.start("status", f"m{number}.yaml", "--html", "page.html") for number in (0, 1, 0, 1)]
    for process, _ in zip(started, count(), strict=False):
        desk.finish(process)
    _, project = page_of(desk)
    assert project["name"] in ("p0", "p1")
    assert not list(desk.folder.glob(".page*"))


def test_a_damaged_state_leaves_the_old_page(desk):
    desk.write({"name": "tile", "cmd": "true"})
    desk.apply("--html", "page.html")
    before = (desk.folder / "page.html").read_bytes()
    desk.state_path.write_text(desk.state_path.read_text()[:200])
    assert "damaged" in desk("status", "--html", "page.html", code=1).err
    assert (desk.folder / "page.html").read_bytes() == before
