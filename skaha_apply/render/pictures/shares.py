"""The load of each replica as a picture, with one panel for each strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.shares import LoadUnit
from skaha_apply.render.pictures.figure import BLACK, BLUE, ORANGE, RED, draw_picture, use_whole_numbers
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.shares.table import load_text, scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from skaha_apply.model.shares import SplitPreview, StrategyShares

BARS = 100  # replicas with a bar each; more replicas are drawn as one outline
_TITLE = 90  # characters


def split_picture(preview: SplitPreview, form: str) -> bytes:
    """The picture in one of `pictures.PICTURE_FORMATS`; raises `SkahaApplyError` when matplotlib cannot be used."""
    return draw_picture(lambda figure: _draw(figure, preview), form)


def _draw(figure: Figure, preview: SplitPreview) -> None:
    listing = preview.listing
    total = f", {load_text(preview.strategies[0].total, listing.unit)}," if listing.unit is LoadUnit.BYTES else ""
    source = f"{truncate(one_line(listing.source), _TITLE)}{total} over {counted(preview.replicas, 'replica')}"
    figure.suptitle(f"{source}\nshared as {preview.helper.module} does", fontsize="large")
    panels = figure.subplots(len(preview.strategies), 1, sharex=True, sharey=True)
    for panel, split in zip(panels, preview.strategies, strict=True):
        _panel(panel, split, preview)
    panels[-1].set_xlabel("replica (REPLICA_ID)")


def _panel(axes: Axes, split: StrategyShares, preview: SplitPreview) -> None:
    unit = preview.listing.unit
    factor, name = scale(max(one.largest.load for one in preview.strategies), unit)
    loads = [part.load / factor for part in split.shares]
    color = BLUE if split.strategy == preview.recommended else ORANGE
    count = len(loads)
    if count <= BARS:
        axes.bar(range(1, count + 1), loads, width=0.8, color=color)
    else:
        axes.stairs(loads, [place + 0.5 for place in range(count + 1)], fill=True, color=color)
    _mean(axes, split.mean / factor, load_text(split.mean, unit, named=False))
    empty = [part.replica for part in split.shares if not part.items]
    if empty and count <= BARS:
        axes.plot(empty, [0] * len(empty), marker="x", linestyle="", color=RED, clip_on=False, zorder=3)
    axes.set_xlim(0.5, count + 0.5)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"load ({name})")
    use_whole_numbers(axes.xaxis)
    if unit is LoadUnit.ITEMS:
        use_whole_numbers(axes.yaxis)
    axes.set_title(_title(split, preview), fontweight="bold" if split.strategy == preview.recommended else "normal")


def _mean(axes: Axes, height: float, text: str) -> None:
    """Draw the mean as a line, with its value outside the panel, where no bar hides it."""
    axes.axhline(height, color=BLACK, linestyle="--", linewidth=1.2)
    axes.annotate(
        f"mean\n{text}",
        xy=(1, height),
        xycoords=axes.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        verticalalignment="center",
    )


def _title(split: StrategyShares, preview: SplitPreview) -> str:
    largest = f"largest {load_text(split.largest.load, preview.listing.unit)} (replica {split.largest.replica})"
    empty = f", {split.empty} empty" if split.empty else ""
    taken = " (recommended)" if split.strategy == preview.recommended else ""
    return f"{split.strategy}{taken}: imbalance {split.imbalance:.2f}, {largest}{empty}"
