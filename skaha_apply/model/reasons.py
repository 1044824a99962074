"""Why something happens, as data: codes for programs; `skaha_apply.render.reasons` has the text for people."""

from __future__ import annotations

from enum import StrEnum
from functools import reduce
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OUT_OF_MEMORY = "out of memory (OOMKilled)"  # the cause in the record of a replica whose events report that end


class ReasonCode(StrEnum):
    """Why a plan does something with a replica, or does nothing; the values are part of `plan -o json`.

    The last two groups are about a whole plan: why it is refused, and what a person must know about it.
    """

    # A session is created.
    NEW = "new"  # not in the state, no live session
    NEW_OFFLINE = "new_offline"  # not in the state; the server was not asked
    DUE = "due"  # no session, and known to need one
    DISAPPEARED = "disappeared"  # its session disappeared, and counts as deleted
    DELETED_BY_SOMEONE = "deleted_by_someone"  # an interactive session disappeared
    SESSION_ENDED = "session_ended"  # an interactive session ended
    RESTART_LATER = "restart_later"
    RERUN_ALWAYS = "rerun_always"
    RERUN_AGE = "rerun_age"
    VANISHED_RERUN = "vanished_rerun"
    FAILED = "failed"
    RETRY_LATER = "retry_later"
    RETRY_WITH_RAM = "retry_with_ram"
    SPEC_CHANGED = "spec_changed"
    DEPENDENCY_CHANGED = "dependency_changed"
    # A session continues, or has ended.
    ACCEPTED = "accepted"
    PENDING = "pending"
    RUNNING = "running"
    TERMINATING = "terminating"
    UNKNOWN_STATUS = "unknown_status"
    ID_UNKNOWN = "id_unknown"  # only a digest of the ID of its session is known, and no listed session has it
    RUNNING_TOO_LONG = "running_too_long"
    PENDING_TOO_LONG = "pending_too_long"
    TIMED_OUT = "timed_out"
    RENEWAL_DUE = "renewal_due"
    COMPLETED = "completed"
    VANISHED_COMPLETE = "vanished_complete"
    VANISHED_HOLD = "vanished_hold"
    ON_HOLD = "on_hold"
    PROTECTED = "protected"
    RERUN_NEVER = "rerun_never"
    # Requests whose outcome is open.
    CREATE_UNCONFIRMED = "create_unconfirmed"
    CREATE_CONFIRMED_LATE = "create_confirmed_late"
    DELETE_PENDING = "delete_pending"
    DUPLICATE_SESSION = "duplicate_session"
    SUPERSEDED_SESSION = "superseded_session"
    SECOND_SESSION_DELETED_FIRST = "second_session_deleted_first"
    # Unmanaged sessions.
    MATCHES = "matches"
    TAKE_OVER = "take_over"
    UNMANAGED_SESSION = "unmanaged_session"
    UNMANAGED_ACTIVE = "unmanaged_active"
    # No longer in the manifest.
    REMOVED = "removed"
    DESTROY = "destroy"
    MARKED = "marked"
    RETIRED = "retired"
    FINISHING = "finishing"
    NOT_LOADED = "not_loaded"
    FOLDER_NOT_LOADED = "folder_not_loaded"
    # Something else has to happen first.
    NEEDS_EMPTY_LIST = "needs_empty_list"
    NEEDS_NO_COMBINATION = "needs_no_combination"
    NEEDS_STOPPED = "needs_stopped"
    NEEDS_FAILED = "needs_failed"
    NEEDS_TOO_FEW = "needs_too_few"
    NEEDS_OUT_OF_SCOPE = "needs_out_of_scope"
    NEEDS_UNFINISHED = "needs_unfinished"
    PILOT_FAILED = "pilot_failed"
    PILOT_OUT_OF_SCOPE = "pilot_out_of_scope"
    PILOT_UNFINISHED = "pilot_unfinished"
    FAILURE_LIMIT = "failure_limit"
    FAILURE_LIMIT_DELETE = "failure_limit_delete"
    PARALLELISM_FULL = "parallelism_full"
    PROJECT_FULL = "project_full"
    ACCOUNT_FULL = "account_full"
    INTERACTIVE_FULL = "interactive_full"
    # Part of another reason.
    NOT_DONE = "not_done"
    NOT_ENDED = "not_ended"
    KILLED_FOR_MEMORY = "killed_for_memory"
    ATTEMPT_FAILED = "attempt_failed"
    # A safety rule refuses a plan.
    MANIFEST_EMPTY = "manifest_empty"
    LIST_EMPTY = "list_empty"
    TOO_MANY_CHANGES = "too_many_changes"
    TOO_MUCH_LOST = "too_much_lost"
    MANY_DISAPPEARED = "many_disappeared"
    # What a person must know about a plan.
    MOVED = "moved"
    MANY_RETIRED = "many_retired"
    REPLICAS_CHANGED = "replicas_changed"
    NO_SERVER_TIME = "no_server_time"
    END_UNCONFIRMED = "end_unconfirmed"
    SANDBOX = "sandbox"
    SANDBOX_OPTIONS = "sandbox_options"  # part of another text
    SANDBOX_UNUSED = "sandbox_unused"  # a sandbox runs for the project, but the plan is for a server
    OFFLINE = "offline"
    OFFLINE_NEW_STATE = "offline_new_state"


@dataclass(frozen=True, slots=True, init=False)
class Reason:
    """A code, what its text is filled with, and a further reason if there are two.

    The arguments are numbers (counts, or seconds), names, stored notes, or reasons that are part of this one.
    """

    code: ReasonCode
    arguments: tuple[tuple[str, Argument], ...]
    also: Reason | None

    def __init__(self, code: ReasonCode, /, *, also: Reason | None = None, **arguments: Argument) -> None:
        """A reason; the arguments are those that the text of its code names."""
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "arguments", tuple(arguments.items()))
        object.__setattr__(self, "also", also)

    def and_also(self, further: Reason | None) -> Reason:
        """This reason, followed by a further one."""
        if further is None:
            return self
        return Reason(self.code, also=self.also.and_also(further) if self.also else further, **dict(self.arguments))

    @classmethod
    def joined(cls, reasons: Iterable[Reason]) -> Reason | None:
        """The first reason, followed by the others; None if there is none."""
        found = [*reasons]
        return reduce(cls.and_also, found) if found else None

    def with_texts(self, changed: Callable[[str], str]) -> Reason:
        """This reason with every text among its arguments changed, in the reasons that are part of it as well."""
        arguments = {name: _changed(value, changed) for name, value in self.arguments}
        return Reason(self.code, also=self.also and self.also.with_texts(changed), **arguments)


Argument = str | int | float | Reason | tuple[Reason, ...]


def _changed(value: Argument, changed: Callable[[str], str]) -> Argument:
    if isinstance(value, str):
        return changed(value)
    if isinstance(value, Reason):
        return value.with_texts(changed)
    return tuple(one.with_texts(changed) for one in value) if isinstance(value, tuple) else value


class DeleteReason(StrEnum):
    """Why a session is deleted, and so what becomes of its replica; the values are part of the state."""

    DELETE = "delete"  # its replica is no longer desired
    REPLACE = "replace"
    HOLD = "hold"
    RERUN = "rerun"
    SURPLUS = "surplus"  # a duplicate or superseded session
    TAKE_OVER = "take-over"
    TIMEOUT = "timeout"
    LIMIT = "limit"  # the failure limit of its entry was reached

    @property
    def needs_approval(self) -> bool:
        """Whether a user has to approve it: not what the manifest orders, and no session that the tool made twice."""
        return self not in (DeleteReason.SURPLUS, DeleteReason.TIMEOUT, DeleteReason.LIMIT)

    @property
    def makes_room(self) -> bool:
        """Whether a create follows as soon as the session is deleted."""
        return self in (DeleteReason.REPLACE, DeleteReason.TAKE_OVER, DeleteReason.RERUN)
