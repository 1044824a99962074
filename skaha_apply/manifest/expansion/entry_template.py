"""Prepares the keys of one entry once: which are fixed, and which vary between combinations."""

from __future__ import annotations

from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.expansion.placed_nodes import PlacedNodes, item_nodes, used_nodes
from skaha_apply.manifest.expansion.sources import (
    FilledList,
    FilledNumbers,
    FilledScalar,
    FilledText,
    FixedValue,
    SourceBuilder,
    ValueSource,
)
from skaha_apply.manifest.fields.readers import NeedsValue
from skaha_apply.manifest.fields.session_fields import BY_NAME
from skaha_apply.manifest.fields.values import InvalidValue, LocatedText
from skaha_apply.manifest.variables.interpolation import COUNT
from skaha_apply.model.spec import SessionSpec, default_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skaha_apply.manifest.fields.values import NodeReader
    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.manifest.variables.interpolation import CombinationValues, Scope

PARTS = ("cmd", "args", "env", "needs", "matrix")  # keys whose value is not a field of a spec as read
LISTS = ("cmd", "args")
NUMBERS = ("retry_ram",)
# `replicas` first, because others can contain ${replica.count}.
ORDER = ("replicas", *(name for name in BY_NAME if name not in ("replicas", "env", "matrix")))
REQUIRED = tuple(key for key in BY_NAME.values() if key.required)


@dataclass(frozen=True, slots=True)
class KeyLevel:
    """A mapping with keys of a session, and its path: an include, the session, or the defaults."""

    path: str
    nodes: Mapping[str, Node]


@dataclass
class CachedReader:
    """Reads each value once: aliases and defaults repeat values."""

    reader: NodeReader
    known: dict[tuple[str, int], Any] = field(default_factory=dict)

    def read(self, name: str, node: Node, path: str) -> Any:
        """One value; raises `InvalidValue`."""
        key = (name, id(node))
        if key not in self.known:
            try:
                self.known[key] = BY_NAME[name].read(self.reader, node, path)
            except InvalidValue:
                self.known[key] = None
        if self.known[key] is None:
            raise InvalidValue(path)
        return self.known[key]


class EntryTemplate:
    """The sources of every key, the strongest first. Raises `InvalidValue` after it reported all errors."""

    def __init__(self, reads: CachedReader, scope: Scope, node: Node, levels: Sequence[KeyLevel]) -> None:
        self.reads = reads
        self.node = node
        self.levels = levels
        named = levels[-2].nodes.get("name")
        self.preparing = SourceBuilder(reads.reader, scope, named.text if named is not None else "")
        self.chains: dict[str, list[ValueSource]] = {}
        self.environment: dict[str, list[ValueSource]] = {}
        self._prepare()
        filled = self._filled(self.chains)
        self.used = _taken(self._filled(key for key in self.chains if key != "name")) if filled else set()
        self.sent = _taken(self._filled(LISTS)) if filled else set()
        self.leaving = sorted({source.template.only for source in filled if source.template.only})
        self.unknown = {id(source.node) for source in filled if source.template.unknown}
        self.varying = [name for name, chain in self.chains.items() if not isinstance(chain[0], FixedValue)]
        self.naming = [each for each in _names(self.chains["name"]) if each != COUNT]
        self.weight = 1 + sum(len(item_nodes(chain[0], {})) for name, chain in self.chains.items() if name in LISTS)
        self.weight += len(self.environment)
        self._scalars = [name for name in self.varying if name not in LISTS]
        self._command_varies = len(self._scalars) < len(self.varying)
        self._counts = any(COUNT in source.template.names for source in filled)
        sources = [chain[0] for chain in self.environment.values()]
        self._environment_varies = not all(isinstance(source, FixedValue) for source in sources)
        self._texts = {name: _texts(self.chains[name][0].read({})) for name in LISTS if self._is_fixed(name)}
        self.fixed = self._fixed()
        self._base: SessionSpec | None = None
        self._nodes: dict[tuple[bool, ...], PlacedNodes] = {}
        self._certain = {name: chain[0] for name, chain in self.chains.items() if chain[0].certain}

    def _prepare(self) -> None:
        failed = False
        given = {name for level in self.levels for name in level.nodes}
        for name in ORDER:
            if name not in given:
                continue
            try:
                if chain := list(self._chain(name)):
                    self.chains[name] = chain
            except InvalidValue:
                failed = True
        failed |= not self._prepare_environment()
        own = self.levels[-2]
        for key in REQUIRED:
            if key.name not in given:
                detail = f"Write {key.name}: {key.examples[0]}, for example."
                first = self.node.pairs[0][0] if self.node.pairs else self.node
                diagnostics = self.reads.reader.diagnostics
                diagnostics.add("missing-key", first, f"{own.path} has no {key.name}", detail, path=own.path)
                failed = True
        if failed:
            raise InvalidValue(own.path)

    def _chain(self, name: str) -> Iterator[ValueSource]:
        for level in self.levels:
            if name in level.nodes:
                source = self._source(name, level.nodes[name], f"{level.path}.{name}")
                yield source
                if source.certain:
                    return

    def _source(self, name: str, node: Node, path: str) -> ValueSource:
        if name in LISTS:
            return self.preparing.texts(self.reads.read(name, node, path), node, path)
        if name != "needs" and node.shape == "scalar" and "${" in node.text:
            return self.preparing.scalar(BY_NAME[name], node, path)
        if name in NUMBERS and any("${" in item.text for item in node.items):
            return self.preparing.numbers(BY_NAME[name], node, path)
        return FixedValue(self.reads.read(name, node, path), node)

    def _prepare_environment(self) -> bool:
        """The variables of all levels, those of the defaults first; False after an error."""
        whole = True
        items: dict[str, list[tuple[LocatedText, str]]] = {}
        for level in reversed([level for level in self.levels if "env" in level.nodes]):
            path = f"{level.path}.env"
            try:
                for name, item in self.reads.read("env", level.nodes["env"], path).items():
                    items.setdefault(name, []).insert(0, (item, f"{path}.{name}"))
            except InvalidValue:
                whole = False
        for name, given in items.items():
            chain: list[ValueSource] = []
            for item, path in given:
                try:
                    chain.append(self.preparing.text(item, path))
                except InvalidValue:
                    whole = False
                    break
                if chain[-1].certain:
                    break
            self.environment[name] = chain
        return whole

    def _filled(self, names: Iterable[str]) -> list[FilledScalar | FilledText]:
        """The sources of some keys, and of all environment variables, that have references."""
        chains = (*(self.chains[name] for name in names if name in self.chains), *self.environment.values())
        sources = [source for chain in chains for source in chain if not isinstance(source, FixedValue)]
        texts = [item for source in sources if isinstance(source, FilledList | FilledNumbers) for item in source.items]
        return [source for source in (*sources, *texts) if isinstance(source, FilledScalar | FilledText)]

    def _is_fixed(self, name: str) -> bool:
        return name in self.chains and name not in self.varying

    def _fixed(self) -> dict[str, Any]:
        """The fields of a spec that are the same in every combination."""
        read = {name: chain[0].read({}) for name, chain in self.chains.items() if name not in self.varying}
        fixed = {name: value for name, value in read.items() if name not in PARTS}
        needs: NeedsValue = read.get("needs", NeedsValue())
        fixed["needs"] = tuple(item.text for item in needs.names)
        fixed["require"] = dict(needs.require)
        if not self._command_varies:
            fixed["cmd"], fixed["args"] = _command(*(self._texts.get(name, ()) for name in LISTS))
        if not self._environment_varies:
            fixed["env"] = self._variables({})
        return fixed

    def spec(self, values: CombinationValues, given: Mapping[str, Any]) -> SessionSpec:
        """The spec of one combination. Raises `InvalidValue`.

        `values` has only its cells. `given` are fields that no key gives, which all combinations share.
        """
        fields = self._fields(values)
        if self._base is None:
            # The readers return valid values of the declared types only, so nothing has to be checked or converted.
            self._base = SessionSpec.unchecked({**self.fixed, **fields, **given})
            return self._base
        return self._base.model_copy(update=fields)

    def _fields(self, values: CombinationValues) -> dict[str, Any]:
        fields: dict[str, Any] = {"values": dict(values)}
        if self._counts:
            values[COUNT] = str(self.fixed.get("replicas", 1))
        failed = False
        for name in self._scalars:
            try:
                fields[name] = self._value(name, values)
                if name == "replicas":
                    values[COUNT] = str(fields[name])
            except InvalidValue:
                failed = True
        try:
            if self._command_varies:
                fields["cmd"], fields["args"] = _command(self._list("cmd", values), self._list("args", values))
            if self._environment_varies:
                fields["env"] = self._variables(values)
        except InvalidValue:
            failed = True
        if failed:
            raise InvalidValue
        return fields

    def _first(self, name: str, values: Mapping[str, str]) -> Any:
        """The value of the first source that is not absent; None without any."""
        certain = self._certain.get(name)
        if certain is not None:
            return certain.read(values)
        for source in self.chains.get(name, ()):
            if not source.absent(values):
                return source.read(values)
        return None

    def _list(self, name: str, values: Mapping[str, str]) -> Sequence[str]:
        """The texts of `cmd` or `args`."""
        known = self._texts.get(name)
        return _texts(self._first(name, values) or ()) if known is None else known

    def _value(self, name: str, values: Mapping[str, str]) -> Any:
        value = self._first(name, values)
        if value is not None:
            return value
        if BY_NAME[name].required:
            last = self.chains[name][-1]
            detail = "Fill the cell in, or write a value in defaults."
            diagnostics = self.reads.reader.diagnostics
            diagnostics.using = self.leaving
            raise self.reads.reader.refuse(
                "missing-key", last.node, f"an empty cell leaves {name} out", detail, path=name
            )
        return default_values(SessionSpec)[name]

    def _variables(self, values: Mapping[str, str]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for name, chain in self.environment.items():
            for source in chain:
                if not source.absent(values):
                    texts[name] = source.read(values)
                    break
        return texts

    def nodes(self, values: Mapping[str, str]) -> PlacedNodes:
        """The nodes of the values of one combination by their path: `args[2]`, "" for the whole."""
        pattern = tuple([not values[name] for name in self.leaving]) if self.leaving else ()
        if pattern not in self._nodes:
            self._nodes[pattern] = PlacedNodes(partial(self._placed, values))
        return self._nodes[pattern]

    def _placed(self, values: Mapping[str, str]) -> dict[str, Node]:
        nodes = used_nodes(self.chains, values)
        strongest = next((level.nodes["env"] for level in self.levels if "env" in level.nodes), None)
        if strongest is not None:
            nodes["env"] = strongest
        for name, chain in self.environment.items():
            nodes.update((f"env.{name}", source.node) for source in reversed(chain) if not source.absent(values))
        needs: NeedsValue = self.chains["needs"][0].read({}) if "needs" in self.chains else NeedsValue()
        nodes.update((f"needs[{index}]", item.node) for index, item in enumerate(needs.names))
        return nodes


def _command(command: Sequence[str], arguments: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """The program, and its arguments: the rest of a `cmd` that is a list goes first."""
    return (command[0] if command else None), (*command[1:], *arguments)


def _texts(items: Sequence[LocatedText | str]) -> Sequence[str]:
    """The texts of a fixed list, or of a list that was filled in."""
    return [item if isinstance(item, str) else item.text for item in items]


def _taken(sources: Iterable[FilledScalar | FilledText]) -> set[str]:
    return {name for source in sources for name in source.template.names}


def _names(chain: Sequence[ValueSource]) -> tuple[str, ...]:
    return chain[0].template.names if isinstance(chain[0], FilledScalar) else ()
