"""The nodes of the values of a combination, for the locations of diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.manifest.expansion.sources import FilledList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from skaha_apply.manifest.expansion.sources import ValueSource
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


def used_nodes(chains: Mapping[str, Sequence[ValueSource]], values: Mapping[str, str]) -> dict[str, Node]:
    """The nodes of the keys by their path; `chains` has the sources of each key, the strongest first."""
    used = {
        name: next((source for source in chain if not source.absent(values)), None) for name, chain in chains.items()
    }
    nodes = {"": chains["name"][0].node}
    nodes.update((name, source.node) for name, source in used.items() if source is not None)
    commands, arguments = (item_nodes(used.get(name), values) for name in ("cmd", "args"))
    if commands:
        nodes["cmd"] = commands[0]
    nodes.update((f"args[{index}]", node) for index, node in enumerate([*commands[1:], *arguments]))
    return nodes


def item_nodes(source: ValueSource | None, values: Mapping[str, str]) -> list[Node]:
    """The nodes of the texts of `cmd` or `args`, without those that an empty cell leaves out."""
    if isinstance(source, FilledList):
        return [item.node for item in source.items if not (values and item.absent(values))]
    return [item.node for item in source.read(values)] if source is not None else []
