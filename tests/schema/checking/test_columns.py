"""Typed columns → a schema's types: exact or refused, at any depth."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.errors import DataError
from intempt_nb.schema.checking.columns import convert
from intempt_nb.schema.mapping.arrow import WIRE, arrow_type
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from intempt_nb.schema.checking.refusals import Converted

NULLABLE_LONG = ["null", "long"]


def run(values: Any, avro: Any) -> Converted:
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "column", "type": avro}]})
    array = values if isinstance(values, pa.Array) else pa.array(values)
    converted = convert(array, schema["column"].type, schema.named, "column")
    assert converted.values.type == arrow_type(schema["column"].type, schema.named, WIRE)
    assert len(converted.values) == len(array)
    return converted


def refused(converted: Converted) -> list[tuple[str, list[int], str]]:
    return [(each.path, each.positions.to_pylist(), each.reason) for each in converted.refusals]


def decimal_type(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-millis"}
DATE = {"type": "string", "logicalType": "date"}
CLOCK = {"type": "int", "logicalType": "time-millis"}


@pytest.mark.parametrize(
    ("values", "avro", "expected", "reasons"),
    [
        ([1.0, 2.5, None, 1e19], NULLABLE_LONG, [1, None, None, None],
         [("", [1], "not a whole number"), ("", [3], "too large for int64")]),
        (pa.array([1.0, float("nan")]), NULLABLE_LONG, [1, None], [("", [1], "not a whole number")]),
        (pa.array([2**64 - 1, 5], pa.uint64()), "long", [None, 5], [("", [0], "too large for int64")]),
        ([2**31, 5], "int", [None, 5], [("", [0], "too large for int32")]),
        ([2**53 + 1, -(2**53), 1], "double", [None, -float(2**53), 1.0],
         [("", [0], "has more digits than a double holds")]),
        ([1.5, float("inf"), float("nan")], "double", [1.5, None, None],
         [("", [1, 2], "not a finite number, and JSON has no word for it")]),
        ([2**24 + 1, 2**24], "float", [None, 2.0**24], [("", [0], "has more digits than a float holds")]),
        ([1e300, 0.5], "float", [None, 0.5], [("", [0], "too large for a float")]),
        ([decimal.Decimal("1.50"), decimal.Decimal("1.555")], decimal_type(5, 2), [decimal.Decimal("1.50"), None],
         [("", [1], "does not fit decimal128(5, 2)")]),
        ([7], decimal_type(5, 2), [decimal.Decimal("7.00")], []),
        ([decimal.Decimal("2.0"), decimal.Decimal("2.5")], "long", [2, None],
         [("", [1], "not a whole number that int64 holds")]),
        (pa.array([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, 5)]), DATE, [dt.date(2020, 1, 1), None],
         [("", [1], "has a time of day, and the type is a date")]),
        (pa.array([1, 2_500], pa.timestamp("us", "UTC")), MILLIS, [None, None],
         [("", [0, 1], "finer than ms, or out of its range")]),
        (pa.array([dt.date(2020, 1, 1)]), MILLIS, [dt.datetime(2020, 1, 1, tzinfo=dt.UTC)], []),
        (pa.array([1590364800000]), MILLIS, [dt.datetime(2020, 5, 25, tzinfo=dt.UTC)], []),
        (pa.array(["A", "C", "A"]).dictionary_encode(), {"type": "enum", "name": "E", "symbols": ["A", "B"]},
         ["A", None, "A"], [("", [1], "not a symbol of the enum")]),
        ([b"ab", b"c"], {"type": "fixed", "name": "F", "size": 2}, [b"ab", None], [("", [1], "not 2 bytes")]),
        ([None, 1], "long", [None, 1], [("", [0], "no value for a required field")]),
        (pa.nulls(2), "string", [None, None], [("", [0, 1], "no value for a required field")]),
        (pa.nulls(2), ["null", "string"], [None, None], []),
        (pa.array([dt.date(2020, 1, 1), dt.date(2300, 1, 1)]), {"type": "long", "logicalType": "local-timestamp-nanos"},
         [pd.Timestamp("2020-01-01"), None], [("", [1], "finer than ns, or out of its range")]),
        (pa.array([dt.time(10, 0, 0, 1000), dt.time(10, 0, 0, 1), None]), ["null", CLOCK],
         [dt.time(10, 0, 0, 1000), None, None], [("", [1], "finer than ms")]),
        (pa.array([36_000], pa.time32("s")), CLOCK, [dt.time(10)], []),
        (pa.array([uuid.UUID(int=5), None]), ["null", {"type": "string", "logicalType": "uuid"}],
         [str(uuid.UUID(int=5)), None], []),
        (pa.array([uuid.UUID(int=5).bytes, b"x"]), {"type": "string", "logicalType": "uuid"},
         [str(uuid.UUID(int=5)), None], [("", [1], "not 16 bytes")]),
    ],
)  # fmt: skip
def test_what_a_value_becomes(values: Any, avro: Any, expected: list[Any], reasons: list[Any]) -> None:
    converted = run(values, avro)
    assert converted.values.to_pylist() == expected
    assert refused(converted) == reasons


def test_a_zone_is_never_shifted() -> None:
    paris = pa.array([dt.datetime(2020, 7, 1, 12, tzinfo=dt.UTC)], pa.timestamp("us", "Europe/Paris"))
    assert run(paris, MILLIS).values.to_pylist() == [dt.datetime(2020, 7, 1, 12, tzinfo=dt.UTC)]
    naive = pa.array([dt.datetime(2020, 7, 1, 12)])
    assert run(naive, MILLIS).values.to_pylist() == [dt.datetime(2020, 7, 1, 12, tzinfo=dt.UTC)]
    assert run(naive, LOCAL).values.to_pylist() == [dt.datetime(2020, 7, 1, 12)]


@pytest.mark.parametrize(
    ("values", "avro", "advice"),
    [
        ([True], "long", "holds bool; expected long"),
        ([5], "string", r"holds int64; expected string.*astype\('string'\)"),
        ([1.5], MILLIS, "holds double; expected timestamp-millis"),
        (pa.array([0], pa.timestamp("us", "UTC")), LOCAL, "expected local-timestamp-millis"),
        ([[1]], "long", "holds list"),
        ([1], {"type": "array", "items": "long"}, "expected array of long"),
        ([1], {"type": "map", "values": "long"}, "expected a map"),
    ],
)
def test_a_column_of_the_wrong_kind_is_an_error_that_names_it(values: Any, avro: Any, advice: str) -> None:
    with pytest.raises(DataError, match=advice) as caught:
        run(values, avro)
    assert caught.value.field == "column"


def test_nested_values_are_converted_and_refused_where_they_stand() -> None:
    inner = {"type": "record", "name": "inner", "fields": [{"name": "c", "type": DATE}]}
    avro = {
        "type": "record",
        "name": "outer",
        "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": ["null", {"type": "array", "items": inner}]}],
    }
    rows = [
        {"a": 1.0, "b": [{"c": "2020-01-01"}]},
        None,
        {"a": 1.5, "b": [{"c": "2020-01-01"}, {"c": "x"}]},
        {"a": None, "b": None},
    ]
    converted = run(rows, ["null", avro])
    assert converted.values.to_pylist()[:2] == [{"a": 1, "b": [{"c": dt.date(2020, 1, 1)}]}, None]
    assert refused(converted) == [
        (".a", [2], "not a whole number"),
        (".a", [3], "no value for a required field"),
        (".b[].c", [2], "not a date as YYYY-MM-DD"),
    ]
    assert converted.refusals[2].values is not None
    assert converted.refusals[2].values.to_pylist() == ["x"]


def test_maps_come_from_maps_and_from_dicts() -> None:
    avro = ["null", {"type": "map", "values": "long"}]
    assert run([{"a": 1}, None, {"b": 2}], avro).values.to_pylist() == [[("a", 1)], None, [("b", 2)]]
    typed = pa.array([[("a", 1.5)], None, [("k", 2.0)]], pa.map_(pa.string(), pa.float64()))
    converted = run(typed, avro)
    assert converted.values.to_pylist() == [[("a", None)], None, [("k", 2)]]
    assert refused(converted) == [("{}", [0], "not a whole number")]


@pytest.mark.parametrize(
    ("kind", "values", "avro", "path"),
    [
        (pa.string_view(), ["1", "x"], "long", ""),
        (pa.binary_view(), [b"ab", b"x"], {"type": "fixed", "name": "F", "size": 2}, ""),
        (pa.list_view(pa.int64()), [[1], [2**40]], {"type": "array", "items": "int"}, "[]"),
        (pa.large_list_view(pa.string_view()), [["1"], ["x"]], {"type": "array", "items": "int"}, "[]"),
        (pa.struct({"a": pa.string_view()}), [{"a": "1"}, {"a": "x"}],
         {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}, ".a"),
        (pa.map_(pa.string_view(), pa.string_view()), [[("k", "1")], [("k", "x")]],
         {"type": "map", "values": "int"}, "{}"),
        (pa.dictionary(pa.int8(), pa.string()), ["1", "x"], "long", ""),
    ],
)  # fmt: skip
def test_views_are_values_like_any_others(kind: pa.DataType, values: list[Any], avro: Any, path: str) -> None:
    converted = run(pa.array(values, kind), avro)
    assert [(where, rows) for where, rows, _ in refused(converted)] == [(path, [1])]
    assert converted.refusals[0].values is not None


def test_a_dictionary_is_converted_once_and_its_cells_are_refused_where_they_stand() -> None:
    cells = pa.array(["1", "x", None, "x", "2", "x"]).dictionary_encode()
    converted = run(cells.slice(1), NULLABLE_LONG)
    assert converted.values.to_pylist() == [None, None, None, 2, None]
    assert refused(converted) == [("", [0, 2, 4], "not a whole number")]
    assert converted.refusals[0].values is not None
    assert converted.refusals[0].values.to_pylist() == ["x", "x", "x"]
    texts = run(pa.array(["1", "[true]", "1", "1"]).dictionary_encode(), ["long", {"type": "array", "items": "long"}])
    assert refused(texts) == [("", [1], "a boolean where long is expected")]
    assert texts.refusals[0].located("u").to_pylist() == ["u[0]"]


def test_run_ends_are_decoded() -> None:
    converted = run(pc.run_end_encode(pa.array([1.0, 1.0, 1.5])), "long")
    assert refused(converted) == [("", [2], "not a whole number")]


def test_a_value_without_json_is_refused_where_json_text_is_meant() -> None:
    avro = ["null", "long", {"type": "array", "items": MILLIS}]
    converted = run(pa.array([[dt.datetime(2020, 1, 1)], None]), avro)
    assert refused(converted)[0][1] == [0]
    assert "not JSON serializable; give the column as JSON text" in refused(converted)[0][2]


def test_a_key_that_stands_twice_in_a_map_is_refused() -> None:
    twice = pa.array([[("a", 1), ("b", 2)], [("a", 1), ("a", 2)], None], pa.map_(pa.string(), pa.int64()))
    assert refused(run(twice, ["null", {"type": "map", "values": "long"}])) == [
        ("{}", [1], "a key stands twice in the map")
    ]


def test_records_without_fields_keep_their_rows() -> None:
    empty = {"type": "record", "name": "empty", "fields": []}
    assert run([{}, None], ["null", empty]).values.to_pylist() == [{}, None]


def test_slices_are_converted_as_what_they_show() -> None:
    lists = pa.array([[1], [2, 3], [4]])[1:]
    assert run(lists, {"type": "array", "items": "long"}).values.to_pylist() == [[2, 3], [4]]
    structs = pa.array([{"a": 1}, {"a": 2}])[1:]
    record = {"type": "record", "name": "s", "fields": [{"name": "a", "type": "long"}]}
    assert run(structs, record).values.to_pylist() == [{"a": 2}]
    maps = pa.array([[("a", 1)], [("b", 2)]], pa.map_(pa.string(), pa.int64()))[1:]
    assert run(maps, {"type": "map", "values": "long"}).values.to_pylist() == [[("b", 2)]]


def test_a_union_of_several_types_is_json_text() -> None:
    avro = ["null", "long", "string"]
    assert run([1, None], avro).values.to_pylist() == ["1", None]
    converted = run(['"x"', "7", "oops"], avro)
    assert converted.values.to_pylist() == ['"x"', "7", None]
    assert refused(converted) == [("", [2], "not JSON text")]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))))
def test_longs_pass_unchanged_whatever_integer_type_holds_them(numbers: list[int | None]) -> None:
    for source in (pa.int64(), pa.decimal128(20, 0)):
        converted = run(pa.array(numbers, pa.int64()).cast(source), NULLABLE_LONG)
        assert converted.values.to_pylist() == numbers
        assert converted.refusals == ()


@given(st.lists(st.floats(width=64)))
def test_floats_to_long_are_exact_or_refused(numbers: list[float]) -> None:
    converted = run(pa.array(np.array(numbers, "float64")), NULLABLE_LONG)
    bad = {place for each in converted.refusals for place in each.positions.to_pylist()}
    for place, (number, value) in enumerate(zip(numbers, converted.values.to_pylist(), strict=True)):
        exact = number.is_integer() and -(2.0**63) <= number < 2.0**63 if np.isfinite(number) else False
        assert value == (int(number) if exact else None)
        assert (place in bad) == (not exact)


def elapsed(unit: str) -> Schema:
    avro = {"type": "long", "logicalType": f"arrow.duration-{unit}"}
    return Schema.parse({"type": "record", "name": "r", "fields": [{"name": "a", "type": avro}]})


def test_a_length_of_time_is_counted_in_the_unit_of_the_schema() -> None:
    values = pa.array([1_000, 2_500], pa.duration("ms"))
    for unit, counts in [("millis", [1_000, 2_500]), ("micros", [1_000_000, 2_500_000])]:
        field = elapsed(unit).fields[0]
        assert convert(values, field.type, {}, "a").values.to_pylist() == counts
    converted = convert(values, elapsed("seconds").fields[0].type, {}, "a")
    assert converted.values.to_pylist() == [1, None]
    assert [refusal.reason for refusal in converted.refusals] == ["finer than s, or out of its range"]


def test_a_length_of_time_is_no_number_where_the_schema_names_no_unit() -> None:
    (plain_long,) = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}]}).fields
    with pytest.raises(DataError, match=r"the column holds duration\[ms\]; expected long"):
        convert(pa.array([1], pa.duration("ms")), plain_long.type, {}, "a")


def test_durations_that_avro_does_not_have_are_refused() -> None:
    avro = {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}
    values = [(1, 2, 3_000_000), None, (1, 2, 3), (-1, 0, 0)]
    converted = run(pa.array(values, pa.month_day_nano_interval()), ["null", avro])
    assert converted.values.to_pylist() == [pa.MonthDayNano([1, 2, 3_000_000]), None, None, None]
    assert refused(converted) == [("", [2, 3], "negative, or finer than a millisecond")]
    inside = run(
        pa.array([[each] for each in values[2:]], pa.list_(pa.month_day_nano_interval())),
        {"type": "array", "items": avro},
    )
    assert refused(inside)[0][1] == [0, 1]


def test_whole_numbers_are_days_and_times_of_day() -> None:
    days = run(pa.array([0, 18_262, 2**40]), ["null", {"type": "int", "logicalType": "date"}])
    assert days.values.to_pylist() == [dt.date(1970, 1, 1), dt.date(2020, 1, 1), None]
    assert refused(days) == [("", [2], "too large for int32")]
    for avro, unit in ((CLOCK, 1_000), ({"type": "long", "logicalType": "time-micros"}, 1_000_000)):
        times = run(pa.array([0, 3_723 * unit, 86_400 * unit, -1]), ["null", avro])
        assert times.values.to_pylist() == [dt.time(0), dt.time(1, 2, 3), None, None]
        assert refused(times) == [("", [2, 3], "no such time of day")]
    with pytest.raises(DataError, match=r"the column holds int64; expected date \(text\)"):
        run(pa.array([0]), DATE)
