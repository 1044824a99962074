"""Core time: the time of attempts, each multiplied with the cores of its session.

It is a whole number of core-milliseconds, so that a sum does not depend on the order of its parts: a plan adds up the
replicas that are done once, and another invocation adds up all of them.
"""

from __future__ import annotations

from skaha_apply.lazy_dataclass import dataclass

_CORE_MILLISECONDS = 3_600_000.0  # in a core-hour


@dataclass(frozen=True, slots=True)
class CoreTime:
    """The core-milliseconds of all attempts, of those among them that ended and are not done, and of those done.

    `closely_lost` and `closely_done` are the parts of those attempts whose run times are known closely.
    """

    used: int = 0
    lost: int = 0
    done: int = 0
    closely_lost: int = 0
    closely_done: int = 0

    def __add__(self, other: CoreTime) -> CoreTime:
        """The sum of both."""
        return CoreTime(
            self.used + other.used,
            self.lost + other.lost,
            self.done + other.done,
            self.closely_lost + other.closely_lost,
            self.closely_done + other.closely_done,
        )

    @property
    def lost_for_done(self) -> float:
        """The lost time for each unit of done time; 0.0 if nothing is done.

        It comes from the attempts whose run times are known closely, or from all if none of these is done: an attempt
        that failed in a night without a listing has the whole night as its time.
        """
        if self.closely_done:
            return self.closely_lost / self.closely_done
        return self.lost / self.done if self.done else 0.0


def core_milliseconds(seconds: float, cores: float) -> int:
    """The core time of a session that ran for some seconds."""
    return round(seconds * cores * 1000.0)


def core_hours(milliseconds: int) -> float:
    """Core-milliseconds as core-hours."""
    return milliseconds / _CORE_MILLISECONDS
