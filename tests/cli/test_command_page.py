"""The page of the command line names every command, option and exit code, and none that is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from skaha_apply.cli import command_line
from skaha_apply.model.errors import ExitCode

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
BASIC = "Options of every command"
# A section of shared options, by the option that marks the commands that have all of them.
SHARED = {
    "--state": "Options of commands that work on a project",
    "--show-ids --var": "Options of commands that compare manifests with sessions",
    "--lock-timeout": "Options of commands that write the state",
    "--sandbox --pretend": "Options of the sandbox",
}


def commands():
    def walk(one, path):
        inner = getattr(one, "commands", None)
        if inner is None:
            yield " ".join(path), one
        for name, child in (inner or {}).items():
            yield from walk(child, [*path, name])

    command_line.register()
    return dict(walk(get_command(command_line.app), []))


def documented(section):
    cells = re.findall(r"^\| (.+?) \|(?<!\\\|) ", SECTIONS[section], re.MULTILINE)
    return {option for cell in cells for option in re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", cell)}


@pytest.mark.parametrize("name", commands())
def test_a_section_has_exactly_the_options_of_its_command(name):
    options = [one for one in commands()[name].params if one.param_type_name == "option"]
    known = {"-h", "--help", *(word for one in options for word in (*one.opts, *one.secondary_opts))}
    shared = [documented(section) for marks, section in SHARED.items() if known.issuperset(marks.split())]
    assert documented(name) | documented(BASIC).union(*shared) == known


@pytest.mark.parametrize("name", commands())
def test_a_section_has_the_arguments_of_its_command(name):
    rows = len(
        re.findall(r"^\| `?(?!argument|-{3})(?!`?-{1,2}[a-z])", SECTIONS[name].split("| symbol")[0], re.MULTILINE)
    )
    arguments = sum(one.param_type_name == "argument" for one in commands()[name].params)
    assert rows == arguments


def test_each_command_is_registered_by_its_own_module_alone():
    for name in command_line.COMMANDS:
        program = f"from skaha_apply.cli import command_line; command_line.register({name!r})"
        program += "; from typer.main import get_command; print(sorted(get_command(command_line.app).commands))"
        made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert f"'{name}'" in made.stdout.splitlines()[-1]
    assert set(command_line.COMMANDS) == {name.split(" ")[0] for name in commands()}


@pytest.mark.parametrize("section", SHARED.values())
def test_a_section_of_shared_options_names_its_commands(section):
    mark = next(marks.split() for marks, one in SHARED.items() if one == section)
    having = {
        name for name, one in commands().items() if {word for each in one.params for word in each.opts} >= set(mark)
    }
    listed = SECTIONS[section].partition("| option")[0]
    named = set(re.findall(r"`([a-z ]+)`", listed))
    assert named - {"state"} | {name for name in having if "state" in named and name.startswith("state ")} == having


def test_sections_are_commands():
    assert set(SECTIONS) - {BASIC, *SHARED.values(), "Exit codes"} == set(commands())


def test_every_exit_code_is_documented():
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", SECTIONS["Exit codes"], re.MULTILINE)} == set(ExitCode)
