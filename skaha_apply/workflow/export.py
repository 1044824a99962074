"""`export`: the live sessions as a manifest, so that you can adopt sessions that another tool started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply import lint
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate import from_sessions
from skaha_apply.manifest.generate.yaml_writer import Remarks, dump
from skaha_apply.model.counts import first_names
from skaha_apply.model.diagnostics import Location, Severity
from skaha_apply.model.errors import StateError
from skaha_apply.model.project import Project
from skaha_apply.state.paths import state_path
from skaha_apply.state.stores import open_store
from skaha_apply.workflow.setup.context import open_context
from skaha_apply.workflow.setup.load import load_leniently

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.manifest.generate.from_sessions import ExportedEntries, SessionFilter
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.workflow.setup.context import Context, StateLocation
    from skaha_apply.workflow.setup.settings import Settings

DEFAULT_PROJECT = "exported"
MOST_REMARKS = 20
NEXT_STEPS = (
    "The server reports neither cmd, args and env nor REPLICA_COUNT (replicas). Add them before you adopt: an adopted",
    "session counts as created from this text, and is replaced if the text changes later. Then:",
    "  skaha-apply plan --adopt",
    "  skaha-apply apply --adopt",
)


@dataclass(frozen=True)
class Exported:
    """The text of the manifest, and notes about it."""

    text: str
    notes: tuple[str, ...]


async def export(setting: Settings, session_filter: SessionFilter) -> Exported:
    """The selected sessions of the account, as a manifest of the project of the setting. Nothing is changed.

    Raises:
        UsageError: the name of the project is wrong, or a pattern matches no session.
        ServerError: the server cannot be used.
    """
    project = setting.project or DEFAULT_PROJECT
    from_sessions.check_project(project)
    async with open_context(setting) as context:
        listing = await context.client.sessions()
        found = from_sessions.entries(listing, session_filter)
        refused = await _refused(context, found)
        owners = await session_owners(context.location)
    owned = _owned(found, owners)
    remarks = Remarks(
        head=tuple(_head(found, context.location, listing.account)),
        sessions={
            spec.name: [*found.remarks.get(spec.name, ()), *refused.get(spec.name, ()), *owned.get(spec.name, ())]
            for spec in found.sessions
        },
        within=found.within,
    )
    return Exported(dump(project, found.sessions, remarks), tuple(_notes(found, owned, listed=len(listing.sessions))))


async def _refused(context: Context, found: ExportedEntries) -> Mapping[str, list[str]]:
    """What the server would refuse now, by session: an image that left its list, an amount that it no longer offers."""
    if not found.sessions:
        return {}
    offer = await context.client.offer()
    private = frozenset(spec.image for spec in found.sessions if context.client.private(spec.image))
    locations = {f"sessions[{index}]": Location("", index + 1) for index in range(len(found.sessions))}
    judged = Project("", tuple(found.sessions), locations=locations)
    remarks: dict[str, list[str]] = {}
    for one in lint.check([judged], online=lint.Online(offer, private)):
        if one.severity is Severity.ERROR:
            remarks.setdefault(one.session, []).append(
                f"The server would refuse a new session like this: {one.summary} [{one.rule}]."
            )
    return remarks


async def session_owners(location: StateLocation) -> Mapping[str, str]:
    """The projects that own sessions already, by session ID. Only projects with a state in this place are known."""
    return {one: project for one, (project, _) in (await owning_records(location)).items()}


async def owning_records(location: StateLocation) -> Mapping[str, tuple[str, ReplicaRecord]]:
    """The project and the record of each owned session, by session ID; the states are those of `session_owners`."""
    owners: dict[str, tuple[str, ReplicaRecord]] = {}
    homes = {home for project in load_leniently(location.setting) for home in project.homes}
    folders = {state_path(Path(home), location.folder, "any").parent for home in (str(location.root), *homes)}
    for path in sorted(path for folder in folders for path in folder.glob("*.state.json")):
        try:
            document = await open_store(None, path, {}).read()
        except StateError:
            continue  # the commands that work on that project report what is wrong with it
        if document is not None and document.server == location.server:
            owners.update((record.id, (document.project, record)) for record in document.replicas if record.id)
    return owners


def _owned(found: ExportedEntries, owners: Mapping[str, str]) -> Mapping[str, list[str]]:
    owned = {}
    for name, ids in found.ids.items():
        if projects := sorted({owners[one] for one in ids if one in owners}):
            owned[name] = [
                f"Owned by the project {', '.join(projects)} already; do not adopt a session into two projects."
            ]
    return owned


def _head(found: ExportedEntries, location: StateLocation, account: str | None) -> Iterable[str]:
    yield f"Sessions of {account or 'this account'} on {location.server}, by `skaha-apply export`."
    if found.sessions:
        yield from NEXT_STEPS
    if found.left_out:
        yield "Left out:"
        yield from (f"  {one}" for one in found.left_out[:MOST_REMARKS])
        if len(found.left_out) > MOST_REMARKS:
            yield f"  and {len(found.left_out) - MOST_REMARKS} more"


def _notes(found: ExportedEntries, owned: Mapping[str, list[str]], *, listed: int) -> Iterable[str]:
    if not listed:
        yield "no session is live; the manifest has no sessions"
    elif not found.sessions:
        none = (
            "the only listed session does not match" if listed == 1 else f"none of the {listed} listed sessions matches"
        )
        yield f"{none}; the manifest has no sessions"
    if found.over:
        yield f"sessions left out, because they ended or are being deleted: {found.over} (--all includes them)"
    if found.left_out:
        count = f"{len(found.left_out)}; the comment at the top gives the reasons"
        yield f"sessions left out, because no manifest can describe them: {count}"
    if owned:
        names = first_names(list(owned), from_sessions.MOST_NAMED)
        yield f"owned by a project already: {names}; do not adopt a session into two projects"
