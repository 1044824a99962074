"""Parses a bash script into its syntax tree."""

from __future__ import annotations

from dataclasses import field

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.shell import shell_nodes as syntax
from skaha_apply.manifest.generate.scripts.shell.shell_tokens import ScriptSyntaxError, ShellToken, tokens

REDIRECTS = frozenset({"<", ">", ">>", "<<", "<<-", "<<<", "&>", "&>>", ">&", "<&", "<>", ">|"})
CLOSERS = frozenset({"do", "done", "then", "elif", "else", "fi", "esac", "}", ";;", ";&", ";;&", ")"})
DEEPEST = 60  # commands within commands


def parse(source: str, first_line: int = 1) -> syntax.Block:
    """The commands of a script; lines count from `first_line`.

    Raises `ScriptSyntaxError` for a script that is not bash, or has a form that this reader does not know.
    """
    parser = _Parser([ShellToken(one.kind, one.text, one.line + first_line - 1) for one in tokens(source)])
    block = parser.block(())
    if parser.here.kind != "end":
        raise parser.error()
    return block


@dataclass
class _Parser:
    tokens: list[ShellToken]
    at: int = 0
    depth: int = 0
    heredocs: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Move the text of each heredoc to its operator."""
        waiting: list[int] = []
        kept: list[ShellToken] = []
        for token in self.tokens:
            if token.kind == "heredoc":
                self.heredocs[waiting.pop(0)] = token.text
                continue
            if token.kind == "operator" and token.text in ("<<", "<<-"):
                waiting.append(len(kept))
            kept.append(token)
        self.tokens = kept

    @property
    def here(self) -> ShellToken:
        return self.tokens[self.at]

    def error(self) -> ScriptSyntaxError:
        what = f"`{self.here.text.strip()}`" if self.here.text.strip() else "the end of the line"
        return ScriptSyntaxError(f"line {self.here.line}: {what} is not expected here")

    def take(self, *texts: str) -> bool:
        if self.here.kind in ("word", "operator") and self.here.text in texts:
            self.at += 1
            return True
        return False

    def require(self, text: str) -> None:
        self.lines()
        if not self.take(text):
            raise self.error()

    def lines(self) -> None:
        while self.here.kind == "newline" or (self.here.kind == "operator" and self.here.text == ";"):
            self.at += 1

    def block(self, ends: tuple[str, ...]) -> syntax.Block:
        """Commands up to one of these words, which stays."""
        line, commands, operators = self.here.line, [], []
        self.depth += 1
        if self.depth > DEEPEST:
            raise ScriptSyntaxError(f"line {line}: the script has more than {DEEPEST} commands within commands")
        self.lines()
        while self.here.kind != "end" and not (
            self.here.kind in ("word", "operator") and self.here.text in (ends or CLOSERS)
        ):
            commands.append(self.pipe())
            operator = self.here.text if self.here.kind == "operator" else ";"
            if operator in ("&&", "||", ";", "&"):
                self.at += self.here.kind == "operator"
            elif operator not in CLOSERS:
                raise self.error()
            self.lines()
            operators.append(operator if operator in ("&&", "||") else ";")
        self.depth -= 1
        return syntax.Block(line, tuple(commands), tuple(operators[:-1]))

    def pipe(self) -> syntax.ShellNode:
        line, commands = self.here.line, []
        while self.take("!"):
            return syntax.Negation(line, self.pipe())
        commands.append(self.command())
        while self.take("|", "|&"):
            while self.here.kind == "newline":
                self.at += 1
            commands.append(self.command())
        return commands[0] if len(commands) == 1 else syntax.Pipe(line, tuple(commands))

    def command(self) -> syntax.ShellNode:
        token = self.here
        if token.kind == "arithmetic":
            self.at += 1
            return syntax.Arithmetic(token.line, token.text)
        compound = {
            "for": self.for_loop,
            "while": self.while_loop,
            "until": self.while_loop,
            "if": self.condition,
            "case": self.case,
            "{": self.group,
            "(": self.group,
            "function": self.function,
        }.get(token.text if token.kind in ("word", "operator") else "")
        if compound is None:
            return self.simple()
        made = compound()
        redirects = self.redirects()
        return syntax.Redirected(token.line, made, redirects) if redirects else made

    def redirects(self) -> tuple[tuple[str, str], ...]:
        found = []
        while self.here.kind == "operator" and self.here.text in REDIRECTS:
            found.append(self.redirect())
        return tuple(found)

    def redirect(self) -> tuple[str, str]:
        operator, place = self.here.text, self.at
        self.at += 1
        if operator in ("<<", "<<-"):
            return operator, self.heredocs.get(place, "")
        if self.here.kind != "word":
            raise self.error()
        self.at += 1
        return operator, self.tokens[self.at - 1].text

    def simple(self) -> syntax.ShellNode:
        line = self.here.line
        words: list[str] = []
        assignments: list[tuple[str, str, str]] = []
        redirects: list[tuple[str, str]] = []
        while True:
            token = self.here
            if token.kind == "operator" and token.text in REDIRECTS and words[:1] != ["[["]:
                redirects.append(self.redirect())
            elif words[:1] == ["[["] and words[-1] != "]]" and token.kind != "end":
                self.at += 1
                words.extend([token.text] if token.kind != "newline" else [])
            elif token.kind == "word":
                self.at += 1
                match = syntax.ASSIGNMENT.match(token.text)
                if match and not words:
                    assignments.append((match[1], match[2], match[3]))
                else:
                    words.append(token.text)
            elif token.kind == "operator" and token.text == "(" and len(words) == 1:
                return self.function_body(words[0], line)
            else:
                break
        if not (words or assignments or redirects):
            raise self.error()
        return syntax.Simple(line, tuple(words), tuple(assignments), tuple(redirects))

    def function(self) -> syntax.ShellNode:
        self.at += 1
        name, line = self.here.text, self.here.line
        self.at += 1
        if self.here.text == "(":
            return self.function_body(name, line)
        self.lines()
        return syntax.Function(line, name, self.command())

    def function_body(self, name: str, line: int) -> syntax.ShellNode:
        self.require("(")
        self.require(")")
        self.lines()
        return syntax.Function(line, name, self.command())

    def group(self) -> syntax.ShellNode:
        end = "}" if self.here.text == "{" else ")"
        self.at += 1
        body = self.block((end,))
        self.require(end)
        return body if end == "}" else syntax.Subshell(body.line, body)

    def body(self) -> syntax.ShellNode:
        self.require("do")
        body = self.block(("done",))
        self.require("done")
        return body

    def for_loop(self) -> syntax.ShellNode:
        line = self.here.line
        self.at += 1
        if self.here.kind == "arithmetic":
            parts = [part.strip() for part in self.here.text.split(";")]
            if len(parts) != 3:  # noqa: PLR2004 - first, condition, step
                raise self.error()
            self.at += 1
            return syntax.CountedFor(line, (parts[0], parts[1], parts[2]), self.body())
        name = self.here.text
        if self.here.kind != "word" or not name.isidentifier():
            raise self.error()
        self.at += 1
        while self.here.kind == "newline":
            self.at += 1
        words: list[str] | None = None
        if self.take("in"):
            words = []
            while self.here.kind == "word":
                words.append(self.here.text)
                self.at += 1
        return syntax.For(line, name, None if words is None else tuple(words), self.body())

    def while_loop(self) -> syntax.ShellNode:
        line, until = self.here.line, self.here.text == "until"
        self.at += 1
        condition = self.block(("do",))
        return syntax.While(line, condition, self.body(), until)

    def condition(self) -> syntax.ShellNode:
        line = self.here.line
        self.at += 1
        arms: list[tuple[syntax.ShellNode | None, syntax.ShellNode]] = []
        while True:
            condition = self.block(("then",))
            self.require("then")
            arms.append((condition, self.block(("elif", "else", "fi"))))
            if not self.take("elif"):
                break
        if self.take("else"):
            arms.append((None, self.block(("fi",))))
        self.require("fi")
        return syntax.If(line, tuple(arms))

    def case(self) -> syntax.ShellNode:
        line = self.here.line
        self.at += 1
        word = self.here.text
        self.at += 1
        self.require("in")
        arms = []
        self.lines()
        while not self.take("esac"):
            self.take("(")
            patterns = []
            while self.here.kind == "word" or self.here.text == "|":
                patterns.extend([self.here.text] if self.here.kind == "word" else [])
                self.at += 1
            self.require(")")
            arms.append((tuple(patterns), self.block((";;", ";&", ";;&", "esac"))))
            self.take(";;", ";&", ";;&")
            self.lines()
            if self.here.kind == "end":
                raise self.error()
        return syntax.Case(line, word, tuple(arms))
