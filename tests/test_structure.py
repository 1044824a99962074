"""The rules of sizes and names that let a reader guess the file of a thing; each list of exceptions is exact.

A test fails for a new exception, and for one that is no longer needed.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from skaha_apply.cli.command_line import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "skaha_apply"
MOST_MODULES = 15  # in a folder
FEWEST_LINES, MOST_LINES = 25, 300  # of a module
MOST_FUNCTION_LINES = 40  # of a function, without its docstring
HARD_LIMIT = 50
MOST_PARAMETERS = 5

ONE_FILE_EACH = {"cli/commands", "lint/rules"}  # a folder with a file for each command, or for each rule
SHORT = {
    "__main__.py": "what `python -m skaha_apply` runs",
    "cli/commands/events.py": "a command has a file of its own; its code is that of `logs`",
}
LONG = {
    "distributed.py": "one file, meant to be copied into containers",
}
MANY_PARAMETERS = {"workflow/api/connection.py:apply"}  # the Python API: each is a keyword with a default
NOUNS_OF_THE_FIELD = {"planning", "scheduling", "tracking", "masking", "locking", "binding", "loading"}
# A path in backticks: it has a slash, or the suffix of a file.
PATH = r"`([^`\s]*(?:/|\.(?:py|md|toml|json|java|txt|ya?ml))[^`\s]*)`"
NAMED_BY_A_RULE = {"image_floating"}  # the file of a rule has the name of the rule
PRIVATE_NAMES_OF_PYTHON = {"os._exit"}  # the one way to end a process without its exit handlers


@cache
def modules():
    return {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def trees():
    """The parsed source of each module, read once."""
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules().items()}


@cache
def nodes():
    """All nodes of each module; one walk serves every test."""
    return {name: tuple(ast.walk(tree)) for name, tree in trees().items()}


def functions():
    """Each function of the package, as `file:name`."""
    for name, found in nodes().items():
        for node in found:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.name}", node


def lines_of(function):
    """The lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - (docstring.end_lineno - docstring.lineno + 1)


def parameters_of(function):
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def test_a_folder_has_few_modules():
    counts = defaultdict(int)
    for name in modules():
        if not name.endswith("__init__.py"):
            counts[name.rpartition("/")[0]] += 1
    crowded = {folder for folder, count in counts.items() if count > MOST_MODULES}
    assert crowded == ONE_FILE_EACH


def test_modules_are_neither_short_nor_long():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    short = {name for name, length in lengths.items() if length < FEWEST_LINES and not name.endswith("__init__.py")}
    assert short == set(SHORT)
    assert {name for name, length in lengths.items() if length > MOST_LINES} == set(LONG)


def test_functions_are_short_and_take_few_parameters():
    lengths = {name: lines_of(function) for name, function in functions()}
    assert {name for name, length in lengths.items() if length > MOST_FUNCTION_LINES} == set()
    assert {name for name, length in lengths.items() if length > HARD_LIMIT} == set()
    many = {name for name, function in functions() if parameters_of(function) > MOST_PARAMETERS}
    assert many == MANY_PARAMETERS


def test_modules_and_folders_are_named_by_nouns():
    names = {part.removesuffix(".py") for name in modules() for part in name.split("/")}
    assert {name for name in names if name.endswith("ing")} == NOUNS_OF_THE_FIELD | NAMED_BY_A_RULE


def test_a_public_class_name_means_one_thing():
    homes = defaultdict(list)
    for name, found in nodes().items():
        for node in found:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def private(name):
    return name.startswith("_") and not name.startswith("__")


def test_no_module_uses_a_private_name_of_another():
    used = set()
    for name, found in nodes().items():
        imported = set()
        for node in found:
            if isinstance(node, ast.ImportFrom):
                used |= {f"{name}: {node.module}.{one.name}" for one in node.names if private(one.name)}
                imported |= {one.asname or one.name for one in node.names if one.name.islower()}
            elif isinstance(node, ast.Import):
                imported |= {one.asname or one.name for one in node.names}
        for node in found:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used |= {f"{node.value.id}.{node.attr}"} if private(node.attr) and node.value.id in imported else set()
    assert used == PRIVATE_NAMES_OF_PYTHON


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_a_page_for_contributors_names_files_that_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = {path.replace("/X.", "/apply.") for path in re.findall(PATH, text)}
    assert named
    assert {path for path in named if not any((home / path).exists() for home in (ROOT, PACKAGE))} == set()


def test_a_command_lives_in_the_file_of_its_name():
    files = {path.stem for path in (PACKAGE / "cli" / "commands").glob("*.py")} - {"__init__"}
    assert files == set(COMMANDS)
