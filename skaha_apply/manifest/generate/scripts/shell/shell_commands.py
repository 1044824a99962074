"""Carries out the simple commands of a bash script: assignments, `read`, `xargs`, `create`, and small programs."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.command_line import parse_create_command
from skaha_apply.manifest.generate.scripts.record import RecordedCall, ScriptReading, plain_command
from skaha_apply.manifest.generate.scripts.shell import shell_nodes as syntax
from skaha_apply.manifest.generate.scripts.shell.create_words import (
    has_file_pattern,
    hidden_creates,
    is_create,
    may_wait,
    step_name,
)
from skaha_apply.manifest.generate.scripts.shell.shell_conditions import decide
from skaha_apply.manifest.generate.scripts.shell.shell_expansion import Value, WordExpansion, derived
from skaha_apply.manifest.generate.scripts.shell.shell_input import Input
from skaha_apply.manifest.generate.scripts.shell.shell_programs import NEEDS_NO_INPUT, run_program
from skaha_apply.manifest.generate.scripts.shell.shell_programs import PROGRAMS as TEXT_PROGRAMS
from skaha_apply.manifest.generate.scripts.shell.shell_syntax import parse
from skaha_apply.manifest.generate.scripts.traced_text import UNKNOWN, is_known, is_open, plain, shown
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

JUMPS = frozenset({"break", "continue", "return", "exit"})
DEEPEST = 40  # functions that call functions
LOCAL = frozenset({"declare", "local", "typeset"})
DECLARATIONS = frozenset({"export", "declare", "local", "readonly", "typeset"})


class Jump(Exception):  # a way to leave a loop, not an error
    """`break`, `continue`, `return` or `exit`."""

    def __init__(self, word: str, levels: int = 1) -> None:
        super().__init__(word)
        self.word = word
        self.levels = levels


@dataclass
class ShellCommands:
    """The state of a script, and its simple commands; a subclass follows the others in `run`."""

    reading: ScriptReading
    functions: dict[str, syntax.ShellNode] = field(default_factory=dict)
    output: list[str] | None = None  # of the innermost `$( )` or pipe
    given: Input = field(default_factory=lambda: Input(None))
    depth: int = 0
    locals: list[dict[str, Value | None]] = field(default_factory=list)  # of each function: the values before it
    not_found: str = ""  # the path of the last list that is not there
    line: int = 1

    def __post_init__(self) -> None:
        """Let words run commands."""
        self.expansion = WordExpansion(self.captured)

    def run(self, node: syntax.ShellNode) -> bool | None:
        """Follow a command; returns whether it succeeds, None if that is unknown."""
        raise NotImplementedError

    def _run_simple(self, node: syntax.Simple) -> bool | None:
        before = dict(self.expansion.variables) if node.words and node.assignments else None
        for name, sign, raw in node.assignments:
            self._assign(name, raw, append=bool(sign))
        if not node.words:
            return True
        try:
            if node.words[0] in ("[[", "["):
                return self._with_input(node.redirects, lambda: self._test(node))
            words = [word for raw in node.words for word in self.expansion.words(raw)]
            self.line = node.line
            return self._with_input(node.redirects, lambda: self._command(words, node))
        finally:
            if before is not None:
                kept = {name: before[name] for name, _, _ in node.assignments if name in before}
                for name, _, _ in node.assignments:
                    self.expansion.variables.pop(name, None)
                self.expansion.variables.update(kept)

    def _test(self, node: syntax.Simple) -> bool | None:
        inside = node.words[1:]
        inside = inside[:-1] if inside[-1:] in (("]",), ("]]",)) else inside
        return decide([self.expansion.text(raw) for raw in inside], patterns=node.words[0] == "[[")

    def _assign(self, name: str, raw: str, *, append: bool) -> None:
        variables = self.expansion.variables
        if raw.startswith("("):
            inside = parse(f"x {raw[1:-1]}".replace("\n", " "), self.line)
            raws = (
                inside.commands[0].words[1:]
                if inside.commands and isinstance(inside.commands[0], syntax.Simple)
                else ()
            )
            values = [word for one in raws for word in self.expansion.words(one)]
            old = variables.get(name)
            variables[name] = [*(old if append and isinstance(old, list) else ()), *values]
            return
        before = variables.get(name, "") if append else ""
        variables[name] = (before if isinstance(before, str) else "") + self.expansion.text(raw)

    def _command(self, words: list[str], node: syntax.Simple) -> bool | None:
        if not words:
            return True
        program = plain(words[0])
        if program in JUMPS:
            levels = int(plain(words[1])) if len(words) > 1 and plain(words[1]).isdigit() else 1
            raise Jump(program, levels if program in ("break", "continue") else 1)
        if program in self.functions:
            return self._call(program, words[1:])
        if is_create(words):
            return self._create(words, node)
        name = "mapfile" if program == "readarray" else program
        builtin: Callable[[list[str]], bool | None] | None = getattr(self, f"_do_{name}", None)
        if builtin is not None:
            return builtin(words)
        if program in DECLARATIONS:
            return self._declare(words[1:], local=program in LOCAL)
        if may_wait([plain(word) for word in words]):
            self.reading.pause(self.line)
        return program != "false" if program in ("true", ":", "false", "wait", "sleep") else self._program(words)

    def _call(self, name: str, arguments: list[str]) -> bool | None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise UsageError(f"line {self.line}: the function {name} calls itself without an end")
        before = self.expansion.arguments
        self.expansion.arguments = arguments
        self.locals.append({})
        try:
            return self.run(self.functions[name])
        except Jump as jump:
            if jump.word != "return":
                raise
            return None
        finally:
            self.expansion.arguments = before
            self.expansion.restore(self.locals.pop())
            self.depth -= 1

    def _declare(self, words: list[str], *, local: bool) -> bool:
        for word in words:
            match = syntax.ASSIGNMENT.match(word)
            name = match[1] if match else plain(word)
            if local and self.locals:
                self.locals[-1].setdefault(name, self.expansion.variables.get(name))
            if match:
                self.expansion.variables[match[1]] = match[3]
        return True

    def _create(self, words: list[str], node: syntax.Simple) -> bool | None:
        self._emit(UNKNOWN + "\n")
        if any(map(is_open, words)):
            text = " ".join(" ".join(map(shown, words)).split())
            self.reading.remark(node.line, f"left out, because a part is not known (...): {text}")
            return True
        try:
            command = parse_create_command(words)
        except UsageError as error:
            self.reading.remark(node.line, f"left out, because {error.located_message}")
            return True
        for raw in filter(has_file_pattern, node.words):
            self.reading.remark(node.line, f"bash replaces {raw} by names of files; the manifest has the pattern")
        exact = parse_create_command([plain(word) for word in words])
        if command != exact and plain_command(command) != exact:
            command = exact
        self.reading.record(RecordedCall(node.line, command))
        return True

    def _with_input(self, redirects: Sequence[tuple[str, str]], action: Callable[[], bool | None]) -> bool | None:
        before = self.given
        for operator, target in redirects:
            if operator == "<":
                self.given = self._file_input(target)
            elif operator == "<<<":
                self.given = Input(self.expansion.text(target) + "\n")
            elif operator in ("<<", "<<-"):
                self.given = Input(self.expansion.heredoc(target))
        try:
            return action()
        finally:
            self.given = before

    def _file_input(self, target: str) -> Input:
        if target.startswith("<("):
            self.not_found = ""
            return Input(self.captured(target[2:-1]), self.not_found)
        path = plain(self.expansion.text(target))
        return Input(self._file(path), path)

    def _file(self, path: str) -> str | None:
        text = self.reading.file(path) if is_known(path) else None
        self.not_found = path if text is None else self.not_found
        return text

    def captured(self, source: str) -> str:
        """The output of commands, `UNKNOWN` if the script does not state it."""
        stripped = source.strip()
        if stripped.startswith("<") and not stripped.startswith("<<"):
            text = self._file(plain(self.expansion.text(stripped[1:].strip())))
            return UNKNOWN if text is None else text
        line = self.line
        text = self._output_of(parse(source, line))
        self.line = line
        return text

    def _output_of(self, node: syntax.ShellNode) -> str:
        before, self.output = self.output, []
        try:
            self.in_subshell(node)
        finally:
            made, self.output = "".join(self.output), before
        return made

    def in_subshell(self, node: syntax.ShellNode) -> bool | None:
        """Follow a command in a subshell: its variables and its `exit` end with it."""
        before = dict(self.expansion.variables)
        try:
            return self.run(node)
        except Jump as jump:
            if jump.word != "exit":
                raise
            return None
        finally:
            self.expansion.variables.clear()
            self.expansion.variables.update(before)

    def _emit(self, text: str) -> None:
        if self.output is not None:
            self.output.append(text)

    def _program(self, words: list[str]) -> bool | None:
        """Run a small program on known texts; any other program is unknown."""
        program = plain(words[0])
        if reason := hidden_creates([shown(word) for word in words], self.functions):
            self.reading.remark(self.line, reason)
        if program == "cat" and len(words) > 1:
            texts = [self._file(plain(word)) for word in words[1:]]
            self._emit(UNKNOWN if None in texts else "".join(text or "" for text in texts))
            return True
        if program not in TEXT_PROGRAMS or self.output is None:
            self._emit(UNKNOWN)
            return None
        given = None
        if program not in NEEDS_NO_INPUT:
            if len(words) > 2 and not plain(words[-1]).startswith("-"):  # noqa: PLR2004 - option, file
                text = self._file(plain(words[-1])) if "." in plain(words[-1]) else None
                given, words = (text, words[:-1]) if text is not None else (given, words)
            given = self.given.rest if given is None else given
        result = run_program([plain(word) for word in words], given) if all(map(is_known, words)) else None
        self._emit(UNKNOWN if result is None else self._traced(words, result, used_input=given is not None))
        return True

    def _traced(self, words: Sequence[str], result: str, *, used_input: bool) -> str:
        body = result.rstrip("\n")
        if used_input and self.given.text is not None:
            return derived(step_name(words), body, *words, self.given.text) + result[len(body) :]
        if plain(words[0]) == "echo" and plain(words[1:2][0] if words[1:] else "")[:1] != "-":
            return " ".join(words[1:]) + "\n"
        return derived(step_name(words), body, *words) + result[len(body) :]
