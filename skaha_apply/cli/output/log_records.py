"""The log records of the package on standard error, for `--verbose`. Only this option needs the import of logging."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams


def show_records(streams: Streams) -> None:
    """Print the log records of the package from now on; they never contain a credential."""
    logger = logging.getLogger("skaha_apply")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(LogHandler(streams))


def hide_records() -> None:
    """End `show_records`, because the streams end with their command and the process may continue."""
    logger = logging.getLogger("skaha_apply")
    for handler in [one for one in logger.handlers if isinstance(one, LogHandler)]:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


class LogHandler(logging.Handler):
    """Prints each log record as one line."""

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record on standard error."""
        self._streams.notify_line(f"{record.name}: {one_line(record.getMessage())}")
