"""Standard output for results, standard error for everything else. A closed reader does not stop the work."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from skaha_apply.cli.invocation import complete_commands, complete_reason
from skaha_apply.cli.output.masking import mask
from skaha_apply.cli.output.outlet import outlet_of
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.model.masking.inert_text import first_command, is_automated, without_controls
from skaha_apply.render.color import plain, terminal_colors
from skaha_apply.render.errors import alone, error_text, hint_text, message_text
from skaha_apply.render.formats import Medium
from skaha_apply.render.printable import one_line
from skaha_apply.render.wrapped_text import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skaha_apply.cli.output.outlet import Outlet
    from skaha_apply.model.diagnostics import Diagnostic
    from skaha_apply.model.report import Event
    from skaha_apply.render.color import Paint
    from skaha_apply.render.run.lines import ProgressView


class Streams:
    """The streams of a command. There is no color with --no-color, NO_COLOR, TERM=dumb, or without a terminal.

    `above` writes a text above the live table in the terminal; it is None if there is no live table.
    """

    above: ClassVar[Callable[[str], None] | None] = None

    def __init__(self, *, color: bool = True, environ: Mapping[str, str] = os.environ) -> None:
        allowed = color and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self.out, self.err = outlet_of(sys.stdout), outlet_of(sys.stderr)
        self.out_color = allowed and self.out.isatty()
        self.err_color = allowed and self.err.isatty()
        self.out_paint: Paint = terminal_colors() if self.out_color else plain
        self.err_paint: Paint = terminal_colors() if self.err_color else plain
        self.out_is_terminal = self.out.isatty()
        self.err_is_terminal = self.err.isatty() and environ.get("TERM") != "dumb"
        self.out_can_draw = self.out.isatty() and environ.get("TERM") != "dumb"
        self._warned: set[str] = set()
        self.restore_terminal: Callable[[], None] = _nothing  # stops the live table

    def show_logs(self) -> None:
        """Print the log records of the package from now on; they never contain a credential."""
        from skaha_apply.cli.output.log_records import show_records  # noqa: PLC0415 - keeps --help fast

        show_records(self.notify_line)

    @staticmethod
    def end() -> None:
        """End the live table and the log records of a command, because a Python process may continue after it."""
        Streams.above = None
        if shown := sys.modules.get("skaha_apply.cli.output.log_records"):
            shown.hide_records()

    def show(self, text: str) -> None:
        """Print a result on standard output; in a terminal, long lines are wrapped between words."""
        self.out.write(_fitted(text, self.out_width))

    def show_log(self, text: str) -> None:
        """Print the text of a log on standard output, with its lines as they are."""
        self.out.write(text)

    @property
    def out_width(self) -> int | None:
        """The columns of the terminal on standard output; None if it is not a terminal."""
        return size_of(self.out)[0] if self.out.isatty() else None

    @property
    def err_width(self) -> int | None:
        """The columns of the terminal on standard error; None if it is not a terminal."""
        return size_of(self.err)[0] if self.err.isatty() else None

    def show_document(self, text: str) -> None:
        """Print a document for programs (JSON, XML, YAML) on standard output, as UTF-8 in every terminal."""
        self.out.write_document(text)

    def show_commands(self, text: str) -> None:
        """Print commands for the runner of a CI job on standard output."""
        self.out.write_commands(text)

    def show_rendered(self, text: str, medium: Medium) -> None:
        """A result in one of the output formats, on standard output."""
        show = {Medium.TEXT: self.show, Medium.DOCUMENT: self.show_document, Medium.COMMANDS: self.show_commands}
        show[medium](text)

    def show_stored(self, data: bytes) -> None:
        """Print stored JSON on standard output."""
        self.out.write_json(data)

    def show_exact(self, data: bytes) -> None:
        """Print a result for another program on standard output, byte by byte.

        Raises `SkahaApplyError` in a CI job if the job would execute a line of it.
        """
        text = data.decode("utf-8", "replace")
        if is_automated(os.environ) and (line_number := first_command(text)):
            raise SkahaApplyError(
                f"the result is not printed, because the CI job would execute its line {line_number} as a command",
                hint="give the path of a file instead of standard input",
            )
        self.out.write_exact(data)

    @property
    def has_lost_output(self) -> bool:
        """Whether a result could not be written to standard output."""
        return self.out.has_lost_output

    def notify(self, text: str) -> None:
        """Print a text on standard error, above the live table if there is one (of any instance).

        In a terminal, long lines are wrapped between words.
        """
        if self.err_is_terminal and Streams.above is not None:
            Streams.above(without_controls(_fitted(text, self.err_width), styled=True))
        else:
            self.err.write(_fitted(text, self.err_width))

    def notify_diagnostics(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Print diagnostics on standard error."""
        from skaha_apply.render.lint.text import printable_diagnostics  # noqa: PLC0415 - keeps --help fast

        self.notify(printable_diagnostics(diagnostics, width=self.err_width))

    def notify_line(self, text: str) -> None:
        """Print one line on standard error."""
        self.notify(f"{text}\n")

    def show_error(self, error: SkahaApplyError) -> None:
        """Print an error with its hint on standard error."""
        self.notify(alone(complete_commands(error_text(error, self.err_paint))))

    def progress(self) -> ProgressView:
        """The display of the progress: a live table in a terminal, else lines. An interrupt closes it."""
        if not self.err_is_terminal:
            from skaha_apply.render.run.lines import ProgressLines  # noqa: PLC0415 - keeps --help fast

            lines = ProgressLines(self.notify_line, complete=complete_reason)
            self.restore_terminal = lines.close
            return lines
        from skaha_apply.render.run.live_table import LiveTable, TerminalBlock  # noqa: PLC0415 - as above

        block = TerminalBlock(self.err.draw, lambda: size_of(self.err), self.err_paint)
        table = LiveTable(block, self.err_paint, complete=complete_reason)
        Streams.above = table.above
        self.restore_terminal = table.close
        return table

    def warn(self, event: Event) -> None:
        """Print a note as a warning on standard error, once for each text: each pass can report it again."""
        from skaha_apply.model.report import Note  # noqa: PLC0415 - keeps --help fast

        if isinstance(event, Note) and event.text not in self._warned:
            self._warned.add(event.text)
            self.message("warning", event.text)

    def message(self, word: str, text: str, hint: str | None = None) -> None:
        """Print a warning, a note or an error on standard error, with a hint if there is one."""
        self.notify(alone(complete_commands(message_text(word, text, hint, self.err_paint))))

    def notify_hint(self, text: str) -> None:
        """Print a hint alone on standard error."""
        self.notify(alone(hint_text(text, self.err_paint)))


def _nothing() -> None:
    """Do nothing: there is no live table to stop."""


def _fitted(text: str, width: int | None) -> str:
    """The text with lines that fit a terminal. It is masked before, because a wrapped value could not be found."""
    return text if width is None else wrapped(mask(text), width)


def size_of(stream: Outlet) -> tuple[int, int]:
    """Columns and lines of a terminal; 80 and 24 if they are unknown."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, lines = 0, 0
    return columns or 80, lines or 24


def stdin_bytes(what: str = "a manifest", most: int | None = None) -> bytes:
    """All of standard input, from which `what` is read. Of a manifest, one byte more than its limit at most.

    Raises:
        UsageError: standard input is closed.
        TooLargeError: it has more than `most` bytes.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError(f"cannot read {what}: standard input is closed", hint="give the path of a file instead of -")
    from skaha_apply.manifest.source.files import MAX_BYTES  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.manifest.source.folders import read_at_most  # noqa: PLC0415 - as above

    return sys.stdin.buffer.read(MAX_BYTES + 1) if most is None else read_at_most(sys.stdin.buffer, most)


def write_file(what: str, path: str, content: str | bytes) -> None:
    """Write a file: text as UTF-8, with sensitive values and IDs of interactive sessions masked.

    A reader sees the whole old file or the whole new one. A device or a pipe is written as it is; a pipe must have a
    reader. Raises `SkahaApplyError`; `what` names the content in its message.
    """
    from skaha_apply.state.local.durable import replace  # noqa: PLC0415 - keeps --help fast

    try:
        data = mask_ids(mask(content)).encode() if isinstance(content, str) else content
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - Path would change `a/.`
            _write_as_it_is(path, data)
        else:
            replace(Path(os.path.realpath(path)), data, durable=False)
    except (OSError, ValueError) as error:  # ValueError: the path or the text cannot be encoded
        reason = getattr(error, "strerror", None) or error
        raise SkahaApplyError(f"cannot write the {what} {one_line(path)}: {reason}") from error


def _write_as_it_is(path: str, data: bytes) -> None:
    """Write a device or a pipe. Without a reader a pipe would block the command for ever, also after Ctrl-C."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise OSError(error.errno, "no process reads this pipe") from error
    os.set_blocking(number, True)
    with open(number, "wb") as stream:  # noqa: PTH123 - a descriptor
        stream.write(data)
