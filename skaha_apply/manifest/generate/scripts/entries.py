"""Makes entries of the sessions of a script: loops become a matrix, and sessions that are alike become one entry."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import field, replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.from_command import MAX_NAME, derived_name, session_of
from skaha_apply.manifest.generate.scripts.record import plain_command, with_texts
from skaha_apply.manifest.generate.scripts.templates import (
    Entry,
    compared_entry,
    open_entry,
    table_entry,
    texts_of,
    traced_entry,
)
from skaha_apply.manifest.generate.scripts.traced_text import is_known, is_open, mark, marks, plain
from skaha_apply.model.errors import UsageError
from skaha_apply.model.session import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from skaha_apply.manifest.generate.from_command import ConvertedSession
    from skaha_apply.manifest.generate.scripts.record import RecordedCall, ScriptReading

Pair = tuple["RecordedCall", "ConvertedSession"]


@dataclass
class ScriptEntries:
    """The entries of a script, and those of loops whose list was not found, with the path of each list."""

    entries: list[Entry] = field(default_factory=list)
    missing: list[tuple[Entry, Mapping[str, str]]] = field(default_factory=list)


def entries_of(
    reading: ScriptReading, refused: Callable[[Sequence[ConvertedSession]], Mapping[int, str]]
) -> ScriptEntries:
    """The entries for the sessions of a script; what is left out becomes a remark of the reading.

    `refused` gives the reasons why the server would refuse sessions, by their places.
    """
    made = ScriptEntries()
    pairs: list[Pair] = []
    seen: dict[Hashable, None] = {}
    for call in map(_named, reading.calls):
        texts = [text for text in (call.command.name, *call.command.command, *call.command.env) if text]
        if all(map(is_known, [*texts, call.command.image, call.command.kind])):
            pairs.extend(_converted(call, reading))
        elif (key := (call.line, _shape(call))) not in seen:
            seen[key] = None
            _keep_open(call, texts, reading, made)
    pairs = _unique(pairs, reading)
    reasons = refused([session for _, session in pairs])
    for place, reason in reasons.items():
        reading.remark(pairs[place][0].line, f"a session is left out, because {reason}")
    found = _grouped([pair for place, pair in enumerate(pairs) if place not in reasons])
    made.entries = [found[place] for place in sorted(found)]
    return made


def _named(call: RecordedCall) -> RecordedCall:
    """The call with a name. A name that is missing is derived from the command, and has the values of the loops."""
    command = call.command
    if command.name is not None:
        return call
    exact = plain_command(command)
    kind = exact.kind.strip().lower()
    base = derived_name(exact, Kind(kind) if kind in set(Kind) else Kind.HEADLESS)
    values = {axis: value for text in (*command.command, *command.env) for axis, value in marks(text).items()}
    base = re.sub(r"[^a-z0-9-]+", "-", base.lower()).strip("-") or "session"
    return replace(call, command=replace(command, name="-".join([base, *(mark(*one) for one in values.items())])))


def _converted(call: RecordedCall, reading: ScriptReading) -> Iterable[Pair]:
    try:
        yield call, session_of(plain_command(call.command))
    except UsageError as error:
        reading.remark(call.line, f"left out, because {error.located_message}")


def _shape(call: RecordedCall) -> Hashable:
    return with_texts(call.command, lambda text: re.sub(r"\s+", " ", text))


def _keep_open(call: RecordedCall, texts: Sequence[str], reading: ScriptReading, made: ScriptEntries) -> None:
    """Keep a session of a loop over a list that was not found; a remark for any other one with an unknown part."""
    axes = {axis for text in texts for axis in marks(text)}
    lists = {axis: reading.missing[axis] for axis in axes if axis in reading.missing}
    if axes and len(lists) == len(axes) and not any(map(is_open, texts)) and (entry := open_entry(call)):
        names = dict(zip(sorted(lists), sorted(entry.axes), strict=False))
        made.missing.append((_staged(entry, call), {names[axis]: path for axis, path in lists.items()}))
        return
    shown = plain(call.command.name or "")
    reading.remark(call.line, f"a session is left out, because not all of its values are known{_hint(shown)}")


def _hint(name: str) -> str:
    return f": {name}" if name and is_known(name) else ""


def _unique(pairs: Sequence[Pair], reading: ScriptReading) -> list[Pair]:
    """The sessions, each with a name of its own: the server allows two of one name, a manifest does not."""
    taken: set[str] = set()
    made = []
    for call, session in pairs:
        name, number = session.spec.name, 2
        while (live := _live_names(name, session.spec.replicas)) & taken:
            suffix = f"-{number}"
            name, number = session.spec.name[: MAX_NAME - len(suffix) - 4] + suffix, number + 1
        taken |= live
        if name == session.spec.name:
            made.append((call, session))
            continue
        reading.remark(call.line, f"the script creates {session.spec.name} again; a manifest requires unique names")
        spec = session.spec.model_copy(update={"name": name})
        named = replace(call, command=replace(plain_command(call.command), name=name))
        made.append((named, replace(session, spec=spec)))
    return made


def _live_names(name: str, replicas: int) -> set[str]:
    name = name.casefold()
    return {name} if replicas == 1 else {f"{name}-{number}" for number in range(1, replicas + 1)}


def _grouped(pairs: Sequence[Pair]) -> dict[int, Entry]:
    """The entries, by the place of their first session in the script's order."""
    found: dict[int, Entry] = {}
    left = list(enumerate(pairs))
    for key, make in STAGES:
        groups: dict[Hashable, list[tuple[int, Pair]]] = defaultdict(list)
        for place, pair in left:
            groups[pair[0].stage, key(pair)].append((place, pair))
        left = []
        for group in groups.values():
            entry = make([pair[0] for _, pair in group], [pair[1] for _, pair in group]) if len(group) > 1 else None
            if entry is None:
                left.extend(group)
            else:
                found[group[0][0]] = _staged(entry, group[0][1][0])
    for place, (call, session) in left:
        found[place] = _staged(Entry(session, {}, call.line), call)
    return found


def _staged(entry: Entry, call: RecordedCall) -> Entry:
    """The entry with what the script waited for before its first call."""
    parts = tuple(_staged(part, call) for part in entry.parts)
    return replace(entry, parts=parts, stage=call.stage, gaps=call.gaps)


def _by_loop(pair: Pair) -> Hashable:
    call, session = pair
    return call.line, tuple(sorted(_axes(call))), session.spec.cores, session.spec.ram, session.spec.replicas


def _axes(call: RecordedCall) -> set[str]:
    command = call.command
    return {axis for text in (command.name or "", *command.command, *command.env) for axis in marks(text)}


def _by_loop_and_length(pair: Pair) -> Hashable:
    """As `_by_loop`, but `7` and `007` are another group than `10` and `010`: each group has one template."""
    command = pair[0].command
    values = {
        axis: value
        for text in (command.name or "", *command.command, *command.env)
        for axis, value in marks(text).items()
    }
    roots = [axis.partition("~")[0] for axis in values]
    lengths = ((axis, len(value)) for axis, value in values.items() if roots.count(axis.partition("~")[0]) > 1)
    return _by_loop(pair), tuple(sorted(lengths))


def _by_line(pair: Pair) -> Hashable:
    return pair[0].line, _by_form(pair)


def _by_line_and_length(pair: Pair) -> Hashable:
    return _by_line(pair), tuple(map(len, texts_of(pair[1].spec)))


def _by_form(pair: Pair) -> Hashable:
    spec = pair[1].spec
    fixed = (spec.kind, spec.cores, spec.ram, spec.gpus, spec.replicas, spec.cmd, len(spec.args), tuple(spec.env))
    return spec.image, fixed


def _by_words(pair: Pair) -> Hashable:
    """Sessions whose texts are equal except for words with digits."""
    texts = (re.sub(r"[A-Za-z]*[0-9][A-Za-z0-9]*", "#", text) for text in texts_of(pair[1].spec))
    return _by_form(pair), tuple(texts)


STAGES: tuple[
    tuple[Callable[[Pair], Hashable], Callable[[Sequence[RecordedCall], Sequence[ConvertedSession]], Entry | None]],
    ...,
] = (
    (_by_loop, traced_entry),
    (_by_loop_and_length, traced_entry),
    (_by_line, compared_entry),
    (_by_line_and_length, compared_entry),
    (_by_loop, table_entry),
    (_by_loop_and_length, table_entry),
    (_by_form, compared_entry),
    (_by_words, compared_entry),
)
