"""What there is to know of one key of a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.manifest.nodes import Node
    from skaha_apply.manifest.values import Values

    Reader = Callable[[Values, Node, str], Any]


@dataclass(frozen=True)
class Field:
    """One key of a session: how it is read, and what there is to say about it.

    `kind` is its type in words, `default` what holds without it, `inherited` whether `defaults` may hold it.
    """

    name: str
    read: Reader
    kind: str
    default: str
    description: str
    schema: Mapping[str, Any]
    examples: tuple[Any, ...] = field(default=())
    inherited: bool = True
    required: bool = False
