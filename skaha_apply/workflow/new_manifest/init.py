"""`init`: write the first manifest of a project: one script, for each value of a list."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.command_line import CreateCommand
from skaha_apply.manifest.generate.scripts.record import RecordedCall
from skaha_apply.manifest.generate.scripts.templates import open_entry
from skaha_apply.manifest.generate.scripts.traced_text import UNKNOWN, mark, without_private
from skaha_apply.manifest.generate.yaml_writer import Remarks, dump
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.workflow.new_manifest.convert import errors_of

SCHEMA = "manifest.v1.schema.json"
PROGRAMS = {".py": "python", ".sh": "bash", ".bash": "bash", ".jl": "julia", ".R": "Rscript", ".r": "Rscript"}
SUFFIXES = (".yaml", ".yml")
RETRIES, PILOT = 2, 1


@dataclass(frozen=True)
class InitSettings:
    """What the manifest contains: the container image, the script on the server, and a list; "" for no list."""

    image: str
    script: str
    list_file: str = ""


def target(file: str | None, cwd: Path) -> Path:
    """The file to write, `manifests/<project>.yaml` by default.

    Raises `UsageError` for a file that is there, or that is not the name of a manifest.
    """
    path = Path(file) if file else Path("manifests", f"{_project(cwd.resolve().name)}.yaml")
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is not the name of a manifest", hint="Write a name that ends in .yaml.")
    try:
        taken = os.path.lexists(cwd / path)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot use {path}: {error}") from None
    if taken:
        raise UsageError(f"{path} exists, and init overwrites no file", hint="Give another FILE.")
    return path


def manifest_text(path: Path, settings: InitSettings, cwd: Path) -> str:
    """The text of the manifest.

    Raises `UsageError` for values that `lint` would refuse.
    """
    axis = _axis(settings.list_file)
    stem = re.sub(r"[^a-z0-9-]+", "-", PurePosixPath(settings.script).stem.lower()).strip("-") or "session"
    value = (mark(axis, UNKNOWN),) if settings.list_file else ()
    script = without_private(settings.script)
    program = PROGRAMS.get(PurePosixPath(script).suffix)
    words = (*((program,) if program else ()), script, *value)
    command = CreateCommand("headless", without_private(settings.image), words, name="-".join([stem, *value]))
    entry = open_entry(RecordedCall(1, command))
    if entry is None:
        raise UsageError("no manifest can be written for this image and script", hint="Check --image and --script.")
    session = entry.session
    spec = session.spec.model_copy(update={"retries": RETRIES, "pilot": PILOT} if settings.list_file else {})
    matrices = {spec.name: {axis: settings.list_file}} if settings.list_file else {}
    remarks = Remarks(sessions={spec.name: session.remarks}, escaped=session.escaped, matrices=matrices)
    text = f"# yaml-language-server: $schema={_schema(path, cwd)}\n" + dump(_project(path.stem), [spec], remarks)
    for one in errors_of(text):
        raise UsageError(f"{one.summary} [{one.rule}]", hint=one.detail or None)
    return text


def write(path: Path, text: str, cwd: Path) -> None:
    """Write a new file.

    Raises `SkahaApplyError` if that is not possible; a file that is there stays as it is.
    """
    try:
        (cwd / path).parent.mkdir(parents=True, exist_ok=True)
        with (cwd / path).open("x", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise SkahaApplyError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


def relative_list(list_file: str, cwd: Path) -> str:
    """The path of a list as the manifest names it.

    Raises `UsageError` for a list that does not exist, or is not below the folder of the invocation.
    """
    try:
        there = (cwd / list_file).is_file()
        relative = os.path.relpath(os.path.realpath(cwd / list_file), os.path.realpath(cwd))
    except (OSError, ValueError):
        there, relative = False, ""
    if not there:
        raise UsageError(f"the list {list_file} does not exist", hint="Write one value on each line.")
    if any(part.startswith(".") for part in relative.split("/")):
        raise UsageError(
            f"the list {list_file} is not below this folder", hint="Copy it here: a manifest reads no other."
        )
    return relative


def _project(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:64].strip("._-") or "project"


def _axis(list_file: str) -> str:
    """The name of the axis: `tile` for `tiles.txt`."""
    stem = re.sub(r"\W", "", PurePosixPath(list_file).stem, flags=re.ASCII)
    stem = stem.removesuffix("s") or "item"
    return stem if stem[0].isalpha() and stem not in ("include", "exclude", "row", "var", "slug", "replica") else "item"


def _schema(path: Path, cwd: Path) -> str:
    """The path of the schema, relative to the manifest: that of this folder if it has one."""
    here = cwd / "schemas" / SCHEMA
    return os.path.relpath(here, (cwd / path).parent) if here.is_file() else SCHEMA
