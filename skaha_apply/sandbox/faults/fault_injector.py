"""Injects the faults of a network and of a busy server, repeatably, so that tests can prove what a client does then.

The plan in force decides the fault of each request. `after` in the name of a fault means: after the request had its
effect.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox.faults.fault_plan import RATES, FaultPlan

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Fault:
    """The fault of one request; an empty `kind` means no fault but the latency (seconds)."""

    kind: str = ""
    latency: float = 0.0
    status: int = 0
    text: str = ""


class FaultInjector:
    """The plan in force, its random numbers, and the number of times that each fault was injected.

    The times of the plan are divided by `speed`.
    """

    def __init__(self, plan: FaultPlan | None = None, speed: float = 1.0) -> None:
        self.plan = plan or FaultPlan()
        self._speed = speed
        self.counts: Counter[str] = Counter()
        self._random = random.Random(self.plan.seed)  # noqa: S311 - repeatable on purpose
        self._requests = 0
        self._step_matches = [0] * len(self.plan.script)
        self._empty_listings = self.plan.next_lists_empty + int(self.plan.empty_list_once)

    @property
    def list_lag(self) -> float:
        """Age of listings in seconds."""
        return self.plan.list_lag_s / self._speed

    @property
    def retry_after(self) -> int:
        """Value of the header Retry-After, in whole seconds."""
        return math.ceil(self.plan.retry_after / self._speed)

    def next_fault(self, method: str, route: str, name: str | None) -> Fault:
        """Return the fault of a request; `name` is the session name of a create."""
        plan = self.plan
        if plan.only and not any(_matches_request(entry, method, route) for entry in plan.only):
            return Fault()
        self._requests += 1
        fault = self._choose_fault(method, route, name)
        if fault.kind:
            self.counts[fault.kind] += 1
        return fault

    def _choose_fault(self, method: str, route: str, name: str | None) -> Fault:
        plan = self.plan
        if self._requests <= plan.after:
            return Fault()
        latency = self._latency()
        scripted = self._scripted_fault({"method": method, "route": route, "name": name}, latency)
        if scripted is not None:
            return scripted
        if plan.count is not None and self.counts.total() >= plan.count:
            return Fault(latency=latency)
        if plan.refuse and method in plan.refuse:
            refusal = plan.refuse[method]
            return Fault("refuse", latency, int(refusal.get("status", 400)), str(refusal.get("text", "")))
        return Fault(self._random_kind(method, route), latency)

    def _random_kind(self, method: str, route: str) -> str:
        """Return the kind of the first fault whose rate hits this request, or an empty text."""
        if method == "GET" and route == "/session" and self._empty_listings > 0:
            self._empty_listings -= 1
            return "empty_list"
        if method == "DELETE" and self._random.random() < self.plan.delete_without_effect:
            return "no_effect"
        rates = ((kind, getattr(self.plan, name)) for name, kind in RATES.items())
        return next((kind for kind, rate in rates if rate and self._random.random() < rate), "")

    def _latency(self) -> float:
        planned = self.plan.latency_ms
        low, high = (planned[0], planned[-1]) if isinstance(planned, list) else (planned, planned)
        return (low if low == high else self._random.uniform(low, high)) / 1000 / self._speed

    def _scripted_fault(self, request: Mapping[str, str | None], latency: float) -> Fault | None:
        """Return the fault of the first step that applies; every step counts the request."""
        due: Fault | None = None
        for index, step in enumerate(self.plan.script):
            match: Mapping[str, str] = step.get("match", {})
            if all(request.get(key) == value for key, value in match.items()):
                self._step_matches[index] += 1
                first = int(step.get("nth", 1))
                if due is None and first <= self._step_matches[index] < first + int(step.get("times", 1)):
                    delay = latency + float(step.get("ms", 0)) / 1000 / self._speed
                    kind = "" if step["fault"] == "latency" else str(step["fault"])
                    due = Fault(kind, delay, int(step.get("status", 400)), str(step.get("text", "")))
        return due


def _matches_request(entry: str, method: str, route: str) -> bool:
    words = entry.split()
    return all(word in (method, route) for word in words)
