"""Makes the graph of the entries of a manifest: what each waits for, and in which layer it stands."""

from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING

from skaha_apply.model.display.entry_graph import EntryEdge, EntryGraph, EntryNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.spec import SessionSpec

_SWEEPS = 4  # over the layers, to bring an entry close to its neighbors


def entry_graph(project: str, sessions: Iterable[SessionSpec], empty: Iterable[str] = ()) -> EntryGraph:
    """The graph of a project. It exists also if dependencies are missing or run in a circle, which `lint` reports.

    Args:
        project: the name of the project.
        sessions: the session specs in the order of the manifest.
        empty: the names of entries whose list is empty, and of which no session exists.
    """
    firsts: dict[str, SessionSpec] = {}
    replicas: Counter[str] = Counter()
    for spec in sessions:
        firsts.setdefault(spec.entry_key, spec)
        replicas[spec.entry_key] += spec.replicas
    nodes = {
        key: EntryNode(key, spec.group or spec.name, replicas[key], spec.kind.interactive)
        for key, spec in firsts.items()
    }
    nodes |= {name.casefold(): EntryNode(name.casefold(), name, 0) for name in empty if name.casefold() not in nodes}
    every = [edge for key, spec in firsts.items() for edge in _edges(key, spec, firsts)]
    edges = tuple(edge for edge in every if edge.dependency in nodes)
    layers, circle = _layers(nodes, edges)
    missing = tuple(edge for edge in every if edge.dependency not in nodes)
    ordered = arranged(layers, ((edge.dependency, edge.dependent) for edge in edges))
    return EntryGraph(project, nodes, edges, ordered, circle, missing)


def _edges(key: str, spec: SessionSpec, firsts: Mapping[str, SessionSpec]) -> Iterable[EntryEdge]:
    """The dependencies of an entry. Its combinations share them, so the first one states them."""
    for need in {name.casefold(): name for name in spec.needs}:
        yield EntryEdge(need, key, _label(spec, need, firsts.get(need)))


def _label(spec: SessionSpec, need: str, dependency: SessionSpec | None) -> str:
    shared = [axis for axis in spec.values if dependency is not None and axis in dependency.values]
    every = f"{shared[0]} by {shared[0]}" if shared else "all"
    share = next((value for name, value in spec.require.items() if name.casefold() == need), 1.0)
    if share == 0:
        return f"{every} ended"
    return every if share == 1 else f"{every}, {100 * share:g} %"


def _layers(nodes: Iterable[str], edges: Iterable[EntryEdge]) -> tuple[list[list[str]], frozenset[str]]:
    """The keys by the length of their longest chain of dependencies, and those that are in or behind a circle."""
    needs: dict[str, list[str]] = {key: [] for key in nodes}
    for edge in edges:
        needs[edge.dependent].append(edge.dependency)
    depth: dict[str, int] = {}
    left = list(needs)
    while left:
        ready = [key for key in left if all(need in depth for need in needs[key])]
        circle = frozenset() if ready else frozenset(left)
        if circle:  # the rest cannot be ordered: one layer each, in the order of the manifest
            depth |= {key: max(depth.values(), default=-1) + 1 + place for place, key in enumerate(left)}
            return _by_depth(depth), circle
        depth |= {key: max((depth[need] + 1 for need in needs[key]), default=0) for key in ready}
        left = [key for key in left if key not in depth]
    return _by_depth(depth), frozenset()


def _by_depth(depth: Mapping[str, int]) -> list[list[str]]:
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key, place in depth.items():
        layers[place].append(key)
    return layers


def arranged(layers: Sequence[Sequence[str]], pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The layers, each sorted by the mean position of the neighbors, so that few edges cross.

    `pairs` are the keys of neighbors.
    """
    near: dict[str, list[str]] = {key: [] for layer in layers for key in layer}
    for one, other in pairs:
        near[other].append(one)
        near[one].append(other)
    position = {key: float(place) for layer in layers for place, key in enumerate(layer)}
    found = [list(layer) for layer in layers]
    for _ in range(_SWEEPS):
        for layer in found:
            layer.sort(key=lambda key: fmean(position[one] for one in near[key]) if near[key] else position[key])
            position |= {key: float(place) for place, key in enumerate(layer)}
    return tuple(map(tuple, found))
