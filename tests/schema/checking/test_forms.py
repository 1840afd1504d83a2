"""Which Python values stand for which type: what fastavro's writer takes too, and each difference as a decision."""

from __future__ import annotations

import array
import datetime as dt
import decimal
import io
import uuid
from typing import Any

import fastavro
import fastavro.validation
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.checking.forms import form_of
from intempt_nb.schema.checking.items import item_checker
from intempt_nb.schema.checking.reading import read_text
from intempt_nb.schema.mapping.arrow import WIRE, arrow_type
from intempt_nb.schema.model import Bytes, Date, Decimal, Duration, Fixed, Time, Timestamp, Uuid
from intempt_nb.schema.schema import Schema

ID = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")
INSTANT = dt.datetime(2020, 1, 1, 5, tzinfo=dt.UTC)
VALUES: dict[str, Any] = {
    "None": None,
    "True": True,
    "0": 0,
    "-1": -1,
    "2**31": 2**31,
    "2**53+1": 2**53 + 1,
    "2**63": 2**63,
    "np.int64": np.int64(1),
    "np.bool_": np.bool_(True),
    "np.float32": np.float32(1.5),
    "1.5": 1.5,
    "1e300": 1e300,
    "nan": float("nan"),
    "inf": float("inf"),
    "NaT": pd.NaT,
    "NA": pd.NA,
    "empty text": "",
    "text": "some text",
    "surrogate": "\ud800",
    "base64": "YWI=",
    "decimal text": "1.25",
    "date text": "2020-01-01",
    "short date text": "20200101",
    "instant text": "2020-01-01T10:00:00Z",
    "clock text": "10:00",
    "uuid text": str(ID),
    "period text": "P1D",
    "no bytes": b"",
    "2 bytes": b"ab",
    "12 bytes": b"x" * 12,
    "16 bytes": b"y" * 16,
    "bytearray": bytearray(b"ab"),
    "date": dt.date(2020, 1, 1),
    "instant": INSTANT,
    "midnight": dt.datetime(2020, 1, 1),
    "wall clock": dt.datetime(2020, 1, 1, 5),
    "micro instant": INSTANT.replace(microsecond=1),
    "nano timestamp": pd.Timestamp("2020-01-01T00:00:00.000000001Z"),
    "time": dt.time(1),
    "micro time": dt.time(1, 0, 0, 1),
    "Decimal": decimal.Decimal("1.25"),
    "Decimal finer": decimal.Decimal("1.255"),
    "Decimal 1E9": decimal.Decimal("1E9"),
    "Decimal NaN": decimal.Decimal("NaN"),
    "UUID": ID,
    "interval": pa.MonthDayNano([1, 2, 3_000_000]),
    "list": [1],
    "dict": {"a": 1},
    "array": array.array("i", [1]),
    "object": object(),
}


def logical(base: str, logical_type: str, /, **rest: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": logical_type, **rest}


JSON_TEXT = "plain JSON has bytes as base64"
ISO = "plain JSON has days and times as ISO text"
TOO_FINE = "fastavro cuts off what is finer than the unit"
UNKNOWN = "fastavro does not know the logical type, and takes its base alone"
EXACT = "fastavro rounds a whole number that the type does not hold"
NO_JSON = "not a number in JSON"
ANY_TEXT = "fastavro takes any text"

# Type → value → why only this package takes it (+) or only fastavro (-).
DIFFERENCES: list[tuple[Any, dict[str, str]]] = [
    ("null", {}),
    ("boolean", {}),
    ("int", {}),
    ("long", {}),
    ("float", {"-2**31": EXACT, "-2**53+1": EXACT, "-2**63": EXACT, "-1e300": "fastavro makes it infinite",
               "-nan": NO_JSON, "-inf": NO_JSON}),
    ("double", {"-2**53+1": EXACT, "-2**63": EXACT, "-nan": NO_JSON, "-inf": NO_JSON}),
    ("string", {}),
    ({"type": "enum", "name": "E", "symbols": ["text", "A"]}, {}),
    ("bytes", {"+base64": JSON_TEXT, "+empty text": JSON_TEXT, "+short date text": JSON_TEXT}),
    ({"type": "fixed", "name": "F", "size": 2}, {"+base64": JSON_TEXT}),
    (logical("string", "date"), {"+date": ISO, "+midnight": ISO, **{
        f"-{each}": ANY_TEXT for each in ("empty text", "text", "base64", "decimal text", "short date text",
                                          "instant text", "clock text", "uuid text", "period text")}}),
    (logical("int", "date"), {
        "-short date text": "a number of days to some", "-instant": "the time of day would be lost",
        "-wall clock": "the time of day would be lost", "-micro instant": "the time of day would be lost",
        "-nano timestamp": "the time of day would be lost"}),
    (logical("int", "time-millis"), {"+clock text": ISO, "-micro time": TOO_FINE, "--1": "not within a day"}),
    (logical("long", "time-micros"), {"+clock text": ISO, "--1": "not within a day", "-2**53+1": "not within a day"}),
    (logical("long", "timestamp-millis"), {"+instant text": ISO, "-micro instant": TOO_FINE,
                                           "-nano timestamp": TOO_FINE}),
    (logical("long", "timestamp-nanos"), {"+instant text": ISO, **{
        f"+{each}": UNKNOWN for each in ("instant", "midnight", "wall clock", "micro instant", "nano timestamp")}}),
    (logical("long", "local-timestamp-micros"), {
        "-instant": "its zone would be lost", "-micro instant": "its zone would be lost",
        "-nano timestamp": "its zone would be lost"}),
    (logical("bytes", "decimal", precision=4, scale=2), {
        "+0": "a JSON number", "+-1": "a JSON number", "+np.int64": "a JSON number", "+1.5": "a JSON number",
        "+decimal text": "plain JSON has decimals as text", "-2 bytes": "five digits", "-bytearray": "five digits",
        "-12 bytes": "more digits", "-16 bytes": "more digits", "-Decimal 1E9": "ten digits"}),
    (logical("fixed", "decimal", name="D", size=5, precision=4, scale=2), {
        "+0": "a JSON number", "+-1": "a JSON number", "+1.5": "a JSON number", "+np.int64": "a JSON number",
        "+decimal text": "plain JSON has decimals as text", "-Decimal 1E9": "ten digits"}),
    (logical("bytes", "big-decimal"), {"+base64": JSON_TEXT, "+empty text": JSON_TEXT, "+short date text": JSON_TEXT}),
    (logical("string", "uuid"), {
        f"-{each}": ANY_TEXT for each in ("empty text", "text", "base64", "decimal text", "date text",
                                          "short date text", "instant text", "clock text", "period text")}),
    (logical("fixed", "uuid", name="U", size=16), {"+UUID": UNKNOWN, "+uuid text": UNKNOWN}),
    (logical("fixed", "duration", name="P", size=12), {"+period text": UNKNOWN, "+interval": UNKNOWN}),
]  # fmt: skip


def fastavro_takes(avro: Any, value: Any) -> bool:
    parsed = fastavro.parse_schema(avro)
    try:
        fastavro.schemaless_writer(io.BytesIO(), parsed, value, strict=True)
        return bool(fastavro.validation.validate(value, parsed, strict=True))
    except Exception:  # noqa: BLE001  (fastavro answers bad values with whatever error comes)
        return False


@pytest.mark.parametrize(("avro", "decided"), DIFFERENCES, ids=lambda each: str(each)[:60])
def test_the_values_of_a_type_are_those_that_fastavro_takes_with_these_exceptions(
    avro: Any, decided: dict[str, str]
) -> None:
    schema = Schema.parse(avro)
    check = item_checker(schema.root, schema.named)
    found = set()
    for name, value in VALUES.items():
        mine, theirs = not check(value), fastavro_takes(avro, value)
        if mine != theirs:
            found.add(f"{'+' if mine else '-'}{name}")
    assert found == set(decided)


@pytest.mark.parametrize(
    ("avro", "value", "reason"),
    [
        ("int", 2**31, "too large for int32"),
        ("int", "5", "text where int is expected"),
        ("long", None, "no value where long is expected"),
        ("long", float("nan"), "NaN (a gap is None) where long is expected"),
        ("long", pd.NaT, "NaT (a gap is None) where long is expected"),
        ("double", 2**53 + 1, "has more digits than a double holds"),
        ("float", 1e300, "too large for a float"),
        ("double", float("inf"), "not a finite number, and JSON has no word for it"),
        ("string", "\ud800", "has half of a surrogate pair, which is not Unicode"),
        ("bytes", "no base64!", "not base64"),
        ({"type": "fixed", "name": "F", "size": 2}, b"abc", "not 2 bytes"),
        ({"type": "fixed", "name": "F", "size": 2}, "YQ==", "not the base64 of 2 bytes"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "B", "not a symbol of the enum"),
        (logical("string", "date"), "2020-02-30", "no such day"),
        (logical("string", "date"), "soon", "not a date as YYYY-MM-DD"),
        (logical("string", "date"), INSTANT, "has a time of day, and the type is a date"),
        (logical("int", "time-millis"), "24:00", "no such time of day"),
        (logical("int", "time-millis"), 86_400_000, "no such time of day"),
        (logical("int", "time-millis"), dt.time(1, 0, 0, 1), "finer than milliseconds"),
        (logical("int", "time-millis"), dt.time(1, tzinfo=dt.UTC), "has a time zone, and a time of day has none"),
        (logical("long", "timestamp-millis"), "2020-01-01T10:00:00.0001Z", "finer than milliseconds"),
        (logical("long", "timestamp-micros"), VALUES["nano timestamp"], "finer than microseconds"),
        (logical("long", "timestamp-nanos"), dt.datetime(1500, 1, 1),
         "outside the years 1678 to 2261, which nanoseconds can say"),
        (logical("long", "local-timestamp-millis"), INSTANT, "has a time zone, and the type is a local time"),
        (logical("bytes", "decimal", precision=4, scale=2), "1.255", "more digits than decimal(4, 2) holds"),
        (logical("bytes", "decimal", precision=4, scale=2), decimal.Decimal("NaN"), "not a finite number"),
        (logical("bytes", "decimal", precision=4, scale=2), "x", "not a decimal number"),
        (logical("string", "uuid"), "x", "not a UUID"),
        (logical("fixed", "duration", name="P", size=12), "1 day", "not an ISO 8601 period such as P14M3DT0.5S"),
        (logical("fixed", "duration", name="P", size=12), pa.MonthDayNano([1, 2, 3]),
         "negative, or finer than a millisecond"),
    ],
)  # fmt: skip
def test_why_a_value_does_not_fit(avro: Any, value: Any, reason: str) -> None:
    schema = Schema.parse(avro)
    (found,) = item_checker(schema.root, schema.named)(value)
    assert (found.reason, found.path) == (reason, "")
    assert found.value is value


READ_AS_CELLS = [
    Date(), Date("int"), Time("ms"), Time("us"), Timestamp("ms"), Timestamp("us"), Timestamp("ns"),
    Timestamp("ms", local=True), Decimal(6, 2), Uuid(), Bytes(), Fixed("F", 2), Duration(Fixed("D", 12)),
]  # fmt: skip
PIECES = st.sampled_from(
    ["2020", "0000", "1677", "2262", "-", "-01", "-02", "-29", "-30", "T", " ", "10", "23", "24", ":00", ":59", ":60",
     ".1", ".123", ".1234", ".1234567", ".1230000", ".123456789", "Z", "+02", "+02:00", "-2400", "1", "1.25", "999.99",
     "9999.999", "P1D", "PT0.5S", "P1Y2M", "YWI=", "YQ==", str(ID), "x", "\u0661"]
)  # fmt: skip
TEXTS = st.lists(PIECES, min_size=1, max_size=7).map("".join)
DAYS = st.dates().map(str)
CLOCKS = st.times().map(lambda each: each.isoformat()[:15])


@given(TEXTS | DAYS | CLOCKS | st.datetimes().map(lambda each: each.isoformat()) | st.tuples(DAYS, TEXTS).map("T".join))
def test_text_is_read_as_a_cell_of_text_is(text: str) -> None:
    for avro_type in READ_AS_CELLS:
        read = read_text(pa.array([text]), avro_type, arrow_type(avro_type, {}, WIRE))
        # An epoch number as text is read in a column; in an item it is a number.
        if isinstance(avro_type, Timestamp) and text.lstrip("-").isascii() and text.lstrip("-").isdigit():
            continue
        assert (form_of(avro_type)(text) is None) == (not read.refusals), (avro_type, read.refusals)
