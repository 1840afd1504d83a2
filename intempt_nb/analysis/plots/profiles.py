"""A picture of how the values of a column are distributed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from intempt_nb.analysis.plots.style import COLORS, new_axes, set_title
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.extras import require
from intempt_nb.profiling.columns import ColumnProfile
from intempt_nb.profiling.views import median_text, value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["histogram"]

_FIRST, _LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")
"""What matplotlib has dates for."""
_YEAR = 365.2425


def histogram(column: ColumnProfile, ax: Axes | None = None) -> Axes:
    """Draw how the values of a column are distributed: the bars of its profile, and the median.

    Parameters
    ----------
    column
        A column of numbers, dates or timestamps: ``profile["amount"]``.
    ax
        Where to draw; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Its horizontal axis has the column's own numbers or, in UTC, its dates; mere years where a bar ends after 9999.

    Raises
    ------
    DataError
        If it is no column of a profile.
    ConfigurationError
        If matplotlib is not installed.
    """
    if not isinstance(column, ColumnProfile):
        raise DataError(f"expected a column of a profile, found {type(column).__name__}: histogram(profile['amount'])")
    ax = new_axes(ax)
    ax.set(xlabel=shorten(column.name, 40), ylabel="values")
    if column.histogram is None:
        ax.set(xticks=[], yticks=[])
        set_title(ax, f"{_counts(column)}; {_missing(column)}")
        return ax
    edges = np.array(column.histogram.edges)
    dated = edges.dtype.kind == "M"
    if dated:
        edges = edges.astype("datetime64[us]")
        place = _dates(ax, edges, in_utc=getattr(column.min, "tzinfo", None) is not None)
        borders, instant = place(edges), _instant(column.median)
        middle = None if instant is None else float(place(instant))
    else:
        borders, middle = edges.astype(np.float64), float(column.median)
    ax.bar(borders[:-1], column.histogram.counts, np.diff(borders) * 0.96, align="edge", color=COLORS[0])
    if middle is not None:
        _mark(ax, middle, f"median {median_text(column)}", left=middle > (borders[0] + borders[-1]) / 2)
    set_title(ax, _counts(column))
    ax.margins(y=0.12)  # the median's name stands above the bars
    ax.yaxis.set_major_formatter("{x:,.0f}")
    return ax


def _counts(column: ColumnProfile) -> str:
    nan = f" ({column.nan:,} NaN)" if column.nan else ""
    nulls = f"{column.nulls:,}" if column.nulls else "no"
    return f"{_number(f'{column.count:,}', 'value')}{nan}, {_number(nulls, 'null')}"


def _number(number: str, what: str) -> str:
    return f"{number} {what}{'' if number == '1' else 's'}"


def _missing(column: ColumnProfile) -> str:
    """Return why a column has no bars."""
    if column.distinct == 1:
        return f"all are {value_text(column.min)}" if column.min is not None else "all are the same"
    return f"no bars for {shorten(column.type, 30)}" if column.count > column.nan else "nothing to draw"


def _dates(ax: Axes, edges: Any, *, in_utc: bool) -> Any:
    """Give the axes a scale for dates; return what makes places on it of instants."""
    name = ax.get_xlabel()
    if edges[0] < _FIRST or edges[-1] > _LAST:
        ax.set_xlabel(f"{name} (year)")
        days = np.timedelta64(1, "D")
        return lambda instants: 1970 + (instants - np.datetime64("1970-01-01")) / days / _YEAR
    dates = require("matplotlib.dates", "analysis")
    ax.set_xlabel(f"{name} (UTC)" if in_utc else name)
    locator = dates.AutoDateLocator(tz=dt.UTC)  # of the machine's settings otherwise
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=dt.UTC))
    return dates.date2num


def _instant(value: Any) -> Any:
    """Return a date or time in UTC; None for text of a year that Python has not."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    try:
        instant = np.datetime64(value.removesuffix("Z") if isinstance(value, str) else value)
    except ValueError:
        return None
    return instant.astype("datetime64[us]")


def _mark(ax: Axes, at: float, text: str, *, left: bool) -> None:
    """Draw a line with its name, which stands on the side where there is more room."""
    ax.axvline(at, color=COLORS[1], linewidth=1.6)
    ax.annotate(
        text,
        (at, 0.99),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if left else 5, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        color=COLORS[1],
    )
