"""Carries out the builtins of bash that scripts use: `read`, `mapfile`, `shift`, `set`, `let`, `eval`, and `xargs`."""

from __future__ import annotations

from skaha_apply.manifest.generate.scripts.shell import shell_nodes as syntax
from skaha_apply.manifest.generate.scripts.shell.create_words import is_create, xargs_command
from skaha_apply.manifest.generate.scripts.shell.shell_commands import ShellCommands
from skaha_apply.manifest.generate.scripts.shell.shell_input import split_fields
from skaha_apply.manifest.generate.scripts.shell.shell_syntax import parse
from skaha_apply.manifest.generate.scripts.traced_text import UNKNOWN, is_known, mark, plain


class ShellBuiltins(ShellCommands):
    """A method `_do_NAME` for each builtin."""

    def _do_eval(self, words: list[str]) -> bool | None:
        return self.run(parse(" ".join(words[1:]), self.line))

    def _do_read(self, words: list[str]) -> bool:
        names, skip = [], False
        for word in map(plain, words[1:]):
            if skip or word.startswith("-"):
                skip = not skip and word in ("-u", "-d", "-p", "-t", "-n")
            else:
                names.append(word)
        if self.given.text is None and not self.given.path and not self.given.at:
            self.reading.keep_gap(self.line)
        line = self.given.line()
        if line is None:
            return False
        separator = self.expansion.variables.get("IFS")
        names = names or ["REPLY"]
        given = split_fields(line, names, plain(separator) if isinstance(separator, str) else None, self.line)
        if not is_known(line) and self.given.path and len(names) == 1:
            self.reading.missing[f"{names[0]}@{self.line}"] = self.given.path
        self.expansion.variables.update(given)
        return True

    def _do_mapfile(self, words: list[str]) -> bool:
        text = self.given.rest
        name = plain(words[-1])
        self.expansion.variables[name] = UNKNOWN if text is None else text.splitlines()
        self.not_found = self.given.path if text is None else self.not_found
        return True

    def _do_shift(self, words: list[str]) -> bool:
        count = plain(words[1]) if len(words) > 1 else "1"
        if self.expansion.arguments is not None:
            self.expansion.arguments = self.expansion.arguments[int(count) if count.isdigit() else 1 :]
        return True

    def _do_set(self, words: list[str]) -> bool:
        if "--" in words:
            self.expansion.arguments = words[words.index("--") + 1 :]
        return True

    def _do_unset(self, words: list[str]) -> bool:
        for word in map(plain, words[1:]):
            (self.functions if words[1] == "-f" else self.expansion.variables).pop(word, None)
        return True

    def _do_let(self, words: list[str]) -> bool:
        for word in words[1:]:
            self.expansion.arithmetic(plain(word))
        return True

    def _do_xargs(self, words: list[str]) -> bool | None:
        placeholder, inner = xargs_command(words)
        if not is_create(inner):
            return self._program(words)
        node = syntax.Simple(self.line)
        while (line := self.given.line()) is not None:
            if not line.strip():
                continue
            value = mark(f"item@{self.line}", line.strip())
            if not is_known(line) and self.given.path:
                self.reading.missing[f"item@{self.line}"] = self.given.path
            filled = [word.replace(placeholder, value) for word in inner] if placeholder else [*inner, value]
            self._create(filled, node)
        return True
