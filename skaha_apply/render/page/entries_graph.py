"""The entries of a project and their dependencies: what a page draws as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.planning.scheduling.entry_graph import entry_graph
from skaha_apply.render.page.shown_text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.spec import SessionSpec


def first_specs(sessions: Iterable[SessionSpec]) -> dict[str, SessionSpec]:
    """The first combination of each entry, by entry key, in the order of the manifest."""
    found: dict[str, SessionSpec] = {}
    for spec in sessions:
        found.setdefault(spec.entry_key, spec)
    return found


def graph(sessions: Sequence[SessionSpec]) -> dict[str, Any]:
    """The keys of the entries in layers, and the edges; `label` states what is waited for."""
    found = entry_graph("", sessions)
    return {
        "layers": [list(layer) for layer in found.layers],
        "edges": [{"from": edge.dependency, "to": edge.dependent, "label": shown(edge.label)} for edge in found.edges],
    }
