"""Funnels equal what trying every way through the events gives."""

from __future__ import annotations

import datetime as dt
import statistics
from itertools import product
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.analysis import funnel

EVENTS = st.lists(st.tuples(st.sampled_from("wxyz"), st.sampled_from("abc"), st.integers(0, 7)), max_size=30)
STEPS = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True), min_size=1, max_size=4)
COLUMNS = ["visitorId", "event", "timestamp"]
Chain = tuple[int, ...]


def frame(events: list[tuple[str, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(events, columns=COLUMNS).astype({"visitorId": "str", "event": "str", "timestamp": "int64"})


def fits(times: Chain, steps: list[list[str]], window: int | None) -> bool:
    """Return whether a person may take the steps at these times."""
    later = all(
        times[at] > times[early] if set(steps[at]) & set(steps[early]) else times[at] >= times[early]
        for at in range(len(times))
        for early in range(at)
    )
    return later and (window is None or times[-1] - times[0] <= window)


def best(events: list[tuple[str, int]], steps: list[list[str]], window: int | None) -> Chain:
    """Return the times of the best attempt of one person, found by trying all there are."""
    times = [[time for name, time in events if name in step] for step in steps]
    for depth in range(len(steps), 0, -1):
        chains = [each for each in product(*times[:depth]) if fits(each, steps, window)]
        if chains:
            end = min(each[-1] for each in chains)
            start = max(each[0] for each in chains if each[-1] == end)
            return min(each for each in chains if (each[0], each[-1]) == (start, end))
    return ()


@settings(max_examples=70)
@given(EVENTS, STEPS, st.none() | st.integers(0, 5))
@pytest.mark.filterwarnings("ignore:no event is")
def test_a_funnel_is_what_trying_all_ways_finds(
    events: list[tuple[str, str, int]], steps: list[list[str]], window: int | None
) -> None:
    limit = None if window is None else dt.timedelta(milliseconds=window)
    found = funnel(frame(events), steps, window=limit)
    attempts = [best([(name, time) for who, name, time in events if who == person], steps, window) for person in "wxyz"]
    assert found["step"].tolist() == [" or ".join(step) for step in steps]
    assert found["persons"].tolist() == [sum(len(each) > at for each in attempts) for at in range(len(steps))]
    for at in range(1, len(steps)):
        there = [each for each in attempts if len(each) > at]
        for column, early in (("median_from_first", 0), ("median_from_previous", at - 1)):
            expected = statistics.median(each[at] - each[early] for each in there) if there else None
            took = found[column][at]
            assert (None if took is pd.NA else took / pd.Timedelta(milliseconds=1)) == expected


def test_a_later_attempt_may_come_farther_than_the_first() -> None:
    events = frame([("ann", "search", 0), ("ann", "search", 90), ("ann", "book", 100)])
    assert funnel(events, ["search", "book"], window=dt.timedelta.max)["persons"].tolist() == [1, 1]
    for window, persons in ((9, 0), (10, 1), (100, 1)):
        found = funnel(events, ["search", "book"], window=dt.timedelta(milliseconds=window))
        assert found["persons"].tolist() == [1, persons]
    assert found["median_from_first"][1] == pd.Timedelta(milliseconds=10)


@pytest.mark.parametrize(
    ("times", "steps", "window"),
    [
        ([("a", 0), ("a", 1), ("a", 5), ("b", 5)], ["a", "b", "a"], 4),  # from 5 on, there is no a that is later
        ([("a", 0), ("a", 1), ("b", 2)], [["a", "b"], "b"], 1),  # the b may be the first step, but not both
    ],
)
def test_neither_the_first_attempt_nor_the_last_need_be_the_best(times: Any, steps: Any, window: int) -> None:
    events = frame([("ann", name, time) for name, time in times])
    found = funnel(events, steps, window=dt.timedelta(milliseconds=window))
    assert found["persons"].tolist() == [1] * len(steps)


def test_steps_at_the_same_instant_count_but_one_event_is_one_step() -> None:
    events = frame([("ann", "book", 5), ("ann", "search", 5)])
    assert funnel(events, ["search", "book"])["persons"].tolist() == [1, 1]
    assert funnel(events, ["search", "search"])["persons"].tolist() == [1, 0]
    assert funnel(events, [["search", "book"], ["book", "search"]])["persons"].tolist() == [1, 0]


def test_shares_are_of_the_first_and_of_the_previous_step() -> None:
    events = frame([(who, name, time) for who in "abcd" for time, name in enumerate("xyz"[: ord(who) - 96])])
    found = funnel(events, ["x", "y", "z"])
    assert found["persons"].tolist() == [4, 3, 2]
    assert found["share_of_first"].tolist() == [1.0, 0.75, 0.5]
    assert found["share_of_previous"].tolist() == [1.0, 0.75, 2 / 3]


def test_collections_are_taken_as_they_are() -> None:
    events = frame([("ann", "search", 0), ("bob", "search", 3), ("ann", "book", 7), ("cy", "book", 1)])
    whole = funnel(events, ["search", "book"])
    views = pa.table(events).set_column(1, "event", pa.array(events["event"], pa.string_view()))
    pd.testing.assert_frame_equal(funnel(views, ["search", "book"]), whole)
    parts: dict[str, Any] = {str(name): part.drop(columns="event") for name, part in events.groupby("event")}
    parts["search"] = parts["search"].astype({"visitorId": "category"})
    parts["other"] = "never looked at"
    pd.testing.assert_frame_equal(funnel(parts, ["search", "book"]), whole)
    pd.testing.assert_frame_equal(funnel(parts, [["search", "book"]]), funnel(events, [["search", "book"]]))


def test_collections_that_do_not_go_together_are_refused() -> None:
    search = frame([("ann", "search", 0)])
    with pytest.raises(inb.DataError, match="no events 'boook'; did you mean 'book'"):
        funnel({"search": search, "book": search}, ["search", "boook"])
    with pytest.raises(inb.DataError, match="large_string in 'search', int64 in 'book'; make them one type"):
        funnel({"search": search, "book": search.assign(visitorId=1)}, ["search", "book"])
    with pytest.raises(inb.DataError, match="some of the times are dates"):
        funnel({"search": search, "book": search.assign(timestamp=dt.date(2025, 1, 1))}, ["search", "book"])
    with pytest.raises(inb.DataError, match="of 'book': there is no value here") as caught:
        funnel({"search": search, "book": search.assign(visitorId=None)}, ["search", "book"])
    assert caught.value.row == 0


def test_a_name_that_never_occurs_is_pointed_out() -> None:
    with pytest.warns(UserWarning, match="no event is 'boook'; did you mean 'book'"):
        found = funnel(frame([("ann", "search", 0), ("ann", "book", 1)]), ["search", "boook"])
    assert found["persons"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": []}, "steps is"),
        ({"steps": "search"}, "steps is 'search'; expected a list"),
        ({"steps": ["search", []]}, "steps is"),
        ({"window": "a week"}, "window is 'a week'"),
        ({"steps": [1, 2]}, r"steps is \[1, 2\]; expected a list"),
        ({"window": 7}, "window is 7"),
        ({"window": "7"}, "window is '7'; expected a timedelta, or text such as '7 days'"),
        ({"window": "1000000 days"}, "more than pandas reads; None is no limit"),
        ({"window": dt.timedelta(-1)}, "window is"),
        ({"event": "timestamp"}, "int64; expected names"),
    ],
)
def test_wrong_arguments_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        funnel(frame([("ann", "search", 0)]), **({"steps": ["search"]} | changes))
