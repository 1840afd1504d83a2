"""Line plots as SVG, the same bytes for the same numbers, legible on light and dark pages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

__all__ = ["plot"]

_INK = "#777777"
_LINE = 14
"""Points between two names."""
_COLOURS = ("#3b82c4", "#c8741a", "#3f9a5a", "#b0569c")
_STYLE = {
    "svg.hashsalt": "intempt",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def plot(
    path: Path, x: str, y: str, series: Mapping[str, Sequence[tuple[float, float]]], *, from_zero: bool = False
) -> None:
    """Draw lines over a logarithmic axis, each with its name at its end.

    Parameters
    ----------
    path
        Of the SVG file.
    x, y
        Labels of the axes, with their units.
    series
        Points by name, ascending in x, which all lines share.
    from_zero
        Whether y is linear, from zero; otherwise it is logarithmic too.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.add_subplot(xlabel=x, ylabel=y, xscale="log", yscale="linear" if from_zero else "log")
        for points, colour in zip(series.values(), _COLOURS, strict=False):
            across, up = zip(*points, strict=True)
            axes.plot(across, up, color=colour, marker="o", markersize=4, linewidth=1.8)
        axes.set_xticks(across)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(_number))
        axes.yaxis.set_major_formatter(FuncFormatter(_number))
        axes.grid(axis="y", which="both", color=_INK, alpha=0.25, linewidth=0.6)
        if from_zero:
            axes.set_ylim(bottom=0)
        else:
            axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
            axes.yaxis.set_minor_formatter(FuncFormatter(_number))
        _name_lines(figure, axes, {name: points[-1] for name, points in series.items()})
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})


def _name_lines(figure: Figure, axes: Axes, ends: Mapping[str, tuple[float, float]]) -> None:
    """Write each line's name behind its end; where ends are close, the lower names move down."""
    figure.draw_without_rendering()  # so that the axes know where a point is
    points_a_pixel = 72 / figure.dpi
    heights = {name: axes.transData.transform(end)[1] * points_a_pixel for name, end in ends.items()}
    colours = dict(zip(ends, _COLOURS, strict=False))
    place = math.inf
    for name in sorted(heights, key=heights.__getitem__, reverse=True):
        place = min(place - _LINE, heights[name])
        offset = (8, place - heights[name])
        axes.annotate(
            name, ends[name], xytext=offset, textcoords="offset points", color=colours[name], va="center", clip_on=False
        )


def _number(value: float, _: int) -> str:
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"
