"""`convert`: the manifest for a command line, or for a bash or Python script. What `lint` refuses is not written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply import lint, manifest
from skaha_apply.manifest.generate.scripts.manifest_text import ScriptLists, convert_script
from skaha_apply.manifest.generate.yaml_writer import Remarks, dump
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.errors import SkahaApplyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.manifest.generate.from_command import ConvertedSession
    from skaha_apply.manifest.generate.scripts.manifest_text import ConvertedScript
    from skaha_apply.model.diagnostics import Diagnostic

MOST_BYTES = 8 << 20  # of a script
MOST_LIST_BYTES = 50_000_000
NAME_LINE = re.compile("  - name: ")
MANIFESTS = (".yaml", ".yml")


def convert_line(words: Sequence[str]) -> str:
    """The manifest for one command line.

    Raises `UsageError` for words that are no such command, or if the server would refuse the session.
    """
    text = manifest.convert(words)
    for one in errors_of(text):
        raise UsageError(f"no manifest can create this session: {one.summary} [{one.rule}]", hint=one.detail or None)
    return text


def convert_file(path: str, cwd: Path, tables: str | None = None) -> ConvertedScript:
    """The manifest for a script: Python if its name ends in .py or its first line names python, else bash.

    `tables` is the folder of new tables, at or below `cwd`; None if there must be none.
    Raises `UsageError` for a file that cannot be read as a script, or that creates no session.
    """
    if path.endswith(MANIFESTS):
        raise UsageError(f"{path} is a manifest already", hint="`skaha-apply lint` checks a manifest")
    if path.endswith(".ipynb"):
        raise UsageError(f"{path} is a notebook", hint=f"jupyter nbconvert --to script {path}, then convert that file")
    text = _text(Path(cwd, path), path, MOST_BYTES)
    first_line = text.partition("\n")[0]
    python = path.endswith(".py") or (first_line.startswith("#!") and "python" in first_line)
    project = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(path).stem)[:64].strip("._-") or "converted"
    return convert_script(
        text, project, _lists(Path(cwd, path).parent, cwd, _folder(tables, cwd)), _refused, python=python
    )


def _text(path: Path, shown: str, most: int) -> str:
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
            raise UsageError(f"{shown} {what}", hint="Write a command line after --, or give the path of a script.")
        if path.stat().st_size > most:
            raise UsageError(f"{shown} has more than {most:,} bytes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{shown} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {shown}: {getattr(error, 'strerror', None) or error}") from None


def _folder(tables: str | None, cwd: Path) -> str | None:
    """The folder of new tables as a manifest names it; raises `UsageError` if a manifest cannot read from it."""
    if tables is None:
        return None
    relative = os.path.relpath(os.path.realpath(cwd / tables), os.path.realpath(cwd))
    if not (cwd / tables).is_dir():
        raise UsageError(f"the folder {tables} does not exist", hint="create it, or pass another folder to --tables")
    if relative != "." and any(part.startswith(".") for part in relative.split("/")):
        hint = "a manifest reads tables from the folder of the invocation and below it; pass --tables ."
        raise UsageError(f"the folder {tables} is not below this folder", hint=hint)
    return relative


def write_tables(tables: Mapping[str, str], cwd: Path) -> None:
    """Write new tables; raises `UsageError` if one of them exists with another text, and then writes none."""
    for path, text in tables.items():
        if (cwd / path).exists() and _text(cwd / path, path, MOST_LIST_BYTES) != text:
            raise UsageError(f"{path} exists already", hint="move it, or pass another folder to --tables")
    for path, text in tables.items():
        try:
            (cwd / path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise SkahaApplyError(f"{path} cannot be written: {error.strerror}") from error


def _lists(folder: Path, cwd: Path, tables: str | None) -> ScriptLists:
    """The lists of a script: next to the folder of the invocation, where scripts run, else next to the script."""

    def found(path: str) -> Path | None:
        for place in (cwd, folder):
            try:
                if (place / path).is_file() and (place / path).stat().st_size <= MOST_LIST_BYTES:
                    return place / path
            except (OSError, ValueError):
                continue
        return None

    def read(path: str) -> str | None:
        place = found(path)
        try:
            return None if place is None else _text(place, path, MOST_LIST_BYTES)
        except UsageError:
            return None

    def manifest_path(path: str) -> str | None:
        place = found(path)
        if place is None:
            return None
        relative = os.path.relpath(os.path.realpath(place), os.path.realpath(cwd))
        return None if any(part.startswith(".") for part in relative.split("/")) else relative

    return ScriptLists(read, manifest_path, tables)


def _refused(sessions: Sequence[ConvertedSession]) -> dict[int, str]:
    """Why the server would refuse sessions, by their places in the sequence."""
    names = [f"s{place}" for place in range(len(sessions))]
    specs = [one.spec.model_copy(update={"name": name}) for one, name in zip(sessions, names, strict=True)]
    text = dump("x", specs, Remarks(escaped=any(one.escaped for one in sessions)))
    place, places = -1, [-1]
    for row in text.split("\n"):
        place += NAME_LINE.match(row) is not None
        places.append(place)
    refused: dict[int, str] = {}
    for one in errors_of(text):
        refused.setdefault(places[min(one.location.line, len(places) - 1)], f"{one.summary} [{one.rule}]")
    return refused


def errors_of(text: str) -> Iterable[Diagnostic]:
    """The errors of a manifest: of its form, else of the rules."""
    loaded = manifest.load(["-"], root=Path(), stdin=text.encode)
    found = loaded.diagnostics or lint.check(loaded.projects)
    return [one for one in found if one.severity is Severity.ERROR]
