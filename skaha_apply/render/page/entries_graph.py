"""The entries of a project and their dependencies: what a page draws as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.model.spec import SessionSpec


def first_specs(sessions: Iterable[SessionSpec]) -> dict[str, SessionSpec]:
    """The first combination of each entry, by entry key, in the order of the manifest."""
    found: dict[str, SessionSpec] = {}
    for spec in sessions:
        found.setdefault(spec.entry_key, spec)
    return found


def edges(specs: Mapping[str, SessionSpec]) -> list[dict[str, str]]:
    """The dependencies between entries: `from` and `to` are entry keys, `label` states what is waited for."""
    return [
        {"from": need.casefold(), "to": key, "label": _label(spec, need, specs.get(need.casefold()))}
        for key, spec in specs.items()
        for need in dict.fromkeys(spec.needs)
    ]


def _label(spec: SessionSpec, need: str, dependency: SessionSpec | None) -> str:
    """`tile by tile` for a common axis, else `all`; with the share that must succeed: `all, 95 %`, `all ended`."""
    shared = [axis for axis in spec.values if dependency is not None and axis in dependency.values]
    every = f"{one_line(shared[0])} by {one_line(shared[0])}" if shared else "all"
    share = next((value for name, value in spec.require.items() if name.casefold() == need.casefold()), None)
    if share is None or share == 1:
        return every
    return f"{every} ended" if share == 0 else f"{every}, {100 * share:g} %"
