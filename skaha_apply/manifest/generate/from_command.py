"""Converts a command line that creates sessions (`skaha create`, `canfar create`) to a manifest.

If the server would drop or change a value, the manifest has a value that works, and a comment with the reason.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import field
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.fields.values import number_of
from skaha_apply.manifest.generate.command_line import CreateCommand, parse_create_command
from skaha_apply.manifest.generate.yaml_writer import ACTED_ON, Remarks, dump
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.errors import UsageError
from skaha_apply.model.session import MAX_REPLICAS, Kind
from skaha_apply.model.spec import SessionSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.session import Number

# What the published clients add to an image without a host, without a namespace, without a tag.
REGISTRY, NAMESPACE, TAG = "images.canfar.net", "library", "latest"
MAX_NAME = 63  # characters of a name on the server, with the replica's suffix [SessionLabels]
INTERPRETERS = frozenset({"bash", "sh", "zsh", "dash", "ksh", "csh", "tcsh", "env", "python", "julia", "Rscript"})
SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh"})
PLATFORM = frozenset({"HOME", "PWD", "OMP_NUM_THREADS", "skaha_hostname", "skaha_username", "skaha_sessionid"})
VARIABLE = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*\Z")


@dataclass
class _CommandDraft:
    """The remarks about the session so far, and whether a text has escapes of the server."""

    remarks: list[str] = field(default_factory=list)
    escaped: bool = False


def convert(argv: Sequence[str]) -> str:
    """The manifest that does what a `create` command of the published clients does.

    Args:
        argv: the words of the command line; one single word is split as a shell does.

    Raises `UsageError` for a line that is no such command, or that no session can be made of.
    """
    session = session_of(parse_create_command(_words(argv)))
    spec = session.spec
    remarks = Remarks(sessions={spec.name: session.remarks}, escaped=session.escaped)
    return dump(spec.name.lower(), [spec], remarks)


@dataclass(frozen=True)
class ConvertedSession:
    """A session spec, the remarks about it, and whether a text has escapes of the server."""

    spec: SessionSpec
    remarks: tuple[str, ...]
    escaped: bool


def session_of(line: CreateCommand) -> ConvertedSession:
    """The session that a `create` command creates.

    Raises `UsageError` if no session can be made of it.
    """
    draft = _CommandDraft()
    kind = _kind(line.kind)
    cmd, args = _command(line.command, kind, draft)
    replicas = _count(line.replicas, "--replicas", MAX_REPLICAS) or 1
    spec = SessionSpec(
        name=_name(line, kind, replicas, draft),
        image=_image(line.image, draft),
        kind=kind,
        cores=_amount(line.cores, "--cpu"),
        ram=_amount(line.ram, "--memory"),
        gpus=_gpus(line.gpus, draft),
        replicas=replicas,
        cmd=cmd,
        args=args,
        env=_environment(line.env, kind, draft),
    )
    return ConvertedSession(spec, tuple(draft.remarks), draft.escaped)


def _words(argv: Sequence[str]) -> list[str]:
    if len(argv) != 1:
        return list(argv)
    try:
        return shlex.split(argv[0])
    except ValueError as error:
        raise UsageError(f"the command line cannot be split into words: {error}") from None


def _kind(text: str) -> Kind:
    try:
        return Kind(text.strip().lower())
    except ValueError:
        near = get_close_matches(text.lower(), list(Kind), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"The kinds are {', '.join(Kind)}."
        raise UsageError(f"{quoted(text)} is not a kind of session", hint=hint) from None


def _image(image: str, draft: _CommandDraft) -> str:
    """The whole name of an image, as the clients complete it: registry, namespace and tag."""
    host, slash, rest = image.partition("/")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:/@_-]*", image) or "//" in image or (slash and not rest):
        hint = f"Write the whole name: {REGISTRY}/skaha/astroml:24.07, for example."
        raise UsageError(f"{quoted(image)} is not the name of an image", hint=hint)
    named = bool(slash) and ("." in host or ":" in host or host == "localhost")
    whole = image if named else f"{REGISTRY}/{image}" if slash else f"{REGISTRY}/{NAMESPACE}/{image}"
    if not re.search("[:@]", whole.rpartition("/")[2]):
        whole += f":{TAG}"
    if whole != image:
        draft.remarks.append(f"The image was given as {image}; the server requires the whole name.")
    return whole


def _name(line: CreateCommand, kind: Kind, replicas: int, draft: _CommandDraft) -> str:
    given = line.name if line.name is not None else derived_name(line, kind)
    room = MAX_NAME - (len(f"-{replicas}") if replicas > 1 else 0)
    name = re.sub(r"[^A-Za-z0-9-]+", "-", given).strip("-")[:room].strip("-") or str(kind)
    if line.name is None:
        draft.remarks.append("The line gave no name.")
    elif name != given:
        draft.remarks.append(f"The name was {quoted(given)}, which the server refuses.")
    return name if line.name is not None else name.lower()


def derived_name(line: CreateCommand, kind: Kind) -> str:
    """A name for a session without one: the script that it runs, else its program, else its image."""
    words = [word for word in " ".join(line.command).split() if not word.startswith("-")]
    script = next((word for word in words if re.search(r"[^./]\.[A-Za-z]{1,4}\Z", word)), None)
    if kind.interactive:
        return str(kind)
    if script is not None:
        return PurePosixPath(script).stem
    program = PurePosixPath(words[0]).name if words else ""
    if program and re.sub(r"[0-9.]+\Z", "", program) not in INTERPRETERS:
        return program
    return re.split(r"[:@]", line.image.rpartition("/")[2])[0]


def _amount(text: str | None, option: str) -> Number | None:
    if text is None:
        return None
    value = number_of(text)
    if value is None or value < 1:
        raise UsageError(f"{option} requires a number of at least 1, not {quoted(text)}")
    return value


def _count(text: str | None, option: str, most: int) -> int | None:
    if text is None:
        return None
    value = number_of(text)
    if not isinstance(value, int) or not 0 <= value <= most or (value == 0 and option == "--replicas"):
        raise UsageError(f"{option} requires a whole number up to {most:,}, not {quoted(text)}")
    return value


def _gpus(text: str | None, draft: _CommandDraft) -> int | None:
    count = _count(text, "--gpu", 1000)
    if count == 0:
        draft.remarks.append("GPUs were 0, which the server refuses; without the key a session has no GPU.")
    return count or None


def _command(words: Sequence[str], kind: Kind, draft: _CommandDraft) -> tuple[str | None, tuple[str, ...]]:
    if not words:
        return None, ()
    if kind.interactive:
        draft.remarks.append(
            f"{quoted(shlex.join(words))} is left out: the server runs a command only in headless sessions."
        )
        return None, ()
    cmd, *args = words
    if not cmd.strip():
        raise UsageError("the command is blank")
    if " " in cmd:
        draft.remarks.append(
            "The command was one word with spaces, which the server would use as the name of a program."
        )
        cmd, *first = cmd.split()
        args = [*first, *args]
    while len(args) > 1 and not args[-1]:
        args.pop()
        draft.remarks.append("An empty argument at the end is left out, as the server does.")
    read: list[str] = []
    for index, arg in enumerate(args):
        read.extend(_argument(arg, script=_is_script(cmd, args, index), draft=draft))
    return _escaped(cmd, draft), tuple(_escaped(arg, draft) for arg in read)


def _is_script(cmd: str, args: Sequence[str], index: int) -> bool:
    """Whether an argument is the script of a shell's -c."""
    return PurePosixPath(cmd).name in SHELLS and index > 0 and re.fullmatch("-[a-z]*c", args[index - 1]) is not None


def _argument(arg: str, *, script: bool, draft: _CommandDraft) -> list[str]:
    if " " not in arg:
        return [arg]
    if script:
        draft.remarks.append(
            "The server splits arguments at spaces, so the script has tabs instead, also within quotes."
        )
        return [arg.replace(" ", "\t")]
    draft.remarks.append(f"The argument {quoted(arg)} is split at its spaces, as the server does.")
    return [word for word in arg.split(" ") if word]


def _escaped(text: str, draft: _CommandDraft) -> str:
    """A text in the server's own escapes, so that it arrives as it was meant [SessionJobBuilder]."""
    if wrong := re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]", text):
        hint = "Put it into a script file, and run that."
        raise UsageError(f"{quoted(text)} has {_control(wrong[0])} in it, which the server cannot pass", hint=hint)
    if not ACTED_ON.search(text):
        return text
    if not draft.escaped:
        draft.remarks.append(
            "The server interprets quotes, backslashes and $; they are escaped so that the program receives them."
        )
        draft.escaped = True
    return text.replace("\\", "\\" * 4).replace('"', '\\\\\\"').replace("$", "\\$")


def _control(char: str) -> str:
    return "a line end" if char in "\n\r" else f"the control character U+{ord(char):04X}"


def _environment(pairs: Sequence[str], kind: Kind, draft: _CommandDraft) -> dict[str, str]:
    if pairs and kind.interactive:
        draft.remarks.append(
            "The environment variables are left out: the server passes them only to headless sessions."
        )
        return {}
    read: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not VARIABLE.match(name):
            raise UsageError(f"--env requires NAME=VALUE, not {quoted(pair)}")
        if name in PLATFORM or name in ("REPLICA_ID", "REPLICA_COUNT") or name.startswith("SKAHA_APPLY_"):
            draft.remarks.append(f"{name} is left out: the platform or skaha-apply sets it for every session.")
        elif value.endswith("=") and (kept := value.rstrip("=")) and "=" not in kept:
            draft.remarks.append(f"{name} was {quoted(value)}: the server cuts = at the end.")
            read[name] = _escaped(kept, draft)
        elif not value or "=" in value:
            draft.remarks.append(f"{quoted(pair)} is left out: the server drops empty values and values with =.")
        else:
            read[name] = _escaped(value, draft)
    return read
