"""The times at which each replica waited, ran and ended: the data of the picture of a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SegmentKind(StrEnum):
    """The activity of a replica in a segment; a run that ended is named by its end."""

    WAITING = "waiting"  # accepted, not started
    RUNNING = "running"  # not ended yet
    DONE = "done"
    UNKNOWN = "unknown"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of one attempt. Times are Unix seconds by the server's clock, `end` is not before `begin`.

    `observed_until` is the time of the last listing that showed the session in this state, None if that time is its
    end. Otherwise the session ended between `observed_until` and `end`, at a time that no listing showed.
    """

    kind: SegmentKind
    begin: float
    end: float
    observed_until: float | None = None

    @property
    def observed_end(self) -> float:
        """The end of the observed part."""
        return self.end if self.observed_until is None else self.observed_until


@dataclass(frozen=True, slots=True)
class Lane:
    """One replica: its live name, the name of its entry in the manifest, and its attempts in their order."""

    name: str
    entry: str
    segments: tuple[Segment, ...]
    attempts: int = 1

    @property
    def begin(self) -> float:
        """The time at which its first create was accepted."""
        return self.segments[0].begin


@dataclass(frozen=True)
class Timeline:
    """One project at the time `at`: a lane for each replica with an accepted create."""

    project: str
    lanes: tuple[Lane, ...]
    at: float
