"""The preview of `split` as JSON for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.render.printable import as_json

if TYPE_CHECKING:
    from skaha_apply.model.shares import SplitPreview, StrategyShares
    from skaha_apply.render.color import Paint

SPLIT_FORMAT = "1.0"


def render(preview: SplitPreview, _paint: Paint) -> str:
    """The text of the format `json`."""
    return as_json(split_document(preview))


def split_document(preview: SplitPreview) -> dict[str, Any]:
    """The preview as a JSON value; loads are in `load.unit`."""
    listing = preview.listing
    return {
        "format_version": SPLIT_FORMAT,
        "helper": preview.helper.value,
        "module": preview.helper.module,
        "source": listing.source,
        "order": listing.order,
        "items": len(listing.items),
        "replicas": preview.replicas,
        "load": {
            "unit": listing.unit.value,
            "total": preview.strategies[0].total,
            "mean": preview.strategies[0].mean,
            "largest_item": max(listing.weights),
        },
        "take": preview.recommended,
        "reason": preview.reason,
        "notes": list(preview.notes),
        "strategies": [_strategy(split) for split in preview.strategies],
    }


def _strategy(split: StrategyShares) -> dict[str, Any]:
    return {
        "strategy": split.strategy,
        "empty": split.empty,
        "smallest": {"replica": split.smallest.replica, "load": split.smallest.load},
        "largest": {"replica": split.largest.replica, "load": split.largest.load},
        "imbalance": split.imbalance,
        "shares": [
            {
                "replica": part.replica,
                "items": part.items,
                "load": part.load,
                "first": part.first,
                "last": part.last,
            }
            for part in split.shares
        ],
    }
