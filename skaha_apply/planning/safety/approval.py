"""The lines that a reviewer approves, and their digest: desired replicas, and actions that cannot be undone."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from skaha_apply.model.masking.session_ids import short_id
from skaha_apply.model.plan import ActionKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import DesiredReplica


def needs_approval(action: Action) -> bool:
    """Whether a reviewer must approve an action.

    It is so if the action deletes, replaces (now or later), takes over, or adopts an unmanaged session. The tool can
    delete a duplicate session of its own unconfirmed create at any time. A session that such a create made is owned
    already. Deletions that the manifest orders (`timeout`, `stop_after`) need no approval either.
    """
    if action.kind is ActionKind.ADOPT:
        return action.adopted is not None
    if action.create_later:
        return True
    return action.kind.needs_approval and all(to_delete.why.needs_approval for to_delete in action.sessions_to_delete)


def approval_lines(desired: Iterable[DesiredReplica], actions: Iterable[Action]) -> tuple[str, ...]:
    """The lines that are approved: `= ` for each desired replica, `! ` for each action that needs approval."""
    lines = [f"= {replica.spec.key}/{replica.replica} {replica.work} {replica.run}" for replica in desired]
    return (*sorted(lines), *sorted(approval_line(action) for action in actions if needs_approval(action)))


def approval_line(action: Action) -> str:
    """The line of one action: its kind, name and replica, the sessions that it affects, and the changed paths.

    The line has short digests in place of session IDs. A plan can be public, and somebody could search for the IDs that
    match its digest.
    """
    ids = dict.fromkeys(
        map(short_id, [*([action.id] if action.id else []), *(one.id for one in action.sessions_to_delete)])
    )
    paths = ",".join(change.path for change in action.changes)
    kind = ActionKind.REPLACE if action.create_later else action.kind
    return f"! {kind} {action.name} {action.replica} {','.join(ids) or '-'} {paths}".rstrip()


def approval_digest(lines: Iterable[str]) -> str:
    """`sha256:` of the approved lines."""
    return f"sha256:{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"


class ApprovedLines:
    """Lines that are approved, and their digest. The digest of more lines continues the digest of these."""

    def __init__(self, lines: tuple[str, ...], before: ApprovedLines | None = None) -> None:
        """The lines; with `before` these lines follow the lines of `before`, which has at least one."""
        text = chr(10).join(lines).encode()
        self.lines: tuple[str, ...] = lines if before is None else (*before.lines, *lines)
        self.text: Any = hashlib.sha256(text) if before is None else before.text.copy()
        if before is not None:
            self.text.update(b"\n" + text)

    @property
    def digest(self) -> str:
        """The result of `approval_digest`."""
        return f"sha256:{self.text.hexdigest()}"

    def and_actions(self, actions: Iterable[Action]) -> ApprovedLines:
        """These lines, followed by the lines of the actions that need approval."""
        more = approval_lines((), actions)
        if not more:
            return self
        return ApprovedLines(more, self if self.lines else None)


SHOWN = 20  # the largest number of differences in a result


def differences(approved: Iterable[str], now: Iterable[str]) -> tuple[str, ...]:
    """The differences between approved and current lines (see `approval_lines`); empty if the plan can be applied.

    An approved action that is no longer necessary is not a difference: its replica ended or was deleted meanwhile. If
    there are more than `SHOWN` differences, the result has the first ones and the number of the others.
    """
    before, after = set(approved), set(now)
    desired_then, desired_now = _desired(before - after), _desired(after - before)
    actions = sorted(line.removeprefix("! ") for line in after - before if line.startswith("! "))
    found = (
        *_count(desired_then.keys() & desired_now.keys(), "would run other work, or with other resources"),
        *_count(desired_now.keys() - desired_then.keys(), "is desired now"),
        *_count(desired_then.keys() - desired_now.keys(), "is no longer desired"),
        *(f"not approved: {_action(line)}" for line in actions),
    )
    return found if len(found) <= SHOWN else (*found[:SHOWN], f"and {len(found) - SHOWN} more")


def _desired(lines: Iterable[str]) -> dict[tuple[str, int], str]:
    """The digests of desired replicas, by session and replica."""
    found = {}
    for line in lines:
        if line.startswith("= "):
            replica, _, digests = line.removeprefix("= ").partition(" ")
            session, _, number = replica.rpartition("/")
            found[session, int(number)] = digests
    return found


def _count(replicas: Iterable[tuple[str, int]], what: str) -> list[str]:
    chosen = sorted(replicas)
    counts = Counter(session for session, _ in chosen)
    several = what.replace("is ", "are ", 1) if what.startswith("is ") else what
    return [
        f"{session}: {count} replicas {several}" if count > 1 else f"{session}/{dict(chosen)[session]} {what}"
        for session, count in counts.items()
    ]


def _action(line: str) -> str:
    kind, name, _, session_id, *paths = line.split(" ", 4)
    known = "" if session_id == "-" else f" ({session_id})"
    return f"{kind} {name}{known}" + (f": {paths[0]}" if paths else "")
