"""Arrow types as JSON."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.mapping.arrow_text import arrow_from_json, arrow_to_json
from random_arrow import arrow_types


@given(arrow_types(extensions=False))
def test_every_type_comes_back_with_the_names_of_its_parts(arrow: pa.DataType) -> None:
    text = json.dumps(arrow_to_json(arrow))
    assert arrow_from_json(json.loads(text)).equals(arrow, check_metadata=True)


@pytest.mark.parametrize(
    ("arrow", "value"),
    [
        (pa.uint8(), "uint8"),
        (pa.uuid(), "extension<arrow.uuid>"),
        (pa.timestamp("s", "Europe/Berlin"), "timestamp[s, tz=Europe/Berlin]"),
        (
            pa.dictionary(pa.int8(), pa.string(), ordered=True),
            {"dictionary": "string", "indices": "int8", "ordered": True},
        ),
        (
            pa.large_list(pa.field("item", pa.int8(), False)),
            {"large_list": {"name": "item", "type": "int8", "nullable": False}},
        ),
        (pa.list_(pa.int8(), 2), {"fixed_size_list": {"name": "item", "type": "int8"}, "size": 2}),
        (
            pa.dense_union([pa.field("a", pa.int8())], [5]),
            {"dense_union": [{"name": "a", "type": "int8"}], "codes": [5]},
        ),
    ],
    ids=str,
)
def test_what_a_type_looks_like(arrow: pa.DataType, value: Any) -> None:
    assert arrow_to_json(arrow) == value
    assert arrow_from_json(value) == arrow


def test_a_type_without_text_is_an_error() -> None:
    for arrow in (pa.json_(), pa.list_(pa.bool8()), pa.timestamp("s", "no zone")):
        with pytest.raises(ValueError, match=r"no (text|Arrow type)"):
            arrow_to_json(arrow)


A: dict[str, Any] = {"name": "a", "type": "int8"}
WRONG: list[Any] = [
    None,
    5,
    "int9",
    "",
    [],
    {},
    {"tree": A},
    {"list": {}},
    {"list": A, "more": 1},
    {"struct": [1]},
    {"struct": "int8"},
    {"struct": [{"name": 1, "type": "int8"}]},
    {"map": [A, A]},
    {"map": [A]},
    {"fixed_size_list": A, "size": -1},
    {"fixed_size_list": A, "size": 2**40},
    {"dictionary": "int8", "indices": "string"},
    {"run_end_encoded": "int8", "run_ends": "int8"},
    {"dense_union": [A], "codes": []},
    {"dense_union": [A], "codes": [-1]},
    {"dense_union": [A], "codes": [128]},
    {"dense_union": [A, A], "codes": [1, 1]},
    {"sparse_union": [A], "codes": ["0"]},
    "decimal128(99, 3)",
    "decimal32(5)",
    "fixed_size_binary[9999999999]",
    "timestamp[s, tz=a\x00b]",
    "timestamp[s, tz=]",
]


@pytest.mark.parametrize("value", WRONG, ids=str)
def test_anything_else_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^(no|The|[0-9]+|type|precision|Map)"):
        arrow_from_json(value)


def test_endless_nesting_is_an_error() -> None:
    value: Any = "int8"
    for _ in range(100_000):
        value = {"list": {"name": "a", "type": value}}
    with pytest.raises(ValueError, match="recursion"):
        arrow_from_json(value)
    while isinstance(value, dict):  # taken apart level by level, as its own destructor would go too deep
        value = value.pop("list").pop("type")


JSON = st.recursive(
    st.none() | st.integers(-2, 300) | st.sampled_from(["int8", "string", "a", "timestamp[s]", "decimal32(5, 2)"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "list",
                    "struct",
                    "map",
                    "dense_union",
                    "codes",
                    "name",
                    "type",
                    "size",
                    "fixed_size_list",
                    "dictionary",
                    "indices",
                    "run_end_encoded",
                    "run_ends",
                    "nullable",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_hostile_json_is_a_type_or_an_error(value: Any) -> None:
    try:
        arrow = arrow_from_json(value)
    except ValueError:
        return
    assert arrow_from_json(arrow_to_json(arrow)).equals(arrow)
