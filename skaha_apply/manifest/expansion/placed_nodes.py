"""The nodes of the values of a combination, for the locations of diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skaha_apply.manifest.source.nodes import Node


class PlacedNodes(Mapping[str, "Node"]):
    """The nodes of values by their path, collected when one is used: most manifests have no diagnostic."""

    def __init__(self, collect: Callable[[], Mapping[str, Node]]) -> None:
        self._collect = collect

    @cached_property
    def _nodes(self) -> Mapping[str, Node]:
        return self._collect()

    def __getitem__(self, path: str) -> Node:
        return self._nodes[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)
