"""The manifest as values: session specs with their defaults applied, projects, and desired replicas."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import field
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_type_hints

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.session import Kind, Number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values that a number can have: `ge` and `gt` are a least value, with and without itself, `le` a greatest one.

    pydantic calls the method when it builds a validator, so that this module does not import pydantic.
    """

    ge: float | None = None
    gt: float | None = None
    le: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        bounds = {"ge": self.ge, "gt": self.gt, "le": self.le}
        return {**handler(source), **{name: value for name, value in bounds.items() if value is not None}}


def field_roles(spec_type: Any) -> Mapping[str, FieldRole]:
    """The role of each field of a type of spec, by name, in the order of the declaration.

    Raises:
        TypeError: for a field that does not declare what it decides.
    """
    return _read_roles(spec_type)


@lru_cache
def _read_roles(spec_type: Any) -> dict[str, FieldRole]:
    hints = get_type_hints(spec_type, include_extras=True)
    return {name: _field_role(spec_type, name, hints[name], value) for name, value in default_values(spec_type).items()}


def default_values(spec_type: Any) -> dict[str, Any]:
    """The default of each field, by name, in the order of the declaration; `MISSING` for a field without one."""
    return {name: make() if make is not None else value for name, value, make in _read_defaults(spec_type)}


@lru_cache
def _read_defaults(spec_type: Any) -> tuple[tuple[str, Any, Callable[[], Any] | None], ...]:
    """The name of each field, with its default, or with the function that makes it."""
    return tuple(
        (one.name, one.default, None if one.default_factory is dataclasses.MISSING else one.default_factory)
        for one in dataclasses.fields(spec_type)
    )


def names_by_role(spec_type: type[SessionSpec], *roles: Decides) -> tuple[str, ...]:
    """The names of the fields that decide one of `roles`: those of the first role first."""
    known = field_roles(spec_type).values()
    return tuple(role.name for decides in roles for role in known if role.decides is decides)


def headless_only(spec_type: type[SessionSpec]) -> frozenset[str]:
    """The fields that the server reads for headless sessions only."""
    return frozenset(
        role.name for role in field_roles(spec_type).values() if role.parameter and role.parameter.headless_only
    )


def json_value(value: Any) -> Any:
    """The value of a field in the types of JSON."""
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _field_role(spec_type: type[SessionSpec], name: str, hint: Any, default: Any) -> FieldRole:
    metadata = getattr(hint, "__metadata__", ())
    decides = next((item for item in metadata if isinstance(item, Decides)), None)
    if decides is None:
        raise TypeError(
            f"{spec_type.__name__}.{name} does not declare what it decides: Annotated[..., Decides.NOTHING]"
        )
    parameter = next((item for item in metadata if isinstance(item, Parameter)), None)
    return FieldRole(name, decides, parameter, default)


Count = Annotated[int, Bounds(ge=1)]
Seconds = Annotated[float, Bounds(gt=0)]
Share = Annotated[float, Bounds(ge=0, le=1)]

# What is known only when a session is created: the replica's own number, and sensitive values.
REPLICA_ID = "${replica.id}"
LATER = re.compile(r"\$\{(replica\.id|var\.([A-Za-z_][A-Za-z0-9_-]*))\}")


def fill(text: str, replica: int, secrets: Mapping[str, str]) -> str:
    """A text of a spec as it is sent for one replica: `${replica.id}` and `${var.NAME}` of `secrets` filled in."""

    def value(found: re.Match[str]) -> str:
        return str(replica) if found[2] is None else secrets.get(found[2], found[0])

    return LATER.sub(value, text) if "${" in text else text


@dataclasses.dataclass(frozen=True, kw_only=True)  # the standard one can be extended by a standard one
class SessionSpec:
    """One entry of `sessions`, of a matrix one combination: what the manifest asks for, and what the state records.

    Defaults are applied and variables filled in, but for what `fill` fills in when a session is created (in `cmd`,
    `args` and `env`): so no sensitive value is ever part of a spec. `cores` is a count, `ram` GiB, both None in the
    server's flexible mode. `cmd` is the program; a manifest that gives a list has its rest in front of `args`. `file`
    is the manifest it came from, relative to the root with `/`.

    `group` is the name as the manifest has it, `mosaic-${tile}`, "" where that is `name`; `values` are those of its
    combination, by axis or column. `needs` are groups; `require` gives for some of them the share that has to succeed
    once all has ended (0: whatever the result). `parallelism`, `pilot` and `stop_after` count over all replicas of all
    combinations of the group. `retry_ram` is the RAM of attempts 2, 3, and so on; its last value holds. Times are
    seconds; a `rerun` in seconds is an age.
    """

    # Digests, diffs, create requests, canaries and the writer of manifests read what each field declares.
    name: Annotated[str, Decides.NOTHING, Parameter("name")]
    image: Annotated[str, Decides.WORK, Parameter("image")]
    kind: Annotated[Kind, Decides.WORK, Parameter("type")] = Kind.HEADLESS
    cores: Annotated[Number | None, Decides.RESOURCES, Parameter("cores")] = None
    ram: Annotated[Number | None, Decides.RESOURCES, Parameter("ram")] = None
    gpus: Annotated[int | None, Decides.RESOURCES, Parameter("gpus", omit_zero=True)] = None
    cmd: Annotated[str | None, Decides.WORK, Parameter("cmd", headless_only=True)] = None
    args: Annotated[tuple[str, ...], Decides.WORK, Parameter("args", headless_only=True)] = ()
    env: Annotated[dict[str, str], Decides.WORK, Parameter("env", headless_only=True)] = field(default_factory=dict)
    replicas: Annotated[int, Decides.WORK, Bounds(ge=1)] = 1
    needs: Annotated[tuple[str, ...], Decides.WORK] = ()
    require: Annotated[dict[str, Share], Decides.NOTHING] = field(default_factory=dict)
    protect: Annotated[bool, Decides.NOTHING] = False
    parallelism: Annotated[Count | None, Decides.NOTHING] = None
    pilot: Annotated[Count | None, Decides.NOTHING] = None
    stop_after: Annotated[Count, Decides.NOTHING] = 10
    retries: Annotated[int, Decides.NOTHING, Bounds(ge=0)] = 0
    retry_wait: Annotated[Seconds, Decides.NOTHING] = 10.0
    retry_ram: Annotated[tuple[Number, ...], Decides.NOTHING] = ()
    timeout: Annotated[Seconds | None, Decides.NOTHING] = None
    pending_timeout: Annotated[Seconds | None, Decides.NOTHING] = None
    rerun: Annotated[Literal["on-change", "always", "never"] | Seconds, Decides.NOTHING] = "on-change"
    vanished: Annotated[Literal["hold", "rerun", "complete"], Decides.NOTHING] = "hold"
    when_removed: Annotated[Literal["delete", "finish"], Decides.NOTHING] = "delete"
    renew: Annotated[Seconds | None, Decides.NOTHING] = None
    group: Annotated[str, Decides.NOTHING] = ""
    values: Annotated[dict[str, str], Decides.NOTHING] = field(default_factory=dict)
    file: Annotated[str, Decides.NOTHING] = ""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {**handler(source), "post_init": False}  # what pydantic has checked is not checked again

    def __post_init__(self) -> None:
        """Convert and check the values; raises `UsageError` with a line for each wrong one."""
        from skaha_apply.model.scripts.session_values import read_spec  # noqa: PLC0415 - pydantic, for new specs only

        vars(self).update(vars(read_spec(type(self), vars(self))))

    def __new__(cls, **given: Any) -> Self:
        """A spec without values; raises `UsageError` for an unknown field, and for one that is missing."""
        if given and not {"name", "image"} <= given.keys() <= cls.__dataclass_fields__.keys():
            from skaha_apply.model.scripts.session_values import check_names  # noqa: PLC0415 - only for an error

            check_names(default_values(cls), given)
        return object.__new__(cls)

    @classmethod
    def unchecked(cls, values: Mapping[str, Any]) -> Self:
        """The spec with these values, which are valid values of the declared types, and the defaults of the others.

        The readers of a manifest return such values, so that a manifest is read without pydantic.
        """
        spec = object.__new__(cls)
        object.__setattr__(spec, "__dict__", {**default_values(cls), **values})
        return spec

    def model_copy(self, *, update: dict[str, Any]) -> Self:
        """The spec with other values of some fields, which are of the declared types."""
        spec = object.__new__(type(self))
        object.__setattr__(spec, "__dict__", vars(self) | update)
        return spec

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
