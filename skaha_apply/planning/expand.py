"""From session specs to desired replicas, and from a desired replica to the request that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.model.request import CreateRequest
from skaha_apply.model.spec import DesiredReplica
from skaha_apply.planning.digest import digest, run_digest, run_tag, work_content, work_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.model.spec import Project, ReplicaKey, SessionSpec


def expand(project: Project, run_numbers: Mapping[ReplicaKey, int] | None = None) -> tuple[DesiredReplica, ...]:
    """Every replica of a project, in the order of the manifest: specs, then replicas.

    Args:
        project: a project that passed the linter.
        run_numbers: how often a replica was told to run again, from the state; 0 when absent.

    Raises:
        SkahaApplyError: for a `needs` that names nothing, or that runs in a circle.
    """
    numbers = run_numbers or {}
    made: dict[str, tuple[DesiredReplica, ...]] = {}
    links: dict[str, str] = {}
    for spec in in_order_of_need(project.sessions):
        needed = {name.casefold(): links[name.casefold()] for name in spec.needs}
        made[spec.key] = tuple(_replicas(spec, needed, numbers))
        links[spec.key] = digest([[one.replica, one.work, one.run_number] for one in made[spec.key]])
    return tuple(replica for spec in project.sessions for replica in made[spec.key])


def in_order_of_need(sessions: Iterable[SessionSpec]) -> tuple[SessionSpec, ...]:
    """The specs, each after everything that it needs; otherwise in their order.

    Raises:
        SkahaApplyError: for a `needs` that names nothing, or that runs in a circle.
    """
    by_key = {spec.key: spec for spec in sessions}
    ordered: dict[str, SessionSpec] = {}

    for root in by_key.values():
        trail: list[SessionSpec] = [root]
        while trail:
            spec = trail[-1]
            missing = [name for name in spec.needs if name.casefold() not in ordered]
            if not missing:
                ordered.setdefault(spec.key, spec)
                trail.pop()
                continue
            needed = by_key.get(missing[0].casefold())
            if needed is None:
                raise SkahaApplyError(f"session {spec.name!r} needs {missing[0]!r}, which is not in the manifest")
            if needed in trail:
                circle = " -> ".join([*(one.name for one in trail[trail.index(needed) :]), needed.name])
                raise SkahaApplyError(f"needs run in a circle: {circle}")
            trail.append(needed)
    return tuple(ordered.values())


def create_request(
    desired: DesiredReplica, project: str, attempt: int, secrets: Mapping[str, str] | None = None
) -> CreateRequest:
    """The request that makes one replica, with the environment by which it finds its share of the work.

    Sensitive values and the replica's number are filled in here, and nowhere else on the way to the server.

    Interactive kinds ignore cmd, args and env in silence [PostAction.getHeadlessImageBundle], so they get none.
    """
    spec = desired.spec.filled(desired.replica, secrets or {})
    bare = CreateRequest(
        name=desired.name,
        image=spec.image,
        kind=spec.kind,
        cores=spec.cores,
        ram=spec.ram,
        gpus=spec.gpus,
    )
    if spec.kind.interactive:
        return bare
    environment = (
        *spec.env.items(),
        ("REPLICA_ID", str(desired.replica)),
        ("REPLICA_COUNT", str(spec.replicas)),
        ("SKAHA_APPLY_PROJECT", project),
        ("SKAHA_APPLY_RUN", desired.run_tag),
        ("SKAHA_APPLY_ATTEMPT", str(attempt)),
    )
    return CreateRequest(
        name=bare.name,
        image=bare.image,
        kind=bare.kind,
        cores=bare.cores,
        ram=bare.ram,
        gpus=bare.gpus,
        cmd=spec.cmd,
        args=spec.args,
        env=environment,
    )


def _replicas(
    spec: SessionSpec,
    links: Mapping[str, str],
    numbers: Mapping[ReplicaKey, int],
) -> Iterable[DesiredReplica]:
    content = work_content(spec)
    tags: dict[int, str] = {}
    for replica in range(1, spec.replicas + 1):
        number = numbers.get((spec.key, replica), 0)
        if number not in tags:
            tags[number] = run_tag(content, links, number)
        work = work_digest(content, links, replica)
        yield DesiredReplica(
            spec=spec,
            replica=replica,
            name=spec.live_name(replica),
            work=work,
            run=run_digest(work, spec),
            run_number=number,
            run_tag=tags[number],
        )
