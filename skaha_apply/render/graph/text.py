"""The graph of entries as text: an entry after its dependencies, and a line for each thing that it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.render.color import plain
from skaha_apply.render.graph.labels import project_label, replicas_label
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.model.display.entry_graph import EntryGraph, EntryNode
    from skaha_apply.render.color import Paint

_GAP = "  "
_INDENT = 5  # columns before a dependency below its entry


def render(graphs: Sequence[EntryGraph], paint: Paint = plain, width: int | None = None, **_: Any) -> str:
    """The text of the format `text`; `width` is the number of columns of the terminal, None for any."""
    return "\n".join(graph_text(graph, paint, width) for graph in graphs)


def graph_text(graph: EntryGraph, paint: Paint = plain, width: int | None = None) -> str:
    """One graph, with a newline at its end.

    The first column is the layer: an entry waits only for entries in earlier layers. The third is the number of
    replicas.
    """
    table = list(_table(graph))
    if width is not None and max((len("".join(row)) for row in table), default=0) > width:
        table = list(_list(graph))
    rows = [layer + paint(name, "bold") + rest for layer, name, rest in table]
    return "\n".join([paint(project_label(graph), "bold"), *rows, *_notes(graph, paint)]) + "\n"


def _table(graph: EntryGraph) -> Iterator[tuple[str, str, str]]:
    """Rows of three parts: the layer, the name, and the rest, in columns."""
    name = max((len(one_line(node.name)) for node in graph.nodes.values()), default=0)
    number = max((len(replicas_label(node)) for node in graph.nodes.values()), default=0)
    for layer, node in _ordered(graph):
        first = f"{layer:>{_width(graph)}}{_GAP}"
        needs = _needs(graph, node) or [""]
        rest = f"{'':<{name - len(one_line(node.name))}}{_GAP}{replicas_label(node):>{number}}"
        yield first, one_line(node.name), f"{rest}{_GAP}{needs[0]}".rstrip()
        indent = " " * (len(first) + name + number + 2 * len(_GAP))
        yield from (("", "", indent + need) for need in needs[1:])


def _list(graph: EntryGraph) -> Iterator[tuple[str, str, str]]:
    """The same rows for a narrow screen: dependencies stand below their entry."""
    for layer, node in _ordered(graph):
        yield f"{layer:>{_width(graph)}}{_GAP}", one_line(node.name), f"{_GAP}{replicas_label(node)}"
        yield from (("", "", " " * _INDENT + need) for need in _needs(graph, node))


def _ordered(graph: EntryGraph) -> Iterator[tuple[int, EntryNode]]:
    for number, layer in enumerate(graph.layers, 1):
        yield from ((number, graph.nodes[key]) for key in sorted(layer, key=list(graph.nodes).index))


def _width(graph: EntryGraph) -> int:
    return len(str(len(graph.layers)))


def _needs(graph: EntryGraph, node: EntryNode) -> list[str]:
    needs = [(graph.nodes[edge.dependency].name, edge.label) for edge in graph.dependencies(node.key)]
    return [f"needs {one_line(name)} ({one_line(label)})" for name, label in needs]


def _notes(graph: EntryGraph, paint: Paint) -> Iterable[str]:
    if graph.circle:
        names = ", ".join(one_line(node.name) for key, node in graph.nodes.items() if key in graph.circle)
        yield paint(f"no order exists for {names}: needs run in a circle, or lead to one", "bold red")
    for edge in graph.missing:
        name = one_line(graph.nodes[edge.dependent].name)
        yield paint(f"{name} needs {one_line(edge.dependency)}, which is not in the manifest", "bold red")
