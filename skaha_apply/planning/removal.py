"""What the state holds beyond the manifest: replicas that are no longer asked for, and doubles of our own creates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skaha_apply.model.plan import Action, ActionKind, Victim

if TYPE_CHECKING:
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import Project, ReplicaKey, SessionSpec
    from skaha_apply.model.state import Doubt, Intent, ReplicaRecord
    from skaha_apply.planning.book import Book
    from skaha_apply.planning.options import Facts


@dataclass(frozen=True)
class Owned:
    """A replica that the state knows and the manifest does not ask for."""

    book: Book
    facts: Facts
    key: ReplicaKey

    @property
    def burying(self) -> bool:
        """Whether its session is being deleted and still to be seen; its pod may linger behind that."""
        return any(self.facts.seen.session(tomb.id) for tomb in self.book.burying(self.key))

    @property
    def entry(self) -> ReplicaRecord | Intent:
        """Its record, or the intent that is all there is of it."""
        return self.book.records.get(self.key) or self.book.intents[self.key]

    @property
    def spec(self) -> SessionSpec:
        """The spec it was made from."""
        return self.book.specs[self.entry.spec]

    def action(self, kind: ActionKind, reason: str, victims: tuple[Victim, ...] = ()) -> Action:
        """An action about it."""
        record = self.book.records.get(self.key)
        return Action(
            kind=kind,
            session=self.spec.name,
            replica=self.key[1],
            replicas=self.spec.replicas,
            name=self.entry.name,
            reason=reason,
            group=self.spec.group,
            id=record.id if record else None,
            record=record,
            victims=victims,
        )


def removed(owned: Owned, project: Project) -> Action:
    """The action for what the state owns and the manifest no longer asks for.

    What came from standard input (`-`) has no folder that could be loaded without it.
    """
    if owned.spec.file not in project.files:
        if owned.spec.file in owned.facts.present:
            return owned.action(ActionKind.NOT_LOADED, f"its manifest {owned.spec.file} was not loaded")
        if not any(_inside(owned.spec.file, folder) for folder in project.folders):
            reason = f"its manifest {owned.spec.file} is gone, and its folder was not loaded"
            return owned.action(ActionKind.NOT_LOADED, reason)
    return replace(_let_go(owned, "no longer in the manifest", project), unloved=True)


def destroyed(owned: Owned, project: Project) -> Action:
    """The action for one owned replica when everything is to be destroyed."""
    return _let_go(owned, "destroy", project)


def _let_go(owned: Owned, reason: str, project: Project) -> Action:
    book, key = owned.book, owned.key
    if key in book.intents:
        return owned.action(ActionKind.WAIT, "an earlier create has had no clear answer; a later list decides")
    if owned.burying:
        return owned.action(ActionKind.WAIT, "its session is being deleted")
    record = book.records[key]
    if not record.phase.active or record.id is None:
        return owned.action(ActionKind.RETIRED, f"{reason}; ended, its memory is kept")
    if owned.spec.protect or any(spec.protect and spec.key == key[0] for spec in project.sessions):
        return owned.action(ActionKind.PROTECTED, f"{reason}, but it is protected")
    victims = (Victim(record.id, active=True, why="delete"),)
    return owned.action(ActionKind.DELETE, reason, victims)


def _inside(file: str, folder: str) -> bool:
    if folder in ("", "."):
        return file != "-" and not file.startswith(("/", "../"))
    return file.startswith(folder.rstrip("/") + "/")


def surplus(doubt: Doubt, session: LiveSession, book: Book) -> Action:
    """Delete a double that our own unsure create made."""
    reason = "a double that an earlier create without an answer left behind"
    return _needless(doubt, session, book, reason)


def leftover(record: ReplicaRecord, session: LiveSession, book: Book) -> Action:
    """Delete an earlier session of a replica that has a later one."""
    return _needless(record, session, book, "an earlier session of it that was taken for gone")


def _needless(entry: Doubt | ReplicaRecord, session: LiveSession, book: Book, reason: str) -> Action:
    spec = book.specs[entry.spec]
    return Action(
        kind=ActionKind.DELETE,
        session=spec.name,
        replica=entry.replica,
        replicas=spec.replicas,
        name=entry.name,
        reason=reason,
        group=spec.group,
        id=session.id,
        record=book.records.get(entry.key),
        victims=(Victim(session.id, active=session.phase.active, why="surplus"),),
    )
