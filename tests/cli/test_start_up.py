"""What a command imports: counted, because the time of a short command is mostly that of its imports."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import get_args

import pytest
import typer
from typer.main import get_command

from skaha_apply import manifest
from skaha_apply.cli import command_line, main
from skaha_apply.cli.overview import COMMANDS
from skaha_apply.model.spec import SessionSpec

MANIFEST = """\
version: 1
project: survey
sessions:
  - name: reduce
    image: images.canfar.net/skaha/astroml:24.07
    cmd: python
    args: [reduce.py, --night, "2026-11-22"]
    retries: 2
"""
FULL = """\
version: 1
project: survey
defaults: {image: "images.canfar.net/skaha/astroml:24.07", retry_wait: 60, env: {BAND: r}}
sessions:
  - {name: prepare, cmd: [python, -u], args: a b, cores: 2, ram: 8, gpus: 1, replicas: 3, parallelism: 2, pilot: 1}
  - {name: desk, kind: notebook, renew: 2d, protect: true, timeout: 90, pending_timeout: 1d}
  - name: "tile-${tile}"
    matrix: {tile: [1, 2], include: [{tile: 2, retry_wait: 30}]}
    needs: [{name: prepare, require: 95%}]
    cmd: run
    rerun: 12h
    timeout: 6h
    retries: 2
    stop_after: 3
    vanished: rerun
    when_removed: finish
"""
PROGRAM = """\
import sys
from skaha_apply.cli import main
code = main(sys.argv[1:])
print(*sorted(sys.modules), file=open("modules", "w"))
sys.exit(code)
"""
MOST_MODULES = 60  # that a process has imported after `--version`


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "manifest.yaml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


def imported(folder, *words):
    """The names of the modules that a process has imported at the end of a command line."""
    subprocess.run([sys.executable, "-c", PROGRAM, *words], cwd=folder, capture_output=True, text=True, check=True)
    return set((folder / "modules").read_text(encoding="utf-8").split())


def test_the_version_is_printed_without_the_parser(folder):
    modules = imported(folder, "--version")
    assert len(modules) < MOST_MODULES
    assert not modules & {"typer", "pydantic", "typing", "re"}


def test_the_list_of_commands_is_printed_without_the_parser(folder):
    assert not imported(folder, "--help") & {"typer", "pydantic", "asyncio"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("state", "sandbox")])
def test_the_help_of_a_command_imports_only_that_command(folder, name):
    modules = imported(folder, name, "--help")
    assert not modules & {"pydantic", "asyncio", "ssl", "httpx", "ruamel", "deepdiff", "rich", "matplotlib"}
    others = {f"skaha_apply.cli.commands.{other}" for other in COMMANDS} - {f"skaha_apply.cli.commands.{name}"}
    assert modules & others <= {"skaha_apply.cli.commands.logs"}, "`events` has the code of `logs`"


def test_lint_imports_no_network_and_nothing_about_plans_and_runs(folder):
    modules = imported(folder, "lint")
    assert not modules & {"asyncio", "ssl", "httpx", "deepdiff", "rich", "logging", "hashlib"}
    assert not modules & {"skaha_apply.model.report", "skaha_apply.model.plan", "skaha_apply.model.reasons"}


def test_the_package_imports_the_python_api_when_a_name_is_used(folder):
    program = (
        "import sys; before = set(sys.modules); import skaha_apply; dir(skaha_apply);"
        "print(*sorted(set(sys.modules) - before)); skaha_apply.connect_sync; print(*sys.modules)"
    )
    made = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    at_import, at_use = (set(line.split()) for line in made.stdout.splitlines())
    assert at_import <= {"__future__", "skaha_apply", "skaha_apply.model"}
    assert not at_use & {"pandas", "IPython", "matplotlib", "numpy", "httpx", "typer", "ruamel", "rich"}


@pytest.mark.parametrize("words", [("lint",), ("plan", "--help"), ("--version",)])
def test_words_of_other_tools_are_read_only_after_a_mistake(folder, words):
    tables = {"skaha_apply.cli.foreign.suggestion", "skaha_apply.manifest.fields.foreign_keys"}
    assert not imported(folder, *words) & tables


def test_lint_reads_a_manifest_without_pydantic(folder):
    assert not imported(folder, "lint") & {"pydantic", "pydantic_core", "annotated_types"}


def test_a_spec_that_is_read_is_one_that_pydantic_accepts_unchanged(folder):
    """Nothing validates the specs of a manifest again, so the readers have to return the declared types."""
    (folder / "manifest.yaml").write_text(FULL, encoding="utf-8")
    (project,) = manifest.load([folder / "manifest.yaml"], root=folder).projects
    for spec in project.sessions:
        assert repr(SessionSpec(**vars(spec))) == repr(spec)


def parsed_help(columns, monkeypatch):
    """The list of commands as the parser prints it."""
    monkeypatch.setenv("COLUMNS", str(columns))
    command_line.register()
    command = get_command(command_line.app)
    return command.get_help(command.make_context("skaha-apply", [], resilient_parsing=True)) + "\n"


def parameters():
    """Every option and argument of every command, with its context."""

    def walk(command, parent):
        context = typer.Context(command, parent, command.name, resilient_parsing=True)
        for child in getattr(command, "commands", {}).values():
            yield from walk(child, context)
        yield from ((context, parameter) for parameter in command.get_params(context))

    command_line.register()
    return walk(get_command(command_line.app), None)


def outcome(coerce, *arguments):
    try:
        return coerce(*arguments)
    except Exception as error:  # noqa: BLE001 - an error is an outcome
        return type(error), str(error), getattr(error, "param", None)


def has_own_words(parameter):
    """Whether the parameter is a choice or a whole number, whose errors typer words differently."""
    described = parameter.type_descriptor
    kinds = get_args(described.annotation) or (described.annotation,)
    return described.parameter_info.parser is None and issubclass(kinds[0], (int, Enum)) and kinds[0] is not bool


def test_an_option_is_read_as_typer_reads_it():
    """Values that are read without pydantic, and errors, do not differ, except for the words of some errors."""
    texts = ("", " ", "x", "-", "3", "0", "-1", "2.5", "1e400", "true", "10s", "a=b", "name/1-3", "/1", "text", "TEXT")
    texts += ("json", "json=file", "size", "active", "\udc80", "é", "Headless", "PENDING", "1_000", " 3 ")
    compared = 0
    for context, parameter in parameters():
        reader = parameter.get_runtime_param()
        typers = reader.build()
        several = parameter.multiple or parameter.nargs == -1
        for text in texts:
            value = (text, text) if several else text
            found = outcome(reader.coerce, value, parameter, context)
            expected = outcome(typers.coerce, value, parameter, context)
            if has_own_words(parameter) and isinstance(expected, tuple):
                found, expected = found[0], expected[0]
            assert found == expected, (parameter.name, text)
            compared += 1
        for value in (None, parameter.default):
            assert outcome(reader.coerce, value, parameter, context) == outcome(
                typers.coerce, value, parameter, context
            )
    assert compared > 1000


@pytest.mark.parametrize("columns", [40, 79, 80, 81, 100, 110, 200])
def test_the_list_of_commands_is_that_of_the_parser(columns, monkeypatch, capsys):
    expected = parsed_help(columns, monkeypatch)
    for words in (["--help"], ["-h"]):
        assert main(words) == 0
        assert capsys.readouterr().out == expected
    assert main([]) == 4
    assert capsys.readouterr().err == expected


def test_each_summary_of_the_list_is_that_of_the_command():
    command_line.register()
    commands = get_command(command_line.app).commands
    assert {name: command.help.partition("\n")[0] for name, command in commands.items()} == dict(COMMANDS)


def test_the_version_is_a_result_that_can_be_lost(folder):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no full device")
    with full.open("w") as device:
        words = [sys.executable, "-m", "skaha_apply", "--version"]
        made = subprocess.run(words, stdout=device, stderr=subprocess.PIPE, text=True, check=False)
    assert made.returncode == 1
    assert made.stderr == "error: cannot write to standard output: No space left on device\n"
