"""The signals that stop a command in order: Ctrl-C, a scheduler's SIGTERM, and SIGHUP of a closing terminal."""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # `--version` spares the import of typing
if TYPE_CHECKING:
    from collections.abc import Iterator


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that stop a command. Without SIGHUP if the process ignores it, because `nohup` set that."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM) if ignored else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Raise `KeyboardInterrupt` in the block for each of these signals. Only for the main thread."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def until_signal() -> Iterator[None]:
    """Leave the block in order when a signal stops it, also while it starts: the way to end a command that serves."""
    from skaha_apply.model.errors import Interrupted  # noqa: PLC0415 - `--version` spares the import

    with suppress(Interrupted, KeyboardInterrupt):
        yield
