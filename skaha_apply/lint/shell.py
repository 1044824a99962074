"""Recognizes shell syntax in a word, and names it for a message."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SHELLS = frozenset({"bash", "dash", "ksh", "sh", "zsh", "csh", "tcsh", "fish", "ash"})
BUILTINS = frozenset(
    {"cd", "source", ".", "export", "alias", "set", "unset", "ulimit", "umask", "exec", "eval", "module"}
)
# Programs that read patterns themselves, or operators as arguments of their own.
PATTERN_PROGRAMS = frozenset(
    {"find", "grep", "egrep", "rg", "sed", "awk", "gawk", "perl", "rsync", "jq", "xargs", "expr"}
)
PATTERN_OPTION = re.compile(
    r"--?\w*(?:name|path|pattern|glob|regex|regexp|include|exclude|filter|match|expr|expression|where|query|select)\w*",
    re.IGNORECASE,
)
CODE_OPTION = re.compile(r"-[A-Za-z]*[ceE]|--(?:eval|expr|command|code)")  # what follows is a program's own language

OPERATOR = re.compile(r"\|\|?|\|&|&&?|;;?|[0-9]?>>?(?:\|)?|[0-9]?<{1,3}|&>>?|[0-9]?[<>]&[0-9-]?|\(|\)")
REDIRECTION = re.compile(r"(?:[0-9]|&)?>>?&?[^<>=\s0-9.-][^<>]*|[0-9]?>>?[./][^<>]*|<[./\w][^<>=]*")
TILDE = re.compile(r"~(?:[A-Za-z_][\w.-]*)?(?:/.*)?", re.DOTALL)
OPTION_VALUE = re.compile(r"--?[\w-]+=(.+)|[A-Za-z_]\w*=(.+)", re.DOTALL)
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
SUBSTITUTION = re.compile(r"\$\(([^()]*)\)?")
BRACES = re.compile(r"\{[\w./-]*(?:,[\w./-]*)+\}|\{\w+\.\.\w+\}")
SECTION = re.compile(r"\[[^\[\]]*\]")  # of a FITS file: image.fits[1], image.fits[*,1:100]
NO_GLOB = re.compile(r"\.\*[A-Za-z0-9]|\)\*|^[0-9.]+\*\*?[0-9.]+$")  # regular expressions, and products
MARK = re.compile(r"[\w./*-]\?[\w./*-]|[\w/.-]\?+\.\w")


def has_shell(words: Sequence[str]) -> bool:
    """Whether a shell runs a script that is among the words: `bash -c`, also behind another program."""
    for index, word in enumerate(words):
        if word.rpartition("/")[2] in SHELLS:
            return any(re.fullmatch("-[A-Za-z]*c", option) for option in words[index + 1 :])
    return False


@lru_cache
def syntax_of_command(word: str) -> str:
    """The shell syntax in the first word of a command line; "" without any."""
    if word in BUILTINS:
        return "a command of a shell"
    if ASSIGNMENT.fullmatch(word):
        return "an assignment of a shell"
    return syntax(word, "", ())


def syntax(word: str, before: str, variables: Collection[str]) -> str:
    """The shell syntax in an argument; "" without any.

    Args:
        word: the argument.
        before: the argument before it, which can be an option that takes a pattern.
        variables: names that Kubernetes fills in for `$(NAME)`.
    """
    if CODE_OPTION.fullmatch(before):
        return ""
    if OPERATOR.fullmatch(word):
        return f"the operator `{word}`"
    if REDIRECTION.fullmatch(word):
        return "a redirection"
    if re.fullmatch(r"[^\s;&|]+(?:;|&&?|\|)", word) and "://" not in word:
        return f"the operator `{word[-1]}`"
    return _expansion(word, before, variables)


def expansion_of_value(text: str, variables: Collection[str]) -> str:
    """The shell syntax in the value of an environment variable, without patterns; "" without any."""
    return _home(text) or _substitution(text, variables)


def _expansion(word: str, before: str, variables: Collection[str]) -> str:
    option = OPTION_VALUE.fullmatch(word)
    value = (option[1] or option[2]) if option else word
    found = _home(value) or _substitution(word, variables)
    if found:
        return found
    name = word.partition("=")[0] if option else before
    return "" if PATTERN_OPTION.fullmatch(name) else _pattern(value)


def _home(text: str) -> str:
    return "the home directory `~`" if TILDE.fullmatch(text) else ""


def _substitution(text: str, variables: Collection[str]) -> str:
    if text.count("`") > 1:
        return "a command in backticks"
    for found in SUBSTITUTION.finditer(text):
        if found[1] not in variables:
            return "the substitution `$(...)`"
    return ""


def _pattern(text: str) -> str:
    """The name of a pattern of file names. Regular expressions and sections of FITS files do not count."""
    if "://" in text or "\\" in text or text[:1] == "^" or text[-1:] == "$":
        return ""
    bare = SECTION.sub("", text)
    if "*" in bare and not NO_GLOB.search(bare):
        return "a pattern of file names"
    if MARK.search(bare) and not re.search(r"[=&]", bare):
        return "a pattern of file names"
    if BRACES.search(bare) and '"' not in bare:
        return "a list in braces"
    return ""
