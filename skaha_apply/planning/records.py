"""The records of a state by key, with groups of them and the order of their changes.

A wait makes many passes over a state in which most replicas are done. A pass reads the open replicas and what changed
since the last pass, and does not look at the other records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from skaha_apply.model.masking.session_ids import is_hidden
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord

_FINAL = frozenset({Phase.DONE, Phase.FAILED, Phase.HELD})  # no listing changes a replica in such a phase


def is_open(record: ReplicaRecord) -> bool:
    """Whether a listing can change the record."""
    return record.phase not in _FINAL


def is_done(record: ReplicaRecord) -> bool:
    """Whether the replica has succeeded, or counts so."""
    return record.phase is Phase.DONE


def lacks_log(record: ReplicaRecord) -> bool:
    """Whether the session has ended and its log is not saved."""
    return not record.logged and record.phase.ended


def has_past(record: ReplicaRecord) -> bool:
    """Whether the replica had earlier sessions."""
    return bool(record.past)


def has_hidden_id(record: ReplicaRecord) -> bool:
    """Whether a digest stands for the ID of its session, or of an earlier one."""
    own = record.id is not None and is_hidden(record.id)
    return own or (bool(record.past) and any(map(is_hidden, record.past)))


def has_run_number(record: ReplicaRecord) -> bool:
    """Whether the replica ran again on request."""
    return record.run_number != 0


class Records(dict["ReplicaKey", "ReplicaRecord"]):
    """The records by key. A group is built at its first use, and follows each change after that.

    `revision` grows with each change, `key_revision` only when a key is added or removed.
    """

    def __init__(self, records: Iterable[ReplicaRecord] = ()) -> None:
        super().__init__({record.key: record for record in records})
        self.revision = 0
        self.key_revision = 0
        self._changed: dict[ReplicaKey, int] = {}  # the revision of the last change; the latest change comes last
        self._groups: dict[Callable[[ReplicaRecord], bool], dict[ReplicaKey, ReplicaRecord]] = {}

    def group(self, belongs: Callable[[ReplicaRecord], bool]) -> Mapping[ReplicaKey, ReplicaRecord]:
        """The records for which a function of this module is true, in no order. The result changes with the records."""
        if belongs not in self._groups:
            self._groups[belongs] = {key: record for key, record in self.items() if belongs(record)}
        return self._groups[belongs]

    def changed_since(self, revision: int) -> Iterator[ReplicaKey]:
        """The keys of records that were set or removed after a revision, the latest first."""
        for key in reversed(self._changed):
            if self._changed[key] <= revision:
                return
            yield key

    def __setitem__(self, key: ReplicaKey, record: ReplicaRecord) -> None:
        """Set a record."""
        self.key_revision += key not in self
        super().__setitem__(key, record)
        self._follow(key, record)

    def __delitem__(self, key: ReplicaKey) -> None:
        """Remove a record."""
        super().__delitem__(key)
        self.key_revision += 1
        self._follow(key, None)

    def pop(self, key: ReplicaKey, default: Any = None) -> Any:
        """Remove a record and return it, or `default`."""
        record = self.get(key, default)
        if key in self:
            del self[key]
        return record

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("records are set and removed one by one")

    clear = popitem = setdefault = update = __ior__ = _refuse  # they would bypass the groups

    def _follow(self, key: ReplicaKey, record: ReplicaRecord | None) -> None:
        """Note a change, and move the record between the groups."""
        self.revision += 1
        self._changed.pop(key, None)
        self._changed[key] = self.revision
        for belongs, members in self._groups.items():
            if record is not None and belongs(record):
                members[key] = record
            else:
                members.pop(key, None)
