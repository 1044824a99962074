"""The texts that the formats of a graph share: how many entries and replicas there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from skaha_apply.model.display.entry_graph import EntryGraph, EntryNode


def replicas_label(node: EntryNode) -> str:
    """`12 replicas`, or `empty list` for an entry whose list is empty."""
    return counted(node.replicas, "replica") if node.replicas else "empty list"


def project_label(graph: EntryGraph) -> str:
    """`survey: 3 entries, 25 replicas`.

    It is one line without control characters. A format with markup has to escape it.
    """
    entries = counted(len(graph.nodes), "entry", "entries")
    return f"{one_line(graph.project)}: {entries}, {counted(graph.replicas, 'replica')}"
