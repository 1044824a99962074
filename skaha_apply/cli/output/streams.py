"""Standard output for results, standard error for everything else; a reader that went away stops no work."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TextIO, cast

from skaha_apply.cli.output.masking import mask
from skaha_apply.cli.output.outlet import Outlet, occupy_descriptors
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.model.errors import ExitCode, SkahaApplyError, UsageError
from skaha_apply.model.masking.inert_text import first_command, is_automated, without_controls
from skaha_apply.model.report import Note
from skaha_apply.render.color import plain, terminal_colors
from skaha_apply.render.errors import error_text, message_text
from skaha_apply.render.formats import Medium
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from skaha_apply.model.report import Event
    from skaha_apply.render.color import Paint
    from skaha_apply.render.run.lines import ProgressView


class Streams:
    """Where a command writes; `colour` is off with --no-color, NO_COLOR, TERM=dumb, and where no terminal reads.

    `above` writes to the terminal above what moves there, None while nothing does.
    """

    above: ClassVar[Callable[[str], None] | None] = None

    def __init__(self, *, colour: bool = True, environ: Mapping[str, str] = os.environ) -> None:
        allowed = colour and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self.out, self.err = _outlet(sys.stdout), _outlet(sys.stderr)
        self.out_color = allowed and self.out.isatty()
        self.err_color = allowed and self.err.isatty()
        self.out_paint: Paint = terminal_colors() if self.out_color else plain
        self.err_paint: Paint = terminal_colors() if self.err_color else plain
        self.out_is_terminal = self.out.isatty()
        self.err_is_terminal = self.err.isatty() and environ.get("TERM") != "dumb"
        self._warned: set[str] = set()
        self.restore_terminal: Callable[[], None] = _nothing  # stops what moves in the terminal

    def show_logs(self) -> None:
        """From now on tell what the package logs (never a credential)."""
        logger = logging.getLogger("skaha_apply")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(LogHandler(self))

    def show(self, text: str) -> None:
        """A result, on standard output."""
        self.out.write(text)

    def show_document(self, text: str) -> None:
        """A result that programs read (JSON, XML, YAML), on standard output: UTF-8 in every terminal."""
        self.out.write_document(text)

    def show_commands(self, text: str) -> None:
        """A result that is made of commands for the runner of a CI job, on standard output."""
        self.out.write_commands(text)

    def show_rendered(self, text: str, medium: Medium) -> None:
        """A result in one of the output formats, on standard output."""
        show = {Medium.TEXT: self.show, Medium.DOCUMENT: self.show_document, Medium.COMMANDS: self.show_commands}
        show[medium](text)

    def show_stored(self, data: bytes) -> None:
        """JSON that is stored somewhere, on standard output."""
        self.out.write_json(data)

    def show_exact(self, data: bytes) -> None:
        """A result that another program reads byte by byte, on standard output.

        Raises `SkahaApplyError` in a CI job if the job would execute a line of it.
        """
        text = data.decode("utf-8", "replace")
        if is_automated(os.environ) and (line_number := first_command(text)):
            raise SkahaApplyError(
                f"line {line_number} of the result is a command for the CI job, so it is not printed",
                hint="name a file in place of standard input",
            )
        self.out.write_exact(data)

    @property
    def is_lost(self) -> bool:
        """Whether a result could not be written to standard output."""
        return self.out.is_lost

    def notify(self, text: str) -> None:
        """Anything else, on standard error; above what moves there, which is drawn by another instance maybe."""
        if self.err_is_terminal and Streams.above is not None:
            Streams.above(without_controls(text, styled=True))
        else:
            self.err.write(text)

    def notify_line(self, text: str) -> None:
        """One line on standard error."""
        self.notify(f"{text}\n")

    def show_error(self, error: SkahaApplyError) -> None:
        """An error with its hint, on standard error."""
        self.notify(error_text(error, self.err_paint))

    def progress(self) -> ProgressView:
        """What tells the progress: a board in a terminal, lines elsewhere. An interrupt closes it."""
        if not self.err_is_terminal:
            from skaha_apply.render.run.lines import ProgressLines  # noqa: PLC0415 - keeps --help fast

            lines = ProgressLines(self.notify_line)
            self.restore_terminal = lines.close
            return lines
        from skaha_apply.render.run.live_table import LiveTable, TerminalBlock  # noqa: PLC0415 - as above

        block = TerminalBlock(self.err.draw, lambda: size_of(self.err), self.err_paint)
        board = LiveTable(block, self.err_paint)
        Streams.above = board.above
        self.restore_terminal = board.close
        return board

    def warn(self, event: Event) -> None:
        """What a user should know though it stops nothing, on standard error; once, though each pass may say it."""
        if isinstance(event, Note) and event.text not in self._warned:
            self._warned.add(event.text)
            self.message("warning", event.text)

    def message(self, word: str, text: str, hint: str | None = None) -> None:
        """A message of another weight, on standard error."""
        self.notify(message_text(word, text, hint, self.err_paint))


class LogHandler(logging.Handler):
    """Prints the log records of the package, for `--verbose`."""

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record on standard error."""
        self._streams.notify_line(f"{record.name}: {one_line(record.getMessage())}")


def _nothing() -> None:
    """Nothing moves."""


def _outlet(stream: object) -> Outlet:
    """The outlet that stands for a stream already, else a new one."""
    return stream if isinstance(stream, Outlet) else Outlet(cast("TextIO | None", stream))


def size_of(stream: Outlet) -> tuple[int, int]:
    """Columns and lines of a terminal, 80 and 24 where it does not tell."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, lines = 0, 0
    return columns or 80, lines or 24


def stdin_bytes(what: str = "a manifest") -> bytes:
    """All of standard input, which is `what`; raises `UsageError` where there is none."""
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError(f"there is no standard input to read {what} from")
    return sys.stdin.buffer.read()


@contextmanager
def standard_output() -> Iterator[Callable[[ExitCode], ExitCode]]:
    """Put outlets in place of standard output and error, also for the parser of the command line and tracebacks.

    Gives the function that turns the exit code of a command into that of the process: a result that could not be
    written is an error.
    """
    occupy_descriptors()
    before = sys.stdout, sys.stderr
    out, err = Outlet(sys.stdout), Outlet(sys.stderr)
    sys.stdout, sys.stderr = out, err

    def ended(code: ExitCode) -> ExitCode:
        if not out.is_lost:
            return code
        err.write(f"error: cannot write to standard output: {out.problem}\n")
        return code if code is ExitCode.INTERRUPTED else ExitCode.ERROR

    try:
        yield ended
    finally:
        sys.stdout, sys.stderr = before


def write_file(what: str, path: str, content: str | bytes) -> None:
    """Write a file, text as UTF-8, sensitive values and IDs of interactive sessions hidden.

    Raises `SkahaApplyError` that names `what` it was to hold.
    """
    try:
        Path(path).write_bytes(mask_ids(mask(content)).encode() if isinstance(content, str) else content)
    except (OSError, ValueError) as error:  # a ValueError for what can be no path, or no UTF-8
        reason = getattr(error, "strerror", None) or error
        raise SkahaApplyError(f"cannot write the {what} {one_line(path)}: {reason}") from error
