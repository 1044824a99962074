"""The completion scripts: their words are those of the help, and bash completes with them."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time

import pytest
from typer.main import get_command

from skaha_apply.cli import command_line, main
from skaha_apply.cli.completion.grammar import grammar
from skaha_apply.cli.completion.names import MOST_NAMES, names
from skaha_apply.cli.overview import COMMANDS

SURVEY = """\
version: 1
project: survey
sessions:
  - name: prepare
    image: images.canfar.net/skaha/astroml:24.07
    env: {name: other}
  - {name: "det-${tile}-${band}", matrix: {tile: [a, b], band: [r]}}  # in one line
"""
BASH = """\
source "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=() COMP_CWORD=0
_skaha_apply "$3"
printf '%s\\n' "${COMPREPLY[@]}"
"""


STATIC = (
    ("skaha-apply ap", "apply"),
    ("skaha-apply state m", "mv"),
    ("skaha-apply apply --wa", "--wait"),
    ("skaha-apply apply --wait ", "none ready complete"),
    ("skaha-apply apply --wait=c", "complete"),
    ("skaha-apply apply --state x --wait r", "ready"),
    ("skaha-apply plan -o j", "json"),
    ("skaha-apply mark ", "complete rerun hold"),
    ("skaha-apply mark --force -y re", "rerun"),
    ("skaha-apply mark rerun --phase f", "failed"),
    ("skaha-apply completion z", "zsh"),
    ("skaha-apply apply --timeout ", ""),
    ("skaha-apply plam ", ""),
)
NAMED = (
    ("skaha-apply logs re", "reduce"),
    ("skaha-apply logs reduce/", "reduce/1 reduce/2"),
    ("skaha-apply mark rerun p", "prepare"),
    ("skaha-apply plan --target=s", "sum"),
)
# Shows in a file what the completion system of zsh accepts for the line; the key is Tab.
ZSH = """\
autoload -Uz compinit && compinit -u -D && source "$1"
compadd() { local -a matches; builtin compadd -O matches "$@"; print -rl -- $matches >> found; builtin compadd "$@" }
ended() { zle complete-word; print >> ended; zle kill-whole-line }
zle -N ended; bindkey '^I' ended
PS1= RPS1=
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """A function that returns the path of the script of a shell."""
    folder = tmp_path_factory.mktemp("scripts")

    def write(shell):
        path = folder / shell
        words = [sys.executable, "-m", "skaha_apply", "completion", shell]
        path.write_bytes(subprocess.run(words, capture_output=True, check=True).stdout)
        return path

    return write


@pytest.fixture(scope="module")
def bash_script(script):
    return script("bash")


@pytest.fixture
def complete(bash_script, tmp_path):
    """A function that returns what bash completes at the end of a line."""
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("bash is not installed")
    (tmp_path / "survey.yaml").write_text(SURVEY, encoding="utf-8")
    program = tmp_path / "skaha-apply"
    program.write_text(f'#!/bin/sh\necho "$@" >> calls\nexec {sys.executable} -m skaha_apply "$@"\n', encoding="utf-8")
    program.chmod(0o755)

    def run(line):
        words = [shell, "--norc", "-c", BASH, "bash", bash_script, line, program]
        made = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ)
        assert not made.stderr
        return made.stdout.split()

    return run


def write_state(folder, *replicas, server="ws-uv.canfar.net"):
    path = folder / ".skaha-apply" / server / "survey.state.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"replicas": [{"session": s, "replica": r} for s, r in replicas]}), encoding="utf-8")


def all_commands():
    command_line.register()
    return dict(grammar(get_command(command_line.app)))


@pytest.mark.parametrize("path", all_commands(), ids=lambda path: path or "skaha-apply")
def test_bash_completes_the_commands_and_options_of_the_help(path, complete, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    one = all_commands()[path]
    assert main([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    found = complete(f"skaha-apply {path} -".replace("  ", " "))
    assert set(found) == set(one.options)
    assert {"-h", "--help"} <= set(found)
    assert all(option in shown for option in found)
    if one.commands:
        assert complete(f"skaha-apply {path} ".replace("  ", " ")) == list(one.commands)
    if not path:
        assert list(one.commands) == list(COMMANDS)


@pytest.mark.parametrize(("line", "expected"), STATIC)
def test_static_words_start_no_process(line, expected, complete, tmp_path):
    assert complete(line) == expected.split()
    assert not (tmp_path / "calls").exists()


def test_names_come_from_the_manifests_and_the_state(complete, tmp_path):
    write_state(tmp_path, ("reduce", 1), ("reduce", 2), ("sum", 1))
    assert complete("skaha-apply logs re") == ["reduce"]
    assert complete("skaha-apply logs reduce/") == ["reduce/1", "reduce/2"]
    assert complete("skaha-apply mark rerun ") == [r"det-\$\{tile\}-\$\{band\}", "prepare", "reduce", "sum"]
    assert complete("skaha-apply logs 'det-") == ["det-${tile}-${band}"]
    assert complete("skaha-apply logs --pretend pr") == ["prepare"]
    assert complete("skaha-apply plan --target=s") == ["sum"]
    assert len((tmp_path / "calls").read_text(encoding="utf-8").splitlines()) == 6


def test_the_options_of_the_line_choose_the_state_and_the_manifests(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_state(tmp_path, ("real", 1))
    write_state(tmp_path, ("rehearsed", 1), server="sandbox")
    other = tmp_path / "other"
    other.mkdir()
    (other / "m.yaml").write_text("sessions:\n- name: another\n", encoding="utf-8")
    (tmp_path / "one.json").write_text('{"replicas": [{"session": "apart", "replica": 1}]}', encoding="utf-8")
    assert names("", ["logs", "--manifest", "none.yaml"]) == ["real"]
    assert names("", ["logs", "--sandbox", "--manifest", "other/m.yaml"]) == ["another", "rehearsed"]
    assert names("", ["logs", "--pretend=5s", "--manifest", "other/m.yaml"]) == ["another", "rehearsed"]
    assert names("", ["plan", "--state=one.json", "other"]) == ["another", "apart"]
    monkeypatch.setenv("SKAHA_APPLY_SANDBOX", "1")
    assert names("", ["logs", "--manifest", "other/m.yaml"]) == ["another", "rehearsed"]
    monkeypatch.delenv("SKAHA_APPLY_SANDBOX")
    monkeypatch.chdir(other)
    assert names("", []) == ["another", "real"]


def test_damaged_and_hostile_files_have_no_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_state(tmp_path, ("a\x1b[2J", 1), ("$(touch owned)", 1), ("ok", 1), *((f"s{i}", 1) for i in range(2000)))
    state = tmp_path / ".skaha-apply" / "damaged"
    state.mkdir()
    (state / "a.state.json").write_bytes(b"\xff{")
    (state / "b.state.json").write_text('{"replicas": [1, 2]}', encoding="utf-8")
    (tmp_path / "m.yaml").write_bytes(b"\xff- name: [x\n- name: `reboot`\n")
    found = names("", [])
    assert len(found) == MOST_NAMES
    assert found[0] == "ok"
    assert names("a", []) == names("$", []) == names("`", []) == []


@pytest.mark.parametrize("words", [["plan", "pipe.yaml"], ["plan", "."], ["plan", "--state", "pipe.yaml", "m.yaml"]])
def test_a_pipe_keeps_no_key_waiting(tmp_path, words):
    (tmp_path / "m.yaml").write_text("sessions:\n- name: one\n", encoding="utf-8")
    (tmp_path / ".skaha-apply").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    os.mkfifo(tmp_path / ".skaha-apply" / "a.state.json")
    line = [sys.executable, "-m", "skaha_apply", "completion", "--words", "", *words]
    found = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == ([] if words[1] == "pipe.yaml" else ["one"])


def test_manifests_that_commands_leave_out_have_no_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, place in (("sample", "examples"), ("det", "survey"), ("late", "survey/old"), ("secret", ".hidden")):
        (tmp_path / "manifests" / place).mkdir(parents=True)
        (tmp_path / "manifests" / place / "m.yaml").write_text(f"sessions:\n- name: {name}\n", encoding="utf-8")
    assert names("", []) == ["det", "late", "sample"]
    ignored = tmp_path / "manifests/.skaha-apply-ignore"
    ignored.write_text("examples/\n", encoding="utf-8")
    assert names("", []) == ["det", "late"]
    (tmp_path / "manifests/survey/.skaha-apply-ignore").write_text("old/\n", encoding="utf-8")
    assert names("", []) == ["det"]
    assert names("", ["plan", "manifests/examples"]) == ["sample"]  # the user named it
    ignored.unlink()
    os.mkfifo(ignored)  # `plan` fails too
    assert names("", []) == []


def imported(folder, *words):
    """The modules that a process has imported at the end of a command line."""
    program = (
        "import sys; from skaha_apply.cli import main; main(sys.argv[1:]);"
        "print(*sys.modules, file=open('modules', 'w'))"
    )
    subprocess.run([sys.executable, "-c", program, *words], cwd=folder, capture_output=True, check=True)
    return set((folder / "modules").read_text(encoding="utf-8").split())


def test_a_key_costs_at_most_a_third_more_than_the_version(desk):
    """Counted, because the time of both is that of their imports. A server is never asked: no network is imported."""
    names_of_replicas = imported(desk, "completion", "--words", "reduce/", "logs")
    assert len(names_of_replicas) <= 1.3 * len(imported(desk, "--version"))
    assert not names_of_replicas & {"typer", "pydantic", "asyncio", "ruamel", "typing", "pathlib", "socket", "ssl"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_reads_its_script(shell, script):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n", script(shell)], check=True)


@pytest.fixture
def desk(tmp_path):
    """A folder with a manifest and a state, and a program `skaha-apply` on the path."""
    (tmp_path / "survey.yaml").write_text(SURVEY, encoding="utf-8")
    write_state(tmp_path, ("reduce", 1), ("reduce", 2), ("sum", 1))
    program = tmp_path / "bin" / "skaha-apply"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m skaha_apply "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def surroundings(desk):
    return {"PATH": f"{desk / 'bin'}:{os.environ['PATH']}", "HOME": str(desk), "TERM": "dumb", "LANG": "C.UTF-8"}


def without_option(found):
    """The words of fish: it writes the option again before a value behind `=`, and each word has its text."""
    return sorted(line.partition("\t")[0].rpartition("=")[2] for line in found)


def test_fish_completes_what_bash_completes(script, desk):
    shell = shutil.which("fish")
    if shell is None:
        pytest.skip("fish is not installed")
    lines = [line for line, _ in (*STATIC, *NAMED)]
    program = 'source $argv[1]; for line in $argv[2..]; complete -C "$line"; echo "=="; end'
    words = [shell, "--no-config", "-c", program, script("fish"), *lines]
    made = subprocess.run(words, cwd=desk, capture_output=True, text=True, check=True, env=surroundings(desk))
    assert not made.stderr
    found = [without_option(part.splitlines()) for part in made.stdout.split("==\n")[:-1]]
    assert dict(zip(lines, found, strict=True)) == {line: sorted(words.split()) for line, words in (*STATIC, *NAMED)}


def test_zsh_completes_what_bash_completes(script, desk):
    shell = shutil.which("zsh")
    if shell is None:
        pytest.skip("zsh is not installed")
    (desk / "rc.zsh").write_text(ZSH, encoding="utf-8")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [shell, "-f", "-i"], cwd=desk, env=surroundings(desk), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        os.write(ours, f"source rc.zsh {script('zsh')}\n".encode())
        for number, (line, expected) in enumerate((*STATIC, *NAMED), start=1):
            (desk / "found").write_text("", encoding="utf-8")
            os.write(ours, f"{line}\t".encode())
            read_until(ours, lambda number=number: lines_of(desk / "ended") == number)
            found = (desk / "found").read_text(encoding="utf-8").split()
            assert sorted(set(found)) == sorted(expected.split()), line
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def lines_of(path):
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def read_until(terminal, met, seconds=30):
    """Read what a terminal shows until something is true."""
    until, screen = time.monotonic() + seconds, b""
    while not met():
        assert time.monotonic() < until, screen.decode(errors="replace")
        if select.select([terminal], [], [], 0.01)[0]:
            screen += os.read(terminal, 65536)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_each_script_has_the_words_of_the_help(shell, script):
    text = script(shell).read_text(encoding="utf-8")
    for path, one in all_commands().items():
        for option in one.options:
            written = option.lstrip("-") if shell == "fish" else option
            assert written in text, (path, option)
        assert all(name in text for name in one.commands)


def test_a_shell_without_a_script_is_a_usage_error(capsys):
    assert main(["completion", "tcsh"]) == 4
    assert main(["completion"]) == 4
    assert "Traceback" not in capsys.readouterr().err
