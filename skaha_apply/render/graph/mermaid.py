"""The graph of entries as a flowchart of Mermaid, which GitHub, GitLab and many pages draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.render.graph.labels import replicas_label
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skaha_apply.model.display.entry_graph import EntryGraph

_PLAIN = frozenset(" -_.,:/+=@")  # characters that mean nothing in a quoted text of Mermaid


def render(graphs: Sequence[EntryGraph], *_: Any, **__: Any) -> str:
    """The text of the format `mermaid`; each of several projects has a frame of its own."""
    lines = ["flowchart LR"]
    for place, graph in enumerate(graphs):
        prefix = f"p{place}_" if len(graphs) > 1 else ""
        rows = list(_rows(graph, prefix))
        if prefix:
            rows = [f'subgraph {prefix}all["{_quoted(graph.project)}"]', *(f"  {row}" for row in rows), "end"]
        lines += [f"  {row}" for row in rows]
    return "\n".join(lines) + "\n"


def _rows(graph: EntryGraph, prefix: str) -> Iterator[str]:
    """Names are only texts: the ID of a node is its number."""
    ids = {key: f"{prefix}e{number}" for number, key in enumerate(graph.nodes, 1)}
    for key, node in graph.nodes.items():
        yield f'{ids[key]}["{_quoted(node.name)}<br/>{replicas_label(node)}"]'
    for edge in graph.edges:
        yield f'{ids[edge.dependency]} -- "{_quoted(edge.label)}" --> {ids[edge.dependent]}'


def _quoted(text: str) -> str:
    """A text in which every character that can have a meaning is an entity of Mermaid, `#36;` for `$`."""
    characters = one_line(text)
    return "".join(one if one.isalnum() or one in _PLAIN else f"#{ord(one)};" for one in characters)
