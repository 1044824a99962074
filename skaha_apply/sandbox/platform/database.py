"""Keeps the sessions when the server ends: one SQLite file with one row for each session.

Each change is written before the response is sent, but without waiting for the disk. So a killed server loses nothing;
a power failure can lose the last changes.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from skaha_apply.sandbox.options import SandboxError
from skaha_apply.sandbox.platform.sessions import SandboxSession, from_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class SessionDatabase:
    """The sessions and a few settings of one data folder; raises SandboxError if the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, document TEXT) WITHOUT ROWID"
            )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
            )
        except (sqlite3.Error, OSError) as error:
            hint = "move the file away to start with an empty sandbox, or choose another data folder"
            raise SandboxError(f"{path}: {error}", hint) from None

    def sessions(self) -> Iterator[SandboxSession]:
        """Return all sessions, also those that left the listing."""
        for (document,) in self._connection.execute("SELECT document FROM session"):
            yield from_document(json.loads(document))

    def write(self, session: SandboxSession) -> None:
        """Store one session."""
        row = (session.id, json.dumps(session.to_document()))
        self._connection.execute("INSERT OR REPLACE INTO session VALUES (?, ?)", row)

    def setting(self, name: str) -> str | None:
        """Return a stored setting."""
        row = self._connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set(self, name: str, value: str) -> None:
        """Store a setting."""
        self._connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def clear(self) -> None:
        """Delete all sessions and keep the settings."""
        self._connection.execute("DELETE FROM session")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
