"""Saved logs and events, because the server deletes them with their session."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from skaha_apply.state.local import durable
from skaha_apply.state.paths import file_name, make_folder

if TYPE_CHECKING:
    from pathlib import Path


class SavedLogs:
    """Logs below `folder`: `<live name>/<label>.log` and `.events`. A label is `<attempt>-<session ID>`.

    Args:
        folder: the result of `paths.logs_folder`.
        keep: whether logs are saved (not with `--no-logs`). Logs that were saved before are read in any case.
    """

    def __init__(self, folder: Path, *, keep: bool = True) -> None:
        self.folder = folder
        self._keep = keep

    def save(self, name: str, label: str, log: str, events: str | None) -> str | None:
        """Save a log and its events, each as a whole; an empty text never replaces a saved one.

        Returns the path of the log; None if no log with content was saved. Raises `StateError`.
        """
        if not self._keep:
            return None
        path = self._path(name, label, "log")
        try:
            if log.strip():
                _save_file(path, log)
            if events is not None and events.strip() not in ("", "<none>"):
                _save_file(self._path(name, label, "events"), events)
            return str(path) if path.exists() else None
        except OSError as error:
            raise durable.refusal(error, "save the log", path) from error

    def read(self, name: str, label: str) -> tuple[str, str] | None:
        """The saved log and events: "" for a missing one, None if both are missing; raises `StateError`."""
        log, events = (self._text(self._path(name, label, suffix)) for suffix in ("log", "events"))
        return None if log is None and events is None else (log or "", events or "")

    def tail(self, name: str, label: str, size: int) -> str:
        """The last `size` bytes of a saved log, "" for a missing one; raises `StateError`."""
        path = self._path(name, label, "log")
        try:
            with durable.open_regular(path) as file:
                length = file.seek(0, os.SEEK_END)
                file.seek(max(0, length - size))
                return file.read(size).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise durable.refusal(error, "read the saved log", path) from error

    def labels(self, name: str) -> tuple[str, ...]:
        """The saved labels of a live name, by attempt; raises `StateError`."""
        folder = self.folder / file_name(name)
        try:
            found = {path.stem for path in folder.iterdir() if path.suffix in (".log", ".events")}
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise durable.refusal(error, "list the saved logs in", folder) from error
        return tuple(sorted((label for label in found if not label.startswith(".")), key=_attempt_order))

    def path(self, name: str, label: str) -> Path:
        """The path of the log with that label, which need not exist."""
        return self._path(name, label, "log")

    def _path(self, name: str, label: str, suffix: str) -> Path:
        return self.folder / file_name(name) / f"{file_name(label)}.{suffix}"

    @staticmethod
    def _text(path: Path) -> str | None:
        try:
            return durable.read_regular(path).decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise durable.refusal(error, "read the saved log", path) from error


def _save_file(path: Path, text: str) -> None:
    make_folder(path.parent)
    durable.replace(path, text.encode("utf-8", "backslashreplace"), durable=False, private=True)


def _attempt_order(label: str) -> tuple[int, str]:
    attempt = label.partition("-")[0]
    return (int(attempt) if attempt.isascii() and attempt.isdigit() else 0, label)
