"""Rows as JSON objects and the bodies made of them."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import random
import struct
import uuid
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from intempt_nb.codecs.wire.bodies import body, cut, encode_rows, join_rows
from intempt_nb.errors import DataError
from intempt_nb.schema.schema import Schema


def fields(**types: Any) -> Schema:
    listed = [{"name": name, "type": avro} for name, avro in types.items()]
    return Schema.parse({"type": "record", "name": "r", "fields": listed})


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


def lines(values: list[Any], avro: Any, **options: Any) -> list[str]:
    schema = fields(c=avro)
    array = values if isinstance(values, pa.Array) else pa.array(values, schema.to_arrow(unions="json").field("c").type)
    rows = encode_rows(pa.Table.from_arrays([array], schema=schema.to_arrow(unions="json")), schema, **options)
    return [bytes(rows.data[rows.offsets[i] : rows.offsets[i + 1] - 1]).decode() for i in range(len(rows))]


@pytest.mark.parametrize(
    ("avro", "value", "text"),
    [
        ("long", 2**63 - 1, "9223372036854775807"),
        ("boolean", True, "true"),
        ("float", 0.1, "0.1"),
        ("float", 16777216.0, "16777216.0"),
        ("double", 0.1, "0.1"),
        ("double", -0.0, "-0.0"),
        ("double", 5e-324, "5.0e-324"),
        ("string", 'a"\\/\x00\x1f\n\u2028😀', '"a\\"\\\\/\\u0000\\u001f\\n\u2028😀"'),
        ("bytes", b"\xfb\xff", '"+/8="'),
        ({"type": "fixed", "name": "F", "size": 3}, b"abc", '"YWJj"'),
        (logical("string", "date"), dt.date(33, 4, 3), '"0033-04-03"'),
        (logical("int", "date"), dt.date(2020, 5, 25), "18407"),
        (logical("int", "time-millis"), dt.time(0, 0, 1), "1000"),
        (logical("long", "time-micros"), dt.time(0, 0, 1), "1000000"),
        (logical("long", "timestamp-millis"), dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "1577836800000"),
        (logical("long", "timestamp-micros"), dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=dt.UTC), "-1000000"),
        (logical("long", "local-timestamp-nanos"), dt.datetime(1970, 1, 1, 1), "3600000000000"),
        (logical("bytes", "decimal", precision=12, scale=10), decimal.Decimal("1E-10"), '"0.0000000001"'),
        (logical("bytes", "decimal", precision=12, scale=10), decimal.Decimal(0), '"0.0000000000"'),
        (logical("bytes", "decimal", precision=40, scale=2), decimal.Decimal("-1.5"), '"-1.50"'),
        (logical("string", "uuid"), "whatever", '"whatever"'),
        ({"type": "array", "items": ["null", "long"]}, [1, None], "[1,null]"),
        ({"type": "map", "values": "long"}, [("b", 1), ("a", 2)], '{"b":1,"a":2}'),
        (["long", "string"], ' {"a": [1.10, "\\u00e9\\ud800"],\n"b":12345678901234567890} ',
         '{"a":[1.10,"é\\ud800"],"b":12345678901234567890}'),
        (["null", "string"], None, "null"),
    ],
)  # fmt: skip
def test_what_is_written(avro: Any, value: Any, text: str) -> None:
    assert lines([value], avro) == [f'{{"c":{text}}}']


def test_a_uuid_is_written_as_text() -> None:
    each = uuid.UUID("8a6b1a86-2d2c-4a2d-9b2d-8d1f8f8a1b2c")
    avro = {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}
    assert lines(pa.array([each.bytes], pa.uuid()), avro) == [f'{{"c":"{each}"}}']


def test_a_gap_in_the_dictionary_of_an_enum_is_null() -> None:
    symbols = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int32()), pa.array(["A", None]))
    avro: Any = ["null", {"type": "enum", "name": "E", "symbols": ["A", "B"]}]
    assert lines(symbols, avro) == ['{"c":"A"}', '{"c":null}', '{"c":null}']
    of = pa.map_(pa.string(), pa.field("value", symbols.type))
    maps = pa.MapArray.from_arrays(pa.array([0, 2, 3], pa.int32()), pa.array(["x", "y", "z"]), symbols, of)
    assert lines(maps, {"type": "map", "values": avro}, nulls="omit") == [
        '{"c":{"x":"A","y":null}}',
        '{"c":{"z":null}}',
    ]


def test_every_float_is_written_so_that_it_comes_back() -> None:
    bits = random.Random(5)
    singles = [struct.unpack("f", struct.pack("I", bits.getrandbits(32)))[0] for _ in range(3000)]
    singles = [each for each in singles if np.isfinite(each)]
    found = [np.float32(json.loads(line)["c"]) for line in lines(singles, "float")]
    assert found == [np.float32(each) for each in singles]
    doubles = [struct.unpack("d", struct.pack("Q", bits.getrandbits(64)))[0] for _ in range(3000)]
    doubles = [each for each in doubles if np.isfinite(each)]
    assert [json.loads(line)["c"] for line in lines(doubles, "double")] == doubles


def test_nulls_are_written_or_left_out() -> None:
    inner = {"type": "record", "name": "p", "fields": [{"name": "a", "type": ["null", "long"]}]}
    schema = fields(c=["null", inner], d={"type": "map", "values": ["null", "p"]}, e=["null", "long", "string"])
    values = {"c": [{"a": None}, None], "d": [[("k", None), ("l", {"a": None})], []], "e": [None, "1"]}
    table = pa.table(values, schema.to_arrow(unions="json"))
    found = encode_rows(table, schema)
    assert bytes(found.data) == (b'{"c":{"a":null},"d":{"k":null,"l":{"a":null}},"e":null},{"c":null,"d":{},"e":1},')
    omitted = encode_rows(table, schema, nulls="omit")
    assert bytes(omitted.data) == b'{"c":{},"d":{"k":null,"l":{}}},{"d":{},"e":1},'


def test_only_columns_that_are_there_are_written() -> None:
    schema = fields(a="long", b="string", c="double")
    table = pa.table({"c": [1.5], "a": [1]})
    assert bytes(encode_rows(table, schema).data) == b'{"c":1.5,"a":1},'
    for empty in (table.select([]), table.slice(1), schema.to_arrow(unions="json").empty_table()):
        rows = encode_rows(empty, schema)
        assert len(rows) == empty.num_rows
        assert json.loads(body("n", rows, 0, len(rows))) == {"n": [{}] * empty.num_rows}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"x": [1]}), "no field 'x'"),
        (pa.table({"a": pa.array([1], pa.int32())}), "Arrow type int32; the schema's is int64"),
        (pa.table([[1], [2]], names=["a", "a"]), "there twice"),
    ],
)
def test_columns_must_be_the_schemas(table: pa.Table, message: str) -> None:
    with pytest.raises(DataError, match=message):
        encode_rows(table, fields(a="long"))


NAN = float("nan")


@pytest.mark.parametrize(
    ("avro", "values", "rows"),
    [
        ("double", [1.0, NAN, 2.0, float("inf"), float("-inf")], "1, 3, 4"),
        ("float", [1.0, NAN], "1"),
        (["null", "double"], [None, NAN], "1"),
        ({"type": "array", "items": "double"}, [[1.0], [], [1.0, NAN]], "2"),
        ({"type": "map", "values": "double"}, [[("a", NAN)], []], "0"),
        ({"type": "record", "name": "p", "fields": [{"name": "x", "type": "double"}]}, [{"x": 1.0}, {"x": NAN}], "1"),
        ("double", [NAN] * 20, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and more"),
    ],
)
def test_nan_does_not_become_null(avro: Any, values: list[Any], rows: str) -> None:
    with pytest.raises(DataError, match="NaN and infinity have no form in JSON") as caught:
        lines(values, avro)
    assert caught.value.message.endswith(f"(rows {rows})")
    assert (caught.value.row, caught.value.field) == (int(rows.split(",")[0].split()[0]), "c")
    assert "nan" in str(caught.value.value)


def test_nan_becomes_null_only_where_the_type_has_null() -> None:
    inner: dict[str, Any] = {"type": "record", "name": "p", "fields": [{"name": "x", "type": ["null", "float"]}]}
    assert lines([NAN, 1.0, float("-inf")], ["null", "double"], nan="null") == ['{"c":null}', '{"c":1.0}', '{"c":null}']
    assert lines([{"x": NAN}], inner, nan="null", nulls="omit") == ['{"c":{}}']
    both = {"type": "record", "name": "p", "fields": [*inner["fields"], {"name": "y", "type": "double"}]}
    with pytest.raises(DataError, match=r"\(rows 1, 3\)"):
        lines(
            [{"x": NAN, "y": 1.0}, {"x": 1.0, "y": NAN}, {"x": NAN, "y": 1.0}, {"x": NAN, "y": NAN}], both, nan="null"
        )


def test_nan_under_a_null_is_no_value() -> None:
    hidden = pa.ListArray.from_arrays(
        pa.array([0, 1, 2], pa.int32()), pa.array([NAN, 1.0]), mask=pa.array([True, False])
    )
    assert lines(hidden.cast(pa.list_(pa.field("item", pa.float64(), nullable=False))),
                 ["null", {"type": "array", "items": "double"}]) == ['{"c":null}', '{"c":[1.0]}']  # fmt: skip


@pytest.mark.parametrize(
    ("avro", "value", "message"),
    [
        (["long", "string"], "{", "'{' is not JSON"),
        (["long", "string"], "[NaN]", "NaN is not JSON"),
        (["long", "string"], "[" * 100_000, "nested too deeply"),
        ({"type": "array", "items": ["long", "string"]}, ["1", "x"], "'x' is not JSON"),
        (logical("string", "date"), 2_932_897, "outside the years 1 to 9999"),
        (logical("string", "date"), -719_163, "outside the years 1 to 9999"),
    ],
)
def test_what_has_no_form_is_refused(avro: Any, value: Any, message: str) -> None:
    good = None if isinstance(value, str) else [] if isinstance(value, list) else 0
    union = ["null", *avro] if isinstance(avro, list) else avro
    with pytest.raises(DataError, match=message) as caught:
        lines([good, good, value], union)
    assert (caught.value.row, caught.value.field) == (2, "c")


def test_text_that_looks_like_a_marker_is_left_alone() -> None:
    schema = fields(a="string", b=["long", "string"])
    table = pa.table({"a": ["0" * 32 + ":0", '":0"'], "b": ['"x"', "[1]"]}, schema.to_arrow(unions="json"))
    assert bytes(encode_rows(table, schema).data) == (
        b'{"a":"00000000000000000000000000000000:0","b":"x"},{"a":"\\":0\\"","b":[1]},'
    )


def test_rows_of_any_length_are_told_apart() -> None:
    sizes = [0, 1 << 18, 3, (1 << 18) - 20, 1, 1 << 20, 0]
    texts = ["\n" * size if size < 5 else "x" * size for size in sizes]
    rows = encode_rows(pa.table({"t": texts}, fields(t="string").to_arrow()), fields(t="string"))
    assert len(rows) == len(sizes)
    assert [json.loads(join_rows("n", rows, [row])) for row in range(len(rows))] == [{"n": [{"t": t}]} for t in texts]


def test_bodies_are_slices() -> None:
    schema = fields(a="long")
    rows = encode_rows(pa.table({"a": list(range(12))}), schema)
    name = 'b"ü'
    assert body(name, rows, 2, 5) == '{"b\\"ü":[{"a":2},{"a":3},{"a":4}]}'.encode()
    assert body(name, rows, 3, 3) == '{"b\\"ü":[]}'.encode()
    for chosen in ([], [3], [0, 1, 2], [11], [5, 4], [0, 2, 3, 4, 9, 10, 1], list(range(12)), [1, 1]):
        found = json.loads(join_rows(name, rows, np.array(chosen)))
        assert found == {name: [{"a": each} for each in chosen]}


def test_a_row_over_the_limit_is_alone() -> None:
    sizes = np.array([10, 10, 99, 10, 10, 10])
    assert cut(sizes, max_bytes=32, max_rows=10) == [(0, 2), (2, 3), (3, 6)]
    assert cut(sizes, max_bytes=31, max_rows=10) == [(0, 2), (2, 3), (3, 5), (5, 6)]
    assert cut(sizes, max_bytes=33, max_rows=10, overhead=1) == [(0, 2), (2, 3), (3, 6)]
    assert cut(sizes, max_bytes=33, max_rows=10, overhead=2) == [(0, 2), (2, 3), (3, 5), (5, 6)]
    assert cut(sizes, max_bytes=50, max_rows=1) == [(row, row + 1) for row in range(6)]
    assert cut(sizes[:0], max_bytes=50, max_rows=1) == []
