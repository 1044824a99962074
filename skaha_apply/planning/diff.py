"""The fields in which two specs differ, with the paths of the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.plan import Change
from skaha_apply.model.spec import Decides, json_value, names_by_role
from skaha_apply.planning.digest import work_content

if TYPE_CHECKING:
    from skaha_apply.model.spec import SessionSpec


def changes(recorded: SessionSpec, desired: SessionSpec) -> tuple[Change, ...]:
    """The differing fields that decide an action, by path (`args[2]`, `env.BAND`). Fields of the work come first."""
    before, after = _fields(recorded), _fields(desired)
    differing = [name for name in before if before[name] != after[name]]
    nested = [name for name in differing if isinstance(before[name], list | dict)]
    found = [Change(name, before[name], after[name]) for name in differing if name not in nested]
    if nested:
        found += _nested({name: before[name] for name in nested}, {name: after[name] for name in nested})
    order = {name: index for index, name in enumerate(before)}
    return tuple(sorted(found, key=lambda change: (order[_field(change.path)], _index(change.path), change.path)))


def _nested(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """The differing items of lists and mappings."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - takes 0.25 s; only a change needs it

    # With its default threshold, deepdiff reports mappings or lists that have little in common as one value.
    tree = DeepDiff(before, after, view="tree", ignore_type_subclasses=True, threshold_to_diff_deeper=0)
    return [
        Change(_path(level.path(output_format="list")), _value(level.t1), _value(level.t2))
        for levels in tree.values()
        for level in levels
    ]


def same_work(recorded: SessionSpec, desired: SessionSpec) -> bool:
    """Whether two specs ask for the same work, by their fields. For digests of different versions."""
    needs = ({name.casefold() for name in spec.needs} for spec in (recorded, desired))
    return work_content(recorded) == work_content(desired) and next(needs) == next(needs)


def same_resources(recorded: SessionSpec, desired: SessionSpec) -> bool:
    """Whether two specs ask for the same resources."""
    names = names_by_role(type(desired), Decides.RESOURCES)
    return all(getattr(recorded, name) == getattr(desired, name) for name in names)


def _fields(spec: SessionSpec) -> dict[str, Any]:
    names = names_by_role(type(spec), Decides.WORK, Decides.RESOURCES)
    return {name: json_value(getattr(spec, name)) for name in names}


def _path(steps: list[Any]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _field(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _index(path: str) -> int:
    inside = path.partition("[")[2].rstrip("]")
    return int(inside) if inside.isdigit() else 0


def _value(value: Any) -> Any:
    return None if type(value).__name__ == "NotPresent" else value
