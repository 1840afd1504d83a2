"""One pass over any rows, against what plain Python says of the same."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import math
import uuid
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.profiling import bars, counting
from intempt_nb.profiling.profile import ColumnProfile, profile
from random_arrow import arrow_types

UTC = dt.UTC
KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "long": (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-20, 20)),
    "unsigned": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "int": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "double": (pa.float64(), st.floats() | st.sampled_from([0.1, 0.2, 0.3, 0.7, -0.0, 0.0, 1.1])),
    "float": (pa.float32(), st.floats(width=32)),
    "decimal": (pa.decimal128(9, 2), st.decimals(-10, 10, places=2)),
    "wide": (pa.decimal128(30, 2), st.integers(-(10**27), 10**27).map(lambda cents: Decimal(cents).scaleb(-2))),
    "widest": (pa.decimal256(50, 0), st.integers(-(10**27), 10**27).map(Decimal) | st.integers(-9, 9).map(Decimal)),
    "text": (pa.string(), st.text(max_size=3)),
    "letters": (pa.dictionary(pa.int8(), pa.string()), st.sampled_from("abc")),
    "flag": (pa.bool_(), st.booleans()),
    "bytes": (pa.binary(), st.binary(max_size=2)),
    "day": (pa.date32(), st.dates()),
    "at": (pa.timestamp("us", "UTC"), st.datetimes(dt.datetime(1600, 1, 1), timezones=st.just(UTC))),
    "clock": (pa.time64("us"), st.times()),
    "elapsed": (pa.duration("s"), st.integers(-99, 99).map(lambda days: dt.timedelta(days))),
}


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, list[Any], pa.Table]:
    name = draw(st.sampled_from(sorted(KINDS)))
    kind, values = KINDS[name]
    rows = draw(st.lists(st.none() | values, max_size=40))
    column = pa.array(rows, kind)
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    parts = [column[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    return name, column.to_pylist(), pa.table({"c": pa.chunked_array(parts, kind)})


@given(columns())
def test_a_profile_says_what_plain_python_says(drawn: tuple[str, list[Any], pa.Table]) -> None:
    name, rows, table = drawn
    found = profile(table, top=3)["c"]
    present = [each for each in rows if each is not None]
    numbers = [each for each in present if not (isinstance(each, float) and math.isnan(each))]
    counts = Counter(numbers)
    assert (found.count, found.nulls, found.nan) == (
        len(present), len(rows) - len(present), len(present) - len(numbers)
    )  # fmt: skip
    assert (found.distinct, found.distinct_exact, found.top_error) == (len(counts), True, 0)
    assert list(found.top) == sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:3]
    if name not in ("flag", "bytes"):
        assert (found.min, found.max) == ((min(numbers), max(numbers)) if numbers else (None, None))
    check_mean(found, name, numbers)
    check_quantiles(found, name, numbers)


def check_quantiles(found: ColumnProfile, name: str, numbers: list[Any]) -> None:
    there = numbers if name not in ("flag", "bytes", "text", "letters") else []
    values = sorted(there)
    ranks = [-(-percent * len(values) // 100) for percent in (5, 25, 50, 75, 95)]
    expected = zip((0.05, 0.25, 0.5, 0.75, 0.95), [values[rank - 1] for rank in ranks] if values else [], strict=False)
    assert found.quantiles == tuple(expected)
    assert found.quantile_error == 0
    if name in ("int", "long") and values:
        shares = [share for share, _ in found.quantiles]
        assert [value for _, value in found.quantiles] == list(np.quantile(values, shares, method="inverted_cdf"))


MEANS = ("long", "unsigned", "int", "decimal", "wide", "widest", "double", "float")


def check_mean(found: ColumnProfile, name: str, numbers: list[Any]) -> None:
    if name not in MEANS or not numbers:
        assert found.mean is None
    elif name in ("double", "float"):
        finite = all(map(math.isfinite, numbers)) and max(map(abs, numbers)) < 1e300
        if finite:
            scale = max(map(abs, numbers))
            assert found.mean == pytest.approx(float(sum(map(Fraction, numbers)) / len(numbers)), abs=scale * 1e-12)
        elif not all(map(math.isfinite, numbers)):
            assert found.mean is None
    else:
        assert found.mean == float(sum(map(Fraction, numbers)) / len(numbers))


@given(columns(), st.integers(bars.FEWEST_BINS, 30))
def test_bars_hold_what_their_borders_say_however_the_rows_are_cut(
    drawn: tuple[str, list[Any], pa.Table], bins: int
) -> None:
    name, rows, table = drawn
    found = profile(table, bins=bins)["c"]
    whole = profile(table.combine_chunks(), bins=bins)["c"]
    assert whole.histogram == found.histogram
    if found.histogram is None:
        return
    edges, counts = found.histogram.edges, found.histogram.counts
    assert len(counts) <= bins
    assert counts[0] > 0
    assert counts[-1] > 0
    finite = [each for each in rows if each is not None and not (isinstance(each, float) and not math.isfinite(each))]
    values = [as_number(each, name) for each in finite]
    borders = [as_number(each, name) for each in edges]
    assert all(a < b for a, b in itertools.pairwise(borders))
    expected = [sum(a <= each < b for each in values) for a, b in itertools.pairwise(borders)]
    assert list(counts) == expected
    assert sum(counts) == len(values)


@pytest.mark.parametrize("tenths", [range(41), range(20, 25)])
def test_a_number_beside_a_border_is_on_its_own_side_of_it(tenths: range) -> None:
    at = np.array(tenths) / 10  # 2.3 * 10**5 is below 230000, and what is just below 0.9 gives 9000 times 10**-4
    below = np.nextafter(at, -1)
    found = profile(pa.table({"c": np.concatenate([at, below])}), bins=50)["c"].histogram
    edges = np.array(found.edges)
    assert set(at) <= set(edges)
    values = np.concatenate([at, below])
    assert list(found.counts) == [((low <= values) & (values < high)).sum() for low, high in itertools.pairwise(edges)]


def as_number(value: Any, name: str) -> Any:
    if name in ("day", "at"):
        return np.datetime64(value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value, "us")
    return float(value) if name in ("unsigned", "decimal", "wide", "widest") else value


@given(arrow_types(nulls=False))
def test_columns_of_any_type_are_profiled(kind: pa.DataType) -> None:
    try:
        table = pa.table([pa.nulls(3, kind)], ["c"])
    except pa.ArrowInvalid:  # of run ends in a list, Arrow itself makes nulls that are not valid
        reject()
    found = profile(table)["c"]
    assert found.count + found.nulls == 3
    assert found.type == str(kind) or "_view" in str(kind)
    assert "3 rows" in str(profile(table))


def test_nested_columns_have_lengths_and_gaps() -> None:
    found = profile(
        pa.table(
            {
                "tags": pa.array([["a"], None, [], ["b", "c"]]),
                "prices": pa.array([[("x", 1)], None, [], [("y", 2), ("z", 3)]], pa.map_(pa.string(), pa.int64())),
                "url": pa.array([{"host": "a"}, None, {"host": None}, None]),
            }
        ).slice(1)
    )
    for name in ("tags", "prices"):
        lengths = found[name].lengths
        assert (found[name].count, found[name].nulls, lengths.min, lengths.max, lengths.mean) == (2, 1, 0, 2, 1.0)
    assert (found["url"].count, found["url"].nulls, found["url"].distinct) == (1, 2, None)


def test_many_different_values_are_estimated_and_frequent_ones_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_BYTES", 50_000)  # room for about 5,000 of these texts
    texts = [f"{at:06}" for at in range(200_000)]
    for at in range(0, 200_000, 10):
        texts[at] = "often"
    found = profile(pa.table({"c": texts}))["c"]
    assert not found.distinct_exact
    assert found.distinct == pytest.approx(180_001, rel=0.02)
    [(value, count)] = found.top
    assert value == "often"
    assert count <= 20_000 <= count + found.top_error
    assert "≥" in str(profile(pa.table({"c": texts})))


def test_types_are_told_in_the_words_of_the_schema() -> None:
    field = {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]}
    schema = inb.Schema.parse({"type": "record", "name": "r", "fields": [field]})
    table = schema.to_arrow().empty_table()
    for each in (table, table.rename_columns(["at"]), table.select(["at"]), table.replace_schema_metadata(None)):
        assert profile(each)["at"].type == "timestamp-millis or null"
    assert (
        profile(table.cast(pa.schema([pa.field("at", pa.int64(), metadata=table.schema[0].metadata)])))["at"].type
        == "int64"
    )


@pytest.mark.parametrize("wrap", [pd.DataFrame, pl.DataFrame, pa.table, lambda rows: pa.table(rows).to_reader()])
def test_rows_come_from_anything_tabular(wrap: Any) -> None:
    found = profile(wrap({"n": [1, 2, 2], "key": ["a", "b", "c"]}))
    assert (found.rows, len(found), [each.name for each in found]) == (3, 2, ["n", "key"])
    assert ("key" in found, "keys" in found) == (True, False)
    assert found["n"].top == ((2, 2), (1, 1))


def test_ids_and_moments_are_shown_as_what_they_are() -> None:
    key = uuid.UUID(int=7)
    table = pa.table({"id": pa.array([key.bytes], pa.uuid()), "at": pa.array([2**60], pa.timestamp("s"))})
    found = profile(table)
    assert found["id"].top == ((key, 1),)
    assert isinstance(found["at"].min, str)  # a year that Python has not


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (pa.time64("ns"), [dt.time(0, 0, 1), "00:00:01.000000001"]),
        (pa.timestamp("s"), [dt.datetime(2001, 9, 9, 1, 46, 40), "33658-09-27 01:46:40"]),
        (pa.timestamp("us"), [dt.datetime(1970, 1, 1, 0, 16, 40), "148108-07-06 14:00:27.387904"]),
        (pa.timestamp("us", "UTC"), [dt.datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC), "148108-07-06 14:00:27.387904Z"]),
        (pa.date32(), [dt.date(2001, 9, 9), "2941775-04-07"]),
    ],
)
def test_what_python_has_no_form_for_is_shown_as_exact_text(kind: pa.DataType, shown: list[Any]) -> None:
    stored = {"time64[ns]": [10**9, 10**9 + 1], "timestamp[s]": [10**9, 10**12], "date32[day]": [11_574, 2**30]}
    rows = pa.array(stored.get(str(kind), [10**9, 2**62]), pa.int32() if kind == pa.date32() else pa.int64())
    found = profile(pa.table({"c": rows.cast(kind)}))["c"]
    assert [found.min, found.max] == shown
    assert found.distinct == 2


def test_days_are_drawn_in_weeks_and_months() -> None:
    days = pa.array(pd.date_range("2013-01-01", "2013-12-31")).cast(pa.date32())
    year = profile(pa.table({"day": days}))["day"].histogram
    assert [str(each) for each in year.edges[:3]] == ["2013-01-01", "2013-02-01", "2013-03-01"]
    assert year.counts == (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    spring = profile(pa.table({"day": days[:60]}))["day"].histogram
    assert [str(each) for each in spring.edges[:2]] == ["2012-12-31", "2013-01-07"]  # Mondays


def test_the_views_are_escaped_and_draw_with_words_beside() -> None:
    found = profile(pd.DataFrame({"<b>": ["<script>"] * 2, "n": [1, 50]}))
    html = found._repr_html_()
    assert "<b>" not in html
    assert "<script>" not in html
    source = html.partition('src="data:image/svg+xml;base64,')[2].partition('"')[0]
    assert base64.b64decode(source).startswith(b"<svg ")
    assert 'alt="Histogram with ' in html
    assert "█" in str(found)


@pytest.mark.parametrize(
    ("given_", "named", "said"),
    [
        ({"data": {"a": [1]}}, {}, "rows cannot be read from dict; expected a scan"),
        ({"data": pl.Series([1])}, {}, r"rows cannot be read from a Series; make it a table: series\.to_frame"),
        ({"data": pa.table({})}, {"bins": 2}, "bins is 2; expected a whole number from 5 on"),
        ({"data": pa.table({})}, {"top": True}, "top is True"),
    ],
)
def test_what_cannot_be_profiled_is_said(given_: dict[str, Any], named: dict[str, Any], said: str) -> None:
    with pytest.raises(inb.DataError, match=said):
        profile(**given_, **named)


def test_periods_are_shown_as_the_moments_at_which_they_begin() -> None:
    months = pd.DataFrame({"month": pd.PeriodIndex(["2020-01", "2020-03", None], freq="M")})
    found = profile(months)["month"]
    assert (found.min, found.max, found.nulls) == (dt.datetime(2020, 1, 1), dt.datetime(2020, 3, 1), 1)


def test_a_column_shows_all_that_is_known_of_it() -> None:
    days = pa.array(pd.date_range("2013-01-01", periods=100)).cast(pa.date32())
    found = profile(pa.table({"<day>": days, "tags": pa.array([["a"]] * 100)}))
    lines = [line.split() for line in str(found["<day>"]).splitlines()]
    assert {"5%": "2013-01-05", "median": "2013-02-19", "95%": "2013-04-05"}.items() <= dict(
        line for line in lines if len(line) == 2
    ).items()
    assert ["2013-04-08", "2013-04-15", "3", "█" * 18] in lines  # three of seven days
    html = found["<day>"]._repr_html_()
    assert "<day>" not in html
    assert "from 2012-12-31 to 2013-04-15" in html
    assert "1 to 1 elements" in str(found["tags"])
    assert found["tags"].median is None


def test_names_numbers_and_bounds_are_as_long_as_they_need_to_be() -> None:
    rows = pa.table({"n" * 50: [0.1234567891, 1234567.0, 1e7 / 3], "d": pa.array([Decimal("0.1234567891")] * 3)})
    lines = str(profile(rows)).splitlines()
    assert "n" * 39 + "…" in lines[2]
    assert "0.123457 to 3.33333e+06  1234567  " in lines[2]
    assert lines[3].count(" 0.1234567891 ") == 3  # as decimals are
    assert "3333333.33333333" in str(profile(rows)["n" * 50])
    column = ColumnProfile("n", "double", 3, 0, min=1.0, max=2.0, quantiles=((0.5, 1.0),), quantile_error=0.0000123)
    assert "right within 0.002% of the values" in str(column)


def test_the_numbers_become_a_frame() -> None:
    found = profile(pd.DataFrame({"n": [1, 2, 2, 9], "day": [dt.date(2020, 1, 1)] * 4, "s": list("abca")})).to_frame()
    assert list(found.columns[-7:]) == ["min", "5%", "25%", "50%", "75%", "95%", "max"]
    assert list(found["column"]) == ["n", "day", "s"]
    assert list(found["50%"]) == [2, dt.date(2020, 1, 1), None]
    assert found["distinct"].dtype == pd.ArrowDtype(pa.int64())
    assert found["mean"].isna().tolist() == [False, True, True]


def test_a_collection_has_a_profile(shop: inb.SourceHandle) -> None:
    fields = [{"name": "id", "type": "int"}, {"name": "day", "type": {"type": "string", "logicalType": "date"}}]
    things = shop.create_collection("things", {"type": "record", "name": "r", "fields": fields})
    things.create_identifier("key", fields=["id"])
    days = [dt.date(2020, 1, 1) + dt.timedelta(day) for day in range(10)]
    things.upload(pa.table({"id": pa.array(range(10), pa.int32()), "day": days}), progress=False)
    assert things.profile()["day"].median == dt.date(2020, 1, 5)
    some = things.profile(["id"], 4, bins=5, top=1)
    assert (some.rows, len(some), some["id"].max, len(some["id"].top)) == (4, 1, 3, 1)
    with pytest.raises(inb.DataError, match="bins is 1"):
        things.profile(bins=1)


def test_a_handle_has_its_scan_named(shop: inb.SourceHandle) -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": "string"}]}
    with pytest.raises(inb.DataError, match=r"take its scan: collection\.scan\(\)"):
        profile(shop.create_collection("things", schema))
