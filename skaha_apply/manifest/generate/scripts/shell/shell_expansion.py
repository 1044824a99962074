"""Expands the words of a bash script: variables, substitutions, arithmetic, quotes and splitting."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.shell.arithmetic import NotKnownError, evaluate
from skaha_apply.manifest.generate.scripts.shell.parameter_changes import CHANGES
from skaha_apply.manifest.generate.scripts.shell.shell_braces import expand_braces
from skaha_apply.manifest.generate.scripts.shell.shell_tokens import skip_bracket, skip_piece
from skaha_apply.manifest.generate.scripts.traced_text import MARK, UNKNOWN, is_known, map_parts, mark, marks, plain

if TYPE_CHECKING:
    from collections.abc import Callable

Value = str | list[str]
NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
PARAMETER = re.compile(r"(#?)([A-Za-z_]\w*|[0-9]+|[@*#])(?:\[([^\]]*)\])?(.*)\Z", re.DOTALL)
ALL = re.compile(r'"\$(?:@|\{@\}|\{[A-Za-z_]\w*\[@\]\})"')
ANSI = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
LONGEST = 1_000_000  # characters of a value


def derived(step: str, result: str, *inputs: str) -> str:
    """The result of a step over values of a loop: an own axis, if all come from one loop."""
    if not all(map(is_known, inputs)):
        return UNKNOWN
    axes = {axis for text in inputs for axis in marks(text)}
    if len(axes) != 1:
        return plain(result)
    return mark(re.sub(r"\s", "_", f"{axes.pop()}~{step}"), result)


@dataclass
class WordExpansion:
    """Variables, and what turns a word into words; `run` gives the output of commands in `$( )`."""

    run: Callable[[str], str]
    variables: dict[str, Value] = field(default_factory=dict)
    arguments: list[str] | None = None  # of the script: None, because the script does not state them
    defaults_used: dict[str, str] = field(default_factory=dict)

    def words(self, raw: str) -> list[str]:
        """The words that a word of the script stands for."""
        return [word for one in expand_braces(raw) for word in _Fields(self).expanded(one)]

    def text(self, raw: str) -> str:
        """The one text that a word stands for where bash does not split, in an assignment for example."""
        return _Fields(self, split=False).joined(raw)

    def heredoc(self, body: str) -> str:
        """The text of a heredoc."""
        return _Fields(self, split=False).joined('"' + body.replace('"', '\\"') + '"')

    def arithmetic(self, text: str) -> str:
        """The value of an arithmetic expression."""
        read: list[str] = []

        def number(name: str) -> int:
            value = self.variables.get(name, "0")
            given = value if isinstance(value, str) else UNKNOWN
            read.append(given)
            try:
                return int(plain(given).strip() or "0")
            except ValueError:
                raise NotKnownError from None

        def write(name: str, value: int) -> None:
            self.variables[name] = derived("set", str(value), *read)

        filled = _Fields(self, split=False).joined(f'"{text}"') if "$" in text or "`" in text else text
        if not is_known(filled):
            return UNKNOWN
        try:
            return derived(f"(({text.strip()}))", str(evaluate(plain(filled), number, write)), filled, *read)
        except (NotKnownError, RecursionError):
            return UNKNOWN

    def parameter(self, inside: str) -> Value:
        """The value of `${inside}`; a list for all elements of an array or all arguments."""
        match = PARAMETER.match(inside)
        if match is None:
            return UNKNOWN
        length, name, index, rest = match.groups()
        value = self._value(name, index)
        if length:
            if value is None:
                return UNKNOWN
            return str(len(value)) if isinstance(value, list) else derived("#", str(len(plain(value))), value)
        if isinstance(value, list):
            if re.match(r":\s*[-0-9$(]|: -", rest) and not rest.startswith(":-"):
                return self._sliced(value, rest, first=1 if name in ("@", "*") else 0)
            return value if not rest else [self._changed(one, rest) for one in value]
        return self._with_default(name, value, rest)

    def restore(self, before: dict[str, Value | None]) -> None:
        """Give variables the values of an earlier time; None removes one."""
        for name, value in before.items():
            self.variables.pop(name, None)
            if value is not None:
                self.variables[name] = value

    def _sliced(self, values: list[str], rest: str, first: int) -> Value:
        """`${array[@]:1:2}`; the first argument of a script has the number 1."""
        try:
            start, *count = [int(plain(self.arithmetic(part.strip()))) for part in rest[1:].split(":")]
        except ValueError:
            return UNKNOWN
        if start < 0 or (first and not start) or any(number < 0 for number in count):
            return UNKNOWN
        kept = values[start - first :]
        return kept[: count[0]] if count else kept

    def _value(self, name: str, index: str | None) -> Value | None:
        if name in ("@", "*", "#") and self.arguments is None:
            return UNKNOWN
        given = self.arguments or []
        if name in ("@", "*"):
            return list(given)
        if name == "#":
            return str(len(given))
        if name.isdigit():
            place = int(name) - 1
            return given[place] if 0 <= place < len(given) else None
        value = self.variables.get(name)
        return self._element(value, index)

    def _element(self, value: Value | None, index: str | None) -> Value | None:
        if index in ("@", "*"):
            return value if isinstance(value, list) else [] if value is None else [value]
        if not isinstance(value, list):
            return value
        try:
            return value[int(plain(self.arithmetic(index or "0")))]
        except (ValueError, IndexError):
            return UNKNOWN

    def _with_default(self, name: str, value: str | None, rest: str) -> str:
        match = re.match(r":?([-=+?])(.*)", rest, re.DOTALL)
        if match is None:
            return UNKNOWN if value is None else self._changed(value, rest)
        unset = value is None or (rest[0] == ":" and not plain(value))
        if match[1] == "+":
            return "" if unset else self.text(match[2])
        if not unset:
            return value or ""
        if match[1] == "?":
            return UNKNOWN
        default = self.text(match[2])
        if value is None:
            self.defaults_used.setdefault(name, default)
        if match[1] == "=":
            self.variables[name] = default
        return default

    def _changed(self, value: str, rest: str) -> str:
        """A value after `${name%pattern}`, `${name//a/b}`, `${name:1:2}`, `${name^^}`."""
        if not rest:
            return value
        text = plain(value)
        found = next(((sign, change) for sign, change in CHANGES if rest.startswith(sign)), None)
        if found is None:
            return UNKNOWN
        sign, change = found
        parts = self._pattern_parts(rest[len(sign) :], sign)
        if sign in ("^^", ",,") or (sign == "//" and all(re.fullmatch(r"[^*?\[]", part) for part in parts)):
            return map_parts(value, re.sub(r"\s", "_", rest), lambda part: str(change(part, sign, parts)))
        changed = change(text, sign, parts)
        return UNKNOWN if changed is None else derived(rest, changed, value)

    def _pattern_parts(self, arguments: str, sign: str) -> list[str]:
        if sign == ":":
            return [plain(self.arithmetic(part)) for part in arguments.split(":")]
        if not sign.startswith("/"):
            return [plain(self.text(arguments))]
        at = 0
        while at < len(arguments) and arguments[at] != "/":
            at = skip_piece(arguments, at)
        return [plain(self.text(arguments[:at])), plain(self.text(arguments[at + 1 :]))]


@dataclass
class _Fields:
    """The fields of one word while it is expanded; `current` is None between fields."""

    expansion: WordExpansion
    split: bool = True
    done: list[str] = field(default_factory=list)
    current: str | None = None

    def expanded(self, raw: str) -> list[str]:
        self._read(raw, quoted=False)
        if self.current is not None:
            self.done.append(self.current)
        return self.done

    def joined(self, raw: str) -> str:
        self._read(raw, quoted=False)
        return " ".join([*self.done, *([] if self.current is None else [self.current])])

    def _add(self, text: str) -> None:
        self.current = ((self.current or "") + text)[:LONGEST]

    def _read(self, raw: str, *, quoted: bool) -> None:
        at = 0
        if raw.startswith("~/") and not quoted:
            self._add(UNKNOWN)
            at = 1
        while at < len(raw):
            end = skip_piece(raw, at) if raw[at] != "'" or not quoted else at + 1
            self._piece(raw[at:end], raw, end, quoted=quoted)
            if raw[at] == "$" and end == at + 1 and (name := NAME.match(raw, end)):
                end = name.end()
            at = end

    def _piece(self, piece: str, raw: str, end: int, *, quoted: bool) -> None:
        """Add one piece, which `skip_piece` found."""
        if piece.startswith("'") and len(piece) > 1:
            self._add(piece[1:-1])
        elif piece.startswith('"') and len(piece) > 1:
            if ALL.fullmatch(piece) and self.expansion.parameter(piece.strip('"${}')) == []:
                return  # no element, so no word
            self._add("")
            self._read(piece[1:-1], quoted=True)
        elif piece.startswith("\\"):
            escaped = piece[1:]
            self._add("" if escaped == "\n" else piece if quoted and escaped not in tuple('$`"\\') else escaped)
        elif piece.startswith("$'") and not quoted:
            self._add(re.sub(r"\\(.)", lambda match: ANSI.get(match[1], match[0]), piece[2:-1]))
        elif piece == "$" and (name := NAME.match(raw, end)):
            self._value(self.expansion.parameter(name[0]), quoted=quoted)
        elif piece[0] in "$`" and len(piece) > 1:
            self._value(self._substituted(piece), quoted=quoted)
        else:
            self._add(piece)

    def _substituted(self, piece: str) -> Value:
        if piece.startswith("$((") and piece.endswith("))") and skip_bracket(piece, 2) == len(piece) - 1:
            return self.expansion.arithmetic(piece[3:-2])
        if piece.startswith("${"):
            return self.expansion.parameter(piece[2:-1])
        inside = piece[2:-1] if piece.startswith("$(") else piece[1:-1].replace("\\`", "`")
        return self.expansion.run(inside).rstrip("\n")

    def _value(self, value: Value, *, quoted: bool) -> None:
        if isinstance(value, list):
            if not self.split:
                self._add(" ".join(value))
                return
            for index, item in enumerate(value):
                if index and self.current is not None:
                    self._close()
                self._split(item, quoted=quoted)
        else:
            self._split(value, quoted=quoted or not self.split)

    def _split(self, value: str, *, quoted: bool) -> None:
        if quoted:
            self._add(value)
            return
        if any(not found[2] or re.search(r"\s", found[2]) for found in MARK.finditer(value)):
            value = plain(value)
        if value[:1].isspace():
            self._close()
        words = value.split()
        for index, word in enumerate(words):
            if index:
                self._close()
            self._add(word)
        if value[-1:].isspace():
            self._close()

    def _close(self) -> None:
        if self.current is not None:
            self.done.append(self.current)
            self.current = None
