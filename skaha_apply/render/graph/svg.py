"""The graph of entries as one SVG picture, without a script and without a dependency.

Entries stand in layers from left to right, and an edge is a curve with its label in the middle. The picture follows the
light or dark colors of its reader.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from skaha_apply.render.graph.labels import project_label, replicas_label
from skaha_apply.render.graph.layout import HEIGHT, TIP, WIDTH, Layout
from skaha_apply.render.printable import one_line, truncate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skaha_apply.model.display.entry_graph import EntryEdge, EntryGraph, EntryNode
    from skaha_apply.render.graph.layout import Curve, Point

# All lengths are pixels.
_MARGIN, _HEAD = 16, 34  # around the picture, and of the name of a project
_NAME = 24  # characters of a name that fit a box
_LABEL = 30  # characters of a label
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.name { font-weight: 600; font-size: 13px }
.project { font-weight: 600; font-size: 15px }
.box { fill: #f6f8fa; stroke: #57606a }
.edge { fill: none; stroke: #57606a; stroke-width: 1.4 }
.tip { fill: #57606a }
.label { fill: #57606a; paint-order: stroke; stroke: #fff; stroke-width: 4px }
.paper { fill: #fff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .box { fill: #21262d; stroke: #8b949e }
  .edge { stroke: #8b949e }
  .tip { fill: #8b949e }
  .label { fill: #b1bac4; stroke: #0d1117 }
  .paper { fill: #0d1117 }
}
"""


def render(graphs: Sequence[EntryGraph], *_: Any, **__: Any) -> str:
    """The text of the format `svg`; several projects stand one below the other."""
    drawings = [_Drawing(graph) for graph in graphs]
    width = max((one.width for one in drawings), default=0) + 2 * _MARGIN
    parts, top = [], _MARGIN
    for one in drawings:
        parts += [f'<g transform="translate({_MARGIN},{top})">', *one.parts(), "</g>"]
        top += one.height + _MARGIN
    title = ", ".join(f"entries of {_text(graph.project)}" for graph in graphs)
    size = f'role="img" width="{width}" height="{top}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {top}" aria-labelledby="title">',
            f'<title id="title">{title}</title>',
            f"<style>{_STYLE}</style>",
            '<rect class="paper" width="100%" height="100%"/>',
            *parts,
            "</svg>\n",
        ]
    )


class _Drawing:
    """One graph: `width` and `height` with the name of the project above it."""

    def __init__(self, graph: EntryGraph) -> None:
        self._graph = graph
        self._layout = Layout(graph, map(_label, graph.edges))
        self.width, self.height = self._layout.width, self._layout.height + _HEAD

    def parts(self) -> Iterator[str]:
        """The elements: edges below boxes, labels above both."""
        graph, curves = self._graph, self._layout.curves()
        yield f'<text class="project" x="0" y="15">{escape(project_label(graph))}</text>'
        yield f'<g transform="translate(0,{_HEAD})">'
        yield from (_path(curve) for curve in curves)
        yield from (part for key, place in self._layout.boxes.items() for part in _box(graph.nodes[key], place))
        for curve in curves:
            x, y = curve.label_at
            label = escape(_label(curve.edge))
            yield f'<text class="label" x="{x}" y="{y - 5}" text-anchor="middle">{label}</text>'
        yield "</g>"


def _path(curve: Curve) -> str:
    """Curves in the gaps between layers, and straight lines through the layers."""
    points = curve.points
    steps = [f"M{points[0][0]},{points[0][1]}"]
    for number, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        middle = (x1 + x2) // 2
        steps.append(f"H{x2}" if number % 2 else f"C{middle},{y1} {middle},{y2} {x2},{y2}")
    x, y = points[-1]
    tip = f"{x},{y - 4} {x + TIP},{y} {x},{y + 4}"
    return f'<path class="edge" d="{" ".join(steps)}"/><polygon class="tip" points="{tip}"/>'


def _box(node: EntryNode, place: Point) -> Iterator[str]:
    name, (x, y) = one_line(node.name), place
    size = f'width="{WIDTH}" height="{HEIGHT}" rx="7"'
    yield f'<g><title>{_text(name)}</title><rect class="box" x="{x}" y="{y}" {size}/>'
    yield f'<text class="name" x="{x + 12}" y="{y + 21}">{escape(truncate(name, _NAME))}</text>'
    yield f'<text x="{x + 12}" y="{y + 39}">{replicas_label(node)}</text></g>'


def _label(edge: EntryEdge) -> str:
    return truncate(one_line(edge.label), _LABEL)


def _text(text: str) -> str:
    """A text as XML can hold it: one line without control characters, with its signs escaped."""
    return escape(one_line(text))
