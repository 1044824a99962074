"""The manifest as values: session specs with their defaults applied, projects, and desired replicas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from skaha_apply.model.session import Kind, Number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.place import Diagnostic, Ignore, Place


class Frozen(BaseModel):
    """A value: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SessionSpec(Frozen):
    """One entry of `sessions` with the defaults applied: what the manifest asks for, and what the state records.

    `cores` is a count, `ram` GiB, both None in the server's flexible mode. `cmd` is the program; a manifest that gives
    a list has its rest in front of `args`. `file` is the manifest it came from, relative to the root with `/`.
    """

    name: str
    image: str
    kind: Kind = Kind.HEADLESS
    cores: Number | None = None
    ram: Number | None = None
    gpus: int | None = None
    replicas: Annotated[int, Field(ge=1)] = 1
    cmd: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    protect: bool = False
    file: str = ""

    @property
    def key(self) -> str:
        """Its identity within the project: the name, case-folded."""
        return self.name.casefold()

    def live_name(self, replica: int) -> str:
        """The name on the server of one replica: `name` alone, or `name-1` … `name-N`, in lower case [PostAction]."""
        return (self.name if self.replicas == 1 else f"{self.name}-{replica}").lower()


@dataclass(frozen=True)
class Project:
    """The unit of ownership: every session spec of every loaded file that names this project.

    `files` are the loaded files, `folders` the loaded folders, both relative to the root with `/` (what is gone from a
    loaded folder was removed on purpose). `places` gives the place of a field by its path, `sessions[0].args[2]`, the
    index being that of `sessions` here; a path without a place has the one of its nearest parent. `entries` gives for
    each of `sessions` its index in the list of its own file. `ignores` are the comments that switch a rule off. `texts`
    is the text of each manifest by the `file` of its places, for snippets.
    """

    name: str
    sessions: tuple[SessionSpec, ...]
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    entries: tuple[int, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    def place(self, path: str) -> Place | None:
        """The place of a field, or of its nearest parent that has one; None without any."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get("")


@dataclass(frozen=True)
class Loaded:
    """What manifests hold: the good part as projects, and every error of form beside it."""

    projects: tuple[Project, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


ReplicaKey = tuple[str, int]  # (session key, replica id from 1)


@dataclass(frozen=True, slots=True)
class DesiredReplica:
    """One session that should exist.

    `work` and `run` are the digests that decide whether it is done, and whether it is replaced; `run_tag` is what the
    replica sees as SKAHA_APPLY_RUN.
    """

    spec: SessionSpec
    replica: int
    name: str
    work: str
    run: str
    run_number: int
    run_tag: str

    @property
    def key(self) -> ReplicaKey:
        """Its identity within the project."""
        return (self.spec.key, self.replica)
