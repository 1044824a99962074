"""Surveys of any size for the tests of the page: real manifests and states, planned by the real planner."""

from __future__ import annotations

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.display.page import LogTail, ProjectPage
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.project import MaxActive, Project
from skaha_apply.model.session import Listing, Observation, Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import Attempt, ReplicaRecord, StateDocument
from skaha_apply.planning.expansion import Expansion
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.planning.situation import Situation
from skaha_apply.render.page.document import page_data
from skaha_apply.workflow.status import project_status
from skaha_apply.workflow.timeline import timeline

T0 = 1_790_000_000.0
CAUSES = ("MemoryError", "FileNotFoundError: /arc/projects/survey/raw/{tile}.fits", "OSError: No SIMPLE card found")
COMMANDS = {
    "logs": "skaha-apply logs REPLICA --sandbox",
    "show": "skaha-apply show REPLICA --sandbox",
    "rerun": "skaha-apply mark rerun REPLICA --sandbox",
    "rerun-failed": "skaha-apply mark rerun --phase failed --sandbox",
    "apply": "skaha-apply apply --sandbox --wait complete",
    "page": "skaha-apply status --html survey.html --sandbox",
}


def tile_specs(count):
    common = {"image": "images.canfar.net/skaha/astroml:24.07", "cmd": "python", "cores": 2, "ram": 16}
    return [
        SessionSpec(
            name=f"tile-t{number:05}",
            group="tile-${tile}",
            values={"tile": f"t{number:05}"},
            parallelism=200,
            retries=2,
            retry_wait=600.0,
            **common,
        )
        for number in range(1, count + 1)
    ]


def survey_specs(count):
    """An entry that prepares, the tiles, stacks tile by tile, and one catalog of all."""
    image = "images.canfar.net/skaha/astroml:24.07"
    prepare = SessionSpec(name="prepare", image=image, replicas=8, cores=1, ram=4)
    tiles = [replace(one, needs=("prepare",)) for one in tile_specs(count)]
    stacks = [
        SessionSpec(
            name=f"stack-t{number:05}",
            group="stack-${tile}",
            values={"tile": f"t{number:05}"},
            image=image,
            needs=("tile-${tile}",),
            cores=4,
            ram=32,
        )
        for number in range(1, count + 1, 10)
    ]
    catalog = SessionSpec(name="catalog", image=image, needs=("stack-${tile}",), require={"stack-${tile}": 0.95})
    return (prepare, *tiles, *stacks, catalog)


def survey_phase(number, count):
    """The phase of a tile: most are done in their order, then some run, the others wait; a few have failed."""
    if number % 83 == 0:
        return Phase.FAILED
    if number < 0.7 * count:
        return Phase.DONE
    if number < 0.8 * count:
        return Phase.RUNNING
    return Phase.PENDING if number < 0.83 * count else None


def record_of(desired, **fields):
    """The record of a replica whose session has the spec of the manifest."""
    return ReplicaRecord(
        session=desired.spec.key,
        replica=desired.replica,
        name=desired.name,
        spec=desired.spec.key,
        work=desired.work,
        run=desired.run,
        **fields,
    )


def failed_attempt(number, accepted, lasted, **fields):
    """An earlier attempt that failed `lasted` seconds after its create was accepted."""
    return Attempt(
        attempt=number,
        phase=Phase.FAILED,
        accepted=accepted,
        started=accepted + 50,
        running=accepted + lasted - 200,
        ended=accepted + lasted,
        **fields,
    )


def survey_record(desired, number, count, now):
    phase = survey_phase(number, count)
    if phase is None:
        return None
    slot = number % 40
    began = T0 + 3600.0 * 20 * number / count
    started = None if phase is Phase.PENDING else began + 40 + 7 * slot
    run = 1500.0 + 61 * slot
    if phase is Phase.RUNNING:
        started = now - (9 * 3600.0 if slot == 7 else 300.0 + 40 * slot)
        began = started - 60
    failed = phase is Phase.FAILED
    tries = 3 if failed else 1 + (number % 29 == 0)
    earlier = tuple(
        failed_attempt(
            attempt,
            began - 3600.0 * (tries - attempt),
            900,
            id=f"old{number}x{attempt}",
            cause="MemoryError",
            ram_used=15.9,
        )
        for attempt in range(1, tries)
    )
    ended = None if phase.active else started + run
    return record_of(
        desired,
        attempt=tries,
        phase=phase,
        id=f"id{number}",
        accepted=began,
        seen=now,
        started=started,
        running=None if started is None or phase.active else started + run - 15,
        ended=ended,
        logged=True,
        cause=CAUSES[number // 83 % 3].format(tile=desired.spec.values.get("tile", "")) if failed else "",
        ram_used=None if started is None else 8.0 + 0.1 * slot,
        cores_used=None if started is None else 1.6,
        earlier=earlier,
    )


def planned_status(project, records, now, expansion=None):
    """The status of a project whose state has these records, as the planner decides it."""
    specs = {spec.key: spec for spec in project.sessions}
    state = StateDocument(
        lineage="lineage", project=project.name, server="example.org/skaha", specs=specs, replicas=records
    )
    situation = Situation(
        state=state, observation=Observation(Listing((), now, now), found=now, whole=False), options=PlanOptions()
    )
    return project_status(project, situation, make_plan(project, situation, expansion))


def survey(count=2000, now=T0 + 3600.0 * 21):
    """A survey of `count` tiles with failures, retries, stragglers and entries that wait."""
    project = Project("fits-survey", survey_specs(count), max_active=MaxActive(project=400))
    records = []
    expansion = Expansion(project)
    for number, desired in enumerate(expansion.replicas({}, {})):
        if desired.spec.name == "prepare":
            done = survey_record(desired, 1, 10_000, now)
            records.append(replace(done, accepted=T0, started=T0 + 20, ended=T0 + 900.0))
        elif desired.spec.group == "tile-${tile}":
            records.append(survey_record(desired, number - 7, count, now))
    status = planned_status(project, tuple(one for one in records if one is not None), now, expansion)
    failed = [row for row in status.rows if row.action == ActionKind.FAILED.value]
    logs = {row.name: LogTail(3, (*(f"{row.name}: line {n}" for n in range(39)), row.cause)) for row in failed}
    return ProjectPage(
        status,
        timeline(status),
        project.sessions,
        server="https://ws-uv.canfar.net/skaha/v1",
        limit=400,
        logs=logs,
        poll=10.0,
        commands=COMMANDS,
    )


def data_of(*pages, public=False):
    return page_data(pages, public=public)


def survey_of_failures(count, *, each=False):
    """A survey whose replicas all failed for one cause: `count` replicas of one session, or a session for `each`."""
    image = "images.canfar.net/skaha/astroml:24.07"
    specs = (SessionSpec(name="reduce", image=image, replicas=count),)
    if each:
        specs = tuple(
            SessionSpec(name=f"t{n}x", group="t${n}x", values={"n": str(n)}, image=image) for n in range(count)
        )
    project, now = Project("failures", specs), T0 + 9000.0
    expansion = Expansion(project)
    records = [survey_record(one, 83, 10_000, now) for one in expansion.replicas({}, {})]
    failed = [replace(one, cause="MemoryError", attempt=1, earlier=()) for one in records]
    status = planned_status(project, tuple(failed), now, expansion)
    return ProjectPage(status, timeline(status), specs, commands=COMMANDS)


RETRIED = {
    # number: (phase, attempt, the cause of the first attempt)
    1: (Phase.DONE, 1, ""),
    2: (Phase.DONE, 2, "OSError: disk quota exceeded"),
    3: (Phase.RUNNING, 2, "FileNotFoundError: /arc/projects/survey/raw/t00003.fits"),
    4: (Phase.PENDING, 2, "ValueError: No SIMPLE card found"),
    5: (Phase.PENDING, 1, ""),
    6: (Phase.FAILED, 1, "FileNotFoundError: /arc/projects/survey/raw/t00006.fits"),
}


def retried_record(desired, number, now):
    """A replica whose first attempt failed, if it has a second one, or waits for it."""
    phase, attempt, cause = RETRIED[number]
    began = now - 900.0
    first = failed_attempt(1, began - 700, 700, id="old", cause=cause)
    return record_of(
        desired,
        attempt=attempt,
        phase=phase,
        id=f"id{number}",
        accepted=began,
        seen=now,
        started=None if phase is Phase.PENDING else began + 60,
        running=None if phase is Phase.PENDING else now - 40.0,
        ended=None if phase.active else now - 30.0,
        cause=cause if phase is Phase.FAILED else "",
        earlier=(first,) if attempt > 1 else (),
    )


def survey_of_retries(now=T0 + 3600.0):
    """A survey at its start: 12 tiles of which 4 run at the same time, some retried; stacks and a catalog wait."""
    common = {"image": "images.canfar.net/skaha/astroml:24.07", "cores": 2, "ram": 8, "group": ""}
    tiles = [replace(one, parallelism=4, retries=1) for one in tile_specs(12)]
    stacks = [
        SessionSpec(
            **{**common, "group": "stack-${tile}"},
            name=one.name.replace("tile", "stack"),
            values=one.values,
            needs=("tile-${tile}",),
        )
        for one in tiles
    ]
    catalog = SessionSpec(name="catalog", needs=("stack-${tile}",), require={"stack-${tile}": 0.95}, **common)
    project = Project("retries", (*tiles, *stacks, catalog))
    expansion = Expansion(project)
    desired = list(expansion.replicas({}, {}))
    records = [retried_record(one, number, now) for number, one in enumerate(desired[: len(RETRIED)], 1)]
    status = planned_status(project, tuple(records), now, expansion)
    return ProjectPage(
        status, timeline(status), project.sessions, server="https://ws-uv.canfar.net/skaha/v1", commands=COMMANDS
    )
