"""From a command line in the words of another tool to a line that can be pasted.

The line keeps the words of this invocation that its command has. What it leaves out is named in the hint.
"""

from __future__ import annotations

import os
import re
from dataclasses import field
from typing import TYPE_CHECKING, Any

from skaha_apply.cli.foreign.command_words import COMMAND_WORDS, PURPOSES, RESOURCES
from skaha_apply.cli.foreign.option_words import (
    BY_COMMAND,
    NAME,
    NAMESPACE,
    OPTION_WORDS,
    PATH,
    PATH_OR_PROJECT,
    REHEARSAL,
    OptionWord,
)
from skaha_apply.cli.invocation import PROGRAM, pasteable
from skaha_apply.cli.overview import COMMANDS
from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_LEFT_OUT = 5  # words that a hint names
_NAME = re.compile(r"[\w*?\[\]${}.-]+(/[\d,*-]+)?")
_NAMES = ("NAME", "NAME[/REPLICAS]", "OLD", "ID")  # arguments that are names, as the help writes them
_SKIPS_QUESTIONS = frozenset({"-y", "--yes", "--force"})
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Suggestion:
    """An error and a hint. Its last lines are commands to paste."""

    error: str
    hint: str


@dataclass(frozen=True)
class Parameters:
    """What a command takes: its options, true for those that are flags, and the names of its arguments."""

    options: dict[str, bool]
    arguments: tuple[str, ...]

    @property
    def names_sessions(self) -> bool:
        """Whether an argument is a name from the manifests or the state."""
        return any(argument in _NAMES for argument in self.arguments)


@dataclass
class _Line:
    """A command line that is made word by word; `whys` are the reasons for its words."""

    command: str
    parameters: Parameters
    words: list[str] = field(default_factory=list)
    whys: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    other_command: str = ""


def suggest_command(words: Sequence[str], known: Callable[[str], Parameters]) -> Suggestion | None:
    """What to write instead of a command of another tool; None if the first words are not one.

    `known` returns the parameters of a command, such as `state mv`.
    """
    foreign = next((key for key in (" ".join(words[:2]), *words[:1]) if key in COMMAND_WORDS), None)
    if foreign is None:
        return None
    rest = list(words[len(foreign.split()) :])
    if rest and rest[0] in RESOURCES:
        del rest[0]
    creates = _is_create_line(rest)
    hints: list[str] = []
    for target in COMMAND_WORDS[foreign]:
        if not (target.startswith("-") or target.split()[0] in COMMANDS) or (" -- " in target and not creates):
            continue
        if " -- " in target:
            hints = []
        hints += [f"to {purpose_of(target)}:", *_lines(target, rest, known)]
    return Suggestion(f"{PROGRAM} has no command {foreign!r}", "\n".join(hints))


def suggest_option(
    command: str, words: Sequence[str], known: Callable[[str], Parameters], wrong: str
) -> Suggestion | None:
    """What to write instead of an option of another tool; None if the words after the command have none.

    `wrong` is the option that the parser refused. A letter can be the start of a word such as `-auto-approve`.
    """
    parameters = known(command)
    options = [_option_name(word, parameters) for word in words if word.startswith("-")]
    foreign = [name for name in options if name not in parameters.options and _word(command, name) is not None]
    one_dash = [name for name in options if name in parameters.options and name not in words and name.startswith("--")]
    one_dash = [name for name in one_dash if not any(word.startswith(f"{name}=") for word in words)]
    if not foreign and not (one_dash and len(wrong) == len("-x")):
        return None
    line = _translated(command, words, known)
    whys = [*line.whys, *(f"{name} has two dashes" for name in one_dash), *_left_out(line)]
    error = f"`{PROGRAM} {command}` has no option {foreign[0] if foreign else one_dash[0][1:]}"
    reasons = "\n".join(dict.fromkeys(whys))
    return Suggestion(error, f"{reasons}:\n{pasteable(line.words)}")


def suggest_order(words: Sequence[str]) -> list[str]:
    """The words with the command first; empty if none of them is a command."""
    place = next((index for index, word in enumerate(words) if word in COMMANDS or word in COMMAND_WORDS), 0)
    return [words[place], *words[:place], *words[place + 1 :]] if place else []


def suggest_name(path: str, words: Sequence[str], known: Callable[[str], Parameters]) -> str:
    """A hint for an argument that is not a path but can be the name of a session; "" if it can be none."""
    if words[0] not in COMMANDS or path not in words[1:] or _is_path(path) or not _NAME.fullmatch(path):
        return ""
    parameters = known(words[0])
    if "--target" in parameters.options:
        target = words[0]
    elif words[0] == "status":
        target = "show" if "show" in COMMANDS else "status"
    else:
        return ""
    return "\n".join((f"if {path!r} is the name of a session:", *_lines(target, words[1:], known)))


def _is_create_line(rest: Sequence[str]) -> bool:
    """Whether the words are those of `skaha create`: an image, or a program after `--`."""
    return any(word == "--" or ("/" in word and not _is_path(word) and not _NAME.fullmatch(word)) for word in rest)


def purpose_of(target: str) -> str:
    """What a command does, in the words of a hint."""
    summary = COMMANDS.get(target.split(maxsplit=1)[0], "")
    return PURPOSES.get(target) or summary[:1].lower() + summary[1:]


def _lines(target: str, rest: Sequence[str], known: Callable[[str], Parameters]) -> list[str]:
    """The line to paste, after a line with what it leaves out."""
    if target.startswith("-"):
        return [pasteable([target])]
    if " -- " in target:
        return [pasteable([*target.split(), *rest])]
    line = _translated(target, rest, known)
    return [*(f"({text})" for text in _left_out(line)), pasteable(line.words)]


def _left_out(line: _Line) -> list[str]:
    named = list(dict.fromkeys(line.left_out))[:MOST_LEFT_OUT]
    return [f"the line leaves out {', '.join(named)}"] if named else []


def _translated(target: str, rest: Sequence[str], known: Callable[[str], Parameters]) -> _Line:
    """The words as the command `target` takes them. `target` can begin with words of its own: `mark rerun`."""
    fixed = target.split()
    command = " ".join(fixed[:2]) if fixed[0] in ("state", "sandbox") else fixed[0]
    line = _Line(command, known(command), fixed)
    words = list(rest[: rest.index("--")] if "--" in rest else rest)
    while words:
        word = words.pop(0)
        if word.startswith("-") and word != "-":
            _add_option(line, word, words)
        else:
            _add_argument(line, word)
        if line.other_command:
            other = _translated(line.other_command, _without(rest, word), known)
            other.whys[:0] = line.whys
            return other
    if line.left_out:
        _require_approval(line)
    return line


def _require_approval(line: _Line) -> None:
    """Leave out what skips the question: without some of its words, the line can do more than was meant."""
    for word in _SKIPS_QUESTIONS & set(line.words):
        line.words[:] = [one for one in line.words if one != word]
        line.left_out.append(word)


def _without(words: Sequence[str], word: str) -> list[str]:
    place = list(words).index(word)
    return [*words[:place], *words[place + 1 :]]


def _add_option(line: _Line, word: str, words: list[str]) -> None:
    """Add an option of the command as it is, or what to write instead of an option of another tool."""
    name, equals, value = _option_name(word, line.parameters), "=" in word, word.partition("=")[2]
    if name in line.parameters.options:
        line.words.append(f"{name}={value}" if equals else name)
        if not line.parameters.options[name] and not equals and words:
            line.words.append(words.pop(0))
        return
    foreign = _word(line.command, name)
    if foreign is not None and foreign.ways[0].words == PATH_OR_PROJECT:
        foreign = NAMESPACE if words and not words[0].startswith("-") and not _is_path(words[0]) else REHEARSAL
    if foreign is None:
        line.left_out.append(name)
        return
    if foreign.has_value and not equals and words:
        value = words.pop(0)
    _replace(line, name, value, foreign)


def _replace(line: _Line, name: str, value: str, foreign: OptionWord) -> None:
    has = line.parameters
    for way in foreign.ways:
        option, _, given = way.words.partition("=")
        if way.commands and line.command not in way.commands:
            continue
        if (option == PATH and "PATH" in has.arguments) or (option == NAME and has.names_sessions):
            line.words.append(value)
        elif option.startswith("--") and option in has.options:
            line.words += ["-o" if option == "--output" else option] + ([given or value] if "=" in way.words else [])
        elif option == "":
            line.left_out.append(name)
        elif option and option[0].islower() and option.split()[0] in COMMANDS:
            line.other_command = f"{way.words} {value}".strip()
        else:
            continue
        line.whys.append(way.why)
        return
    line.left_out.append(name)


def _add_argument(line: _Line, word: str) -> None:
    """Add a path or a name where the command takes it, else leave it out."""
    has = line.parameters
    if word == "-" or _is_path(word):
        if "PATH" in has.arguments:
            line.words.append(word)
        elif "--manifest" in has.options:
            line.words += ["--manifest", word]
        else:
            line.left_out.append(word)
    elif not _NAME.fullmatch(word):
        line.left_out.append(word)
    elif has.names_sessions:
        line.words.append(word)
    elif "--target" in has.options:
        line.words += ["--target", word]
    elif "PATH" not in has.arguments or line.command == "status":
        line.left_out.append(word)
    else:
        line.words.append(word)


def _is_path(word: str) -> bool:
    return (
        word.endswith((*_SUFFIXES, "/"))
        or word in (".", "..")
        or word.startswith(("./", "../", "/", "~"))
        or os.path.exists(word)  # noqa: PTH110 - a name that is too long is not there; Path raises
    )


def _word(command: str, name: str) -> OptionWord | None:
    return BY_COMMAND.get((command, name)) or OPTION_WORDS.get(name)


def _option_name(word: str, parameters: Parameters) -> str:
    """The name of an option. One dash before a whole word, as Terraform writes it, counts as two."""
    name = word.partition("=")[0]
    if re.fullmatch(r"-[a-zA-Z]{2}[\w-]*", name):
        doubled = f"-{name}"
        if doubled in parameters.options or doubled in OPTION_WORDS:
            return doubled
    return name


def parameters_of(command: Any) -> Parameters:
    """The options and arguments of a command as the parser has them."""
    options = {"--help": True, "-h": True}
    arguments = []
    for one in command.params:
        if one.param_type_name == "argument":
            arguments.append(one.metavar or "")
        else:
            options.update(dict.fromkeys(one.opts, bool(one.is_flag)))
    return Parameters(options, tuple(arguments))
