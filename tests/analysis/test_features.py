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


@pytest.mark.parametrize("dates", [True, False])
def test_the_day_of_until_counts_whole(dates: bool) -> None:
    times = [dt.date(2025, 3, 1)] if dates else [pd.Timestamp("2025-03-01 12:00")]
    frame = pd.DataFrame({"visitorId": ["ann"], "timestamp": times})
    asked: dict[str, Any] = {"as_of": "2025-03-30", "horizon": 2, "tz": "Europe/Berlin"}
    last, short = ("2025-03-31", "2025-03-30") if dates else ("2025-04-01", "2025-03-31")  # a day of 23 hours
    assert not outcomes(frame, ["ann"], until=last, **asked)["ann"]
    assert not outcomes(frame, ["ann"], until=np.datetime64("9999-12-31"), **asked)["ann"]
    with pytest.raises(inb.DataError, match="not known yet"):
        outcomes(frame, ["ann"], until=short, **asked)
    noon = "2025-03-31T12:00"
    if dates:
        assert not outcomes(frame, ["ann"], until=noon, **asked)["ann"]
    else:
        with pytest.raises(inb.DataError, match=r"whose end is 2025-03-31T11:59:59\.999999Z"):
            outcomes(frame, ["ann"], until=noon, **asked)


def test_days_on_which_clocks_are_put_back_over_midnight_count_once() -> None:
    moments = ["2006-10-29 02:00:00", "2006-10-29 02:30:30", "2006-10-29 02:32:00", "2006-10-29 03:40:00"]
    frame = pd.DataFrame({"visitorId": ["ann"] * 3 + ["bob"], "timestamp": pd.to_datetime(moments)})
    found = features(frame, as_of="2007-01-01", window=None, tz="America/St_Johns")
    assert found["active_days"].to_dict() == {"ann": 2, "bob": 1}


def test_a_day_without_a_midnight_begins_when_its_clocks_do() -> None:
    moments = pd.to_datetime(["2018-11-04 02:59:59.999999", "2018-11-04 03:00:00.000000"])
    frame = pd.DataFrame({"visitorId": ["ann", "ann"], "timestamp": moments})
    assert features(frame, as_of="2018-11-04", window=None, tz="America/Sao_Paulo").loc["ann", "events"] == 1


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


PROFILED: dict[str, Any] = {"as_of": AS_OF, "traits": ["score"], "fixed": ["born"], "profiles_at": "changed"}


def test_profiles_count_from_their_last_change_on() -> None:
    events = frame_of([("ann", AS_OF - 5, 1, "a"), ("bob", AS_OF - 5, 1, "a"), ("new", AS_OF, 1, "a")])
    profiles = pd.DataFrame(
        {
            "visitorId": ["ann", "bob", "new", "quiet"],
            "score": [1.5, 2.5, 3.5, 4.5],
            "country": ["DE", "FR", "DE", None],
            "born": [1990, 1991, 1992, 1993],
            "changed": [AS_OF - 1, AS_OF - 2, AS_OF + 1, AS_OF - 9],
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
    assert list(known.index) == ["ann", "bob"]
    assert list(known["score"]) == [1.5, 2.5]
    assert list(known["country_DE"]) == [1, 0]
    assert list(known["born"]) == [1990, 1991]
    asked = pd.Series(AS_OF, index=["quiet", "ann", "zoe"])
    assert list(features(events, profiles, **{**PROFILED, "as_of": asked})["score"].fillna(-1)) == [4.5, 1.5, -1]
    with pytest.raises(inb.DataError, match=r"row 1, field 'score': -inf is no number"):
        features(events, profiles.assign(score=[1, -np.inf, np.inf, np.inf]), **PROFILED)
    with pytest.raises(inb.DataError, match="'score' may have been written after as_of"):
        features(events, profiles, as_of=AS_OF, traits=["score"])
    with pytest.raises(inb.DataError, match="'ann' has several profiles"):
        features(events, pd.concat([profiles, profiles.head(1)]), as_of=AS_OF, fixed=["born"])
    with pytest.raises(inb.DataError, match="and those of the profiles are int64"):
        features(events, profiles.assign(visitorId=range(4)), as_of=AS_OF, fixed=["born"])


@pytest.mark.parametrize("after", [-1, 0, 1, DAY])
def test_that_a_profile_was_changed_later_is_not_told(after: int) -> None:
    """Whoever comes back has a new profile: the time of its change would be the outcome, whatever is in it."""
    events = frame_of([(f"v{at}", AS_OF - 5 + at % 2 * 9, 1, "a") for at in range(9)] + [("v1", AS_OF - 9, 1, "a")])
    changed = pd.Series(AS_OF - 9, index=range(9))
    profiles = pd.DataFrame({"visitorId": [f"v{at}" for at in range(9)], "score": 0.5, "born": 1, "changed": changed})
    before = features(events, profiles, **PROFILED)
    bystanders = profiles.assign(changed=changed.where(profiles.index % 2 == 0, AS_OF + after)).drop(index=1)
    pd.testing.assert_frame_equal(features(events, bystanders, **PROFILED).drop("v1"), before.drop("v1"))
    returned = profiles.assign(changed=changed.where(profiles.index != 1, AS_OF + after))
    if after < 0:
        pd.testing.assert_frame_equal(features(events, returned, **PROFILED), before)
        return
    for as_of in (AS_OF, pd.Series(AS_OF, index=before.index)):
        with pytest.raises(inb.DataError, match="1 of 6 profiles were changed at as_of or since"):
            features(events, returned, **{**PROFILED, "as_of": as_of})
    pd.testing.assert_frame_equal(
        features(events, returned, **{**PROFILED, "traits": ()}), before.drop(columns="score"), check_exact=True
    )


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
        *(({"as_of": text}, f"as_of is '{text}'; expected a date") for text in ("now", "01/10/1997", "October 1997")),
        ({"as_of": None}, "as_of is None; expected a date"),
        ({"values": "amount"}, r"values is 'amount'; expected a list of columns: values=\['amount'\]"),
        ({"kinds": ["kind"]}, r"kinds are a list; expected \{column: \[values\]\}"),
        ({"kinds": {"kind": "ab"}}, "kinds of 'kind' are 'ab'; expected a list"),
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


@pytest.mark.parametrize("persons", [pd.DataFrame(index=["ann"]), "ann", 7, [["ann"], "bob"], ["ann", 7]])
def test_persons_are_ids(persons: Any) -> None:
    with pytest.raises(inb.DataError, match="persons"):
        outcomes(frame_of([("ann", AS_OF, 1, "a")]), persons, as_of=AS_OF - 1, horizon=1, until=AS_OF + DAY)


def test_numbers_that_count_are_finite() -> None:
    rows = [("bob", AS_OF - 8 * DAY, np.inf, "a"), ("ann", AS_OF, np.inf, "a"), ("ann", AS_OF - 1, 1.0, "a")]
    assert features(frame_of(rows), **{**SPEC, "window": 7, "as_of": AS_OF})["amount_sum_7d"].to_list() == [1, 0]
    with pytest.raises(inb.DataError, match=r"row 0, field 'amount': inf is no number"):
        features(frame_of(rows), as_of=AS_OF, **SPEC)
    with pytest.raises(inb.DataError, match="sum of 'amount' of a person is beyond"):
        features(frame_of([("ann", AS_OF - 1, 1e308, "a")] * 2), as_of=AS_OF, **SPEC)
