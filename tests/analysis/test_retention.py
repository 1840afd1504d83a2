"""Retention equals what counting person by person gives."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.analysis import retention

if TYPE_CHECKING:
    from intempt_nb.analysis.retention import Period

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
START = dt.datetime(2025, 3, 28, tzinfo=dt.UTC)
EVENTS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 6 * 24)), max_size=30)
FAR = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 90 * 24)), max_size=20)


def frame(events: list[tuple[str, int]]) -> pd.DataFrame:
    rows = [(person, START + dt.timedelta(hours=hours)) for person, hours in events]
    types = {"visitorId": "str", "timestamp": "datetime64[us, UTC]"}
    return pd.DataFrame(rows, columns=["visitorId", "timestamp"]).astype(types)


def first_day(day: dt.date, period: Period) -> dt.date:
    if period == "month":
        return day.replace(day=1)
    return day - dt.timedelta(days=day.weekday()) if period == "week" else day


def following(day: dt.date, period: Period) -> dt.date:
    return first_day(day + dt.timedelta(days={"day": 1, "week": 7, "month": 31}[period]), period)


def by_hand(events: list[tuple[str, int]], period: Period, tz: str) -> dict[dt.date, list[int]]:
    """Return the counts of each cohort, up to the last period that is over."""
    local = {(who, (START + dt.timedelta(hours=each)).astimezone(ZoneInfo(tz)).date()) for who, each in events}
    end = first_day(max((day for _, day in local), default=dt.date.max), period)
    firsts = {who: first_day(min(day for other, day in local if other == who), period) for who, _ in local}
    found: dict[dt.date, list[int]] = {}
    for cohort in sorted(set(firsts.values())):
        found[cohort] = []
        at = cohort
        while at < end:
            there = {who for who, day in local if firsts[who] == cohort and first_day(day, period) == at}
            found[cohort].append(len(there))
            at = following(at, period)
    return found


@settings(max_examples=60)
@given(EVENTS | FAR, st.sampled_from(["day", "week", "month"]), st.sampled_from(ZONES))
def test_retention_is_what_counting_by_hand_gives(events: list[tuple[str, int]], period: Period, tz: str) -> None:
    found = retention(frame(events), period=period, tz=tz)
    told = {cohort: row.dropna().tolist() for cohort, row in found.active.iterrows()}
    expected = by_hand(events, period, tz)
    assert told == expected
    assert found.persons.sum() == len({who for who, _ in events})
    for age, share in found.curve.items():
        cohorts = [(row, found.persons[cohort]) for cohort, row in expected.items() if len(row) > age]
        assert share == pytest.approx(sum(row[age] for row, _ in cohorts) / sum(size for _, size in cohorts))


def test_a_day_is_one_of_the_clocks_when_they_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")  # 30 March has 23 hours
    times = [dt.datetime(2025, 3, day, hour, tzinfo=berlin) for day, hour in ((29, 23), (30, 1), (31, 0), (31, 23))]
    events = pd.DataFrame({"visitorId": ["ann", "ann", "ann", "bob"], "timestamp": pd.to_datetime(times, utc=True)})
    found = retention(events, tz="Europe/Berlin", until="2025-04-01").active
    assert found.iloc[0].tolist() == [1, 1, 1, 0]
    assert [str(day) for day in found.index] == ["2025-03-29", "2025-03-31"]


def test_periods_that_are_not_over_have_no_counts() -> None:
    events = frame([("ann", 0), ("ann", 24), ("bob", 24), ("bob", 60)])  # to noon of the third day
    by_default = retention(events).active
    assert by_default.isna().to_numpy().tolist() == [[False, False], [False, True]]
    whole = retention(events, until="2025-03-30").active
    assert whole.fillna(-1).to_numpy().tolist() == [[1, 1, 0], [1, 1, -1]]
    earlier = retention(events, until=dt.datetime(2025, 3, 29, 12)).active  # leaves out the last event
    assert earlier.fillna(-1).to_numpy().tolist() == [[1], [-1]]
    dates = events.assign(timestamp=events["timestamp"].dt.date)  # the last day is there whole, since all of it is
    pd.testing.assert_frame_equal(retention(dates).active, whole)


def test_it_shows_itself() -> None:
    found = retention(frame([("ann", 0), ("bob", 1), ("bob", 25)]), until="2025-03-29")
    assert str(found).splitlines()[-1].split() == ["2025-03-28", "2", "100.0%", "50.0%"]
    assert "<td" in found._repr_html_()
    assert found.shares.dtypes.astype(str).tolist() == ["double[pyarrow]"] * 2
    many = retention(frame([("ann", 0), ("ann", 24 * 40)]))
    assert "the first 12 of 40 days" in str(many)
    assert str(many).splitlines()[-1].split()[2:] == ["100.0%", *["0.0%"] * 11]


def test_a_time_that_is_wrong_is_told_of() -> None:
    events = frame([("ann", 0), ("ann", 48), ("bob", 24)])
    old = frame([("old", 24 * -1998)])  # 2,000 days before the last, which is not over
    assert retention(pd.concat([events, old])).active.shape == (3, 2000)
    for all_, until, span in (
        (pd.concat([events, frame([("old", 24 * -1999)])]), None, "from 2019-10-07 to 2025-03-30, .* 2025-03-28"),
        (events, "9999-12-31", "from 2025-03-28 to 2025-03-30, the middle one from 2025-03-29, .* until 9999-12-31"),
    ):
        with pytest.raises(inb.DataError, match=f"{span}.*more than 2,000 days"):
            retention(all_, until=until)
    with pytest.raises(inb.DataError, match="period is 'year'"):
        retention(events, period="year")  # type: ignore[arg-type]  # what it is about
