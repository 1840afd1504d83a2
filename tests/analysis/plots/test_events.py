"""The pictures show the numbers of their tables, and bear tables with nothing or far too much in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.analysis import funnel, intervals, plots, retention, rfm, sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.axes import Axes

mpl.use("Agg")
from matplotlib import pyplot as plt

HOUR = 3_600_000
EVENTS = pd.DataFrame(
    {
        "visitorId": ["ann", "ann", "ann", "bob", "bob", "cy", "dan"],
        "timestamp": [0, HOUR // 6, 30 * HOUR, HOUR, 31 * HOUR, 2 * HOUR, 50 * HOUR],
        "event": ["search", "book", "search", "search", "pay", "search", "search"],
    }
)
BOUGHT = {"by": "visitorId", "at": "timestamp"}
DRAWN: dict[str, Callable[[pd.DataFrame], Axes]] = {
    "sessions": lambda events: plots.sessions(sessions(events)),
    "sessions by events": lambda events: plots.sessions(sessions(events), of="events"),
    "funnel": lambda events: plots.funnel(funnel(events, ["search", "book" * 30])),
    "retention": lambda events: plots.retention(retention(events)),
    "rfm": lambda events: plots.rfm(rfm(events.assign(amount=1.0), **BOUGHT)),
    "intervals": lambda events: plots.intervals(intervals(events, **BOUGHT)),
}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure outlives its test."""
    yield
    plt.close("all")


def texts(ax: Axes) -> list[str]:
    return [each.get_text() for each in ax.texts]


@pytest.mark.filterwarnings("ignore:no event is")
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
@pytest.mark.parametrize("rows", [0, 1, len(EVENTS)])
def test_any_number_of_rows_is_drawn_with_a_title_and_the_axes_named(draw: Any, rows: int) -> None:
    ax = draw(EVENTS.head(rows))
    ax.figure.draw_without_rendering()
    assert ax.get_title("left")
    assert ax.get_xlabel()
    assert ax.figure.get_facecolor()[3] == ax.get_facecolor()[3] == 0


def test_a_funnel_shows_persons_shares_and_times() -> None:
    ax = plots.funnel(funnel(EVENTS, ["search", ["book", "pay"], "pay"]))
    assert [bar.get_width() for bar in ax.patches[3:]] == [4, 2, 0]
    assert texts(ax) == ["4 · 100%", "2 · 50%\n15.1 h later", "0 · 0%"]
    assert ax.get_title("left") == "0% take every step; most are lost before book or pay"


def test_retention_leaves_out_period_0_and_what_is_not_over() -> None:
    ax = plots.retention(retention(EVENTS))
    assert texts(ax) == ["67%"]
    assert [each.get_text() for each in ax.get_yticklabels()] == ["1970-01-01 (3)", "1970-01-03 (1)"]
    assert np.ma.getmaskarray(ax.images[0].get_array()).tolist() == [[False], [True]]
    assert ax.get_title("left") == "67% are back on day 1"


def test_hundreds_of_cohorts_are_drawn_without_a_label_for_each() -> None:
    days = np.arange(400) * 24 * HOUR
    events = pd.DataFrame({"visitorId": [*range(400), *range(400)], "timestamp": [*days, *(days + 24 * HOUR)]})
    ax = plots.retention(retention(events))
    ax.figure.draw_without_rendering()
    assert len(ax.get_yticks()) <= 24
    assert texts(ax) == []


def test_rfm_counts_the_customers_of_each_pair_of_scores() -> None:
    purchases = EVENTS.assign(amount=[10, 20, 30, 4, 4, 7, 8])
    ax = plots.rfm(rfm(purchases, scores=2, **BOUGHT))
    assert sorted(texts(ax)) == ["1\nø 7", "1\nø 8", "2\nø 34"]
    assert [each.get_text() for each in ax.get_xticklabels()] == ["1 (1)", "2 (2)"]


@pytest.mark.parametrize(("scores", "rotation"), [(8, 0), (12, 30), (20, 30)])
def test_many_scores_have_labels_that_do_not_run_into_each_other(scores: int, rotation: int) -> None:
    customers = np.repeat(np.arange(60), np.arange(60) + 10)
    days = np.concatenate([customer * 7 % 60 + 100 - np.arange(customer + 10) for customer in range(60)])
    purchases = pd.DataFrame({"visitorId": customers, "timestamp": days * 24 * HOUR, "amount": 1000})
    ax = plots.rfm(rfm(purchases, scores=scores, **BOUGHT))
    ax.figure.draw_without_rendering()
    labels = ax.get_xticklabels()
    assert len(labels) == scores
    assert {each.get_rotation() for each in labels} == {rotation}
    boxes = [each.get_window_extent() for each in (*(() if rotation else labels), *ax.texts)]
    assert not any(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[:at])


def test_sessions_of_one_event_have_their_own_bar() -> None:
    ax = plots.sessions(sessions(EVENTS))
    assert [bar.get_height() for bar in ax.patches] == [5, 1]
    assert [each.get_text() for each in ax.get_xticklabels()] == ["one event", "10-30 min"]
    assert ax.get_title("left") == "6 sessions, 83% of one event; median of the others: 10 min"
    few = plots.sessions(sessions(EVENTS.head(1)))
    few.figure.draw_without_rendering()
    assert [each.get_text() for each in few.get_yticklabels()] == [
        "0",
        "1",
        "2",
    ]  # nothing between, and the last is outside


def test_intervals_mark_their_median() -> None:
    ax = plots.intervals(intervals(EVENTS, **BOUGHT))
    assert sum(bar.get_height() for bar in ax.patches) == 2
    assert texts(ax) == ["median 1 day"]


def test_axes_that_are_given_are_used() -> None:
    _, given = plt.subplots()
    assert plots.intervals(intervals(EVENTS, **BOUGHT), given) is given


def test_another_table_is_refused() -> None:
    with pytest.raises(inb.DataError, match="no column 'duration'"):
        plots.sessions(EVENTS)
