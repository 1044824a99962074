"""The requests of clients, so that a test can prove that the second apply sent no POST."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass

_KEPT = 20_000


@dataclass
class LoggedRequest:
    """One request to a Skaha route.

    `at` is the time of the sandbox's clock, `seconds` the time until the response. `status` is None if no response was
    sent. `query` and `body` are pairs of name and value as sent.
    """

    number: int
    method: str
    path: str
    route: str
    at: float
    query: list[tuple[str, str]]
    body: list[tuple[str, str]]
    userid: str | None = None
    status: int | None = None
    fault: str = ""
    seconds: float = 0.0
    session: str | None = None


class RequestLog:
    """Counts by method and route, and the last 20,000 requests in full."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Delete all requests and counts."""
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._entries: deque[LoggedRequest] = deque(maxlen=_KEPT)
        self._total = 0
        self._in_flight = 0
        self._most_in_flight = 0

    def begin(self, entry: LoggedRequest) -> None:
        """Count a request that has been read."""
        self._total += 1
        entry.number = self._total
        self._counts[f"{entry.method} {entry.route}"] += 1
        self._entries.append(entry)
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)

    def end(self, entry: LoggedRequest) -> None:
        """Count the status of a request that has ended."""
        self._statuses[str(entry.status)] += 1
        self._in_flight = max(0, self._in_flight - 1)

    def document(self, last: int) -> dict[str, object]:
        """Return the counts and the `last` requests."""
        entries = list(self._entries)[-last:] if last > 0 else []
        return {
            "total": self._total,
            "counts": dict(self._counts),
            "statuses": dict(self._statuses),
            "most_in_flight": self._most_in_flight,
            "requests": [asdict(entry) for entry in entries],
        }
