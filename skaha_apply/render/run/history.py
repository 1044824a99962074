"""The output of `show`: the history of replicas as text and as JSON."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.reasons import ReasonCode
from skaha_apply.render.color import plain
from skaha_apply.render.printable import mask_references, one_line
from skaha_apply.render.reasons import reason_text
from skaha_apply.render.run.peak_use import used_document, used_text
from skaha_apply.render.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.status import ReplicaHistory, ReplicaStatus, ShownAttempt
    from skaha_apply.render.color import Paint

HISTORY_FORMAT = "1.2"
MOST = 20  # replicas that are shown as text
_FIRST_TIME = re.compile(r" \S+T\S+Z (\S+T\S+Z)$")
_LABEL = 12  # columns of the labels
_NARROWEST = 30  # columns of a text next to its label


def histories_text(shown: Sequence[ReplicaHistory], width: int, paint: Paint = plain) -> str:
    """The histories below each other, with a newline at the end; `width` is the number of columns."""
    parts = ["\n".join(_lines(one, width, paint)) for one in shown[:MOST]]
    if len(shown) > MOST:
        parts.append(f"… and {len(shown) - MOST} more; -o json shows all of them, NAME/REPLICA one of them")
    return "\n\n".join(parts) + "\n"


def histories_document(shown: Sequence[ReplicaHistory], *, addresses: bool = True) -> dict[str, Any]:
    """The histories as a JSON value. Times are RFC 3339 in UTC. Without `addresses`, `connect_url` is null."""
    return {"format_version": HISTORY_FORMAT, "replicas": [_document(one, addresses=addresses) for one in shown]}


def _lines(one: ReplicaHistory, width: int, paint: Paint) -> list[str]:
    row = one.status
    lines = [paint(f"{one_line(row.name)}  ({one_line(row.session)}/{row.replica} of {one_line(row.project)})", "bold")]
    facts = [
        ("offline", f"{one.offline}; this is the state of {rfc3339(one.at)}" if one.offline else ""),
        ("phase", row.phase),
        ("next", _next(row)),
        ("cause", row.cause),
        ("requested", ", ".join(_requested(one))),
        ("needs", ", ".join(one.dependencies)),
        ("needed by", ", ".join(one.dependents)),
        ("open", row.connect_url),
    ]
    for name, text in facts:
        lines += _fact(name, text, width)
    for attempt in one.attempts:
        lines += _attempt_lines(attempt, width)
    if one.events:
        lines += ["  last events:", *(part for line in one.events for part in _wrapped(line, width))]
    if one.log:
        lines += [
            f"  last lines of the log of attempt {one.log_attempt}:",
            *(f"    {one_line(line)}" for line in one.log),
        ]
    return lines


def _wrapped(event: str, width: int) -> list[str]:
    """An event without the time at which it was first seen, wrapped between words."""
    text = _FIRST_TIME.sub(r" \1", one_line(event))
    room = max(width, _NARROWEST)
    return textwrap.wrap(
        text, room, initial_indent="    ", subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
    )


def _next(row: ReplicaStatus) -> str:
    """The action of a plan and its reason, if the phase does not imply them."""
    reason = reason_text(row.reason)
    if row.action in (ActionKind.UNCHANGED, row.phase):
        return "" if row.reason.code in (row.phase, ReasonCode.COMPLETED) and row.reason.also is None else reason
    return f"{row.action}: {reason}"


def _fact(name: str, text: str, width: int) -> list[str]:
    """A label and its text, wrapped between words; nothing without a text."""
    if not text:
        return []
    room = max(width - _LABEL - 2, _NARROWEST)
    wrapped = textwrap.wrap(one_line(text), room, break_long_words=False, break_on_hyphens=False)
    return [f"  {name if not place else '':<{_LABEL}}{part}" for place, part in enumerate(wrapped)]


def _attempt_lines(attempt: ShownAttempt, width: int) -> list[str]:
    times = [
        f"{what} {rfc3339(at)}"
        for what, at in (("accepted", attempt.accepted), ("started", attempt.started), ("ended by", attempt.ended))
        if at is not None
    ]
    requested = [f"{attempt.ram:g} GB ram"] if attempt.ram is not None else []
    about = [f"{attempt.phase} ({attempt.id or 'no session'})", *requested, *times]
    lines = _fact(f"attempt {attempt.attempt}", ", ".join(about), width)
    for text in (attempt.why, attempt.cause, attempt.note, used_text(attempt.used)):
        lines += _fact("", text, width)
    return lines


def _requested(one: ReplicaHistory) -> list[str]:
    spec = one.spec
    if spec is None:
        return []
    amounts = [(spec.cores, "cores"), (spec.ram, "GB ram"), (spec.gpus, "gpus")]
    texts = [f"{amount:g} {unit}" for amount, unit in amounts if amount is not None]
    return [*(texts or ["flexible resources"]), spec.kind.value, str(mask_references(spec.image))]


def _document(one: ReplicaHistory, *, addresses: bool) -> dict[str, Any]:
    row, spec = one.status, one.spec
    return {
        "project": row.project,
        "session": row.session,
        "group": row.group or None,
        "name": row.name,
        "replica": row.replica,
        "phase": row.phase,
        "id": row.id,
        "action": row.action,
        "reason": reason_text(row.reason),
        "reason_code": row.reason.code.value,
        "cause": row.cause or None,
        "requested": _requested_document(spec),
        "needs": list(one.dependencies),
        "needed_by": list(one.dependents),
        "attempts": [_attempt_document(attempt) for attempt in one.attempts],
        "events": list(one.events),
        "log": list(one.log),
        "log_attempt": one.log_attempt or None,
        "connect_url": (row.connect_url or None) if addresses else None,
        "offline": one.offline or None,
        "at": rfc3339(one.at),
    }


def _requested_document(spec: SessionSpec | None) -> dict[str, Any] | None:
    if spec is None:
        return None
    amounts = {"cores": spec.cores, "ram": spec.ram, "gpus": spec.gpus}
    return {"kind": spec.kind.value, "image": mask_references(spec.image), **amounts}


def _attempt_document(attempt: ShownAttempt) -> dict[str, Any]:
    return {
        "attempt": attempt.attempt,
        "phase": attempt.phase,
        "id": attempt.id,
        "why": attempt.why or None,
        "cause": attempt.cause or None,
        "note": attempt.note or None,
        "ram": attempt.ram,
        "used": used_document(attempt.used),
        "accepted": rfc3339(attempt.accepted),
        "started": rfc3339(attempt.started),
        "ended": rfc3339(attempt.ended),
        "ended_after": rfc3339(attempt.ended_after),
    }
