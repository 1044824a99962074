"""What a controller shows over HTTP: `/healthz`, and `/metrics` in the text format of Prometheus."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model import __version__
from skaha_apply.model.errors import SkahaApplyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skaha_apply.model.progress.summary import ProjectSummary
    from skaha_apply.model.status import ProjectStatus

MISSING_EXTRA = "metrics require a package that is not installed: pip install 'skaha-apply[metrics]'\n"


@dataclass(eq=False)  # the registry of the client library puts it into a set
class Metrics:
    """The numbers of a controller. Its pass writes them, and the threads of the HTTP server read them.

    The numbers of replicas are those of `skaha-apply status -o json`, from the same value.
    """

    statuses: dict[str, ProjectStatus] = field(default_factory=dict)
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    rounds: Counter[str] = field(default_factory=Counter)
    faults: frozenset[str] = frozenset()
    last_round: float | None = None  # Unix seconds
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: ProjectStatus, applied: Mapping[str, int]) -> None:
        """Take the status of a project after a pass, and count what the pass has done."""
        with self._mutex:
            self.statuses[status.project] = status
            self.actions.update({(status.project, name): count for name, count in applied.items() if count})

    def keep(self, projects: frozenset[str]) -> None:
        """Drop the status of all other projects."""
        with self._mutex:
            self.statuses = {name: status for name, status in self.statuses.items() if name in projects}

    def end_round(self, faults: frozenset[str]) -> None:
        """Record that a round has ended, and which faults last."""
        with self._mutex:
            self.faults, self.last_round = faults, time.time()
            self.rounds["fault" if faults else "ok"] += 1

    def health(self) -> dict[str, Any]:
        """The document of `/healthz`."""
        with self._mutex:
            status = "starting" if self.last_round is None else "fault" if self.faults else "ok"
            return {"status": status, "last_round": self.last_round, "faults": sorted(self.faults)}

    def collect(self) -> Iterator[Any]:
        """The metrics, as `prometheus_client` calls it for each request."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 - an extra

        with self._mutex:
            summaries = _summary_metrics(self.statuses)
            actions = CounterMetricFamily(
                "skaha_apply_actions", "Actions that were carried out", labels=["project", "action"]
            )
            for (project, action), count in sorted(self.actions.items()):
                actions.add_metric([project, action], count)
            rounds = CounterMetricFamily("skaha_apply_rounds", "Rounds over all projects", labels=["result"])
            for result in ("ok", "fault"):
                rounds.add_metric([result], self.rounds[result])
            faults = GaugeMetricFamily("skaha_apply_fault", "A fault that lasts", labels=["source"])
            for source in sorted(self.faults):
                faults.add_metric([source], 1)
            last = GaugeMetricFamily("skaha_apply_last_round_timestamp_seconds", "When the last round ended")
            if self.last_round is not None:
                last.add_metric([], self.last_round)
        info = GaugeMetricFamily("skaha_apply_info", "The version of the controller", labels=["version"])
        info.add_metric([__version__], 1)
        yield from (*summaries, actions, rounds, faults, last, info)


def _summary_metrics(statuses: Mapping[str, ProjectStatus]) -> list[Any]:
    """The metrics of the summary of each project."""
    summaries = {name: one.summary for name, one in statuses.items()}
    return [*_numbers_of_replicas(summaries), *_work_and_end(summaries)]


def _gauge(name: str, text: str, *labels: str) -> Any:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an extra

    return GaugeMetricFamily(f"skaha_apply_{name}", text, labels=["project", *labels])


def _numbers_of_replicas(summaries: Mapping[str, ProjectSummary]) -> list[Any]:
    replicas = _gauge("replicas", "Replicas by entry and phase", "entry", "phase")
    progress = _gauge("progress", "Replicas by group: each is in one", "group")
    queue = _gauge("queue", "Queued replicas by what they wait for: each is in one part", "part")
    for project, summary in summaries.items():
        for entry in summary.entries:
            for phase, count in sorted(entry.counts.items()):
                replicas.add_metric([project, entry.name, phase], count)
        for group, count in summary.groups.items():
            progress.add_metric([project, group.value], count)
        for part, count in summary.queue.items():
            queue.add_metric([project, part.value], count)
    return [replicas, progress, queue]


def _work_and_end(summaries: Mapping[str, ProjectSummary]) -> list[Any]:
    shares = _gauge("done_share", "Share of replicas that are done")
    hours = _gauge("core_hours", "Core-hours that are used, lost of them, and to come", "kind")
    ends = _gauge("expected_end_timestamp_seconds", "When nothing will be open any more; absent if it is not known")
    least = _gauge(
        "end_not_before_timestamp_seconds", "The least time of the end while run times of an entry are not known"
    )
    for project, summary in summaries.items():
        if summary.pace.total:
            shares.add_metric([project], summary.pace.done / summary.pace.total)
        for kind in ("used", "lost", "to_come"):
            hours.add_metric([project, kind], getattr(summary.core_hours, kind))
        if summary.expected_end is not None:
            ends.add_metric([project], summary.expected_end.at)
        if summary.not_before is not None:
            least.add_metric([project], summary.not_before)
    return [shares, hours, ends, least]


def serve(metrics: Metrics, host: str, port: int) -> ThreadingHTTPServer:
    """Serve in a thread of its own until `shutdown` is called; port 0 takes a free one.

    Raises:
        SkahaApplyError: the address cannot be used.
    """

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "skaha-apply", ""
        timeout = 10  # seconds that a client can take

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._respond(HTTPStatus.OK, "application/json", json.dumps(metrics.health()).encode())
            elif self.path == "/metrics":
                self._respond(*_exposition(metrics))
            else:
                self._respond(HTTPStatus.NOT_FOUND, "text/plain", b"/healthz and /metrics are served here\n")

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def _respond(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log no request, because a probe comes every few seconds."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise SkahaApplyError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="Give another address, or port 0 for a free port."
        ) from error
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _exposition(metrics: Metrics) -> tuple[HTTPStatus, str, bytes]:
    try:
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest  # noqa: PLC0415
    except ImportError:
        return HTTPStatus.NOT_IMPLEMENTED, "text/plain", MISSING_EXTRA.encode()
    registry = CollectorRegistry()
    registry.register(metrics)
    return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry)
