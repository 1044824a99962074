"""What a reviewer approves, as lines, and their digest: the desired set and each action that cannot be undone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session_ids import short_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import DesiredReplica

UNASKED = frozenset({"surplus", "timeout", "limit"})  # reasons of deletes that nobody has to approve
_KINDS = frozenset({ActionKind.DELETE, ActionKind.REPLACE, ActionKind.ADOPT})


def needs_approval(action: Action) -> bool:
    """Whether a reviewer has to have seen it: it deletes, replaces (now or later), takes over, or adopts a stranger's.

    The double of an unsure create of our own may be removed at any time, and what such a create made is ours already.
    Deletions that the manifest orders (`timeout`, `stop_after`) need none either.
    """
    if action.kind is ActionKind.ADOPT:
        return action.adopted is not None
    if action.held_back:
        return True
    return action.kind in _KINDS and not any(victim.why in UNASKED for victim in action.victims)


def approval_lines(desired: Iterable[DesiredReplica], actions: Iterable[Action]) -> tuple[str, ...]:
    """The lines that are approved: `= ` for each desired replica, `! ` for each action that needs approval."""
    wanted = [f"= {replica.spec.key}/{replica.replica} {replica.work} {replica.run}" for replica in desired]
    return (*sorted(wanted), *sorted(approval_line(action) for action in actions if needs_approval(action)))


def approval_line(action: Action) -> str:
    """One action as it is approved: its kind, name, replica, the sessions that it is about and the paths that changed.

    A plan can be public, and its digest could be searched for the IDs behind it, so the line has their short digests.
    """
    ids = dict.fromkeys(map(short_id, [*([action.id] if action.id else []), *(one.id for one in action.victims)]))
    paths = ",".join(change.path for change in action.changes)
    kind = ActionKind.REPLACE if action.held_back else action.kind
    return f"! {kind} {action.name} {action.replica} {','.join(ids) or '-'} {paths}".rstrip()


def approval_digest(lines: Iterable[str]) -> str:
    """`sha256:` of the approved lines."""
    return f"sha256:{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
