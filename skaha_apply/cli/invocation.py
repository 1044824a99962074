"""The words of this invocation, so that messages can print commands that repeat its options and can be pasted."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROGRAM = "skaha-apply"
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_ALONE = re.compile(rf"(?<=^  ){PROGRAM} (mark [^\n]+)$", re.MULTILINE)
_QUOTED = re.compile(rf"(?<=`){PROGRAM} ([^`\n]+)(?=`)")
_COMMAND = re.compile(rf"(?<=`){PROGRAM} ([^`\n]+)(?=`)|(?<=: ){PROGRAM} ([^`\n]+)$", re.MULTILINE)
# Commands that work on a project: they take the options that choose server, state and project.
_WITH_PATHS = frozenset({"plan", "apply", "destroy", "refresh", "status", "doctor"})
_WITH_MANIFEST = frozenset({"logs", "events", "show", "mark", "state"})
_WITH_SERVER = frozenset({"ps", "open", "limits"})  # commands that work on no project
_REHEARSAL = frozenset({"--pretend", "--fail", "--speed", "--mount"})
_words: list[str] = []
_sensitive: set[str] = set()
_paths: list[str] = []
_options: dict[str, str | None] = {}


def set_words(words: Sequence[str]) -> None:
    """Keep the words of a new invocation."""
    _words[:] = words
    _sensitive.clear()
    set_shared({}, ())


def set_shared(options: dict[str, str | None], paths: Sequence[str]) -> None:
    """Keep what commands in hints repeat: options that choose server, state and project, and paths of manifests.

    The value of an option without a value is "". None leaves an option out.
    """
    _options.clear()
    _options.update({name: value for name, value in options.items() if value is not None})
    set_paths(paths)


def set_paths(paths: Sequence[str]) -> None:
    """Keep the paths of manifests: those on the command line, or those of a saved plan."""
    _paths[:] = [path for path in paths if path != "-"]


def exclude_variables(variables: Iterable[str]) -> None:
    """Never repeat the values of these variables, which are sensitive."""
    _sensitive.update(variables)


def repeat_command() -> str:
    """The command line of this invocation, without a login in an address and without sensitive values.

    A command that lacks a sensitive value stops with an error that names the variable.
    """
    kept: list[str] = []
    for word in _words:
        before = kept[-1] if kept else ""
        if before == "--var" and _is_sensitive(word):
            kept.pop()
        elif not (word.startswith("--var=") and _is_sensitive(word.removeprefix("--var="))):
            kept.append(_LOGIN.sub("", word))
    return shlex.join([PROGRAM, *kept])


def repeat_with(option: str) -> str:
    """The command line of this invocation with another option, in place of one of the same name."""
    name = option.partition("=")[0]
    words = [word for word in _words if word.partition("=")[0] != name]
    before, _words[:] = list(_words), words
    try:
        return f"{repeat_command()} {option}"
    finally:
        _words[:] = before


def command_words() -> tuple[str, ...]:
    """The words after the name of the program."""
    return tuple(_words)


def pasteable(words: Iterable[str]) -> str:
    """A command line with these words, without a login in an address.

    The manifests are not read yet, so every variable can be sensitive: its value is shown only in a terminal.
    """
    kept = [_LOGIN.sub("", word) for word in words]
    if not sys.stderr.isatty():
        kept = [_without_value(word, before) for word, before in zip(kept, ("", *kept), strict=False)]
    return shlex.join([PROGRAM, *kept])


def project_command(words: str) -> str:
    """A command with the server, the state, the project, the manifests and the variables of this invocation.

    It has no login in an address. The manifests have been read, so sensitive values are known, and left out.
    """
    variables = []
    for word, after in zip(_words, (*_words[1:], ""), strict=False):
        name, equals, value = word.partition("=")
        given = value if equals else after
        if name in ("--var", "--var-file") and not (name == "--var" and _is_sensitive(given)):
            variables += [name, _LOGIN.sub("", given)]
    return f"{_completed(words)} {shlex.join(variables)}".rstrip()


def complete_lines(text: str) -> str:
    """The text of a plan, in which each `mark` that stands alone on its line is a command on this project.

    The commands of its reasons are completed too; see `complete_reason`.
    """
    return complete_reason(_ALONE.sub(lambda found: project_command(found[1]), text))


def complete_reason(text: str) -> str:
    """The text of a reason, in which commands in backquotes repeat the options of this invocation.

    A command that reads the manifests repeats the variables too.
    """
    return _QUOTED.sub(lambda found: (project_command if _takes_variables(found[1]) else _completed)(found[1]), text)


def complete_commands(text: str) -> str:
    """The text, in which commands repeat the server, the state, the project and the manifests of this invocation.

    With `--sandbox`, `skaha-apply state show` becomes `skaha-apply state show --sandbox`. A command stands in
    backquotes, or after a colon at the end of a line.
    """
    return _COMMAND.sub(lambda found: _completed(found[1] or found[2]), text)


def _completed(words: str) -> str:
    command, _, rest = words.partition(" ")
    action = rest.partition(" ")[0] if command == "state" else ""
    added: list[str] = []
    if command in _WITH_PATHS | _WITH_MANIFEST:
        for name, value in _options.items():
            if name == "--sandbox":
                added += _sandbox_words(words)
                continue
            unknown = name == "--credential-command" and action not in ("", "rebind")
            if not unknown and not re.search(rf"(?<!\S){name}(?=[\s=]|$)", words):
                added += [name, value] if value else [name]
        if command in _WITH_MANIFEST and action != "push" and "--manifest" not in words:
            added += [word for path in _paths for word in ("--manifest", path)]
        elif command in _WITH_PATHS and _takes_paths(words):
            added += _paths
    elif command in _WITH_SERVER:
        chosen = {name: _options[name] for name in ("--server", "--credential-command") if name in _options}
        added += [word for name, value in chosen.items() for word in (name, value or "") if word]
        added += _sandbox_words(words) if "--sandbox" in _options else []
    elif command == "lint" and _takes_paths(words):
        added += _paths
    return f"{PROGRAM} {words} {shlex.join(_LOGIN.sub('', word) for word in added)}".rstrip()


def _sandbox_words(words: str) -> list[str]:
    """The options that choose the sandbox, for a command with these words.

    They repeat how its sessions run, so that a sandbox that has ended is not started again in another way.
    """
    if re.search(r"(?<!\S)--(?:sandbox|pretend)(?=[\s=]|$)", words):
        return []
    given = []
    for word, after in zip(_words, (*_words[1:], ""), strict=False):
        name, equals, _ = word.partition("=")
        if name in _REHEARSAL:
            given += [word] if equals else [word, after]
    return given if any(word.startswith("--pretend=") for word in given) else ["--sandbox", *given]


def _takes_variables(words: str) -> bool:
    command = words.partition(" ")[0]
    return command == "mark" or command in _WITH_PATHS


def _takes_paths(words: str) -> bool:
    """Whether a command in a hint names no path or saved plan of its own."""
    return all(word.startswith("-") for word in words.split()[1:])


def _is_sensitive(assignment: str) -> bool:
    return assignment.partition("=")[0].strip() in _sensitive


def redacted_words() -> tuple[str, ...]:
    """The words after the name of the program, without the values of variables: they can be sensitive."""
    words = _words or sys.argv[1:]
    before = ("", *words)
    return tuple(_without_value(word, previous) for previous, word in zip(before, words, strict=False))


def _without_value(word: str, previous: str) -> str:
    if previous == "--var" or word.startswith("--var="):
        name = word.removeprefix("--var=").partition("=")[0]
        return f"{'--var=' if word.startswith('--var=') else ''}{name}=VALUE"
    return word
