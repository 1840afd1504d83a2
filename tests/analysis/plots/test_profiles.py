"""The bars of a profile are drawn on the column's own numbers and dates, with its median."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.analysis import plots, profile

if TYPE_CHECKING:
    from collections.abc import Iterator

mpl.use("Agg")
from matplotlib import dates
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure outlives its test."""
    yield
    plt.close("all")


DAYS = [dt.date(2020, 1, day) for day in range(1, 31)]
MOMENTS = [dt.datetime(2020, 1, 1, hour, tzinfo=dt.UTC) for hour in range(24)]


@pytest.mark.parametrize(
    ("values", "kind", "middle", "label"),
    [
        (range(10), pa.int64(), 4, "c"),
        ([0.5, 1.5, 2.5], pa.float64(), 1.5, "c"),
        (range(10), pa.decimal128(9, 2), 4, "c"),
        (DAYS, pa.date32(), dates.date2num(DAYS[14]), "c"),
        (MOMENTS, pa.timestamp("ns", "America/New_York"), dates.date2num(MOMENTS[11]), "c (UTC)"),
        ([each.replace(tzinfo=None) for each in MOMENTS], pa.timestamp("ms"), dates.date2num(MOMENTS[11]), "c"),
        ([*DAYS, dt.date(9999, 12, 31)], pa.date32(), 2020.04, "c (year)"),
        ([0, 1, 2**60], pa.timestamp("us"), 1970, "c (year)"),
        (
            [0, 2**60, 2**60 + 2**55],
            pa.timestamp("us", "UTC"),
            1970 + 2**60 / 86_400e6 / 365.2425,
            "c (year)",
        ),
    ],
)
def test_bars_and_median_are_at_their_values(values: Any, kind: pa.DataType, middle: float, label: str) -> None:
    column = profile(pa.table({"c": pa.array([*values, None], kind)}), bins=10)["c"]
    ax = plots.histogram(column)
    ax.figure.draw_without_rendering()
    assert column.histogram is not None
    assert [each.get_height() for each in ax.patches] == list(column.histogram.counts)
    [line] = ax.lines
    assert line.get_xdata()[0] == pytest.approx(middle, abs=0.01)
    starts = [each.get_x() for each in ax.patches]
    assert column.histogram.counts[int(np.searchsorted(starts, line.get_xdata()[0], side="right")) - 1] > 0
    assert ax.texts[0].get_text().startswith("median ")
    assert (ax.get_xlabel(), ax.get_title("left")) == (label, f"{len(values):,} values, 1 null")


@pytest.mark.parametrize(
    ("values", "title"),
    [
        (pa.array([3, 3, None, None]), "2 values, 2 nulls; all are 3"),
        (pa.array(["a", "b"]), "2 values, no nulls; no bars for string"),
        (pa.array([None, float("nan")]), "1 value (1 NaN), 1 null; nothing to draw"),
    ],
)
def test_why_there_are_no_bars_is_said(values: pa.Array, title: str) -> None:
    ax = plt.figure().subplots()
    assert plots.histogram(profile(pa.table({"c": values}))["c"], ax) is ax
    assert (ax.get_title("left"), len(ax.patches)) == (title, 0)
    with pytest.raises(inb.DataError, match=r"found Profile: histogram\(profile\['amount'\]\)"):
        plots.histogram(profile(pa.table({"c": values})))  # type: ignore[arg-type]  # what a user may well try
