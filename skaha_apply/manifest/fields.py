"""The keys of a manifest: one table from which reading, the JSON schema and the documentation all follow."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.values import MAX_REPLICAS, PROJECT, Values
from skaha_apply.model.session import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.manifest.nodes import Node

    Reader = Callable[[Values, Node, str], Any]

# Any scalar, taken as written; null is what other readers make of a key without a value, so there `~` wants quotes.
TEXT: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}
AMOUNT: Mapping[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": sys.float_info.max}
NAME_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
ANY_CASE = "^ *(" + "|".join("".join(f"[{char.upper()}{char}]" for char in kind) for kind in Kind) + ") *$"


@dataclass(frozen=True)
class Field:
    """One key of a session: how it is read, and what there is to say about it.

    `kind` is its type in words, `default` what holds without it, `inherited` whether `defaults` may hold it.
    """

    name: str
    read: Reader
    kind: str
    default: str
    description: str
    schema: Mapping[str, Any]
    examples: tuple[Any, ...] = field(default=())
    inherited: bool = True
    required: bool = False


SESSION_FIELDS: tuple[Field, ...] = (
    Field(
        "name",
        Values.text,
        "text",
        "required",
        "The name of the session, its identity within the project (in any case). Letters, digits and `-`, at most 63 "
        "characters with the replica's suffix. One replica has this very name on the server, of several each gets its "
        "number: `name-1` … `name-N`.",
        {"type": ["string", "number"], "pattern": NAME_PATTERN},
        ("reduce", "tile-0843"),
        inherited=False,
        required=True,
    ),
    Field(
        "image",
        Values.text,
        "text",
        "required, here or in `defaults`",
        "The container image in full: host, project, name and tag. The server knows no short names and no default tag.",
        {"type": "string"},
        ("images.canfar.net/skaha/astroml:24.07",),
        required=True,
    ),
    Field(
        "kind",
        Values.kind,
        "one of " + ", ".join(f"`{kind}`" for kind in Kind),
        "`headless`",
        "The type of session, in any case. `headless` runs a program to its end; the others are opened in a browser.",
        {"type": "string", "anyOf": [{"enum": [str(kind) for kind in Kind]}, {"pattern": ANY_CASE}]},
        ("headless", "notebook"),
    ),
    Field(
        "cores",
        Values.number,
        "number",
        "the server's flexible mode",
        "CPU cores. Give both `cores` and `ram`, or neither: the server decides by `ram` alone whether a session has "
        "fixed resources. Without both it is flexible: it gets little for certain, and more while the cluster has it.",
        AMOUNT,
        (2, 8),
    ),
    Field(
        "ram",
        Values.number,
        "number, GB",
        "the server's flexible mode",
        "Memory in GB as the server counts them, 2^30 bytes (GiB), without a unit.",
        AMOUNT,
        (8, 32),
    ),
    Field(
        "gpus",
        Values.whole,
        "whole number",
        "none",
        "GPUs. For none leave the key out: the server refuses 0.",
        {"type": "integer", "minimum": 1},
        (1,),
    ),
    Field(
        "replicas",
        Values.replicas,
        f"whole number, 1 to {MAX_REPLICAS:,}",
        "1",
        "Into how many shares the work is cut: so many sessions run it, each with its own `REPLICA_ID` (from 1) and "
        "with `REPLICA_COUNT` in its environment. Another number changes every share, so everything runs again.",
        {"type": "integer", "minimum": 1, "maximum": MAX_REPLICAS},
        (100,),
    ),
    Field(
        "cmd",
        Values.command,
        "text, or list of texts",
        "what the image starts by itself",
        "The program to run (headless only). Of a list the first item is the program and the rest goes before `args`.",
        {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]},
        ("python", ["python", "/arc/projects/survey/reduce.py"]),
    ),
    Field(
        "args",
        Values.words,
        "list of texts, or one text",
        "none",
        "The arguments of the program (headless only). One text is split at its spaces. The server cannot pass an "
        "argument with a space in it.",
        {"anyOf": [{**TEXT, "pattern": "[^ \\r\\n]"}, {"type": "array", "items": TEXT}]},
        (["/arc/projects/survey/reduce.py", "--band", "r"], "reduce.py --band r"),
    ),
    Field(
        "env",
        Values.environment,
        "mapping of names to texts",
        "none",
        "Environment variables (headless only). Those of `defaults` and of the session are merged; where both give the "
        "same name, the session's value holds.",
        {"type": "object", "additionalProperties": TEXT},
        ({"BAND": "r", "FIELD": "0843"},),
    ),
    Field(
        "needs",
        Values.texts,
        "list of texts, or one text",
        "none",
        "Names of headless sessions of the same project: this one starts once every replica of each is done.",
        {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
        (["reduce"],),
        inherited=False,
    ),
    Field(
        "protect",
        Values.truth,
        "`true` or `false`",
        "`false`",
        "Never deleted or replaced by a plan, also after its line was removed.",
        {"type": "boolean"},
        (True,),
    ),
)

BY_NAME: Mapping[str, Field] = {field.name: field for field in SESSION_FIELDS}
DEFAULT_FIELDS: Mapping[str, Field] = {field.name: field for field in SESSION_FIELDS if field.inherited}

# What it is and what it waits for, where it runs, what it runs: the order in which a session's keys are written.
CANONICAL = ("name", "kind", "needs", "image", "cores", "ram", "gpus", "replicas", "cmd", "args", "env", "protect")

TOP_FIELDS: Mapping[str, str] = {
    "version": "The version of this language: 1.",
    "project": "The project that these sessions belong to: the unit of ownership, with one state and one lock. The "
    "sessions of all files that name the same project add up. Letters, digits, `-`, `_` and `.`, at most 64.",
    "defaults": "What holds for every session of this file that does not say otherwise: any key of a session but "
    "`name` and `needs`.",
    "sessions": "The sessions that should exist, in the order in which they are created. May be an empty list.",
}
PROJECT_PATTERN = "^" + PROJECT.pattern.removesuffix(r"\Z") + "$"
