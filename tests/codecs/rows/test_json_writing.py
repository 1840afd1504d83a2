from __future__ import annotations

import datetime as dt
import io
import math
from decimal import Decimal

import pyarrow as pa
import pytest

from intempt_nb.codecs.rows.json_writing import as_cells, write_json_lines

INSTANT = dt.datetime(2020, 1, 2, 3, 4, 5, 600_000)


@pytest.mark.parametrize(
    ("value", "kind", "cell", "line"),
    [
        (2**53, pa.int64(), "9007199254740992", "9007199254740992"),
        (5.0, pa.float64(), "5", "5.0"),
        (0.1, pa.float32(), "0.10000000149011612", "0.10000000149011612"),
        (True, pa.bool_(), "true", "true"),
        ("=é", pa.string_view(), "=é", '"=é"'),
        (dt.date(2020, 1, 2), pa.date64(), "2020-01-02", '"2020-01-02"'),
        (dt.time(1, 2, 3), pa.time32("s"), "01:02:03", '"01:02:03"'),
        (INSTANT, pa.timestamp("ms"), "2020-01-02 03:04:05.600", '"2020-01-02 03:04:05.600"'),
        (INSTANT, pa.timestamp("ms", "Asia/Tokyo"), "2020-01-02 03:04:05.600Z", '"2020-01-02 03:04:05.600Z"'),
        (Decimal("0.0000001"), pa.decimal128(9, 7), "0.0000001", '"0.0000001"'),
        (b"\xff\0", pa.binary(2), "/wA=", '"/wA="'),
        (b"\1" * 16, pa.uuid(), "01010101-0101-0101-0101-010101010101", '"01010101-0101-0101-0101-010101010101"'),
        ("x", pa.dictionary(pa.int8(), pa.string()), "x", '"x"'),
        (None, pa.null(), None, "null"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_value_is_said_exactly(value: object, kind: pa.DataType, cell: str | None, line: str) -> None:
    column = pa.array([value, None], kind)
    assert as_cells(column, "x").to_pylist() == [cell, None]
    stream = io.BytesIO()
    write_json_lines(stream, pa.record_batch({"x": column}))
    assert stream.getvalue().decode().splitlines() == [f'{{"x":{line}}}', '{"x":null}']


def test_nested_values_keep_their_gaps_and_numbers_that_are_not_finite() -> None:
    kind = pa.list_(pa.struct([("a", pa.float64()), ("b", pa.struct([]))]))
    column = pa.array([[{"a": math.nan, "b": {}}, None], None, [{"a": -math.inf, "b": None}], []], kind)
    stream = io.BytesIO()
    write_json_lines(stream, pa.record_batch({"x": column.slice(1)}))
    write_json_lines(stream, pa.record_batch({"x": column.slice(0, 1)}))
    assert stream.getvalue().decode().splitlines() == [
        '{"x":null}',
        '{"x":[{"a":-Infinity,"b":null}]}',
        '{"x":[]}',
        '{"x":[{"a":NaN,"b":{}},null]}',
    ]
