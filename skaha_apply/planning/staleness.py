"""What makes an approved plan stale, in words: another desired set, or an action that nobody has approved."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 20  # differences that are given


def differences(approved: Iterable[str], now: Iterable[str]) -> tuple[str, ...]:
    """What differs between the approved lines and those of now (see `approval_lines`); none when it may be applied.

    An approved action that is no longer called for (the replica ended, or was deleted meanwhile) is no difference. Of
    many differences the first are given, and how many more there are.
    """
    before, after = set(approved), set(now)
    wanted, wants = _desired(before - after), _desired(after - before)
    actions = sorted(line.removeprefix("! ") for line in after - before if line.startswith("! "))
    found = (
        *_count(wanted.keys() & wants.keys(), "would run something else, or with other resources"),
        *_count(wants.keys() - wanted.keys(), "is desired now"),
        *_count(wanted.keys() - wants.keys(), "is no longer desired"),
        *(f"not approved: {_action(line)}" for line in actions),
    )
    return found if len(found) <= SHOWN else (*found[:SHOWN], f"and {len(found) - SHOWN} more")


def _desired(lines: Iterable[str]) -> dict[tuple[str, int], str]:
    """The digests of desired replicas, by session and replica."""
    found = {}
    for line in lines:
        if line.startswith("= "):
            replica, _, digests = line.removeprefix("= ").partition(" ")
            session, _, number = replica.rpartition("/")
            found[session, int(number)] = digests
    return found


def _count(replicas: Iterable[tuple[str, int]], what: str) -> list[str]:
    chosen = sorted(replicas)
    counts = Counter(session for session, _ in chosen)
    several = what.replace("is ", "are ", 1) if what.startswith("is ") else what
    return [
        f"{session}: {count} replicas {several}" if count > 1 else f"{session}/{dict(chosen)[session]} {what}"
        for session, count in counts.items()
    ]


def _action(line: str) -> str:
    kind, name, _, session_id, *paths = line.split(" ", 4)
    known = "" if session_id == "-" else f" ({session_id})"
    return f"{kind} {name}{known}" + (f": {paths[0]}" if paths else "")
