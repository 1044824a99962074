"""The plan of faults to inject, read from JSON.

The whole plan is checked, because a misspelled fault would let a test pass that injects nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RATES = {
    "rate_drop_before": "drop_before",
    "rate_drop_after": "drop_after",
    "rate_503": "503",
    "rate_429": "429",
    "rate_500": "500",
    "rate_500_after": "500_after",
    "rate_html": "html",
    "rate_cut_json": "cut_json",
}
KINDS = frozenset({*RATES.values(), "hang", "hang_after", "empty_list", "no_effect", "refuse", "latency"})


@dataclass(frozen=True)
class FaultPlan:
    """Faults to inject. Rates are 0..1; `list_lag_s` is in seconds of the sandbox's clock.

    Attributes:
        latency_ms: milliseconds, or a pair of minimum and maximum.
        only: requests to which the plan applies, each `POST`, `/session` or `POST /session`; empty: all.
        after: number of these requests without a fault before the first fault.
        count: largest number of faults (latency does not count); None: no limit.
        refuse: by method, `{"status": 400, "text": "..."}`.
        empty_list_once: the next listing is `[]` although sessions exist.
        next_lists_empty: number of listings that are `[]` although sessions exist.
        delete_without_effect: the rate (true: all) of DELETEs that respond with 200 and delete nothing.
        script: steps such as `{"match": {...}, "nth": 5, "times": 1, "fault": "drop_after"}`: `fault` applies to
            `times` requests, from the nth request on that matches (method, route, name).
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


def read_fault_plan(document: object) -> FaultPlan:
    """Read a plan from JSON (a list is a script); raises ValueError that names the wrong field."""
    values = {"script": document} if isinstance(document, list) else document
    if not isinstance(values, dict):
        raise ValueError("a fault plan is a JSON object, or a list (the script)")  # noqa: TRY004 - bad JSON is one error
    unknown = set(values) - _CHECKS.keys()
    if unknown:
        raise ValueError(f"unknown faults: {', '.join(sorted(unknown))}; there are: {', '.join(_CHECKS)}")
    for name, value in values.items():
        is_valid, words = _CHECKS[name]
        if not is_valid(value):
            raise ValueError(f"{name} must be {words}, not {value!r}")
    plain: dict[str, Any] = {name: tuple(one) if name in ("only", "script") else one for name, one in values.items()}
    return FaultPlan(**plain)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and value >= 0


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0


def _is_latency(value: object) -> bool:
    pair = isinstance(value, list) and len(value) == len(("min", "max")) and all(map(_is_number, value))
    return _is_number(value) or pair


def _is_text_list(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _is_refuse_table(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(one, dict) and isinstance(one.get("status", 400), int) and {*one} <= {"status", "text"}
        for one in value.values()
    )


def _is_script(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_step, value))


def _is_step(step: object) -> bool:
    if not isinstance(step, dict) or step.get("fault") not in KINDS or not {*step} <= _STEP:
        return False
    match = step.get("match", {})
    matched = isinstance(match, dict) and {*match} <= {"method", "route", "name"}
    return matched and all(_is_number(step.get(name, 0)) for name in ("nth", "times", "ms", "status"))


_STEP = {"match", "nth", "times", "fault", "ms", "status", "text"}
_RATE_CHECK = (_is_rate, "a number from 0 to 1")
_COUNT_CHECK = (_is_count, "a whole number")
_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys((*RATES, "delete_without_effect"), _RATE_CHECK),
    "seed": (lambda value: value is None or isinstance(value, int), "a whole number"),
    "latency_ms": (_is_latency, "a number of milliseconds, or a pair of them"),
    "retry_after": _COUNT_CHECK,
    "list_lag_s": (_is_number, "a number of seconds"),
    "empty_list_once": (lambda value: isinstance(value, bool), "true or false"),
    "next_lists_empty": _COUNT_CHECK,
    "only": (_is_text_list, "a list of methods and routes"),
    "after": _COUNT_CHECK,
    "count": (lambda value: value is None or _is_count(value), "a whole number"),
    "refuse": (_is_refuse_table, 'an object such as {"POST": {"status": 400, "text": "..."}}'),
    "script": (_is_script, f"a list of steps of {', '.join(sorted(_STEP))}; faults: {', '.join(sorted(KINDS))}"),
}
