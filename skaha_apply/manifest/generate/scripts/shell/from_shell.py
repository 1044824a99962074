"""Reads a bash script: follows its loops, branches and functions, and records what it creates. Runs no program."""

from __future__ import annotations

import re
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.command_line import PROGRAMS, VERBS
from skaha_apply.manifest.generate.scripts.shell import shell_nodes as syntax
from skaha_apply.manifest.generate.scripts.shell.create_words import has_file_pattern
from skaha_apply.manifest.generate.scripts.shell.shell_builtins import ShellBuiltins
from skaha_apply.manifest.generate.scripts.shell.shell_commands import Jump
from skaha_apply.manifest.generate.scripts.shell.shell_input import Input
from skaha_apply.manifest.generate.scripts.shell.shell_syntax import parse
from skaha_apply.manifest.generate.scripts.shell_waits import limit_of, waits_for_sessions
from skaha_apply.manifest.generate.scripts.traced_text import UNKNOWN, is_known, is_open, mark, plain, without_private
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skaha_apply.manifest.generate.scripts.record import ScriptReading


VERB = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(VERBS)})(?![A-Za-z])")
MOST_IDLE_ROUNDS = 1000  # of a loop that creates nothing, such as one that waits


def read_shell(source: str, reading: ScriptReading) -> None:
    """Fill `reading` with the sessions that a bash script creates.

    Raises `UsageError` for a script that cannot be read.
    """
    tree = parse(without_private(source))
    try:
        _Runner(reading).run(tree)
    except Jump:
        return
    except RecursionError:
        raise UsageError("the script is nested too deep") from None


def _is_jump(node: syntax.ShellNode) -> bool:
    """Whether a command leaves a loop or the script, after whatever it prints."""
    while isinstance(node, syntax.Block) and node.commands:
        node = node.commands[-1]
    return isinstance(node, syntax.Simple) and node.words[:1] in (("break",), ("continue",), ("return",), ("exit",))


@dataclass
class _Runner(ShellBuiltins):
    def run(self, node: syntax.ShellNode) -> bool | None:
        """Follow a command; returns whether it succeeds, None if that is unknown."""
        self.reading.step()
        self.line = node.line
        method: Callable[[syntax.ShellNode], bool | None] = getattr(self, f"_run_{type(node).__name__.lower()}")
        return method(node)

    def _run_block(self, node: syntax.Block) -> bool | None:
        status: bool | None = True
        for index, command in enumerate(node.commands):
            operator = node.operators[index - 1] if index else ";"
            if operator == "&&" and (status is False or (status is None and _is_jump(command))):
                continue
            if operator == "||" and (status is True or (status is None and not self._creates(command))):
                continue
            if operator != ";" and status is None and self._creates(command):
                self.reading.remark(command.line, "the condition is not known; its session is in this manifest")
            status = self.run(command)
        return status

    def _run_pipe(self, node: syntax.Pipe) -> bool | None:
        status: bool | None = True
        text: str | None = None
        for index, command in enumerate(node.commands):
            before = self.given
            if index:
                self.given = Input(text, self.not_found)
            try:
                if index < len(node.commands) - 1:
                    self.not_found = ""
                    text = self._output_of(command)
                else:
                    status = self.in_subshell(command)
            finally:
                self.given = before
        return status

    def _run_subshell(self, node: syntax.Subshell) -> bool | None:
        return self.in_subshell(node.command)

    def _run_negation(self, node: syntax.Negation) -> bool | None:
        status = self.run(node.command)
        return None if status is None else not status

    def _run_arithmetic(self, node: syntax.Arithmetic) -> bool | None:
        value = self.expansion.arithmetic(node.text)
        return plain(value) != "0" if is_known(value) else None

    def _run_function(self, node: syntax.Function) -> bool:
        self.functions[node.name] = node.body
        return True

    def _run_redirected(self, node: syntax.Redirected) -> bool | None:
        return self._with_input(node.redirects, lambda: self.run(node.command))

    # Loops and branches

    def _run_for(self, node: syntax.For) -> bool | None:
        self.not_found = ""
        raws = ('"$@"',) if node.words is None else node.words
        words = [word for raw in raws for word in self.expansion.words(raw)]
        axis = f"{node.name}@{node.line}"
        if any(map(is_open, words)) or any("*" in plain(word) for word in words) or any(map(has_file_pattern, raws)):
            if self._creates(node.body):
                self._unknown_values(node, axis)
            words = [UNKNOWN]
        with self._loop(node):
            for word in words:
                self.expansion.variables[node.name] = mark(axis, word)
                if not self._iteration(node.body):
                    break
        return True

    def _unknown_values(self, node: syntax.For, axis: str) -> None:
        if self.not_found and len(node.words or ()) == 1:
            self.reading.missing[axis] = self.not_found
        else:
            words = " ".join(node.words or ("$@",))
            self.reading.remark(node.line, f"the values of the loop are not known: for {node.name} in {words}")

    @contextmanager
    def _loop(self, node: syntax.For | syntax.CountedFor | syntax.While) -> Iterator[None]:
        """Follow a loop; afterwards keep that it waits, if it creates nothing, and sleeps or lists sessions."""
        creates = self._creates(node)
        waits = not creates and waits_for_sessions(node, self.functions)
        with self.reading.loop(creates=creates, waits=waits):
            yield
        if waits:
            self._keep_wait(node)

    def _keep_wait(self, node: syntax.For | syntax.CountedFor | syntax.While) -> None:
        if limit := limit_of(node, self.functions):
            value = self.expansion.arithmetic(limit)
            number = plain(value) if is_known(value) else ""
            self.reading.limit(node.line, int(number) if number.isdecimal() else None)
        else:
            self.reading.wait(node.line)

    def _run_countedfor(self, node: syntax.CountedFor) -> bool | None:
        with self._loop(node):
            return self._rounds(node)

    def _rounds(self, node: syntax.CountedFor) -> bool | None:
        first, condition, step = node.parts
        self.expansion.arithmetic(first)
        while True:
            value = self.expansion.arithmetic(condition or "1")
            if not is_known(value):
                self.reading.remark(node.line, "the number of rounds of the loop is not known")
            if not is_known(value) or plain(value) == "0":
                return True
            name = re.match(r"\s*([A-Za-z_]\w*)", first)
            if name and isinstance(now := self.expansion.variables.get(name[1]), str):
                self.expansion.variables[name[1]] = mark(f"{name[1]}@{node.line}", now)
            if not self._iteration(node.body):
                return True
            self.expansion.arithmetic(step)

    def _run_while(self, node: syntax.While) -> bool | None:
        with self._loop(node):
            return self._rounds_of_while(node)

    def _rounds_of_while(self, node: syntax.While) -> bool | None:
        creates = self._creates(node.body)
        rounds = 0
        while creates or rounds < MOST_IDLE_ROUNDS:
            rounds += 1
            status = self.run(node.condition)
            if status is None and creates:
                self.reading.remark(node.line, "the condition of the loop is not known; one round is in this manifest")
                self._iteration(node.body)
            if status is None or status == node.until or not self._iteration(node.body):
                break
        return True

    def _iteration(self, body: syntax.ShellNode) -> bool:
        """One round of a loop; False if the loop ends."""
        self.reading.step()
        try:
            self.run(body)
        except Jump as jump:
            if jump.word not in ("break", "continue"):
                raise
            if jump.levels > 1:
                raise Jump(jump.word, jump.levels - 1) from None
            return jump.word == "continue"
        return True

    def _run_if(self, node: syntax.If) -> bool | None:
        for condition, body in node.arms:
            status = True if condition is None else self.run(condition)
            if status is None:
                if _is_jump(body) or not self._creates(body):
                    continue
                if self._creates(node):
                    self.reading.remark(node.line, "the condition is not known; the sessions of this branch are here")
            if status is not False:
                return self.run(body)
        return True

    def _run_case(self, node: syntax.Case) -> bool | None:
        word = self.expansion.text(node.word)
        if not is_known(word):
            if self._creates(node):
                self.reading.remark(node.line, f"the value of {node.word} is not known; `case` is left out")
            return None
        for patterns, body in node.arms:
            if any(fnmatchcase(plain(word), plain(self.expansion.text(pattern))) for pattern in patterns):
                return self.run(body)
        return True

    def _creates(self, node: object, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a command can create a session; `seen` are the functions around it."""
        if isinstance(node, syntax.Simple):
            text = " ".join(node.words)
            named = any(program in text for program in PROGRAMS) and VERB.search(text) is not None
            name = node.words[0] if node.words else ""
            if named or name not in self.functions or name in seen:
                return named
            return self._creates(self.functions[name], seen | {name})
        if isinstance(node, tuple):
            return any(self._creates(one, seen) for one in node)
        return isinstance(node, syntax.ShellNode) and any(self._creates(one, seen) for one in vars(node).values())
