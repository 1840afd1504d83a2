"""Histograms as small pictures and as one line of text."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import numpy as np

from intempt_nb.display import Picture

if TYPE_CHECKING:
    from intempt_nb.profiling.bars import Histogram

__all__ = ["edge_text", "histogram_alt", "histogram_lines", "histogram_picture"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_BAR, _GAP = 6, 1
_LONGEST_LINE = 40
_COLOUR = "#4a86d8"  # 3 to 1 or more against white and against the dark themes' grey


def histogram_picture(histogram: Histogram, width: int = 0, height: int = 36) -> Picture:
    """Return a histogram as an image that needs no style sheet: front ends strip inline SVG, and keep images.

    Parameters
    ----------
    histogram
        What to draw.
    width
        How wide in pixels, about; 0 for narrow bars.
    height
        Of the tallest bar, in pixels.
    """
    most, step = max(histogram.counts), max(width // len(histogram.counts), _BAR + _GAP)
    tall = [max(round(count / most * height, 1), 1) if count else 0 for count in histogram.counts]  # none goes unseen
    bars = "".join(
        f'<rect x="{at * step}" y="{height - each}" width="{step - _GAP}" height="{each}"/>'
        for at, each in enumerate(tall)
        if each
    )
    wide = len(histogram.counts) * step - _GAP
    base = f'<rect y="{height}" width="{wide}" height="1" opacity=".6"/>'
    size = f'width="{wide}" height="{height + 1}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} fill="{_COLOUR}">{bars}{base}</svg>'
    src = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    return Picture(src, histogram_alt(histogram), _sparkline(histogram, most))


def histogram_lines(histogram: Histogram) -> list[tuple[str, str, str, str]]:
    """Return each bar as a line: where it begins and ends, its count, and itself in text."""
    most = max(histogram.counts)
    edges = [edge_text(edge) for edge in histogram.edges]
    return [
        (low, high, f"{count:,}", "█" * -(-count * _LONGEST_LINE // most))
        for low, high, count in zip(edges, edges[1:], histogram.counts, strict=False)
    ]


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
