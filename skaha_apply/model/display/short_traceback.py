"""The traceback that a notebook shows for an error: the lines of the user, without those of the tool and of asyncio."""

from __future__ import annotations

import linecache
import sys
from functools import partial
from traceback import walk_tb
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from types import FrameType

E = TypeVar("E", bound=BaseException)
MOST_FRAMES = 5  # the innermost frames of the user that are shown
# The packages whose frames explain nothing to a user.
_INTERNAL = frozenset({"skaha_apply", "asyncio", "concurrent", "contextlib", "threading", "IPython", "ipykernel"})


def short_traceback(error: BaseException) -> list[str]:
    """The lines of the traceback: the calls in the code of the user, then the class and the text of the error.

    It shows source lines and no values, as Python does.
    """
    frames = [(frame, line) for frame, line in walk_tb(error.__traceback__) if not _is_internal(frame)]
    lines = ["Traceback (most recent call last):"] if frames else []
    for frame, line in frames[-MOST_FRAMES:]:
        file = frame.f_code.co_filename
        lines.append(f"  {_place(file)}, line {line}")
        source = linecache.getline(file, line, frame.f_globals).strip()
        lines += [f"    {source}"] if source else []
    return [*lines, *f"{type(error).__name__}: {error}".splitlines()]


def with_short_traceback(error: E) -> E:
    """The error of a built-in class; IPython shows it with its short traceback."""
    error._render_traceback_ = partial(short_traceback, error)  # type: ignore[attr-defined]
    return error


def _is_internal(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in _INTERNAL


def _place(file: str) -> str:
    """The name of a cell (`Cell In[3]`) if the file is one, else the file."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    name = getattr(getattr(shell, "compile", None), "format_code_name", lambda _: None)(file)
    return " ".join(map(str, name)) if name else f'File "{file}"'
