"""What a call gives for the variables of manifests: `--var`, `--var-file`, `SKAHA_VAR_name`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class MissingValues(StrEnum):
    """Which declared variables may be without a value."""

    NONE = "none"  # what creates sessions
    SENSITIVE = "sensitive"  # what only compares: sensitive values enter by name
    ANY = "any"  # what checks manifests without a server


@dataclass(frozen=True)
class VariableValues:
    """The values that a call gives to variables, by name, as text.

    `values` are all, those of the environment and of files included, with the one that counts of each. They are not
    shown: some may be secret. `chosen` come from `--var` and have to be declared by some manifest of the call, `listed`
    come from files (by the file), and one that is not declared is worth a warning. `files` are the real paths of those
    files, which are no manifests where they lie in a folder of some.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    chosen: frozenset[str] = frozenset()
    listed: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    missing: MissingValues = MissingValues.NONE
