"""Expands session specs to desired replicas, and builds the create request of a replica."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from skaha_apply.model.request import CreateRequest
from skaha_apply.model.spec import DesiredReplica, field_roles, headless_only
from skaha_apply.planning import digest as digests
from skaha_apply.planning.attempts import as_requested, ram_of
from skaha_apply.planning.digest import SpecDigests, digest, work_content
from skaha_apply.planning.entries import Entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.planning.archive import Archived
    from skaha_apply.planning.digest import PartialDigest
    from skaha_apply.planning.entries import Group


def expand(
    project: Project,
    run_numbers: Mapping[ReplicaKey, int] | None = None,
    kept: Mapping[ReplicaKey, str] | None = None,
) -> tuple[DesiredReplica, ...]:
    """Every replica of a project, in the order of the manifest: specs, combinations as listed, then replicas.

    Args:
        project: a project that passed the linter.
        run_numbers: the run number of a replica, from the state; 0 if absent.
        kept: the recorded work digests of replicas that never run again. Dependents are linked to these digests.

    Raises:
        SkahaApplyError: if `needs` names an entry that does not exist, or if dependencies run in a circle.
    """
    return expand_entries(project, Entries(project), run_numbers or {}, kept or {})


def expand_entries(
    project: Project,
    entries: Entries,
    numbers: Mapping[ReplicaKey, int],
    stays: Mapping[ReplicaKey, str],
    archived: Archived | None = None,
) -> tuple[DesiredReplica, ...]:
    """The result of `expand` for the entries of the project, without the archived replicas.

    Raises `ArchiveNeeded` if an archived replica is not done as the project asks.
    """
    made: dict[int, list[DesiredReplica]] = {}  # by the identity of the spec
    links: dict[str, str] = {}
    joined: dict[Group, str] = {}
    spec_digests = SpecDigests()
    needed_keys = {key for entry in entries.by_key.values() for key in entry.needs}
    for entry in entries.in_order_of_need():
        for spec in entry.specs:
            needed = _links(spec, entries, links, joined) if spec.needs else ()
            works = spec_digests.work(spec, needed)
            replicas: Iterable[int] = range(1, spec.replicas + 1)
            if archived is not None:
                archived.check(spec, works)
                replicas = archived.others(spec)
            found = made[id(spec)] = _replicas(spec, needed, numbers, (works, spec_digests.run(spec)), replicas)
            if entry.key in needed_keys:
                links[spec.key] = _link(spec, found, works, stays)
    return tuple(chain.from_iterable(map(made.__getitem__, map(id, project.sessions))))


def _link(
    spec: SessionSpec, replicas: list[DesiredReplica], works: PartialDigest, stays: Mapping[ReplicaKey, str]
) -> str:
    """What links dependents to a spec. Replicas of the spec that are not in `replicas` are in their first run."""
    parts = [[one.replica, stays.get(one.key, one.work), one.run_number] for one in replicas]
    if len(parts) < spec.replicas:
        known = {one.replica for one in replicas}
        others = (replica for replica in range(1, spec.replicas + 1) if replica not in known)
        parts = sorted([*parts, *([replica, works.digest(str(replica)), 0] for replica in others)])
    return digest(parts)


def _links(spec: SessionSpec, entries: Entries, links: Mapping[str, str], joined: dict[Group, str]) -> tuple[str, ...]:
    """The links to the dependencies of a combination, one for each entry, without their names.

    The links of several combinations are sorted and joined to one link. So their names, their order and the names of
    axes have no effect, and a rename in manifest and state reruns nothing. A single combination is its own link, also
    if its entry has a matrix. An entry with an empty list, or without an agreeing combination, has no link.
    """
    found = []
    for _, group in entries.needed(spec):
        if group is None or not group.specs:
            continue
        if group not in joined:
            parts = sorted(links[one.key] for one in group.specs)
            joined[group] = parts[0] if len(parts) == 1 else digest(parts)
        found.append(joined[group])
    return tuple(sorted(found))


def create_request(
    desired: DesiredReplica,
    project: str,
    attempt: int,
    secrets: Mapping[str, str] | None = None,
    tags: RunTags | None = None,
) -> CreateRequest:
    """The request that creates one replica, with the environment variables that name its share of the work.

    `tags` makes the requests of many replicas of one spec cheap. Only this function fills in sensitive values and the
    replica ID on the way to the server.

    For interactive kinds the server ignores cmd, args and env without an error [PostAction.getHeadlessImageBundle], so
    their request has none.
    """
    spec = as_requested(desired.spec, ram_of(desired.spec, attempt)).filled(desired.replica, secrets or {})
    if spec.kind.interactive:
        return CreateRequest(spec.model_copy(update={"name": desired.name, **_unset(spec)}))
    environment = {
        **spec.env,
        "REPLICA_ID": str(desired.replica),
        "REPLICA_COUNT": str(spec.replicas),
        "SKAHA_APPLY_PROJECT": project,
        "SKAHA_APPLY_RUN": run_tag(desired) if tags is None else tags.tag(desired),
        "SKAHA_APPLY_ATTEMPT": str(attempt),
    }
    return CreateRequest(spec.model_copy(update={"name": desired.name, "env": environment}))


def run_tag(desired: DesiredReplica) -> str:
    """The value of SKAHA_APPLY_RUN: equal for all replicas of a spec with one run number, and for every retry."""
    return digests.run_tag(work_content(desired.spec), desired.links, desired.run_number)


class RunTags:
    """The run tags of replicas, each computed once; all replicas of a spec share one."""

    def __init__(self) -> None:
        # By identity, which is that of the spec as long as it is kept here.
        self._known: dict[tuple[int, tuple[str, ...], int], tuple[SessionSpec, str]] = {}

    def tag(self, desired: DesiredReplica) -> str:
        """See `run_tag`."""
        key = (id(desired.spec), desired.links, desired.run_number)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = desired.spec, run_tag(desired)
        return known[1]


def _unset(spec: SessionSpec) -> dict[str, Any]:
    """The defaults of the fields that the server reads for headless sessions only."""
    roles = field_roles(type(spec))
    return {name: roles[name].default for name in headless_only(type(spec))}


def _replicas(
    spec: SessionSpec,
    links: tuple[str, ...],
    numbers: Mapping[ReplicaKey, int],
    digests: tuple[PartialDigest, PartialDigest],
    replicas: Iterable[int],
) -> list[DesiredReplica]:
    works, runs = digests
    work_digest = works.only_digest if spec.replicas == 1 else works.digest
    return [
        DesiredReplica(
            spec,
            replica,
            spec.live_name(replica),
            work := work_digest(str(replica)),
            runs.digest(f'"{work}"'),
            numbers.get((spec.key, replica), 0) if numbers else 0,
            links,
        )
        for replica in replicas
    ]
