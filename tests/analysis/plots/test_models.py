"""Calibration and lift: what is drawn are the numbers, and what cannot be drawn is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.analysis import plots

if TYPE_CHECKING:
    from collections.abc import Iterator

mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def test_calibration_draws_the_share_of_each_group() -> None:
    scores = np.repeat([0.1, 0.5, 0.9], [10, 20, 10])
    truth = np.concatenate((np.arange(10) < 2, np.arange(20) < 10, np.ones(10))).astype(bool)
    ax = plots.calibration(pd.Series(truth), scores, bins=4)
    dots = ax.lines[0]
    np.testing.assert_allclose(dots.get_xdata(), [0.1, 0.5, 0.9])
    np.testing.assert_allclose(dots.get_ydata(), [0.2, 0.5, 1.0])
    assert ax.get_title(loc="left") == "55.0% came true, predicted: 50.0%"
    low, high = (float(each[1]) for each in ax.collections[0].get_paths()[1].vertices)
    assert (round(low, 3), round(high, 3)) == (0.299, 0.701)  # Wilson's interval of 10 of 20
    assert plots.calibration(truth, {"named": scores}).get_ylim()[1] == 1.0  # not more than all


def test_lift_draws_what_the_highest_scores_hold() -> None:
    truth = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    scores = np.array([9.0, 8, 7, 6, 5, 5, 5, 5, 5, 5])
    ax = plots.lift(truth, {"good": scores, "none": np.zeros(10)})
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0, 0.1, 0.2, 0.3, 0.4, 1])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.array([0, 1, 2, 2, 3, 3]) / 3)
    np.testing.assert_allclose(ax.lines[2].get_ydata(), [0, 1])  # equal scores are in no order
    assert ax.get_title(loc="left") == "The highest tenth holds up to 33%: lift 3.3"
    legend = ax.get_legend()
    assert legend is not None
    assert [each.get_text() for each in legend.get_texts()] == [
        "good: 33% in the highest tenth",
        "none: 10% in the highest tenth",
    ]
    plots.lift(truth, {"gradient boosting with isotonic calibration": scores}, ax=ax)
    legend = ax.get_legend()
    assert legend is not None
    assert max(len(line) for each in legend.get_texts() for line in each.get_text().splitlines()) <= 36


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([True, False], [[0.1, 0.9], [0.2, 0.8]], r"expected one a row: model.predict_proba\(X\)\[:, 1\]"),
        ([True, False], [0.1], "1 scores and 2 outcomes"),
        ([True, False], [0.1, np.nan], "row 1, field 'p': there is no number"),
        ([True, None], [0.1, 0.2], "row 1, field 'y': None is neither true nor false"),
        ([True, False], [0.1, 1.2], "not within 0 and 1"),
        ([], [], "and rows"),
        (
            pd.Series([True, False], index=["a", "b"]),
            {"turned": pd.Series([0.1, 0.2], index=["b", "a"])},
            r"different indexes.*p.loc\[y.index\]",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(y: Any, p: Any, message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        plots.calibration(y, p)


def test_nothing_to_find_has_no_lift() -> None:
    with pytest.raises(inb.DataError, match="no outcome is true"):
        plots.lift([False, False], [0.1, 0.2])
