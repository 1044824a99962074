"""Renames a session or a matrix in the state. Its dependents follow, and nothing runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import UsageError
from skaha_apply.model.names.combination_names import combination_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import StateDocument

_TABLES = ("replicas", "intents", "tombstones", "doubts")


def with_entry_renamed(document: StateDocument, old: str, new: str) -> StateDocument | None:
    """The state with a matrix or session under a new name; None if it has neither with the old name.

    Raises:
        UsageError: see `with_session_renamed` and `with_matrix_renamed`.
    """
    if has_matrix(document, old):
        return with_matrix_renamed(document, old, new)
    return with_session_renamed(document, old, new) if has_session(document, old) else None


def has_session(document: StateDocument, name: str) -> bool:
    """Whether a state has replicas of a session of that name, in any case, or open creates of it."""
    return any(entry.session == name.casefold() for entry in (*document.replicas, *document.intents))


def has_matrix(document: StateDocument, name: str) -> bool:
    """Whether a state has replicas of a matrix of that name as written, in any case."""
    return any(spec.group and spec.entry_key == name.casefold() for spec in document.specs.values())


def with_session_renamed(document: StateDocument, old: str, new: str) -> StateDocument:
    """The state with one session under a new name.

    Raises:
        UsageError: the new name exists already.
    """
    return _renamed(document, {old.casefold(): new}, old, new, group="")


def with_matrix_renamed(document: StateDocument, old: str, new: str) -> StateDocument:
    """The state with all combinations of a matrix under their new names.

    `old` and `new` are names as written, such as `tile-${tile}`. The value of a variable in a name is read from the
    present names.

    Raises:
        UsageError: a new name exists already, two new names are equal, or `new` has a value that the matrix lacks.
    """
    specs = [spec for spec in document.specs.values() if spec.group and spec.entry_key == old.casefold()]
    names = {spec.key: combination_name(spec, new) for spec in specs}
    taken: dict[str, str] = {}
    for key, name in names.items():
        other = taken.setdefault(name.casefold(), key)
        if other != key:
            raise UsageError(
                f"with {new}, two combinations would have the name {name!r}: {other!r} and {key!r}",
                hint="Put every axis whose values differ between combinations into the new name, "
                "for example tile-${tile}-${band}.",
            )
    return _renamed(document, names, old, new, group=new)


def _renamed(document: StateDocument, names: Mapping[str, str], old: str, new: str, *, group: str) -> StateDocument:
    """The state with sessions under new names. `names` has the new names by the present key."""
    keys = {key: name.casefold() for key, name in names.items()}
    known = {record.session for record in document.replicas}
    if clash := sorted((known - keys.keys()) & set(keys.values())):
        raise UsageError(f"the state of {document.project!r} has a session {clash[0]!r} already")
    tables: dict[str, Any] = {
        table: tuple(
            replace(entry, session=keys[entry.session]) if entry.session in keys else entry
            for entry in getattr(document, table)
        )
        for table in _TABLES
    }
    specs = {}
    for key, spec in document.specs.items():
        update = {"name": names.get(spec.key, spec.name)}
        if group and spec.key in names:
            update["group"] = "" if group == update["name"] else group
        specs[key] = _following(spec.model_copy(update=update), old, new)
    return replace(document, specs=specs, **tables)


def _following(spec: SessionSpec, old: str, new: str) -> SessionSpec:
    """A spec whose `needs` and `require` have the new names."""
    if all(name.casefold() != old.casefold() for name in (*spec.needs, *spec.require)):
        return spec
    needs = tuple(new if name.casefold() == old.casefold() else name for name in spec.needs)
    require = {new if name.casefold() == old.casefold() else name: share for name, share in spec.require.items()}
    return spec.model_copy(update={"needs": needs, "require": require})
