"""Sessions equal what counting event by event gives."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.analysis import session_numbers, sessions

MINUTE = 60_000
EVENTS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 12)), max_size=40)


def frame(events: list[tuple[str, int]], unit: int = MINUTE) -> pd.DataFrame:
    rows = [(person, time * unit) for person, time in events]
    return pd.DataFrame(rows, columns=["visitorId", "timestamp"]).astype({"visitorId": "str", "timestamp": "int64"})


def by_hand(events: list[tuple[str, int]], gap: int) -> dict[tuple[str, int], int]:
    """Return the session of each person and minute."""
    found: dict[tuple[str, int], int] = {}
    for person in {person for person, _ in events}:
        number, before = 1, None
        for time in sorted(time for who, time in events if who == person):
            number += before is not None and time - before > gap
            found[person, time] = number
            before = time
    return found


@settings(max_examples=30)
@given(EVENTS, st.integers(0, 4))
def test_sessions_are_those_counted_by_hand(events: list[tuple[str, int]], gap: int) -> None:
    expected = by_hand(events, gap)
    numbers = session_numbers(frame(events), gap=gap)
    assert numbers.tolist() == [expected[event] for event in events]
    found = sessions(frame(events), gap=gap)
    told = {
        (person, number): (start.minute, end.minute, count)
        for person, number, start, end, count in found.drop(columns="duration").itertuples(index=False)
    }
    groups: dict[tuple[str, int], list[int]] = {}
    for event in events:
        groups.setdefault((event[0], expected[event]), []).append(event[1])
    assert told == {key: (min(times), max(times), len(times)) for key, times in groups.items()}
    assert list(told) == sorted(told)
    assert ((found["end"] - found["start"]) == found["duration"]).all()


def test_a_pause_of_exactly_the_gap_does_not_end_a_session() -> None:
    events = pd.DataFrame({"visitorId": "ann", "timestamp": [0, 30 * MINUTE, 60 * MINUTE + 1]})
    assert session_numbers(events).tolist() == [1, 1, 2]
    assert session_numbers(events, gap=dt.timedelta(hours=1)).tolist() == [1, 1, 1]
    assert session_numbers(events, gap=0.5).tolist() == [1, 2, 3]
    assert session_numbers(events, gap=np.int32(60)).tolist() == [1, 1, 1]  # in microseconds, more than 32 bits


def test_numbers_go_with_the_index_of_the_frame() -> None:
    events = frame([("a", 0), ("a", 60), ("b", 0)]).set_axis([7, 3, 3])
    numbers = session_numbers(events)
    assert numbers.index.tolist() == [7, 3, 3]
    assert numbers.tolist() == [1, 2, 1]


def test_times_come_back_in_the_zone_and_kind_they_had() -> None:
    noon = pd.to_datetime(["2025-03-30 00:30+00:00", "2025-03-30 01:00+00:00"])  # the clocks go forward between them
    zoned = sessions(pd.DataFrame({"visitorId": "ann", "timestamp": noon.tz_convert("Europe/Berlin")}))
    assert str(zoned["start"].dt.tz) == "Europe/Berlin"
    assert zoned["duration"].tolist() == [pd.Timedelta(minutes=30)]
    naive = sessions(pd.DataFrame({"visitorId": "ann", "timestamp": noon.tz_localize(None)}))
    assert naive["start"].dt.tz is None
    days = pd.DataFrame({"visitorId": [1, 1], "timestamp": [dt.date(2025, 1, 2), dt.date(2025, 1, 1)]})
    of_days = sessions(days, gap=dt.timedelta(days=1))
    assert of_days[["start", "end"]].to_numpy().tolist() == [[dt.date(2025, 1, 1), dt.date(2025, 1, 2)]]
    assert of_days["visitorId"].dtype == "int64[pyarrow]"


@pytest.mark.parametrize("part", [0, 999])
def test_nearly_all_years_and_many_persons_are_sorted(part: int) -> None:
    """In whole milliseconds, a person and a time fit into 64 bits together; with parts of them they do not."""
    times = [253_402_300_799_998_000 + part, -62_135_596_800_000_000, 1000 + part]
    many = pd.DataFrame({"visitorId": [*range(600), 0, 0], "timestamp": [*[times[0]] * 600, *times[1:]]})
    many["timestamp"] = many["timestamp"].astype("datetime64[us]")
    found = sessions(many.iloc[::-1])
    assert found["visitorId"].tolist() == [0, 0, *range(600)]
    assert found["start"].astype("int64").tolist() == [*sorted(times), *[times[0]] * 599]
    assert session_numbers(many).tolist() == [3, *[1] * 599, 1, 2]


def test_persons_are_not_overwritten_by_a_column_of_the_same_name() -> None:
    with pytest.raises(inb.DataError, match="has a column 'events' of its own"):
        sessions(frame([("a", 0)]).rename(columns={"visitorId": "events"}), by="events")


@pytest.mark.parametrize("gap", [-1, float("nan"), dt.timedelta(-1), "30", None, True])
def test_a_gap_is_a_duration(gap: Any) -> None:
    with pytest.raises(inb.DataError, match=r"gap is .*expected minutes or a timedelta"):
        sessions(frame([("a", 0)]), gap=gap)
