"""The log records of the package on standard error, for `--verbose`. Only this option needs the import of logging."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable


def show_records(print_line: Callable[[str], None]) -> None:
    """Print the log records of the package from now on; they never contain a credential."""
    logger = logging.getLogger("skaha_apply")
    logger.addHandler(LogHandler(print_line, logger.level))
    logger.setLevel(logging.DEBUG)


def hide_records() -> None:
    """End `show_records`, because the streams end with their command and the process may continue.

    The logger gets the level that it had before, which the calling program might have set.
    """
    logger = logging.getLogger("skaha_apply")
    for handler in [one for one in reversed(logger.handlers) if isinstance(one, LogHandler)]:
        logger.removeHandler(handler)
        logger.setLevel(handler.level_before)


class LogHandler(logging.Handler):
    """Prints each log record as one line. `level_before` is the level of the logger without this handler."""

    def __init__(self, print_line: Callable[[str], None], level_before: int) -> None:
        super().__init__()
        self._print_line = print_line
        self.level_before = level_before

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        self._print_line(f"{record.name}: {one_line(record.getMessage())}")
