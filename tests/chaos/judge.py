"""The promises that must hold in every run, checked in the records of the server, never in those of the tool."""

from __future__ import annotations

import math
from collections import defaultdict

from skaha_apply.render.reasons import reason_text

POD_GRACE = 60.0
AT_ONCE = 65.0  # seconds; the longest that a request is under way in the weather of these tests


def faults_of(universe, chapters, plan):
    """Every promise that was broken, as text; empty when all were kept.

    Args:
        universe: the world after the last apply.
        chapters: every version of the manifest, in their order.
        plan: the plan after the last apply, made under good weather.

    If the server acted on a request later than any client can wait, a duplicate session is allowed if it was deleted.
    """
    server, now = universe.server, universe.timeline.now
    groups, desired = _groups(server, chapters), _desired(chapters[-1])
    conflicts = {action.name for action in plan.actions if action.kind.value in ("conflict", "blocked", "wait")}
    # Protection outlives its own line.
    protected = {one.name for one in plan.actions if one.kind.value == "protected" and one.desired is None}
    found = [*touched_unmanaged_sessions(server), *_open_plan(plan)]
    for key, jobs in sorted(groups.items()):
        if not any(job.late for job in jobs):
            found += _duplicate_sessions(key, jobs)
            found += overlaps(key, jobs)
        found += _end(key, jobs, desired.get(key), now, conflicts | protected)
    for key, spec in sorted(desired.items()):
        if key not in groups and spec.live_name(key[1]) not in conflicts:
            found.append(f"{key}: lost, it was never created")
    return found


def _open_plan(plan):
    return [
        f"the next plan is not empty: {one.kind} {one.name}: {reason_text(one.reason)}"
        for one in plan.actions
        if one.kind.changes
    ]


def _groups(server, chapters):
    """The sessions of each replica, in the order in which they were created."""
    names = {
        spec.live_name(replica): (spec.key, replica)
        for project in chapters
        for spec in project.sessions
        for replica in range(1, spec.replicas + 1)
    }
    groups = defaultdict(list)
    for job in sorted(server.jobs.values(), key=lambda one: one.created):
        if not job.is_unmanaged:
            groups[names.get(job.name, (f"never asked for: {job.name}", 0))].append(job)
    return groups


def _desired(project):
    return {(spec.key, replica): spec for spec in project.sessions for replica in range(1, spec.replicas + 1)}


def work(job):
    """The properties that decide the result of a session; SKAHA_APPLY_RUN stands for its dependencies."""
    env = {name: value for name, value in job.env.items() if name != "SKAHA_APPLY_ATTEMPT"}
    return (job.name, job.image, job.kind, job.form.get("cmd"), job.form.get("args"), tuple(sorted(env.items())))


def _whole(job):
    return (*work(job), job.form.get("cores"), job.form.get("ram"))


def _duplicate_sessions(key, jobs):
    """Nothing is created twice, nothing computed twice."""
    made, finished = defaultdict(list), defaultdict(list)
    for job in jobs:
        made[_whole(job)].append(job)
        # What ends while its DELETE is on the way cannot be spared by anybody.
        if job.succeeded and job.kind == "headless" and not 0 <= job.deleted - job.ended < AT_ONCE:
            finished[work(job)].append(job)
    for same in made.values():
        if len(same) > 1:
            yield f"{key}: created {len(same)} times for one digest: {_some(same)}"
    for same in finished.values():
        if len(same) > 1:
            yield f"{key}: computed {len(same)} times: {_some(same)}"


def overlaps(key, jobs):
    """Never two pods of one replica at one time; but one that takes longer than a minute to stop is not waited for."""
    ran = sorted((job for job in jobs if job.started < math.inf), key=lambda one: one.started)
    for number, one in enumerate(ran):
        for other in ran[number + 1 :]:
            if other.started < min(one.pod_until, one.deleted + POD_GRACE):
                yield f"{key}: two at one time: {_some((one, other))}"


def _end(key, jobs, spec, now, conflicts):
    alive = [job for job in jobs if job.active(now)]
    if spec is None:
        if any(job.name not in conflicts for job in alive):
            yield f"{key}: still there though no longer wanted: {_some(alive)}"
        return
    name = spec.live_name(key[1])
    if len(alive) > 1:
        yield f"{key}: {len(alive)} are alive: {_some(alive)}"
    if name in conflicts:
        return
    good = [job for job in jobs if _fits(job, spec, key[1]) and (job.active(now) or job.ended < math.inf)]
    if not good and not (spec.protect and alive):
        yield f"{key}: lost; there is {_some(jobs)}"
    for job in alive:
        if job not in good and not spec.protect:
            yield f"{key}: an outdated one is alive: {_some([job])}"


def _fits(job, spec, replica):
    """Whether a session does the work that is asked for."""
    if (job.name, job.image, job.kind) != (spec.live_name(replica), spec.image, spec.kind.value):
        return False
    if spec.kind.interactive:
        return True
    wanted = {**spec.env, "REPLICA_ID": str(replica), "REPLICA_COUNT": str(spec.replicas)}
    same_env = all(job.env.get(name) == value for name, value in wanted.items())
    return same_env and job.form.get("args", "") == " ".join(spec.args)


def touched_unmanaged_sessions(server):
    """Unmanaged sessions that were deleted or renewed."""
    for at, identifier in (*server.deletes, *server.renewed):
        job = server.jobs.get(identifier)
        if job is None or job.is_unmanaged:
            yield f"touched what is not ours: {identifier} ({job.name if job else 'never made'}) at {at:.2f}"


def _some(jobs):
    return ", ".join(
        f"{job.id} {job.name} made {job.created:.1f} ({job.by or 'plain'}) started {job.started:.1f} "
        f"ended {job.ended:.1f} deleted {job.deleted:.1f} {job.form.get('args', '')}"
        for job in jobs
    )
