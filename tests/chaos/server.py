"""A Skaha server in memory that records everything, and the faults between it and its clients.

It follows the behavior of the server and shares no code with the sandbox, so that one mistake cannot hide another.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
from collections import Counter
from dataclasses import dataclass, field, fields
from email.utils import formatdate
from urllib.parse import parse_qsl

import httpx
from virtual import EPOCH

TTL = 3600.0
LIFE = 345600.0  # seconds that an interactive session is granted, and that each renewal grants again
IMAGES = ("images.canfar.net/skaha/astroml:24.07", "images.canfar.net/skaha/base:1.0")
GIB_IN_GB = 1.073741824
_HTML = b"<html><head><title>One moment</title></head><body>Please wait.</body></html>"


@dataclass(frozen=True)
class Weather:
    """How likely it is that a request suffers, by kind; and for how long things take. Times are seconds.

    `late` is how long after a dropped connection its request may still take effect; with `list_lag` it has to stay
    below the settle time of the client, or duplicate sessions are the fault of the server.
    """

    drop_before: float = 0.0
    drop_after: float = 0.0
    refuse_connection: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    busy: float = 0.0
    busy_asking: float = 0.0
    gateway_before: float = 0.0
    gateway_after: float = 0.0
    too_many: float = 0.0
    html_before: float = 0.0
    html_after: float = 0.0
    redirect_before: float = 0.0
    redirect_after: float = 0.0
    hang_before: float = 0.0
    hang_after: float = 0.0
    torn_after: float = 0.0  # the connection ends within the response
    cut_json: float = 0.0
    delete_without_effect: float = 0.0
    no_date: float = 0.0
    odd_entry: float = 0.0
    latency: tuple[float, float] = (0.01, 0.01)
    slow: float = 0.0  # share of requests that take `slow_latency`
    slow_latency: tuple[float, float] = (1.0, 60.0)
    late: float = 0.0
    overdue: float = 0.0  # share of those that take effect when no client waits for it any more
    list_lag: float = 0.0
    gone_lag: float = 0.0
    empty_lists: int = 0
    linger: tuple[float, float] = (0.0, 2.0)
    set_back: tuple[float, float] = (math.inf, 0.0)  # when the clock of the server is set back, and by how much

    @property
    def rates(self):
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.type == "float"
            and one.name not in ("late", "overdue", "list_lag", "gone_lag", "slow", "odd_entry", "no_date")
        }


CALM = Weather()


@dataclass
class Job:
    """One session that was ever created. Times are virtual seconds; `runs` is how long it computes."""

    id: str
    name: str
    kind: str
    image: str
    form: dict
    env: dict
    created: float
    queue: float = 1.0
    runs: float = math.inf
    fails: bool = False
    listed: float = 0.0
    is_unmanaged: bool = False
    deleted: float = math.inf
    unlisted: float = math.inf
    linger: float = 0.0
    by: str = ""  # what happened to the request that made it
    renewals: list = field(default_factory=list)  # when each took effect, and what happened to its request
    late: bool = False  # made, or only listed, longer after its client timed out than any client can wait

    @property
    def started(self):
        """When its pod ran, infinite when it was deleted before."""
        begun = self.created + self.queue
        return begun if begun < self.deleted else math.inf

    @property
    def ended(self):
        end = self.started + self.runs
        return end if end <= self.deleted else math.inf

    @property
    def pod_until(self):
        return min(self.started + self.runs, self.deleted + self.linger) if self.started < math.inf else self.deleted

    @property
    def succeeded(self):
        return self.ended < math.inf and not self.fails

    @property
    def deadline(self):
        """When it ends unless it is renewed; the judge sees to it that this never comes about."""
        return max(self.started, *(at for at, _ in self.renewals)) + LIFE if self.renewals else self.started + LIFE

    def exists(self, now):
        return self.created <= now < min(self.deleted, self.expires)

    @property
    def expires(self):
        return math.inf if self.is_unmanaged else self.ended + TTL

    def active(self, now):
        return self.exists(now) and now < self.ended

    def status(self, now):
        if now >= self.ended:
            return "Failed" if self.fails else "Completed"
        return "Running" if now >= self.started else "Pending"

    def document(self, now):
        cores, ram = self.form.get("cores"), self.form.get("ram")
        shown = {
            "id": self.id,
            "userid": "astronomer",
            "image": self.image,
            "type": self.kind,
            "status": self.status(min(now, self.deleted)),
            "name": self.name,
            "startTime": _time(self.started) if now >= self.started else None,
            "expiryTime": _time(self.deadline) if now >= self.started else None,
            "connectURL": "" if self.kind == "headless" else f"https://ws.example.org/session/{self.id}",
            "requestedRAM": f"{float(ram) * GIB_IN_GB:.2f}" if ram else None,
            "requestedCPUCores": f"{float(cores or 1):g}" if ram else None,
            "requestedGPUCores": "0",
            "isFixedResources": bool(ram),
        }
        return {name: value for name, value in shown.items() if value is not None}


@dataclass
class _Ticket:
    """A request on its way into the server, which acts on it whatever becomes of the client."""

    method: str
    path: str
    query: dict
    form: list
    effect: bool = True
    fault: str = ""
    answer: tuple | None = None
    at: float = 0.0
    abandoned: float = math.inf


@dataclass
class Server:
    """The server and its faults; `plan` returns for a form how long its job queues and computes, and if it fails."""

    timeline: object
    random: object
    plan: object = lambda form: (1.0, 60.0, False)
    weather: Weather = CALM
    jobs: dict = field(default_factory=dict)
    struck: Counter = field(default_factory=Counter)
    served: Counter = field(default_factory=Counter)
    deletes: list = field(default_factory=list)
    renewed: list = field(default_factory=list)
    trace: list = field(default_factory=list)
    settle: float = 5.0
    max_interactive: int = 50
    refusal: tuple | None = None  # the response to each create, if the server refuses all of them

    def __post_init__(self):
        self._pending = []
        self._numbers = itertools.count()
        self._empty_left = 0

    @property
    def now(self):
        return self.timeline.now

    def change_weather(self, weather):
        self.weather = weather
        self._empty_left = weather.empty_lists

    def add_unmanaged_session(self, name, **changes):
        """Add a session that somebody else started in the same account."""
        job = self._job({"name": name, "image": IMAGES[0], "type": "headless", "cores": "1", "ram": "1"}, [], -100.0)
        job.is_unmanaged, job.listed, job.queue, job.runs = True, -100.0, 1.0, math.inf
        for key, value in changes.items():
            setattr(job, key, value)
        return job

    # -- the wire

    async def exchange(self, request, sleep, begun):
        """One request over this weather; `sleep` lets time pass for the client. Raises what httpx raises.

        `begun` gets the ticket, so that the end of a client can be timed by it.
        """
        ticket = _ticket(request)
        begun(ticket)
        try:
            return await self._exchange(ticket, sleep)
        except BaseException:
            ticket.abandoned = min(ticket.abandoned, self.now)
            raise

    async def _exchange(self, ticket, sleep):
        weather = self.weather
        fault = self._fault(ticket)
        latency = self._latency()
        if fault:
            self.struck[fault] += 1
        self.served[ticket.method] += 1
        ticket.fault = fault
        if fault == "refuse_connection":
            await sleep(latency)
            self._note(ticket, "connection refused")
            raise httpx.ConnectError("connection refused")
        ticket.effect = not fault.endswith("_before") and fault not in ("busy", "busy_asking", "too_many")
        if fault == "delete_without_effect":
            ticket.effect = False
        share = self.random.random()
        arrival = self.now + latency * share
        late = fault in ("drop_after", "hang_after") and weather.late and self.random.random() < 0.5
        if late:
            arrival += self.random.uniform(0, weather.late)
            arrival += self.random.uniform(5, 50) if self.random.random() < weather.overdue else 0.0
        heapq.heappush(self._pending, (arrival, next(self._numbers), ticket))
        await sleep(latency * share)
        self._advance(self.now)
        if fault.startswith("hang"):
            self._note(ticket, "hangs")
            await sleep(1e6)
        if fault.startswith("drop"):
            await sleep(latency * (1 - share) * self.random.random())
            self._advance(self.now)
            self._note(ticket, "dropped")
            raise self.random.choice((httpx.ReadError, httpx.RemoteProtocolError))("the connection was lost")
        if not late:
            await sleep(latency * (1 - share))
            self._advance(self.now)
        return self._response(ticket, fault)

    def _fault(self, ticket):
        if self._empty_left and ticket.method == "GET" and ticket.path == "session" and self.random.random() < 0.3:
            self._empty_left -= 1
            return "empty_list"
        point = self.random.random()
        for kind, rate in self.weather.rates.items():
            if kind == "delete_without_effect" and ticket.method != "DELETE":
                continue
            if kind == "cut_json" and ticket.method != "GET":
                continue
            if point < rate:
                return kind
            point -= rate
        return ""

    def _latency(self):
        weather = self.weather
        slow = weather.slow and self.random.random() < weather.slow
        return self.random.uniform(*(weather.slow_latency if slow else weather.latency))

    def _set_back_by(self, at):
        since, seconds = self.weather.set_back
        return seconds if at >= since else 0.0

    def _response(self, ticket, fault):
        status, body, kind = ticket.answer
        headers = {"content-type": kind}
        if self.random.random() >= self.weather.no_date:
            headers["date"] = formatdate(EPOCH + ticket.at - self._set_back_by(ticket.at), usegmt=True)
        made = self._MISANSWERS.get(fault.removesuffix("_before").removesuffix("_after"))
        if made is not None and not (fault == "cut_json" and status != 200):
            status, body, more = made(self.random, ticket, body)
            headers.update(more)
        self._note(ticket, f"{status} {body[:40]!r}" if ticket.method != "GET" else f"{status}")
        if fault == "torn_after":
            return httpx.Response(status, headers=headers, stream=_Torn(body))
        return httpx.Response(status, headers=headers, content=body)

    # What stands in the place of the server's own answer: status, body and headers.
    _MISANSWERS = {  # noqa: RUF012 - never changed
        "error": lambda *_: (500, b"unexpected exception: java.lang.IllegalStateException: try again", {}),
        "busy": lambda _, ticket, __: (503, f"temporarily unavailable: /{ticket.path}\n".encode(), {}),
        "busy_asking": lambda random, ticket, _: (
            503,
            f"temporarily unavailable: /{ticket.path}\n".encode(),
            {"retry-after": str(random.choice((1, 2, 7, 30)))},
        ),
        "too_many": lambda random, *_: (429, b"slow down\n", random.choice(({}, {"retry-after": "3"}))),
        "gateway": lambda random, *_: (random.choice((502, 503, 504)), _HTML, {"content-type": "text/html"}),
        "html": lambda *_: (200, _HTML, {"content-type": "text/html; charset=utf-8"}),
        "redirect": lambda random, *_: (random.choice((302, 303)), b"", {"location": "https://login.example.org/"}),
        "cut_json": lambda random, _, body: (200, body[: random.randrange(len(body))] if body else b"", {}),
        "empty_list": lambda *_: (200, b"[]", {}),
    }

    def _note(self, ticket, ended):
        who = dict(ticket.form).get("name", "")
        what = f"{ticket.method} /{ticket.path} {who}{ticket.query or ''}"
        self.trace.append(f"{self.now:10.2f} {what:60} {ticket.fault or '-':20} {ended}")

    # -- the effects

    def _advance(self, now):
        while self._pending and self._pending[0][0] <= now:
            at, _, ticket = heapq.heappop(self._pending)
            ticket.at = at
            ticket.answer = self._act(ticket, at)

    def _act(self, ticket, at):
        if not ticket.effect:
            return 200, b"", "text/plain"
        parts = ticket.path.split("/")
        if parts[0] == "session":
            if ticket.method == "POST":
                return self._renew(parts[1], ticket, at) if len(parts) > 1 else self._create(ticket, at)
            if ticket.method == "DELETE":
                return self._delete(parts[1], at)
            return self._show(parts[1], ticket.query, at) if len(parts) > 1 else self._list(at)
        return 200, json.dumps(self._offer()[parts[0]]).encode(), "application/json"

    def _offer(self):
        return {
            "context": {
                "cores": {"defaultRequest": 1, "options": [1, 2, 4, 8]},
                "memoryGB": {"defaultRequest": 4, "options": [1, 2, 4, 8, 16, 32]},
                "gpus": {"options": [1, 2]},
                "maxInteractiveSessions": str(self.max_interactive),
            },
            "image": [{"id": image, "types": ["headless", "notebook"], "digest": "sha256:0"} for image in IMAGES],
            "repository": ["images.canfar.net"],
        }

    def _job(self, form, env, at):
        letters = "abcdefghijklmnopqrstuvwxyz"
        number = len(self.jobs)
        tail = "".join(self.random.choice(letters + "0123456789") for _ in range(4))
        identifier = letters[self.random.randrange(26)] + tail + f"{number:03d}"
        queue, runs, fails = self.plan(form)
        weather = self.weather
        lag = self.random.uniform(0, weather.list_lag) if weather.list_lag else 0.0
        kind = form.get("type", "headless").lower()
        job = Job(
            id=identifier,
            name=form["name"].lower(),
            kind=kind,
            image=form["image"],
            form=form,
            env=dict(entry.split("=", 1) for entry in env),
            created=at,
            queue=queue,
            runs=runs if kind == "headless" else math.inf,
            fails=fails,
            listed=at + lag,
        )
        self.jobs[identifier] = job
        return job

    def _create(self, ticket, at):
        if self.refusal is not None:
            return self.refusal
        form = dict(reversed([pair for pair in ticket.form if pair[0] != "env"]))
        env = [value for name, value in ticket.form if name == "env"]
        job = self._job(form, env, at)
        job.by = ticket.fault
        job.late = job.listed >= ticket.abandoned + self.settle
        return 200, f"{job.id}\n".encode(), "text/plain"

    def _delete(self, identifier, at):
        self.deletes.append((at, identifier))
        job = self.jobs.get(identifier)
        if job is not None and job.exists(at):
            weather = self.weather
            job.deleted = at
            job.linger = self.random.uniform(*weather.linger)
            job.unlisted = at + (self.random.uniform(0, weather.gone_lag) if weather.gone_lag else 0.0)
        return 200, b"", "text/plain"

    def _renew(self, identifier, ticket, at):
        self.renewed.append((at, identifier))
        job = self.jobs.get(identifier)
        if job is None or not job.active(at) or at < job.started:
            return 400, b"No active job for user astronomer\n", "text/plain"
        job.renewals.append((at, ticket.fault))
        return 200, b"", "text/plain"

    def _visible(self, job, at):
        return job.listed <= at < min(max(job.deleted, job.unlisted if job.deleted < math.inf else 0), job.expires)

    def _list(self, at):
        entries = [job.document(at) for job in self.jobs.values() if self._visible(job, at)]
        self.random.shuffle(entries)
        for entry in entries:
            if self.weather.odd_entry and self.random.random() < self.weather.odd_entry:
                self._spoil(entry)
        return 200, json.dumps(entries, indent=2).encode(), "application/json"

    def _spoil(self, entry):
        kind = self.random.choice(("status", "no status", "no start", "none", "extra", "name"))
        active = entry["status"] in ("Pending", "Running")
        if kind == "status" and active:
            entry["status"] = self.random.choice(("Suspended", "QUEUED", "Evicted"))
        elif kind == "no status" and active:
            del entry["status"]
        elif kind == "no start":
            entry.pop("startTime", None)
        elif kind == "none":
            entry.update(connectURL="<none>", requestedRAM="<none>", requestedCPUCores="<none>")
        elif kind == "extra":
            entry["quotaClass"] = {"a": [1, None]}
        elif kind == "name" and self.jobs[entry["id"]].is_unmanaged:
            entry["name"] = None

    def _show(self, identifier, query, at):
        job = self.jobs.get(identifier)
        view = query.get("view")
        if view == "logs":
            shown = job is not None and job.created <= at and (at < job.pod_until or job.exists(at))
            return 200, f"log of {identifier}\n".encode() if shown else b"", "text/plain"
        if view == "events":
            alive = job is not None and (job.exists(at) or at < job.pod_until)
            if alive:
                return 200, b"<none>\n", "text/plain"
            return 404, f"session {identifier} not found.\n".encode(), "text/plain"
        if job is None or not self._visible(job, at):
            return 404, f"session {identifier} not found\n".encode(), "text/plain"
        return 200, json.dumps(job.document(at)).encode(), "application/json"


class _Torn(httpx.AsyncByteStream):
    def __init__(self, body):
        self._body = body

    async def __aiter__(self):
        yield self._body[: len(self._body) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class Wire(httpx.AsyncBaseTransport):
    """One client's connection; `gate` is called before and after each request and may never come back."""

    def __init__(self, server, process, sleep):
        self._server, self._process, self._sleep = server, process, sleep

    async def handle_async_request(self, request):
        await self._process.point("request")
        try:
            response = await self._server.exchange(request, self._sleep, self._process.tickets.append)
        finally:
            if self._process.alive:
                await self._process.point("answer")
            else:
                await self._process.silence()
        return response


def _ticket(request):
    path = request.url.path.removeprefix("/skaha/v1/")
    form = parse_qsl(request.content.decode(), keep_blank_values=True) if request.method == "POST" else []
    return _Ticket(request.method, path, dict(request.url.params), form)


def _time(at):
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.fromtimestamp(EPOCH + at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
