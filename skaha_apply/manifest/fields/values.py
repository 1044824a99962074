"""Reads nodes as values of keys: text as written, numbers and truth values by the core schema of YAML."""

from __future__ import annotations

import math
import re
from dataclasses import field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.source.nodes import Node
from skaha_apply.model.session import MAX_REPLICAS, Kind

if TYPE_CHECKING:
    from skaha_apply.manifest.source.file_diagnostics import FileDiagnostics
    from skaha_apply.model.session import Number

INTEGER = re.compile(r"[-+]?[0-9]+\Z")
OTHER_BASE = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
MAX_DIGITS = 30
MAX_MERGES = 20  # of `<<` within what `<<` merges
MAX_MERGED = 1_000_000  # keys that `<<` brings to all mappings of a file
FORM = "[A-Za-z_][A-Za-z0-9_-]*"  # of the name of an axis or a variable, to which `${name}` refers
NAME = re.compile(FORM + r"\Z")
PROJECT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?\Z")
WITH_UNIT = re.compile(r"([0-9.]+) *(?:[gG](?:i?[bB])?|[gG]i)\Z")
WORDS = {"scalar": "a plain value", "sequence": "a list", "mapping": "a mapping"}


def number_of(text: str) -> Number | None:
    """The number of a plain scalar by the core schema of YAML 1.2, whole ones as int; None if it is not a number."""
    if len(text) > MAX_DIGITS:
        return None
    if INTEGER.match(text):
        return int(text)
    if OTHER_BASE.match(text):
        return int(text, 0)
    if not FLOAT.match(text):
        return None
    value = float(text)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


@dataclass(frozen=True, slots=True)
class LocatedText:
    """A text with the node that contains it."""

    text: str
    node: Node


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A key of a mapping with its value."""

    key: Node
    value: Node


class InvalidValue(Exception):
    """A value that is not valid; the diagnostic was already added."""


@dataclass(slots=True)
class NodeReader:
    """Reads the nodes of one file. Every method adds a diagnostic before it raises `InvalidValue`."""

    diagnostics: FileDiagnostics
    known: dict[int, dict[str, KeyValue]] = field(
        default_factory=dict
    )  # by id of the mapping, so that aliases are cheap
    merged: int = 0

    def merges_too_much(self) -> bool:
        """Whether `<<` repeats too many keys in this file, which was reported."""
        return self.merged > MAX_MERGED

    def refuse(self, rule: str, node: Node, summary: str, detail: str = "", *, path: str = "") -> InvalidValue:
        """Add a diagnostic; returns the exception to raise."""
        self.diagnostics.add(rule, node, summary, detail, path=path)
        return InvalidValue(summary)

    def text(self, node: Node, path: str) -> str:
        """A scalar as it is written."""
        if node.shape != "scalar":
            detail = 'Write text; in quotes if it has a colon and a space, or begins with [ or {: "key: value".'
            raise self.refuse("wrong-type", node, f"{path} must be text, not {WORDS[node.shape]}", detail, path=path)
        if node.empty:
            raise self.refuse(
                "wrong-type", node, f"{path} has no value", "Write a value, or remove the key.", path=path
            )
        return node.text

    def texts(self, node: Node, path: str) -> list[LocatedText]:
        """A list of texts, or one."""
        if node.shape == "sequence":
            read = [self._item(item, f"{path}[{index}]") for index, item in enumerate(node.items)]
            if None in read:
                raise InvalidValue(path)
            return [item for item in read if item is not None]
        if node.shape == "mapping":
            detail = f"Write a list: {path.rpartition('.')[2]}: [one, two]."
            raise self.refuse("wrong-type", node, f"{path} must be a list of texts, not a mapping", detail, path=path)
        return [LocatedText(self.text(node, path), node)]

    def _item(self, node: Node, path: str) -> LocatedText | None:
        try:
            return LocatedText(self.text(node, path), node)
        except InvalidValue:
            return None

    def command(self, node: Node, path: str) -> list[LocatedText]:
        """A program, or a list that begins with it."""
        if node.shape == "sequence" and not node.items:
            raise self.refuse("wrong-type", node, f"{path} is an empty list", "Remove the key.", path=path)
        return self.texts(node, path)

    def words(self, node: Node, path: str) -> list[LocatedText]:
        """A list of texts, or one text that is split at its spaces and line ends."""
        if node.shape != "scalar":
            return self.texts(node, path)
        text = self.text(node, path)
        pieces = [
            LocatedText(match[0], _piece(node, match.start(), match.end())) for match in re.finditer(r"[^ \r\n]+", text)
        ]
        if not pieces:
            detail = "Remove the key, or write []."
            raise self.refuse("wrong-type", node, f"{path} is an empty text", detail, path=path)
        return pieces

    def environment(self, node: Node, path: str) -> dict[str, LocatedText]:
        """A mapping of names to texts."""
        if node.shape != "mapping":
            detail = "Write env: {NAME: value}, or lines of NAME: value below env:."
            what = "a list" if node.shape == "sequence" else "text" if not node.empty else "empty"
            raise self.refuse("wrong-type", node, f"{path} must be a mapping, not {what}", detail, path=path)
        read: dict[str, LocatedText] = {}
        failed = False
        for name, entry in self.entries(node, path).items():
            item = self._item(entry.value, f"{path}.{name}")
            if item is None:
                failed = True
            else:
                read[name] = item
        if failed:
            raise InvalidValue(path)
        return read

    def number(self, node: Node, path: str) -> Number:
        """A number above 0, whole ones as int."""
        value = number_of(node.text) if node.shape == "scalar" and node.plain else None
        if value is None:
            raise self._not("a number", node, path)
        if value <= 0:
            raise self.refuse("wrong-value", node, f"{path} must be more than 0", path=path)
        return value

    def whole(self, node: Node, path: str) -> int:
        """A whole number, 0 or more."""
        value = number_of(node.text) if node.shape == "scalar" and node.plain else None
        if not isinstance(value, int):
            raise self._not("a whole number", node, path)
        if value < 0:
            raise self.refuse("wrong-value", node, f"{path} must not be negative", path=path)
        return value

    def replicas(self, node: Node, path: str) -> int:
        """A count of replicas."""
        value = self.whole(node, path)
        if not 1 <= value <= MAX_REPLICAS:
            few, many = "To start none, remove the session.", "Give each replica a larger share of the work."
            summary = f"{path} must be from 1 to {MAX_REPLICAS:,}"
            raise self.refuse("wrong-value", node, summary, many if value else few, path=path)
        return value

    def boolean(self, node: Node, path: str) -> bool:
        """True or false."""
        if node.shape == "scalar" and node.plain and node.text in BOOLEANS:
            return BOOLEANS[node.text]
        raise self._not("true or false", node, path)

    def _not(self, expected: str, node: Node, path: str) -> InvalidValue:
        name = re.split(r"[.\]]", path)[-1]  # "" for an item of a list
        detail = ""
        if node.empty:
            summary, detail = f"{path} has no value", f"Write a value, or remove the {'key' if name else 'item'}."
        elif node.shape != "scalar":
            summary = f"{path} must be {expected}, not {WORDS[node.shape]}"
        else:
            summary = f"{path} must be {expected}, not {'' if node.plain else 'the text '}{quoted(node.text)}"
            detail = _instead(expected, name, node.text.strip())
        return self.refuse("wrong-type", node, summary, detail, path=path)

    def kind(self, node: Node, path: str) -> Kind:
        """A session type, in any case."""
        text = self.text(node, path).strip().lower()
        try:
            return Kind(text)
        except ValueError:
            detail = f"The kinds are {', '.join(Kind)}."
            if text == "desktop-app":
                detail = "Only a desktop session starts desktop apps. Write kind: desktop."
            elif near := get_close_matches(text, list(Kind), n=1):
                detail = f"Did you mean {near[0]}? {detail}"
            summary = f"{quoted(node.text)} is not a kind of session"
            raise self.refuse("wrong-value", node, summary, detail, path=path) from None

    def project(self, node: Node, path: str) -> str:
        """The name of a project."""
        text = self.text(node, path)
        if PROJECT.match(text):
            return text
        detail = "Use letters, digits, `-`, `_` and `.`, at most 64, with a letter or digit first and last."
        raise self.refuse("wrong-value", node, f"{quoted(text)} is not a name for a project", detail, path=path)

    def entries(self, node: Node, path: str) -> dict[str, KeyValue]:
        """The keys and values of a mapping, including those that `<<` merges; duplicate keys are reported."""
        return self._entries(node, path, 0)

    def _entries(self, node: Node, path: str, depth: int) -> dict[str, KeyValue]:
        if id(node) in self.known:
            return self.known[id(node)]
        own: dict[str, KeyValue] = {}
        for key, value in node.pairs:
            if key.shape != "scalar":
                self.diagnostics.add("wrong-type", key, f"a key must be text, not {WORDS[key.shape]}", path=path)
            elif key.text in own:
                summary = f"the key {quoted(key.text)} is there twice; the first is in line {own[key.text].key.line}"
                detail = "Remove one of the two." if key.text != "<<" else "Merge several mappings with <<: [*one, "
                detail += "*two]."
                self.diagnostics.add("duplicate-key", key, summary, detail, path=path)
            else:
                own[key.text] = KeyValue(key, value)
        merge = own.get("<<")
        if merge is not None and merge.key.plain:
            del own["<<"]
            own = {**self._merged(merge.value, path, depth + 1), **own}
        self.known[id(node)] = own
        return own

    def _merged(self, node: Node, path: str, depth: int) -> dict[str, KeyValue]:
        merged: dict[str, KeyValue] = {}
        for part in reversed(node.items if node.shape == "sequence" else [node]):
            if part.shape != "mapping":
                self.diagnostics.add("wrong-type", part, "<< must be a mapping, or a list of mappings", path=path)
                continue
            if depth > MAX_MERGES:
                summary = f"<< merges mappings that merge others, more than {MAX_MERGES} deep"
                self.diagnostics.add("too-large", part, summary, "Write the keys in one mapping.", path=path)
                continue
            if self.merges_too_much():
                continue
            entries = self._entries(part, path, depth)
            self.merged += len(entries)
            merged.update(entries)
            if self.merges_too_much():
                summary = f"<< repeats more than {MAX_MERGED:,} keys in this file"
                detail = (
                    "Let the sessions read the values from a file, or split the manifest: the files of one project "
                )
                self.diagnostics.add("too-large", part, summary, detail + "are merged.", path=path)
        return merged


def _instead(expected: str, name: str, text: str) -> str:
    """What to write for a scalar of the wrong type."""
    if expected == "true or false":
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false", "1": "true", "0": "false"}
        word = meant.get(text.lower(), text.lower())
        return f"Write {name}: {word}." if word in BOOLEANS else f"Write {name}: true, or {name}: false."
    key = f"{name}: " if name else ""
    unit = WITH_UNIT.match(text)
    if name in ("ram", "retry_ram", "") and unit and number_of(unit[1]) is not None:
        return f"Write {key}{unit[1]}. The number is in GB as the server counts them (GiB)."
    value = number_of(text)
    if value is None or (expected == "a whole number" and not isinstance(value, int)):
        return f"Write {key}2, for example."
    return f"Write {key}{value}, without quotes."


def _piece(node: Node, start: int, end: int) -> Node:
    """The node of a part of a text: with its exact position if the text is on one line, else that of the whole."""
    quotes = 0 if node.plain else 1
    piece = Node("scalar", node.line, node.column, node.end_line, node.end_column)
    if node.line == node.end_line and node.end_column - node.column == len(node.text) + 2 * quotes:
        piece.column, piece.end_column = node.column + quotes + start, node.column + quotes + end
    return piece
