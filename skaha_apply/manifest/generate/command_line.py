"""Parses the `create` command of the published clients: options, kind, image, and the command after them."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAMS = ("skaha", "canfar")
VERBS = ("create", "launch", "run")
PROMPTS = frozenset({"$", "%", ">", "#"})
# As `canfar create --help` of 1.5.2 lists them, and the longer words that people try.
VALUES = {
    **dict.fromkeys(("-n", "--name"), "name"),
    **dict.fromkeys(("-c", "--cpu", "--cpus", "--cores"), "cores"),
    **dict.fromkeys(("-m", "--memory", "--ram"), "ram"),
    **dict.fromkeys(("-g", "--gpu", "--gpus"), "gpus"),
    **dict.fromkeys(("-r", "--replicas"), "replicas"),
    **dict.fromkeys(("-e", "--env"), "env"),
    **dict.fromkeys(("-i", "--image"), "image"),
    **dict.fromkeys(("-k", "--kind", "--type"), "kind"),
    **dict.fromkeys(("-o", "--output"), "output"),
}
FLAGS = frozenset({"--debug", "--dry-run", "-d", "--no-debug", "--no-dry-run", "-h", "--help"})
EXAMPLE = "Example: skaha create -c 8 -m 32 -r 100 -n NAME headless IMAGE -- python script.py"


@dataclass(frozen=True)
class CreateCommand:
    """One `create` command; numbers are texts as written."""

    kind: str
    image: str
    command: tuple[str, ...]
    name: str | None = None
    cores: str | None = None
    ram: str | None = None
    gpus: str | None = None
    replicas: str | None = None
    env: tuple[str, ...] = ()


def parse_create_command(words: Sequence[str]) -> CreateCommand:
    """A command line taken apart as the clients do it: options may stand anywhere before `--`.

    Raises `UsageError` for what the clients would not take either.
    """
    values: dict[str, str] = {}
    env: list[str] = []
    plain: list[str] = []
    rest = iter(_arguments(words))
    for word in rest:
        if word == "--":
            plain.extend(rest)
            break
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        for name, value in _option(word, rest):
            if name == "env":
                env.append(value)
            elif name:
                values[name] = value
    kind = values.pop("kind", None) or (plain.pop(0) if plain else None)
    image = values.pop("image", None) or (plain.pop(0) if plain else None)
    if kind is None or image is None:
        raise UsageError(f"the command names no {'kind of session' if kind is None else 'image'}", hint=EXAMPLE)
    values.pop("output", None)
    return CreateCommand(kind, image, tuple(plain), env=tuple(env), **values)


def _arguments(words: Sequence[str]) -> Sequence[str]:
    """What stands behind `skaha create`; a prompt, and whatever starts the client, may stand before."""
    start = 1 if words and words[0] in PROMPTS else 0
    for index in range(start, min(start + 4, len(words))):
        if PurePath(words[index]).name in PROGRAMS:
            if words[index + 1 : index + 2] and words[index + 1] in VERBS:
                return words[index + 2 :]
            break
    raise UsageError("this is not a command that creates a session", hint=EXAMPLE)


def _option(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """The (name, value) pairs that one word stands for; flags, which mean nothing here, give none."""
    if word.startswith("--"):
        option, equals, value = word.partition("=")
        if option in FLAGS and not equals:
            return
        yield _named(option), value if equals else _next(option, rest)
        return
    for index in range(1, len(word)):
        option = f"-{word[index]}"
        if option in FLAGS:
            continue
        yield _named(option), word[index + 1 :] or _next(option, rest)
        return


def _named(option: str) -> str:
    if option in VALUES:
        return VALUES[option]
    near = get_close_matches(option, VALUES, n=1)
    hint = f"Did you mean {near[0]}? " if near and option.startswith("--") else ""
    raise UsageError(
        f"the option {quoted(option)} is not known", hint=hint + "Write options of your own command after ` -- `."
    )


def _next(option: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise UsageError(f"the option {option} requires a value", hint=EXAMPLE)
    return value
