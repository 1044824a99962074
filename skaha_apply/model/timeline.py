"""When each replica waited, ran and ended: what a picture of a run is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SegmentKind(StrEnum):
    """What a replica did for a while; a time of running is named by how it ended."""

    WAITING = "waiting"  # accepted, not started
    RUNNING = "running"  # and still does
    DONE = "done"
    UNKNOWN = "unknown"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of one attempt; times are Unix seconds by the server's clock, `end` is not before `begin`.

    `observed_until` is the time of the last listing that showed the session in this state, None if that time is its
    end. Otherwise the session ended between `observed_until` and `end`, at a time that no listing showed.
    """

    kind: SegmentKind
    begin: float
    end: float
    observed_until: float | None = None

    @property
    def observed_end(self) -> float:
        """The end of the part that was observed."""
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
        """When it was first accepted."""
        return self.segments[0].begin


@dataclass(frozen=True)
class Timeline:
    """One project, as seen at `at`: a lane for each replica that the server ever accepted."""

    project: str
    lanes: tuple[Lane, ...]
    at: float
