"""Unquoted words of YAML 1.1, as the server's writer (SnakeYAML) and kubectl's reader (go-yaml) understand them.

The server writes a text without quotes if its own reader would read a text again. kubectl has another reader. If
kubectl reads the word as a boolean or a number, the API server refuses the job.
Source: [SnakeYAML 2.5 Resolver and Emitter, go-yaml 2 resolve.go].
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

_BOOLEAN = re.compile(r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF")
_TRUE = frozenset({"yes", "true", "on"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(
    r"[-+]?0b_*[01][01_]*|[-+]?0_*[0-7][0-7_]*|[-+]?(?:0|[1-9][0-9_]*)"
    r"|[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+"
)
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)
_LEADING_ZERO = re.compile(r"0[0-9_]+")
_KUBECTL_BOOLEAN = frozenset({"y", "Y", "n", "N"})  # SnakeYAML quotes the other booleans
_KUBECTL_INTEGER = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)")
_KUBECTL_BINARY = re.compile(r"0b[-+][01]+")
# Behind a leading point kubectl reads a number as Go does: an underscore can only separate digits.
_KUBECTL_POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_KUBECTL_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_DECIMAL = (1e-3, 1e7)  # outside of this range Java writes a number with an exponent


class InvalidNumber(ValueError):
    """Java's NumberFormatException: the word has the form of a number without digits, such as `-._E1`."""


def is_retyped(value: str) -> bool:
    """Whether the server writes `value` without quotes and kubectl reads it as a boolean or a number."""
    return not _is_quoted(value) and (value in _KUBECTL_BOOLEAN or _is_kubectl_number(value))


def _is_quoted(value: str) -> bool:
    """Whether SnakeYAML puts quotes around a text of one line that could be a boolean, a number, a time or null."""
    return value in _NULL or any(
        pattern.fullmatch(value) for pattern in (_BOOLEAN, _INTEGER, _FLOAT, _TIMESTAMP, _LEADING_ZERO)
    )


def _is_kubectl_number(value: str) -> bool:
    plain = value.replace("_", "")
    if value.startswith("."):
        return bool(_KUBECTL_POINT_FLOAT.fullmatch(value)) and math.isfinite(float(plain))
    if value[:1] not in "+-0123456789":
        return False
    whole = _KUBECTL_INTEGER.fullmatch(plain)
    if whole and _SMALLEST <= _whole_number(plain) <= (_LARGEST if not whole[1] else -_SMALLEST - 1):
        return True
    if _KUBECTL_FLOAT.fullmatch(plain):
        return math.isfinite(float(plain))
    return bool(_KUBECTL_BINARY.fullmatch(plain))


def _whole_number(plain: str) -> int:
    """Read an integer in decimal, octal, hexadecimal or binary notation; a leading 0 means octal."""
    sign, digits = (-1 if plain.startswith("-") else 1), plain.lstrip("+-").lower()
    if digits[:2] in ("0x", "0b", "0o"):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if digits.startswith("0") else 10)


def plain_text(value: str) -> str | None:
    """Return the text that SnakeYAML makes of an unquoted scalar if it must be a text; None for null.

    `yes` becomes `true`, `-007` becomes `-7`. Raises InvalidNumber with Java's message.
    """
    if value in _NULL:
        return None
    if _BOOLEAN.fullmatch(value):
        return "true" if value.lower() in _TRUE else "false"
    if _INTEGER.fullmatch(value):
        return str(_base_60(value, int) if ":" in value else _whole_number(value.replace("_", "")))
    if not _FLOAT.fullmatch(value):
        return value
    if value.lower().endswith((".inf", ".nan")):
        return "NaN" if value.lower() == ".nan" else "-Infinity" if value.startswith("-") else "Infinity"
    return _java_number(_base_60(value, float) if ":" in value else _float(value))


def _float(value: str) -> float:
    """Read a float as SnakeYAML does; raises InvalidNumber if there is no digit before the exponent."""
    plain = value.replace("_", "")
    try:
        return float(plain)
    except ValueError:
        raise InvalidNumber(f'For input string: "{plain.lstrip("+-").lower()}"') from None


def _base_60(value: str, last: type[int | float]) -> float:
    """Read `-1:30` as -90."""
    parts = value.lstrip("+-").replace("_", "").split(":")
    total: float = last(parts[-1])
    for power, part in enumerate(reversed(parts[:-1]), start=1):
        total += int(part) * 60**power
    return -total if value.startswith("-") else total


def _java_number(number: float) -> str:
    """Write a floating-point number as `Double.toString` does: `-0.5`, `1.0E7`."""
    if math.isinf(number):
        return "-Infinity" if number < 0 else "Infinity"
    if number == 0 or _DECIMAL[0] <= abs(number) < _DECIMAL[1]:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}E{int(exponent) + len(digits) - 1}"
