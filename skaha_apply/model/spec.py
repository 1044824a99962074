"""The manifest as values: session specs with their defaults applied, projects, and desired replicas."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from skaha_apply.model.field_roles import Decides, Parameter
from skaha_apply.model.session import Kind, Number


class Frozen(BaseModel):
    """A value: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    def family(self) -> str:
        """The identity of its entry, which it shares with the other combinations of a matrix."""
        return (self.group or self.name).casefold()

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
