"""Exports live sessions as entries of a manifest, for work that was started by hand or by a script.

The server does not report cmd, args, env and REPLICA_COUNT. Comments in the manifest state the consequences.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.fields.values import PROJECT
from skaha_apply.manifest.generate.numbered_names import SINGLE, read_series
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.counts import first_names
from skaha_apply.model.errors import UsageError
from skaha_apply.model.session import Kind, Phase
from skaha_apply.model.spec import SessionSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.session import Listing, LiveSession

IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/@_-]*")  # the form of an image that the server accepts
MOST_NAMED = 10
OVER = frozenset({Phase.DONE, Phase.FAILED, Phase.TERMINATING})
NO_CMD = "cmd: ... (the server does not list cmd, args and env)"


@dataclass(frozen=True)
class SessionFilter:
    """Selects sessions: all, or those that match `patterns`, `kinds` and `phases`.

    A pattern (`*` and `?` are wildcards) matches a listed name, with or without the number of its replica. Sessions
    that ended or are being deleted are selected only with `over`, or if `phases` contains their phase.
    """

    patterns: Sequence[str] = ()
    kinds: frozenset[Kind] = frozenset()
    phases: frozenset[Phase] = frozenset()
    over: bool = False

    def includes_name(self, name: str) -> bool:
        """Whether a live name is selected."""
        return not self.patterns or any(_matches(pattern, name) for pattern in self.patterns)

    def includes_phase(self, phase: Phase) -> bool:
        """Whether sessions of this phase are selected."""
        return phase in self.phases if self.phases else self.over or phase not in OVER


@dataclass
class ExportedEntries:
    """Entries, with the IDs and remarks of each by its name, and the sessions that were left out, with the reason.

    `over` counts the sessions that were left out only because they ended or are being deleted.
    """

    sessions: list[SessionSpec] = field(default_factory=list)
    ids: dict[str, list[str]] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    within: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    over: int = 0


def check_project(name: str) -> None:
    """Raises `UsageError` for a text that is not the name of a project."""
    if not PROJECT.match(name):
        hint = "Use letters, digits, -, _ and ., at most 64, with a letter or digit first and last."
        raise UsageError(f"{quoted(name)} is not a name for a project", hint=hint)


def entries(listing: Listing, session_filter: SessionFilter) -> ExportedEntries:
    """The selected sessions of a listing, in the order of their names; `name-1` … `name-N` become one entry.

    Raises:
        UsageError: for a pattern that matches no session of a listing with sessions.
    """
    _check_patterns(listing, session_filter)
    made = ExportedEntries()
    chosen = {one.name: one for one in _chosen(listing, session_filter, made)}
    specs = {name: _spec(one) for name, one in chosen.items()}
    for series in read_series(specs, listing.by_name):
        sessions, name = [chosen[one] for one in series.names], series.spec.name
        made.sessions.append(series.spec)
        made.ids[name] = [one.id for one in sessions]
        if remarks := [*series.remarks, *_too_small(sessions[0]), *_ends(sessions)]:
            made.remarks[name] = remarks
        if not series.spec.kind.interactive:
            made.within[name] = [NO_CMD]
    return made


def _matches(pattern: str, name: str) -> bool:
    stem, dash, number = name.rpartition("-")
    names = (name, stem) if dash and number.isascii() and number.isdigit() else (name,)
    return any(fnmatchcase(one, pattern.casefold()) for one in names)


def _check_patterns(listing: Listing, session_filter: SessionFilter) -> None:
    names = [name for name in sorted(listing.by_name) if name]
    for pattern in session_filter.patterns:
        if listing.sessions and not any(_matches(pattern, name) for name in names):
            hint = f"Listed names: {first_names(names, MOST_NAMED) or 'none with a name'}."
            raise UsageError(f"{quoted(pattern)} matches no listed session", hint=hint)


def _chosen(listing: Listing, session_filter: SessionFilter, made: ExportedEntries) -> Iterable[LiveSession]:
    """At most one session of each name: the one that `plan --adopt` would take."""
    for name in sorted(listing.by_name):
        sessions = listing.by_name[name]
        if not name:
            if not session_filter.patterns:
                of_kind = (one for one in sessions if _of_kind(one, session_filter))
                unnamed = (one for one in of_kind if session_filter.includes_phase(one.phase))
                made.left_out.extend(f"{one.id} ({one.kind}): the server reports no name." for one in unnamed)
            continue
        active = [one for one in sessions if one.phase.active]
        done = [one for one in sessions if one.phase is Phase.DONE]
        first = (active or done or list(sessions))[0]
        if not session_filter.includes_name(name) or not _of_kind(first, session_filter):
            continue
        if not session_filter.includes_phase(first.phase):
            made.over += first.phase in OVER and not session_filter.phases
        elif len(active) > 1:
            ids = first_names([one.id for one in active], MOST_NAMED)
            made.left_out.append(
                f"{name}: {len(active)} sessions have this name ({ids}), and a plan "
                "cannot distinguish them. Delete all except one, and export again."
            )
        elif reason := _unfit(first):
            made.left_out.append(f"{name} ({first.id}): {reason}")
        else:
            yield first


def _of_kind(session: LiveSession, session_filter: SessionFilter) -> bool:
    return not session_filter.kinds or session.kind in session_filter.kinds


def _unfit(session: LiveSession) -> str | None:
    if session.kind == "desktop-app":
        return "it was started in a desktop session, and only a desktop session can start it."
    if session.kind not in set(Kind):
        return f"{quoted(session.kind)} is not a kind of session that can be created."
    if not IMAGE.fullmatch(session.image):
        return (
            f"{quoted(session.image)} is not the name of an image." if session.image else "the server reports no image."
        )
    return None


def _spec(session: LiveSession) -> SessionSpec:
    """The session as an entry, with its resources if a manifest can request them."""
    kind = Kind(session.kind)
    # Those of desktop and firefly are constants, whatever is requested [launch-desktop.yaml, launch-firefly.yaml].
    asked = kind not in SINGLE and not _too_small(session)
    return SessionSpec(
        name=session.name,
        image=session.image,
        kind=kind,
        cores=session.cores if asked else None,
        ram=session.ram if asked else None,
        gpus=session.gpus or None,
    )


def _too_small(session: LiveSession) -> tuple[str, ...]:
    if session.kind in SINGLE or min(session.cores or 1, session.ram or 1) >= 1:
        return ()
    return (
        f"It has cores: {session.cores} and ram: {session.ram}; less than 1 cannot be requested, so both are omitted.",
    )


def _ends(sessions: Sequence[LiveSession]) -> Iterable[str]:
    """Remarks about sessions that have ended or are being deleted."""
    by_phase: dict[Phase, list[str]] = defaultdict(list)
    for one in sessions:
        by_phase[one.phase].append(one.name)
    remarks = {
        Phase.DONE: "completed; `--adopt=ended` records it as done.",
        Phase.FAILED: "failed; `--adopt` reports a conflict while it is listed.",
        Phase.TERMINATING: "being deleted.",
    }
    for phase, text in remarks.items():
        if names := by_phase.get(phase):
            yield f"{first_names(names, MOST_NAMED)}: {text}"
