"""The lines that a command of a bash script reads from its standard input."""

from __future__ import annotations

import re

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.traced_text import UNKNOWN, is_known, mark, plain


@dataclass
class Input:
    """Standard input: `text`, or None where it is unknown; `path` is the list that was not found."""

    text: str | None
    path: str = ""
    at: int = 0

    @property
    def rest(self) -> str | None:
        """What was not read yet."""
        rest = None if self.text is None or not is_known(self.text) else self.text[self.at :]
        self.at = len(self.text or "") or 1
        return rest

    def line(self) -> str | None:
        """The next line; None at the end. An unknown input has one unknown line."""
        if self.text is None or not is_known(self.text):
            self.at += 1
            return UNKNOWN if self.at == 1 else None
        if self.at >= len(self.text):
            return None
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        line, self.at = self.text[self.at : end], end + 1
        return line


def split_fields(line: str, names: list[str], separator: str | None, loop_line: int) -> dict[str, str]:
    """The values that `read` gives its variables, as values of a loop. `separator` is IFS, None for blanks."""
    values: list[str]
    if not is_known(line):
        values = [UNKNOWN] * len(names)
    elif separator == "" or len(names) == 1:
        values = [plain(line) if separator == "" else plain(line).strip(" \t")]
    else:
        text = plain(line)
        pattern = r"[ \t]+" if separator is None or not separator.strip() else f"[{re.escape(separator)}]"
        values = re.split(pattern, text.strip(" \t") if separator is None else text, maxsplit=len(names) - 1)
    values += [""] * (len(names) - len(values))
    return {name: mark(f"{name}@{loop_line}", value) for name, value in zip(names, values, strict=True)}
