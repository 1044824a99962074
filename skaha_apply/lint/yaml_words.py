"""Words that the server's two YAML libraries read differently.

The server writes each job with SnakeYAML 2.5, and kubectl reads that text with goyaml.v2. SnakeYAML leaves out the
quotes where it reads a text itself. Where kubectl then reads a boolean or a number, Kubernetes refuses the job, because
it requires text [SnakeYAML: resolver.Resolver; sigs.k8s.io/yaml: goyaml.v2/resolve.go].
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isinf

# What SnakeYAML reads as something else than text, and so writes with quotes.
BOOL = re.compile(r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF")
NULL = re.compile(r"~|null|Null|NULL|")
INT = re.compile(
    r"[-+]?0b_*[01][01_]*|[-+]?0_*[0-7][0-7_]*|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*"
    r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+"
)
FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
DIGITS = re.compile(r"0[0-9_]+")  # text to SnakeYAML, but written with quotes

# What kubectl reads as a boolean or number, without the words above. It drops each `_` of a number.
LETTERS = frozenset("yYnN")
PREFIXED = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+)")
SIGN_BEHIND = re.compile(r"0b[-+][01]+")
DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
POINT_FIRST = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
NUMBER_START = frozenset("+-.0123456789")
SMALLEST, LARGEST_SIGNED, LARGEST = -(2**63), 2**63 - 1, 2**64 - 1  # integers with a prefix; others stay text


@lru_cache(maxsize=10_000)
def is_refused(text: str) -> bool:
    """Whether Kubernetes refuses this text as a whole `cmd`, argument or environment value: 500, at every attempt."""
    if text in LETTERS:
        return True
    if not text or text[0] not in NUMBER_START or (text.isascii() and text.isdigit()):
        return False  # both libraries read digits alone alike
    return _is_number(text) and not (INT.fullmatch(text) or FLOAT.fullmatch(text) or DIGITS.fullmatch(text))


def is_plain(text: str) -> bool:
    """Whether both libraries read this text as text where it stands without quotes, as the name of a variable does."""
    if any(known.fullmatch(text) for known in (BOOL, NULL, INT, FLOAT)):
        return False
    return text not in LETTERS and not _is_number(text)


def boolean(text: str) -> str:
    """What SnakeYAML makes of a text without quotes that it reads as a boolean: `true` or `false`; else ""."""
    if not BOOL.fullmatch(text):
        return ""
    return "true" if text.lower() in {"yes", "on", "true"} else "false"


def _is_number(text: str) -> bool:
    """Whether kubectl reads a number; one out of range stays text."""
    if not text or text[0] not in NUMBER_START:
        return False
    plain = text.replace("_", "")
    if text[0] == ".":
        return POINT_FIRST.fullmatch(text) is not None and not isinf(float(plain))
    if PREFIXED.fullmatch(plain):
        return SMALLEST <= int(plain, 0) <= (LARGEST_SIGNED if plain[0] in "+-" else LARGEST)
    if SIGN_BEHIND.fullmatch(plain):
        return True
    return DECIMAL.fullmatch(plain) is not None and not isinf(float(plain))
