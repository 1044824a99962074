"""Evaluates the arithmetic of bash: integers, comparisons, assignments."""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 2**63
ASSIGNMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*(\*\*|<<|>>|[-+*/%&|^])?=(?!=)(.*)", re.DOTALL)
STEP = re.compile(r"\s*(?:(\+\+|--)\s*([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*(\+\+|--))\s*")
DECIMAL = re.compile(r"\b10#")
OCTAL = re.compile(r"\b0(?=[0-7]+\b)")
BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
COMPARE: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class NotKnownError(Exception):
    """An expression whose value the script does not state."""


def evaluate(text: str, read: Callable[[str], int], write: Callable[[str, int], None]) -> int:
    """The value of an expression; `read` and `write` access variables.

    Raises `NotKnownError`.
    """
    if match := STEP.fullmatch(text):
        name = match[2] or match[3]
        before = read(name)
        after = before + (1 if "+" in (match[1] or match[4]) else -1)
        write(name, after)
        return after if match[1] else before
    if match := ASSIGNMENT.fullmatch(text):
        name, sign, rest = match.groups()
        value = evaluate(f"{name} {sign} ({rest})" if sign else rest, read, write)
        write(name, value)
        return value
    readable = re.sub(r"!(?!=)", " not ", text.replace("&&", " and ").replace("||", " or "))
    readable = OCTAL.sub("0o", re.sub(r"\b10#0*(?=[0-9])", "", readable))
    try:
        tree = ast.parse(readable.strip() or "0", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotKnownError from None
    return _value(tree.body, read)


def _value(node: ast.expr, read: Callable[[str], int]) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        value = int(node.value)
    elif isinstance(node, ast.Name):
        value = read(node.id)
    elif isinstance(node, ast.BinOp):
        value = _binary(node.op, _value(node.left, read), _value(node.right, read))
    elif isinstance(node, ast.UnaryOp):
        value = _unary(node.op, _value(node.operand, read))
    elif isinstance(node, ast.BoolOp):
        parts = [bool(_value(part, read)) for part in node.values]
        value = all(parts) if isinstance(node.op, ast.And) else any(parts)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARE:
        value = COMPARE[type(node.ops[0])](_value(node.left, read), _value(node.comparators[0], read))
    else:
        raise NotKnownError
    if abs(value) > LARGEST:
        raise NotKnownError
    return int(value)


def _binary(sign: ast.operator, left: int, right: int) -> int:
    if type(sign) in BINARY:
        return BINARY[type(sign)](left, right)
    if isinstance(sign, ast.Div | ast.FloorDiv | ast.Mod):
        if right == 0:
            raise NotKnownError
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return left - quotient * right if isinstance(sign, ast.Mod) else quotient
    if not 0 <= right < LARGEST.bit_length() or not isinstance(sign, ast.Pow | ast.LShift | ast.RShift):
        raise NotKnownError
    if isinstance(sign, ast.Pow):
        return int(left**right)
    return left << right if isinstance(sign, ast.LShift) else left >> right


def _unary(sign: ast.unaryop, value: int) -> int:
    if isinstance(sign, ast.USub):
        return -value
    if isinstance(sign, ast.Not):
        return int(not value)
    return ~value if isinstance(sign, ast.Invert) else value
