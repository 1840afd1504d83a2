"""Cells of text: what is read, what is refused, and where."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import math
import re
import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intempt_nb.schema.checking.columns import convert
from intempt_nb.schema.checking.reading import read_closely, read_text
from intempt_nb.schema.mapping.arrow import WIRE, arrow_type
from intempt_nb.schema.model import (
    Boolean,
    Bytes,
    Date,
    Decimal,
    Double,
    Enum,
    Fixed,
    Float,
    Int,
    Long,
    Null,
    String,
    Time,
    Timestamp,
    Union,
    Uuid,
)

if TYPE_CHECKING:
    from intempt_nb.schema.checking.refusals import Converted
    from intempt_nb.schema.model import AvroType

UTC = dt.UTC


def read(cells: list[str | None], avro_type: AvroType) -> tuple[list[Any], dict[int, str]]:
    """Values, and position → reason of the refused cells."""
    converted = convert(pa.array(cells, pa.string()), Union((Null(), avro_type)), {}, "column")
    assert len(converted.values) == len(cells)
    refused = reasons_of(converted)
    values = converted.values.to_pylist()
    assert all(values[position] is None for position in refused)
    return values, refused


@pytest.mark.parametrize(
    ("avro_type", "cells", "values", "reasons"),
    [
        (Boolean(), ["true", "FALSE", " True ", "yes", "1", "NA"], [True, False, True, None, None, None],
         {3: "not true or false", 4: "not true or false"}),
        (Int(), ["1", "2147483647", "2147483648", "-2147483648", "1.0"], [1, 2**31 - 1, None, -(2**31), None],
         {2: "too large for int32", 4: "not a whole number"}),
        (Long(), [" 7", "007", "9223372036854775807", "9223372036854775808", "9" * 40, "+5", "0" * 30 + "5", "1e3"],
         [7, 7, 2**63 - 1, None, None, None, 5, None],
         {3: "too large for int64", 4: "too large for int64", 5: "not a whole number", 7: "not a whole number"}),
        (Double(), ["1", ".5", "1.", "-1e-3", "1e999", "inf", "NaN", "1,5"],
         [1.0, 0.5, 1.0, -0.001, None, None, None, None],
         {4: "too large for a double", 5: "not a number", 7: "not a number"}),
        (Float(), ["0.5", "1e39"], [0.5, None], {1: "too large for a float"}),
        (Decimal(5, 2), ["1.5", "001.50", "123.456", "12345", "-.5", "1e2"],
         [decimal.Decimal("1.50"), decimal.Decimal("1.50"), None, None, decimal.Decimal("-0.50"), None],
         {2: "more digits than decimal(5, 2) holds", 3: "more digits than decimal(5, 2) holds",
          5: "not a decimal number"}),
        (Date(), ["2020-02-29", "1900-02-29", "2019-02-29", "2020-13-01", "0000-01-01", "29.02.2020", "2020-2-1"],
         [dt.date(2020, 2, 29), None, None, None, None, None, None],
         {1: "no such day", 2: "no such day", 3: "no such day", 4: "no such day",
          5: "not a date as YYYY-MM-DD", 6: "not a date as YYYY-MM-DD"}),
        (Time("ms"), ["10:30", "23:59:59.999", "24:00", "10:00:00.0001"],
         [dt.time(10, 30), dt.time(23, 59, 59, 999000), None, None],
         {2: "no such time of day", 3: "finer than milliseconds"}),
        (Timestamp("ms"),
         ["2020-01-01T10:00:00Z", "2020-01-01 10:00", "2020-01-01T10:00:00+02:00", "2020-01-01T10:00:00.1230000",
          "2020-01-01T10:00:00.1234", "2020-01-01T25:00:00", "2020-02-30T10:00", "yesterday"],
         [dt.datetime(2020, 1, 1, 10, tzinfo=UTC), dt.datetime(2020, 1, 1, 10, tzinfo=UTC),
          dt.datetime(2020, 1, 1, 8, tzinfo=UTC), dt.datetime(2020, 1, 1, 10, 0, 0, 123000, tzinfo=UTC),
          None, None, None, None],
         {4: "finer than milliseconds", 5: "no such time of day", 6: "no such day",
          7: "not a timestamp as YYYY-MM-DDTHH:MM:SS"}),
        (Timestamp("us", local=True), ["2020-01-01T10:00", "2020-01-01T10:00Z"],
         [dt.datetime(2020, 1, 1, 10), None],
         {1: "has a time zone, and the type is a local time"}),
        (Enum("E", ("A", "B")), ["A", " B ", "C", ""], ["A", "B", None, None], {2: "not a symbol of the enum"}),
        (Bytes(), ["YWI=", "é"], [b"ab", None], {1: "not base64"}),
        (Fixed("F", 2), ["YWI=", "YQ=="], [b"ab", None], {1: "not the base64 of 2 bytes"}),
        (Uuid(), ["123e4567-e89b-12d3-a456-426614174000", "123"], ["123e4567-e89b-12d3-a456-426614174000", None],
         {1: "not a UUID"}),
        (Uuid(Fixed("U", 16)), ["123e4567-e89b-12d3-a456-426614174000", None],
         [uuid.UUID("123e4567-e89b-12d3-a456-426614174000"), None], {}),
        (String(), [" x ", "", "NA", None], [" x ", "", "NA", None], {}),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_a_cell_says(avro_type: AvroType, cells: list[str], values: list[Any], reasons: dict[int, str]) -> None:
    assert read(list(cells), avro_type) == (values, reasons)


@pytest.mark.parametrize("gap", ["", "NA", "N/A", "#N/A", "NULL", "null", "None", "NaN", "nan", "\\N", " "])
def test_words_for_no_value_are_null_except_in_text(gap: str) -> None:
    assert read([gap, "1"], Long()) == ([None, 1], {})
    assert read([gap], String()) == ([gap], {})


def test_epoch_numbers_are_timestamps_also_beside_iso_text() -> None:
    instant = dt.datetime(2020, 5, 25, tzinfo=UTC)
    assert read(["1590364800000", None], Timestamp("ms")) == ([instant, None], {})
    assert read(["1590364800000", "2020-05-25T00:00Z", "x"], Timestamp("ms")) == (
        [instant, instant, None],
        {2: "not a timestamp as YYYY-MM-DDTHH:MM:SS"},
    )


def test_nanoseconds_outside_their_range_are_refused_not_wrapped() -> None:
    values, reasons = read(["2300-01-01T00:00:00Z", "2020-01-01T00:00:00.123456789Z"], Timestamp("ns"))
    assert values[0] is None
    assert "outside the years 1678 to 2261" in reasons[0]
    assert values[1].value == 1577836800123456789


@given(st.lists(st.one_of(st.integers().map(str), st.text(st.sampled_from("0123456789-+. eNA"), max_size=22))))
def test_long_agrees_with_python_on_any_text(cells: list[str]) -> None:
    values, refused = read(list(cells), Long())
    for place, cell in enumerate(cells):
        text = cell.strip()
        fits = re.fullmatch(r"-?[0-9]+", text) is not None and -(2**63) <= int(text) < 2**63
        assert values[place] == (int(text) if fits else None)
        assert (place in refused) == (not fits and text not in ("", "NA"))


@given(st.lists(st.one_of(st.floats().map(repr), st.text(st.sampled_from("0123456789-+.eE"), max_size=12))))
def test_double_agrees_with_python_on_any_text(cells: list[str]) -> None:
    values, _ = read(list(cells), Double())
    for place, cell in enumerate(cells):
        is_number = re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", cell, re.ASCII) is not None
        fits = is_number and math.isfinite(float(cell))
        assert values[place] == (float(cell) if fits else None)


@given(st.lists(st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z"), max_size=30))
def test_date_agrees_with_python_on_any_digits(cells: list[str]) -> None:
    def expected(cell: str) -> dt.date | None:
        try:
            return dt.date.fromisoformat(cell)
        except ValueError:
            return None

    values, refused = read(list(cells), Date())
    assert values == [expected(cell) for cell in cells]
    assert sorted(refused) == [place for place, cell in enumerate(cells) if expected(cell) is None]


@given(st.lists(st.datetimes(timezones=st.timezones()), max_size=10))
def test_any_instant_written_as_iso_text_comes_back(instants: list[dt.datetime]) -> None:
    whole = [each.astimezone(dt.timezone(each.utcoffset() or dt.timedelta())) for each in instants]
    cells = [each.isoformat() for each in whole if re.search(r"[+-]\d\d:\d\d$", each.isoformat())]
    values, refused = read(cells, Timestamp("us"))
    in_range = [dt.datetime.fromisoformat(cell) for cell in cells]
    assert not refused
    for value, instant in zip(values, in_range, strict=True):
        assert value == instant


@given(st.lists(st.binary(max_size=12)))
def test_base64_comes_back(values: list[bytes]) -> None:
    assert read([base64.b64encode(value).decode() for value in values], Bytes()) == (values, {})


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6)))
def test_decimals_come_back_with_any_zeros_around_them(numbers: list[decimal.Decimal]) -> None:
    cells = [f"{'-' if number.is_signed() else ''}00{abs(number):f}00" for number in numbers]
    assert read(list(cells), Decimal(12, 4)) == (numbers, {})


LOOKED_AT = [
    Int(), Long(), Float(), Double(), Decimal(5, 2), Decimal(38, 0), Date("int"), Date("string"), Timestamp("ms"),
    Timestamp("us"), Timestamp("ns"), Timestamp("ms", local=True),
]  # fmt: skip
CELLS = st.one_of(
    st.sampled_from([
        None, "", "NA", " 7", "7 ", "+5", "0x1F", "-", ".", "-.", "1.", ".5", "-.5", "1.5.5", "--1", "1-", "1e3", "inf",
        "nan", "9" * 18, "9" * 19, "9" * 39, "0" * 40 + "1", "-" + "9" * 18, "1,5", "é", "٣", "true", "A", " B",
        "2020-02-30", "0000-01-01", "2020-01-01T10", "2020-01-01T10Z", "2020-01-01T10+02:00", "2020-01-01T10:00z",
        "2020-01-01T10:00:60Z", "2020-01-01T10:00 Z", "1590364800000", "2020-1-011", "20200101-1", "2020-01-1a",
        "2020-01-01T10:00:00.0000001Z", "2020-01-01T10:00:00.", "2020-01-01T10:00:00.123000000Z", "2300-01-01T00:00Z",
    ]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**4), max_value=10**4).map(str),
    st.dates().map(str),
    st.datetimes(timezones=st.none() | st.just(UTC)).map(dt.datetime.isoformat),
    st.text(st.sampled_from("0123456789-+:.TZ e"), max_size=24),
)  # fmt: skip


@pytest.mark.parametrize("avro_type", LOOKED_AT, ids=str)
@given(cells=st.lists(CELLS, max_size=6), first=st.integers(0, 2))
@example(cells=["0000-01-01"], first=0)
@example(cells=["0000-01-01T10:00", "0001-01-01T00:00+02:00", "2020-01-01T10:00Z"], first=0)
@example(cells=["0000-12-31T23:00-02:00"], first=0)
@example(cells=["2020-01-01T10:00Z", "2020-01-01T10:00:00.0001Z", "2020-02-30T10:00Z", "2020-01-01T10:00"], first=0)
def test_a_plain_look_reads_what_the_patterns_read(avro_type: AvroType, cells: list[str | None], first: int) -> None:
    target = arrow_type(avro_type, {}, WIRE)
    array = pa.array(cells, pa.string()).slice(first)
    looked, close = read_text(array, avro_type, target), read_closely(array, avro_type, target)
    assert looked.values.equals(close.values)
    assert reasons_of(looked) == reasons_of(close)


def reasons_of(converted: Converted) -> dict[int, str]:
    return {place: each.reason for each in converted.refusals for place in each.positions.to_pylist()}
