"""What JSON values look like, and the columns that hold them without loss."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.rows.shapes import MOST_KEYS, Shape, arrow_field, build, shape_of_values
from intempt_nb.codecs.wire.literals import loads
from intempt_nb.schema.inferring.leaves import MIXED_KEY

INFINITY = float("inf")


def column(*values: Any) -> pa.Array:
    """Return values as the column that their own shape asks for."""
    return build(values, arrow_field("x", shape_of_values(values)))


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, None], pa.int64(), None),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([2**63 - 1, -(2**63)], pa.int64(), None),
        ([2**63, 1], pa.string(), [str(2**63), "1"]),
        ([2**53, 0.5], pa.string(), [str(2**53), "0.5"]),
        ([2**53 - 1, 0.5], pa.float64(), [float(2**53 - 1), 0.5]),
        ([True, None], pa.bool_(), None),
        ([True, 1], pa.string(), ["true", "1"]),
        (["a", "é"], pa.string(), None),
        ([1.5, INFINITY, -INFINITY], pa.float64(), None),
        ([1, INFINITY, None], pa.float64(), None),
        (["a", INFINITY, [-INFINITY, 1]], pa.string(), ["a", "Infinity", '["-Infinity",1]']),
        (loads("[1.5, Infinity, -Infinity]"), pa.float64(), [1.5, INFINITY, -INFINITY]),
        (loads('[[NaN, 1], {"a": -Infinity}, NaN]'), pa.string(), ['["NaN",1]', '{"a":"-Infinity"}', "NaN"]),
        (loads("[1e999, 1.5]"), pa.string(), ["1e999", "1.5"]),
        (["12", 12, 1.5], pa.string(), ["12", "12", "1.5"]),
        ([None], pa.null(), None),
        ([[], None], pa.list_(pa.null()), None),
        ([[1], [2.5, None]], pa.list_(pa.float64()), [[1.0], [2.5, None]]),
        ([[1], 1], pa.string(), ["[1]", "1"]),
        ([{"a": 1}, "b"], pa.string(), ['{"a":1}', "b"]),
        ([{"a": 1}, {"b": "x"}, None], pa.struct([("a", pa.int64()), ("b", pa.string())]),
         [{"a": 1, "b": None}, {"a": None, "b": "x"}, None]),
        ([{}, None], pa.struct([]), None),
        ([[{"a": [1]}], [{"a": ["q"]}]], pa.list_(pa.struct([("a", pa.list_(pa.string()))])),
         [[{"a": ["1"]}], [{"a": ["q"]}]]),
    ],
    ids=str,
)  # fmt: skip
def test_a_column_holds_all_values(values: list[Any], kind: pa.DataType, read: Any) -> None:
    made = column(*values)
    assert made.type == kind
    assert made.to_pylist() == (values if read is None else read)


def test_numbers_of_more_digits_than_python_reads_are_text() -> None:
    values = loads(f"[{'9' * 5_000}, -{'9' * 5_000}, 1]")
    assert column(*values).to_pylist() == ["9" * 5_000, f"-{'9' * 5_000}", "1"]


def test_text_for_several_kinds_says_which_they_are() -> None:
    mixed = arrow_field("x", shape_of_values(["a", 1, {"b": 2}]))
    assert mixed.metadata == {MIXED_KEY: b"whole numbers and text and objects"}
    assert arrow_field("x", shape_of_values([2**70, 1])).metadata == {MIXED_KEY: b""}
    assert arrow_field("x", shape_of_values(["a"])).metadata is None


def test_objects_of_very_many_keys_become_text() -> None:
    wide = [{f"k{n}": n for n in range(MOST_KEYS + 1)}]
    assert column(*wide).to_pylist() == [json.dumps(wide[0], separators=(",", ":"))]


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8"), max_size=3),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=6,
)


def same(value: Any, read: Any) -> bool:
    """Return whether a value was read without loss: as itself, or as its JSON text; an absent key as null."""
    match value, read:
        case dict(), dict():
            return set(value) <= set(read) and all(same(value.get(key), each) for key, each in read.items())
        case list(), list():
            return len(value) == len(read) and all(map(same, value, read))
        case str(), _:
            return bool(value == read)
        case ((bool() | int() | float() | dict() | list()), str()):
            return bool(json.loads(read) == value)
        case _:
            return bool(value == read) and isinstance(value, bool) == isinstance(read, bool)


@given(st.lists(JSON, max_size=5))
def test_nothing_is_lost_of_any_values(values: list[Any]) -> None:
    assert all(map(same, values, column(*values).to_pylist()))


@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4))
def test_shapes_of_parts_add_up(one: list[Any], two: list[Any]) -> None:
    added, whole = shape_of_values(one) + shape_of_values(two), shape_of_values(one + two)
    assert added == whole
    assert whole + Shape() == Shape() + whole == whole


@given(st.lists(JSON, max_size=4))
def test_numbers_as_literals_make_the_same_column(values: list[Any]) -> None:
    text = json.dumps(values)
    literal, plain = loads(text), json.loads(text)
    assert arrow_field("x", shape_of_values(literal)).equals(arrow_field("x", shape_of_values(plain)))


def test_a_part_without_any_value_has_the_same_type() -> None:
    for values in ([{"a": 1}], [[{"a": 1}]], ["a", 1], [{}]):
        target = arrow_field("x", shape_of_values(values))
        assert build([], target).type == build([None], target).type == target.type
