"""The stream that every byte for standard output and standard error passes.

What an outlet writes is masked, and inert in terminals and CI jobs; see `safe_text`. An outlet never raises: if the
reader closed the pipe, the rest is discarded; any other problem is kept in `problem`.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import contextmanager, suppress

from skaha_apply.model.errors import ExitCode

TYPE_CHECKING = False  # `--version` spares the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TextIO

    from skaha_apply.cli.output.safe_text import SafeText


# Characters of this package that some terminals cannot show; each takes one column, so that tables stay aligned.
_SUBSTITUTES = str.maketrans("…─━█▓▒░▄▚", "~-=#=~.!?")


class Outlet(io.TextIOBase):
    """A standard stream, to which commands, the parser of the command line and the interpreter write.

    Args:
        stream: the stream of the process; None if it was closed before the process started.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.problem: str | None = "it is closed" if stream is None else None
        self._used = False
        self._safe: SafeText | None = None
        self._file = _descriptor(stream)
        self._terminal = _is_terminal(stream)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """UTF-8, so that a writer passes every character on; see `_encoded`."""
        return "utf-8"

    @property
    def has_lost_output(self) -> bool:
        """Whether some text could not be written."""
        return self._used and self.problem is not None

    def writable(self) -> bool:
        """Always true, even if nobody reads the stream."""
        return True

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._terminal

    def fileno(self) -> int:
        """The descriptor of the stream; raises OSError if it has none."""
        if self._file is None:
            raise OSError("this stream has no descriptor")
        return self._file

    def end(self) -> None:
        """Discard what is written from now on: the descriptor can soon belong to another file or connection."""
        self.stream = self._file = None

    def flush(self) -> None:
        """Do nothing: every write is passed on at once."""

    def write(self, text: str) -> int:
        """Write text, which can come from manifests, logs or the server."""
        self._put(self._encoded(self._safe_text.shown(text)))
        return len(text)

    def write_own(self, text: str) -> None:
        """Write a fixed text of this package, in which nothing has to be masked or escaped."""
        self._put(self._encoded(text))

    def draw(self, text: str) -> None:
        """Write text with codes that move the cursor; the caller has made its parts inert."""
        self._put(self._encoded(self._safe_text.drawn(text)))

    def write_commands(self, text: str) -> None:
        """Write commands for the runner of a CI job."""
        self._put(_as_utf8(self._safe_text.commands(text)))

    def write_document(self, text: str) -> None:
        """Write a document for programs, as UTF-8 in every terminal."""
        self._put(_as_utf8(self._safe_text.document(text)))

    def write_exact(self, data: bytes) -> None:
        """Write bytes for another program. In a terminal and in a CI job they are written as text."""
        if self._terminal or self._safe_text.is_for_a_job:
            self.write_document(data.decode("utf-8", "replace"))
        else:
            self._put(data)

    def write_json(self, data: bytes) -> None:
        """Write stored JSON byte by byte, except for commands to a CI job and masked values."""
        self._put(self._safe_text.stored_json(data))

    @property
    def _safe_text(self) -> SafeText:
        if self._safe is None:
            from skaha_apply.cli.output.safe_text import SafeText  # noqa: PLC0415 - not for `--version`

            self._safe = SafeText(terminal=self._terminal)
        return self._safe

    def _encoded(self, text: str) -> bytes:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        try:
            return text.encode(encoding)
        except UnicodeError:
            return text.translate(_SUBSTITUTES).encode(encoding, "backslashreplace")

    def _put(self, data: bytes) -> None:
        self._used = self._used or bool(data)
        if self.problem is not None or self.stream is None:
            return
        try:
            if self._file is None:
                _write_through(self.stream, data)
            else:
                _write_all(self._file, data)
        except (OSError, ValueError) as error:
            if self._has_no_reader(error):
                self._discard_further_output()
                return
            self.problem = getattr(error, "strerror", None) or str(error)
            self._discard_further_output()

    def _has_no_reader(self, error: Exception) -> bool:
        """Whether nobody reads the stream any more: a closed pipe, or a closed terminal (EIO)."""
        closed = self._terminal and getattr(error, "errno", None) == errno.EIO
        return closed or isinstance(error, BrokenPipeError | ConnectionResetError)

    def _discard_further_output(self) -> None:
        """Connect the stream to the null device, so that the interpreter's last flush raises nothing."""
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)


@contextmanager
def standard_output() -> Iterator[Callable[[ExitCode], ExitCode]]:
    """Replace standard output and error by outlets, for the parser of the command line and tracebacks too.

    Yields the function that turns the exit code of a command into the exit code of the process, which is an error if a
    result could not be written.
    """
    _occupy_descriptors()
    before = sys.stdout, sys.stderr
    out, err = Outlet(sys.stdout), Outlet(sys.stderr)
    sys.stdout, sys.stderr = out, err

    def final_code(code: ExitCode) -> ExitCode:
        if not out.has_lost_output:
            return code
        err.write(f"error: cannot write to standard output: {out.problem}\n")
        return code if code is ExitCode.INTERRUPTED else ExitCode.ERROR

    try:
        yield final_code
    finally:
        sys.stdout, sys.stderr = before
        out.end()
        err.end()


def outlet_of(stream: object) -> Outlet:
    """The stream itself if it is an outlet, else a new outlet for it."""
    given: Any = stream
    return given if isinstance(given, Outlet) else Outlet(given)


def _occupy_descriptors() -> None:
    """Open the null device for each closed standard descriptor, because a file opened later would get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(file, left) :]
        except BlockingIOError:  # another process made the pipe non-blocking
            import select  # noqa: PLC0415 - seldom needed

            select.select([], [file], [])


def _write_through(stream: Any, data: bytes) -> None:
    """Write to a stream without a descriptor, which exists only in tests and in other Python programs."""
    binary = getattr(stream, "buffer", None)
    if binary is None:
        stream.write(data.decode("utf-8", "replace"))
    else:
        stream.flush()
        binary.write(data)
        binary.flush()


def _descriptor(stream: TextIO | None) -> int | None:
    with suppress(OSError, ValueError, AttributeError):
        if stream is not None:
            stream.flush()
            return stream.fileno()
    return None


def _is_terminal(stream: TextIO | None) -> bool:
    with suppress(ValueError, AttributeError):
        return stream is not None and stream.isatty()
    return False


def _as_utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
