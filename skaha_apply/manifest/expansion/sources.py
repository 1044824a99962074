"""One session with its defaults, prepared once and filled for every combination.

Each key has the places that may give its value, the strongest first: an include, the session, the defaults. What refers
to nothing is read once. The rest is filled and read for each combination, where an empty cell leaves a key to the next.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from skaha_apply.manifest.fields.values import InvalidValue, LocatedText
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.source.nodes import Node
from skaha_apply.manifest.variables.interpolation import COUNT, BadReference, Template, TextPurpose, template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.manifest.fields.readers import SessionField
    from skaha_apply.manifest.fields.values import NodeReader
    from skaha_apply.manifest.variables.interpolation import Scope

NEEDED = ("name", "image")  # what a stand-in takes the place of where a variable has no value


class ValueSource(Protocol):
    """What may give the value of a key."""

    @property
    def node(self) -> Node:
        """Where it stands."""
        ...

    @property
    def certain(self) -> bool:
        """Whether it is there in every combination, so that nothing weaker is asked for."""
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
        """It, whatever the combination."""
        return self.value


@dataclass(slots=True)
class FilledScalar:
    """A value that is read from a text, once that is filled."""

    key: SessionField
    node: Node
    path: str
    template: Template
    reader: NodeReader
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def certain(self) -> bool:
        """Whether it is there in every combination."""
        return not self.template.only or self.key.name == "name"

    def absent(self, values: Mapping[str, str]) -> bool:
        """Whether an empty cell leaves it out."""
        return not self.certain and not values[self.template.only]

    def read(self, values: Mapping[str, str]) -> Any:
        """The value; None when it depends on a variable without one. Raises `InvalidValue`."""
        if self.template.unknown and self.key.name not in NEEDED:
            return None
        text = self.template.fill(values)
        value = self.known.get(text)
        if value is None:
            self.reader.diagnostics.using = self.template.names
            value = self.key.read(self.reader, filled(self.node, text, self.template), self.path)
            self.known[text] = value
        return value


@dataclass(slots=True)
class FilledText:
    """One text of `cmd`, `args` or `env`, filled with what is known before a session is created."""

    item: LocatedText
    path: str
    template: Template
    reader: NodeReader

    @property
    def node(self) -> Node:
        """Where it stands."""
        return self.item.node

    @property
    def certain(self) -> bool:
        """Whether it is there in every combination."""
        return not self.template.only

    def absent(self, values: Mapping[str, str]) -> bool:
        """Whether an empty cell leaves it out."""
        only = self.template.only
        return bool(only) and not values[only]

    def read(self, values: Mapping[str, str]) -> LocatedText:
        """The text; raises `InvalidValue` when it would be taken for a reference later."""
        text = self.template.fill(values)
        if self.template.misread(text):
            raise self._misread()
        return LocatedText(text, self.item.node)

    def _misread(self) -> InvalidValue:
        self.reader.diagnostics.using = self.template.names
        detail = (
            "${replica.id} and ${var.name} are filled in when a session is created, so they cannot be sent as text."
        )
        summary = f"{self.path} becomes a text with a reference in it"
        return self.reader.refuse("interpolation", self.item.node, summary, detail, path=self.path)


@dataclass(slots=True)
class FilledList:
    """A list of texts, some of them filled; `only` is the value that the whole is one reference to."""

    items: Sequence[FixedValue | FilledText]
    node: Node
    only: str = ""

    @property
    def certain(self) -> bool:
        """Whether it is there in every combination."""
        return not self.only

    def absent(self, values: Mapping[str, str]) -> bool:
        """Whether an empty cell leaves it out as a whole."""
        return bool(self.only) and not values[self.only]

    def read(self, values: Mapping[str, str]) -> list[LocatedText]:
        """The texts that are there. Raises `InvalidValue`."""
        return [item.read(values) for item in self.items if not item.absent(values)]


@dataclass(frozen=True)
class SourceBuilder:
    """What preparing the keys of one session takes."""

    reader: NodeReader
    scope: Scope
    name: str = ""  # of the session, for what it has from elsewhere

    def parsed(self, text: str, node: Node, path: str, purpose: TextPurpose) -> Template:
        """A text with its references; raises `InvalidValue`."""
        try:
            return template(text, self.scope, purpose)
        except BadReference as error:
            detail = error.detail
            if self.name and path.startswith("defaults."):
                detail = f"The session {quoted(self.name)} takes it from there. {detail}"
            raise self.reader.refuse("interpolation", node, f"{path}: {error.summary}", detail, path=path) from None

    def scalar(self, key: SessionField, node: Node, path: str) -> ValueSource:
        """The source of a key whose text has references."""
        purpose = TextPurpose.NAME if key.name == "name" else TextPurpose.FIELD
        parsed = self.parsed(node.text, node, path, purpose)
        if key.name == "replicas" and COUNT in parsed.names:
            raise self.reader.refuse("interpolation", node, f"{path}: replicas cannot be its own count", path=path)
        if parsed.names or parsed.unknown:
            return FilledScalar(key, node, path, parsed, self.reader)
        return FixedValue(key.read(self.reader, filled(node, parsed.fill({}), parsed), path), node)

    def text(self, item: LocatedText, path: str) -> FixedValue | FilledText:
        """The source of one text."""
        if "${" not in item.text:
            return FixedValue(item, item.node)
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
    """A scalar with its text filled in; of one that is all reference the quotes mean nothing."""
    plain = node.plain or parsed.wholly
    return Node("scalar", node.line, node.column, node.end_line, node.end_column, text, plain and bool(text))
