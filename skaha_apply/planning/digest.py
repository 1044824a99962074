"""Digests decide what is done and what is replaced. They have a version, so that a new recipe replaces nothing."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from skaha_apply.model.spec import Decides, field_roles, headless_only, json_value, names_by_role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.spec import FieldRole, SessionSpec

VERSION = "1"
# Fields that every digest of VERSION has. A field that was added later is in a digest only if it is set. So a new
# field changes no recorded digest.
_FIRST_RECIPE = frozenset({"image", "kind", "cmd", "args", "env", "cores", "ram", "gpus"})
_DERIVED = frozenset({"needs", "replicas"})  # the recipe has links, and `count` or `numbered`, instead
_NESTED = frozenset({float, dict, list, tuple})
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_DIGITS = 32  # 128 bits of the sha256: enough to distinguish replicas, short enough for 20,000 of them in one document


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, whole floats as integers."""
    if isinstance(value, list | tuple) and {*map(type, value)} == {str}:
        return f"[{','.join(map(_encode, value))}]"  # arguments, which differ in each combination of a matrix
    return _encode(_plain(value))


def digest(value: Any) -> str:
    """The digest of a JSON value, with the prefix `VERSION:`."""
    return f"{VERSION}:{hashlib.sha256(canonical(value).encode()).hexdigest()[:_DIGITS]}"


class PartialDigest:
    """The digests of mappings that differ in the value of one key. The text before this value is hashed only once.

    Args:
        members: the other keys, each with the canonical text of the key and its value.
        key: the key whose value differs.
    """

    def __init__(self, members: Mapping[str, str], key: str) -> None:
        names = sorted(members)
        before = [members[name] for name in names if name < key]
        after = [members[name] for name in names if name > key]
        self._started = hashlib.sha256(f"{{{','.join([*before, _canonical_key(key)])}:".encode())
        self._end = f",{','.join(after)}}}" if after else "}"

    def digest(self, text: str) -> str:
        """The digest of the mapping in which the key has the value with this canonical text."""
        hashed = self._started.copy()
        hashed.update(f"{text}{self._end}".encode())
        return f"{VERSION}:{hashed.hexdigest()[:_DIGITS]}"


@lru_cache
def _canonical_key(key: str) -> str:
    return canonical(key)


def _member(name: str, value: Any) -> str:
    return f"{_canonical_key(name)}:{canonical(json_value(value))}"


def same_version(one: str, other: str) -> bool:
    """Whether two digests have the same version, so that they can be compared."""
    return one.partition(":")[0] == other.partition(":")[0]


class SpecDigests:
    """The digests of one spec after the other.

    The combinations of an entry share the values that do not vary, so the canonical text of a value is kept until a
    spec has another one.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Any, str]] = {}
        self._runs: dict[tuple[Any, ...], PartialDigest] = {}

    def work(self, spec: SessionSpec, links: tuple[str, ...]) -> PartialDigest:
        """The digests that decide `done`: the work of a spec, the links to its dependencies, the replica ID (the text).

        Names are not in the digest, so a session that is renamed in manifest and state does not run again.
        """
        members = {}
        for name, value in {**_work_values(spec), "needs": tuple(sorted(links))}.items():
            kept = self._kept.get(name)
            if kept is None or kept[0] is not value:
                kept = self._kept[name] = value, _member(name, value)
            members[name] = kept[1]
        return PartialDigest(members, "replica")

    def run(self, spec: SessionSpec) -> PartialDigest:
        """The digests that decide whether an active or failed replica is replaced: its work digest, and its resources.

        A work digest is its own canonical text in quotes. Specs with the same resources share these digests.
        """
        spec_type: Any = type(spec)
        values = tuple([vars(spec)[name] for name in _resources(spec_type)])
        known = self._runs.get(values)
        if known is None:
            members = {name: _member(name, value) for name, value in _values(spec, Decides.RESOURCES).items()}
            known = self._runs[values] = PartialDigest(members, "work")
        return known


def work_content(spec: SessionSpec) -> dict[str, Any]:
    """The values that decide the result of a spec, except for the replica ID and the dependencies."""
    return _content(_work_values(spec))


def _work_values(spec: SessionSpec) -> dict[str, Any]:
    """The fields of `work_content`.

    Interactive kinds get no cmd, args, env and REPLICA_ variables [PostAction.getHeadlessImageBundle]. `replicas`
    affects only their live name, which has a number if there is more than one replica.
    """
    if spec.kind.interactive:
        values = _values(spec, Decides.WORK, leave_out=_DERIVED | headless_only(type(spec)))
        return values | {"numbered": spec.replicas > 1}
    return _values(spec, Decides.WORK, leave_out=_DERIVED) | {"count": spec.replicas}


def run_tag(content: Mapping[str, Any], links: Sequence[str], run_number: int) -> str:
    """The value of SKAHA_APPLY_RUN: equal for all replicas of a spec with one run number, and for every retry."""
    return digest({**content, "needs": sorted(links), "run": run_number}).partition(":")[2][:12]


def spec_key(spec: SessionSpec) -> str:
    """The key of a spec in the state."""
    return digest({name: json_value(value) for name, value in vars(spec).items()}).partition(":")[2][:12]


def _content(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json_value(value) for name, value in values.items()}


def _values(spec: SessionSpec, decides: Decides, leave_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The values of the fields with this role. A field that was added later is left out if it has its default."""
    values = vars(spec)
    spec_type: Any = type(spec)
    return {
        role.name: values[role.name]
        for role in _roles(spec_type, decides, leave_out)
        if role.name in _FIRST_RECIPE or values[role.name] != role.default
    }


@lru_cache
def _resources(spec_type: type[Any]) -> tuple[str, ...]:
    return names_by_role(spec_type, Decides.RESOURCES)


@lru_cache
def _roles(spec_type: type[Any], decides: Decides, leave_out: frozenset[str]) -> tuple[FieldRole, ...]:
    roles = field_roles(spec_type).values()
    return tuple(role for role in roles if role.decides is decides and role.name not in leave_out)


def _plain(value: Any) -> Any:
    """The value with whole floats as integers. Texts and integers, which are most values, are not visited."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _plain(item) if type(item) in _NESTED else item for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) if type(item) in _NESTED else item for item in value]
    return value
