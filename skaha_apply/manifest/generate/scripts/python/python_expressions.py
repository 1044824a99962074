"""Evaluates the expressions of a Python script; whatever the script does not state is `UNKNOWN`."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.generate.scripts.python.python_builtins import items_of, path_attribute, run_function
from skaha_apply.manifest.generate.scripts.python.python_create import PARAMETERS, record_create, record_words
from skaha_apply.manifest.generate.scripts.python.python_values import (
    FileValue,
    PathValue,
    formatted,
    is_known_value,
    number_from,
    string_method,
    text_of,
)
from skaha_apply.manifest.generate.scripts.python.python_waits import SUBMITS, may_wait, name_of
from skaha_apply.manifest.generate.scripts.shell.shell_expansion import derived
from skaha_apply.manifest.generate.scripts.traced_text import UNKNOWN, is_known, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.manifest.generate.scripts.record import ScriptReading

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: lambda left, right: left is right,
    ast.IsNot: lambda left, right: left is not right,
}
LARGEST = 2**63


def bare(value: Any) -> Any:
    """A value without marks."""
    if isinstance(value, str):
        return plain(value)
    return [bare(one) for one in value] if isinstance(value, list | tuple) else value


class PythonExpressions:
    """The variables of a script, and its expressions; a subclass runs functions and comprehensions."""

    def __init__(self, reading: ScriptReading) -> None:
        """Begin without variables."""
        self.reading = reading
        self.scopes: list[dict[str, Any]] = [{"__name__": "__main__"}]
        self.functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self.numbered = False  # the client adds -1 to the name of a single session

    def call_function(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Run a function of the script."""
        raise NotImplementedError

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Any:
        """The items of a comprehension."""
        raise NotImplementedError

    def value(self, node: ast.expr | None) -> Any:
        """The value of an expression."""
        self.reading.step()
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        return UNKNOWN if method is None else method(node)

    def is_true(self, node: ast.expr) -> bool | None:
        """Whether a condition holds; None if that is unknown."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            truth = self.is_true(node.operand)
            return None if truth is None else not truth
        if isinstance(node, ast.BoolOp):
            truths = [self.is_true(one) for one in node.values]
            decisive = isinstance(node.op, ast.Or)
            return decisive if decisive in truths else None if None in truths else not decisive
        value = self.value(node)
        return bool(bare(value)) if is_known_value(value) else None

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        for scope in (self.scopes[-1], self.scopes[0]):
            if node.id in scope:
                return scope[node.id]
        return UNKNOWN

    def _joinedstr(self, node: ast.JoinedStr) -> str:
        return "".join(str(self.value(one)) for one in node.values)

    def _formattedvalue(self, node: ast.FormattedValue) -> str:
        form = plain(str(self.value(node.format_spec))) if node.format_spec else ""
        return formatted(self.value(node.value), form, node.conversion)

    def _list(self, node: ast.List | ast.Tuple | ast.Set) -> Any:
        items: list[Any] = []
        for one in node.elts:
            if isinstance(one, ast.Starred):
                found = items_of(self.value(one.value))
                if found is None:
                    return UNKNOWN
                items.extend(found)
            else:
                items.append(self.value(one))
        return items

    _tuple = _set = _list

    def _dict(self, node: ast.Dict) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            found = self.value(value)
            if key is not None:
                name = bare(self.value(key))
                made[name if isinstance(name, str | int | float) else str(name)] = found
            elif isinstance(found, dict):
                made.update(found)
            else:
                return UNKNOWN
        return made

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Any:
        return self.comprehension(node)

    _generatorexp = _setcomp = _listcomp

    def _await(self, node: ast.Await) -> Any:
        return self.value(node.value)

    def _ifexp(self, node: ast.IfExp) -> Any:
        truth = self.is_true(node.test)
        return UNKNOWN if truth is None else self.value(node.body if truth else node.orelse)

    def _boolop(self, node: ast.BoolOp) -> Any:
        truth = self.is_true(node)
        return UNKNOWN if truth is None else truth

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            truth = self.is_true(node.operand)
            return UNKNOWN if truth is None else truth
        value = self.value(node.operand)
        if not isinstance(value, int | float):
            return UNKNOWN
        return number_from("-", -value, value) if isinstance(node.op, ast.USub) else value

    def _compare(self, node: ast.Compare) -> Any:
        left, right = self.value(node.left), self.value(node.comparators[0])
        if len(node.ops) > 1 or not is_known_value(left) or not is_known_value(right):
            return UNKNOWN
        try:
            return COMPARE[type(node.ops[0])](bare(left), bare(right))
        except TypeError:
            return UNKNOWN

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Div) and isinstance(left, PathValue):
            return PathValue(f"{left.path}/{text_of(right)}")
        if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right
        if not is_known_value(left) or not is_known_value(right):
            return UNKNOWN
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return self._percent(left, right)
        return self._computed(node, left, right)

    def _computed(self, node: ast.BinOp, left: Any, right: Any) -> Any:
        """The result of an operator on known values."""
        if isinstance(node.op, ast.Mult) and not (isinstance(left, int | float) and isinstance(right, int | float)):
            return UNKNOWN
        try:
            made = BINARY[type(node.op)](left, right)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            return UNKNOWN
        if isinstance(made, int) and abs(made) > LARGEST:
            return UNKNOWN
        return number_from(ast.unparse(node), made, left, right)

    def _percent(self, left: str, right: Any) -> str:
        values = right if isinstance(right, list | tuple) else [right]
        if len(left) > 1000:  # noqa: PLR2004 - a text with widths can become large
            return UNKNOWN
        try:
            return derived(f"%{plain(left)}", plain(left) % tuple(map(bare, values)), *map(text_of, values))
        except (TypeError, ValueError, OverflowError, MemoryError):
            return UNKNOWN

    def _subscript(self, node: ast.Subscript) -> Any:
        value = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            bounds = [None if one is None else self.value(one) for one in (node.slice.lower, node.slice.upper)]
            if not isinstance(value, str | list) or not all(one is None or isinstance(one, int) for one in bounds):
                return UNKNOWN
            cut = slice(*bounds)
            return derived(ast.unparse(node.slice), plain(value)[cut], value) if isinstance(value, str) else value[cut]
        key = bare(self.value(node.slice))
        try:
            return value[key] if isinstance(value, dict | list | tuple) else UNKNOWN
        except (KeyError, IndexError, TypeError):
            return UNKNOWN

    def _attribute(self, node: ast.Attribute) -> Any:
        value = self.value(node.value)
        return path_attribute(value, node.attr) if isinstance(value, PathValue) else UNKNOWN

    def _call(self, node: ast.Call) -> Any:
        arguments = self._list(ast.List([*node.args]))
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value)
            named |= {keyword.arg: value} if keyword.arg else value if isinstance(value, dict) else {}
        arguments = arguments if isinstance(arguments, list) else [UNKNOWN]
        called = name_of(node)
        if called not in self.functions and may_wait(called, bare(arguments[0]) if arguments else None):
            self.reading.pause(node.lineno)
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, arguments, named)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in self.functions:
            return self.call_function(name, arguments, named)
        if name == "open" and arguments:
            return self._opened(arguments[0])
        return run_function(name, arguments)

    def _opened(self, path: Any) -> FileValue:
        text = text_of(path)
        return FileValue(plain(text), self.reading.file(plain(text)) if is_known(text) else None)

    def _method(self, node: ast.Call, func: ast.Attribute, arguments: list[Any], named: dict[str, Any]) -> Any:
        if func.attr == "create" and (len(arguments) > 1 or {"image", "name", "cmd"} & set(named)):
            given = {**dict(zip(PARAMETERS, arguments, strict=False)), **named}
            record_create(node.lineno, given, self.reading, numbered=self.numbered)
            return UNKNOWN
        if func.attr in SUBMITS and arguments and record_words(node.lineno, arguments[0], self.reading):
            return UNKNOWN
        return self._method_of(self.value(func.value), func, arguments, named)

    def _method_of(self, value: Any, func: ast.Attribute, arguments: list[Any], named: dict[str, Any]) -> Any:
        if isinstance(value, PathValue) and func.attr in ("open", "read_text"):
            value = self._opened(value)
        if isinstance(value, FileValue):
            return _file_method(value, func.attr)
        if isinstance(value, list | dict):
            return _container_method(value, func.attr, arguments)
        if isinstance(value, str) and value != UNKNOWN:
            return string_method(value, func.attr, arguments, named)
        if func.attr in self.functions:  # a method of a class of the script
            return self.call_function(func.attr, [UNKNOWN, *arguments], named)
        return run_function(func.attr, arguments)


def _file_method(value: FileValue, name: str) -> Any:
    if name in ("open", "__enter__", "readlines"):
        return value
    known = name in ("read", "read_text") and value.text is not None
    return value.text if known else UNKNOWN


def _container_method(value: list[Any] | dict[Any, Any], name: str, arguments: list[Any]) -> Any:
    if isinstance(value, dict):
        if name == "items":
            return list(value.items())
        found = {"keys": list(value), "values": list(value.values())}
        if name == "get" and arguments:
            return value.get(bare(arguments[0]), arguments[1] if len(arguments) > 1 else None)
        return found.get(name, UNKNOWN)
    if name == "append" and arguments:
        value.append(arguments[0])
    elif name == "extend" and arguments and (found_items := items_of(arguments[0])) is not None:
        value.extend(found_items)
    return None
