"""Specs of one entry are stored as differences, so that 20,000 combinations of a matrix stay a few megabytes.

The first spec of an entry is written in full and is the model of the others. Each other spec names the model (`like`)
and gives the fields that differ. `args` of the same length are given by index (`{"2": "t0007"}`). `env` and `values`
are given by name, with null for a removed name. Any other field is given as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.spec import SessionSpec, default_values

if TYPE_CHECKING:
    from collections.abc import Mapping

LIKE = "like"
_BY_NAME = ("env", "values")
_FIELDS = tuple(default_values(SessionSpec))


class DiffersTooMuch(Exception):
    """A spec that cannot be expanded: `path` is the position in the document, the text states the reason."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path = path


def find_models(specs: Mapping[str, SessionSpec]) -> dict[str, str]:
    """The key of the model of each spec; a model itself, the first spec of its entry, is left out."""
    first: dict[str, str] = {}
    found = {}
    for key, spec in specs.items():
        model = first.setdefault(spec.entry_key, key)
        if model != key:
            found[key] = model
    return found


def difference(spec: SessionSpec, model: SessionSpec) -> dict[str, Any]:
    """The fields of a spec that differ from its model, as JSON values."""
    mine, others = spec.__dict__, model.__dict__
    return {name: _changed(name, mine[name], others[name]) for name in _FIELDS if mine[name] != others[name]}


def _changed(name: str, mine: Any, other: Any) -> Any:
    if name == "args" and len(mine) == len(other):
        return {str(index): text for index, text in enumerate(mine) if text != other[index]}
    if name in _BY_NAME:
        # In the order in which the spec is expanded, so that a document that was read is written as before.
        changed = {key: mine[key] for key in {**other, **mine} if key in mine and other.get(key) != mine[key]}
        removed = dict.fromkeys(other.keys() - mine.keys())
        return changed | dict(sorted(removed.items()))
    return mine


def expand_specs(specs: dict[str, Any]) -> dict[str, Any]:
    """The specs of a stored document in full; raises `DiffersTooMuch`."""
    return {key: _expand(key, spec, specs) if _is_difference(spec) else spec for key, spec in specs.items()}


def _is_difference(spec: Any) -> bool:
    return isinstance(spec, dict) and LIKE in spec


def _expand(key: str, changes: dict[str, Any], specs: dict[str, Any]) -> dict[str, Any]:
    name = changes[LIKE]
    model = specs.get(name) if isinstance(name, str) else None
    if not isinstance(model, dict) or LIKE in model:
        raise DiffersTooMuch(f"specs.{key}.{LIKE}", f"{name!r} is not the key of a spec that is written in full")
    whole = {**model, **changes}
    del whole[LIKE]
    for field in _BY_NAME:
        if field in changes:
            whole[field] = _merged(changes[field], model.get(field, {}), f"specs.{key}.{field}")
    if isinstance(changes.get("args"), dict):
        whole["args"] = _with_args_replaced(changes["args"], model.get("args", []), f"specs.{key}.args")
    return whole


def _merged(changes: Any, model: Any, path: str) -> dict[str, Any]:
    if not isinstance(changes, dict) or not isinstance(model, dict):
        raise DiffersTooMuch(path, "is not an object of names and values")
    return {name: text for name, text in {**model, **changes}.items() if text is not None}


def _with_args_replaced(changes: dict[str, Any], model: Any, path: str) -> list[Any]:
    if not isinstance(model, list):
        raise DiffersTooMuch(path, "is given by index, and the args of its model are not a list")
    texts = list(model)
    for index, text in changes.items():
        if not (index.isascii() and index.isdigit() and int(index) < len(texts)):
            raise DiffersTooMuch(path, f"{index!r} is not an index of {len(texts)} arguments")
        texts[int(index)] = text
    return texts
