"""What a field of a session spec decides, and which parameter of `POST /session` carries it.

Each field of `SessionSpec` declares both. Digests, diffs, create requests, canaries and the docs read the declaration,
so that a new field reaches all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel


class Decides(Enum):
    """What a change of a field causes.

    `WORK`: finished work runs again, and active sessions are replaced. `RESOURCES`: active and failed replicas are
    replaced, and finished work stays done. `NOTHING`: the field is in no digest.
    """

    WORK = "work"
    RESOURCES = "resources"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Parameter:
    """The form parameter of `POST /session` that carries a field.

    `headless_only`: the server reads the parameter for headless sessions only. `omit_zero`: the server refuses 0.
    """

    name: str
    headless_only: bool = False
    omit_zero: bool = False


@dataclass(frozen=True, slots=True)
class FieldRole:
    """One field of a session spec with its declaration; `parameter` is None for a field that is not sent."""

    name: str
    decides: Decides
    parameter: Parameter | None
    default: Any


@lru_cache
def field_roles(spec_type: type[BaseModel]) -> Mapping[str, FieldRole]:
    """The role of each field, by name, in the order of the declaration.

    Raises:
        TypeError: for a field that does not declare what it decides.
    """
    return {name: _field_role(spec_type, name) for name in spec_type.model_fields}


def names_by_role(spec_type: type[BaseModel], *roles: Decides) -> tuple[str, ...]:
    """The names of the fields that decide one of `roles`: those of the first role first."""
    known = field_roles(spec_type).values()
    return tuple(role.name for decides in roles for role in known if role.decides is decides)


def headless_only(spec_type: type[BaseModel]) -> frozenset[str]:
    """The fields that the server reads for headless sessions only."""
    return frozenset(
        role.name for role in field_roles(spec_type).values() if role.parameter and role.parameter.headless_only
    )


def json_value(value: Any) -> Any:
    """The value of a field in the types of JSON."""
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _field_role(spec_type: type[BaseModel], name: str) -> FieldRole:
    field = spec_type.model_fields[name]
    decides = next((item for item in field.metadata if isinstance(item, Decides)), None)
    if decides is None:
        raise TypeError(
            f"{spec_type.__name__}.{name} does not declare what it decides: Annotated[..., Decides.NOTHING]"
        )
    parameter = next((item for item in field.metadata if isinstance(item, Parameter)), None)
    return FieldRole(name, decides, parameter, field.get_default(call_default_factory=True))
