"""The names of entries, sessions and replicas that a shell completes, from the manifests and states of a folder.

It runs at each press of a key: it uses neither the parser nor a YAML library, and sends no request. A file that cannot
be read has no names.
"""

from __future__ import annotations

import json
import os
import re

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_NAMES = 1000  # that are printed
MOST_FILES = 100  # manifests that are read
MOST_BYTES = 1_000_000  # of a manifest that are read
_FOLDER, _SUFFIX = ".skaha-apply", ".state.json"
_YAML = (".yaml", ".yml")
_SANDBOX = ("--sandbox", "--pretend")
_ENTRY = re.compile(r"""^[ ]*(?:-[ ]+)?\{?[ ]*name:[ ]*["']?((?:\$\{[^}\s]+\}|[^"'\s,#}\[])+)""", re.MULTILINE)
_NAME = re.compile(r"[\w.${}-]+(?:/\d+)?")


def names(current: str, words: Sequence[str]) -> list[str]:
    """The names that begin with `current`, sorted; with a `/` in it the replicas of a session.

    `words` are those of the command line, whose `--state`, `--sandbox`, `--manifest` and paths choose the files.
    """
    folded = current.casefold()
    found = {name for name in _found(words, replicas="/" in current) if name.casefold().startswith(folded)}
    return sorted(name for name in found if _NAME.fullmatch(name))[:MOST_NAMES]


def _found(words: Sequence[str], *, replicas: bool) -> Iterator[str]:
    for path in _states(words):
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs an import
                document = json.load(file)
            for record in document["replicas"]:
                if replicas:
                    yield f"{record['session']}/{record['replica']}"
                else:
                    yield str(record["session"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    if not replicas:
        for path in _manifests(words):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
                    yield from _ENTRY.findall(file.read(MOST_BYTES))
            except OSError:
                continue


def _states(words: Sequence[str]) -> Iterator[str]:
    given = _value(words, "--state")
    sandbox = bool(os.environ.get("SKAHA_APPLY_SANDBOX")) or any(word.startswith(_SANDBOX) for word in words)
    if given and not sandbox:
        if os.path.isfile(given):  # noqa: PTH113 - as above
            yield given
        return
    home = os.getcwd()  # noqa: PTH109 - as above
    while not os.path.isdir(os.path.join(home, _FOLDER)):  # noqa: PTH112, PTH118 - as above
        parent = os.path.dirname(home)  # noqa: PTH120 - as above
        if parent == home:
            return
        home = parent
    for folder, _, files in os.walk(os.path.join(home, _FOLDER)):  # noqa: PTH118 - as above
        if (os.path.basename(folder) == "sandbox") == sandbox:  # noqa: PTH119 - as above
            yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(_SUFFIX))  # noqa: PTH118


def _manifests(words: Sequence[str]) -> Iterator[str]:
    """The paths on the command line, else the default ones; at most `MOST_FILES`."""
    named = [word for word in words if word.endswith(_YAML) or (word != "-" and os.path.isdir(word))]  # noqa: PTH112
    left = MOST_FILES
    for path in named or (["manifests"] if os.path.isdir("manifests") else ["."]):  # noqa: PTH112 - as above
        if not os.path.isdir(path):  # noqa: PTH112 - as above
            yield path
            continue
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                if name.endswith(_YAML) and left:
                    left -= 1
                    yield os.path.join(folder, name)  # noqa: PTH118 - as above
            if not left:
                return


def _value(words: Sequence[str], option: str) -> str:
    """The value of an option, as `--option VALUE` or `--option=VALUE`; "" if it is missing."""
    for word, after in zip(words, (*words[1:], ""), strict=False):
        if word == option:
            return after
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return ""
