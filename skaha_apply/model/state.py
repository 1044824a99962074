"""The state document: what is remembered of every replica, and what was about to be done when it was written."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.fields.written_form import Time, Why
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.session import Number, Phase
from skaha_apply.model.spec import Bounds, ReplicaKey, SessionSpec

STATE_FORMAT = "1.3"
ARCHIVE_FORMAT = "2.0"  # of a document that refers to an archive, which earlier versions of the tool would drop
LEAST_ARCHIVED = 1_000  # records that move to an archive together; fewer stay in the document, which people read


class Frozen:
    """A value of a state. Its class declares each field once; `state/values/` makes readers and writers from that."""

    __slots__ = ()
    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaEntry(Frozen):
    """The fields of every entry about a replica: its identity, its live name, its spec, and its digests.

    `spec` is the key in `StateDocument.specs`. `ram` is the RAM in GiB that this attempt requests, if its spec has
    `retry_ram`.
    """

    session: str
    replica: int
    name: str
    spec: str
    work: str
    run: str
    run_number: int = 0
    attempt: int = 1
    ram: Number | None = None

    @property
    def key(self) -> ReplicaKey:
        """The replica's identity within the project."""
        return (self.session, self.replica)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Frozen):
    """An earlier attempt of a replica: how and when it ended. `attempt` counts from 1; a change restarts the count.

    `running` is the time of the last listing that showed it Running. It ended between `running` and `ended`.
    `cause` is why it failed, in one line. `ram` is the RAM in GiB that it requested, if its spec had `retry_ram`.
    `ram_used` (GiB) and `cores_used` are the most that a listing showed in use. `marked` states that the replica was
    then marked to run again.
    """

    attempt: int
    phase: Phase
    id: str | None = None
    run_number: int = 0
    ram: Number | None = None
    accepted: Time | None = None
    started: Time | None = None
    running: Time | None = None
    ended: Time | None = None
    note: str = ""
    cause: str = ""
    ram_used: float | None = None
    cores_used: float | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRecord(ReplicaEntry):
    """The record of one replica.

    `spec` is the key in `StateDocument.specs` of the spec of its last create. `id` is the ID of its last session, also
    after that session has ended. `past` are IDs of earlier sessions that can still be listed.

    `seen` is the time of the last listing that showed it, `ended` the time at which its end was first seen. `started`
    is the start time in the listing. `ran` is the time since which listings have shown it Running, `running` the last
    of these times, `queued` the time since which it has been Pending again. `expires` is its deadline in the last
    listing, `renewed` the time of the last renewal.

    `vanished` is the number of consecutive sessions of this attempt that vanished. `stopped` states that its Pending
    session was deleted because the failure limit of its entry was reached. `cause` is why it failed, in one line, from
    its log or its events. `ram_used` (GiB) and `cores_used` are the most that a listing showed in use; they are
    stored with the next other change. `earlier` are its last few earlier attempts, oldest first.
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
    cause: str = ""
    ram_used: float | None = None
    cores_used: float | None = None
    earlier: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent(ReplicaEntry):
    """A create that is stored before its request is sent, and removed after its response.

    `listed` are the IDs of sessions that had the name before the request. `posts` is the number of requests that might
    have had an effect. `given_up` is the time at which the request timed out; None while it is in flight, and after the
    process died.
    """

    at: Time
    listed: tuple[str, ...] = ()
    posts: int = 1
    given_up: Time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDelete(Frozen):
    """A session that the tool deletes, stored until its end is confirmed.

    `active` states whether its pod might be running; the tool waits for the end of the pod. `sent` is true once a
    DELETE might have reached the server. `why` decides what follows the confirmed delete. `note` is stored with the
    replica after a timeout.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedCreate(ReplicaEntry):
    """Unconfirmed creates of one name. For a day, the tool deletes the duplicate sessions that they left behind.

    `listed` are the IDs of sessions that had the name before the first of these creates. `posts` is the number of
    creates that might have had an effect and whose ID is unknown. The digests are those of the creates, because one of
    their sessions can become the session of the replica.
    """

    since: Time
    listed: tuple[str, ...] = ()
    posts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecord(Frozen):
    """What one target of notices (`command` or `url`) got of one event.

    `sent` is the time at which it got the notice. `failed` is the number of invocations that could not send it, `first`
    and `last` are the times of the first and the last of them.
    """

    event: str
    target: str
    sent: Time | None = None
    failed: int = 0
    first: Time | None = None
    last: Time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRecord(Frozen):
    """What was sent about the present work of a project. The work began at `since` and is over once `end` is set.

    `failure` and `end` are the times from which no target needs these notices any more. `targets` has what each target
    got before. `failed` of some earlier states counts for all targets. It is not used: the next change sets it to 0.
    """

    since: Time
    failure: Time | None = None
    end: Time | None = None
    targets: tuple[TargetRecord, ...] = ()
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerLease(Frozen):
    """The controller that works on a project: no other one does until the lease ends. `who` is for people."""

    id: str
    who: str = ""
    since: Time
    until: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneReplicas(Frozen):
    """Done replicas of one session. Their records are in a file of the archive, and not in the document.

    `replicas` are their numbers as ranges, such as `1-37,39-100`. `spec` is the key in `StateDocument.specs`, `work`
    the digest of their work without the number of the replica. `ended` is the time at which the last of them was seen
    to have ended. `file` is the name of the file: the sha256 of its content.
    """

    session: str
    spec: str
    work: str
    replicas: str
    ended: Time
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDocument(Frozen):
    """The state of one project.

    `serial` grows by one a write; `lineage` stays for the life of the state; `writer` is the id of the process that
    wrote it. `server` is host and path (on loopback not the port), `account` the `userid` as listed, both bound by the
    first run. `identities` are digests of credentials that were seen to belong to that account. `done` are the replicas
    whose records are not in `replicas` but in the archive of a local store. It is empty in a document that was read
    with all records.
    """

    format_version: str = STATE_FORMAT
    serial: Annotated[int, Bounds(ge=0)] = 0
    lineage: str
    writer: str = ""
    project: str
    server: str
    account: str | None = None
    identities: tuple[str, ...] = ()
    written: Time | None = None
    specs: dict[str, SessionSpec] = field(default_factory=dict)
    replicas: tuple[ReplicaRecord, ...] = ()
    intents: tuple[Intent, ...] = ()
    tombstones: tuple[PendingDelete, ...] = ()
    doubts: tuple[UnconfirmedCreate, ...] = ()
    notices: NoticeRecord | None = None
    controller: ControllerLease | None = None
    done: tuple[DoneReplicas, ...] = ()
