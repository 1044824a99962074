"""The forms that the address of a state can have; any other one would silently start a second state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from skaha_apply.model.location import Place

# What stands before the first colon, if no folder and no `./` or `~` comes before it.
_PREFIX = re.compile(r"([^/\\.~][^/\\:]*|):")
REMOTE = ("http://", "https://")


def check_form(address: str, source: str, place: Place | None = None) -> None:
    """Refuse an address of an unknown form; `source` is the option or key that gave it. Raises `UsageError`."""
    prefix = _PREFIX.match(address.strip())
    if prefix is None or address.strip().lower().startswith(REMOTE):
        return
    word = "".join(char if char.isprintable() else "?" for char in prefix[1])[:40]
    raise UsageError(
        f"{source}: there is no state store {word + ':'!r}",
        hint="An address of a state is a path, or an http(s):// address of a store that speaks the protocol of "
        "Terraform's http backend. Write a path whose name holds a colon with ./ in front: ./a:b",
        place=place,
    )
