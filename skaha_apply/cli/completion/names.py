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
    from typing import BinaryIO

    from skaha_apply.manifest.source.ignored_paths import IgnoreRules

MOST_NAMES = 1000  # that are printed
MOST_FILES = 100  # manifests that are read
MOST_BYTES = 1_000_000  # of a manifest that are read
_FOLDER, _SUFFIX = ".skaha-apply", ".state.json"
_IGNORE_FILE = ".skaha-apply-ignore"
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
            with _regular(path) as file:
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
                with _regular(path) as file:
                    yield from _ENTRY.findall(file.read(MOST_BYTES).decode("utf-8", "replace"))
            except OSError:
                continue


def _regular(path: str) -> BinaryIO:
    """The opened file; raises `OSError` for a pipe or a device, which could make a key wait for ever."""
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib costs an import
        raise OSError
    return open(path, "rb")  # noqa: PTH123 - as above; callers close it


def _states(words: Sequence[str]) -> Iterator[str]:
    given = _value(words, "--state")
    sandbox = bool(os.environ.get("SKAHA_APPLY_SANDBOX")) or any(word.startswith(_SANDBOX) for word in words)
    if given and not sandbox:
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
        for found in _below(path):
            if not left:
                return
            left -= 1
            yield found


def _below(folder: str) -> Iterator[str]:
    """The manifests below a folder, those directly in it first."""
    waiting: list[tuple[str, IgnoreRules | None]] = [(folder, None)]
    while waiting:
        current, above = waiting.pop()
        folders = []
        try:
            entries, rules = _visible(current, above)
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, rules))
                elif entry.name.endswith(_YAML):
                    yield entry.path
        except OSError:
            continue
        waiting.extend(reversed(folders))


def _visible(folder: str, above: IgnoreRules | None) -> tuple[list[os.DirEntry[str]], IgnoreRules | None]:
    """The entries of a folder that a command reads, and the rules that apply there; None without an ignore file."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    if above is None and all(entry.name != _IGNORE_FILE for entry in entries):
        return [entry for entry in entries if not entry.name.startswith(".")], None
    from skaha_apply.manifest.source.ignored_paths import (  # noqa: PLC0415 - few folders have such a file
        BadIgnoreFile,
        IgnoreRules,
        visible_folder,
    )

    try:
        content = visible_folder(folder, above or IgnoreRules())
    except BadIgnoreFile:
        return [], above
    return content.entries, content.rules


def _value(words: Sequence[str], option: str) -> str:
    """The value of an option, as `--option VALUE` or `--option=VALUE`; "" if it is missing."""
    for word, after in zip(words, (*words[1:], ""), strict=False):
        if word == option:
            return after
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return ""
