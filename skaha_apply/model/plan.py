"""A plan is a value: the sorted list of actions that leads from live to desired, with its counts and its refusal."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from enum import Flag, StrEnum, auto
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.display.value_table import Tabular
from skaha_apply.model.progress.core_time import CoreTime
from skaha_apply.model.progress.run_times import RunTimes
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import DesiredReplica, ReplicaKey
    from skaha_apply.model.state import ReplicaRecord

AttemptKey = tuple[str, str, int, str | None]  # live name, kind, attempt and id of what is tried
PLAN_FORMAT = "1.4"
_EARLY = ("delete", "replace")  # actions that a plan has before all others, in this order


class Trait(Flag):
    """What holds for all actions of a kind; `ActionKind` has an attribute for each."""

    NONE = 0
    CHANGES = auto()
    CREATES = auto()
    APPROVED = auto()
    CANNOT_SUCCEED = auto()
    NOT_STARTED = auto()
    QUIET = auto()
    UNCOUNTED = auto()


class ActionKind(StrEnum):
    """What happens to a replica.

    A further kind needs a line here, a line in `render.action_labels`, the decision that returns it, and the code that
    carries it out.
    """

    _value_: str
    changes: bool  # it changes something on the server, or who owns a session
    creates: bool  # it creates a session
    needs_approval: bool  # a user has to approve each such action, unless the manifest orders it
    cannot_succeed: bool  # its replica can succeed only after a change, or a command of a user
    keeps_from_starting: bool  # its replica should start and does not
    is_quiet: bool  # a plan only counts such actions
    is_counted: bool  # the summary of a plan counts such actions
    order: int  # the position of such actions in a plan: deletes, then replaces, then all others
    is_early: bool  # a plan has such actions before those in the order of the manifest

    CREATE = "create", Trait.CHANGES | Trait.CREATES
    REPLACE = "replace", Trait.CHANGES | Trait.CREATES | Trait.APPROVED
    DELETE = "delete", Trait.CHANGES | Trait.APPROVED
    ADOPT = "adopt", Trait.CHANGES | Trait.APPROVED
    RENEW = "renew", Trait.CHANGES
    RETRY = "retry", Trait.CHANGES | Trait.CREATES
    WAIT = "wait", Trait.NOT_STARTED
    BLOCKED = "blocked", Trait.NOT_STARTED | Trait.CANNOT_SUCCEED
    CONFLICT = "conflict", Trait.NOT_STARTED | Trait.CANNOT_SUCCEED
    PROTECTED = "protected", Trait.CANNOT_SUCCEED
    UNKNOWN = "unknown", Trait.CANNOT_SUCCEED
    FAILED = "failed", Trait.CANNOT_SUCCEED
    DONE = "done", Trait.QUIET
    UNCHANGED = "unchanged", Trait.QUIET
    RETIRED = "retired", Trait.QUIET
    NOT_LOADED = "not loaded", Trait.QUIET | Trait.UNCOUNTED

    __hash__ = str.__hash__  # as the texts that it equals; that of an enumeration is several times slower

    def __new__(cls, value: str, traits: Trait = Trait.NONE) -> Self:
        """A kind with its traits as attributes, which a plan reads many times for each replica."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.changes = Trait.CHANGES in traits
        made.creates = Trait.CREATES in traits
        made.needs_approval = Trait.APPROVED in traits
        made.cannot_succeed = Trait.CANNOT_SUCCEED in traits
        made.keeps_from_starting = Trait.NOT_STARTED in traits
        made.is_quiet = Trait.QUIET in traits
        made.is_counted = Trait.UNCOUNTED not in traits
        made.is_early = value in _EARLY
        made.order = _EARLY.index(value) if made.is_early else len(_EARLY)
        return made


# The keys of a plan's summary, in their order.
COUNTED: tuple[ActionKind, ...] = tuple(kind for kind in ActionKind if kind.is_counted)


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs: `args[2]` from `r` to `g`; None where the field was or will be absent."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class SessionToDelete:
    """A live session that an action deletes.

    `active` states whether its pod may still run. `note` is stored with the replica after a timeout.
    """

    id: str
    active: bool
    why: DeleteReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What happens to one replica, and why.

    `name` is the live name in lower case, `id` the ID of its session (None if there is none), `replicas` REPLICA_COUNT.
    `group` is the name of its entry as written if the entry has a matrix. `desired` is set for every action that
    creates, `record` if the state has a record of the replica. `sessions_to_delete` are deleted first. `adopted` is the
    unmanaged session that the state records as owned. `lost` are lost core-hours; they are an upper bound if
    `lost_is_upper_bound`.

    `create_later` marks a replace whose create comes in a later pass: an active session is deleted now, a finished
    replica only waits. `counts_as_mass` marks a delete of a session that left the manifest, and a create for a session
    that somebody deleted. `waits_indefinitely` marks a wait that does not end by itself: for a dependency, or for a
    slot under a limit of the server.
    """

    kind: ActionKind
    session: str
    replica: int
    replicas: int
    name: str
    reason: Reason
    group: str = ""
    id: str | None = None
    changes: tuple[Change, ...] = ()
    desired: DesiredReplica | None = None
    record: ReplicaRecord | None = None
    sessions_to_delete: tuple[SessionToDelete, ...] = ()
    adopted: LiveSession | None = None
    attempt: int = 1
    lost: float = 0.0
    lost_is_upper_bound: bool = False
    create_later: bool = False
    counts_as_mass: bool = False
    waits_indefinitely: bool = False

    @property
    def key(self) -> ReplicaKey:
        """The replica it is about."""
        return (self.session.casefold(), self.replica)

    @property
    def is_on_hold(self) -> bool:
        """Whether its replica is on hold."""
        return self.kind is ActionKind.UNCHANGED and self.record is not None and self.record.phase is Phase.HELD

    @property
    def deletes_second_session(self) -> bool:
        """Whether it deletes a duplicate or superseded session of its replica."""
        return any(to_delete.why is DeleteReason.SURPLUS for to_delete in self.sessions_to_delete)

    @property
    def attempt_key(self) -> AttemptKey:
        """The attempt that it makes; another attempt number or session ID makes another one."""
        return (self.name, self.kind.value, self.attempt, self.id)


@dataclass(frozen=True, slots=True)
class DecidedEntry:
    """The replicas of an entry that an earlier plan of the invocation decided for good: their number and run times.

    `name` is the entry as written. `run_times` are those of the replicas. `began` is the time at which
    the first create was accepted, `ends` are the last times of ends with the number of replicas that ended then. Times
    are Unix seconds by the server's clock. `core_time` is that of all their attempts.
    """

    name: str
    done: int = 0
    run_times: RunTimes = field(default_factory=RunTimes)
    began: float | None = None
    ends: tuple[tuple[float, int], ...] = ()
    core_time: CoreTime = field(default_factory=CoreTime)


@dataclass(frozen=True)
class Plan(Tabular):
    """What would be done for one project.

    `actions` holds every replica, also unchanged ones. The order is: delete, replace, others; then the order of the
    manifest; then the replica. `digest` covers what a reviewer approves: all desired replicas, and each action that
    deletes, replaces, adopts or takes over. `approved` are the lines of the digest: `= ` for a desired replica, `! `
    for an action.

    `refused` are the safety rules that refuse the plan, with the options that lift them. `new_state`: no state
    exists yet. `notes` are printed once, above the plan. `offline`: no request was sent to the server. `destroys`:
    the plan of a destroy. `question` is what a person must know before the approval. `newly_decided` are the
    actions without those that an earlier plan of the invocation decided for good: replicas that were done before.
    `decided_before` has these replicas by entry, with all entries in the order of the manifest; it is None if
    options limit the plan, or it is the only one. `reruns` are the run numbers that `rerun` gave to done replicas.
    `stale` are the differences from the approved plan that the options give. `archived` is the number of done replicas
    that have no action, because the state was read without its archive, by the name of their entry as written. Such a
    plan is for the terminal: it has no digest, and cannot be approved.
    """

    project: str
    server: str
    actions: Sequence[Action]
    digest: str
    refused: Reason | None = None
    core_hours_lost: float = 0.0
    lost_is_bound: bool = False
    recomputed: int = 0  # finished replicas that would be computed again
    new_state: bool = False
    notes: tuple[Reason, ...] = ()
    approved: tuple[str, ...] = ()
    offline: bool = False
    destroys: bool = False
    question: Reason | None = None
    newly_decided: tuple[Action, ...] | None = field(default=None, compare=False)
    decided_before: tuple[DecidedEntry, ...] | None = field(default=None, compare=False)
    reruns: Mapping[ReplicaKey, int] = field(default_factory=dict, compare=False)
    stale: tuple[str, ...] = ()
    archived: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def decided_now(self) -> Sequence[Action]:
        """The actions of all replicas that were not done in an earlier plan of the invocation, in the order of a plan.

        All actions that change something or wait are among them. A pass of a wait reads only these.
        """
        return self.actions if self.newly_decided is None else self.newly_decided

    @property
    def has_changes(self) -> bool:
        """Whether it holds a create, replace, delete, adopt, renew or retry."""
        return any(action.kind.changes for action in self.decided_now)

    @property
    def summary(self) -> dict[str, int]:
        """How many actions of each kind, all counted kinds present."""
        counts = Counter(action.kind for action in self.actions)
        counts[ActionKind.DONE] += sum(self.archived.values())
        return {kind.value: counts[kind] for kind in COUNTED}
