"""Lists of items as rows: JSON's values, Python's own, and what is no item."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.codecs.rows.items import open_items
from intempt_nb.schema.checking.columns import convert


def rows_of(items: list[Any]) -> list[Any]:
    return [row for block in open_items(items).blocks() for row in block.batch.to_pylist()]


def test_items_are_rows_with_a_column_for_every_key() -> None:
    opened = open_items([{"a": 1}, {"b": {"c": [1, 2]}}])
    assert (opened.origin, opened.length, opened.text) == ("list of items", 2, False)
    assert rows_of([{"a": 1}, {"b": {"c": [1, 2]}}]) == [{"a": 1, "b": None}, {"a": None, "b": {"c": [1, 2]}}]
    assert open_items([]).schema.names == []


def test_pythons_own_values_keep_their_types() -> None:
    item = {
        "day": dt.date(2020, 1, 1),
        "time": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        "price": Decimal("1.50"),
        "key": UUID(int=1),
        "bytes": b"x",
        "tuple": (1, 2),
        "array": np.array([1, 2]),
        "number": np.int16(5),
        "flag": np.bool_(True),
        "stamp": pd.Timestamp("2020-01-01"),
    }
    inferred = inb.infer_schema([item])
    assert inferred.evidence.set_index("field")["type"].to_dict() == {
        "day": "date (text)",
        "time": "timestamp-millis",
        "price": "decimal(3, 2)",
        "key": "uuid",
        "bytes": "bytes",
        "tuple": "array of long",
        "tuple[]": "long",
        "array": "array of long",
        "array[]": "long",
        "number": "long",
        "flag": "boolean",
        "stamp": "timestamp-millis",
    }


MISSING = [
    None,
    float("nan"),
    np.float64("nan"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT"),
    np.timedelta64("NaT", "ns"),
    Decimal("NaN"),
    Decimal("sNaN"),
]


@pytest.mark.parametrize("missing", MISSING, ids=repr)
def test_what_pandas_calls_missing_is_null(missing: Any) -> None:
    assert rows_of([{"a": missing, "b": [missing]}, {"a": 1, "b": [2]}]) == [
        {"a": None, "b": [None]},
        {"a": 1, "b": [2]},
    ]


@pytest.mark.parametrize(
    ("items", "row", "field", "message"),
    [
        ([{"a": 1}, 5], 1, None, "found 5; expected an item: a dict"),
        ([{"a": 1}, {2: 1}], 1, None, "found the key 2; expected text"),
        ([{"a": {"b": 1}}, {"a": {3: 1}}], 1, "a", "found the key 3; expected text"),
        ([{"a": 1}, {"a": dt.date(2020, 1, 1)}], 1, "a", "date here, and whole numbers in row 0; make them one type"),
        ([{"a": {"b": object()}}], 0, "a.b", "object cannot be read"),
        ([{"a": dt.date(2020, 1, 1)}, {"a": b"x"}], 0, "a", "date cannot be read"),
        ([{"a": Decimal(1)}, {"a": Decimal("Infinity")}], 1, "a", "Decimal cannot be read"),
        ([{"a": []}, {"a": [1, 2]}, {"a": [3, {4: 1}]}], 2, "a[]", "found the key 4; expected text"),
    ],
)
def test_what_is_no_item_is_named_by_its_row(items: list[Any], row: int, field: str | None, message: str) -> None:
    with pytest.raises(inb.DataError) as caught:
        open_items(items)
    assert (caught.value.row, caught.value.field) == (row, field)
    assert message in caught.value.message


def test_items_that_cannot_be_held_are_a_clear_error() -> None:
    deep: Any = 1
    for _ in range(2_000):
        deep = {"a": deep}
    with pytest.raises(inb.DataError, match="nested too deeply"):
        open_items([deep])
    with pytest.raises(inb.DataError, match="half of a surrogate pair"):
        open_items([{"a": "\ud800"}])


def test_the_evidence_of_mixed_values_counts_them() -> None:
    inferred = inb.infer_schema([{"x": n, "y": str(n) if n else n} for n in range(50)] + [{"x": "A1", "y": 7}])
    assert inferred.evidence["type"].tolist() == ["string", "long"]
    assert inferred.evidence["reason"].tolist() == [
        "1 of 51 values is not a whole number: row 50 'A1'; the JSON has whole numbers and text here",
        "all 51 values are whole numbers between 0 and 49; the JSON has whole numbers and text here",
    ]


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
ITEMS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "n": st.one_of(st.integers(-9, 9), st.floats(-9, 9), st.none()),
            "big": st.integers(-(2**65), 2**65),
            "t": st.sampled_from(["2020-01-01", "2020-01-01T10:00Z", "NA", "x", ""]),
            "mix": st.one_of(st.integers(-9, 9), st.sampled_from(["5", "NA", "x", "007"]), st.booleans()),
            "deep": st.one_of(st.none(), st.dictionaries(st.sampled_from("ab"), JSON, max_size=2)),
            "list": st.lists(JSON, max_size=3),
        },
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize(
    ("value", "kind", "others"),
    [
        (pd.Timestamp("2020-01-01 00:00:00.123456789"), pa.timestamp("ns"), [dt.datetime(2020, 1, 1)]),
        (pd.Timestamp("2020-01-01 00:00:00.123456789Z"), pa.timestamp("ns", "UTC"), []),
        (np.datetime64("2020-01-01T00:00:00.123456789"), pa.timestamp("ns"), [pd.Timestamp("2020-01-01")]),
        (pd.Timedelta(5, "ns"), pa.duration("ns"), [dt.timedelta(1)]),
        (np.timedelta64(5, "ns"), pa.duration("ns"), []),
    ],
    ids=str,
)
def test_nanoseconds_are_kept(value: Any, kind: pa.DataType, others: list[Any]) -> None:
    opened = open_items([{"a": each} for each in (*others, value)])
    assert opened.schema.field("a").type == kind
    nanoseconds = {"123456789", "5"}
    column = next(iter(opened.blocks())).batch.column("a")
    assert str(column[-1].value)[-9:].lstrip("0") in nanoseconds


def test_a_time_out_of_the_reach_of_nanoseconds_beside_one_that_has_them_is_a_clear_error() -> None:
    with pytest.raises(inb.DataError, match="row 0, field 'a': datetime cannot be read"):
        open_items([{"a": dt.datetime(9000, 1, 1)}, {"a": pd.Timestamp("2020-01-01 00:00:00.123456789")}])


@pytest.mark.parametrize("unit", ["Y", "M", "D"])
def test_numpys_dates_are_dates(unit: Any) -> None:
    assert rows_of([{"a": np.datetime64("2020-01-01", unit)}]) == [{"a": dt.date(2020, 1, 1)}]


@given(ITEMS)
def test_every_item_can_be_read_as_the_schema_inferred_from_it(items: list[Any]) -> None:
    schema = inb.infer_schema(items).schema
    for block in open_items(items).blocks():
        for field, values in zip(schema.fields, block.batch.columns, strict=True):
            assert not convert(values, field.type, schema.named, field.name).refusals
