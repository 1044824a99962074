"""Digests decide what is done and what is replaced. They have a version, so that a new recipe replaces nothing."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property, lru_cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from skaha_apply.model.spec import Decides, field_roles, headless_only, json_value, names_by_role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.spec import FieldRole, SessionSpec

VERSION = "1"
# Fields that every digest of VERSION has. A field that was added later is in a digest only if it is set. So a new
# field changes no recorded digest.
_FIRST_RECIPE = frozenset({"image", "kind", "cmd", "args", "env", "cores", "ram", "gpus"})
_PLAIN = frozenset({"image", "cmd", "args", "env"})  # fields whose member of a work digest depends on nothing else
_DERIVED = frozenset({"needs", "replicas"})  # the recipe has links, and `count` or `numbered`, instead
_NESTED = frozenset({float, dict, list, tuple})
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_DIGITS = 32  # 128 bits of the sha256: enough to distinguish replicas, short enough for 20,000 of them in one document


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, whole floats as integers."""
    if isinstance(value, list | tuple):
        try:  # most lists are arguments, which differ in each combination of a matrix
            return f"[{','.join(map(encode_basestring, value))}]"
        except TypeError:
            return _encode(_plain(value))
    return _encode(_plain(value))


def digest(value: Any) -> str:
    """The digest of a JSON value, with the prefix `VERSION:`."""
    return _text_digest(canonical(value))


def _text_digest(text: str) -> str:
    """The digest of a JSON value, from its canonical text."""
    return f"{VERSION}:{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"


class PartialDigest:
    """The digests of mappings that differ in the value of one key.

    Args:
        start: the canonical text of the mapping up to the value that differs.
        end: the canonical text after this value.
    """

    def __init__(self, start: str, end: str) -> None:
        self._start = start
        self._end = end

    @cached_property
    def _started(self) -> Any:
        """The hash of the start, which is computed once for all values."""
        return hashlib.sha256(self._start.encode())

    def digest(self, text: str) -> str:
        """The digest of the mapping in which the key has the value with this canonical text."""
        hashed = self._started.copy()
        hashed.update(f"{text}{self._end}".encode())
        return f"{VERSION}:{hashed.hexdigest()[:_DIGITS]}"

    def only_digest(self, text: str) -> str:
        """The result of `digest`, which is faster if no further digest follows."""
        return _text_digest(f"{self._start}{text}{self._end}")


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
        self._last: tuple[SessionSpec, tuple[str, ...]] | None = None  # with the links
        self._texts: list[str] = []  # of the last spec: each key but "replica" with its value, sorted by key
        self._before = 0  # the number of keys before "replica"
        self._plain: dict[str, tuple[int, Any]] = {}  # fields by name: their position in the texts, and their value
        self._runs: dict[tuple[Any, ...], PartialDigest] = {}

    def work(self, spec: SessionSpec, links: tuple[str, ...]) -> PartialDigest:
        """The digests that decide `done`: the work of a spec, the links to its dependencies, the replica ID (the text).

        Names are not in the digest, so a session that is renamed in manifest and state does not run again.
        """
        if self._last is None or self._last[1] != links or not _differ_plainly(self._last[0], spec):
            self._read(spec, links)
        self._last = spec, links
        content, texts = vars(spec), self._texts
        for name, (position, known) in self._plain.items():
            value = content[name]
            if value is not known:
                self._plain[name] = position, value
                texts[position] = _member(name, value)
        return PartialDigest(*_around(texts, self._before, "replica"))

    def _read(self, spec: SessionSpec, links: tuple[str, ...]) -> None:
        members = {**_work_values(spec), "needs": tuple(sorted(links))}
        names = sorted(members)
        self._texts = [_member(name, members[name]) for name in names]
        self._before = sum(name < "replica" for name in names)
        self._plain = {name: (position, members[name]) for position, name in enumerate(names) if name in _PLAIN}

    def run(self, spec: SessionSpec) -> PartialDigest:
        """The digests that decide whether an active or failed replica is replaced: its work digest, and its resources.

        A work digest is its own canonical text in quotes. Specs with the same resources share these digests.
        """
        spec_type: Any = type(spec)
        content = vars(spec)
        values = tuple([content[name] for name in _resources(spec_type)])
        known = self._runs.get(values)
        if known is None:
            members = sorted(_values(spec, Decides.RESOURCES).items())
            before = sum(name < "work" for name, _ in members)
            texts = [_member(name, value) for name, value in members]
            known = self._runs[values] = PartialDigest(*_around(texts, before, "work"))
        return known


def _differ_plainly(one: SessionSpec, other: SessionSpec) -> bool:
    """Whether the work of two specs differs only in fields of `_PLAIN`."""
    if type(one) is not type(other) or one.kind is not other.kind or one.replicas != other.replicas:
        return False
    spec_type: Any = type(one)
    later: tuple[str, ...] = _later_fields(spec_type)
    return not later or all(getattr(one, name) is getattr(other, name) for name in later)


def _around(members: Sequence[str], before: int, key: str) -> tuple[str, str]:
    """The canonical text of a mapping before and after the value of `key`, in front of which `before` members are."""
    start = f"{{{','.join(members[:before])},{_canonical_key(key)}:"
    return start, f",{','.join(members[before:])}}}" if before < len(members) else "}"


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
def _later_fields(spec_type: Any) -> tuple[str, ...]:
    """The fields that decide the work, and that `VERSION` did not have at first."""
    roles = _roles(spec_type, Decides.WORK, _DERIVED)
    return tuple(role.name for role in roles if role.name not in _FIRST_RECIPE)


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
