"""Words of other tools: each row of the tables is refused with a line that the parser accepts."""

from __future__ import annotations

import shlex
from functools import cache

import pytest
import typer
from typer.main import get_command

from skaha_apply.cli import command_line, main
from skaha_apply.cli.foreign.command_words import COMMAND_WORDS, PURPOSES
from skaha_apply.cli.foreign.option_words import BY_COMMAND, OPTION_WORDS
from skaha_apply.cli.foreign.suggestion import parameters_of, suggest_option
from skaha_apply.cli.overview import COMMANDS

PROGRAM = "skaha-apply"


@cache
def leaves():
    """Every command that is not a group, by its words."""

    def walk(command, path):
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, (*path, name))
        if not hasattr(command, "commands"):
            yield " ".join(path), command

    command_line.register()
    return dict(walk(get_command(command_line.app), ()))


def known(name):
    return parameters_of(leaves()[name])


def lines(text):
    return [row.strip() for row in text.splitlines() if row.strip().startswith(f"{PROGRAM} ")]


def check_parses(line):
    """The line is one that the parser accepts; an argument can be missing, because the wrong line had none."""
    words = shlex.split(line)[1:]
    if words[0] in ("--help", "--version"):
        return
    name = next(one for one in sorted(leaves(), key=len, reverse=True) if words[: len(one.split())] == one.split())
    rest = ["--adopt=active" if word == "--adopt" else word for word in words[len(name.split()) :]]
    try:
        leaves()[name].make_context(line, rest)
    except typer.BadParameter as error:
        if type(error).__name__ != "MissingParameter":
            raise


@pytest.mark.parametrize("foreign", COMMAND_WORDS)
def test_a_command_of_another_tool_is_refused_with_a_line_to_paste(foreign, capsys):
    more = ["reduce", "-f", "n.yaml", "--sandbox", "--yes", "--zzz"]
    assert main([*foreign.split(), *more]) == 4
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.startswith(f"error: {PROGRAM} has no command '{foreign}'\nhint: to ")
    found = lines(printed.err)
    assert found
    for line in found:
        check_parses(line)
        assert "--sandbox" in line or line.startswith(f"{PROGRAM} -") or "leaves out" in printed.err
    for row in printed.err.splitlines():
        assert len(row) <= 80 or row.strip() in found


MISSPELLED = {
    "aply": "apply", "satus": "status", "Plan": "plan", "destory": "destroy", "sandbox strt": "sandbox status",
    "state shw": "state show", "state rebnd": "state rebind", "sandbox stp": "sandbox stop",
}  # fmt: skip


@pytest.mark.parametrize(("wrong", "meant"), MISSPELLED.items())
def test_a_misspelled_command_is_refused_with_the_nearest_one(wrong, meant, capsys):
    assert main([*wrong.split(), "--no-color", "--var", "a=secret"]) == 4
    printed = capsys.readouterr()
    *group, word = wrong.split()
    where = f"`{PROGRAM} {group[0]}`" if group else PROGRAM
    assert printed.err.startswith(f"error: {where} has no command '{word}'\nhint: ")
    assert lines(printed.err) == [f"{PROGRAM} {meant} --no-color --var a=VALUE"]


@pytest.mark.parametrize("words", [["xyzzy"], ["state", "xyzzy"], ["sandbox", "q"]])
def test_a_word_that_is_like_no_command_is_refused_with_the_list(words, capsys):
    assert main(words) == 4
    assert lines(capsys.readouterr().err) == [f"{shlex.join([PROGRAM, *words[:-1]])} --help"]


def test_a_row_is_not_a_command_and_suggests_known_words():
    """A command that becomes one of this tool leaves the table."""
    assert not set(COMMAND_WORDS) & ({*COMMANDS} | {*leaves()})
    assert set(PURPOSES) <= {target for row in COMMAND_WORDS.values() for target in row}


VALUES = {"--output=": "json", "--concurrency=": "4", "--poll=": "10s", "--var=": "a=b"}
FIRST_ARGUMENTS = {"mark": ["rerun"], "schema": ["plan"]}


def commands_without(option):
    for name in leaves():
        if name != "convert" and option not in known(name).options:
            yield name


@pytest.mark.parametrize("option", OPTION_WORDS)
def test_an_option_of_another_tool_is_refused_with_a_line_to_paste(option, capsys):
    value = [VALUES.get(OPTION_WORDS[option].ways[0].words, "survey")] if OPTION_WORDS[option].has_value else []
    without = list(commands_without(option))
    assert without
    parsed = set()
    for name in without:
        found = suggest_option(name, [*FIRST_ARGUMENTS.get(name, ()), option, *value], known, option)
        assert found is not None
        assert len(lines(found.hint)) == 1
        why, _, line = found.hint.rpartition("\n")
        if why not in parsed:
            check_parses(line)
        parsed.add(why)
        assert all(len(row) <= 74 for row in found.hint.splitlines()[:-1])
    first = without[0].split()
    assert main([*first, option, *value]) == 4
    assert f"`{PROGRAM} {without[0]}` has no option {option}\n" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "option"), BY_COMMAND)
def test_an_option_can_mean_something_else_in_one_command(name, option):
    found = suggest_option(name, [option, "reduce"], known, option)
    assert BY_COMMAND[name, option].ways[0].why in found.hint
    assert lines(found.hint) == [f"{PROGRAM} {name} reduce"]


CASES = [
    ("apply --dry-run -f m.yaml --sandbox", "plan m.yaml --sandbox"),
    ("apply -auto-approve m.yaml", "apply --yes m.yaml"),
    ("plan -target=reduce -out=p.json", "plan --target=reduce --out=p.json"),
    ("plan --json -n survey", "plan -o json --project survey"),
    ("apply -n m.yaml", "plan m.yaml"),
    ("logs -f reduce/2", "logs reduce/2"),
    ("delete session reduce --server canfar", "destroy --target reduce --server canfar"),
    ("taint reduce/2 --state s.json", "mark rerun reduce/2 --state s.json"),
    ("-f m.yaml up", "apply m.yaml"),
    ("--sandbox plan", "plan --sandbox"),
    ("get -w", "status --watch"),
    ("state rm reduce", "state forget reduce"),
    ("apply --watch", "apply --wait complete"),
    ("create -n a headless img/x:y -- python a.py", "convert -- skaha create -n a headless img/x:y -- python a.py"),
]


@pytest.mark.parametrize(("written", "line"), CASES)
def test_the_line_has_the_words_of_this_invocation(written, line, capsys):
    assert main(shlex.split(written)) == 4
    assert f"{PROGRAM} {line}" in lines(capsys.readouterr().err)


@pytest.mark.parametrize(
    "written", ["destroy --dry-run --yes", "delete img/x:y -y", "kill -y --zzz", "mark hold -n -y"]
)
def test_a_line_that_leaves_words_out_asks_before_it_changes_anything(written, capsys):
    assert main(shlex.split(written)) == 4
    for line in lines(capsys.readouterr().err):
        assert not {"-y", "--yes", "--force"} & set(line.split())


def test_values_of_variables_and_logins_are_not_repeated_outside_a_terminal(capsys):
    words = ["--var", "token=geheim", "--var=pin=geheim", "-var", "a=geheim", "--set=b=geheim"]
    assert main(["diff", *words, "--state", "https://me:geheim@example.org/s"]) == 4
    printed = capsys.readouterr().err
    assert "--var token=VALUE" in printed
    assert "geheim" not in printed


@pytest.mark.parametrize(
    ("written", "line"),
    [("apply reduce --sandbox", "apply --target reduce --sandbox"), ("plan reduce/2", "plan --target reduce/2")],
)
def test_a_name_in_place_of_a_path_is_shown_as_a_target(written, line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(written)) == 1
    assert f"{PROGRAM} {line}" in lines(capsys.readouterr().err)


def test_status_of_a_name_shows_the_command_for_it(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["status", "reduce", "--sandbox"]) == 1
    (line,) = lines(capsys.readouterr().err)
    assert line == (f"{PROGRAM} show reduce --sandbox" if "show" in COMMANDS else f"{PROGRAM} status --sandbox")


def test_a_missing_path_stays_a_missing_path(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "manifests/m.yaml"]) == 1
    assert not lines(capsys.readouterr().err)
