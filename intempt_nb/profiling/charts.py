"""Histograms as small pictures and as one line of text."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import numpy as np

from intempt_nb.display import Picture

if TYPE_CHECKING:
    from intempt_nb.profiling.bars import Histogram

__all__ = ["edge_text", "histogram_alt", "histogram_picture"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_HEIGHT = 36
_BAR, _GAP = 6, 1
_COLOUR = "#4a86d8"  # 3 to 1 or more against white and against the dark themes' grey


def histogram_picture(histogram: Histogram) -> Picture:
    """Return a histogram as an image that needs no style sheet: front ends strip inline SVG, and keep images."""
    most = max(histogram.counts)
    bars = "".join(
        f'<rect x="{at * (_BAR + _GAP)}" y="{_HEIGHT - _height(count, most)}" width="{_BAR}" '
        f'height="{_height(count, most)}"/>'
        for at, count in enumerate(histogram.counts)
        if count
    )
    width = len(histogram.counts) * (_BAR + _GAP) - _GAP
    base = f'<rect y="{_HEIGHT}" width="{width}" height="1" opacity=".6"/>'
    size = f'width="{width}" height="{_HEIGHT + 1}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} fill="{_COLOUR}">{bars}{base}</svg>'
    src = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    return Picture(src, histogram_alt(histogram), _sparkline(histogram, most))


def _height(count: int, most: int) -> float:
    """Return how tall a bar is; one that is not empty can be seen."""
    return max(round(count / most * _HEIGHT, 1), 1)


def _sparkline(histogram: Histogram, most: int) -> str:
    return "".join(_BLOCKS[-(-count * 7 // most)] if count else " " for count in histogram.counts)


def histogram_alt(histogram: Histogram) -> str:
    """Return a histogram in words: the range, and where most values are."""
    most = max(histogram.counts)
    at = histogram.counts.index(most)
    low, high = edge_text(histogram.edges[at]), edge_text(histogram.edges[at + 1])
    first, last = edge_text(histogram.edges[0]), edge_text(histogram.edges[-1])
    count = len(histogram.counts)
    return f"Histogram with {count} bars from {first} to {last}; the tallest, {low} to {high}, has {most:,} values"


def edge_text(edge: Any) -> str:
    """Return a border of bars as text."""
    if isinstance(edge, np.datetime64):
        return str(edge).replace("T", " ")
    return f"{edge:.15g}" if isinstance(edge, float) else str(edge)
