"""What the server shows of sessions, and the one table of its status words."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

Number = int | float
MAX_REPLICAS = 1_000_000  # of a session of a manifest, and of all sessions of a plan
_ACTIVE = ("accepted", "pending", "running", "terminating", "other")
_ENDED = ("done", "failed")


class Kind(StrEnum):
    """Session types that can be created [SessionType]; `desktop-app` is started by desktops only."""

    _value_: str
    interactive: bool  # whether a person opens it in a browser; all kinds but headless

    HEADLESS = "headless"
    NOTEBOOK = "notebook"
    DESKTOP = "desktop"
    CARTA = "carta"
    FIREFLY = "firefly"
    CONTRIBUTED = "contributed"

    def __new__(cls, value: str) -> Self:
        """A kind with its trait as an attribute, which a plan reads for each replica."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.interactive = value != "headless"
        return made


class Phase(StrEnum):
    """The phase of a replica, as far as it is known."""

    _value_: str
    active: bool  # whether it may hold resources on the server
    ended: bool  # whether a listing showed its end

    ACCEPTED = "accepted"  # the server returned an ID; no listing showed it yet
    PENDING = "pending"
    RUNNING = "running"
    TERMINATING = "terminating"
    OTHER = "other"  # an unknown status word, which counts as active
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # vanished: it ended, was pruned or expired
    DUE = "due"  # needs a session: deleted by the tool, never started, or marked to be rerun
    GONE = "gone"  # deleted by someone else, shortly after a listing showed it
    HELD = "held"  # kept from starting by `mark hold`

    __hash__ = str.__hash__  # as the texts that it equals; that of an enumeration is several times slower

    def __new__(cls, value: str) -> Self:
        """A phase with its traits as attributes, which a plan reads many times for each replica."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.active = value in _ACTIVE
        made.ended = value in _ENDED
        return made


ACTIVE: frozenset[Phase] = frozenset(phase for phase in Phase if phase.active)

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
    """The phase that a status word means, in any case; an unknown word is active (`Phase.OTHER`)."""
    return STATUS_WORDS.get(status.strip().lower(), Phase.OTHER)


@dataclass(frozen=True, slots=True)
class LiveSession:
    """One session as the server lists it; absent fields are None.

    `ram` is GiB as they were asked for (the server shows decimal GB: 4 GiB as "4.29"), `cores` a count, both None in
    flexible mode. Times are Unix seconds. `name` is in lower case, "" when the server shows none. `ram_used` (GiB) and
    `cores_used` are what it uses at the moment, None if the server does not measure it.
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
    ram_used: float | None = None
    cores_used: float | None = None

    @property
    def phase(self) -> Phase:
        """Its status word as a phase."""
        return phase_of(self.status)


@dataclass(frozen=True)
class Listing:
    """One response to `GET /session`: all sessions of the account.

    `asked` is the time of the request, `at` the time of the response, in Unix seconds of the server. `user` is the name
    of the user that the server reports with the response, None if it reports none.
    """

    sessions: tuple[LiveSession, ...]
    asked: float
    at: float
    user: str | None = None

    @cached_property
    def by_id(self) -> Mapping[str, LiveSession]:
        """The sessions by ID."""
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
    """A listing, and the look-ups of single sessions.

    `alive` are sessions that `GET /session/{id}` shows although the listing does not. `not_found` are IDs for which it
    responded 404, `failed_lookups` IDs for which it sent no usable response. `ended_pods` are IDs whose `view=events`
    responded 404, so their pod has stopped too.

    `found` is the server time at which this process first read the state. An intent that was open then is resolved only
    by a listing that was requested later than `found` plus the settle time. `in_flight` are replicas for which this
    process has open requests: the planner decides nothing about them. `whole` is false for an incomplete listing, which
    lacks a session that a look-up shows: it resolves no intent.
    """

    listing: Listing
    found: float
    alive: Mapping[str, LiveSession] = field(default_factory=dict)
    not_found: frozenset[str] = frozenset()
    ended_pods: frozenset[str] = frozenset()
    failed_lookups: frozenset[str] = frozenset()
    in_flight: frozenset[tuple[str, int]] = frozenset()
    whole: bool = True

    def session(self, session_id: str) -> LiveSession | None:
        """The session with this ID, from the listing or from a look-up."""
        return self.listing.by_id.get(session_id) or self.alive.get(session_id)
