"""The rules of sizes and names that let a reader guess the file of a thing; each list of exceptions only shrinks."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from skaha_apply.cli.command_line import COMMANDS

PACKAGE = Path(__file__).resolve().parents[1] / "skaha_apply"
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
    "manifest/expansion/expand.py": "four lines more than the limit",
    "distributed.py": "one file, meant to be copied into containers",
}
LONG_FUNCTIONS = {"sandbox/server.py:_serve"}
MANY_PARAMETERS = {"workflow/api.py:apply"}  # the Python API: each is a keyword with a default
NOUNS_OF_THE_FIELD = {"planning", "scheduling", "tracking", "masking", "locking", "binding", "loading"}
NAMED_BY_A_RULE = {"image_floating"}  # the file of a rule has the name of the rule
NAMES_WITH_TWO_MEANINGS = {"Choice"}


def modules():
    return {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


def trees():
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules().items()}


def functions():
    """Each function of the package, as `file:name`."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
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
    assert crowded - ONE_FILE_EACH == set()


def test_modules_are_neither_short_nor_long():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    short = {name for name, length in lengths.items() if length < FEWEST_LINES and not name.endswith("__init__.py")}
    assert short == set(SHORT)
    assert {name for name, length in lengths.items() if length > MOST_LINES} - set(LONG) == set()


def test_functions_are_short_and_take_few_parameters():
    lengths = {name: lines_of(function) for name, function in functions()}
    assert {name for name, length in lengths.items() if length > MOST_FUNCTION_LINES} - LONG_FUNCTIONS == set()
    assert {name for name, length in lengths.items() if length > HARD_LIMIT} == set()
    many = {name for name, function in functions() if parameters_of(function) > MOST_PARAMETERS}
    assert many - MANY_PARAMETERS == set()


def test_modules_and_folders_are_named_by_nouns():
    names = {part.removesuffix(".py") for name in modules() for part in name.split("/")}
    assert {name for name in names if name.endswith("ing")} - NOUNS_OF_THE_FIELD - NAMED_BY_A_RULE == set()


def test_a_public_class_name_means_one_thing():
    homes = defaultdict(list)
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {
        name: files for name, files in homes.items() if len(files) > 1 and name not in NAMES_WITH_TWO_MEANINGS
    } == {}


def test_a_command_lives_in_the_file_of_its_name():
    files = {path.stem for path in (PACKAGE / "cli" / "commands").glob("*.py")} - {"__init__"}
    assert files == set(COMMANDS)
