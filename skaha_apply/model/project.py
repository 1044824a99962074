"""A project: what its manifests desire, and what a load of manifests gives."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.model.diagnostics import Diagnostic, Ignore, Location
    from skaha_apply.model.spec import LeftOut, SessionSpec


@dataclass(frozen=True)
class MaxActive:
    """How many headless sessions may be active at once: of this project, and of the account with all its projects."""

    project: int | None = None
    account: int | None = None


@dataclass(frozen=True)
class Project:
    """The unit of ownership: every session spec of every loaded file that names this project.

    `files` are the loaded files, `folders` the loaded folders, both relative to the root with `/` (what is gone from a
    loaded folder was removed on purpose). `locations` gives the location of a field by its path, `sessions[0].args[2]`;
    the index is that of `sessions`. A path without a location has that of its nearest parent. `entries` gives for
    each of `sessions` its index in the list of its own file. `ignores` are the comments that switch a rule off. `texts`
    is the text of each manifest by the `file` of its places, for snippets.

    `homes` are the folders where the state can live by default: the root of each checkout that holds manifests of the
    project, and the folder of those outside any checkout. More than one home means that `--state` has to choose; a
    project that a script defines has none. `around` are the folders of its manifests, as written and without links.
    All of them are absolute.

    `empty` are the names, as written, of sessions whose matrix holds no combination now, `empty_lists` those whose list
    or table is empty and whose combinations all come from an `include`. `named_only` gives, by the name of an entry as
    written, the axes and columns that stand in this name and nowhere else. `state` is where its manifests
    say that the state is kept. `secrets` are the values of sensitive variables by name, `unknown` the paths of fields
    that depend on a variable without a value (where that was allowed), `withheld` the sensitive variables without one.
    `items` are the lengths of lists by the path of the text that names the file, of those that were counted.
    `given` are the values of other variables that the call gave. `left_out` are arguments that empty values leave
    out, by the index of the session.
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
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    unknown: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    items: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    homes: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    left_out: Mapping[int, tuple[LeftOut, ...]] = field(default_factory=dict)

    @cached_property
    def protected(self) -> frozenset[str]:
        """The keys of the session specs that have `protect: true`."""
        return frozenset(spec.key for spec in self.sessions if spec.protect)

    def location(self, path: str) -> Location | None:
        """The place of a field, or of its nearest parent that has one; None without any."""
        while path:
            if path in self.locations:
                return self.locations[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.locations.get("")


@dataclass(frozen=True)
class Loaded:
    """What manifests hold: the good part as projects, and every syntax error in addition.

    `declared` are the names of the variables that any of the files declares. `notes` state what was skipped.
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

    `values` holds the value that counts of each variable, from the command line, files or the environment. They are
    not shown, because some may be secret. `chosen` come from `--var`, and a manifest of the invocation must declare
    them. `listed` come from files (by the file); an undeclared one is worth a warning. `files` are the real paths of
    those files, which are not read as manifests if a folder of manifests holds them.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    chosen: frozenset[str] = frozenset()
    listed: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    missing: MissingValues = MissingValues.NONE
