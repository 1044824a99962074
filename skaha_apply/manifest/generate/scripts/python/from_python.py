"""Reads a Python script: follows its loops and functions, and records each session that it creates."""

from __future__ import annotations

import ast
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.generate.scripts.python.python_builtins import items_of
from skaha_apply.manifest.generate.scripts.python.python_expressions import PythonExpressions, bare
from skaha_apply.manifest.generate.scripts.python.python_values import FileValue, loop_value
from skaha_apply.manifest.generate.scripts.python.python_waits import limit_of, submits, waits_for_sessions
from skaha_apply.manifest.generate.scripts.traced_text import UNKNOWN, without_private
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.manifest.generate.scripts.record import ScriptReading

DEEPEST = 40  # functions that call functions
MOST_IDLE_ROUNDS = 1000  # of a `while` that creates nothing
LEAVES = (ast.Continue, ast.Break, ast.Return, ast.Raise)


class _Leave(Exception):
    """`break`, `continue` or `return`."""

    def __init__(self, kind: str, value: Any = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value


def read_python(source: str, reading: ScriptReading) -> None:
    """Fill `reading` with the sessions that a Python script creates.

    Raises `UsageError` for a text that is not Python.
    """
    try:
        tree = ast.parse(without_private(source))
    except SyntaxError as error:
        raise UsageError(f"line {error.lineno}: not valid Python: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"not valid Python: {error}") from None
    try:
        _Runner(reading).run(tree.body)
    except _Leave:
        return
    except RecursionError:
        raise UsageError("the script is nested too deep") from None


class _Runner(PythonExpressions):
    def run(self, body: Sequence[ast.stmt]) -> None:
        """Follow statements."""
        for node in body:
            self.reading.step()
            method = getattr(self, f"_do_{type(node).__name__.lower()}", None)
            if method is not None:
                method(node)

    def _do_expr(self, node: ast.Expr) -> None:
        self.value(node.value)

    def _do_import(self, node: ast.Import) -> None:
        self.numbered |= any(name.name.partition(".")[0] == "skaha" for name in node.names)

    def _do_importfrom(self, node: ast.ImportFrom) -> None:
        self.numbered |= (node.module or "").partition(".")[0] == "skaha"

    def _do_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.functions[node.name] = node

    _do_asyncfunctiondef = _do_functiondef

    def _do_classdef(self, node: ast.ClassDef) -> None:
        for one in node.body:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions[one.name] = one

    def _do_assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self._bind(target, value)

    def _do_annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, self.value(node.value))

    def _do_augassign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            name = ast.Name(node.target.id, ast.Load())
            self._bind(node.target, self.value(ast.BinOp(name, node.op, node.value)))

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.scopes[-1][target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            items = items_of(value)
            names = target.elts
            values = items if items is not None and len(items) == len(names) else [UNKNOWN] * len(names)
            for one, item in zip(names, values, strict=True):
                self._bind(one, item)
        elif isinstance(target, ast.Subscript):
            container, key = self.value(target.value), self.value(target.slice)
            if isinstance(container, dict) and isinstance(key, str | int):
                container[key] = value

    def _bind_loop(self, target: ast.expr, value: Any, line: int) -> None:
        """Bind a variable of a loop, so that its value is known as that of the loop."""
        if isinstance(target, ast.Name):
            self._bind(target, loop_value(value, f"{target.id}@{line}"))
        elif isinstance(target, ast.Tuple | ast.List) and (items := items_of(value)) is not None:
            for one, item in zip(target.elts, items, strict=False):
                self._bind_loop(one, item, line)
        else:
            self._bind(target, value)

    def _items(self, target: ast.expr, source: ast.expr, line: int, *, creates: bool) -> Iterable[Any]:
        value = self.value(source)
        items = items_of(value)
        if items is not None:
            return items
        if isinstance(value, FileValue) and isinstance(target, ast.Name):
            self.reading.missing[f"{target.id}@{line}"] = value.path
        elif creates:
            text = f"for {ast.unparse(target)} in {ast.unparse(source)}"
            self.reading.remark(line, f"the values of the loop are not known: {' '.join(text.split())}")
        return [UNKNOWN]

    def _do_for(self, node: ast.For | ast.AsyncFor) -> None:
        creates = self._creates(node.body)
        with self._loop(node):
            for item in self._items(node.target, node.iter, node.lineno, creates=creates):
                self._bind_loop(node.target, item, node.lineno)
                if not self._round(node.body):
                    return
            self.run(node.orelse)

    _do_asyncfor = _do_for

    @contextmanager
    def _loop(self, node: ast.For | ast.AsyncFor | ast.While) -> Iterator[None]:
        """Follow a loop; afterwards keep that it waits, if it creates nothing, and sleeps or lists sessions."""
        creates = self._creates([node])
        waits = not creates and waits_for_sessions(node, self.functions)
        with self.reading.loop(creates=creates, waits=waits):
            yield
        if waits:
            self._keep_wait(node)

    def _keep_wait(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        if (limit := limit_of(node)) is not None:
            value = bare(self.value(limit))
            self.reading.limit(node.lineno, value if isinstance(value, int) else None)
        else:
            self.reading.wait(node.lineno)

    def _do_while(self, node: ast.While) -> None:
        with self._loop(node):
            self._rounds(node)

    def _rounds(self, node: ast.While) -> None:
        creates, rounds = self._creates(node.body), 0
        while creates or rounds < MOST_IDLE_ROUNDS:
            rounds += 1
            truth = self.is_true(node.test)
            if truth is None and creates:
                self.reading.remark(
                    node.lineno, "the condition of the loop is not known; one round is in this manifest"
                )
                self._round(node.body)
            if not truth or not self._round(node.body):
                return

    def _round(self, body: Sequence[ast.stmt]) -> bool:
        """One round of a loop; False if the loop ends."""
        try:
            self.run(body)
        except _Leave as leave:
            if leave.kind == "return":
                raise
            return leave.kind == "continue"
        return True

    def _do_break(self, _: ast.Break) -> None:
        raise _Leave("break")

    def _do_continue(self, _: ast.Continue) -> None:
        raise _Leave("continue")

    def _do_return(self, node: ast.Return) -> None:
        raise _Leave("return", None if node.value is None else self.value(node.value))

    def _do_if(self, node: ast.If) -> None:
        truth = self.is_true(node.test)
        if truth is None:
            leaves = bool(node.body) and isinstance(node.body[-1], LEAVES)
            truth = not leaves and self._creates(node.body)
            if truth:
                self.reading.remark(node.lineno, "the condition is not known; the sessions of this branch are here")
        self.run(node.body if truth else node.orelse)

    def _do_with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, value)
        self.run(node.body)

    _do_asyncwith = _do_with

    def _do_try(self, node: ast.Try) -> None:
        self.run(node.body)
        self.run(node.orelse)
        self.run(node.finalbody)

    def _creates(self, body: Sequence[ast.AST], seen: frozenset[str] = frozenset()) -> bool:
        """Whether statements can create a session; `seen` are the functions around them."""
        for node in (one for part in body for one in ast.walk(part)):
            if isinstance(node, ast.Call) and submits(node):
                return True
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name in self.functions and name not in seen:
                seen |= {name}
                if self._creates(self.functions[name].body, seen):
                    return True
        return False

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Any:
        """The items of a comprehension."""
        return list(self._combined(node, 0))

    def _combined(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, depth: int) -> Iterator[Any]:
        if depth == len(node.generators):
            yield self.value(node.elt)
            return
        part = node.generators[depth]
        for item in self._items(part.target, part.iter, node.lineno, creates=self._creates([node.elt])):
            self._bind_loop(part.target, item, node.lineno)
            if all(self.is_true(one) is not False for one in part.ifs):
                yield from self._combined(node, depth + 1)

    def call_function(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Run a function of the script; returns its value."""
        function = self.functions[name]
        if len(self.scopes) > DEEPEST:
            raise UsageError(f"line {function.lineno}: the function {name} calls itself without an end")
        parameters = [*function.args.posonlyargs, *function.args.args]
        defaults = function.args.defaults
        scope: dict[str, Any] = {one.arg: UNKNOWN for one in (*parameters, *function.args.kwonlyargs)}
        for one, default in zip(parameters[len(parameters) - len(defaults) :], defaults, strict=True):
            scope[one.arg] = self.value(default)
        for one, keyword in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
            scope[one.arg] = UNKNOWN if keyword is None else self.value(keyword)
        scope |= {one.arg: value for one, value in zip(parameters, arguments, strict=False)}
        if function.args.kwarg is not None:
            scope[function.args.kwarg.arg] = {key: value for key, value in named.items() if key not in scope}
        scope |= {key: value for key, value in named.items() if key in scope}
        self.scopes.append(scope)
        try:
            self.run(function.body)
        except _Leave as leave:
            return leave.value
        finally:
            self.scopes.pop()
        return None
