"""Checks session specs with pydantic.

It imports no type of specs, because `spec` imports it when a spec is made.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

Spec = TypeVar("Spec")


@lru_cache
def spec_adapter(spec_type: Any) -> TypeAdapter[Any]:
    """The validator of a type of session spec."""
    return TypeAdapter(spec_type)


def checked_spec(spec_type: type[Spec], values: Mapping[str, Any]) -> Spec:
    """A spec with these values, converted to the declared types; raises `pydantic.ValidationError`."""
    any_type: Any = spec_type
    spec: Spec = spec_adapter(any_type).validate_python(dict(values))
    return spec
