"""The same values, however Arrow lays them out."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.mapping.layouts import plain_layout

TEXTS = [["a", None], None, [], ["b"]]


@pytest.mark.parametrize(
    ("values", "plain"),
    [
        (pa.array(["a", None], pa.string_view()), pa.string()),
        (pa.array([b"a", None], pa.binary_view()), pa.binary()),
        (pa.array(["a", None]).dictionary_encode(), pa.string()),
        (pa.array(TEXTS, pa.list_(pa.string_view())), pa.list_(pa.string())),
        (pa.array(TEXTS, pa.large_list(pa.string_view())), pa.large_list(pa.string())),
        (pa.array([["a", "b"], None], pa.list_(pa.string_view(), 2)), pa.list_(pa.string(), 2)),
        (pa.array([{"a": "x"}, None], pa.struct({"a": pa.string_view()})), pa.struct({"a": pa.string()})),
        (pa.array([[("k", "x")], None], pa.map_(pa.string(), pa.string_view())), pa.map_(pa.string(), pa.string())),
        (pa.array(TEXTS, pa.list_view(pa.string_view())), pa.large_list(pa.string())),
        (pc.run_end_encode(pa.array([1, 1, None])), pa.int64()),
        (pa.DictionaryArray.from_arrays(pa.array([0, None, 0]), pa.array(["a"], pa.string_view())), pa.string()),
    ],
)
def test_the_values_stay_and_the_layout_is_plain(values: pa.Array, plain: pa.DataType) -> None:
    for each in (values, values.slice(1)):
        made = plain_layout(each)
        made.validate(full=True)
        assert made.type == plain
        assert made.to_pylist() == each.to_pylist()


@given(st.lists(st.none() | st.lists(st.none() | st.integers(0, 9), max_size=3), max_size=6), st.integers(0, 3))
def test_list_views_become_lists_that_are_valid(rows: list[Any], start: int) -> None:
    for kind in (pa.list_view(pa.int64()), pa.large_list_view(pa.int64())):
        made = plain_layout(pa.array(rows, kind).slice(start))
        made.validate(full=True)
        assert made.to_pylist() == rows[start:]


def test_what_is_plain_is_returned_as_it_is() -> None:
    values = pa.array([[1], None])
    assert plain_layout(values) is values
