"""A value as it stands in a name: the server takes letters, digits and `-` only, in lower case [PostAction]."""

from __future__ import annotations

import re
from functools import lru_cache

FOREIGN = re.compile(r"[^a-z0-9-]")


@lru_cache(maxsize=200_000)
def slug(text: str) -> str:
    """Lower case, `+` becomes `p`, any other foreign character `-`: `NGC 4501` ngc-4501, `270.280` 270-280.

    Character by character, so that few values become the same: `-1.5` and `1.5` stay two.
    """
    return FOREIGN.sub("-", text.lower().replace("+", "p"))
