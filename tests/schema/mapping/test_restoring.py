"""Columns between the types of Avro and the remembered ones: every value there and back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from intempt_nb.schema.mapping.arrow import arrow_type
from intempt_nb.schema.mapping.restoring import recast
from intempt_nb.schema.schema import Schema

LONG, TEXT = pa.field("a", pa.int64()), pa.field("b", pa.string(), False)


def union(kind: Any, codes: list[int], values: list[tuple[int, Any]], children: list[pa.Field]) -> pa.Array:
    """A union of values, each given with the number of its child."""
    target = kind(children, codes)
    types = pa.py_buffer(bytes(codes[child] for child, _ in values))
    if target.mode == "sparse":
        columns = [
            pa.array([value if child == index else None for child, value in values], each.type)
            for index, each in enumerate(children)
        ]
        return pa.Array.from_buffers(target, len(values), [None, types], children=columns)
    columns = [
        pa.array([value for child, value in values if child == index], each.type) for index, each in enumerate(children)
    ]
    places = [sum(child == before for before, _ in values[:row]) for row, (child, _) in enumerate(values)]
    buffers = [None, types, pa.array(places, pa.int32()).buffers()[1]]
    return pa.Array.from_buffers(target, len(values), buffers, children=columns)


MIXED = [(0, 1), (1, "x"), (0, None), (1, "y"), (0, 2**60)]
COLUMNS: list[pa.Array] = [
    pa.array([255, None], pa.uint8()),
    pa.array([2**64 - 1, None], pa.uint64()),
    pa.array([1.5, None], pa.float16()),
    pa.array(["é", None], pa.large_string()),
    pa.array(["é", None], pa.string_view()),
    pa.array([b"\x00", None], pa.binary_view()),
    pa.array([dt.date(2020, 5, 25), None], pa.date64()),
    pa.array([dt.time(1, 2, 3), None], pa.time64("ns")),
    pa.array([dt.time(1, 2, 3), None], pa.time32("s")),
    pa.array([5, None], pa.timestamp("us", "Europe/Berlin")),
    pa.array([5, None], pa.timestamp("s", "+02:00")),
    pa.array([-5, None], pa.duration("ns")),
    pa.array([Decimal("1.25"), None], pa.decimal32(5, 2)),
    pa.array([Decimal("0.0000025"), None], pa.decimal128(7, 7)).cast(pa.decimal128(3, 7)),
    pa.array(["a", None, "b"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())),
    pa.array([7, None, 7]).dictionary_encode(),
    pa.DictionaryArray.from_arrays(pa.array([0, None], pa.uint16()), pa.array(["a"], pa.large_string()), ordered=True),
    pa.RunEndEncodedArray.from_arrays(pa.array([2, 3]), pa.array([1.5, None])),
    pa.array([[1, None], None, [3, 4]], pa.list_(pa.int64(), 2)),
    pa.array([[1, None], None, []], pa.large_list(pa.int8())),
    pa.array([[1, None], None, []], pa.list_view(pa.int8())),
    pa.array([["a"], None, []], pa.large_list_view(pa.string_view())),
    pa.array([[(1, "a"), (2, None)], None, []], pa.map_(pa.int32(), pa.large_string())),
    pa.array([[("k", 1)], None, []], pa.map_(pa.large_string(), pa.uint8())),
    pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64(), keys_sorted=True)),
    pa.array([{"a b": 1, "c": [1]}, None], pa.struct([("a b", pa.int8()), ("c", pa.large_list(pa.uint16()))])),
    pa.array([{}, None], pa.struct([])),
    union(pa.dense_union, [5, 3], MIXED, [LONG, TEXT]),
    union(pa.sparse_union, [0, 1], MIXED, [LONG, TEXT]),
    union(
        pa.dense_union, [0, 1], MIXED[:2], [pa.field("x", pa.uint8(), False), pa.field("y", pa.large_string(), False)]
    ),
    union(
        pa.sparse_union, [2, 1], [(0, None), (1, "x")], [pa.field("n", pa.null()), pa.field("y", pa.string(), False)]
    ),
]


def plain_type(arrow: pa.DataType) -> pa.DataType:
    schema = Schema.from_arrow(pa.schema([pa.field("x", arrow)]))
    assert schema.to_arrow().field("x").type == arrow
    return arrow_type(schema["x"].type, schema.named)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type)[:60])
def test_values_are_the_same_there_and_back(column: pa.Array) -> None:
    column.validate(full=True)
    plain = plain_type(column.type)
    for part in (column, column[1:], column[:0]):
        there = recast(part, plain)
        there.validate(full=True)
        assert there.type == plain
        back = recast(there, column.type)
        back.validate(full=True)
        assert back.type.equals(column.type)
        assert str(back.to_pylist()) == str(part.to_pylist())


def test_null_has_a_branch_of_its_own_where_the_others_are_not_nullable() -> None:
    column = union(pa.dense_union, [5, 3], MIXED, [LONG, TEXT])
    plain = recast(column, plain_type(column.type))
    assert [plain.field(index).null_count for index in range(3)] == [1, 0, 0]
    assert plain.type_codes.to_pylist() == [1, 2, 0, 2, 1]


def test_an_enum_may_have_other_indices() -> None:
    enum = pa.array(["a", "b"]).dictionary_encode()
    small = recast(enum, pa.dictionary(pa.int8(), pa.large_string()))
    assert small.type == pa.dictionary(pa.int8(), pa.large_string())
    assert small.to_pylist() == ["a", "b"]


def test_hidden_elements_stay_hidden() -> None:
    lists = pa.ListArray.from_arrays([0, 2, 3], pa.array([1, 2, 3]), mask=pa.array([True, False]))
    assert recast(lists, pa.list_view(pa.int8())).to_pylist() == [None, [3]]
    maps = pa.MapArray.from_arrays(
        [0, 2, 3], pa.array(["a", "b", "c"]), pa.array([1, 2, 3]), mask=pa.array([True, False])
    )
    assert recast(maps, pa.map_(pa.large_string(), pa.int8())).to_pylist() == [None, [("c", 3)]]


@pytest.mark.parametrize(
    ("values", "target"),
    [
        (pa.array([300]), pa.uint8()),
        (pa.array([dt.time(1, 2, 3, 4)]), pa.time32("ms")),
        (pa.array([Decimal("1.25")]), pa.decimal32(3, 1)),
        (pa.array([[1]]), pa.list_(pa.int64(), 2)),
    ],
    ids=str,
)
def test_nothing_is_rounded_or_cut(values: pa.Array, target: pa.DataType) -> None:
    with pytest.raises(pa.ArrowInvalid):
        recast(values, target)


def test_types_of_nothing_in_common_are_an_error() -> None:
    column = union(pa.dense_union, [0, 1], MIXED[:2], [LONG, TEXT])
    with pytest.raises(pa.ArrowNotImplementedError, match="no cast"):
        recast(column, pa.dense_union([LONG] * 4))
    with pytest.raises(pa.ArrowNotImplementedError):
        recast(pa.array([1]), pa.list_(pa.int64()))
