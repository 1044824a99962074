"""`lint` for a shell, an editor and CI: exit codes, reports, with and without a server, and files of other kinds."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time

import jsonschema
import pytest

from skaha_apply.render.lint.documents import lint_schema

IMAGE = "images.canfar.net/skaha/astroml:24.07"
HEAD = "version: 1\nproject: p\nsessions:\n"
WARNING = f"{HEAD}  - {{name: a, image: {IMAGE}, cmd: p, cores: 2}}\n"
ERROR = f"{HEAD}  - {{name: a, image: {IMAGE}, cmd: a b}}\n"
MEMORY = 700 << 20  # bytes of address space: what a 50 MB file or a bomb of aliases must not need
WITHIN_S = 30


def document(made):
    found = json.loads(made.stdout)
    jsonschema.validate(found, lint_schema())
    return found


def test_exit_codes(command):
    assert command("lint", "m.yaml").returncode == 0
    command.manifest(WARNING)
    assert command("lint", "m.yaml").returncode == 0
    assert command("lint", "m.yaml", "--strict").returncode == 1
    command.manifest(ERROR)
    made = command("lint", "m.yaml")
    assert made.returncode == 1
    assert made.stdout.startswith("m.yaml:4:")
    assert made.stderr == ""


def test_rules_are_chosen(command):
    command.manifest(ERROR.replace("a b", "a b, cores: 2"))
    assert command("lint", "m.yaml", "--ignore", "cmd-space", "--ignore", "half-fixed", "--strict").returncode == 0
    assert command("lint", "m.yaml", "--ignore", "cmd-space,half-fixed", "--strict").returncode == 0
    selected = document(command("lint", "m.yaml", "--select", "half-fixed", "-o", "json"))
    assert [one["rule"] for one in selected["diagnostics"]] == ["half-fixed"]
    for words, said in (
        (["--select", "half-fixe"], "did you mean half-fixed"),
        (["--ignore", "unknown-key"], "syntax error"),
        (["--report", "xml=a"], "write FORMAT=FILE"),
        (["--report", "json"], "write FORMAT=FILE"),
        (["--sandbox"], "--online"),
        (["--online", "--sandbox", "--server", "x"], "exclude each other"),
    ):
        made = command("lint", "m.yaml", *words)
        assert made.returncode == 4
        assert said in made.stderr


def test_reports_in_addition_to_the_text(command):
    command.manifest(ERROR)
    reports = [
        "json=a.json",
        "sarif=b.sarif",
        "junit=c.xml",
        "gitlab=d.json",
        "github=e.txt",
        "text=f.txt",
        "json=g.json",
    ]
    made = command("lint", "m.yaml", *(word for one in reports for word in ("--report", one)))
    assert made.returncode == 1
    assert (command.folder / "f.txt").read_text() == made.stdout
    assert (command.folder / "a.json").read_text() == (command.folder / "g.json").read_text()
    for file in "a.json", "b.sarif", "d.json":
        json.loads((command.folder / file).read_text())
    assert (command.folder / "c.xml").read_text().startswith("<?xml")
    assert (command.folder / "e.txt").read_text().startswith("::error file=m.yaml,line=4,")
    assert command("lint", "m.yaml", "--report", "json=no/such/folder").returncode == 1


def test_paths_are_those_of_the_repository(command):
    subprocess.run(["git", "init", "--quiet", command.folder], check=True)
    (command.folder / "deep down").mkdir()
    command.manifest(ERROR, "deep down/x.yaml")
    command.folder = command.folder / "deep down"
    assert "file=deep down/x.yaml," in command("lint", "x.yaml", "-o", "github").stdout
    assert json.loads(command("lint", "x.yaml", "-o", "gitlab").stdout)[0]["location"]["path"] == "deep down/x.yaml"
    assert "x.yaml:4" in command("lint", "x.yaml").stdout
    sarif = json.loads(command("lint", "x.yaml", "-o", "sarif").stdout)
    location = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "deep%20down/x.yaml"


def test_everything_goes_into_the_summary_of_the_job(command):
    command.manifest(HEAD + "".join(f"  - {{name: a{i}, image: {IMAGE}, cmd: a b}}\n" for i in range(30)))
    summary = command.folder / "summary.md"
    summary.write_text("# before\n")
    command.environment["GITHUB_STEP_SUMMARY"] = str(summary)
    made = command("lint", "m.yaml", "-o", "github")
    assert made.stdout.count("::error ") == 10
    assert "and 20 more" in made.stdout
    assert summary.read_text().startswith("# before\n")
    assert summary.read_text().count("cmd-space") == 30
    command.environment["GITHUB_STEP_SUMMARY"] = str(command.folder)
    made = command("lint", "m.yaml", "-o", "github")
    assert made.returncode == 1
    assert "warning: cannot write the job summary" in made.stderr


def test_standard_input(command):
    made = command("lint", "-", "-o", "json", input=ERROR)
    assert made.returncode == 1
    assert document(made)["diagnostics"][0]["range"]["filename"] == "-"


def test_online_the_server_is_asked(command, sandbox):
    command.manifest(
        f"{HEAD}  - {{name: a, image: {IMAGE}, cmd: p, cores: 40, ram: 3}}\n"
        "  - {name: b, image: 'images.canfar.net/skaha/astroml:1', cmd: p}\n"
        "  - {name: c, image: 'example.org/skaha/astroml:1', cmd: p}\n"
        f"  - {{name: desk, image: {IMAGE}, kind: notebook, replicas: 4}}\n"
    )
    sandbox.create(name="desk-1", type="notebook")
    offline = document(command("lint", "m.yaml", "-o", "json"))
    assert [(one["rule"], one["severity"]) for one in offline["diagnostics"]] == [("stock-options", "warning")] * 2
    made = document(command("lint", "m.yaml", "-o", "json", "--online"))
    assert [(one["rule"], one["severity"]) for one in made["diagnostics"]] == [
        ("stock-options", "error"),
        ("stock-options", "error"),
        ("image-unlisted", "error"),
        ("image-name", "error"),
    ]
    sandbox.create(name="other", type="notebook")
    sandbox.create(name="another", type="carta", image="images.canfar.net/skaha/carta:5.0")
    made = document(command("lint", "m.yaml", "-o", "json", "--online", "--select", "interactive-limit"))
    assert [one["rule"] for one in made["diagnostics"]] == ["interactive-limit"]
    assert "2 active now" in made["diagnostics"][0]["detail"]
    assert sandbox.requests()["counts"].get("POST /session", 0) == 3


@pytest.mark.parametrize("change", [{"SKAHA_URL": "http://127.0.0.1:9/skaha/v1"}, {"SKAHA_TOKEN": "token-expired"}, {}])
def test_a_server_that_cannot_be_asked_is_one_warning(command, change):
    if not change:
        del command.environment["SKAHA_TOKEN"]
        change = {"SKAHA_URL": "https://127.0.0.1:9/skaha/v1"}
    command.environment |= {**change, "SKAHA_APPLY_RETRY_TIME": "1s"}
    command.manifest(ERROR)
    made = command("lint", "m.yaml", "-o", "json", "--online")
    assert made.returncode == 1
    assert [one["rule"] for one in document(made)["diagnostics"]] == ["cmd-space", "server-unreached"]
    assert "token-expired" not in made.stdout + made.stderr
    command.manifest(WARNING.replace(", cores: 2", ""))
    made = command("lint", "m.yaml", "-o", "json", "--online")
    assert made.returncode == 0, made.stdout
    assert document(made)["warning_count"] == 1


def test_online_with_a_sandbox_of_its_own(command):
    command.manifest(f"{HEAD}  - {{name: a, image: 'images.canfar.net/me/x:1', cmd: p}}\n")
    try:
        made = command("lint", "m.yaml", "--online", "--sandbox")
    finally:
        command("sandbox", "stop")
    assert made.returncode == 1, made.stderr
    assert "[image-unlisted]" in made.stdout


def bomb(path):
    anchors = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for depth in range(1, 30):
        anchors += f"x-{depth}: &a{depth} [{', '.join([f'*a{depth - 1}'] * 10)}]\n"
    path.write_text(f"version: 1\nproject: p\n{anchors}sessions: *a29\n")


def large(path):
    with path.open("wb") as file:
        for _ in range(50):
            file.write(b"# " + b"x" * (1 << 20) + b"\n")


def circle(path):
    path.mkdir()
    (path / "self").symlink_to(path)


BAD = {
    "bomb of aliases": (bomb, "wrong-type"),
    "50 MB": (large, "too-large"),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 100), "encoding"),
    "Latin-1": (lambda path: path.write_bytes(HEAD.replace("p\n", "caf\xe9\n").encode("latin-1")), "encoding"),
    "UTF-16": (lambda path: path.write_text(ERROR, encoding="utf-16"), "encoding"),
    "tabs": (lambda path: path.write_text(HEAD + "\t- name: a\n"), "yaml"),
    "FIFO": (os.mkfifo, "file"),
    "folder in a circle": (circle, "file"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "file"),
    "link to itself": (lambda path: path.symlink_to(path.name), "file"),
    "nothing": (lambda path: None, "file"),
    "empty": (lambda path: path.write_text(""), "empty"),
}


@pytest.mark.parametrize("words", [["lint"], ["fmt", "--check"]], ids=" ".join)
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_diagnostic_in_bounded_time_and_memory(command, name, words):
    make, rule = BAD[name]
    make(command.folder / "bad.yaml")
    made = command(*words, "bad.yaml", limits={resource.RLIMIT_AS: MEMORY} if sys.platform == "linux" else None)
    printed = made.stdout + made.stderr
    assert made.returncode == 1, printed
    assert printed.count("error: ") == 1
    assert f"[{rule}]" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf" + WARNING.encode(), WARNING.replace("\n", "\r\n").encode()])
def test_a_byte_order_mark_and_windows_line_ends_are_fine(command, text):
    (command.folder / "m.yaml").write_bytes(text)
    made = command("lint", "m.yaml")
    assert made.returncode == 0
    assert "m.yaml:4:" in made.stdout


def test_files_that_vanish_meanwhile(command):
    """A thousand files, removed while they are read: the missing ones are printed, and nothing else happens."""
    (command.folder / "many").mkdir()
    paths = [command.folder / "many" / f"{index:04}.yaml" for index in range(1000)]
    for index, path in enumerate(paths):
        path.write_text(f"version: 1\nproject: p{index}\nsessions: []\n")
    # A fresh interpreter, whose start leaves the time in which the first files go: to lint all of them takes too long.
    process = command.start("lint", "many", "-o", "json", preexec_fn=lambda: None)
    while process.poll() is None and paths:
        paths.pop().unlink()
        time.sleep(0.0005)
    out, printed = process.communicate(timeout=WITHIN_S)
    assert "Traceback" not in printed
    document_ = json.loads(out)
    assert {one["rule"] for one in document_["diagnostics"]} <= {"file"}
    assert process.returncode == bool(document_["diagnostics"])
