"""Draws the scenario of a seed: a project and its changes, unmanaged sessions, faults, and the fate of each process."""

from __future__ import annotations

from dataclasses import dataclass

from server import IMAGES, Weather

from skaha_apply.model.project import Project
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import SessionSpec

FILE = "manifests/survey.yaml"


@dataclass(frozen=True)
class Attempt:
    """One process: an initial wait, its `--wait`, and the point at which it is killed or the time of an interrupt."""

    wait: str = "none"
    timeout: float | None = None
    kill_at: int | None = None
    cancel_after: float | None = None
    pause: float = 0.0


@dataclass(frozen=True)
class Chapter:
    """A version of the manifest, and the processes that apply it."""

    project: Project
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Scenario:
    """All that a seed decides in advance."""

    chapters: tuple[Chapter, ...]
    weather: Weather
    unmanaged: tuple[tuple[str, dict], ...]
    fates: dict  # by session name: seconds queued, seconds computed, share that fails
    skew: float
    interval: float
    store_failing: float


def draw(random):
    """The scenario of a seeded random number generator."""
    specs = _specs(random)
    chapters = [Chapter(_project(specs), _attempts(random))]
    for generation in range(random.choice((0, 0, 1, 1, 2))):
        specs = _edit(random, specs, generation)
        chapters.append(Chapter(_project(specs), _attempts(random)))
    names = {spec.name for chapter in chapters for spec in chapter.project.sessions}
    weather = draw_weather(random)
    return Scenario(
        chapters=tuple(chapters),
        weather=weather,
        unmanaged=_unmanaged_sessions(random, chapters[0].project),
        fates={name: _fate(random) for name in sorted(names)},
        skew=random.choice((0.0, 0.0, 37.5, -4000.0)) if weather.no_date in (0.0, 1.0) else 0.0,
        interval=random.choice((0.5, 0.5, 10.0)),
        store_failing=random.choice((0.0, 0.0, 0.0, 0.05)),
    )


def _fate(random):
    return (random.uniform(0, 20), random.choice((5.0, 60.0, 400.0, 2500.0)), random.choice((0.0, 0.0, 0.3)))


def _specs(random):
    specs = []
    for index, name in enumerate(("reduce", "Mosaic", "stack-a")[: random.choice((1, 2, 2, 3))]):
        interactive = index > 0 and random.random() < 0.25
        needs = ()
        headless = [spec.name for spec in specs if not spec.kind.interactive]
        if headless and not interactive and random.random() < 0.4:
            needs = (random.choice(headless),)
        fixed = random.random() < 0.5
        specs.append(
            SessionSpec(
                name=name,
                image=random.choice(IMAGES),
                kind=Kind.NOTEBOOK if interactive else Kind.HEADLESS,
                cores=random.choice((1, 2)) if fixed else None,
                ram=random.choice((1, 4, 16)) if fixed else None,
                replicas=random.randint(1, 3) if interactive else random.choice((1, 2, 5, 8, 12, 20, 30)),
                cmd=None if interactive else "python",
                args=() if interactive else ("run.py", "--pass", "0"),
                env={} if interactive else {"BAND": "r"},
                needs=needs,
                protect=interactive and random.random() < 0.5,
                file=FILE,
            ),
        )
    return tuple(specs)


def _edit(random, specs, generation):
    """Another version of the manifest; no digest of an earlier one ever comes back."""
    edited = list(specs)
    index = random.randrange(len(edited))
    spec = edited[index]
    needed = any(spec.name in one.needs for one in edited)
    kind = random.choice(("arg", "arg", "replicas", "resources", "remove", "add", "nothing"))
    if kind == "remove" and len(edited) > 1 and not needed:
        del edited[index]
    elif kind == "add":
        name = f"extra{generation}"
        edited.append(SessionSpec(name=name, image=IMAGES[0], replicas=random.randint(1, 6), cmd="date", file=FILE))
    elif kind == "resources":
        edited[index] = spec.model_copy(update={"cores": 4, "ram": 8 + 8 * generation})
    elif kind == "replicas" and not spec.kind.interactive:
        other = [count for count in (1, 3, 7, 11, 16, 25) if count != spec.replicas]
        changes = {"replicas": random.choice(other), "env": {"GENERATION": str(generation)}}
        edited[index] = spec.model_copy(update=changes)
    elif kind == "arg":
        changes = {"image": next(image for image in IMAGES if image != spec.image)}
        if not spec.kind.interactive:
            changes = {"args": ("run.py", "--pass", str(generation + 1))}
        edited[index] = spec.model_copy(update=changes)
    return tuple(edited)


def _project(specs):
    return Project(name="survey", sessions=specs, files=(FILE,), folders=("manifests",))


def _attempts(random):
    attempts = []
    for _ in range(random.choice((1, 1, 2, 3))):
        end = random.choice(("report", "report", "kill", "kill", "interrupt"))
        attempts.append(
            Attempt(
                wait=random.choice(("none", "none", "ready", "complete")),
                timeout=random.choice((None, 30.0, 600.0)),
                kill_at=int(2 ** random.uniform(1, 9)) if end == "kill" else None,
                cancel_after=2 ** random.uniform(-4, 6) if end == "interrupt" else None,
                pause=random.choice((0.0, 0.0, 1.0, 20.0, 400.0)),
            ),
        )
    return tuple(attempts)


_KINDS = (
    "drop_before",
    "drop_after",
    "refuse_connection",
    "error_before",
    "error_after",
    "busy",
    "busy_asking",
    "gateway_before",
    "gateway_after",
    "too_many",
    "html_before",
    "html_after",
    "redirect_before",
    "redirect_after",
    "hang_before",
    "hang_after",
    "torn_after",
    "cut_json",
    "delete_without_effect",
)


def draw_weather(random, overdue=0.5):
    """A mix of faults; of what takes effect when nobody waits for it any more it holds this share, or none."""
    kinds = random.sample(_KINDS, random.randint(1, 6))
    most = random.choice((0.05, 0.1, 0.25, 0.5)) / len(kinds)
    rates = {kind: random.uniform(0, 2 * most) for kind in kinds}
    for kind in rates:
        if kind.startswith("hang"):
            rates[kind] /= 4
    return Weather(
        **rates,
        latency=random.choice(((0.001, 0.05), (0.05, 0.3), (0.5, 4.0))),
        slow=random.choice((0.0, 0.0, 0.02)),
        slow_latency=(1.0, 60.0),
        late=random.choice((0.0, 1.0, 2.0)),
        overdue=random.choice((0.0, 0.0, overdue)),
        list_lag=random.choice((0.0, 0.5, 2.0)),
        gone_lag=random.choice((0.0, 2.0, 8.0)),
        empty_lists=random.choice((0, 0, 1)),
        odd_entry=random.choice((0.0, 0.0, 0.1)),
        no_date=random.choice((0.0, 0.0, 0.2, 1.0)),
        linger=random.choice(((0.0, 2.0), (0.0, 30.0))),
    )


def _unmanaged_sessions(random, project):
    """Unmanaged sessions; some have a name of the project, others a similar one."""
    found = []
    for _ in range(random.choice((0, 0, 1, 3))):
        spec = random.choice(project.sessions)
        replica = random.randint(1, spec.replicas)
        name = spec.live_name(replica)
        other = random.choice((name, f"{spec.name.lower()}-0{replica}", f"{name}x", f"{name}-1", "somebody"))
        taken = [one.live_name(number) for one in project.sessions for number in range(1, one.replicas + 1)]
        if other != name and other in taken:
            continue
        changes = {"image": random.choice(IMAGES), "kind": spec.kind.value}
        if random.random() < 0.3:
            changes["runs"] = 50.0
        found.append((other, changes))
    return tuple(found)


def calm(weather):
    """The conditions after the faults: pods still need time to end, and a server without a clock stays without one."""
    return Weather(linger=weather.linger, latency=(0.001, 0.05), no_date=weather.no_date)
