"""How a value of the Python API shows itself: as a short text, as a table in a notebook, and as a DataFrame.

`render.notebook` registers the table of each class with `table_of`, because the model knows no texts. Another form in a
notebook is registered with `html_of`.
"""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import SkahaApplyError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ROWS = 20  # rows that a notebook shows
# Math in names (`tile-${tile}`) must not be typeset.
STYLE = 'class="skaha-apply tex2jax_ignore mathjax_ignore"'


@dataclass(frozen=True)
class ValueTable:
    """A value as text and as rows.

    `summary` are the lines of its text. A cell is a text, a number, a time with its zone, or None. `urgent` are the
    indexes of the rows that a person must see; they come first where not all rows are shown. `hidden` are columns that
    only a DataFrame has.
    """

    summary: tuple[str, ...]
    columns: tuple[str, ...] = ()
    rows: Sequence[tuple[Any, ...]] = ()
    urgent: frozenset[int] = frozenset()
    hidden: frozenset[str] = frozenset()


@singledispatch
def table_of(_value: object) -> ValueTable | None:
    """The table of a value; None for a class without one."""
    return None


@singledispatch
def picture_of(value: object, _form: str) -> bytes:
    """The picture of a value, `png` or `svg`."""
    raise NotImplementedError(type(value).__name__)


@singledispatch
def html_of(value: object) -> str | None:
    """What a notebook shows of a value: its table, or another form of its class; None for a class without one."""
    table = table_of(value)
    return None if table is None else html_table(table)


class Tabular:
    """A value with a short text, a table in a notebook, and a DataFrame.

    It replaces the `repr` of a dataclass, because a plan of a thousand replicas would fill the screen.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        for name in ("__repr__", "_repr_pretty_"):  # IPython prefers methods of the class itself
            setattr(cls, name, getattr(Tabular, name))

    def __str__(self) -> str:
        table = table_of(self)
        return object.__repr__(self) if table is None else _inert("\n".join(table.summary))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {str(self).partition(chr(10))[0]}>"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        """The text that IPython shows."""
        printer.text(str(self))

    def _repr_html_(self) -> str | None:
        """What a notebook shows."""
        return html_of(self)

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`, with all rows and columns. Times are in UTC.

        Raises:
            SkahaApplyError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - half a second, for those who have it
        except ImportError as error:
            reason = "is not installed" if error.name == "pandas" else f"cannot be imported: {error}"
            raise SkahaApplyError(f"a DataFrame requires pandas, which {reason}", hint="pip install pandas") from None
        table = table_of(self) or ValueTable(())
        return pd.DataFrame(list(table.rows), columns=list(table.columns))


def html_table(table: ValueTable) -> str:
    """The summary and at most `MOST_ROWS` rows as HTML; every text is escaped."""
    lines = "".join(f"<div>{_text(line)}</div>" for line in table.summary)
    if not table.rows:
        return f"<div {STYLE}>{lines}</div>"
    shown = [index for index, name in enumerate(table.columns) if name not in table.hidden]
    rows = table.rows
    if len(rows) > MOST_ROWS:
        order = sorted(range(len(rows)), key=lambda index: (index not in table.urgent, index))
        rows = [rows[index] for index in order[:MOST_ROWS]]
    head = "".join(f"<th>{_text(table.columns[index])}</th>" for index in shown)
    body = "".join(f"<tr>{''.join(_cell(row[index]) for index in shown)}</tr>" for row in rows)
    left = len(table.rows) - len(rows)
    more = f"<div>… and {left} more; to_pandas() has all rows</div>" if left else ""
    return f"<div {STYLE}>{lines}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"


def _cell(value: Any) -> str:
    if hasattr(value, "strftime"):
        value = value.strftime("%m-%d %H:%M:%S")
    align = "right" if isinstance(value, int | float) else "left"
    return f'<td style="text-align:{align}">{"" if value is None else _text(str(value))}</td>'


def _text(text: str) -> str:
    from html import escape  # noqa: PLC0415 - only notebooks need it

    return escape(_inert(text))


def _inert(text: str) -> str:
    from skaha_apply.model.masking.inert_text import without_controls  # noqa: PLC0415 - commands import this module

    return without_controls(text)
