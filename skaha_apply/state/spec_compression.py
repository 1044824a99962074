"""Specs of one family are stored as what tells them apart: 20,000 combinations of a matrix stay a few megabytes.

The first spec of a family is written in full. Each other one names it (`like`) and gives the fields that differ: of
`args` of the same length the differing places (`{"2": "t0007"}`), of `env` and `values` the differing names, null for
one that is absent; any other field as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.spec import SessionSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

LIKE = "like"
_BY_NAME = ("env", "values")
_FIELDS = tuple(SessionSpec.model_fields)


class DiffersTooMuch(Exception):
    """An entry that cannot be made out: `path` is the place within it, the text says why."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path = path


def models(specs: Mapping[str, SessionSpec]) -> dict[str, str]:
    """The key of the spec that each one is written as like to, for those that are: the first of their family."""
    first: dict[str, str] = {}
    found = {}
    for key, spec in specs.items():
        model = first.setdefault(spec.family, key)
        if model != key:
            found[key] = model
    return found


def difference(spec: SessionSpec, model: SessionSpec) -> dict[str, Any]:
    """What tells a spec from another one, as JSON values."""
    mine, others = spec.__dict__, model.__dict__
    return {name: _told(name, mine[name], others[name]) for name in _FIELDS if mine[name] != others[name]}


def _told(name: str, mine: Any, other: Any) -> Any:
    if name == "args" and len(mine) == len(other):
        return {str(place): text for place, text in enumerate(mine) if text != other[place]}
    if name in _BY_NAME:
        removed = dict.fromkeys(other.keys() - mine.keys())
        return {key: text for key, text in mine.items() if other.get(key) != text} | dict(sorted(removed.items()))
    return mine


def written_out(specs: dict[str, Any]) -> dict[str, Any]:
    """The entries of a stored document with what each shares with its model; raises `DiffersTooMuch`."""
    return {key: _one(key, entry, specs) if _is_like(entry) else entry for key, entry in specs.items()}


def _is_like(entry: Any) -> bool:
    return isinstance(entry, dict) and LIKE in entry


def _one(key: str, entry: dict[str, Any], specs: dict[str, Any]) -> dict[str, Any]:
    name = entry[LIKE]
    model = specs.get(name) if isinstance(name, str) else None
    if not isinstance(model, dict) or LIKE in model:
        raise DiffersTooMuch(f"specs.{key}.{LIKE}", f"{name!r} names no spec that is written in full")
    whole = {**model, **entry}
    del whole[LIKE]
    for field in _BY_NAME:
        if field in entry:
            whole[field] = _merged(entry[field], model.get(field, {}), f"specs.{key}.{field}")
    if isinstance(entry.get("args"), dict):
        whole["args"] = _placed(entry["args"], model.get("args", []), f"specs.{key}.args")
    return whole


def _merged(changes: Any, model: Any, path: str) -> dict[str, Any]:
    if not isinstance(changes, dict) or not isinstance(model, dict):
        raise DiffersTooMuch(path, "is not given by name")
    return {name: text for name, text in {**model, **changes}.items() if text is not None}


def _placed(changes: dict[str, Any], model: Any, path: str) -> list[Any]:
    if not isinstance(model, list):
        raise DiffersTooMuch(path, "is given by place, and its model has no places")
    texts = list(model)
    for place, text in changes.items():
        if not (place.isascii() and place.isdigit() and int(place) < len(texts)):
            raise DiffersTooMuch(path, f"{place!r} is no place in {len(texts)} arguments")
        texts[int(place)] = text
    return texts
