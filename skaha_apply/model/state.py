"""The state document: what is remembered of every replica, and what was about to be done when it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import Frozen, ReplicaKey, SessionSpec

STATE_FORMAT = "1.0"


_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0  # the years 1 to 9999, which RFC 3339 can write


def _parse_time(value: Any) -> Any:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value


def _check_time(value: float) -> float:
    if not _FIRST <= value <= _LAST:
        raise ValueError("the time is not in the years 1 to 9999")
    return value


def _write_time(value: float) -> str:
    return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[
    float,
    BeforeValidator(_parse_time),
    AfterValidator(_check_time),
    PlainSerializer(_write_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "server time, RFC 3339 in UTC"}),
]


def _parse_why(value: Any) -> Any:
    """A reason that a newer minor version may have added counts as `delete`."""
    return value if not isinstance(value, str) or value in list(DeleteReason) else DeleteReason.DELETE


Why = Annotated[DeleteReason, BeforeValidator(_parse_why), WithJsonSchema({"type": "string"})]


class ReplicaEntry(Frozen):
    """What every entry about a replica says: which one, under which live name, from which spec, with which digests.

    `spec` is the key in `StateDocument.specs`.
    """

    session: str
    replica: int
    name: str
    spec: str
    work: str
    run: str
    run_number: int = 0
    attempt: int = 1

    @property
    def key(self) -> ReplicaKey:
        """The replica's identity within the project."""
        return (self.session, self.replica)


class Attempt(Frozen):
    """An earlier attempt of a replica: how it ended, and when. `attempt` counts from 1, anew after a change.

    `running` is when a listing last showed it Running: it ended between that and `ended`.
    """

    attempt: int
    phase: Phase
    id: str | None = None
    run_number: int = 0
    accepted: Time | None = None
    started: Time | None = None
    running: Time | None = None
    ended: Time | None = None
    note: str = ""


class ReplicaRecord(ReplicaEntry):
    """What is remembered of one replica.

    `spec` is the key in `StateDocument.specs` of the spec it was last created from. `id` is the last session's id, also
    when that is gone. `past` are ids of its earlier sessions that may still be listed. `seen` is when a list last
    showed it, `ended` when its end was first seen. `started` is as listed; `ran` is since when lists have shown it
    Running, `running` when one last did, `queued` since when it has been pending again after that. `vanished` counts
    how many sessions of this attempt in a row were gone before anybody saw them end. `stopped` states that its Pending
    session was deleted because the failure limit of its entry was reached. `expires` is its deadline as last listed,
    `renewed` when that was last pushed. `earlier` are its earlier attempts, oldest first, the last few.
    """

    phase: Phase
    id: str | None = None
    past: tuple[str, ...] = ()
    accepted: Time | None = None
    seen: Time | None = None
    ran: Time | None = None
    queued: Time | None = None
    started: Time | None = None
    running: Time | None = None
    ended: Time | None = None
    expires: Time | None = None
    renewed: Time | None = None
    vanished: int = 0
    stopped: bool = False
    logged: bool = False
    note: str = ""
    earlier: tuple[Attempt, ...] = ()


class Intent(ReplicaEntry):
    """A create that was about to be sent: written before its request, removed with the answer.

    `listed` are the ids that bore that name before the request. `posts` counts the requests that may have had an
    effect. `given_up` is when an unsure answer ended the waiting; None while in flight, or when the process died.
    """

    at: Time
    listed: tuple[str, ...] = ()
    posts: int = 1
    given_up: Time | None = None


class PendingDelete(Frozen):
    """An id that we asked, or were about to ask, to delete; kept until it is gone.

    `active` says whether it may have had a running pod, which is waited for. `sent` turns true once a DELETE may have
    reached the server. `why` is what follows once it is gone, `note` what is then said of a replica that timed out.
    """

    id: str
    session: str
    replica: int
    name: str
    at: Time
    active: bool = True
    sent: bool = False
    why: Why = DeleteReason.DELETE
    note: str = ""

    @property
    def key(self) -> ReplicaKey:
        """The replica it belonged to."""
        return (self.session, self.replica)


class UnconfirmedCreate(ReplicaEntry):
    """Creates of one name without a clear answer: for a day, what they may have left behind is ours to remove.

    `listed` are the ids that bore that name before the first of them; `posts` how many may have had an effect without
    our knowing their id. The digests are those of the creates, for the one that may turn out to be the replica.
    """

    since: Time
    listed: tuple[str, ...] = ()
    posts: int = 1


class StateDocument(Frozen):
    """One project's memory.

    `serial` grows by one a write; `lineage` stays for the life of the state; `writer` is the id of the process that
    wrote it. `server` is host and path (on loopback not the port), `account` the `userid` as listed, both bound by the
    first run. `identities` are digests of credentials that were seen to belong to that account.
    """

    format_version: str = STATE_FORMAT
    serial: Annotated[int, Field(ge=0)] = 0
    lineage: str
    writer: str = ""
    project: str
    server: str
    account: str | None = None
    identities: tuple[str, ...] = ()
    written: Time | None = None
    specs: dict[str, SessionSpec] = Field(default_factory=dict)
    replicas: tuple[ReplicaRecord, ...] = ()
    intents: tuple[Intent, ...] = ()
    tombstones: tuple[PendingDelete, ...] = ()
    doubts: tuple[UnconfirmedCreate, ...] = ()
