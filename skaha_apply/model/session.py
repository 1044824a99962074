"""What the server shows of sessions, and the one table of its status words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Number = int | float


class Kind(StrEnum):
    """Session types that can be created [SessionType]; `desktop-app` is started by desktops only."""

    HEADLESS = "headless"
    NOTEBOOK = "notebook"
    DESKTOP = "desktop"
    CARTA = "carta"
    FIREFLY = "firefly"
    CONTRIBUTED = "contributed"

    @property
    def interactive(self) -> bool:
        """Whether a person opens it in a browser; all kinds but headless."""
        return self is not Kind.HEADLESS


class Phase(StrEnum):
    """Where a replica stands, as far as we know."""

    ACCEPTED = "accepted"  # the server gave an id; not yet seen in a list
    PENDING = "pending"
    RUNNING = "running"
    TERMINATING = "terminating"
    OTHER = "other"  # a status word that we do not know: taken as active
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # vanished unseen: it may have ended, been pruned or expired
    DUE = "due"  # no session, and known to need one: deleted by us, never begun, or marked to run again
    GONE = "gone"  # deleted by someone else, shortly after we saw it
    HELD = "held"  # kept from starting by `mark hold`

    @property
    def active(self) -> bool:
        """Whether it may hold resources on the server."""
        return self in ACTIVE

    @property
    def ended(self) -> bool:
        """Whether it ran to an end that we saw."""
        return self in (Phase.DONE, Phase.FAILED)


ACTIVE: frozenset[Phase] = frozenset(
    {Phase.ACCEPTED, Phase.PENDING, Phase.RUNNING, Phase.TERMINATING, Phase.OTHER},
)

# Status words of skaha 1.4.0 [Session], and two that older servers and the OpenAPI text use.
STATUS_WORDS: Mapping[str, Phase] = MappingProxyType(
    {
        "pending": Phase.PENDING,
        "running": Phase.RUNNING,
        "terminating": Phase.TERMINATING,
        "completed": Phase.DONE,
        "succeeded": Phase.DONE,
        "failed": Phase.FAILED,
        "error": Phase.FAILED,
    },
)


def phase_of(status: str) -> Phase:
    """The phase that a status word means, in any case; a word we do not know is active (`Phase.OTHER`)."""
    return STATUS_WORDS.get(status.strip().lower(), Phase.OTHER)


@dataclass(frozen=True, slots=True)
class LiveSession:
    """One session as the server lists it; absent fields are None.

    `ram` is GiB as they were asked for (the server shows decimal GB: 4 GiB as "4.29"), `cores` a count, both None in
    flexible mode. Times are Unix seconds. `name` is in lower case, "" when the server shows none.
    """

    id: str
    name: str
    kind: str
    status: str
    image: str = ""
    userid: str | None = None
    started: float | None = None
    expires: float | None = None
    connect_url: str = ""
    cores: Number | None = None
    ram: Number | None = None
    gpus: int | None = None

    @property
    def phase(self) -> Phase:
        """Its status word as a phase."""
        return phase_of(self.status)


@dataclass(frozen=True)
class Listing:
    """One answer to `GET /session`: all sessions of the account.

    `asked` and `at` are server time in Unix seconds: when the request was sent, and when it was answered. `user` is the
    name of the user as the server reports it with the response, None if it reports none.
    """

    sessions: tuple[LiveSession, ...]
    asked: float
    at: float
    user: str | None = None

    @cached_property
    def by_id(self) -> Mapping[str, LiveSession]:
        """The sessions by id."""
        return {session.id: session for session in self.sessions}

    @cached_property
    def by_name(self) -> Mapping[str, tuple[LiveSession, ...]]:
        """The sessions by live name (lower case); the server allows the same name twice."""
        found: dict[str, list[LiveSession]] = {}
        for session in sorted(self.sessions, key=lambda session: session.id):
            found.setdefault(session.name, []).append(session)
        return {name: tuple(sessions) for name, sessions in found.items()}

    @property
    def account(self) -> str | None:
        """The user that the server reports, else the `userid` of a listed session; None without both."""
        return self.user or next((session.userid for session in self.sessions if session.userid), None)


@dataclass(frozen=True)
class Observation:
    """A listing, and what was asked about single sessions beside it.

    `alive` holds sessions that `GET /session/{id}` shows though the list did not; `gone` ids for which it said 404,
    `untold` ids for which it gave no usable answer;
    `pods_gone` ids whose `view=events` said 404 (the pod has stopped too). `found` is the server time at which this
    process first read the state: an intent that was open by then is settled only by a list asked for later than
    `found` plus the settle time. `in_flight` are replicas that this process itself has requests for: nothing is decided
    about them. `whole` is false for a list that is known to be incomplete (it left out a session that a single look-up
    shows): it decides nothing about intents.
    """

    listing: Listing
    found: float
    alive: Mapping[str, LiveSession] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    pods_gone: frozenset[str] = frozenset()
    untold: frozenset[str] = frozenset()
    in_flight: frozenset[tuple[str, int]] = frozenset()
    whole: bool = True

    def session(self, session_id: str) -> LiveSession | None:
        """The session of that id, from the list or from the single look-up."""
        return self.listing.by_id.get(session_id) or self.alive.get(session_id)
