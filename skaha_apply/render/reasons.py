"""The text of each reason: one template for each code.

`{name}` in a template stands for an argument. `{name:exact}` and `{name:rounded}` are durations, `{name:whole}` seconds
without a fraction, `{name:number}` a number without needless digits, `{name:tenths}` one with one digit, `{name:time}`
Unix seconds, `{name:quoted}` a word for a shell, `{name:adjective}` a kind of action as it follows "is".
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from shlex import quote
from string import Formatter
from typing import TYPE_CHECKING, Any

from skaha_apply.model.durations import format_exact, format_rounded
from skaha_apply.model.reasons import Reason
from skaha_apply.model.reasons import ReasonCode as Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Arguments = Mapping[str, Any]

_ADJECTIVES = {"conflict": "in conflict", "unchanged": "on hold"}
_SUCCEEDED = frozenset({"Completed", "Succeeded"})  # statuses of sessions that only `--adopt=ended` records
_FORMATS: Mapping[str, Callable[[Any], str]] = {
    "": str,
    "exact": format_exact,
    "rounded": format_rounded,
    "whole": "{:.0f}".format,
    "number": "{:g}".format,
    "tenths": "{:.1f}".format,
    "time": lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    "quoted": quote,
    "adjective": lambda kind: _ADJECTIVES.get(kind, kind),
}


def _failed(given: Arguments) -> str:
    which = "{attempt} of {attempts}" if given["attempts"] > 1 else "{attempt}"
    return f"failed in attempt {which}" + (": {note}" if given["note"] else "")


def _sandbox(given: Arguments) -> str:
    parts = ["each session takes {pretend:exact} and runs nothing" if given["pretend"] >= 0 else "sessions run here"]
    parts += ["{failed:number}% of them fail"] if given["failed"] else []
    parts += ["times are divided by {speed:number}"] if given["speed"] != 1 else []
    parts += ["{mounts}"] if given["mounts"] else []
    return "; ".join(parts)


def _retry_with_ram(given: Arguments) -> str:
    note = ": {note}" if given["note"] else ""
    return f"attempt {{next}} of {{attempts}} with {{ram:number}} GB: attempt {{attempt}} {{cause}}{note}"


def _unmanaged(given: Arguments) -> str:
    adopt = "--adopt=ended" if given["status"] in _SUCCEEDED else "--adopt"
    if given["sessions"] == 1:
        return f"an unmanaged session has this name ({{status}}); {adopt} records it, --take-over replaces it"
    return (
        f"{{sessions}} unmanaged sessions have this name ({{status}}); {adopt} records one, --take-over replaces them"
    )


def _account_full(given: Arguments) -> str:
    full = given["active"] >= given["limit"]
    counted = "; {active} headless sessions are Pending or Running" if full else ""
    return f"limit of the account reached (max_active {{limit}}{counted})"


def _too_many_changes(given: Arguments) -> str:
    parts = ["deletes {deletes} because their manifest lines were removed"] if given["deletes"] else []
    parts += ["creates {again} again because their sessions disappeared"] if given["again"] else []
    what = " and ".join(parts)
    return f"of {{owned}} owned replicas, the plan {what}: more than {{percent}}%; to allow this, add --force"


def _too_much_lost(given: Arguments) -> str:
    most = "at most " if given["bound"] else ""
    return (
        f"the plan loses {most}{{lost:whole}} core-hours, more than the allowed {{allowed:number}}; "
        "to allow this, add --allow-loss {enough}"
    )


def _replicas_changed(given: Arguments) -> str:
    words = [word for word in ("finished", "running") if given[word]]
    shares = " and ".join(f"{{{word}}} {word}" for word in words)
    plural = "s" if given["finished"] + given["running"] > 1 else ""
    most = "at most " if given["bound"] else ""
    return (
        f"{{entry}}: with {{after}} replicas instead of {{before}} every share of the work changes: {shares} "
        f"share{plural} would be computed again ({most}{{hours:tenths}} core-hours); to run more sessions at the same "
        "time, change parallelism instead, which reruns nothing"
    )


def _end_unconfirmed(given: Arguments) -> str:
    more = " and {more} more" if given["more"] else ""
    return (
        f"not in the session listing: {{sessions}}{more}; the server did not confirm that they ended, so the plan "
        "assumes that nothing changed"
    )


TEMPLATES: Mapping[Code, str | Callable[[Arguments], str]] = {
    Code.NEW: "not in the state and not live",
    Code.NEW_OFFLINE: "not in the state",
    Code.DUE: "{note}",
    Code.DISAPPEARED: lambda given: f"{'{note}' if given['note'] else 'its session disappeared'}; treated as deleted",
    Code.DELETED_BY_SOMEONE: "someone deleted its session",
    Code.SESSION_ENDED: "its session ended",
    Code.RESTART_LATER: "{cause} after {lived:whole}s; it restarts in {left:whole}s",
    Code.RERUN_ALWAYS: "completed; runs again (rerun: {rerun})",
    Code.RERUN_AGE: "completed more than {age:exact} ago; runs again (rerun: {age:exact})",
    Code.VANISHED_RERUN: "{note}; runs again (vanished: rerun)",
    Code.FAILED: _failed,
    Code.RETRY_WITH_RAM: _retry_with_ram,
    Code.KILLED_FOR_MEMORY: "was killed because it ran out of memory",
    Code.ATTEMPT_FAILED: "failed",
    Code.RETRY_LATER: "{failure}; next attempt in {left:rounded}",
    Code.SPEC_CHANGED: "spec changed",
    Code.DEPENDENCY_CHANGED: "a dependency changed (needs: {needs})",
    Code.ACCEPTED: "accepted by the server, not listed yet",
    Code.PENDING: "pending",
    Code.RUNNING: "running",
    Code.TERMINATING: "terminating",
    Code.UNKNOWN_STATUS: "the server reports the status {status}",
    Code.ID_UNKNOWN: "not listed, and the state has only a digest of its ID, so it counts as running; if it was "
    "deleted, run `skaha-apply state forget {name:quoted}`",
    Code.RUNNING_TOO_LONG: "running for more than {limit:exact}",
    Code.PENDING_TOO_LONG: "pending for more than {limit:exact}",
    Code.TIMED_OUT: "timed out: {cause}",
    Code.RENEWAL_DUE: "expires in {left:rounded}, which is less than its renew: {renew:exact}",
    Code.COMPLETED: "completed",
    Code.VANISHED_COMPLETE: "{note}; counted as complete (vanished: complete)",
    Code.VANISHED_HOLD: "{note}; on hold until `mark complete` or `mark rerun`",
    Code.ON_HOLD: lambda given: (
        "on hold" + ("; `skaha-apply mark rerun {entry:quoted}` releases it" if given.get("entry") else "")
    ),
    Code.PROTECTED: "{cause}, but it is protected",
    Code.RERUN_NEVER: "{cause}, but it never runs again (rerun: never)",
    Code.CREATE_UNCONFIRMED: "create request unconfirmed; waiting for a session listing to confirm it",
    Code.CREATE_CONFIRMED_LATE: "found the session of an unconfirmed create request",
    Code.DELETE_PENDING: "its session is being deleted",
    Code.DUPLICATE_SESSION: "duplicate session from an unconfirmed create request",
    Code.SUPERSEDED_SESSION: "earlier session of this replica, which was recorded as disappeared",
    Code.SECOND_SESSION_DELETED_FIRST: "another session of this replica is deleted first",
    Code.MATCHES: "image, kind and resources match; cmd, args, env and REPLICA_COUNT could not be compared",
    Code.TAKE_OVER: "takes over from an unmanaged session",
    Code.UNMANAGED_SESSION: _unmanaged,
    Code.UNMANAGED_ACTIVE: (
        "unmanaged session {id} has this name and is active ({status}); delete it, or run `state forget` for this "
        "replica, then apply with --adopt or --take-over"
    ),
    Code.REMOVED: "no longer in the manifest",
    Code.DESTROY: "ordered by destroy",
    Code.MARKED: "ordered by mark {verb}",
    Code.RETIRED: "{cause}; it ended, and its record is kept",
    Code.FINISHING: "{cause}; runs to its end (when_removed: finish)",
    Code.NOT_LOADED: "its manifest {file} was not loaded",
    Code.FOLDER_NOT_LOADED: "its manifest {file} no longer exists, and its folder was not loaded",
    Code.NEEDS_EMPTY_LIST: "needs {entry}, whose list is empty",
    Code.NEEDS_NO_COMBINATION: "needs {entry}, which has no combination with {values}",
    Code.NEEDS_STOPPED: "needs {entry}, which its failure limit stopped",
    Code.NEEDS_FAILED: "needs {entry}: {replica} is {kind:adjective}",
    Code.NEEDS_TOO_FEW: "needs {entry}: {done} of {total} succeeded, {required} required",
    Code.NEEDS_OUT_OF_SCOPE: "needs {dependency}, which --target or --exclude leaves out",
    Code.NEEDS_UNFINISHED: "needs {dependencies}",
    Code.PILOT_FAILED: "pilot: {replica} is {kind:adjective}",
    Code.PILOT_OUT_OF_SCOPE: "pilot: {replica} must succeed first, but --target or --exclude leaves it out",
    Code.PILOT_UNFINISHED: "pilot: {replica} must succeed first",
    Code.FAILURE_LIMIT: (
        "stopped after {failures} failed attempts in a row; fix the cause, then "
        "`skaha-apply mark rerun '{entry}' --phase failed`"
    ),
    Code.FAILURE_LIMIT_DELETE: "its entry reached the failure limit: {failures} failed attempts in a row",
    Code.PARALLELISM_FULL: "limit of {entry} reached (parallelism {limit})",
    Code.PROJECT_FULL: "limit of the project reached (max_active {limit})",
    Code.ACCOUNT_FULL: _account_full,
    Code.INTERACTIVE_FULL: "the server's limit of {limit} interactive sessions is reached",
    Code.NOT_DONE: "{entry} ({open} of {total} not done)",
    Code.NOT_ENDED: "{entry} ({open} of {total} not ended)",
    Code.MANIFEST_EMPTY: (
        "the manifest has no sessions, and the plan deletes all {deletes} active ones; "
        "to delete them, run `skaha-apply destroy`, or add --force"
    ),
    Code.LIST_EMPTY: (
        "the list of {entry} is empty, and the state has {known} of its replicas; restore the list, or remove the "
        "replicas from the state with `skaha-apply state forget {entry:quoted}`, or add --force"
    ),
    Code.TOO_MANY_CHANGES: _too_many_changes,
    Code.TOO_MUCH_LOST: _too_much_lost,
    Code.MANY_DISAPPEARED: "{again} of {owned} owned replicas disappeared, and no approval covers creating them again",
    Code.MOVED: lambda given: (
        "{new} is moved from {old}: {replicas} "
        + ("replica keeps its record" if given["replicas"] == 1 else "replicas keep their records")
    ),
    Code.MANY_RETIRED: "{retired} of {known} replicas in the state are no longer in the manifest",
    Code.REPLICAS_CHANGED: _replicas_changed,
    Code.NO_SERVER_TIME: "the responses of the server have no Date header, so the tool uses the clock of this machine",
    Code.END_UNCONFIRMED: _end_unconfirmed,
    Code.SANDBOX: lambda given: f"this is the sandbox on this machine: {_sandbox(given)}",
    Code.SANDBOX_OPTIONS: _sandbox,
    Code.SANDBOX_UNUSED: "this plan is for {server}, not for the sandbox that runs for this project (--sandbox)",
    Code.OFFLINE: (
        "offline: this plan compares the manifests with the state of {written:time}; "
        "the sessions on the server can differ"
    ),
    Code.OFFLINE_NEW_STATE: "offline: there is no state to compare with; the sessions on the server are not known",
}


def reason_text(reason: Reason) -> str:
    """A reason as people read it."""
    return "".join(text for text, _ in reason_parts(reason))


def reason_parts(reason: Reason) -> Iterator[tuple[str, bool]]:
    """The pieces of the text of a reason, and whether each is an argument."""
    given = dict(reason.arguments)
    template = TEMPLATES[reason.code]
    for literal, name, form in _pieces(template if isinstance(template, str) else template(given)):
        if literal:
            yield literal, False
        if name is not None:
            yield from _argument(given[name], form)
    if reason.also is not None:
        yield "; ", False
        yield from reason_parts(reason.also)


def _argument(value: Any, form: str) -> Iterator[tuple[str, bool]]:
    if isinstance(value, Reason):
        yield from reason_parts(value)
    elif isinstance(value, tuple):
        for place, part in enumerate(value):
            if place:
                yield ", ", False
            yield from reason_parts(part)
    else:
        yield _FORMATS[form](value), True


@lru_cache(maxsize=200)
def _pieces(template: str) -> tuple[tuple[str, str | None, str], ...]:
    return tuple((literal, name, form or "") for literal, name, form, _ in Formatter().parse(template))
