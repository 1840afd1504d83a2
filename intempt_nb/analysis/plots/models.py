"""How good scores are: whether they are the shares that come true, and how many outcomes the highest of them hold."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from intempt_nb.analysis.plots.style import COLORS, INK, new_axes, set_title
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    Floats = npt.NDArray[np.float64]

__all__ = ["calibration", "lift"]

_NORMAL = 1.959964  # of a 95 % interval
_LONGEST = 36  # letters in a line of a legend, of which half of the axes hold as many


def calibration(y: Any, p: Any, ax: Axes | None = None, *, bins: int = 10) -> Axes:
    """Draw the shares that were predicted against those that came true: a reliability diagram.

    The rows are cut by their scores into groups of the same size (equal scores stay together). A dot is the mean score
    of a group and the share of it in which the outcome came true, with its 95 % interval (Wilson's). Where dots lie on
    the diagonal, a score can be read as a probability.

    Parameters
    ----------
    y
        Outcomes: truth values, or 0 and 1; one a row.
    p
        Scores from 0 to 1, in the order of `y`; of a classifier ``model.predict_proba(X)[:, 1]``. If both have an
        index, it has to be the same. Or a mapping of names to scores, to compare models.
    ax
        Axes to draw on; None makes new ones.
    bins
        How many groups.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If there are no rows, gaps, scores outside of 0 to 1 or with another index, or outcomes that are neither true
        nor false.
    """
    truth, named = _outcomes(y), _scores(y, p)
    for name, scores in named.items():
        if scores.min() < 0 or scores.max() > 1:
            raise DataError(f"scores {name!r} are not within 0 and 1; calibration is of probabilities", field="p")
    ax = new_axes(ax, 5.5, 5.0)
    top = 0.0
    for color, (name, scores) in zip(cycle(COLORS), named.items(), strict=False):
        count, mean, share = _grouped(truth, scores, bins)
        low, high = _wilson(share, count)
        ax.errorbar(mean, share, (share - low, high - share), color=color, marker="o", markersize=5, linewidth=1.2,
                    elinewidth=0.8, label=name and f"{name}: {scores.mean():.1%} on average")  # fmt: skip
        top = max(top, mean.max(), high.max())
    top = min(1.0, top * 1.05)
    ax.plot([0, top], [0, top], color=INK, linewidth=1, linestyle=":")
    _beside(ax, "as predicted", top * 0.8)
    room = 1.2 if any(named) else 1.0  # for the legend
    ax.set(xlim=(0, top), ylim=(0, min(1.0, top * room)), xlabel="predicted probability", ylabel="share that came true")
    _percent(ax)
    said = f", predicted: {named[''].mean():.1%}" if "" in named else ""
    set_title(ax, f"{truth.mean():.1%} came true{said}")
    if any(named):
        _legend(ax, "best")
    return ax


def lift(y: Any, p: Any, ax: Axes | None = None) -> Axes:
    """Draw which share of the outcomes the highest scores hold: cumulative gains, with the lift of the best tenth.

    The lift is how many times more outcomes there are among the rows with the highest scores than among as many rows
    at random. Rows with the same score are drawn as if they were in no order.

    Parameters
    ----------
    y, p, ax
        As of :func:`calibration`; the scores may be any numbers.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If there are no rows, gaps, scores with another index, no outcome that is true, or outcomes that are neither
        true nor false.
    """
    truth, named = _outcomes(y), _scores(y, p)
    if not truth.any():
        raise DataError("no outcome is true, so there is nothing to find", field="y")
    ax = new_axes(ax, 5.5, 5.0)
    tenths = []
    for color, (name, scores) in zip(cycle(COLORS), named.items(), strict=False):
        rows, found = _gains(truth, scores)
        tenths.append(float(np.interp(0.1, rows, found)))
        ax.plot(
            rows, found, color=color, linewidth=1.8, label=name and f"{name}: {tenths[-1]:.0%} in the highest tenth"
        )
        at = np.arange(1, 10) / 10
        ax.plot(at, np.interp(at, rows, found), color=color, marker="o", markersize=4, linestyle="none")
    ax.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
    _beside(ax, "at random", 0.75)
    most = max(tenths)
    set_title(ax, f"The highest tenth holds {'up to ' if len(named) > 1 else ''}{most:.0%}: lift {most * 10:.1f}")
    ax.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="share of the rows, highest scores first", ylabel="share of the outcomes found"
    )
    _percent(ax)
    if any(named):
        _legend(ax, "lower right")
    return ax


def _outcomes(y: Any) -> npt.NDArray[np.bool_]:
    values = np.asarray(y)
    if values.ndim != 1 or not len(values):
        raise DataError(f"y has the shape {values.shape}; expected one outcome a row, and rows", field="y")
    try:
        numbers = values.astype(float)
    except (TypeError, ValueError):
        numbers = np.full(len(values), np.nan)
    wrong = ~np.isin(numbers, (0.0, 1.0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{values[row]!r} is neither true nor false", row=row, field="y", expected="True, False, 0 or 1"
        )
    outcomes: npt.NDArray[np.bool_] = numbers == 1
    return outcomes


def _scores(y: Any, p: Any) -> dict[str, Floats]:
    named: dict[str, Floats] = {}
    for name, given in p.items() if isinstance(p, Mapping) else [("", p)]:
        scores = np.asarray(given, dtype=float)
        if scores.ndim != 1:
            raise DataError(
                f"scores have the shape {scores.shape}; expected one a row: model.predict_proba(X)[:, 1]", field="p"
            )
        if len(scores) != len(y):
            raise DataError(f"{len(scores):,} scores and {len(y):,} outcomes; expected as many", field="p")
        if isinstance(y, pd.Series) and isinstance(given, pd.Series) and not y.index.equals(given.index):
            raise DataError(
                "y and the scores have different indexes, so that their rows may not belong together; put them in one "
                "order: p.loc[y.index]",
                field="p",
            )
        if not np.isfinite(scores).all():
            raise DataError("there is no number here", row=int(np.argmin(np.isfinite(scores))), field="p")
        named[str(name)] = scores
    if not named:
        raise DataError("there are no scores: the mapping is empty", field="p")
    return named


def _grouped(truth: npt.NDArray[np.bool_], scores: Floats, bins: int) -> tuple[Floats, Floats, Floats]:
    """Return how many rows each group has, their mean score, and the share that came true."""
    edges = np.unique(np.quantile(scores, np.arange(1, bins) / bins))
    groups = np.searchsorted(edges, scores, side="left")
    count = np.bincount(groups).astype(float)
    there = count > 0
    count = count[there]
    return count, np.bincount(groups, scores)[there] / count, np.bincount(groups, truth)[there] / count


def _wilson(share: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % interval of shares (E. B. Wilson, 1927), which holds for small counts, and for none and all."""
    square = _NORMAL**2 / count
    middle = (share + square / 2) / (1 + square)
    half = np.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


def _gains(truth: npt.NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Return the share of rows, and of true outcomes, with at least each score that is there, from (0, 0) on."""
    distinct, places = np.unique(-scores, return_inverse=True)
    rows, found = np.bincount(places, minlength=len(distinct)), np.bincount(places, truth, len(distinct))
    return np.append(0, np.cumsum(rows)) / len(truth), np.append(0, np.cumsum(found)) / truth.sum()


def _beside(ax: Axes, text: str, at: float) -> None:
    """Name the diagonal."""
    ax.annotate(text, (at, at), (6, -6), textcoords="offset points", color=INK, va="top", fontsize="small")


def _legend(ax: Axes, where: Literal["best", "lower right"]) -> None:
    handles, labels = ax.get_legend_handles_labels()
    lines = [fill(each, _LONGEST) for each in labels]
    ax.legend(handles, lines, loc=where, labelcolor="linecolor", frameon=False)


def _percent(ax: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
