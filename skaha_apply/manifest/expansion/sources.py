"""The sources of the value of a key: fixed, or filled in for each combination.

A key can have several sources, the strongest first: an include, the session, the defaults. A value without references
is read once. Others are filled in and read for each combination. An empty cell leaves a key to its next source.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Protocol

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.fields.values import InvalidValue, LocatedText, NodeReader
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.source.nodes import Node
from skaha_apply.manifest.variables.interpolation import COUNT, BadReference, Template, TextPurpose, template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.manifest.fields.readers import SessionField
    from skaha_apply.manifest.variables.interpolation import Scope
    from skaha_apply.model.session import Number

NEEDED = ("name", "image")  # keys with a substitute if a variable has no value


class ValueSource(Protocol):
    """A source of the value of a key."""

    @property
    def node(self) -> Node:
        """The node of the value."""
        ...

    @property
    def certain(self) -> bool:
        """Whether it has a value in every combination, so weaker sources are not used."""
        ...

    def absent(self, values: Mapping[str, str]) -> bool:
        """Whether an empty cell leaves it out."""
        ...

    def read(self, values: Mapping[str, str]) -> Any:
        """The value for one combination. Raises `InvalidValue`."""
        ...


@dataclass(slots=True)
class FixedValue:
    """A value that is the same in every combination."""

    value: Any
    node: Node
    certain: bool = True

    def absent(self, _: Mapping[str, str]) -> bool:
        """Never."""
        return False

    def read(self, _: Mapping[str, str]) -> Any:
        """The value."""
        return self.value


@dataclass(slots=True)
class FilledScalar:
    """A value that is read from a text after its references are filled in."""

    key: SessionField
    node: Node
    path: str
    template: Template
    reader: NodeReader
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def certain(self) -> bool:
        """Whether it has a value in every combination."""
        return not self.template.only or self.key.name == "name"

    def absent(self, values: Mapping[str, str]) -> bool:
        """Whether an empty cell leaves it out."""
        return not self.certain and not values[self.template.only]

    def read(self, values: Mapping[str, str]) -> Any:
        """The value; None if it depends on a variable without a value. Raises `InvalidValue`."""
        if self.template.unknown and self.key.name not in NEEDED:
            return None
        text = self.template.fill(values)
        if self.key.read is NodeReader.text:  # a filled text is never missing
            return text
        value = self.known.get(text)
        if value is None:
            self.reader.diagnostics.using = self.template.names
            value = self.key.read(self.reader, filled(self.node, text, self.template), self.path)
            self.known[text] = value
        return value


@dataclass(slots=True)
class FilledText:
    """One text of `cmd`, `args` or `env` with its references filled in, as far as they are known now."""

    item: LocatedText
    path: str
    template: Template
    reader: NodeReader

    @property
    def node(self) -> Node:
        """The node of the value."""
        return self.item.node

    @property
    def certain(self) -> bool:
        """Whether it has a value in every combination."""
        return not self.template.only

    def absent(self, values: Mapping[str, str]) -> bool:
        """Whether an empty cell leaves it out."""
        only = self.template.only
        return bool(only) and not values[only]

    def read(self, values: Mapping[str, str]) -> str:
        """The text; raises `InvalidValue` if a value in it would be read as a reference later."""
        text = self.template.fill(values)
        if "${" in text and self.template.misread(text):
            raise self._misread()
        return text

    def _misread(self) -> InvalidValue:
        self.reader.diagnostics.using = self.template.names
        detail = (
            "${replica.id} and ${var.name} are filled in when a session is created, so they cannot be sent as text."
        )
        summary = f"{self.path} becomes a text with a reference in it"
        return self.reader.refuse("interpolation", self.item.node, summary, detail, path=self.path)


@dataclass(slots=True)
class FilledList:
    """A list of texts with references; `only` is the name if the whole list is a single reference."""

    items: Sequence[FixedValue | FilledText]
    node: Node
    only: str = ""

    @property
    def certain(self) -> bool:
        """Whether it has a value in every combination."""
        return not self.only

    def absent(self, values: Mapping[str, str]) -> bool:
        """Whether an empty cell leaves it out as a whole."""
        return bool(self.only) and not values[self.only]

    def read(self, values: Mapping[str, str]) -> list[str]:
        """The texts that are not left out. Raises `InvalidValue`."""
        return [item.read(values) for item in self.items if item.certain or not item.absent(values)]


@dataclass(slots=True)
class FilledNumbers:
    """A list of numbers with references in its items. An empty cell leaves out its item."""

    items: Sequence[FixedValue | FilledScalar]
    node: Node
    certain: bool = True

    def absent(self, _: Mapping[str, str]) -> bool:
        """Never."""
        return False

    def read(self, values: Mapping[str, str]) -> tuple[Number, ...]:
        """The numbers that are not left out and depend on no variable without a value. Raises `InvalidValue`."""
        read = [item.read(values) for item in self.items if not item.absent(values)]
        return tuple(value for value in read if value is not None)


@dataclass(frozen=True)
class SourceBuilder:
    """Builds the sources of the keys of one session."""

    reader: NodeReader
    scope: Scope
    name: str = ""  # of the session, for messages about its defaults

    def parsed(self, text: str, node: Node, path: str, purpose: TextPurpose) -> Template:
        """A text with its references; raises `InvalidValue`."""
        try:
            return template(text, self.scope, purpose)
        except BadReference as error:
            detail = error.detail
            if self.name and path.startswith("defaults."):
                detail = f"The session {quoted(self.name)} uses this default. {detail}"
            raise self.reader.refuse("interpolation", node, f"{path}: {error.summary}", detail, path=path) from None

    def scalar(self, key: SessionField, node: Node, path: str) -> FixedValue | FilledScalar:
        """The source of a key whose text has references."""
        purpose = TextPurpose.NAME if key.name == "name" else TextPurpose.FIELD
        parsed = self.parsed(node.text, node, path, purpose)
        if key.name == "replicas" and COUNT in parsed.names:
            raise self.reader.refuse(
                "interpolation", node, f"{path}: the number of replicas cannot depend on replica.count", path=path
            )
        if parsed.names or parsed.unknown:
            return FilledScalar(key, node, path, parsed, self.reader)
        return FixedValue(key.read(self.reader, filled(node, parsed.fill({}), parsed), path), node)

    def numbers(self, key: SessionField, node: Node, path: str) -> ValueSource:
        """The source of a list of numbers, of which some have references."""
        one = replace(key, read=NodeReader.number)
        sources: list[FixedValue | FilledScalar] = []
        for index, item in enumerate(node.items):
            where = f"{path}[{index}]"
            with suppress(InvalidValue):
                is_filled = item.shape == "scalar" and "${" in item.text
                value = self.scalar(one, item, where) if is_filled else None
                sources.append(value or FixedValue(self.reader.number(item, where), item))
        if len(sources) < len(node.items):
            raise InvalidValue(path)
        return FilledNumbers(sources, node)

    def text(self, item: LocatedText, path: str) -> FixedValue | FilledText:
        """The source of one text."""
        if "${" not in item.text:
            return FixedValue(item.text, item.node)
        source = FilledText(item, path, self.parsed(item.text, item.node, path, TextPurpose.TEXT), self.reader)
        if source.template.names or source.template.unknown:
            return source
        return FixedValue(source.read({}), item.node)

    def texts(self, items: Sequence[LocatedText], node: Node, path: str) -> ValueSource:
        """The source of a list of texts, or of one text that was split."""
        if not any("${" in item.text for item in items):
            return FixedValue(items, node)
        one = node.shape == "scalar"
        sources: list[FixedValue | FilledText] = []
        for index, item in enumerate(items):
            with suppress(InvalidValue):
                sources.append(self.text(item, path if one else f"{path}[{index}]"))
        if len(sources) < len(items):
            raise InvalidValue(path)
        first = sources[0]
        only = first.template.only if one and len(sources) == 1 and isinstance(first, FilledText) else ""
        return FilledList(sources, node, only)


def filled(node: Node, text: str, parsed: Template) -> Node:
    """A scalar with its text filled in. Quotes around a single reference do not make the value a text."""
    plain = node.plain or parsed.wholly
    return Node("scalar", node.line, node.column, node.end_line, node.end_column, text, plain and bool(text))
