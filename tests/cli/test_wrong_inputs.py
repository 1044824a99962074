"""No command line and no file makes a command end with a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from skaha_apply.cli import command_line
from skaha_apply.cli.completion.grammar import grammar
from skaha_apply.model.errors import ExitCode

COMMANDS = ("completion", "convert", "doctor", "fmt", "graph", "init", "limits", "open", "ps", "show")
LEFT_OUT = {"--help", "-h"}
LEFT_OUT |= {"--sandbox", "--pretend", "--fail", "--speed", "--mount"}  # they start a sandbox that outlives the test
EXAMPLES = 21  # for each command, so more than 200 in all
IMAGE = "images.canfar.net/skaha/astroml:24.07"
# A line of each command that can work, to which other words are added.
USUAL = {
    "completion": ["bash"],
    "convert": ["run.sh"],
    "doctor": ["m.yaml"],
    "fmt": ["m.yaml"],
    "graph": ["m.yaml"],
    "init": ["new.yaml", "--image", IMAGE, "--list", "tiles.txt", "--script", "run.sh"],
    "open": ["det-1"],
    "show": ["det-1/1"],
}
SCRIPT = Path(__file__).with_name("wrong_inputs.py")
MANIFEST = """\
version: 1
project: survey
sessions:
  - {name: "det-${tile}", image: "images.canfar.net/skaha/astroml:24.07", cmd: run, matrix: {tile: [1, 2]}, retries: 2}
"""
BASH = """\
for tile in $(cat tiles.txt); do
  skaha create headless images.canfar.net/skaha/astroml:24.07 --name "det-$tile" -- run "$tile"
done
"""
PYTHON = """\
from skaha.session import Session
for tile in [1, 2]:
    Session().create(name=f"det-{tile}", image="images.canfar.net/skaha/astroml:24.07", cmd="run", args=str(tile))
"""
STATE = '{"format_version": "1.0", "project": "survey", "replicas": [{"session": "det-1", "replica": 1}]}'
FILES = {"m.yaml": MANIFEST, "run.sh": BASH, "run.py": PYTHON, "s.json": STATE, "tiles.txt": "1\n2\n"}
WORDS = (
    *FILES, ".", "none.yaml", "-", "--", "det-1", "det-1/1", "det-${tile}/9", "/", "a/b", "[", "*", "survey", "json",
    "0", "-1", "1e999", "99999d", "3d", "bash", "tcsh", "http://127.0.0.1:1/skaha", "ftp://x", "http://[", "a=b", "=",
)  # fmt: skip


def options():
    command_line.register()
    found = dict(grammar(get_command(command_line.app)))
    return {name: sorted(set(found[name].options) - LEFT_OUT) for name in COMMANDS}


OPTIONS = options()
# What a shell can pass: no NUL, and bytes that are not UTF-8 as surrogates.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
words = st.one_of(st.sampled_from(WORDS), texts, st.just("\udcff"))


def damaged(text):
    """A file as written, cut, repeated, with a text inserted, or as bytes of anything."""
    place = st.integers(0, len(text))
    return st.one_of(
        st.just(text.encode()),
        place.map(lambda end: text[:end].encode()),
        st.builds(
            lambda at, new: (text[:at] + new + text[at:]).encode(), place, st.text(max_size=8).map(without_surrogates)
        ),
        st.builds(lambda start, end: (text[:end] + text[start:]).encode(), place, place),
        st.binary(max_size=40),
    )


def without_surrogates(text):
    return text.encode("utf-8", "ignore").decode()


files = st.fixed_dictionaries({name: damaged(text) for name, text in FILES.items()})


def lines(command):
    """A line that can work with one or two further words, or any words."""
    option = st.sampled_from(OPTIONS[command])
    more = st.one_of(st.tuples(option), st.tuples(option, words), st.tuples(words)).map(list)
    usual = st.just(USUAL.get(command, []))
    others = st.just(["run.py"] if command == "convert" else USUAL.get(command, []))
    longer = st.builds(lambda first, rest: first + rest, usual, more)
    any_words = st.builds(lambda first, rest: first + rest, more, more)
    return st.one_of(usual, others, longer, more, any_words)


class Worker:
    """One process that runs command lines in a folder."""

    def __init__(self, prepared, folder, environment):
        self.folder = folder
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = prepared.start([], script=SCRIPT, cwd=folder, env=environment, **streams)

    def run(self, given_words, given_files):
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, content in given_files.items():
            (self.folder / name).write_bytes(content)
        if "s.json" in given_files:
            state = self.folder / ".skaha-apply" / "localhost" / "survey.state.json"
            state.parent.mkdir(parents=True)
            state.write_bytes(given_files["s.json"])
        self._process.stdin.write(json.dumps(given_words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)


@pytest.fixture(scope="module")
def worker(prepared, _shared_sandbox, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    surroundings = {"SKAHA_URL": _shared_sandbox.url, "SKAHA_TOKEN": _shared_sandbox.token, "BROWSER": "true"}
    started = Worker(prepared, folder, {**kept, **surroundings, "HOME": str(folder), "SKAHA_APPLY_RETRY_TIME": "1s"})
    yield started
    started.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_input_ends_without_a_traceback(worker, command):
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(lines(command), files)
    def check(line, given_files):
        code, printed = worker.run([command, *line], given_files)
        assert code in list(ExitCode), printed
        assert "Traceback" not in printed
        assert "this is a bug" not in printed

    check()
