"""Readers of durations, counts, shares, words and `needs`, and what a field of a session consists of."""

from __future__ import annotations

import re
from dataclasses import field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.fields.values import WORDS, InvalidValue, LocatedText, number_of
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.durations import FORMS, DurationError, check_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.manifest.fields.values import KeyValue, NodeReader
    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.model.session import Number

    Reader = Callable[[NodeReader, Node, str], Any]


FRACTION = r"(?:\.[0-9]{1,3})?"
SHARE_PATTERN = rf"^(?:100|[0-9]{{1,2}}{FRACTION})%$"
ENDED = "ended"
RERUNS = ("on-change", "always", "never")
VANISHED = ("hold", "rerun", "complete")
REMOVED = ("delete", "finish")


@dataclass(frozen=True, slots=True)
class NeedsValue:
    """The dependencies of a session as written; `require` has the share (0..1) that must succeed, if below 1."""

    names: tuple[LocatedText, ...] = ()
    require: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)


def duration(reader: NodeReader, node: Node, path: str) -> float:
    """A duration in seconds: `10s`, `30m`, `12h`, `2d`, or a number of seconds. Raises `InvalidValue`."""
    text = reader.text(node, path)
    number = number_of(text) if node.plain else None
    try:
        return float(parse_duration(text) if number is None else check_duration(number, text))
    except DurationError as error:
        if error.is_zero:
            detail = f"Remove {_name(path)} to use the default."
            raise reader.refuse("wrong-value", node, f"{path} must be more than 0", detail, path=path) from None
    summary = f"{path} must be a duration, not {quoted(node.text)}"
    detail = f"Write {_name(path)}: {FORMS}, for example; at most 999d."
    raise reader.refuse("wrong-value", node, summary, detail, path=path)


def amounts(reader: NodeReader, node: Node, path: str) -> tuple[Number, ...]:
    """Numbers above 0, or one of them. Raises `InvalidValue`."""
    if node.shape == "scalar":
        return (reader.number(node, path),)
    if not node.items:
        what = "an empty list" if node.shape == "sequence" else WORDS[node.shape]
        detail = f"Write {_name(path)}: [16, 32], for example, or remove the key."
        raise reader.refuse(
            "wrong-type", node, f"{path} must be a number or a list of numbers, not {what}", detail, path=path
        )
    read = [_amount(reader, item, f"{path}[{index}]") for index, item in enumerate(node.items)]
    if None in read:
        raise InvalidValue(path)
    return tuple(value for value in read if value is not None)


def _amount(reader: NodeReader, node: Node, path: str) -> Number | None:
    try:
        return reader.number(node, path)
    except InvalidValue:
        return None


def count(reader: NodeReader, node: Node, path: str) -> int:
    """A whole number of at least 1."""
    value = reader.whole(node, path)
    if value < 1:
        detail = f"Remove {_name(path)} to use the default."
        raise reader.refuse("wrong-value", node, f"{path} must be at least 1", detail, path=path)
    return value


def one_of(*words: str) -> Callable[[NodeReader, Node, str], str]:
    """A reader that accepts these words only."""

    def read(reader: NodeReader, node: Node, path: str) -> str:
        text = reader.text(node, path)
        if text in words:
            return text
        near = get_close_matches(text.strip().lower(), words, n=1)
        detail = f"Did you mean {near[0]}?" if near else f"Write {', '.join(words[:-1])} or {words[-1]}."
        raise reader.refuse("wrong-value", node, f"{path} cannot be {quoted(text)}", detail, path=path)

    return read


def rerun(reader: NodeReader, node: Node, path: str) -> str | Number:
    """`on-change`, `always`, `never`, or an age."""
    text = reader.text(node, path)
    if text in RERUNS:
        return text
    if text[:1].isdigit() or text[:1] in "+-.":
        return duration(reader, node, path)
    near = get_close_matches(text.strip().lower(), RERUNS, n=1)
    detail = f"Did you mean {near[0]}?" if near else "Write on-change, always, never, or an age: 1d, for example."
    raise reader.refuse("wrong-value", node, f"{path} cannot be {quoted(text)}", detail, path=path)


def needs(reader: NodeReader, node: Node, path: str) -> NeedsValue:
    """Names, and names with a share: `[reduce, {name: flats, require: 95%}]`, or one of them alone."""
    if node.shape == "sequence":
        locations = [(item, f"{path}[{index}]") for index, item in enumerate(node.items)]
    else:
        locations = [(node, path)]
    read = [_need(reader, item, where) for item, where in locations]
    if None in read:
        raise InvalidValue(path)
    known: dict[str, float] = {}
    for (item, where), one in zip(locations, read, strict=True):
        if one is not None and known.setdefault(one[0].text.casefold(), one[1]) != one[1]:
            summary = f"{path} has {quoted(one[0].text)} twice, with different shares"
            raise reader.refuse("wrong-value", item, summary, "Remove one of the two.", path=where)
    found = [one for one in read if one is not None]
    return NeedsValue(tuple(name for name, _ in found), {name.text: part for name, part in found if part < 1})


def _need(reader: NodeReader, node: Node, path: str) -> tuple[LocatedText, float] | None:
    try:
        if node.shape == "scalar":
            return LocatedText(reader.text(node, path), node), 1.0
        if node.shape != "mapping":
            detail = "Write a name, or {name: NAME, require: 95%}."
            raise reader.refuse(
                "wrong-type", node, f"{path} must be a name, not {WORDS[node.shape]}", detail, path=path
            )
        return _with_share(reader, node, path)
    except InvalidValue:
        return None


def _with_share(reader: NodeReader, node: Node, path: str) -> tuple[LocatedText, float]:
    entries: Mapping[str, KeyValue] = reader.entries(node, path)
    for name, entry in entries.items():
        if name not in ("name", "require"):
            detail = "The keys are name and require."
            raise reader.refuse(
                "unknown-key", entry.key, f"{quoted(name)} is not a key of {path}", detail, path=f"{path}.{name}"
            )
    if "name" not in entries:
        raise reader.refuse("missing-key", node, f"{path} has no name", "Write {name: NAME, require: 95%}.", path=path)
    named = entries["name"].value
    located = LocatedText(reader.text(named, f"{path}.name"), named)
    return located, _share(reader, entries["require"].value, f"{path}.require") if "require" in entries else 1.0


def _share(reader: NodeReader, node: Node, path: str) -> float:
    """`95%` or `ended`, as 0..1."""
    text = reader.text(node, path)
    if text == ENDED:
        return 0.0
    if re.fullmatch(SHARE_PATTERN, text):
        return round(float(text[:-1]) / 100, 5)  # 99.9 / 100 would be more than 0.999
    value = number_of(text)
    detail = "Write a share, for example 95%; or ended, to start whatever the result is."
    if value is not None and 0 < value <= 1:
        detail = f"Write require: {value * 100:g}%."
    elif value is not None and 1 < value <= 100:  # noqa: PLR2004 - per cent
        detail = f"Write require: {value:g}%."
    raise reader.refuse("wrong-value", node, f"{path} cannot be {quoted(node.text)}", detail, path=path)


def _name(path: str) -> str:
    return re.split(r"[.\]]", path)[-1]


def unread(_: NodeReader, node: Node, __: str) -> Node:
    """The node itself, for a key that is read before all others."""
    return node


@dataclass(frozen=True)
class SessionField:
    """One key of a session: its reader, its JSON schema, and its description.

    `kind` is the type in words, `default` the value without the key, `inherited` whether `defaults` can have it.
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
