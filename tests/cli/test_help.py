"""The help of each command: layout, length, groups and examples."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from skaha_apply.cli import command_line, main
from skaha_apply.cli.help import GROUPS
from skaha_apply.model.errors import ExitCode

MAX_SUMMARY = 60  # columns
WIDTH = 80  # columns of the terminal
COMMANDS_FOLDER = Path(command_line.__file__).parent / "commands"
# Commands of a group are in the module of the group.
GROUPED = {"state", "sandbox"}
FOR_SCRIPTS = {"plan", "apply", "status", "lint"}


def commands():
    """Every command and group by its words, `()` for the program itself."""

    def walk(command, path):
        yield path, command
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, (*path, name))

    command_line.register()
    return dict(walk(get_command(command_line.app), ()))


COMMANDS = commands()
IDS = [" ".join(path) or "skaha-apply" for path in COMMANDS]


def printed_help(path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    assert main([*path, "--help"]) == 0
    return capsys.readouterr().out


def sections(text):
    """The lines below each heading that stands in the first column."""
    found, name = {}, ""
    for row in text.splitlines():
        if row and not row.startswith(" "):
            name = row.removesuffix(":")
        else:
            found.setdefault(name, []).append(row)
    return found


def examples(path):
    text = (COMMANDS[path].epilog or "").partition("\n\n")[0]
    return [row.strip().partition("   ")[0] for row in text.splitlines()[1:]]


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_the_summary_is_one_short_imperative_line(path):
    summary, _, rest = COMMANDS[path].help.partition("\n\n")
    assert "\n" not in summary.strip()
    assert len(summary) <= MAX_SUMMARY
    assert not summary.endswith(".")
    assert summary[0].isupper()
    assert rest.strip().endswith("."), "a paragraph follows the summary"
    assert "\n\n" not in rest.strip(), "one paragraph"


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_no_summary_is_cut(path, capsys, monkeypatch):
    listed = "\n".join(sections(printed_help(path, capsys, monkeypatch)).get("Commands", ()))
    assert "..." not in listed


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_options_stand_in_named_groups_with_the_common_ones_last(path, capsys, monkeypatch):
    if hasattr(COMMANDS[path], "commands"):
        pytest.skip("a group of commands has no options of its own")
    text = printed_help(path, capsys, monkeypatch)
    names = [name for name in sections(text) if name in GROUPS]
    assert names == [name for name in GROUPS if name in names]
    assert names[-1] == "Common"
    common = "\n".join(sections(text)["Common"])
    assert set(re.findall(r"--[a-z][a-z-]*", common)) == {"--no-color", "--verbose", "--help"}


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_the_help_of_an_option_fits_two_lines(path, capsys, monkeypatch):
    found = sections(printed_help(path, capsys, monkeypatch))
    rows = [row for part in (*GROUPS, "Options") for row in found.get(part, ()) if row]
    starts = [number for number, row in enumerate(rows) if row.startswith("  -")]
    for first, after in zip(starts, [*starts[1:], len(rows)][: len(starts)], strict=True):
        entry = rows[first:after]
        alone = len(entry[0].split("  ")) == 2  # a long option has a line of its own
        assert len(entry) - alone <= 2, entry


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_an_option_with_a_value_states_its_default(path):
    for parameter in COMMANDS[path].params:
        if parameter.param_type_name == "option" and not parameter.is_flag and parameter.name not in NO_DEFAULT:
            assert "(default: " in parameter.help, parameter.name


# A value that has no default: its option text states what happens without it, or requires it.
NO_DEFAULT = {"adopt", "replicas", "session", "timeline", "picture"}


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_each_command_has_an_example_that_is_one_of_its_invocations(path, capsys, monkeypatch):
    assert examples(path)
    text = printed_help(path, capsys, monkeypatch)
    for example in examples(path):
        assert example in text
        assert shlex.join(["skaha-apply", *path]) in example or not path


@pytest.mark.parametrize("name", sorted(FOR_SCRIPTS))
def test_commands_for_scripts_list_their_exit_codes(name, capsys, monkeypatch):
    rows = sections(printed_help((name,), capsys, monkeypatch))["Exit codes"]
    codes = [int(row.split()[0]) for row in rows if row]
    assert codes == sorted(codes)
    assert set(codes) <= set(ExitCode)
    assert {0, 1, 4, 130} <= set(codes)


def test_commands_that_serve_have_one_table_and_run_names_the_other_controller(capsys, monkeypatch):
    ui, run = (sections(printed_help((name,), capsys, monkeypatch))["Exit codes"] for name in ("ui", "run"))
    assert ui[0] == "  0    a signal ended the command"
    assert run == [*ui, "  6    another controller works on a project"]


def registered_names(module):
    """The first name in each `command(app, NAME)` and `add_group(NAME)` of a module."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "add_group":
                yield node.args[0].value
            elif node.func.id == "command" and node.args[0].id == "app":
                yield node.args[1].value


def test_the_command_x_lives_in_the_module_x():
    modules = {path.stem: path for path in COMMANDS_FOLDER.glob("*.py") if path.stem != "__init__"}
    assert set(modules) == set(command_line.COMMANDS)
    for name, module in modules.items():
        assert list(registered_names(module)) == [name]


def test_help_imports_no_heavy_module():
    program = (
        "import sys; from skaha_apply.cli import main; main(['apply', '--help']);"
        "heavy = {'rich', 'httpx', 'ruamel', 'deepdiff', 'matplotlib'} & set(sys.modules);"
        "print('heavy:', sorted(heavy))"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert made.stdout.splitlines()[-1] == "heavy: []"
