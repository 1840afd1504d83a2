"""What JSON each type takes, and what it refuses; read by both ways through a page."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from decimal import Decimal
from typing import Any

import pytest

from intempt_nb.codecs.wire import pages
from intempt_nb.codecs.wire.envelope import decode_page
from intempt_nb.codecs.wire.pages import read_page
from intempt_nb.errors import DataError
from intempt_nb.schema.schema import Schema


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


DATE = logical("string", "date")
DAYS = logical("int", "date")
MILLIS = logical("long", "timestamp-millis")
MICROS = logical("long", "timestamp-micros")
NANOS = logical("long", "timestamp-nanos")
LOCAL = logical("long", "local-timestamp-millis")
TIME = logical("int", "time-millis")
TIME_MICROS = logical("long", "time-micros")
MONEY = logical("bytes", "decimal", precision=5, scale=2)
UUID = {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}
THREE = {"type": "fixed", "name": "F", "size": 3}
COLOUR = {"type": "enum", "name": "E", "symbols": ["RED", "GREEN"]}
COLOUR_OR_RED = {**COLOUR, "default": "RED"}


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


def read(avro: Any, text: str, *, exactly: bool = False) -> Any:
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "c", "type": avro}]})
    page = f'{{"_embedded":{{"dataItemList":[{{"id":"17","data":{{"c":{text}}}}}]}}}}'.encode()
    with pytest.MonkeyPatch.context() as patch:
        if exactly:
            patch.setattr(pages, "cut_page", decode_page)
        table = read_page(page, schema).table
    assert table.schema.equals(schema.to_arrow(unions="json"), check_metadata=True)
    return table["c"].to_pylist()[0]


def shown(value: Any) -> str:
    """Return text that tells 1 from 1.0 and 0.0 from -0.0, but not one kind of UTC from another."""
    return value.isoformat() if isinstance(value, dt.datetime) else repr(value)


@pytest.mark.parametrize(
    ("avro", "text", "expected"),
    [
        ("boolean", "true", True),
        ("int", "-2147483648", -(2**31)),
        ("int", "2147483647", 2**31 - 1),
        ("long", "-9223372036854775808", -(2**63)),
        ("long", "9223372036854775807", 2**63 - 1),
        ("long", "9007199254740993", 2**53 + 1),
        ("long", "9007199254740993.0", 2**53 + 1),
        ("long", "5.0", 5),
        ("long", "5e0", 5),
        ("long", "1.5e1", 15),
        ("long", "5.00000000000000000000000000000000000000000", 5),
        ("long", "-0", 0),
        ("long", "-0.0", 0),
        ("long", "0e400", 0),
        ("long", '"9007199254740993"', 2**53 + 1),
        ("long", '"+5"', 5),
        ("long", '"5.0"', 5),
        ("double", "5", 5.0),
        ("double", '"5"', 5.0),
        ("double", '".5"', 0.5),
        ("double", "1e-400", 0.0),
        ("double", "0.1000000000000000055511151231257827", 0.1),
        ("double", "Infinity", math.inf),
        ("double", "-Infinity", -math.inf),
        ("double", '"-Infinity"', -math.inf),
        ("float", "0.1", 0.10000000149011612),
        ("float", "3.4028235677973362e38", 3.4028234663852886e38),
        ("float", '"Infinity"', math.inf),
        # rounded to a double first, this would lie half-way between two floats and end at the even one, below
        ("float", "1.00000005960464477539062500000000001", 1.0000001192092896),
        ("float", '"1.00000005960464477539062500000000001"', 1.0000001192092896),
        ("string", '"\\ud83d\\ude00\\u0000\\u2028"', "😀\x00\u2028"),
        ("bytes", '""', b""),
        ("bytes", '"+/8="', b"\xfb\xff"),
        (THREE, '"YWJj"', b"abc"),
        (DATE, '"2020-05-25"', dt.date(2020, 5, 25)),
        (DATE, '"0001-01-01"', dt.date.min),
        (DATE, '"9999-12-31"', dt.date.max),
        (DAYS, "18407", dt.date(2020, 5, 25)),
        (DAYS, "18407.0", dt.date(2020, 5, 25)),
        (DAYS, '"2020-05-25"', dt.date(2020, 5, 25)),
        (TIME, "86399999", dt.time(23, 59, 59, 999000)),
        (TIME, '"12:30"', dt.time(12, 30)),
        (TIME, '"12:30:15.250"', dt.time(12, 30, 15, 250000)),
        (TIME_MICROS, '"12:30:15.250001"', dt.time(12, 30, 15, 250001)),
        (MILLIS, "1590584152176", utc(2020, 5, 27, 12, 55, 52, 176000)),
        (MILLIS, "1590584152176.0", utc(2020, 5, 27, 12, 55, 52, 176000)),
        (MILLIS, "1.590584152176e12", utc(2020, 5, 27, 12, 55, 52, 176000)),
        (MILLIS, '"1590584152176"', utc(2020, 5, 27, 12, 55, 52, 176000)),
        (MILLIS, "-1", utc(1969, 12, 31, 23, 59, 59, 999000)),
        (MILLIS, '"2020-05-25T10:00:00Z"', utc(2020, 5, 25, 10)),
        (MILLIS, '"2020-05-25T10:00:00.5+02:00"', utc(2020, 5, 25, 8, 0, 0, 500000)),
        (MILLIS, '"2020-05-25 10:00-0530"', utc(2020, 5, 25, 15, 30)),
        (MILLIS, '"2020-05-25T10:00:00"', utc(2020, 5, 25, 10)),
        (MICROS, '"1969-12-31T23:59:59.999999Z"', utc(1969, 12, 31, 23, 59, 59, 999999)),
        (LOCAL, "1590584152176", dt.datetime(2020, 5, 27, 12, 55, 52, 176000)),
        (LOCAL, '"2020-05-25T10:00:00"', dt.datetime(2020, 5, 25, 10)),
        (MONEY, '"1.5"', Decimal("1.50")),
        (MONEY, "1.5", Decimal("1.50")),
        (MONEY, "1.500", Decimal("1.50")),
        (MONEY, "-999.99", Decimal("-999.99")),
        (MONEY, "1e2", Decimal("100.00")),
        (MONEY, '"1E-2"', Decimal("0.01")),
        (logical("bytes", "decimal", precision=76), "9" * 76, Decimal("9" * 76)),
        (COLOUR, '"GREEN"', "GREEN"),
        (COLOUR_OR_RED, '"MAUVE"', "RED"),
        (["null", COLOUR_OR_RED], "null", None),
        (logical("string", "uuid"), '"whatever"', "whatever"),
        ({"type": "array", "items": "long"}, "[]", []),
        ({"type": "array", "items": ["null", "long"]}, '[1,null,3.0,"4"]', [1, None, 3, 4]),
        ({"type": "map", "values": "long"}, '{"b":1,"a":2,"b":3}', [("b", 3), ("a", 2)]),
        (["null", "long"], "null", None),
        ("null", "null", None),
        (["long", "string"], "12345678901234567890.10", "12345678901234567890.10"),
        (["long", "string"], '{ "a" : [1e2, "\\u00e9\\ud800" ], "b":{}}', '{"a":[1e2,"é\\ud800"],"b":{}}'),
        (["null", "long", "string"], "null", None),
    ],
)
def test_what_is_read(avro: Any, text: str, expected: Any) -> None:
    assert shown(read(avro, text)) == shown(expected)
    assert shown(read(avro, text, exactly=True)) == shown(expected)


def test_nan_is_nan() -> None:
    for text in ("NaN", '"NaN"'):
        assert math.isnan(read("double", text))
        assert math.isnan(read("float", text))


def test_nanoseconds_are_exact() -> None:
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "c", "type": NANOS}]})
    page = b'{"_embedded":{"dataItemList":[{"data":{"c":%b}},{"data":{"c":"2020-05-27T12:55:52.176000001Z"}}]}}'
    page %= b"1590584152176000001"
    assert read_page(page, schema).table["c"].cast("int64").to_pylist() == [1590584152176000001] * 2


@pytest.mark.parametrize(
    ("avro", "text", "found", "expected"),
    [
        ("boolean", "1", "1", "boolean"),
        ("boolean", '"true"', '"true"', "boolean"),
        ("int", "2147483648", "2147483648", "int"),
        ("long", "9223372036854775808", "9223372036854775808", "long"),
        ("long", "5.7", "5.7", "long"),
        ("long", "true", "true", "long"),
        ("long", "1e400", "1e400", "long"),
        ("long", "1e-99999999999", "1e-99999999999", "long"),
        ("long", "NaN", "NaN", "long"),
        ("long", '"five"', '"five"', "long"),
        ("long", '""', '""', "long"),
        ("long", '" 5"', '" 5"', "long"),
        ("long", '"\u0665"', '"\u0665"', "long"),
        ("long", "[5]", "[5]", "long"),
        (["null", "long"], "{}", "{}", "long or null"),
        ("double", "1e400", "1e400", "double"),
        ("double", "true", "true", "double"),
        ("float", "1e39", "1e39", "float"),
        ("string", "5", "5", "string"),
        ("string", "false", "false", "string"),
        ("string", '"a\\ud800"', '"a\\ud800"', "string"),
        ("bytes", '"YQ"', '"YQ"', "bytes"),
        ("bytes", '"*"', '"*"', "bytes"),
        (THREE, '"YQ=="', '"YQ=="', "fixed of 3 bytes"),
        (DATE, '"2020-02-30"', '"2020-02-30"', "date (text)"),
        (DATE, '"0000-01-01"', '"0000-01-01"', "date (text)"),
        (DATE, '"2020-05-25T00:00:00Z"', '"2020-05-25T00:00:00Z"', "date (text)"),
        (DATE, "18407", "18407", "date (text)"),
        (DAYS, '"20200525"', '"20200525"', "date"),
        (TIME, "86400000", "86400000", "time-millis"),
        (TIME, "-1", "-1", "time-millis"),
        (TIME, '"24:00"', '"24:00"', "time-millis"),
        (TIME, '"12:30:15.2505"', '"12:30:15.2505"', "time-millis"),
        (MILLIS, "1.5", "1.5", "timestamp-millis"),
        (MILLIS, '"2020-05-25"', '"2020-05-25"', "timestamp-millis"),
        (MILLIS, '"2020-05-25T10:60Z"', '"2020-05-25T10:60Z"', "timestamp-millis"),
        (MILLIS, '"2020-05-25T10:00+24:00"', '"2020-05-25T10:00+24:00"', "timestamp-millis"),
        (MILLIS, '"2020-05-25T10:00:00.0001Z"', '"2020-05-25T10:00:00.0001Z"', "timestamp-millis"),
        (NANOS, '"1600-01-01T00:00Z"', '"1600-01-01T00:00Z"', "timestamp-nanos"),
        (LOCAL, '"2020-05-25T10:00:00Z"', '"2020-05-25T10:00:00Z"', "local-timestamp-millis"),
        (LOCAL, '"2020-05-25T10:00:00+00"', '"2020-05-25T10:00:00+00"', "local-timestamp-millis"),
        (MONEY, "1.555", "1.555", "decimal(5, 2)"),
        (MONEY, "1000", "1000", "decimal(5, 2)"),
        (MONEY, "1e3", "1e3", "decimal(5, 2)"),
        (MONEY, '"NaN"', '"NaN"', "decimal(5, 2)"),
        (MONEY, '""', '""', "decimal(5, 2)"),
        (UUID, '"8a6b1a862d2c4a2d9b2d8d1f8f8a1b2c"', '"8a6b1a862d2c4a2d9b2d8d1f8f8a1b2c"', "uuid"),
        (COLOUR, '"MAUVE"', '"MAUVE"', "enum of RED, GREEN"),
        (COLOUR, "0", "0", "enum of RED, GREEN"),
        ({"type": "array", "items": "long"}, "5", "5", "array of long"),
        ({"type": "map", "values": "long"}, "[]", "[]", "map of long"),
        ({"type": "map", "values": "long"}, '{"\\ud800":1}', '{"\\ud800":1}', "map of long"),
        ({"type": "record", "name": "p", "fields": [{"name": "a", "type": "long"}]}, "[]", "[]", "record of a"),
        ("null", "0", "0", "null"),
        (["long", "string"], "NaN", "NaN", "long or string"),
        (["long", "string"], "[Infinity]", "a value with no JSON text", "long or string"),
    ],
)
def test_what_is_refused(avro: Any, text: str, found: str, expected: str) -> None:
    for exactly in (False, True):
        with pytest.raises(DataError) as caught:
            read(avro, text, exactly=exactly)
        error = caught.value
        assert (error.row, error.field, error.value, error.expected) == (0, "c", found, expected)
        assert str(error) == (
            f"row 0, field 'c': item 17: found {found}; expected {expected}; "
            "name the other columns in columns= to load them without this one"
        )


def parts(**types: Any) -> dict[str, Any]:
    return {"type": "record", "name": "p", "fields": [{"name": name, "type": each} for name, each in types.items()]}


@pytest.mark.parametrize(
    ("avro", "text", "path"),
    [
        (parts(port="int", host="string"), '{"host":"h","port":"x"}', "c.port"),
        (parts(tags={"type": "array", "items": "int"}), '{"tags":[1,2,2.5]}', "c.tags[2]"),
        ({"type": "array", "items": parts(a={"type": "map", "values": "int"})},
         '[{"a":{}},{"a":{"k":[]}}]', "c[1].a.k"),
        (["null", {"type": "array", "items": "int"}], "[null]", "c[0]"),
        ({"type": "map", "values": "int"}, '{"k":null}', "c.k"),
    ],
)  # fmt: skip
def test_the_path_leads_to_the_part(avro: Any, text: str, path: str) -> None:
    for exactly in (False, True):
        with pytest.raises(DataError) as caught:
            read(avro, text, exactly=exactly)
        assert caught.value.field == path


def test_a_recursive_record_is_json_text() -> None:
    tree = {
        "type": "record",
        "name": "T",
        "fields": [{"name": "n", "type": "long"}, {"name": "next", "type": ["null", "T"]}],
    }
    assert read(tree, '{"n":12345678901234567890,"next":{"n":1.50,"next":null}}') == (
        '{"n":12345678901234567890,"next":{"n":1.50,"next":null}}'
    )


def test_the_decimal_context_of_the_caller_does_not_matter() -> None:
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact])):
        assert read(logical("bytes", "decimal", precision=40, scale=10), '"1234567890.0123456789"', exactly=True) == (
            Decimal("1234567890.0123456789")
        )


@pytest.mark.parametrize("depth", [100, 480, 520, 900, 990, 1010, 100_000])
def test_deep_json_is_read_or_refused(depth: int) -> None:
    text = "[" * depth + "]" * depth
    try:
        assert read(["long", "string"], text) == text
    except DataError:
        assert depth > 300
