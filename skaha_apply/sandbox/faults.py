"""Faults to order: what a network and a busy server do to clients, on purpose and repeatably.

A plan is read once from JSON; each request then draws its fault. `after` in a name means that the effect has happened.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_RATES = {
    "rate_drop_before": "drop_before",
    "rate_drop_after": "drop_after",
    "rate_503": "503",
    "rate_429": "429",
    "rate_500": "500",
    "rate_500_after": "500_after",
    "rate_html": "html",
    "rate_cut_json": "cut_json",
}
KINDS = frozenset({*_RATES.values(), "hang", "hang_after", "empty_list", "no_effect", "refuse", "latency"})
_METHODS = frozenset({"GET", "POST", "DELETE"})


@dataclass(frozen=True)
class Fault:
    """What one request suffers; `kind` is empty for nothing but the latency (seconds)."""

    kind: str = ""
    latency: float = 0.0
    status: int = 0
    text: str = ""


@dataclass(frozen=True)
class Plan:
    """Faults in force. Rates are 0..1, `latency_ms` a number or a pair, `list_lag_s` seconds of the sandbox's clock.

    Attributes:
        only: requests that suffer, each `POST`, `/session` or `POST /session`; empty: all.
        after: so many of these requests pass unharmed first.
        count: at most so many faults (latency does not count); None: no limit.
        refuse: by method, `{"status": 400, "text": "..."}`.
        next_lists_empty: so many listings are `[]` although there are sessions.
        delete_without_effect: the rate (true: all) of DELETEs that answer 200 and do nothing.
        script: `{"match": {...}, "nth": 5, "times": 1, "fault": "drop_after"}` each: from the nth request that matches
            (method, route, name) on, so many times.
    """

    seed: int | None = None
    latency_ms: float | list[float] = 0.0
    rate_503: float = 0.0
    retry_after: int = 30
    rate_429: float = 0.0
    rate_500: float = 0.0
    rate_500_after: float = 0.0
    rate_drop_before: float = 0.0
    rate_drop_after: float = 0.0
    rate_html: float = 0.0
    rate_cut_json: float = 0.0
    list_lag_s: float = 0.0
    empty_list_once: bool = False
    next_lists_empty: int = 0
    delete_without_effect: float = 0.0
    only: tuple[str, ...] = ()
    after: int = 0
    count: int | None = None
    refuse: Mapping[str, Any] | None = None
    script: tuple[Mapping[str, Any], ...] = ()


def read_plan(document: object) -> Plan:
    """Read a plan from JSON (a list is a script); raises ValueError that names what is wrong."""
    values = {"script": document} if isinstance(document, list) else document
    if not isinstance(values, dict):
        raise ValueError("faults are a JSON object, or a list: the script")  # noqa: TRY004 - bad JSON is one error
    unknown = set(values) - {one.name for one in fields(Plan)}
    if unknown:
        raise ValueError(f"unknown faults: {', '.join(sorted(map(str, unknown)))}")
    for name in (*_RATES, "delete_without_effect"):
        rate = values.get(name, 0)
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"{name} is a number from 0 to 1")
    for step in values.get("script", ()):
        if not isinstance(step, dict) or step.get("fault") not in KINDS:
            raise ValueError(f"a step of the script needs a fault, one of {', '.join(sorted(KINDS))}: {step}")
    plain: dict[str, Any] = {name: tuple(one) if name in ("only", "script") else one for name, one in values.items()}
    return Plan(**plain)


class Faults:
    """The plan in force, its random numbers, and how often each fault has struck."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()
        self.struck: Counter[str] = Counter()
        self._random = random.Random(self.plan.seed)  # noqa: S311 - repeatable on purpose
        self._seen = 0
        self._steps = [0] * len(self.plan.script)
        self._empty = self.plan.next_lists_empty + int(self.plan.empty_list_once)

    def draw(self, method: str, route: str, name: str | None) -> Fault:
        """Decide what a request suffers; `name` is the session name of a create."""
        plan = self.plan
        if plan.only and not any(_meets(entry, method, route) for entry in plan.only):
            return Fault()
        self._seen += 1
        fault = self._pick(method, route, name)
        if fault.kind:
            self.struck[fault.kind] += 1
        return fault

    def _pick(self, method: str, route: str, name: str | None) -> Fault:
        plan = self.plan
        if self._seen <= plan.after:
            return Fault()
        latency = self._latency()
        scripted = self._scripted({"method": method, "route": route, "name": name}, latency)
        if scripted is not None:
            return scripted
        if plan.count is not None and self.struck.total() >= plan.count:
            return Fault(latency=latency)
        if plan.refuse and method in plan.refuse:
            answer = plan.refuse[method]
            return Fault("refuse", latency, int(answer.get("status", 400)), str(answer.get("text", "")))
        return Fault(self._by_chance(method, route), latency)

    def _by_chance(self, method: str, route: str) -> str:
        """Give the first kind that this request draws, or nothing."""
        if method == "GET" and route == "/session" and self._empty > 0:
            self._empty -= 1
            return "empty_list"
        if method == "DELETE" and self._random.random() < self.plan.delete_without_effect:
            return "no_effect"
        rates = ((kind, getattr(self.plan, name)) for name, kind in _RATES.items())
        return next((kind for kind, rate in rates if rate and self._random.random() < rate), "")

    def _latency(self) -> float:
        asked = self.plan.latency_ms
        low, high = (asked[0], asked[-1]) if isinstance(asked, list) else (asked, asked)
        return (low if low == high else self._random.uniform(low, high)) / 1000

    def _scripted(self, request: Mapping[str, str | None], latency: float) -> Fault | None:
        """Give the fault of the first step that is due; all steps count the request."""
        due: Fault | None = None
        for index, step in enumerate(self.plan.script):
            wanted: Mapping[str, str] = step.get("match", {})
            if all(request.get(key) == value for key, value in wanted.items()):
                self._steps[index] += 1
                first = int(step.get("nth", 1))
                if due is None and first <= self._steps[index] < first + int(step.get("times", 1)):
                    pause = latency + float(step.get("ms", 0)) / 1000
                    kind = "" if step["fault"] == "latency" else str(step["fault"])
                    due = Fault(kind, pause, int(step.get("status", 400)), str(step.get("text", "")))
        return due


def _meets(entry: str, method: str, route: str) -> bool:
    words = entry.split()
    return all(word in (method, route) for word in words)
