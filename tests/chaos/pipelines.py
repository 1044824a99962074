"""Scenarios of batches that fail, hang and pass, under limits, and of notebooks that are renewed; and their checks."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

from judge import overlaps, touched_unmanaged_sessions
from scenario import FILE, Attempt, draw_weather
from server import IMAGES, LIFE

from skaha_apply.model.project import MaxActive, Project
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import SessionSpec

HOUR = 3600.0
PASS, FAIL, HANG = "pass", "fail", "hang"
SLACK = 2.0  # seconds by which startTime, which has no fractions, may be behind


@dataclass(frozen=True)
class Pipeline:
    """What a seed decides in advance; `fates` are the outcomes of the attempts by live name, the last one for good."""

    project: Project
    attempts: tuple[Attempt, ...]
    weather: object
    fates: dict
    unmanaged: int
    computes: float  # seconds


def draw(random):
    """The pipeline of a seeded random number generator."""
    retries = random.choice((0, 1, 2, 3))
    tiles = [f"t{number}" for number in range(random.choice((3, 6, 12)))]
    timeout = random.choice((None, 300.0))
    shared = {
        "kind": Kind.HEADLESS,
        "image": IMAGES[0],
        "cmd": "run",
        "group": "tile-${tile}",
        "file": FILE,
        "retries": retries,
        "retry_wait": random.choice((1.0, 10.0, 120.0)),
        "timeout": timeout,
        "parallelism": random.choice((None, 1, 2, 4)),
        "stop_after": 1000,
    }
    shared["retry_ram"] = random.choice(((), (8,), (8, 16)))
    rams = random.choice(((4,), (4, 8)))
    sessions = [
        SessionSpec(name=f"tile-{tile}", args=(tile,), values={"tile": tile}, ram=random.choice(rams), **shared)
        for tile in tiles
    ]
    if random.random() < 0.5:
        sessions.append(SessionSpec(name="stack", image=IMAGES[0], cmd="run", needs=("tile-${tile}",), file=FILE))
    if random.random() < 0.3:
        sessions.append(
            SessionSpec(
                name="flat",
                image=IMAGES[0],
                cmd="run",
                replicas=5,
                retries=retries,
                timeout=timeout,
                stop_after=1000,
                file=FILE,
            )
        )
    unmanaged = random.choice((0, 0, 2))
    caps = MaxActive(random.choice((None, None, 3)), random.choice((None, None, 5)))
    weather = draw_weather(random, overdue=0.0)
    if caps.account is not None:  # which counts what is listed as Pending or Running, and no other word
        weather = replace(weather, odd_entry=0.0)
    bad = (FAIL, HANG) if timeout else (FAIL,)
    names = [spec.live_name(number) for spec in sessions for number in range(1, spec.replicas + 1)]
    fates = {
        name: [*(random.choice(bad) for _ in range(random.choice((0, 0, 1, 2, 5)))), PASS]
        for name in names
        if name != "stack"
    }
    return Pipeline(
        project=Project("survey", tuple(sessions), files=(FILE,), folders=("manifests",), max_active=caps),
        attempts=tuple(_attempt(random) for _ in range(random.choice((1, 2, 4)))),
        weather=weather,
        fates=fates,
        unmanaged=unmanaged,
        computes=random.choice((5.0, 60.0, 200.0)),
    )


def _attempt(random):
    """A process. The waits between processes stay far below the hour after which an end would be missed."""
    end = random.choice(("report", "kill", "kill", "interrupt"))
    return Attempt(
        wait=random.choice(("none", "complete", "complete")),
        timeout=random.choice((30.0, 900.0)),
        kill_at=int(2 ** random.uniform(1, 9)) if end == "kill" else None,
        cancel_after=2 ** random.uniform(-4, 8) if end == "interrupt" else None,
        pause=random.choice((0.0, 1.0, 20.0, 300.0)),
    )


def fate_of(server, pipeline):
    """What the server makes of a create: the outcome of the attempt that it is, by the server's own count."""

    def plan(form):
        name = form["name"].lower()
        before = sum(job.name == name and not job.is_unmanaged for job in server.jobs.values())
        fates = pipeline.fates.get(name, [PASS])
        fate = fates[min(before, len(fates) - 1)]
        return (0.5, math.inf if fate == HANG else pipeline.computes, fate == FAIL)

    return plan


def broken_promises(server, pipeline, *, ended):
    """Every broken promise about attempts, limits and timeouts; `ended` states whether all sessions have ended."""
    managed = [job for job in server.jobs.values() if not job.is_unmanaged]
    if any(job.late for job in managed):
        return []
    specs = {spec.live_name(number): spec for spec in pipeline.project.sessions for number in _numbers(spec)}
    found = [*touched_unmanaged_sessions(server), *_exceeded_limits(server, pipeline, specs)]
    blocked = False
    for name, spec in specs.items():
        jobs = sorted((job for job in managed if job.name == name), key=lambda job: job.created)
        if spec.kind.interactive:
            found += [f"{name}: {len(jobs)} sessions"] if len(jobs) > 1 else []
            continue
        if name == "stack":
            expected, spec_blocked = (0 if blocked else 1), blocked
            if len(jobs) > 1 or (ended and len(jobs) != expected):
                found.append(f"stack: {len(jobs)} sessions, what it needs is {'' if not spec_blocked else 'not '}done")
            continue
        most, passes = expected_attempts(pipeline.fates[name], spec.retries)
        blocked |= spec.group != "" and not passes
        found += overlaps(name, jobs)
        found += _attempts(name, jobs, most, ended=ended)
        found += _timeouts(name, jobs, spec)
    return found


def _numbers(spec):
    return range(1, spec.replicas + 1)


def expected_attempts(fates, retries):
    """How many sessions a replica has in the end, and whether the last one passes."""
    needed = fates.index(PASS) + 1
    return (needed, True) if needed <= retries + 1 else (retries + 1, False)


def _attempts(name, jobs, most, *, ended):
    if len(jobs) > most or (ended and len(jobs) != most):
        yield f"{name}: {len(jobs)} sessions, expected {most}"
    told = [job.env.get("SKAHA_APPLY_ATTEMPT") for job in jobs]
    if told != [str(number) for number in range(1, len(jobs) + 1)]:
        yield f"{name}: its sessions were told to be attempts {told}"
    if len({job.env["SKAHA_APPLY_RUN"] for job in jobs}) > 1:
        yield f"{name}: its attempts belong to several runs"
    for one, other in itertools.pairwise(jobs):
        if other.created < min(one.ended, one.deleted):
            yield f"{name}: tried again while {one.id} was active"


def _timeouts(name, jobs, spec):
    for job in jobs:
        ran = min(job.deleted, job.ended) - job.started
        if job.deleted < math.inf and (spec.timeout is None or ran < spec.timeout - SLACK):
            yield f"{name}: {job.id} was deleted after {ran:.1f} s"


def _exceeded_limits(server, pipeline, specs):
    """The broken limits: the number of active sessions, counted whenever a session starts."""
    jobs = [job for job in server.jobs.values() if job.kind == "headless"]
    caps = pipeline.project.max_active
    for job in jobs:
        if job.is_unmanaged:
            continue
        active = [one for one in jobs if one.created <= job.created < min(one.ended, one.deleted)]
        managed = [one for one in active if not one.is_unmanaged]
        spec = specs[job.name]
        entry = [one for one in managed if specs[one.name].entry_key == spec.entry_key]
        for cap, count, what in (
            (spec.parallelism, len(entry), f"of {spec.group or spec.name}"),
            (caps.project, len(managed), "of the project"),
            (caps.account, len(active), "of the account"),
        ):
            if cap is not None and count > cap:
                yield f"{count} {what} were active at {job.created:.1f}, and {cap} are allowed"


def renewal_faults(server, now, days):
    """What is wrong about renewals: a session that came to its deadline, or requests without need."""
    for job in server.jobs.values():
        if job.is_unmanaged or job.kind == "headless":
            continue
        if now >= job.deadline:
            yield f"{job.name}: it ended at {job.deadline:.0f}, and it is {now:.0f}"
        clear = [at for at, fault in job.renewals if not fault]
        if len(clear) > days * 86400 / (LIFE / 2) + 2:
            yield f"{job.name}: renewed {len(clear)} times in {days} days"
