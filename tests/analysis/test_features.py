"""Features know nothing of what comes after them: a planted leak, a plain reference, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.analysis import features, outcomes

HOUR = 3_600_000
DAY = 24 * HOUR
AS_OF = 100 * DAY
SPEC: dict[str, Any] = {"values": ["amount"], "kinds": {"kind": ["a", "b"]}, "window": [1, 7, None]}

# Times crowd at the cutoff and at the windows' edges.
TIMES = st.sampled_from([AS_OF - 7 * DAY, AS_OF - DAY, AS_OF]).flatmap(lambda at: st.integers(at - 3, at + 3)) | (
    st.integers(AS_OF - 9 * DAY, AS_OF + DAY)
)
PERSONS = st.sampled_from(["ann", "bob", "cid"])
KINDS = st.sampled_from(["a", "b", "c", None])
AMOUNTS = st.none() | st.integers(-100, 100).map(lambda cents: cents / 100)
ROWS = st.lists(st.tuples(PERSONS, TIMES, AMOUNTS, KINDS), max_size=25)


def frame_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    table = {"visitorId": pa.string(), "timestamp": pa.int64(), "amount": pa.float64(), "kind": pa.string()}
    return pd.DataFrame(
        {
            name: pd.Series([row[at] for row in rows], dtype=pd.ArrowDtype(kind))
            for at, (name, kind) in enumerate(table.items())
        }
    )


def plain(frame: pd.DataFrame, person: str, as_of: int, days: int | None) -> dict[str, float]:
    """The same for one person, as one would write it down."""
    end = "" if days is None else f"_{days}d"
    since = -np.inf if days is None else as_of - days * DAY
    rows = [row for row in frame.itertuples() if row.visitorId == person and since <= row.timestamp < as_of]
    amounts = [row.amount for row in rows if not pd.isna(row.amount)]
    return {
        f"events{end}": len(rows),
        f"active_days{end}": len({row.timestamp // DAY for row in rows}),
        f"amount_sum{end}": sum(amounts),
        f"amount_mean{end}": np.mean(amounts) if amounts else np.nan,
        f"amount_max{end}": max(amounts, default=np.nan),
        **{f"kind_{kind}{end}": sum(not pd.isna(row.kind) and row.kind == kind for row in rows) for kind in "ab"},
    }


def plain_rhythm(frame: pd.DataFrame, person: str, as_of: int) -> dict[str, float]:
    times = sorted(row.timestamp for row in frame.itertuples() if row.visitorId == person and row.timestamp < as_of)
    gaps = np.diff(times) / DAY
    return {
        "days_since_last": (as_of - times[-1]) / DAY if times else np.nan,
        "days_since_first": (as_of - times[0]) / DAY if times else np.nan,
        "days_between_mean": gaps.mean() if len(gaps) else np.nan,
        "days_between_sd": gaps.std(ddof=1) if len(gaps) > 1 else np.nan,
    }


@settings(max_examples=40)
@given(rows=ROWS, asked=st.lists(st.tuples(PERSONS | st.just("eve"), TIMES), max_size=6))
def test_features_equal_a_plain_reference(rows: list[tuple[Any, ...]], asked: list[tuple[str, int]]) -> None:
    frame = frame_of(rows)
    as_of = pd.Series([at for _, at in asked], index=pd.Index([who for who, _ in asked], dtype="str"), dtype="int64")
    found = features(frame, as_of=as_of, **SPEC)
    expected = [
        {**plain_rhythm(frame, *each), **plain(frame, *each, 1), **plain(frame, *each, 7), **plain(frame, *each, None)}
        for each in asked
    ]
    for place, row in enumerate(expected):
        assert list(found.columns) == list(row)
        np.testing.assert_allclose(found.iloc[place].to_numpy(), list(row.values()), rtol=1e-12, atol=1e-9)
    assert [str(each) for each in found.index] == [who for who, _ in asked]


LATER = st.sampled_from([0, 0, 1, 9**15])  # at the cutoff itself, just after, in the year 8494


@settings(max_examples=40)
@given(
    rows=st.lists(st.tuples(PERSONS, TIMES, AMOUNTS, KINDS), min_size=5, max_size=25),
    later=st.lists(st.tuples(PERSONS | st.just("zoe"), LATER, KINDS), min_size=2, max_size=9),
    seed=st.integers(0, 99),
)
def test_a_planted_leak_changes_not_one_bit(
    rows: list[tuple[Any, ...]], later: list[tuple[str, int, str | None]], seed: int
) -> None:
    absurd = [(who, AS_OF + after, [np.inf, -np.inf, 1e300][after % 3], kind) for who, after, kind in later]
    assert_nothing_leaks(frame_of([*rows, *absurd]), seed)


def test_sums_of_many_rows_at_one_time_do_not_leak_either() -> None:
    cents = np.random.default_rng(1).integers(1, 10_000, 3000)
    rows = [("ab"[at % 2], AS_OF - at % 3, amount / 100, "a") for at, amount in enumerate(cents)]
    assert_nothing_leaks(frame_of([*rows, *[("a", AS_OF + at, 0.1, "b") for at in range(2000)]]), 1)


def assert_nothing_leaks(frame: pd.DataFrame, seed: int) -> None:
    mixed = frame.iloc[np.random.default_rng(seed).permutation(len(frame))]
    honest = mixed[mixed["timestamp"] < AS_OF]
    pd.testing.assert_frame_equal(
        features(mixed, as_of=AS_OF, **SPEC), features(honest, as_of=AS_OF, **SPEC), check_exact=True
    )


def test_outcomes_begin_where_features_end() -> None:
    frame = frame_of([("ann", AS_OF - 1, 1, "a"), ("bob", AS_OF - 1, 1, "a"), ("bob", AS_OF, 1, "a")])
    found = features(frame, as_of=AS_OF, window=None)
    assert found["events"].to_dict() == {"ann": 1, "bob": 1}
    assert outcomes(frame, found.index, as_of=AS_OF, horizon=2, until=AS_OF + 2 * DAY).to_dict() == {
        "ann": False,
        "bob": True,
    }
    edge = frame_of([("ann", AS_OF - 1, 1, "a"), ("ann", AS_OF + 2 * DAY, 1, "a")])
    assert not outcomes(edge, as_of=AS_OF, horizon=2)["ann"]
    assert outcomes(edge, as_of=AS_OF + 1, horizon=2, until=AS_OF + 3 * DAY)["ann"]
    asked = pd.Series([AS_OF, AS_OF + 1], index=["ann", "eve"])
    assert outcomes(edge, as_of=asked, horizon=2, until=AS_OF + 3 * DAY).to_list() == [False, False]


def test_what_is_not_known_yet_is_no_outcome() -> None:
    frame = frame_of([("ann", AS_OF, 1, "a"), ("bob", AS_OF + 5 * DAY, 1, "a")])
    assert outcomes(frame, ["bob"], as_of=AS_OF, horizon=5).to_list() == [False]
    with pytest.raises(inb.DataError, match=r"1 of 1 outcomes are not known yet.*whose end is 1970-04-16T00:00:00"):
        outcomes(frame, ["ann"], as_of=AS_OF + 1, horizon=5)
    assert not outcomes(frame, ["ann"], as_of=AS_OF + 1, horizon=5, until=AS_OF + 6 * DAY).any()
    days = pd.DataFrame({"visitorId": ["ann", "ann"], "timestamp": [dt.date(1998, 6, 1), dt.date(1998, 6, 30)]})
    assert outcomes(days, as_of="1998-06-02", horizon=29).to_list() == [True]
    with pytest.raises(inb.DataError, match="last as_of that can be told is 1998-06-02"):
        outcomes(days, as_of="1998-06-03", horizon=29)


def test_days_are_those_of_the_time_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    moments = [dt.datetime(2025, 3, 29, 23, 30), dt.datetime(2025, 3, 30, 0, 30), dt.datetime(2025, 3, 30, 23, 59)]
    frame = pd.DataFrame({"visitorId": "ann", "timestamp": [each.replace(tzinfo=berlin) for each in moments]})
    found = features(frame, as_of="2025-03-31", tz="Europe/Berlin", window=[1, None]).loc["ann"]
    assert found["active_days"] == 2
    assert found["days_since_last"] == pytest.approx(1 / 1440)
    assert found["events_1d"] == 3  # 24 hours, of which the clocks left one out
    night = pd.Timestamp("2025-03-30 01:00", tz="UTC")
    assert features(frame, as_of=night, tz="Europe/Berlin").loc["ann", "active_days"] == 2
    assert features(frame, as_of=night).loc["ann", "active_days"] == 1
    assert features(frame, as_of="2025-03-31", window=[None]).loc["ann", "events"] == 3
    assert features(frame, as_of="2025-03-30", tz="Europe/Berlin", window=[None]).loc["ann", "events"] == 1
    assert features(frame, as_of=pd.Timestamp("2025-03-30 21:59", tz="UTC"), window=None).loc["ann", "events"] == 2


def test_of_dates_the_day_that_is_not_over_is_left_out() -> None:
    days = pd.DataFrame({"visitorId": ["ann"] * 3, "timestamp": [dt.date(2025, 1, day) for day in (1, 2, 3)]})
    evening = features(days, as_of=pd.Timestamp("2025-01-03 20:00"), window=[1, None]).loc["ann"]
    assert (evening["events"], evening["events_1d"], evening["days_since_last"]) == (2, 1, 1)
    newyork = features(days, as_of=pd.Timestamp("2025-01-03 03:00"), window=None, tz="America/New_York").loc["ann"]
    assert newyork["events"] == 1


def test_profiles_count_from_their_last_change_on() -> None:
    events = frame_of([("ann", AS_OF - 5, 1, "a"), ("bob", AS_OF - 5, 1, "a"), ("new", AS_OF, 1, "a")])
    profiles = pd.DataFrame(
        {
            "visitorId": ["ann", "bob", "new", "quiet"],
            "score": [1.5, 2.5, 3.5, 4.5],
            "country": ["DE", "FR", "DE", None],
            "born": [1990, 1991, 1992, 1993],
            "changed": [AS_OF - 1, AS_OF, AS_OF + 1, AS_OF - 9],
        }
    )
    known = features(
        events,
        profiles,
        as_of=AS_OF,
        window=None,
        traits=["score", "country"],
        fixed=["born"],
        profiles_at="changed",
        kinds={"country": ["DE", "FR"]},
    )
    assert list(known.index) == ["ann", "bob", "quiet"]
    assert list(known["score"].fillna(-1)) == [1.5, -1, 4.5]
    assert list(known["country_DE"].fillna(-1)) == [1, -1, 0]
    assert list(known["born"]) == [1990, 1991, 1993]
    assert known["events"].to_list() == [1, 1, 0]
    with pytest.raises(inb.DataError, match="'score' may have been written after as_of"):
        features(events, profiles, as_of=AS_OF, traits=["score"])
    with pytest.raises(inb.DataError, match="'ann' has several profiles"):
        features(events, pd.concat([profiles, profiles.head(1)]), as_of=AS_OF, fixed=["born"])


def test_a_table_is_what_estimators_take() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    frame = frame_of([(f"v{row % 40}", AS_OF - row * HOUR, row / 7, "a") for row in range(300)])
    found = features(frame, as_of=AS_OF, **SPEC)
    assert set(found.dtypes) == {np.dtype("float64")}
    model = HistGradientBoostingClassifier(max_iter=2).fit(found, found["events_1d"] > 0)
    assert list(model.feature_names_in_) == list(found.columns)
    nobody = features(frame.head(0), as_of=AS_OF, **SPEC)
    assert nobody.shape == (0, found.shape[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"as_of": "tomorrow"}, "'tomorrow' is no point in time"),
        ({"window": 0}, "window is 0; expected a whole number of days"),
        ({"values": ["kind"]}, "column 'kind' is string; expected numbers"),
        ({"values": ["amuont"]}, "did you mean 'amount'"),
        ({"kinds": {"timestamp": ["a"]}}, "'a' is not a value of the column, which is int64"),
        ({"window": [7, 7]}, "two features would have the name 'events_7d'"),
        ({"traits": ["age"]}, "no profiles were given"),
        ({"as_of": pd.Series([AS_OF], index=[7])}, "of one type"),
        ({"as_of": pd.Series([None], index=["ann"], dtype="datetime64[us]")}, "no value"),
        ({"tz": "Europe/Bärlin"}, "tz is 'Europe/Bärlin'"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        features(frame_of([("ann", AS_OF - 1, 1, "a")]), **{"as_of": AS_OF, **options})
