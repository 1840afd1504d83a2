"""Tables as maps of coloured cells, blank where there is no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["heat_map"]

_SHADES = ("#cfe1f2", "#6ba5d7", "#2b6ca8", "#12406f")
"""From little to much; the cells have a colour of their own, so they look the same on every page."""
_MOST_TEXTS = 400
"""Cells up to which each has its value written in."""


def heat_map(
    ax: Axes,
    values: npt.NDArray[np.float64],
    texts: Callable[[int, int], str],
    *,
    label: str,
    form: Callable[[float], str],
    most: float,
    whole: bool = False,
) -> None:
    """Draw a map of values, with a bar that says what the colours are.

    Parameters
    ----------
    ax
        Where.
    values
        By row and column; NaN is left blank.
    texts
        Gives the text of a cell; it is written where there are few enough.
    label
        What the colours say.
    form
        Gives a value as text, for the bar.
    most
        The value that has the darkest colour, as have all above it.
    whole
        Whether the values are whole numbers.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    shades = LinearSegmentedColormap.from_list("house", _SHADES)
    shown = np.ma.masked_invalid(values)
    extent = (-0.5, values.shape[1] - 0.5, values.shape[0] - 0.5, -0.5)
    image = ax.imshow(shown, cmap=shades, vmin=0, vmax=most, aspect="auto", interpolation="nearest", extent=extent)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    above = "max" if np.nanmax(values) > most else "neither"
    bar = ax.figure.colorbar(image, ax=ax, label=label, pad=0.02, fraction=0.05, extend=above)
    _quiet(bar, ax)
    bar.ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=whole))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: form(value)))
    if values.size > _MOST_TEXTS:
        return
    size = 9 if values.shape[1] <= 14 else 7
    for row, column in zip(*np.nonzero(~np.isnan(values)), strict=True):
        ink = "#ffffff" if values[row, column] > 0.5 * most else "#16324f"
        ax.text(column, row, texts(row, column), ha="center", va="center", fontsize=size, color=ink)


def _quiet(bar: Any, ax: Axes) -> None:
    """Give a bar the ink of its axes, which it would take from the page's defaults."""
    ink = ax.yaxis.label.get_color()
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, colors=ink)
    bar.ax.yaxis.label.set_color(ink)
