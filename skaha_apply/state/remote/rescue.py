"""The rescue file, which keeps a state that its remote store did not accept."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.state.codec import decode
from skaha_apply.state.local import durable
from skaha_apply.state.paths import make_folder
from skaha_apply.state.serial import can_replace, version_of

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.model.state import StateDocument


def rescue_path(default: Path) -> Path:
    """`survey.state.rescue.json`, next to the default path of a local state."""
    return default.with_name(f"{default.name.removesuffix('.json')}.rescue.json")


class RescueFile:
    """The rescue file at `path`: written when the store refuses a state, removed when it has accepted a later one.

    Args:
        path: the file.
        address: the address of the store for the command that stores the file, "" if a command cannot contain it.
    """

    def __init__(self, path: Path, address: str = "") -> None:
        self.path = path
        self._address = address

    def write(self, data: bytes) -> None:
        """Write an encoded state; raises `StateError`."""
        try:
            make_folder(self.path.parent)
            durable.replace(self.path, data, private=True)
        except OSError as error:
            raise durable.refusal(error, "save the state in", self.path) from error

    def read(self) -> StateDocument | None:
        """The state in the file; None if the file is missing or cannot be read."""
        try:
            return decode(durable.read_regular(self.path), str(self.path))
        except (OSError, StateError):
            return None

    def remove(self) -> None:
        """Remove the file if it exists, because the store now has its state."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def keep(self, error: StateError, data: bytes) -> StateError:
        """Write an encoded state that was not stored because of `error`; returns the error that names the file."""
        try:
            self.write(data)
        except StateError as second:
            return type(error)(f"{error.message}; the new state is lost: {second.message}", hint=error.hint)
        message = f"{error.message}; the new state is saved in {self.path}"
        if isinstance(error, StateLocked):  # the new owner works from the stored state
            return StateLocked(message, hint=error.hint)
        push = f"To store it, run `{self._push_command}`."
        return type(error)(message, hint=f"{error.hint} {push}" if error.hint else push)

    async def compare(self, stored: StateDocument | None) -> str | None:
        """Remove the file if the store has its state; returns a note if the file has a newer one, else None."""
        if not self.path.exists():
            return None
        rescued = await asyncio.to_thread(self.read)
        if rescued is None:
            return None
        if version_of(rescued) == version_of(stored):
            self.remove()
        elif can_replace(rescued, stored):
            return f"{self.path} has a newer state than the store; to store it, run `{self._push_command}`"
        return None

    def remove_after(self, document: StateDocument) -> None:
        """Remove the file after a later state of the same writer was stored."""
        if self.path.exists():
            rescued = self.read()
            if rescued is not None and (rescued.lineage, rescued.writer) == (document.lineage, document.writer):
                self.remove()

    @property
    def _push_command(self) -> str:
        option = f" --state {shlex.quote(self._address)}" if self._address else ""
        return f"skaha-apply state push {shlex.quote(str(self.path))}{option}"
