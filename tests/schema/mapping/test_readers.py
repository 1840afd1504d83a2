"""Rows of any kind become batches without views; what is none, or has two columns of one name, is refused."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.readers import reader_of

TEXT, RAW = pa.string_view(), pa.binary_view()
VIEWS: dict[str, tuple[pa.DataType, Any, pa.DataType]] = {
    "text": (TEXT, "a", pa.large_string()),
    "raw": (RAW, b"a", pa.large_binary()),
    "list": (pa.list_(TEXT), ["a"], pa.list_(pa.large_string())),
    "large": (pa.large_list(RAW), [b"a"], pa.large_list(pa.large_binary())),
    "pair": (pa.list_(TEXT, 2), ["a", "b"], pa.list_(pa.large_string(), 2)),
    "record": (
        pa.struct([pa.field("x", TEXT, False)]),
        {"x": "a"},
        pa.struct([pa.field("x", pa.large_string(), False)]),
    ),
    "map": (pa.map_(TEXT, pa.list_(RAW)), [("k", [b"a"])], pa.map_(pa.large_string(), pa.list_(pa.large_binary()))),
    "plain": (pa.string(), "a", pa.string()),
}


def test_views_are_large_wherever_they_are() -> None:
    table = pa.table({name: pa.array([value, None], kind) for name, (kind, value, _) in VIEWS.items()})
    words = pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int8()), pa.array(["a"], TEXT))
    table = table.append_column("words", words).replace_schema_metadata({"a": "b"})
    found = reader_of(table.to_reader(max_chunksize=1)).read_all()
    assert {name: found.schema.field(name).type for name in VIEWS} == {name: kind for name, (*_, kind) in VIEWS.items()}
    assert found.schema.field("words").type == pa.dictionary(pa.int8(), pa.large_string())
    assert found.to_pylist() == table.to_pylist()
    assert found.schema.metadata == {b"a": b"b"}


@pytest.mark.parametrize("wrap", [pd.DataFrame, pl.DataFrame, pa.table, lambda rows: pa.table(rows).to_batches()[0]])
def test_columns_are_chosen_once_each(wrap: Any) -> None:
    rows = wrap({"a": ["x", None], "b": [1, 2]})
    assert reader_of(rows, ["b", "a", "b"]).read_all().to_pylist() == [{"b": 1, "a": "x"}, {"b": 2, "a": None}]
    with pytest.raises(DataError, match="there is no column 'bb'; did you mean 'b'"):
        reader_of(rows, ["bb"])


def test_the_index_of_a_frame_is_a_column_if_all_are_read() -> None:
    frame = pd.DataFrame({"a": [1]}, index=pd.Index([7], name="at"))
    assert reader_of(frame).schema.names == ["at", "a"]
    assert reader_of(frame, ["a"]).schema.names == ["a"]


TWICE = pa.table([[1], [2], [3]], names=["a", "a", "b"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.Series([1]), r"from a Series; make it a table: series\.to_frame\('name'\)"),
        (pl.Series([1]), r"from a Series; make it a table: series\.to_frame\('name'\)"),
        (pa.chunked_array([[1]]), "from ChunkedArray; expected a scan, a DataFrame, or Arrow data$"),
        (TWICE, "there is more than one column 'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a' more than once"),
    ],
)
def test_what_are_no_rows_is_said(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        reader_of(data)
    assert reader_of(TWICE, ["b"]).read_all().to_pylist() == [{"b": 3}]
