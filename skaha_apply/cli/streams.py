"""Standard output for results, standard error for everything else; a reader that went away stops no work."""

from __future__ import annotations

import errno
import logging
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, TextIO

from skaha_apply.cli.veil import veiled
from skaha_apply.model.report import Note
from skaha_apply.render.errors import error_text, message_text
from skaha_apply.render.ink import coloured, plain
from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.model.report import Event
    from skaha_apply.render.ink import Ink
    from skaha_apply.render.progress import Narrator


_READER_LEFT = (errno.EPIPE, errno.EIO)  # a closed pipe, a closed terminal


class Streams:
    """Where a command writes; `colour` is off with --no-color, NO_COLOR, TERM=dumb, and where no terminal reads.

    `above` writes to the terminal above what moves there, None while nothing does.
    """

    above: ClassVar[Callable[[str], None] | None] = None

    def __init__(self, *, colour: bool = True, environ: Mapping[str, str] = os.environ) -> None:
        allowed = colour and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self.out_colour = allowed and _is_terminal(sys.stdout)
        self.err_colour = allowed and _is_terminal(sys.stderr)
        self.out_ink: Ink = coloured() if self.out_colour else plain
        self.err_ink: Ink = coloured() if self.err_colour else plain
        self.out_is_terminal = _is_terminal(sys.stdout)
        self.err_is_terminal = _is_terminal(sys.stderr) and environ.get("TERM") != "dumb"

        self._warned: set[str] = set()
        self.give_back: Callable[[], None] = _nothing  # stops what moves in the terminal

    def tell_logs(self) -> None:
        """From now on tell what the package logs (never a credential)."""
        logger = logging.getLogger("skaha_apply")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(_Told(self))

    def show(self, text: str) -> None:
        """A result, on standard output."""
        write(sys.stdout, text)

    def show_bytes(self, data: bytes) -> None:
        """A result that is to arrive byte by byte, on standard output."""
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            _swallow(sys.stdout)

    def tell(self, text: str) -> None:
        """Anything else, on standard error; above what moves there, which is drawn by another instance maybe."""
        if self.err_is_terminal and Streams.above is not None:
            Streams.above(text)
        else:
            write(sys.stderr, text)

    def say(self, text: str) -> None:
        """One line on standard error."""
        self.tell(f"{text}\n")

    def fail(self, error: SkahaApplyError) -> None:
        """An error with its hint, on standard error."""
        self.tell(error_text(error, self.err_ink))

    def narrator(self) -> Narrator:
        """What tells the progress: a board in a terminal, lines elsewhere. An interrupt closes it."""
        if not self.err_is_terminal:
            from skaha_apply.render.progress import Lines  # noqa: PLC0415 - keeps --help fast

            lines = Lines(self.say)
            self.give_back = lines.close
            return lines
        from skaha_apply.render.board import Block, Board  # noqa: PLC0415 - as above

        block = Block(lambda text: write(sys.stderr, text), lambda: size_of(sys.stderr), self.err_ink)
        board = Board(block, self.err_ink)
        Streams.above = board.above
        self.give_back = board.close
        return board

    def warn(self, event: Event) -> None:
        """What a user should know though it stops nothing, on standard error; once, though each pass may say it."""
        if isinstance(event, Note) and event.text not in self._warned:
            self._warned.add(event.text)
            self.message("warning", event.text)

    def message(self, word: str, text: str, hint: str | None = None) -> None:
        """A message of another weight, on standard error."""
        self.tell(message_text(word, text, hint, self.err_ink))


class _Told(logging.Handler):
    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams

    def emit(self, record: logging.LogRecord) -> None:
        self._streams.say(f"{record.name}: {line(record.getMessage())}")


def _nothing() -> None:
    """Nothing moves."""


def write(stream: TextIO, text: str) -> None:
    """Write at once; characters that the terminal's encoding lacks become escapes, a closed pipe swallows the rest."""
    text = veiled(text)
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        if error.errno not in _READER_LEFT:
            raise
        _swallow(stream)
    except ValueError:  # the stream was closed before we started (`>&-`)
        pass


def size_of(stream: TextIO) -> tuple[int, int]:
    """Columns and lines of a terminal, 80 and 24 where it does not tell."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, lines = 0, 0
    return columns or 80, lines or 24


def _swallow(stream: TextIO) -> None:
    """Point a stream whose reader went away at nothing, so that what follows, the last flush included, is silent."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def _is_terminal(stream: TextIO | None) -> bool:
    with suppress(ValueError):
        return stream is not None and stream.isatty()
    return False
