"""Pictures of sessions, funnels, retention, RFM scores and the days between purchases."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from intempt_nb.analysis.plots.heat import heat_map
from intempt_nb.analysis.plots.style import COLORS, INK, new_axes, set_title
from intempt_nb.display import shorten
from intempt_nb.errors import DataError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from intempt_nb.analysis.retention import Retention

__all__ = ["funnel", "intervals", "retention", "rfm", "sessions"]

_LENGTHS = {  # seconds
    "under 10 s": 10,
    "10-30 s": 30,
    "30-60 s": 60,
    "1-3 min": 180,
    "3-10 min": 600,
    "10-30 min": 1800,
    "30-60 min": 3600,
    "1-3 h": 10_800,
    "3-12 h": 43_200,
    "12-24 h": 86_400,
    "1-3 days": 259_200,
    "3-7 days": 604_800,
    "7-30 days": 2_592_000,
    "longer": np.inf,
}
_SIZES = {"2": 3, "3": 4, "4": 5, "5-9": 10, "10-19": 20, "20-49": 50, "50-99": 100, "100-999": 1000, "more": np.inf}


def sessions(result: pd.DataFrame, ax: Axes | None = None, *, of: Literal["duration", "events"] = "duration") -> Axes:
    """Draw how long sessions are.

    Parameters
    ----------
    result
        What `intempt_nb.analysis.sessions` returned.
    ax
        Where to draw; None for a new figure.
    of
        ``"duration"``, from the first event to the last, or the number of ``"events"``. Sessions of one event have a
        bar of their own.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If the table has no such columns.
    ConfigurationError
        If matplotlib is not installed.
    """
    _check(result, "duration", "events")
    events = result["events"].to_numpy(np.int64)
    several = events > 1
    if of == "events":
        numbers, bounds, what = events[several], _SIZES, "events in the session"
    else:
        numbers, bounds, what = _microseconds(result["duration"])[several] / 1e6, _LENGTHS, "duration of the session"
    ax = new_axes(ax)
    ax.set(xlabel=what, ylabel="sessions")
    if not len(result):
        return _empty(ax, "no sessions")
    counts = np.bincount(np.searchsorted(list(bounds.values()), numbers, side="right"), minlength=len(bounds))
    used = np.flatnonzero(counts)
    chosen = range(used[0], used[-1] + 1) if len(used) else range(0)
    names = ["one event", *(list(bounds)[at] for at in chosen)]
    heights = np.array([(~several).sum(), *counts[chosen]])
    bars = ax.bar(names, heights, color=[INK, *[COLORS[0]] * len(chosen)], width=0.85)
    ax.bar_label(bars, [_percent(each / len(result)) for each in heights], padding=2, color=INK)
    middle = np.median(numbers) if len(numbers) else 0
    told = f"{middle:g} events" if of == "events" else _duration(middle * 1e6)
    others = f"; median of the others: {told}" if len(numbers) else ""
    share = _percent((~several).mean())
    set_title(ax, f"{_count(len(result), 'session')}, {share} of one event{others}")
    ax.margins(y=0.12)
    _thousands(ax)
    ax.tick_params(axis="x", labelrotation=30 if len(names) > 6 else 0)
    return ax


def funnel(result: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many persons come to each step.

    Parameters
    ----------
    result
        What `intempt_nb.analysis.funnel` returned.
    ax
        Where to draw; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If the table has no such columns.
    ConfigurationError
        If matplotlib is not installed.
    """
    _check(result, "step", "persons", "share_of_first", "share_of_previous", "median_from_previous")
    ax = new_axes(ax, height=1.4 + 0.6 * len(result))
    persons = result["persons"].to_numpy(np.int64)
    places = np.arange(len(result))
    ax.barh(places, np.full(len(result), persons[0]), color=COLORS[0], alpha=0.15, height=0.72)
    ax.barh(places, persons, color=COLORS[0], height=0.72)
    for place, row in enumerate(result.itertuples()):
        ax.text(1.01, place, _step_text(row), transform=ax.get_yaxis_transform(), va="center", color=INK)
    names = ["\n".join(textwrap.wrap(shorten(name, 44), 24)) for name in result["step"]]
    ax.set(yticks=places, yticklabels=names, xlabel="persons", xlim=(0, max(persons[0], 1)))
    set_title(ax, _funnel_title(result, persons))
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=6)
    _thousands(ax, "x")
    return ax


def _step_text(row: Any) -> str:
    if pd.isna(row.share_of_first):
        return "0"
    told = f"{row.persons:,} · {_percent(row.share_of_first)}"
    if row.Index and not pd.isna(row.median_from_previous):
        return f"{told}\n{_duration(row.median_from_previous / pd.Timedelta(microseconds=1))} later"
    return told


def _funnel_title(result: pd.DataFrame, persons: npt.NDArray[np.int64]) -> str:
    if not persons[0]:
        return "nobody took the first step"
    lost = persons[:-1] - persons[1:]
    if not lost.any():
        return f"{_count(int(persons[0]), 'person')}, none lost on the way"
    worst = shorten(result["step"].iloc[int(lost.argmax()) + 1], 16)
    return f"{_percent(persons[-1] / persons[0])} take every step; most are lost before {worst}"


def retention(result: Retention, ax: Axes | None = None) -> Axes:
    """Draw which share of each cohort is active in the periods after its first.

    Period 0, in which all are, is left out; the size of a cohort stands at its name. Where a period is not over, there
    is nothing.

    Parameters
    ----------
    result
        What `intempt_nb.analysis.retention` returned.
    ax
        Where to draw; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed.
    """
    shares = result.shares.iloc[:, 1:].to_numpy(np.float64, na_value=np.nan)
    persons = result.persons.to_numpy(np.int64)
    ax = new_axes(ax, 8, min(1.8 + 0.28 * max(len(shares), 4), 8))
    ax.set(xlabel=f"{result.period}s since the first event", ylabel=f"{result.period} of the first event (persons)")
    if not shares.size:
        return _empty(ax, f"no {result.period} after the first is over yet")
    weights = ~np.isnan(shares) * persons[:, None]
    heat_map(
        ax,
        shares,
        lambda row, column: f"{shares[row, column]:.0%}",
        label="active",
        form=lambda share: f"{100 * share:.3g}%",
        most=_most(shares, weights),
    )
    last = int(np.flatnonzero(2 * weights.sum(axis=0) >= persons.sum())[-1:].max(initial=0)) + 1
    when = f"{'on' if result.period == 'day' else 'in'} {result.period}"
    later = f", {_percent(result.curve.iloc[last])} {when} {last}" if last > 1 else ""
    set_title(ax, f"{_percent(result.curve.iloc[1])} are back {when} 1{later}")
    days = [str(day)[: 7 if result.period == "month" else 10] for day in result.active.index]
    labels = [f"{day} ({size:,})" for day, size in zip(days, persons, strict=True)]
    _ticks(ax, "y", labels, 24)
    _ticks(ax, "x", [str(age) for age in result.active.columns[1:]], 24 if shares.shape[1] < 100 else 12)
    return ax


def _most(shares: npt.NDArray[np.float64], weights: npt.NDArray[np.int64]) -> float:
    """Return the share that 99 % of the persons are not above: of one or two persons, it is soon all."""
    known = np.flatnonzero(weights)
    order = known[np.argsort(shares.flat[known])]
    heaped = np.cumsum(weights.flat[order])
    return float(shares.flat[order[np.searchsorted(heaped, 0.99 * heaped[-1])]]) or 1.0


def rfm(result: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many customers have each pair of scores for recency and frequency, and what they spent.

    The best are at the top right.

    Parameters
    ----------
    result
        What `intempt_nb.analysis.rfm` returned.
    ax
        Where to draw; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If the table has no such columns.
    ConfigurationError
        If matplotlib is not installed.
    """
    _check(result, "recency", "frequency", "monetary", "r", "f")
    recent, often = _codes(result["r"], best_first=True), _codes(result["f"])
    shape = (len(recent[1]), len(often[1]))
    ax = new_axes(ax, 1.5 + 0.75 * min(max(shape[1], 8), 24), 0.9 + 0.36 * min(max(shape[0], 10), 24))
    ax.set(xlabel="transactions (score f)", ylabel="days since the last (score r)")
    if not len(result):
        return _empty(ax, "no customers")
    cells = recent[0] * shape[1] + often[0]
    counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    spent = np.bincount(cells, result["monetary"].astype("double[pyarrow]").to_numpy(), shape[0] * shape[1]).reshape(
        shape
    )
    counts[counts == 0] = np.nan
    heat_map(
        ax,
        counts,
        lambda row, column: f"{counts[row, column]:,.0f}\nø {spent[row, column] / counts[row, column]:,.0f}",
        label="customers",
        form="{:,.0f}".format,
        most=float(np.nanmax(counts)),
        whole=True,
    )
    _ticks(ax, "y", _ranges(result["recency"], *recent), 24)
    times = _ranges(result["frequency"], *often)
    _ticks(ax, "x", times, 24)
    ax.tick_params(
        axis="x", labelrotation=30 if sum(map(len, times)) > 72 else 0
    )  # letters that 6 inches have room for
    set_title(ax, f"{_count(len(result), 'customer')}; ø: spent on average")
    return ax


def intervals(result: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how the days from one purchase to the next are distributed.

    Parameters
    ----------
    result
        What `intempt_nb.analysis.intervals` returned.
    ax
        Where to draw; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If the table has no such columns.
    ConfigurationError
        If matplotlib is not installed.
    """
    _check(result, "days", "intervals", "cumulative")
    ax = new_axes(ax)
    ax.set(xlabel="days to the next purchase", ylabel="intervals")
    if not len(result):
        return _empty(ax, "nobody bought on a second day")
    days, counts = (result[name].to_numpy(np.int64) for name in ("days", "intervals"))
    width = next(each for each in (1, 7, 14, 28, 91, 364, 3640, 36_400, 10**7) if days[-1] <= 60 * each)
    bins = np.bincount((days - 1) // width, counts)
    ax.bar(np.arange(len(bins)) * width + 0.5, bins, width=width * 0.92, align="edge", color=COLORS[0])
    middle = int(days[np.searchsorted(result["cumulative"].to_numpy(np.float64), 0.5)])
    ax.axvline(middle, color=COLORS[1], linewidth=1.6)
    ax.annotate(
        f"median {_count(middle, 'day')}",
        (middle, 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(5, 0),
        textcoords="offset points",
        va="top",
        color=COLORS[1],
    )
    each = "day" if width == 1 else f"{width} days"
    set_title(ax, f"{_count(int(counts.sum()), 'purchase')} after an earlier one; a bar for each {each}")
    ax.set_xlim(left=0)
    _thousands(ax)
    return ax


def _check(result: pd.DataFrame, *names: str) -> None:
    for name in names:
        if name not in result:
            raise DataError(f"there is no column {name!r}{suggest(name, map(str, result.columns))}", field=name)


def _empty(ax: Axes, title: str) -> Axes:
    ax.set(xticks=[], yticks=[])
    set_title(ax, title)
    return ax


def _microseconds(durations: pd.Series[Any]) -> npt.NDArray[np.int64]:
    return np.asarray(durations.astype("duration[us][pyarrow]").astype("int64[pyarrow]"), np.int64)


def _codes(scores: pd.Series[Any], *, best_first: bool = False) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the place of each row's score among those that occur, and these."""
    found, codes = np.unique(scores.to_numpy(np.int64), return_inverse=True)
    return (len(found) - 1 - codes, found[::-1]) if best_first else (codes, found)


def _ranges(values: pd.Series[Any], codes: npt.NDArray[np.int64], scores: npt.NDArray[np.int64]) -> list[str]:
    """Return for each score which values have it."""
    numbers = values.to_numpy(np.int64)
    found = []
    for code, score in enumerate(scores):
        own = numbers[codes == code]
        span = f"{own.min():,}" if own.min() == own.max() else f"{own.min():,}-{own.max():,}"
        found.append(f"{span} ({score})")
    return found


def _ticks(ax: Axes, axis: Literal["x", "y"], labels: Sequence[str], most: int) -> None:
    step = -(-len(labels) // most)
    places = range(0, len(labels), step)
    (ax.set_xticks if axis == "x" else ax.set_yticks)(list(places), [labels[at] for at in places])


def _thousands(ax: Axes, axis: Literal["x", "y"] = "y") -> None:
    ax.locator_params(axis=axis, integer=True)
    (ax.xaxis if axis == "x" else ax.yaxis).set_major_formatter("{x:,.0f}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    """Return a share with as many digits as it needs: 37%, 0.4%."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{share:.0%}" if share in (0, 1) or 0.0995 <= share < 0.995 else f"{share:.1%}"


def _duration(microseconds: float) -> str:
    for unit, name in ((86_400e6, "days"), (3600e6, "h"), (60e6, "min"), (1e6, "s")):
        if microseconds >= 1.5 * unit or (name != "days" and microseconds >= unit):
            return f"{microseconds / unit:.3g} {name}"
    return f"{microseconds / 1000:.3g} ms"
