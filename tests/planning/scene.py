"""Scenes for the planner in a few words: a manifest, a state, a listing; and the plan as text.

Times are seconds around `NOW`. A session that is not given an id has its live name as id.
"""

from __future__ import annotations

from skaha_apply.model.project import Project
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.request import Offer
from skaha_apply.model.session import Listing, LiveSession, Observation, Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import Intent, PendingDelete, ReplicaRecord, StateDocument, UnconfirmedCreate
from skaha_apply.planning.digest import spec_key
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.planning.planner import plan_destroy
from skaha_apply.planning.replicas import expand
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.tracking.update import update_state
from skaha_apply.render.reasons import reason_text

NOW = 1_800_000_000.0
SETTLE = 5.0
HOUR = 3600.0
IMAGE = "images.canfar.net/skaha/astroml:24.07"
FILE = "manifests/survey.yaml"

_specs: dict[str, SessionSpec] = {}


def spec(name="reduce", **fields):
    """A session spec; by default headless, with two cores and 8 GB."""
    given = {"image": IMAGE, "cmd": "python", "args": ("run.py",), "cores": 2, "ram": 8, "file": FILE} | fields
    return SessionSpec(name=name, **given)


def desktop(name="desk", **fields):
    """The spec of a notebook."""
    return spec(name, **{"kind": "notebook", "cmd": None, "args": ()} | fields)


def matrix(name, values, axis="tile", **fields):
    """The specs of a matrix of one axis: `tile` gives `tile-a`, `tile-b` ... of the entry `tile-${tile}`."""
    group = f"{name}-${{{axis}}}"
    return tuple(
        spec(f"{name}-{value}", **{"group": group, "values": {axis: value}, "args": (name, value)} | fields)
        for value in values
    )


def project(*specs, files=(FILE,), folders=(), **fields):
    """A project of these specs."""
    return Project("survey", specs, files=files, folders=folders, **fields)


def replica(wanted, number=1, needed=(), run_numbers=None):
    """The desired replica of a spec, in a project with its dependencies."""
    found = expand(project(*needed, wanted), run_numbers)
    return next(one for one in found if one.key == (wanted.key, number))


def _entry(wanted, number, needed, given):
    one = replica(wanted, number, needed)
    key = spec_key(wanted)
    _specs[key] = wanted
    return {
        "session": wanted.key,
        "replica": number,
        "name": one.name,
        "spec": key,
        "work": one.work,
        "run": one.run,
    } | given


def record(wanted, phase="running", number=1, needed=(), **fields):
    """The record of one replica: by default accepted an hour ago, or when it started, and seen a minute ago.

    One that ended was last seen running ten seconds before.
    """
    base = _entry(wanted, number, needed, {"phase": Phase(phase)})
    base |= {"id": base["name"], "accepted": min(NOW - HOUR, fields.get("started") or NOW), "seen": NOW - 60}
    if fields.get("started") is not None and fields.get("ended") is not None:
        base["running"] = max(fields["started"], fields["ended"] - 10)
    if phase == "accepted":
        base |= {"seen": None}
    return ReplicaRecord(**base | fields)


def intent(wanted, number=1, needed=(), **fields):
    """An open create: by default a minute old; its request timed out half a minute ago."""
    base = _entry(wanted, number, needed, {"at": NOW - 60, "given_up": NOW - 30})
    return Intent(**base | fields)


def unconfirmed(wanted, number=1, needed=(), **fields):
    """Unconfirmed creates: by default one, a minute ago."""
    base = _entry(wanted, number, needed, {"since": NOW - 60})
    return UnconfirmedCreate(**base | fields)


def pending_delete(session_id, wanted, number=1, **fields):
    """A pending delete: by default sent half a minute ago, while the session was active."""
    base = {"id": session_id, "session": wanted.key, "replica": number, "name": wanted.live_name(number)}
    why = DeleteReason(fields.get("why", DeleteReason.DELETE))
    return PendingDelete(**base | {"at": NOW - 30, "sent": True} | fields | {"why": why})


def state(*entries, **head):
    """A state that holds these entries and the specs that they refer to."""
    lists = {ReplicaRecord: "replicas", Intent: "intents", PendingDelete: "tombstones", UnconfirmedCreate: "doubts"}
    held = {name: tuple(one for one in entries if isinstance(one, kind)) for kind, name in lists.items()}
    used = {one.spec for one in entries if not isinstance(one, PendingDelete)}
    specs = {key: _specs[key] for key in sorted(used)}
    return StateDocument(lineage="l", project="survey", server="example.org/skaha/v1", specs=specs, **held | head)


def live(name, status="Running", **fields):
    """A session as the server lists it, of the same image, kind and resources as `spec` gives."""
    given = {"id": name, "kind": "headless", "image": IMAGE, "cores": 2, "ram": 8.0} | fields
    return LiveSession(name=name, status=status, **given)


def seen(*sessions, at=NOW, asked=None, **fields):
    """An observation by a process that first read the state a minute before; `alive` and `not_found` were looked up."""
    alive = {one.id: one for one in fields.pop("alive", ())}
    sets = {name: frozenset(fields.pop(name, ())) for name in ("not_found", "ended_pods", "in_flight")}
    listing = Listing(tuple(sessions), at if asked is None else asked, at)
    return Observation(listing, **{"found": at - 60, "alive": alive} | sets | fields)


def observe(stored, observation, settle=SETTLE):
    """The state after an observation."""
    after, _ = update_state(stored, observation, settle)
    return after


def only(document):
    """The one record of a state."""
    (found,) = document.replicas
    return found


def decide(wanted, stored=None, observation=None, facts=None, **options):
    """The plan that follows from an observation."""
    observation = observation or seen()
    after, adopted = update_state(stored or state(), observation, SETTLE)
    make = plan_destroy if options.pop("destroy", False) else make_plan
    given = {"server": "https://example.org/skaha/v1", "adopted": adopted, "options": PlanOptions(**options)}
    return make(wanted, Situation(after, observation, **given | (facts or {})))


def lines(plan):
    """A plan as text, one line an action: what, which name, what it deletes first, why."""
    return [
        f"{one.kind} {one.name}"
        + "".join(f" -{to_delete.id}" for to_delete in one.sessions_to_delete)
        + (" held back" if one.create_later else "")
        + f" ({reason_text(one.reason)})"
        for one in plan.actions
    ]


def kinds(plan):
    """A plan in short: `create reduce-1`."""
    return [f"{one.kind} {one.name}" for one in plan.actions]


def offer(**fields):
    """What the server offers."""
    return {"offer": Offer(**fields)}


ACTIVE = (Phase.PENDING, Phase.RUNNING, Phase.TERMINATING, Phase.OTHER)
