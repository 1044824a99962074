"""From an entry of `sessions` to what should exist: the defaults are put under it, then its values are read.

Whatever multiplies an entry, or fills values in, works on the merged nodes, between these two steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.fields import BY_NAME, SESSION_FIELDS
from skaha_apply.manifest.readers import Needs
from skaha_apply.manifest.values import Located, Unreadable
from skaha_apply.model.spec import SessionSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skaha_apply.manifest.document import Document
    from skaha_apply.manifest.nodes import Node

MAX_VALUES = 1_000_000  # arguments and variables of all sessions of one file, each counted as often as it is repeated

OTHERWISE = frozenset({"cmd", "args", "env", "needs", "matrix"})  # keys whose value is no field of a spec as it is read


@dataclass(frozen=True)
class Placed:
    """A session spec, the nodes of its values by their path (`args[2]`, "" for the whole), the entry's index."""

    spec: SessionSpec
    nodes: Mapping[str, Node]
    entry: int


@dataclass
class _Cache:
    """Values that were read before, by key and node: what is repeated by an alias or a default is read once."""

    values: dict[tuple[str, int], Any] = field(default_factory=dict)
    count: int = 0


def expand(document: Document, file: str) -> Iterator[Placed]:
    """Every session of a document that can be read; errors go to the document's findings."""
    cache = _Cache()
    for name, node in document.defaults.items():
        _read(document, cache, name, node, f"defaults.{name}")
    for index, (node, own) in enumerate(document.sessions):
        merged = {name: own.get(name) or document.defaults[name] for name in _names(own, document.defaults)}
        read = _session(document, cache, node, merged, f"sessions[{index}]")
        if read is None:
            continue
        if "env" in own and "env" in document.defaults:
            inherited = _read(document, cache, "env", document.defaults["env"], "defaults.env") or {}
            read["env"] = {**inherited, **read["env"]}
        cache.count += sum(len(read.get(name, ())) for name in ("cmd", "args", "env", "needs")) + 1
        if cache.count > MAX_VALUES:
            summary = f"more than {MAX_VALUES:,} values after aliases and defaults are filled in"
            document.values.findings.add("too-large", node, summary, "Split the manifest.")
            return
        yield Placed(*_placed(read, merged, file), index)


def _names(own: Mapping[str, Node], defaults: Mapping[str, Node]) -> list[str]:
    return [field.name for field in SESSION_FIELDS if field.name in own or field.name in defaults]


def _session(
    document: Document, cache: _Cache, node: Node, merged: Mapping[str, Node], path: str
) -> dict[str, Any] | None:
    """The values of one session by key, None when there was an error."""
    read = {name: _read(document, cache, name, value, f"{path}.{name}") for name, value in merged.items()}
    if node.shape != "mapping":
        return None
    missing = [item for item in SESSION_FIELDS if item.required and item.name not in merged]
    for wanted in missing:
        detail = f"Write {wanted.name}: {wanted.examples[0]}, for example."
        first = node.pairs[0][0] if node.pairs else node
        document.values.findings.add("missing-key", first, f"{path} has no {wanted.name}", detail, path=path)
    return None if missing or None in read.values() else read


def _read(document: Document, cache: _Cache, name: str, node: Node, path: str) -> Any:
    """One value, None after an error."""
    known = (name, id(node))
    if known not in cache.values:
        try:
            cache.values[known] = BY_NAME[name].read(document.values, node, path)
        except Unreadable:
            cache.values[known] = None
    return cache.values[known]


def _placed(read: dict[str, Any], merged: Mapping[str, Node], file: str) -> tuple[SessionSpec, dict[str, Node]]:
    nodes: dict[str, Node] = {"": merged["name"], **merged}
    command: list[Located] = read.get("cmd", [])
    arguments = [*command[1:], *read.get("args", [])]
    environment: dict[str, Located] = read.get("env", {})
    needs: Needs = read.get("needs", Needs())
    if command:
        nodes["cmd"] = command[0].node
    nodes.update((f"args[{index}]", item.node) for index, item in enumerate(arguments))
    nodes.update((f"env.{name}", item.node) for name, item in environment.items())
    nodes.update((f"needs[{index}]", item.node) for index, item in enumerate(needs.names))
    plain = {name: value for name, value in read.items() if name not in OTHERWISE}
    spec = SessionSpec(
        **plain,
        cmd=command[0].text if command else None,
        args=tuple(item.text for item in arguments),
        env={name: item.text for name, item in environment.items()},
        needs=tuple(item.text for item in needs.names),
        require=dict(needs.require),
        file=file,
    )
    return spec, nodes
