"""The graph of the entries of a manifest, in layers, as text, pictures and pages draw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class EntryNode:
    """An entry: its key (the name in lower case), its name as written, and the number of its replicas.

    `is_interactive` states that its sessions have no end.
    """

    key: str
    name: str
    replicas: int
    is_interactive: bool = False


@dataclass(frozen=True, slots=True)
class EntryEdge:
    """A dependency: the entry `dependent` waits for the entry `dependency`, both by key.

    `label` states what it waits for: `tile by tile`, `by tile and band`, `all`, `all, 95 %`, or `all ended`. It ends
    with `some combinations` if the others do not wait.
    """

    dependency: str
    dependent: str
    label: str


@dataclass(frozen=True, slots=True)
class EntryGraph:
    """The entries by key in the order of the manifest, their dependencies, and the keys of each layer.

    An entry is in a later layer than its dependencies. `circle` are the keys of entries whose dependencies run in a
    circle, or lead to one; an edge between two of them can lead to an earlier layer. An entry with an empty list has no
    replica. `missing` are dependencies that the manifest does not have.
    """

    project: str
    nodes: Mapping[str, EntryNode]
    edges: tuple[EntryEdge, ...]
    layers: tuple[tuple[str, ...], ...]
    circle: frozenset[str] = frozenset()
    missing: tuple[EntryEdge, ...] = ()

    @property
    def replicas(self) -> int:
        """The number of replicas of all entries."""
        return sum(node.replicas for node in self.nodes.values())

    def dependencies(self, key: str) -> tuple[EntryEdge, ...]:
        """What an entry waits for."""
        return tuple(edge for edge in self.edges if edge.dependent == key)
