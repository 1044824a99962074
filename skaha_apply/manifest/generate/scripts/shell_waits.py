"""Recognizes the loops of a bash script that wait for sessions, as with `canfar ps` and `sleep`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.manifest.generate.command_line import PROGRAMS
from skaha_apply.manifest.generate.scripts.shell import shell_nodes as syntax

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LISTS = re.compile(
    rf"(?<![\w-])(?:{'|'.join(PROGRAMS)})(?:\.cli)?(?:\s+-\S+)*\s+(?:ps|info|events?|logs?|stats|list|get)\b"
    r"|\b(?:curl|wget|http)\b.*/session",
    re.DOTALL,
)
SLEEPS = re.compile(r"(?<![\w-])sleep\s")
_NUMBER = r"\s*[\"']?(?P<{}>(?!{}\b)\$?\{{?\w+\}}?)"
LIMIT = {
    until: re.compile(rf"(?:{over}){_NUMBER.format('over', '0')}|(?:{least}){_NUMBER.format('least', '[01]')}")
    for until, over, least in ((False, "-gt|>(?!=)", "-ge|>="), (True, "-le|<=", "-lt|<(?!=)"))
}


def waits_for_sessions(node: syntax.ShellNode, functions: Mapping[str, syntax.ShellNode]) -> bool:
    """Whether a loop that creates nothing waits: it lists sessions or sleeps, until its condition changes.

    `for` and `while read` have an end of their own, so they wait only if they do both.
    """
    text = " ; ".join(_texts(node, functions, set()))
    lists, sleeps = LISTS.search(text) is not None, SLEEPS.search(text) is not None
    counted = not isinstance(node, syntax.While) or re.search(r"(?:^| ; )read ", _written(node.condition)) is not None
    return lists and sleeps if counted else lists or sleeps


def limit_of(node: syntax.ShellNode, functions: Mapping[str, syntax.ShellNode]) -> str:
    """The number as written, if a loop waits only until fewer than a number of sessions are left; else ""."""
    if not isinstance(node, syntax.While):
        return ""
    found = LIMIT[node.until].search(_written(node.condition))
    lists = LISTS.search(" ; ".join(_texts(node.condition, functions, set())))
    return (found["over"] or found["least"]) if found and lists else ""


def _written(node: syntax.ShellNode) -> str:
    return " ; ".join(_texts(node, {}, set()))


def _texts(node: object, functions: Mapping[str, syntax.ShellNode], seen: set[str]) -> Iterator[str]:
    """The commands in a node as written, and those of the functions that they name."""
    if isinstance(node, syntax.Simple):
        text = " ".join([*(raw for _, _, raw in node.assignments), *node.words, *(raw for _, raw in node.redirects)])
        yield text
        for name in re.findall(r"[\w-]+", text):
            if name in functions and name not in seen:
                seen.add(name)
                yield from _texts(functions[name], functions, seen)
    elif isinstance(node, str):
        yield node
    elif isinstance(node, tuple):
        for one in node:
            yield from _texts(one, functions, seen)
    elif isinstance(node, syntax.ShellNode):
        for one in vars(node).values():
            yield from _texts(one, functions, seen)
