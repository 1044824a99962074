"""Names with patterns and ranges of replicas: `tile-27*`, `reduce/3,7-9`."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(pattern: str, session: str, replica: int, group: str = "") -> bool:
    """Whether `NAME[/REPLICAS]` selects this replica. NAME can have `*` and `?`, REPLICAS is `3`, `7-9` or `3,7-9`.

    NAME can also be the name of an entry as written, `mosaic-${tile}`, which selects all of its combinations. `group`
    is the name of the entry of this replica.

    Raises:
        ValueError: if REPLICAS has another form.
    """
    name, slash, numbers = pattern.partition("/")
    name = name.casefold()
    whole = group != "" and name == group.casefold()
    if not whole and not fnmatchcase(session.casefold(), name):
        return False
    return not slash or any(low <= replica <= high for low, high in ranges(numbers))


def ranges(text: str) -> tuple[tuple[int, int], ...]:
    """`3,7-9` as ((3, 3), (7, 9)).

    Raises:
        ValueError: if the text has another form.
    """
    found = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if not low.isdigit() or (dash and not high.isdigit()):
            raise ValueError(f"{text!r} is not a list of replicas; write 3, 7-9 or 3,7-9")
        found.append((int(low), int(high) if dash else int(low)))
    return tuple(found)
