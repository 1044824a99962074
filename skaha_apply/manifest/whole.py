"""What a file says of its project as a whole: `max_active` and `state`, in which all files of a project agree."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.manifest import readers
from skaha_apply.manifest.findings import quoted
from skaha_apply.manifest.values import WORDS, Unreadable
from skaha_apply.model.spec import MaxActive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.manifest.nodes import Node
    from skaha_apply.manifest.values import Entry, Values

CAPS = ("project", "account")


@dataclass(frozen=True, slots=True)
class Whole:
    """The caps and the store that one file names, each with its node; None where it leaves them out."""

    max_active: tuple[MaxActive, Node] | None = None
    state: tuple[str, Node] | None = None


def read_whole(values: Values, entries: Mapping[str, Entry]) -> Whole:
    """What stands at the top of a file; what is wrong is reported and left out."""
    caps = state = None
    if "max_active" in entries:
        node = entries["max_active"].value
        try:
            caps = (_max_active(values, node), node)
        except Unreadable:
            caps = None
    if "state" in entries:
        node = entries["state"].value
        try:
            state = (values.text(node, "state"), node)
        except Unreadable:
            state = None
    return Whole(caps, state)


def _max_active(values: Values, node: Node) -> MaxActive:
    if node.shape == "scalar":
        return MaxActive(project=readers.count(values, node, "max_active"))
    if node.shape != "mapping" or not node.pairs:
        what = "an empty mapping" if node.shape == "mapping" else WORDS[node.shape]
        detail = "Write max_active: 200, or {project: 200, account: 250}."
        raise values.refuse("wrong-type", node, f"max_active must be a number, not {what}", detail, path="max_active")
    caps: dict[str, int] = {}
    failed = False
    for name, entry in values.entries(node, "max_active").items():
        path = f"max_active.{name}"
        try:
            if name not in CAPS:
                near = get_close_matches(name.lower()[:100], CAPS, n=1)
                detail = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(CAPS)}."
                raise values.refuse(
                    "unknown-key", entry.key, f"{quoted(name)} is no key of max_active", detail, path=path
                )
            caps[name] = readers.count(values, entry.value, path)
        except Unreadable:
            failed = True
    if failed:
        raise Unreadable("max_active")
    return MaxActive(**caps)
