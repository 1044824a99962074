"""A project with its session specs, and the result of loading manifests."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import field
from enum import StrEnum
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import counted

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from skaha_apply.model.diagnostics import Diagnostic, Ignore, Location
    from skaha_apply.model.report import SharedCause
    from skaha_apply.model.spec import LeftOut, SessionSpec


@dataclass(frozen=True)
class MaxActive:
    """The largest number of active headless sessions, in this project and in the account with all its projects."""

    project: int | None = None
    account: int | None = None


class NoticeEvent(StrEnum):
    """What a notice is about."""

    FAILURE = "failure"  # the first replica that failed and has no retry left
    END = "end"  # no session is active, and nothing can start


@dataclass(frozen=True)
class Move:
    """One item of `moved`: the former and the present name of an entry, as written."""

    old: str
    new: str


NOTICE_FORMAT = "1.0"
NOTICE_EVENTS = tuple(NoticeEvent)


@dataclass(frozen=True)
class NoticeTargets:
    """The key `notify` of a manifest: a program with its arguments, an address, and the events.

    The texts can contain `${var.NAME}` of sensitive variables, whose values are filled in when a notice is sent.
    """

    command: tuple[str, ...] = field(default=(), repr=False)
    url: str = field(default="", repr=False)
    on: tuple[NoticeEvent, ...] = NOTICE_EVENTS


@dataclass(frozen=True)
class Notice:
    """One message. `id` stays the same if the message is sent again; `counts` are replicas by progress."""

    id: str
    event: NoticeEvent
    project: str
    server: str
    text: str
    counts: Mapping[str, int]
    causes: tuple[SharedCause, ...] = ()

    @property
    def total(self) -> int:
        """The number of replicas."""
        return sum(self.counts.values())


class NotSent(Exception):
    """A try that failed. The text never contains the command, the address or an output.

    `can_be_repeated` states whether another try can succeed.
    """

    def __init__(self, text: str, *, can_be_repeated: bool = True) -> None:
        super().__init__(text)
        self.can_be_repeated = can_be_repeated


class AlikeSessions(NamedTuple):
    """The sessions of a project by the values of some fields.

    `keys` has a key for each session: sessions with one key share the values. `first` is the first session of each key.
    """

    keys: Sequence[Hashable]
    first: Mapping[Hashable, SessionSpec]


@dataclass(frozen=True)
class Project:
    """The unit of ownership: every session spec of every loaded file that names this project.

    `files` are the loaded files and `folders` the loaded folders. Both are relative to the root, with `/`. A manifest
    that no longer exists in a loaded folder was removed on purpose. `locations` gives the location of a field by its
    path, `sessions[0].args[2]`, where 0 is the index in `sessions`. A path without a location has the location of its
    nearest parent. `entries` gives for each item of `sessions` the index of its entry in the list of its file.
    `ignores` are the comments that switch a rule off. `texts` gives the text of each manifest by the `file` of its
    locations, for snippets.

    `homes` are the folders where the state can live by default. They are the root of each checkout that has manifests
    of the project, and the folder of the manifests outside any checkout. If there are several homes, the user must
    choose one with `--state`. A project that a script defines has no home. `around` are the folders of its manifests,
    as written and with links resolved. All of them are absolute. `base` is the folder of `files`, if
    they are not in the first of `homes`.

    `empty` are the names, as written, of entries whose matrix has no combination now. `empty_lists` are the names of
    entries whose list or table is empty and whose combinations all come from an `include`. `named_only` gives, by the
    name of an entry as written, the axes and columns that only this name uses. `state` is the state store that the
    manifests name, `notify` where notices go. `moved` are renamed entries, a
    former name before the names that follow it.

    `secrets` are the values of sensitive variables by name, and `withheld` the sensitive variables without a value.
    `unknown` are the paths of fields that depend on a variable without a value, if the load allowed this. `given` are
    the values of the other variables that the invocation sets. `items` gives the lengths of the lists that were
    counted, by the path of the text that names the file. `left_out` are the arguments that empty values leave out, by
    the index of the session.
    """

    name: str
    sessions: tuple[SessionSpec, ...]
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    locations: Mapping[str, Location] = field(default_factory=dict)
    entries: tuple[int, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    empty_lists: tuple[str, ...] = ()
    named_only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    max_active: MaxActive = MaxActive()
    state: str | None = None
    notify: NoticeTargets | None = None
    moved: tuple[Move, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    unknown: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    items: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    homes: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    base: str = ""
    left_out: Mapping[int, tuple[LeftOut, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """The name and the number of sessions: all fields would fill the screen."""
        return f"Project {self.name}: {counted(sum(spec.replicas for spec in self.sessions), 'session')}"

    def _repr_html_(self) -> str:
        """The table that a notebook shows: a row for each entry or combination."""
        from skaha_apply.model.display.value_table import MOST_ROWS, ValueTable, html_table  # noqa: PLC0415 - only notebooks need it

        shown = self.sessions[:MOST_ROWS]
        left = len(self.sessions) > MOST_ROWS
        more = (f"The first {MOST_ROWS} of {len(self.sessions)} entries:",) if left else ()
        rows = [(spec.name, spec.replicas, spec.kind.value, spec.image) for spec in shown]
        return html_table(ValueTable((repr(self), *more), ("session", "replicas", "kind", "image"), rows))

    @cached_property
    def rerun_specs(self) -> tuple[SessionSpec, ...]:
        """The specs with a `rerun` of their own, which a plan searches in each pass of a wait."""
        return tuple(spec for spec in self.sessions if spec.rerun != "on-change")

    @cached_property
    def protected(self) -> frozenset[str]:
        """The keys of the session specs that have `protect: true`."""
        return frozenset(spec.key for spec in self.sessions if spec.protect)

    @cached_property
    def sent_texts(self) -> tuple[str, ...]:
        """The texts of all sessions that the server fills in, `cmd`, `args` and the values of `env`, each once."""
        commands = (spec.cmd for spec in self.sessions if spec.cmd is not None)
        environments = {id(spec.env): spec.env for spec in self.sessions}.values()  # combinations share most of them
        arguments = chain.from_iterable(spec.args for spec in self.sessions)
        values = chain.from_iterable(environment.values() for environment in environments)
        return tuple(dict.fromkeys(chain(commands, arguments, values)))

    def alike(self, fields: tuple[str, ...]) -> AlikeSessions:
        """The sessions by the values of these fields, compared as objects: equal objects can have different keys."""
        found = self._alike.get(fields)
        if found is None:
            columns = [column for name in fields if (column := self._identities(name))]
            keys: Sequence[Hashable] = columns[0] if columns else self._equal_keys
            if len(columns) > 1:
                keys = list(zip(*columns, strict=True))
            members = reversed(self.sessions) if columns else self.sessions[:1]
            found = self._alike[fields] = AlikeSessions(keys, dict(zip(reversed(keys), members, strict=False)))
        return found

    @cached_property
    def _equal_keys(self) -> list[Hashable]:
        return [()] * len(self.sessions)

    def _identities(self, name: str) -> list[int]:
        """The identity of one field of each session; none if all sessions share one object."""
        found = self._columns.get(name)
        if found is None:
            column = list(map(id, map(itemgetter(name), self._values)))
            found = self._columns[name] = column if len(set(column)) > 1 else []
        return found

    @cached_property
    def _values(self) -> list[dict[str, object]]:
        return list(map(vars, self.sessions))

    @cached_property
    def _alike(self) -> dict[tuple[str, ...], AlikeSessions]:
        return {}

    @cached_property
    def _columns(self) -> dict[str, list[int]]:
        return {}

    def location(self, path: str) -> Location | None:
        """The location of a field, or of its nearest parent that has a location; None if there is none."""
        while path:
            if path in self.locations:
                return self.locations[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.locations.get("")


@dataclass(frozen=True)
class Loaded:
    """The content of manifests: the valid part as projects, and every syntax error in addition.

    `declared` are the names of all variables that the files declare. `notes` state what was skipped.
    """

    projects: tuple[Project, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    declared: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


class MissingValues(StrEnum):
    """Which declared variables can be without a value."""

    NONE = "none"  # for commands that create sessions
    SENSITIVE = "sensitive"  # for commands that only compare: sensitive values enter by name
    ANY = "any"  # for commands that check manifests without a server


@dataclass(frozen=True)
class VariableValues:
    """The values that an invocation gives to variables, by name, as text.

    `values` has the effective value of each variable, from the command line, files or the environment. The tool does
    not show these values, because some might be secret. `chosen` are the names from `--var`. A manifest of the
    invocation must declare each of them. `listed` gives the file of each name that comes from a file. An undeclared
    name in a file causes a warning. `files` are the real paths of these files. If one is in a folder of manifests, it
    is not read as a manifest.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    chosen: frozenset[str] = frozenset()
    listed: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    missing: MissingValues = MissingValues.NONE
