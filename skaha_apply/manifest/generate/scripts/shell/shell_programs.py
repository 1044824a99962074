"""The small programs that scripts use to make lists and names: `seq`, `basename`, `cut` and others, as functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.manifest.generate.scripts.shell.shell_braces import MOST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMAT = re.compile(r"%(?:%|(-?0?[0-9]*)(?:\.[0-9]+)?([sdiqb]))")


def run_program(words: Sequence[str], given: str | None) -> str | None:
    """The output of a program; None if this reader does not know the program or the options.

    Args:
        words: the program and its arguments, without marks.
        given: its standard input; None for none.
    """
    program = PROGRAMS.get(words[0].rpartition("/")[2])
    if program is None:
        return None
    try:
        return program(list(words[1:]), given)
    except (ValueError, IndexError, re.error, TypeError):
        return None


def _echo(arguments: list[str], _: str | None) -> str:
    escapes = newline = False
    while arguments and re.fullmatch("-[neE]+", arguments[0]):
        newline |= "n" in arguments[0]
        escapes |= "e" in arguments[0]
        arguments = arguments[1:]
    text = " ".join(arguments)
    if escapes:
        text = text.replace("\\n", "\n").replace("\\t", "\t")
    return text if newline else f"{text}\n"


def _printf(arguments: list[str], _: str | None) -> str:
    form, *values = arguments
    form = form.replace("\\n", "\n").replace("\\t", "\t")
    output = []
    while True:
        rest = iter(values)
        used = 0

        def fill(match: re.Match[str]) -> str:
            nonlocal used
            if match[0] == "%%":
                return "%"
            used += 1
            value = next(rest, "")  # noqa: B023 - called within this round
            if match[2] in "di":
                return f"%{match[1]}d" % int(value or 0)
            return f"%{match[1]}s" % value

        output.append(FORMAT.sub(fill, form))
        values = values[used:]
        if not values or not used:
            return "".join(output)


def _seq(arguments: list[str], _: str | None) -> str | None:
    separator, width, form = "\n", False, ""
    while arguments and re.match("-[wsf]", arguments[0]):
        option, value = arguments[0][:2], arguments[0][2:]
        arguments = arguments[1:]
        if option == "-w":
            width = True
            continue
        if not value:
            value, arguments = arguments[0], arguments[1:]
        separator, form = (value, form) if option == "-s" else (separator, value)
    numbers = [int(one) for one in arguments]
    first, step, last = (1, 1, numbers[0]) if len(numbers) == 1 else (numbers[0], 1, numbers[-1])
    if len(numbers) == 3:  # noqa: PLR2004 - first, step, last
        step = numbers[1]
    values = range(first, last + (1 if step > 0 else -1), step)
    if len(values) > MOST:
        return None
    texts = [str(one) for one in values]
    if width:
        longest = max(map(len, arguments))
        texts = [one.zfill(longest) for one in texts]
    if form:
        python_form = re.sub(r"%(0?[0-9]*)(?:\.0)?[gf]", r"%\1d", form)
        texts = [python_form % int(one) for one in texts]
    return separator.join(texts) + "\n"


def _basename(arguments: list[str], _: str | None) -> str:
    if arguments[0] == "-s":
        arguments = [arguments[2], arguments[1]]
    name = arguments[0].rstrip("/").rpartition("/")[2]
    suffix = arguments[1] if len(arguments) > 1 else ""
    return (name.removesuffix(suffix) if name != suffix else name) + "\n"


def _dirname(arguments: list[str], _: str | None) -> str:
    head, slash, _name = arguments[0].rstrip("/").rpartition("/")
    return (head or ("/" if slash else ".")) + "\n"


def _rows(text: str | None) -> list[str]:
    if text is None:
        raise ValueError
    return text.splitlines()


def _joined(rows: Sequence[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _count(arguments: list[str]) -> str:
    """The number of `-n 5`, `-n5` or `-5`."""
    text = "".join(arguments).removeprefix("-n").removeprefix("-")
    return text or "10"


def _head(arguments: list[str], given: str | None) -> str:
    return _joined(_rows(given)[: int(_count(arguments))])


def _tail(arguments: list[str], given: str | None) -> str:
    count, rows = _count(arguments), _rows(given)
    return _joined(rows[int(count) - 1 :] if count.startswith("+") else rows[-int(count) :])


def _sort(arguments: list[str], given: str | None) -> str | None:
    if set(arguments) - {"-u", "-r"}:
        return None
    rows = _rows(given)
    rows = sorted(set(rows) if "-u" in arguments else rows, reverse="-r" in arguments)
    return _joined(rows)


def _grep(arguments: list[str], given: str | None) -> str | None:
    options = [one for one in arguments if one.startswith("-")]
    patterns = [one for one in arguments if not one.startswith("-")]
    letters = set("".join(options).replace("-", ""))
    if letters - set("vEiF") or len(patterns) != 1:
        return None
    pattern = re.escape(patterns[0]) if "F" in letters else patterns[0]
    if "E" not in letters and re.search(r"[+?(){}|\\]", pattern):
        return None
    regex = re.compile(pattern.replace("[[:space:]]", r"\s"), re.IGNORECASE if "i" in letters else 0)
    return _joined([row for row in _rows(given) if (regex.search(row) is None) == ("v" in letters)])


def _cut(arguments: list[str], given: str | None) -> str:
    text = " ".join(arguments)
    separator = re.search(r"-d *(\S)", text)
    number = int(re.search(r"-f *([0-9]+)\Z|-f *([0-9]+) ", text + " ")[0].strip("-f "))  # type: ignore[index]
    char = separator[1] if separator else "\t" if "-d" not in text else " "
    parts = [row.split(char) for row in _rows(given)]
    return _joined([(part[number - 1] if len(part) >= number else "") if len(part) > 1 else part[0] for part in parts])


def _awk(arguments: list[str], given: str | None) -> str | None:
    separator = None
    if arguments[0].startswith("-F"):
        separator = arguments[0][2:] or arguments[1]
        arguments = arguments[1:] if arguments[0][2:] else arguments[2:]
    match = re.fullmatch(r"\s*\{\s*print\s+\$([0-9]+)\s*;?\s*\}\s*", arguments[0])
    if match is None or len(arguments) != 1:
        return None
    rows = [[row, *row.split(separator)] for row in _rows(given)]
    return _joined([row[int(match[1])] if len(row) > int(match[1]) else "" for row in rows])


def _tr(arguments: list[str], given: str | None) -> str | None:
    if given is None:
        return None
    sets = [one.replace("A-Z", "[:upper:]").replace("a-z", "[:lower:]").replace("\\n", "\n") for one in arguments]
    if sets[0] == "-d" and re.fullmatch(r"[^-\[\]\\]+", sets[1]):
        return given.translate(dict.fromkeys(map(ord, sets[1])))
    if [one.strip("'") for one in sets] == ["[:upper:]", "[:lower:]"]:
        return given.lower()
    if [one.strip("'") for one in sets] == ["[:lower:]", "[:upper:]"]:
        return given.upper()
    if any(re.search(r"[\[\]\\]|.-.", one) for one in sets):
        return None
    padded = sets[1] + sets[1][-1] * len(sets[0])
    return given.translate({ord(old): new for old, new in zip(sets[0], padded, strict=False)})


def _wc(arguments: list[str], given: str | None) -> str | None:
    return f"{len(_rows(given))}\n" if arguments == ["-l"] else None


PROGRAMS: dict[str, Callable[[list[str], str | None], str | None]] = {
    "echo": _echo,
    "printf": _printf,
    "seq": _seq,
    "basename": _basename,
    "dirname": _dirname,
    "head": _head,
    "tail": _tail,
    "sort": _sort,
    "grep": _grep,
    "egrep": lambda arguments, given: _grep(["-E", *arguments], given),
    "cut": _cut,
    "awk": _awk,
    "tr": _tr,
    "wc": _wc,
    "cat": lambda arguments, given: None if arguments else given,
}
NEEDS_NO_INPUT = frozenset({"echo", "printf", "seq", "basename", "dirname"})
