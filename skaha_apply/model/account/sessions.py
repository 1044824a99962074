"""The sessions of an account, with the project that owns each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from skaha_apply.model.session import LiveSession


@dataclass(frozen=True, slots=True)
class OwnedSession:
    """A live session; `project` and `replica` (`reduce/1`) are "" if no known state owns it."""

    live: LiveSession
    project: str = ""
    replica: str = ""


@dataclass(frozen=True, slots=True)
class AccountSessions:
    """All sessions that the server lists, by name and start; `at` is the time of the listing, in Unix seconds.

    `account` is None if the server does not name it.
    """

    account: str | None
    at: float
    sessions: tuple[OwnedSession, ...]
