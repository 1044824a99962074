"""Where a picture draws boxes, edges and labels of a graph. All lengths are pixels.

An edge over several layers passes each layer in a lane of its own, so that no edge crosses a box.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.planning.scheduling.entry_graph import arranged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.display.entry_graph import EntryEdge, EntryGraph

WIDTH, HEIGHT = 190, 50  # of a box
TIP = 8  # length of the head of an arrow
_LANE = 14  # height of the lane of an edge
_ROW = 22  # between two boxes or lanes
_LEAST_GAP, _CHARACTER = 90, 6.4  # between two layers, and of a character of a label
_LINE = 15  # between two labels

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge: `points` lead from the right side of a box to the left side of another; two belong to each gap."""

    edge: EntryEdge
    points: tuple[Point, ...]
    label_at: Point


class Layout:
    """The positions of one graph.

    `boxes` has the upper left corner of each box by key.
    """

    def __init__(self, graph: EntryGraph, labels: Iterable[str]) -> None:
        self.boxes: dict[str, Point] = {}
        self._graph = graph
        self._gap = max(_LEAST_GAP, round(max(map(len, labels), default=0) * _CHARACTER) + 40)
        self._layer = {key: number for number, layer in enumerate(graph.layers) for key in layer}
        self._chains = [self._chain(number, edge) for number, edge in enumerate(graph.edges)]
        self._middles: dict[str, int] = {}
        self.height = self._place(self._with_lanes())
        self.width = max(len(graph.layers) * (WIDTH + self._gap) - self._gap, WIDTH)

    def curves(self) -> list[Curve]:
        """The edges; labels of one gap do not cover each other."""
        found = [Curve(edge, self._points(chain), (0, 0)) for edge, chain in self._pairs()]
        taken: dict[int, list[int]] = {}
        placed = []
        for curve in sorted(found, key=lambda one: _last_middle(one.points)[1]):
            x, y = _last_middle(curve.points)
            column = taken.setdefault(x, [])
            y = max([y, *(used + _LINE for used in column[-1:])])
            column.append(y)
            placed.append(Curve(curve.edge, curve.points, (x, y)))
        return placed

    def _chain(self, number: int, edge: EntryEdge) -> tuple[str, ...]:
        """The boxes and lanes that an edge connects; a lane has a key that no entry has."""
        first, last = self._layer[edge.dependency], self._layer[edge.dependent]
        lanes = (f"\0{number}\0{layer}" for layer in range(first + 1, last))
        return (edge.dependency, *lanes, edge.dependent)

    def _with_lanes(self) -> tuple[tuple[str, ...], ...]:
        layers = [list(layer) for layer in self._graph.layers]
        for edge, chain in self._pairs():
            for offset, lane in enumerate(chain[1:-1], 1):
                layers[self._layer[edge.dependency] + offset].append(lane)
        return arranged(layers, (pair for chain in self._chains for pair in pairwise(chain)))

    def _pairs(self) -> Iterable[tuple[EntryEdge, tuple[str, ...]]]:
        return zip(self._graph.edges, self._chains, strict=True)

    def _place(self, layers: Sequence[Sequence[str]]) -> int:
        """Place all boxes and lanes, with layers centered; returns the height."""
        heights = [sum(_height(key) + _ROW for key in layer) - _ROW for layer in layers]
        tallest = max(heights, default=0)
        for column, (layer, height) in enumerate(zip(layers, heights, strict=True)):
            y = (tallest - height) // 2
            for key in layer:
                if not _is_lane(key):
                    self.boxes[key] = (column * (WIDTH + self._gap), y)
                self._middles[key] = y + _height(key) // 2
                y += _height(key) + _ROW
        return tallest

    def _points(self, chain: Sequence[str]) -> tuple[Point, ...]:
        start, end = self.boxes[chain[0]], self.boxes[chain[-1]]
        points = [(start[0] + WIDTH, self._port(chain, chain[0]))]
        for offset, lane in enumerate(chain[1:-1], 1):
            x = start[0] + offset * (WIDTH + self._gap)
            points += [(x, self._middles[lane]), (x + WIDTH, self._middles[lane])]
        return (*points, (end[0] - TIP, self._port(chain, chain[-1])))

    def _port(self, chain: Sequence[str], key: str) -> int:
        """The height at which an edge leaves or enters a box: edges share its side evenly, in the order of targets."""
        side = 0 if key == chain[0] else -1
        others = [one for one in self._chains if one[side] == key]
        others.sort(key=lambda one: self._middles[one[1] if side == 0 else one[-2]])
        return self.boxes[key][1] + HEIGHT * (others.index(tuple(chain)) + 1) // (len(others) + 1)


def _is_lane(key: str) -> bool:
    return key.startswith("\0")


def _height(key: str) -> int:
    return _LANE if _is_lane(key) else HEIGHT


def _last_middle(points: Sequence[Point]) -> Point:
    """The middle of the last gap, in which the label of an edge stands."""
    (x1, y1), (x2, y2) = points[-2:]
    return (x1 + x2) // 2, (y1 + y2) // 2
