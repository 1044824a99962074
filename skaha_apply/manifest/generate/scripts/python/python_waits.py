"""Recognizes the calls and loops of a Python script that wait, and the calls that create sessions."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Function = ast.FunctionDef | ast.AsyncFunctionDef

SUBMITS = frozenset({"run", "call", "check_call", "check_output", "Popen", "system"})
LISTS = frozenset({"info", "fetch", "stats", "events", "logs", "list"})
LIST_WORDS = re.compile(r"\b(?:canfar|skaha)\W+(?:ps|info|events?|logs?|stats|list)\b")
SHORTEST_WAIT = 60  # seconds; a shorter sleep spares the server


def submits(node: ast.Call) -> bool:
    """Whether a call can create a session: `create(...)`, or a program that is not one that lists sessions."""
    name = name_of(node)
    return name == "create" or (name in SUBMITS and LIST_WORDS.search(ast.unparse(node)) is None)


def name_of(node: ast.Call) -> str:
    """The name of the function or method that a call names."""
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def may_wait(name: str, seconds: object) -> bool:
    """Whether a call waits: `input`, `sleep` for a minute or more, or a function with `wait` in its name."""
    if name == "sleep":
        return not isinstance(seconds, int | float) or seconds >= SHORTEST_WAIT
    return name == "input" or (name.startswith(("wait", "poll")) and name != "wait")


def waits_for_sessions(node: ast.stmt, functions: Mapping[str, Function]) -> bool:
    """Whether a loop that creates nothing waits: it lists sessions or sleeps. `for` waits only if it does both."""
    calls = list(_calls(node, functions, set()))
    sleeps = any(name_of(one) == "sleep" for one in calls)
    lists = any(name_of(one) in LISTS or LIST_WORDS.search(ast.unparse(one)) for one in calls)
    return lists or sleeps if isinstance(node, ast.While) else lists and sleeps


def limit_of(node: ast.stmt) -> ast.expr | None:
    """The number, if a loop waits only until fewer than a number of sessions are left; else None."""
    if not isinstance(node, ast.While) or not isinstance(node.test, ast.Compare):
        return None
    limit, compare = node.test.comparators[0], node.test.ops[0]
    lists = any(name_of(one) in LISTS for one in ast.walk(node.test) if isinstance(one, ast.Call))
    known = limit.value if isinstance(limit, ast.Constant) else None
    is_limit = (isinstance(compare, ast.Gt) and known != 0) or (isinstance(compare, ast.GtE) and known != 1)
    return limit if lists and is_limit else None


def _calls(node: ast.AST, functions: Mapping[str, Function], seen: set[str]) -> Iterator[ast.Call]:
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            yield one
            name = name_of(one)
            if name in functions and name not in seen:
                seen.add(name)
                yield from _calls(functions[name], functions, seen)
