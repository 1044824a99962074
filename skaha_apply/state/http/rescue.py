"""The rescue file, which keeps a state that its remote store did not accept."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError
from skaha_apply.state.codec import decode
from skaha_apply.state.local import durable
from skaha_apply.state.paths import make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.model.state import StateDocument


def rescue_path(default: Path) -> Path:
    """`survey.state.rescue.json`, next to the default path of a local state."""
    return default.with_name(f"{default.name.removesuffix('.json')}.rescue.json")


class RescueFile:
    """The rescue file at `path`: written when the store refuses a state, removed when it has accepted a later one."""

    def __init__(self, path: Path) -> None:
        self.path = path

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
            return decode(self.path.read_bytes(), str(self.path))
        except (OSError, StateError):
            return None

    def remove(self) -> None:
        """Remove the file if it exists, because the store now has its state."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
