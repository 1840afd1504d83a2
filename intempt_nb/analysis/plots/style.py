"""How plots look: nothing behind them, ink and colours that are legible on a light page and on a dark one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intempt_nb.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLORS", "INK", "new_axes", "set_title"]

INK = "#777777"
"""Text, axes and ticks: contrast 4.5 on white and 4.2 on the dark theme's #111."""

COLORS = ("#3d85c6", "#d9691e", "#2e9d6a", "#a86ec4")
"""Blue, orange, green, purple: at least 3.3 on both, and apart for the colour-blind."""

_STYLE = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def set_title(ax: Axes, text: str) -> None:
    """Write what is seen above the axes, from their left on."""
    ax.set_title(text, loc="left")


def new_axes(ax: Axes | None, width: float = 7.0, height: float = 4.0) -> Axes:
    """Return the axes to draw on: those given, or new ones of so many inches in the house's style.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed.
    """
    pyplot = require("matplotlib.pyplot", "analysis")
    if ax is not None:
        return ax
    # Outside of the context: the first figure starts the notebook's backend, whose setting would be put back with it.
    figure = pyplot.figure(figsize=(width, height), layout="constrained", facecolor="none")
    with pyplot.rc_context({**_STYLE, "axes.prop_cycle": pyplot.cycler(color=COLORS)}):
        axes = figure.subplots()
    made: Axes = axes
    return made
