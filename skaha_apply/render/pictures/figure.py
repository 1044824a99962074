"""The setup of matplotlib for the pictures of reports and slides.

matplotlib is an extra, so it is imported only when a picture is drawn. It needs no display. The same data give the same
bytes with the same version of matplotlib.
"""

from __future__ import annotations

import io
import logging
import warnings
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from skaha_apply.model.errors import SkahaApplyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

PICTURE_FORMATS = ("png", "svg")
# Distinct for color-blind readers and in print (Okabe and Ito).
BLUE, ORANGE, GREEN, RED, GRAY, BLACK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999", "#222222"
_DOTS_PER_INCH = 150
_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.dpi": _DOTS_PER_INCH,
    "font.size": 11,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "savefig.dpi": _DOTS_PER_INCH,
    "svg.hashsalt": "skaha-apply",
    "text.parse_math": False,  # a $ in a name is a $
}


def picture_format(path: str) -> str:
    """`png` or `svg`, by the suffix of a file name; raises `UsageError` for another suffix."""
    form = PurePath(path).suffix[1:].lower()
    if form not in PICTURE_FORMATS:
        raise UsageError(f"{path}: a picture must be a .png or .svg file", hint=f"{PurePath(path).stem or 'NAME'}.png")
    return form


def require_matplotlib() -> None:
    """Raise `SkahaApplyError` with the install command if matplotlib cannot be imported."""
    # matplotlib logs messages about caches and fonts that a user cannot act on.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import_module("matplotlib.figure")
    except ImportError as error:
        reason = "is not installed" if error.name == "matplotlib" else f"cannot be imported: {error}"
        raise SkahaApplyError(
            f"drawing a picture requires matplotlib, which {reason}", hint="pip install 'skaha-apply[plot]'"
        ) from error


def draw_picture(draw: Callable[[Figure], None], form: str, size: tuple[float, float] = (10, 6)) -> bytes:
    """The picture that `draw` makes of an empty figure of `size` inches, in one of `PICTURE_FORMATS`.

    Raises:
        SkahaApplyError: matplotlib cannot be used.
    """
    require_matplotlib()
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and a second of time
    from matplotlib.figure import Figure  # noqa: PLC0415

    buffer = io.BytesIO()
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about characters that the font lacks
        mpl.rcdefaults()  # ignore the style file of the user
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(buffer, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
    return buffer.getvalue()


def use_whole_numbers(axis: Axis) -> None:
    """Label an axis with whole numbers only."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above

    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
