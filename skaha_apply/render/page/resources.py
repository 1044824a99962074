"""What the replicas of an entry request, against the most that listings showed in use in all their attempts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from skaha_apply.model.session import Phase
from skaha_apply.planning.failure_cause import is_out_of_memory
from skaha_apply.render.page.replicas import key_of
from skaha_apply.render.page.series import quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.model.session import Number
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import Attempt, ReplicaRecord
    from skaha_apply.model.status import ReplicaStatus
    from skaha_apply.render.page.replicas import Tables

SHARE = 99  # percent of the replicas for which a smaller request would do
_ENOUGH = 20  # measured replicas, from which a smaller request is stated
_NEAR = 0.95  # the share of its request, from which a failed attempt was near it
_DECIMALS = 1  # of a use that is compared with its request: a busy core is measured as 1.01


class _Amount(NamedTuple):
    """What an attempt requested and used of one resource, None if unknown; and whether it failed near its request."""

    requested: Number | None
    used: float | None
    failed_near: bool = False

    @property
    def is_over(self) -> bool:
        return self.requested is not None and self.used is not None and round(self.used, _DECIMALS) > self.requested


def resources(rows: Sequence[ReplicaStatus], tables: Tables) -> dict[str, Any]:
    """`cores` and `ram` (GiB): the least and the most that is requested, and what was seen.

    `seen` is the highest value that was seen in an attempt, `n` the number of measured replicas. `would_do` is the
    least whole number that is enough for 99 % of them. It is None if it is not less than the request, if few were
    measured, if an attempt used more than it requested (`over`), or if attempts failed near their request.

    `failed` is the number of these attempts at the largest such request, which is `near`. `more` states that no retry
    of the entry requests more.
    """
    specs = [tables.spec(row) for row in rows]
    tried = [list(_attempts(tables.records.get(key_of(row)), spec)) for row, spec in zip(rows, specs, strict=True)]
    known = [spec for spec in specs if spec is not None]
    ram = [*(spec.ram for spec in known), *(row.ram for row in rows)]
    retried = max((one for spec in known for one in spec.retry_ram), default=0)
    return {
        "cores": _resource([spec.cores for spec in known], [[cores for cores, _ in one] for one in tried]),
        "ram": _resource(ram, [[ram for _, ram in one] for one in tried], retried),
    }


def without_failures(use: dict[str, Any]) -> dict[str, Any]:
    """The resources without the number of attempts that failed near their request, which follows from causes."""
    return {name: {**one, "failed": 0, "near": None, "more": False} for name, one in use.items()}


def _attempts(record: ReplicaRecord | None, spec: SessionSpec | None) -> Iterator[tuple[_Amount, _Amount]]:
    """Cores and RAM of each recorded attempt, the last one first.

    An attempt before a restart of their count has perhaps requested something else than the spec.
    """
    if record is None:
        return
    is_counted, number = True, record.attempt + 1
    every: tuple[Attempt | ReplicaRecord, ...] = (*record.earlier, record)
    for one in reversed(every):
        is_counted, number = is_counted and one.attempt < number, one.attempt
        ram = one.ram if one.ram is not None else spec.ram if spec else None
        near = one.phase is Phase.FAILED and _is_near(one, ram, is_counted=is_counted)
        cores = spec.cores if spec and is_counted else None
        yield _Amount(cores, one.cores_used), _Amount(ram if is_counted or near else None, one.ram_used, near)


def _is_near(one: Attempt | ReplicaRecord, ram: Number | None, *, is_counted: bool) -> bool:
    """Whether a failed attempt used about this RAM, or failed because it needed more."""
    if ram is None:
        return False
    if is_counted and is_out_of_memory(one.cause):
        return True
    return one.ram_used is not None and _NEAR * ram <= one.ram_used <= (math.inf if is_counted else ram / _NEAR)


def _resource(
    requested: Iterable[Number | None], tried: Iterable[Sequence[_Amount]], retried: Number = 0
) -> dict[str, Any]:
    """One resource of an entry from the attempts of each replica; `retried` is the most that a retry requests."""
    asked = [one for one in requested if one is not None]
    attempts = [[one for one in replica if one.used is not None or one.failed_near] for replica in tried]
    peaks = sorted(max(used) for each in attempts if (used := [one.used for one in each if one.used is not None]))
    failed = [one.requested for each in attempts for one in each if one.failed_near and one.requested is not None]
    near, is_over = max(failed, default=None), any(one.is_over for each in attempts for one in each)
    most = max(asked, default=None)
    return {
        "least": min(asked, default=None),
        "most": most,
        "seen": round(peaks[-1], 2) if peaks else None,
        "n": len(peaks),
        "would_do": None if failed or is_over else _smaller(peaks, most),
        "over": is_over,
        "failed": failed.count(near) if near is not None else 0,
        "near": near,
        "more": near is not None and near >= max(most or 0, retried),
    }


def _smaller(peaks: Sequence[float], most: Number | None) -> int | None:
    """The least whole number below the request that is enough for 99 % of the replicas; None without one."""
    if len(peaks) < _ENOUGH or most is None:
        return None
    enough = max(math.ceil(quantile(peaks, SHARE)), 1)
    return enough if enough < most else None
