"""Text of others in every output: nothing acts on a terminal, and nothing is a command for the runner of a CI job."""

from __future__ import annotations

import json
import os
import re
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from skaha_apply.cli import main
from skaha_apply.cli.output.outlet import Outlet

BAD = "::set-output name=approved::yes ##[add-mask]e ##vso[x]y \u202eabc\x9b31m"
KEY = "::set-output name=approved::yes"
ALLOWED = re.compile(r"[^\n\t\x20-\x7e]")


def commands(data, *, ours=r"(?!)"):
    """What the runner would execute of a job's output; and the characters that a terminal acts on."""
    text = data.decode("utf-8")
    lines = re.split(r"\r\n|\n|\r", text)
    found = [line for line in lines if line.strip().startswith("::") and not re.match(ours, line)]
    found += [line for line in lines if re.search(r"##\w*\[", line)]
    return found + [char for char in ALLOWED.findall(text) if not char.isprintable()]


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A folder with a manifest whose texts, keys, file names and lists are hostile; GitHub Actions runs the job."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("SKAHA", "CANFAR", "GITHUB", "CI"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (tmp_path / "tiles.txt").write_text("::error::t1\n##[add-mask]t2\n")
    (tmp_path / "m.yaml").write_text(
        'version: 1\nproject: p\ndefaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 1, ram: 4}\n'
        "sessions:\n"
        '  - {name: "a-${t}", matrix: {t: {file: tiles.txt}}, cmd: "##[error]x", args: ["##[add-mask]e", "${t}"]}\n'
        f'  - {{name: b, cmd: echo, args: [x], env: {{"{KEY}": "1", OK: "##[add-mask]e"}}}}\n',
    )
    (tmp_path / "good.yaml").write_text(
        'version: 1\nproject: p\ndefaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 1, ram: 4}\n'
        "sessions:\n"
        '  - {name: "a-${t}", matrix: {t: {file: tiles.txt}}, cmd: echo, args: ["##[add-mask]e", "${t}"]}\n'
        '  - {name: b, cmd: echo, args: ["::error::x"], env: {OK: "##[add-mask]e"}}\n',
    )
    (tmp_path / "::error::f.yaml").write_text(f'version: 1\nproject: p\n"{KEY}": 1\n##[group]x\nsessions: [ \n')
    (tmp_path / "##[error]g.yaml").write_text(json.dumps({"version": 1, "project": BAD, "sessions": [{"name": BAD}]}))
    return tmp_path


LINTED = ["m.yaml", "::error::f.yaml", "##[error]g.yaml"]
CALLS = [
    *(["lint", *LINTED, "-o", form] for form in ("text", "json", "github", "sarif", "junit", "gitlab")),
    ["plan", "m.yaml", "--offline"],
    *(["plan", "good.yaml", "--offline", "-o", form] for form in ("text", "json", "markdown")),
    ["plan", "::error::f.yaml", "--offline"],
    ["plan", "good.yaml", "--offline", "--target", "::error::x"],
    ["plan", "good.yaml", "--offline", "--var", f"{KEY}=1"],
    ["plan", "good.yaml", "--offline", "--out", "::error::/x", "--report", "::error::=x"],
    ["plan", "good.yaml", "--offline", "--report", "json=::error::/x"],
    ["plan", "good.yaml", "--offline", "--project", "::error::x"],
    ["plan", "good.yaml", "--offline", "--state", "::error::x://y"],
    *(["graph", *LINTED, "-o", form] for form in ("text", "mermaid", "svg")),
    ["fmt", "--check", *LINTED],
    ["convert", "--", "skaha", "create", "-n", "a", "-e", f"{KEY}=1", "images.canfar.net/skaha/a:1", "--", "##[x]y"],
    ["convert", "--", "skaha", "create", "-n", BAD, "::error::x"],
    ["split", "--list", "tiles.txt", "--replicas", "2"],
    ["split", "--list", "tiles.txt", "--replicas", "2", "-o", "json"],
    ["split", "##[error]*", "--replicas", "1"],
    ["split", "--list", "::error::none", "--replicas", "1"],
    ["mark", "complete", "::error::x", "--manifest", "good.yaml"],
    ["mark", "complete", "--from", "::error::none"],
    ["logs", "::error::x", "--manifest", "good.yaml"],
    ["state", "show", "--project", "::error::x"],
    ["state", "push", "::error::none"],
    ["status", "good.yaml", "--server", "::error::x"],
    ["::error::x"],
    ["lint", "--::error::x"],
    ["lint", "-o", "::error::x"],
    ["plan", "--timeout\n::error::x"],
    ["lint", "m.yaml", "--select", "::error::x\r::error::y"],
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(call)[:50].encode("ascii", "replace").decode())
def test_hostile_text_has_no_effect(hostile, capfdbinary, call):
    main(call)
    shown = capfdbinary.readouterr()
    ours = r"::(error|warning|notice) [^:]*::|::notice::\d+ more" if "github" in call else r"(?!)"
    assert not commands(shown.out, ours=ours)
    assert not commands(shown.err)
    assert b"Traceback" not in shown.err
    assert shown.out + shown.err


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab"])
def test_a_document_keeps_its_values(hostile, capfdbinary, form):
    main(["lint", "##[error]g.yaml", "-o", form])
    document = json.loads(capfdbinary.readouterr().out)
    assert "##[error]g.yaml" in json.dumps(document, ensure_ascii=False) or form == "sarif"
    assert "::set-output name=approved::yes" in json.dumps(document)


def test_junit_keeps_its_values(hostile, capfdbinary):
    main(["lint", "::error::f.yaml", "##[error]g.yaml", "-o", "junit"])
    suites = ET.fromstring(capfdbinary.readouterr().out)
    assert {suite.get("name") for suite in suites} == {"::error::f.yaml", "##[error]g.yaml"}


def test_a_converted_line_keeps_its_values(hostile, capfdbinary):
    words = ["canfar", "create", "headless", "images.canfar.net/skaha/a:1", "-n", "a"]
    main(["convert", "--", *words, "-e", "A=##[error]x", "--", "##[x]y", "::z", "w"])
    shown = capfdbinary.readouterr().out
    spec = YAML(typ="safe").load(shown)["sessions"][0]
    assert spec["env"] == {"A": "##[error]x"}
    assert [spec["cmd"], *spec["args"]] == ["##[x]y", "::z", "w"]
    assert not commands(shown)


def test_fmt_prints_no_command_in_a_job_and_every_byte_elsewhere(hostile, capfdbinary, monkeypatch):
    text = b"version: 1\nproject: p\n##[group]x\nsessions: []\n"
    (hostile / "in.yaml").write_bytes(text)
    for variable, code in (("true", 1), ("", 0)):
        monkeypatch.setenv("GITHUB_ACTIONS", variable)
        with (hostile / "in.yaml").open() as file:
            monkeypatch.setattr("sys.stdin", file)
            assert main(["fmt", "-"]) == code
        shown = capfdbinary.readouterr()
        assert (shown.out == text) is (code == 0)
        assert b"its line 3 as a command" in shown.err or code == 0


def test_a_command_in_pieces_is_broken_up_too(tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with (tmp_path / "out").open("w") as file:
        outlet = Outlet(file)
        for piece in ("a\n ", " :", ":error", "::x\n#", "#", "[error]y ::z\n", "\x1b[1m::w\n"):
            outlet.write(piece)
    assert (tmp_path / "out").read_text() == "a\n  :\\x3aerror::x\n##\\x5berror]y ::z\n\\x1b[1m::w\n"


HOSTILE_LOG = (
    "::error::a ##[add-mask]b\\r::error::c\\n  ::set-output name=d::e\\n\\033[31m##[group]f\\342\\200\\256g\\n"
)


def test_a_log_of_a_session_acts_nowhere(hostile, sandbox, monkeypatch, capfdbinary):
    monkeypatch.setenv("SKAHA_URL", sandbox.url)
    monkeypatch.setenv("SKAHA_TOKEN", sandbox.token)
    (hostile / "bad.sh").write_text(f"printf '{HOSTILE_LOG}'; exit 1\n")
    (hostile / "run.yaml").write_text(
        'version: 1\nproject: p\ndefaults: {image: "images.canfar.net/skaha/astroml:24.07"}\nsessions:\n'
        '  - {name: b, cmd: bash, args: [bad.sh, "##[x]", "::error::y"]}\n',
    )
    waits = ["--wait", "complete", "--poll", "0.2s", "--settle", "0.2s"]
    named = ["--manifest", "run.yaml"]
    calls = [
        ["apply", "run.yaml", "--yes", "-v", "--events", "events.jsonl", *waits],
        ["logs", "b", *named],
        ["events", "b", *named],
        *(["status", "run.yaml", "-o", form] for form in ("text", "json")),
        *(["plan", "run.yaml", "-o", form] for form in ("text", "json", "markdown")),
        ["state", "show", *named],
        ["state", "pull", *named],
        ["export", "--all"],
    ]
    shown = {}
    for call in calls:
        main(call)
        both = capfdbinary.readouterr()
        assert not commands(both.out), call
        assert not commands(both.err), call
        shown[call[0]] = both.out
    assert b"\\x3aerror" in shown["apply"]  # the end of the log is in the report
    assert b"##\\x5badd-mask]b" in shown["logs"]
    assert json.loads(shown["state"])["specs"]
    assert not commands((hostile / "events.jsonl").read_bytes())
