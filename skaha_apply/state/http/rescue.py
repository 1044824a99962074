"""The file that keeps a state which its remote store did not take."""

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
    """`survey.state.rescue.json` beside the place where the state would be stored locally."""
    return default.with_name(f"{default.name.removesuffix('.json')}.rescue.json")


class RescueFile:
    """The rescue file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, data: bytes) -> None:
        """Keep an encoded state; raises `StateError`."""
        try:
            make_folder(self.path.parent)
            durable.replace(self.path, data, private=True)
        except OSError as error:
            raise durable.refusal(error, "keep the state in", self.path) from error

    def read(self) -> StateDocument | None:
        """The state that is kept; None without a file that can be read."""
        try:
            return decode(self.path.read_bytes(), str(self.path))
        except (OSError, StateError):
            return None

    def drop(self) -> None:
        """Remove it, when it is there: its state has reached the store."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
