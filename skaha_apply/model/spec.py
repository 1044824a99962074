"""The manifest as values: session specs with their defaults applied, projects, and desired replicas."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from skaha_apply.model.session import Kind, Number


class Decides(Enum):
    """What a change of a field causes.

    `WORK`: finished work runs again, and active sessions are replaced. `RESOURCES`: active and failed replicas are
    replaced, and finished work stays done. `NOTHING`: the field is in no digest.
    """

    WORK = "work"
    RESOURCES = "resources"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Parameter:
    """The form parameter of `POST /session` that carries a field.

    `headless_only`: the server reads the parameter for headless sessions only. `omit_zero`: the server refuses 0.
    """

    name: str
    headless_only: bool = False
    omit_zero: bool = False


@dataclass(frozen=True, slots=True)
class FieldRole:
    """One field of a session spec with its declaration; `parameter` is None for a field that is not sent."""

    name: str
    decides: Decides
    parameter: Parameter | None
    default: Any


@lru_cache
def field_roles(spec_type: type[BaseModel]) -> Mapping[str, FieldRole]:
    """The role of each field, by name, in the order of the declaration.

    Raises:
        TypeError: for a field that does not declare what it decides.
    """
    return {name: _field_role(spec_type, name) for name in spec_type.model_fields}


def names_by_role(spec_type: type[BaseModel], *roles: Decides) -> tuple[str, ...]:
    """The names of the fields that decide one of `roles`: those of the first role first."""
    known = field_roles(spec_type).values()
    return tuple(role.name for decides in roles for role in known if role.decides is decides)


def headless_only(spec_type: type[BaseModel]) -> frozenset[str]:
    """The fields that the server reads for headless sessions only."""
    return frozenset(
        role.name for role in field_roles(spec_type).values() if role.parameter and role.parameter.headless_only
    )


def json_value(value: Any) -> Any:
    """The value of a field in the types of JSON."""
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _field_role(spec_type: type[BaseModel], name: str) -> FieldRole:
    field = spec_type.model_fields[name]
    decides = next((item for item in field.metadata if isinstance(item, Decides)), None)
    if decides is None:
        raise TypeError(
            f"{spec_type.__name__}.{name} does not declare what it decides: Annotated[..., Decides.NOTHING]"
        )
    parameter = next((item for item in field.metadata if isinstance(item, Parameter)), None)
    return FieldRole(name, decides, parameter, field.get_default(call_default_factory=True))


class Frozen(BaseModel):
    """A value: immutable, and strict about unknown fields.

    Its validator is built when it is first needed. Building it imports fifty modules, and `lint` validates no value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]

# What is known only when a session is created: the replica's own number, and sensitive values.
REPLICA_ID = "${replica.id}"
LATER = re.compile(r"\$\{(replica\.id|var\.([A-Za-z_][A-Za-z0-9_-]*))\}")


def fill(text: str, replica: int, secrets: Mapping[str, str]) -> str:
    """A text of a spec as it is sent for one replica: `${replica.id}` and `${var.NAME}` of `secrets` filled in."""

    def value(found: re.Match[str]) -> str:
        return str(replica) if found[2] is None else secrets.get(found[2], found[0])

    return LATER.sub(value, text) if "${" in text else text


class SessionSpec(Frozen):
    """One entry of `sessions`, of a matrix one combination: what the manifest asks for, and what the state records.

    Defaults are applied and variables filled in, but for what `fill` fills in when a session is created (in `cmd`,
    `args` and `env`): so no sensitive value is ever part of a spec. `cores` is a count, `ram` GiB, both None in the
    server's flexible mode. `cmd` is the program; a manifest that gives a list has its rest in front of `args`. `file`
    is the manifest it came from, relative to the root with `/`.

    `group` is the name as the manifest has it, `mosaic-${tile}`, "" where that is `name`; `values` are those of its
    combination, by axis or column. `needs` are groups; `require` gives for some of them the share that has to succeed
    once all has ended (0: whatever the result). `parallelism`, `pilot` and `stop_after` count over all replicas of all
    combinations of the group. Times are seconds; a `rerun` in seconds is an age.
    """

    # Each field declares what it decides, and the parameter that carries it to the server. Digests, diffs, create
    # requests, canaries and the writer of manifests read the declaration, so that a new field reaches all of them.
    name: Annotated[str, Decides.NOTHING, Parameter("name")]
    image: Annotated[str, Decides.WORK, Parameter("image")]
    kind: Annotated[Kind, Decides.WORK, Parameter("type")] = Kind.HEADLESS
    cores: Annotated[Number | None, Decides.RESOURCES, Parameter("cores")] = None
    ram: Annotated[Number | None, Decides.RESOURCES, Parameter("ram")] = None
    gpus: Annotated[int | None, Decides.RESOURCES, Parameter("gpus", omit_zero=True)] = None
    cmd: Annotated[str | None, Decides.WORK, Parameter("cmd", headless_only=True)] = None
    args: Annotated[tuple[str, ...], Decides.WORK, Parameter("args", headless_only=True)] = ()
    env: Annotated[dict[str, str], Decides.WORK, Parameter("env", headless_only=True)] = Field(default_factory=dict)
    replicas: Annotated[int, Decides.WORK, Field(ge=1)] = 1
    needs: Annotated[tuple[str, ...], Decides.WORK] = ()
    require: Annotated[dict[str, Share], Decides.NOTHING] = Field(default_factory=dict)
    protect: Annotated[bool, Decides.NOTHING] = False
    parallelism: Annotated[Count | None, Decides.NOTHING] = None
    pilot: Annotated[Count | None, Decides.NOTHING] = None
    stop_after: Annotated[Count, Decides.NOTHING] = 10
    retries: Annotated[int, Decides.NOTHING, Field(ge=0)] = 0
    retry_wait: Annotated[Seconds, Decides.NOTHING] = 10.0
    timeout: Annotated[Seconds | None, Decides.NOTHING] = None
    pending_timeout: Annotated[Seconds | None, Decides.NOTHING] = None
    rerun: Annotated[Literal["on-change", "always", "never"] | Seconds, Decides.NOTHING] = "on-change"
    vanished: Annotated[Literal["hold", "rerun", "complete"], Decides.NOTHING] = "hold"
    when_removed: Annotated[Literal["delete", "finish"], Decides.NOTHING] = "delete"
    renew: Annotated[Seconds | None, Decides.NOTHING] = None
    group: Annotated[str, Decides.NOTHING] = ""
    values: Annotated[dict[str, str], Decides.NOTHING] = Field(default_factory=dict)
    file: Annotated[str, Decides.NOTHING] = ""

    @property
    def key(self) -> str:
        """Its identity within the project: the name, case-folded."""
        return self.name.casefold()

    @property
    def entry_key(self) -> str:
        """The identity of its entry, which it shares with the other combinations of a matrix."""
        return (self.group or self.name).casefold()

    @property
    def shape(self) -> tuple[Any, ...]:
        """Image, kind and resources: the server accepts or refuses a create because of them."""
        resources = names_by_role(type(self), Decides.RESOURCES)
        return (self.image, self.kind.value, *(getattr(self, name) for name in resources))

    def filled(self, replica: int, secrets: Mapping[str, str]) -> SessionSpec:
        """The spec as it is sent for one replica; see `fill`. It holds sensitive values, so it is not for the state."""
        texts = (self.cmd or "", *self.args, *self.env.values())
        if not any("${" in text for text in texts):
            return self
        return self.model_copy(
            update={
                "cmd": None if self.cmd is None else fill(self.cmd, replica, secrets),
                "args": tuple(fill(text, replica, secrets) for text in self.args),
                "env": {name: fill(text, replica, secrets) for name, text in self.env.items()},
            },
        )

    def live_name(self, replica: int) -> str:
        """The name on the server of one replica: `name` alone, or `name-1` … `name-N`, in lower case [PostAction]."""
        return (self.name if self.replicas == 1 else f"{self.name}-{replica}").lower()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An argument that an empty value of a matrix leaves out, although that changes the meaning of others.

    `name` is the axis or column, `key` is `cmd` or `args`, `text` the argument as written. `before` is the option that
    loses its value, `after` the argument that takes the place; one of the two can be "".
    """

    name: str
    key: str
    text: str
    before: str
    after: str


ReplicaKey = tuple[str, int]  # (session key, replica id from 1)


@dataclass(frozen=True, slots=True)
class DesiredReplica:
    """One session that should exist.

    `work` and `run` are the digests that decide whether it is done, and whether it is replaced. `links` are the digests
    of its dependencies.
    """

    spec: SessionSpec
    replica: int
    name: str
    work: str
    run: str
    run_number: int
    links: tuple[str, ...] = ()

    @property
    def key(self) -> ReplicaKey:
        """Its identity within the project."""
        return (self.spec.key, self.replica)
