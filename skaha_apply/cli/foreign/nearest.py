"""The command that a misspelled one means, as a line that can be pasted."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.cli.foreign.command_words import PURPOSES
from skaha_apply.cli.foreign.suggestion import Suggestion, purpose_of
from skaha_apply.cli.invocation import PROGRAM, pasteable

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOSE = 0.6  # how like a word is to a command that is meant, from 0 to 1


def suggest_nearest(words: Sequence[str], group: str, names: Sequence[str]) -> Suggestion:
    """The command whose name is nearest to a misspelled one; `names` are the commands of the group.

    The words after it stay as they are, so that the line can be pasted.
    """
    place = len(group.split())
    wrong = words[place]
    before = f"{PROGRAM} {group}".rstrip()
    error = f"`{before}` has no command {wrong!r}" if group else f"{PROGRAM} has no command {wrong!r}"
    nearest = get_close_matches(wrong.lower(), names, n=1, cutoff=CLOSE)
    if not nearest:
        return Suggestion(error, f"to see the commands:\n{before} --help")
    line = [*words[:place], nearest[0], *words[place + 1 :]]
    target = " ".join(line[: place + 1])
    purpose = PURPOSES.get(target, "") if group else purpose_of(target)
    return Suggestion(error, f"{f'to {purpose}' if purpose else f'if you mean {nearest[0]}'}:\n{pasteable(line)}")
