from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import Unreadable, frame_columns, from_frame, to_frame


def test_what_pandas_calls_missing_is_null_and_nothing_else_is() -> None:
    frame = pd.DataFrame(
        {
            "plain": [1.5, np.nan],
            "when": pd.to_datetime(["2020-01-01", None]),
            "masked": pd.array([1, None], "Int64"),
            "text": ["", None],
            "arrow": pd.array([1.5, None], pd.ArrowDtype(pa.float64())),
        }
    )
    table = from_frame(frame)
    assert [column.null_count for column in table.columns] == [1, 1, 1, 1, 1]
    assert table["text"].to_pylist() == ["", None]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (pd.Timestamp("2020-01-01 00:00:00.123456789"), pa.timestamp("ns")),
        (pd.Timestamp("2020-01-01 00:00:00.123456789Z"), pa.timestamp("ns", "UTC")),
        (pd.Timedelta(5, "ns"), pa.duration("ns")),
        (pd.Timestamp("2020-01-01 00:00:00.123456"), pa.timestamp("us")),
        (pd.Timedelta(5, "us"), pa.duration("us")),
    ],
    ids=str,
)
def test_times_in_a_column_of_objects_keep_their_nanoseconds(value: Any, kind: pa.DataType) -> None:
    table = from_frame(pd.DataFrame({"a": pd.Series([None, value], dtype=object)}))
    assert table["a"].type == kind
    assert table["a"].to_pylist() == [None, value]
    nested = from_frame(pd.DataFrame({"a": [None, [{"b": value, "c": 1}, None]], "d": [(value,), ()]}))
    assert nested["a"].type == pa.list_(pa.struct([("b", kind), ("c", pa.int64())]))
    assert nested["a"].to_pylist() == [None, [{"b": value, "c": 1}, None]]
    assert nested["d"].to_pylist() == [[value], []]


def test_a_nan_inside_an_object_is_a_gap_and_infinity_is_not() -> None:
    nan, infinity = float("nan"), float("inf")
    frame = pd.DataFrame({"l": [[1.0, nan], np.array([nan, infinity])], "d": [{"x": nan}, {"x": infinity}]})
    assert from_frame(frame).to_pylist() == [
        {"l": [1.0, None], "d": {"x": None}},
        {"l": [None, infinity], "d": {"x": infinity}},
    ]


def test_an_arrow_backed_nan_is_kept_apart_from_a_gap() -> None:
    series = pd.Series(pd.arrays.ArrowExtensionArray(pa.array([float("nan"), None, 1.0])))
    column = from_frame(pd.DataFrame({"a": series}))["a"]
    assert column.null_count == 1
    assert np.isnan(column.to_pylist()[0])


def test_the_frame_is_not_changed() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    before = frame.copy(deep=True)
    assert from_frame(frame).column_names == ["key", "a"]
    pd.testing.assert_frame_equal(frame, before)


def test_an_index_without_a_name_is_left_out() -> None:
    assert from_frame(pd.DataFrame({"a": [1]}, index=[7])).column_names == ["a"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1, "x"]}), r"row 1, field 'a': the column holds int and, here, str 'x'"),
        (pd.DataFrame({"a": [None, "x", 3.5]}), r"row 2, field 'a': the column holds str and, here, float"),
        (pd.DataFrame({0: [1]}), r"column label 0 is not text"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"field 'a': the frame has column 'a' more than once"),
        (pd.DataFrame({"a": [1]}, index=pd.Index([2], name="a")), r"'a' names both a column and an index level"),
        (pd.DataFrame({"a": pd.Series(["\ud800"], dtype=object)}), r"field 'a': .* half of a surrogate pair"),
        (pd.DataFrame({"a": [1 + 2j]}), r"field 'a': the column cannot be read"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), r"field 'a': the column is sparse"),
    ],
)
def test_a_column_that_cannot_be_read_is_an_error_that_names_it(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_frame(frame)


@pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable", None])
def test_frames_come_back(backend: Any) -> None:
    table = pa.table({"n": [1, 2], "d": [dt.date(2020, 1, 1), None], "s": ["x", None], "b": [True, False]})
    frame = to_frame(table, backend)
    assert from_frame(frame)["n"].to_pylist() == [1, 2]
    assert frame["s"].isna().tolist() == [False, True]
    if backend == "pyarrow":
        assert [dtype.pyarrow_dtype for dtype in frame.dtypes] == [column.type for column in table.columns]


@pytest.mark.parametrize(
    ("values", "row", "message"),
    [
        ([None, 1, 2.5, "x"], 3, "holds int and, here, str 'x'"),
        ([dt.date(2020, 1, 1), None, dt.datetime(2020, 1, 1, 5)], 2, "holds date and, here, datetime"),
        ([None, "a", b"b"], 2, "holds str and, here, bytes"),
        ([[1], [2], ["x"]], 2, "cannot be read: Could not convert 'x'"),
        ([{"a": 1}, {"a": "x"}], 1, "cannot be read: Could not convert 'x'"),
        ([1, 2**70], 1, "cannot be read: Python int too large"),
    ],
)
def test_the_first_value_that_does_not_go_with_the_others_is_named(values: Any, row: int, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        from_frame(pd.DataFrame({"a": pd.Series(values, dtype=object)}))
    assert caught.value.row == row


def test_each_column_that_cannot_be_read_is_told_beside_the_others() -> None:
    frame = pd.DataFrame({"bad": [1, "x"], "good": [1, 2], "worse": [1 + 2j, 0j]}, index=pd.Index([1, 2], name="key"))
    columns = list(frame_columns(frame))
    assert [name for name, _ in columns] == ["key", "bad", "good", "worse"]
    assert [isinstance(column, Unreadable) for _, column in columns] == [False, True, False, True]
