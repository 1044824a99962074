"""What a public page keeps of a project: numbers, entries, times, and images without their registry.

Every key that may be published is listed here. A key that is added to the data of a page stays private until it is
listed. Not listed are IDs, addresses, names of users, accounts, hosts and replicas, paths, arguments, logs, causes and
commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.render.page.columns import column
from skaha_apply.render.page.resources import without_failures
from skaha_apply.render.page.words import CLASSES, PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROJECT = ("name", "at", "zero", "open", "counts", "waits", "total", "hours", "layers", "edges", "series", "queue")
_PACE = ("rate", "recent", "window", "quiet", "elapsed", "left", "low", "high", "at_most", "not_estimated")
_ENTRY = (
    *("key", "name", "total", "counts", "waits", "batch", "kind", "parallelism", "timeout"),
    *("median", "at_most", "longest", "left", "runs", "vague"),
)
_PART_WORDS = {
    "server": ["queued at the server", "queued", "server"],
    "slot": ["waits for a slot", "waiting", "slot"],
    "dependency": ["waits for a dependency", "waiting", "dependency"],
    "start": ["not started", "waiting", "start"],
}
# The words of replicas: the classes, with the parts of the queue in place of `queued` and `waiting`.
_WORDS = [name for one in CLASSES if one != "waiting" for name in (PARTS if one == "queued" else (one,))]
_ACTION = ("action", "entry", "count")


def public_project(project: Mapping[str, Any]) -> dict[str, Any]:
    """The public part of the data of one project; replicas have no names, and are sorted by their class."""
    words = [["", "", ""], *(_PART_WORDS.get(name, [name, name, ""]) for name in _WORDS)]
    return {
        **{key: project[key] for key in _PROJECT},
        "server": "",
        "pace": {key: project["pace"][key] for key in _PACE},
        "entries": [_entry(one) for one in project["entries"]],
        "causes": [],
        "retries": [],
        "failed": _numbers_of_entries(project, lambda one: one["counts"].get("failed", 0)),
        "retried": _numbers_of_entries(project, lambda one: one["retried"]),
        "next": {"full": [], **{key: _counted(project["next"][key]) for key in ("does", "does_not")}},
        "refused": "",
        "notes": [],
        "commands": {},
        "logs": {},
        "words": words,
        "texts": [""],
    }


def _numbers_of_entries(project: Mapping[str, Any], count: Callable[[Mapping[str, Any]], int]) -> list[dict[str, Any]]:
    """A number for each entry, without zeros."""
    return [{"entry": one["name"], "count": count(one)} for one in project["entries"] if count(one)]


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    counts = {**entry["counts"], **entry["waits"]}
    classes = [place for place, name in enumerate(_WORDS, 1) for _ in range(counts.get(name, 0))]
    total = len(classes)
    return {
        **{key: entry[key] for key in _ENTRY},
        "image": without_registry(entry["image"]),
        "use": without_failures(entry["use"]),
        "replicas": {"names": {"p": "", "a": 1, "n": total}, "word": column(classes), "slow": [], "again": {}},
    }


def without_registry(image: str) -> str:
    """`skaha/astroml:24.07` for `images.canfar.net/skaha/astroml:24.07`."""
    first, slash, rest = image.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return rest if is_host else image


def _counted(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The actions without reasons and names: their number by kind and entry."""
    found: dict[tuple[str, str], int] = {}
    for one in items:
        found[one["action"], one["entry"]] = found.get((one["action"], one["entry"]), 0) + one["count"]
    return [dict(zip(_ACTION, (*key, count), strict=True)) | {"why": "", "example": ""} for key, count in found.items()]
