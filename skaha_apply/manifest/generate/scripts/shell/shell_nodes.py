"""The nodes of the syntax tree of a bash script: what scripts that create sessions use, and no more."""

from __future__ import annotations

import re

from skaha_apply.lazy_dataclass import dataclass

ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)\Z", re.DOTALL)


@dataclass(frozen=True)
class ShellNode:
    """A command, and its line in the script."""

    line: int


@dataclass(frozen=True)
class Simple(ShellNode):
    """A command with its words, the assignments before them, and its redirects (operator, target)."""

    words: tuple[str, ...] = ()
    assignments: tuple[tuple[str, str, str], ...] = ()
    redirects: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Arithmetic(ShellNode):
    """`(( ... ))`."""

    text: str


@dataclass(frozen=True)
class Block(ShellNode):
    """Commands one after the other. `operators[i]` stands before command i + 1: `;`, `&&` or `||`."""

    commands: tuple[ShellNode, ...]
    operators: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subshell(ShellNode):
    """Commands in parentheses."""

    command: ShellNode


@dataclass(frozen=True)
class Pipe(ShellNode):
    """Commands with a pipe between them."""

    commands: tuple[ShellNode, ...]


@dataclass(frozen=True)
class Negation(ShellNode):
    """`! command`."""

    command: ShellNode


@dataclass(frozen=True)
class For(ShellNode):
    """`for name in words`; `words` is None for the positional arguments."""

    name: str
    words: tuple[str, ...] | None
    body: ShellNode


@dataclass(frozen=True)
class CountedFor(ShellNode):
    """`for ((first; condition; step))`."""

    parts: tuple[str, str, str]
    body: ShellNode


@dataclass(frozen=True)
class While(ShellNode):
    """`while` or `until`."""

    condition: ShellNode
    body: ShellNode
    until: bool


@dataclass(frozen=True)
class If(ShellNode):
    """`if`, with a condition and a body for each arm; the last condition is None for `else`."""

    arms: tuple[tuple[ShellNode | None, ShellNode], ...]


@dataclass(frozen=True)
class Case(ShellNode):
    """`case word in`, with patterns and a body for each arm."""

    word: str
    arms: tuple[tuple[tuple[str, ...], ShellNode], ...]


@dataclass(frozen=True)
class Function(ShellNode):
    """The definition of a function."""

    name: str
    body: ShellNode


@dataclass(frozen=True)
class Redirected(ShellNode):
    """A loop or group with redirects."""

    command: ShellNode
    redirects: tuple[tuple[str, str], ...]
