"""How a list would be divided over replicas, and which strategy is better. All functions are pure.

`skaha_apply.distributed` itself computes the shares. The shares of the helper in the published client are computed here
as observed in canfar 1.5.2. A conformance test compares them with that client.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.distributed import Share
from skaha_apply.model.counts import counted, noun_for
from skaha_apply.model.shares import Helper, LoadUnit, ReplicaShare, SplitPreview, StrategyShares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.model.shares import ItemList

STRATEGIES = ("chunk", "stripe")
CLOSE = 1.05  # imbalances within this factor of each other count as equal
UNEVEN = 1.1  # from this imbalance on, the notes show ways to reduce it


def preview(listing: ItemList, replicas: int, helper: Helper = Helper.SKAHA_APPLY) -> SplitPreview:
    """Divide a list with items over `replicas` >= 1, by both strategies of a helper."""
    chunk, stripe = (divide(listing, replicas, strategy, helper) for strategy in STRATEGIES)
    take, reason = _advice(chunk, stripe)
    notes = (*listing.notes, *_notes(listing, chunk, stripe, helper))
    return SplitPreview(listing, helper, (chunk, stripe), take, reason, notes)


def divide(listing: ItemList, replicas: int, strategy: str, helper: Helper = Helper.SKAHA_APPLY) -> StrategyShares:
    """The share of every replica in a list."""
    parts = []
    for replica in range(1, replicas + 1):
        part = part_of(len(listing.items), replica, replicas, strategy, helper)
        mine = listing.items[part]
        first, last = (mine[0], mine[-1]) if mine else (None, None)
        parts.append(ReplicaShare(replica, len(mine), sum(listing.weights[part]), first, last))
    return StrategyShares(strategy, tuple(parts))


def part_of(items: int, replica: int, replicas: int, strategy: str, helper: Helper = Helper.SKAHA_APPLY) -> slice:
    """The positions that a replica (from 1) gets of a list with `items` items."""
    if helper is Helper.CANFAR and strategy == "chunk" and items >= replicas:
        # Every replica gets the whole-number quotient, and the last one also gets the whole remainder. If there are
        # fewer items than replicas, each item has its own replica, as in skaha_apply. Stripe is equal in both.
        size = items // replicas
        return slice((replica - 1) * size, items if replica == replicas else replica * size)
    return Share(replica, replicas, strategy, items).part


def _advice(chunk: StrategyShares, stripe: StrategyShares) -> tuple[str, str]:
    """The better strategy, and why. The load of the largest share decides, because that replica ends last."""
    if len(chunk.shares) == 1:
        return "chunk", "one replica gets everything"
    if chunk.shares == stripe.shares:
        return "chunk", "both give the same shares: each item has its own replica"
    if chunk.imbalance <= stripe.imbalance * CLOSE:
        figures = f"{chunk.imbalance:.2f} and {stripe.imbalance:.2f}"
        if chunk.imbalance * CLOSE >= stripe.imbalance:
            even = (
                "as even as stripe" if chunk.imbalance == stripe.imbalance else f"about as even as stripe ({figures})"
            )
            return "chunk", f"it is {even}, and keeps neighbors of the list together"
        return "chunk", f"it is more even than stripe: imbalance {figures}"
    saved = 1 - stripe.largest.load / chunk.largest.load
    figures = f"{stripe.imbalance:.2f} times the mean, and that of chunk is {chunk.imbalance:.2f} times the mean"
    return "stripe", f"its largest share is {figures}: the busiest replica has {saved:.0%} less to do"


def _notes(listing: ItemList, chunk: StrategyShares, stripe: StrategyShares, helper: Helper) -> Iterator[str]:
    items, replicas = len(listing.items), len(chunk.shares)
    if items < replicas:
        surplus = replicas - items
        get = noun_for(surplus, "gets", "get")
        yield f"{surplus} of {replicas} replicas {get} no item: this list can use at most {counted(items, 'replica')}"
        return
    if helper is Helper.CANFAR and items % replicas:
        better = divide(listing, replicas, "chunk")
        yield (
            f"canfar's chunk leaves the whole remainder, {counted(items % replicas, 'item')}, to the last replica; "
            f"chunk of skaha_apply.distributed spreads it (imbalance {better.imbalance:.2f}): "
            "use only one of them in a run"
        )
    if listing.unit is LoadUnit.ITEMS:
        if replicas > 1 and max(chunk.imbalance, stripe.imbalance) <= CLOSE:
            yield "load is counted in items: if the cost grows or falls along the list, stripe balances it better"
        return
    yield from _ways_out(listing, min(chunk, stripe, key=lambda split: split.imbalance), helper)


def _ways_out(listing: ItemList, best: StrategyShares, helper: Helper) -> Iterator[str]:
    """Notes on what helps if the better strategy is uneven too."""
    if best.imbalance < UNEVEN:
        return
    largest = max(listing.weights)
    if largest >= best.mean * UNEVEN:
        useful = max(1, int(best.total / largest))
        yield (
            f"the largest item alone is {largest / best.mean:.2f} times the mean share, and no strategy can divide "
            f"it: more than {counted(useful, 'replica')} would save little time"
        )
    order = sorted(range(len(listing.items)), key=listing.weights.__getitem__)
    items = tuple(listing.items[index] for index in order)
    weights = tuple(listing.weights[index] for index in order)
    by_load = divide(replace(listing, items=items, weights=weights), len(best.shares), "stripe", helper)
    if by_load.imbalance * UNEVEN <= best.imbalance:
        what = "size" if listing.unit is LoadUnit.BYTES else "weight"
        yield f"if the list were sorted by {what}, the imbalance of stripe would be {by_load.imbalance:.2f}"
