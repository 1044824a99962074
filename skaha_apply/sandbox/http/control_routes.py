"""The control routes below /sandbox, with which tests inject faults, move the clock and see all requests."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skaha_apply.sandbox import environment
from skaha_apply.sandbox.faults.fault_injector import FaultInjector
from skaha_apply.sandbox.faults.fault_plan import FaultPlan, read_fault_plan
from skaha_apply.sandbox.faults.request_log import RequestLog
from skaha_apply.sandbox.http.access import IssuedTokens
from skaha_apply.sandbox.http.responses import JSON, Reply, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.sandbox.options import SandboxOptions
    from skaha_apply.sandbox.platform.cluster import Cluster

_SETTINGS: dict[str, tuple[type, ...]] = {
    "slots": (int,),
    "workdir": (str,),
    "ttl": (int, float),
    "interactive_ttl": (int, float),
    "deadline": (int, float),
    "interactive_deadline": (int, float),
    "grace": (int, float),
    "max_interactive": (int,),
}
_LAST = 1000


@dataclass
class ControlRoutes:
    """The parts of the sandbox that the control routes read and change."""

    options: SandboxOptions
    cluster: Cluster
    pid: int
    faults: FaultInjector = field(default_factory=FaultInjector)
    log: RequestLog = field(default_factory=RequestLog)
    issued: IssuedTokens = field(default_factory=IssuedTokens)

    async def handle(self, method: str, path: str, query: dict[str, str], body: bytes) -> Reply:
        """Respond to `method path` (path below /sandbox); a document that cannot be read gets 400 and the reason."""
        action = _ROUTES.get((method, path))
        if action is None:
            known = ", ".join(f"{verb} /sandbox{route}" for verb, route in _ROUTES)
            return text(f"unknown control route; there are: {known}\n", 404)
        try:
            document = json.loads(body) if body.strip() else {}
            return _json(await action(self, query, document))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return text(f"{error}\n", 400)


async def _status(control: ControlRoutes, _query: dict[str, str], _document: Any) -> object:
    return {
        "pid": control.pid,
        "userid": control.options.userid,
        "data": str(control.options.data),
        "now": control.cluster.clock.now(),
        "clock_offset": control.cluster.clock.offset,
        "rehearsal": asdict(control.options.rehearsal),
        **control.cluster.counts(),
    }


async def _get_faults(control: ControlRoutes, _query: dict[str, str], _document: Any) -> object:
    return {"plan": asdict(control.faults.plan), "struck": dict(control.faults.counts)}


async def _put_faults(control: ControlRoutes, query: dict[str, str], document: Any) -> object:
    control.faults = FaultInjector(read_fault_plan(document), control.options.rehearsal.speed)
    return await _get_faults(control, query, document)


async def _requests(control: ControlRoutes, query: dict[str, str], _document: Any) -> object:
    return control.log.document(int(query.get("last", _LAST)))


async def _clear_requests(control: ControlRoutes, _query: dict[str, str], _document: Any) -> object:
    control.log.clear()
    return {}


async def _clock(control: ControlRoutes, _query: dict[str, str], document: Any) -> object:
    control.cluster.advance(float(document["advance_s"]))
    return {"now": control.cluster.clock.now(), "offset": control.cluster.clock.offset}


async def _reset(control: ControlRoutes, _query: dict[str, str], _document: Any) -> object:
    await control.cluster.reset()
    control.faults = FaultInjector(FaultPlan(), control.options.rehearsal.speed)
    control.log.clear()
    control.issued.ends.clear()
    return {}


async def _issue_token(control: ControlRoutes, _query: dict[str, str], document: Any) -> object:
    lifetime, claims = float(document["lifetime_s"]), document.get("claims", False)
    return {"token": control.issued.issue(lifetime, claims=bool(claims))}


async def _expire_tokens(control: ControlRoutes, _query: dict[str, str], _document: Any) -> object:
    control.issued.expire_all()
    return {}


async def _sessions(control: ControlRoutes, _query: dict[str, str], _document: Any) -> object:
    control.cluster.expire_sessions()
    everything = (*control.cluster.sessions.values(), *control.cluster.removed.values())
    rows = [{**session.to_document(), "listed": session.gone is None} for session in everything]
    rows.sort(key=lambda row: row["created"])
    return {**control.cluster.counts(), "base_env": environment.for_sessions(), "sessions": rows}


async def _expire(control: ControlRoutes, _query: dict[str, str], document: Any) -> object:
    session = control.cluster.sessions.get(document["id"])
    if session is None:
        raise ValueError(f"session {document['id']} is not listed")
    control.cluster.delete(session, "expired")
    return {}


async def _settings(control: ControlRoutes, _query: dict[str, str], document: Any) -> object:
    control.cluster.change_options(**{name: _setting(name, value) for name, value in document.items()})
    return {name: str(getattr(control.cluster.options, name)) for name in _SETTINGS}


def _setting(name: str, value: Any) -> object:
    """Read one setting; raises ValueError."""
    types = _SETTINGS.get(name, ())
    if isinstance(value, bool) or type(value) not in types:
        raise ValueError(f"this setting cannot be changed: {name}={value!r}; settings: {', '.join(_SETTINGS)}")
    if not (Path(value).is_dir() if name == "workdir" else value >= (name == "slots")):
        raise ValueError(f"{name} cannot be {value!r}")
    return Path(value) if name == "workdir" else value


def _json(document: object) -> Reply:
    return Reply(200, json.dumps(document).encode(), JSON)


_ROUTES: dict[tuple[str, str], Callable[[ControlRoutes, dict[str, str], Any], Awaitable[object]]] = {
    ("GET", "/status"): _status,
    ("GET", "/faults"): _get_faults,
    ("PUT", "/faults"): _put_faults,
    ("GET", "/requests"): _requests,
    ("DELETE", "/requests"): _clear_requests,
    ("POST", "/clock"): _clock,
    ("POST", "/reset"): _reset,
    ("GET", "/sessions"): _sessions,
    ("POST", "/expire"): _expire,
    ("POST", "/tokens"): _issue_token,
    ("DELETE", "/tokens"): _expire_tokens,
    ("PUT", "/settings"): _settings,
}
