"""The load of each replica as a picture, one panel a strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.shares import Unit
from skaha_apply.render.action_labels import many
from skaha_apply.render.pictures.figure import BLACK, BLUE, ORANGE, RED, count_along, drawn
from skaha_apply.render.printable import cut, line
from skaha_apply.render.shares import load_text, scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from skaha_apply.model.shares import Dealt, Preview

BARS = 100  # replicas that have a bar of their own; more are one outline
_TITLE = 90  # characters


def split_picture(preview: Preview, form: str) -> bytes:
    """The picture in one of `pictures.FORMS`; raises `SkahaApplyError` when matplotlib cannot be used."""
    return drawn(lambda figure: _draw(figure, preview), form)


def _draw(figure: Figure, preview: Preview) -> None:
    listing = preview.listing
    total = f", {load_text(preview.dealt[0].total, listing.unit)}," if listing.unit is Unit.BYTES else ""
    source = f"{cut(line(listing.source), _TITLE)}{total} over {many(preview.replicas, 'replica')}"
    figure.suptitle(f"{source}\nshared as {preview.helper.module} does", fontsize="large")
    panels = figure.subplots(len(preview.dealt), 1, sharex=True, sharey=True)
    for panel, dealt in zip(panels, preview.dealt, strict=True):
        _panel(panel, dealt, preview)
    panels[-1].set_xlabel("replica (REPLICA_ID)")


def _panel(axes: Axes, dealt: Dealt, preview: Preview) -> None:
    unit = preview.listing.unit
    factor, name = scale(max(one.largest.load for one in preview.dealt), unit)
    loads = [part.load / factor for part in dealt.parts]
    colour = BLUE if dealt.strategy == preview.take else ORANGE
    count = len(loads)
    if count <= BARS:
        axes.bar(range(1, count + 1), loads, width=0.8, color=colour)
    else:
        axes.stairs(loads, [place + 0.5 for place in range(count + 1)], fill=True, color=colour)
    _mean(axes, dealt.mean / factor, load_text(dealt.mean, unit, named=False))
    empty = [part.replica for part in dealt.parts if not part.items]
    if empty and count <= BARS:
        axes.plot(empty, [0] * len(empty), marker="x", linestyle="", color=RED, clip_on=False, zorder=3)
    axes.set_xlim(0.5, count + 0.5)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"load ({name})")
    count_along(axes.xaxis)
    if unit is Unit.ITEMS:
        count_along(axes.yaxis)
    axes.set_title(_title(dealt, preview), fontweight="bold" if dealt.strategy == preview.take else "normal")


def _mean(axes: Axes, height: float, text: str) -> None:
    """A line across, with its value beside the panel, where no bar hides it."""
    axes.axhline(height, color=BLACK, linestyle="--", linewidth=1.2)
    axes.annotate(
        f"mean\n{text}",
        xy=(1, height),
        xycoords=axes.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        verticalalignment="center",
    )


def _title(dealt: Dealt, preview: Preview) -> str:
    largest = f"largest {load_text(dealt.largest.load, preview.listing.unit)} (replica {dealt.largest.replica})"
    empty = f", {dealt.empty} empty" if dealt.empty else ""
    taken = " (the one to take)" if dealt.strategy == preview.take else ""
    return f"{dealt.strategy}{taken}: imbalance {dealt.imbalance:.2f}, {largest}{empty}"
