"""Makes the graph of the entries of a manifest: what each waits for, and in which layer it stands."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.display.entry_graph import EntryEdge, EntryGraph, EntryNode
from skaha_apply.planning.entries import merged_needs

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping, Sequence

    from skaha_apply.model.spec import SessionSpec

_SWEEPS = 4  # over the layers, to bring an entry close to its neighbors


class _Variant(NamedTuple):
    """What combinations of an entry have in common: dependencies, the share of each, and the axes.

    An `include` can change the first two, and a row of a table can lack a column.
    """

    needs: tuple[str, ...]
    require: tuple[tuple[str, float], ...]
    axes: tuple[str, ...]


def entry_graph(project: str, sessions: Iterable[SessionSpec], empty: Iterable[str] = ()) -> EntryGraph:
    """The graph of a project. It exists also if dependencies are missing or run in a circle, which `lint` reports.

    Args:
        project: the name of the project.
        sessions: the session specs in the order of the manifest.
        empty: the names of entries whose list is empty, and of which no session exists.
    """
    firsts: dict[str, SessionSpec] = {}
    replicas: Counter[str] = Counter()
    variants: defaultdict[str, dict[_Variant, None]] = defaultdict(dict)
    for spec in sessions:
        key = spec.entry_key
        firsts.setdefault(key, spec)
        replicas[key] += spec.replicas
        variants[key][_Variant(spec.needs, tuple(spec.require.items()), tuple(spec.values))] = None
    nodes = {
        key: EntryNode(key, spec.group or spec.name, replicas[key], spec.kind.interactive)
        for key, spec in firsts.items()
    }
    nodes |= {name.casefold(): EntryNode(name.casefold(), name, 0) for name in empty if name.casefold() not in nodes}
    axes = {key: frozenset(axis for one in found for axis in one.axes) for key, found in variants.items()}
    every = [edge for key, found in variants.items() for edge in _edges(key, found, axes)]
    edges = tuple(edge for edge in every if edge.dependency in nodes)
    layers, circle = _layers(nodes, edges)
    missing = tuple(edge for edge in every if edge.dependency not in nodes)
    ordered = arranged(layers, ((edge.dependency, edge.dependent) for edge in edges))
    return EntryGraph(project, nodes, edges, ordered, circle, missing)


def _edges(key: str, variants: Collection[_Variant], axes: Mapping[str, Container[str]]) -> Iterable[EntryEdge]:
    """The dependencies of all combinations of an entry; `axes` are those of each entry."""
    waiting: defaultdict[str, list[_Variant]] = defaultdict(list)
    for variant in variants:
        for need in merged_needs([variant.needs]):
            waiting[need].append(variant)
    for need, found in waiting.items():
        label = " or ".join(dict.fromkeys(_label(one, need, axes.get(need, ())) for one in found))
        yield EntryEdge(need, key, label if len(found) == len(variants) else f"{label}, some combinations")


def _label(variant: _Variant, need: str, axes: Container[str]) -> str:
    """What a combination waits for; `axes` are those of its dependency."""
    shared = [axis for axis in variant.axes if axis in axes]
    every = f"by {', '.join(shared[:-1])} and {shared[-1]}" if shared[1:] else "all"
    every = f"{shared[0]} by {shared[0]}" if len(shared) == 1 else every
    share = next((value for name, value in variant.require if name.casefold() == need), 1.0)
    if share == 0:
        return f"{every} ended"
    return every if share == 1 else f"{every}, {100 * share:g} %"


def _layers(nodes: Iterable[str], edges: Iterable[EntryEdge]) -> tuple[list[list[str]], frozenset[str]]:
    """The keys by the length of their longest chain of dependencies, and those in a circle or behind one."""
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
