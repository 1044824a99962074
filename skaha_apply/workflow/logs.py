"""The log or the events of replicas: from the server while it has them, else the saved copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.apply.keep import label
from skaha_apply.model.errors import ServerError, UsageError
from skaha_apply.model.secrets import masked
from skaha_apply.planning.options import matches
from skaha_apply.workflow.binding import check_store

if TYPE_CHECKING:
    from skaha_apply.model.spec import Project
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.workflow.world import World


@dataclass(frozen=True)
class LogText:
    """One replica's text; `source` says where it is from: `server`, or the path of the saved copy."""

    name: str
    replica: int
    id: str | None
    text: str
    source: str


async def read_logs(world: World, project: Project, pattern: str, *, events: bool = False) -> tuple[LogText, ...]:
    """The logs (or events) of every recorded replica that `NAME[/REPLICAS]` means, the last attempt of each.

    NAME is the session's name in the manifest, or the live name of one replica.

    Raises:
        UsageError: when nothing recorded is meant.
        StateError: when the state cannot be read.
    """
    check_store(world.place, project)
    document = await world.place.store(project.name).read()
    records = document.replicas if document else ()
    specs = document.specs if document else {}
    meant = [one for one in records if _means(pattern, one, specs[one.spec].name if one.spec in specs else one.session)]
    if not meant:
        known = ", ".join(sorted({record.session for record in records})) or "nothing"
        raise UsageError(
            f"{pattern!r} means no replica that the state of project {project.name!r} knows",
            hint=f"It knows: {known}.",
        )
    return tuple([await _text(world, project, record, events=events) for record in meant])


def _means(pattern: str, record: ReplicaRecord, session: str) -> bool:
    try:
        return matches(pattern, session, record.replica) or record.name == pattern.lower()
    except ValueError as error:
        raise UsageError(str(error)) from error


async def _text(world: World, project: Project, record: ReplicaRecord, *, events: bool) -> LogText:
    live = await _live(world, record, events=events)
    if live:
        return LogText(record.name, record.replica, record.id, masked(live, project.secrets), "server")
    logs = world.place.logs(project.name)
    saved = logs.read(record.name, label(record))
    text = masked((saved[1] if events else saved[0]) if saved else "", project.secrets)
    source = str(logs.path(record.name, label(record))) if text else "server"
    return LogText(record.name, record.replica, record.id, text, source)


async def _live(world: World, record: ReplicaRecord, *, events: bool) -> str:
    """The server's text; "" when the session is gone, or the server cannot be asked."""
    if record.id is None:
        return ""
    try:
        return (await world.client.events(record.id) or "") if events else await world.client.logs(record.id)
    except ServerError:
        return ""
