"""Every problem of some data as a table, whichever way the data is given."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.errors import DataError
from intempt_nb.schema.checking.validation import validate
from intempt_nb.schema.schema import Schema

ADDRESS = {"type": "record", "name": "Address", "fields": [{"name": "zip", "type": "int"}]}
SCHEMA = Schema.parse(
    {
        "type": "record",
        "name": "Order",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "tags", "type": ["null", {"type": "array", "items": "int"}], "default": None},
            {"name": "scores", "type": ["null", {"type": "map", "values": ["null", ADDRESS]}], "default": None},
        ],
    }
)
NESTED = pa.schema(
    [
        ("id", pa.float64()),
        ("tags", pa.list_(pa.int64())),
        ("scores", pa.map_(pa.string(), pa.struct([("zip", pa.int64())]))),
    ]
)


def rows(found: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(found.astype(object).where(found.notna(), None).itertuples(index=False, name=None))


def test_a_table_gives_row_path_value_expected_and_reason() -> None:
    table = pa.table(
        {
            "id": [1.5, 2.0, None],
            "tags": [[1, 2], [1, 2, 2**40], None],
            "scores": [[("k", {"zip": 2**40})], [], [("a", {"zip": 1}), ("b", None)]],
        },
        NESTED,
    )
    found = validate(table, SCHEMA)
    assert found.columns.tolist() == ["row", "field", "value", "expected", "reason"]
    assert found["row"].dtype == "int64[pyarrow]"
    assert rows(found) == [
        (0, "id", "1.5", "long", "not a whole number"),
        (0, "scores{k}.zip", str(2**40), "int", "too large for int32"),
        (1, "tags[2]", str(2**40), "int", "too large for int32"),
        (2, "id", None, "long", "no value for a required field"),
    ]


def test_paths_are_exact_in_slices_and_beside_gaps() -> None:
    lists = pa.array([[2**40], None, [1, 2**40], [], [2**40, 1, 2**41]], pa.list_(pa.int64()))
    for values in (lists, lists.cast(pa.large_list(pa.int64()))):
        table = pa.table({"id": [1, 1, 1], "tags": values[2:]})
        assert [each[:3] for each in rows(validate(table, SCHEMA))] == [
            (0, "tags[1]", str(2**40)),
            (2, "tags[0]", str(2**40)),
            (2, "tags[2]", str(2**41)),
        ]


def test_items_give_the_same_table() -> None:
    items = [
        {"id": 1.5, "scores": {"k": {"zip": 2**40}}},
        {"id": 2, "tags": [1, 2, 2**40]},
        {"ID": 3},
        "no item",
    ]
    found = validate(items, SCHEMA)
    assert found["row"].dtype == "int64[pyarrow]"
    assert rows(found) == [
        (0, "id", "1.5", "long", "float where long is expected"),
        (0, "scores{k}.zip", str(2**40), "int", "too large for int32"),
        (1, "tags[2]", str(2**40), "int", "too large for int32"),
        (2, "id", None, "long", "missing, and the schema has no default"),
        (2, "ID", "3", None, "the record has no such field; did you mean 'id'?"),
        (3, None, "no item", "record of id, tags, scores", "text where record of id, tags, scores is expected"),
    ]


def test_items_may_come_from_anything_that_can_be_gone_through_and_no_more_are_taken_than_needed() -> None:
    taken = []

    def items() -> Any:
        for number in range(100):
            taken.append(number)
            yield {"id": "x"}

    assert len(validate(items(), SCHEMA, limit=3)) == 3
    assert len(taken) <= 4


def test_items_of_a_schema_that_is_no_record_are_its_values() -> None:
    assert rows(validate([1, "x"], Schema.parse("long"))) == [(1, None, "x", "long", "text where long is expected")]
    found = validate(pa.table({"value": [1.0, 1.5]}), Schema.parse("long"))
    assert rows(found) == [(1, "value", "1.5", "long", "not a whole number")]


@pytest.mark.parametrize("good", [[{"id": 1}], pa.table({"id": [1]}), pd.DataFrame({"id": [1], "other": [2]}), []])
def test_good_data_gives_an_empty_table(good: Any) -> None:
    found = validate(good, SCHEMA)
    assert found.empty
    assert found.columns.tolist() == ["row", "field", "value", "expected", "reason"]


def test_whole_columns_come_first_and_have_no_row() -> None:
    frame = pd.DataFrame({"tags": [True, False], "scores": [1, "x"]})
    assert rows(validate(frame, SCHEMA)) == [
        (1, "scores", "x", "int", "the column holds int and, here, str 'x'"),
        (None, "id", None, "long", "no column for a required field. Available: tags, scores"),
        (None, "tags", None, None, "the column holds bool; expected array of int. "
                                   "Convert the column first, or change the field's type in the schema"),
    ]  # fmt: skip


def test_data_without_any_column_of_the_schema_is_a_problem() -> None:
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "a", "type": ["null", "long"]}]})
    assert rows(validate(pa.table({"x": [1]}), schema)) == [(None, None, None, None, "no column that the schema names")]


@pytest.mark.parametrize(
    ("data", "limit"), [("text", None), ({"id": 1}, None), (5, None), (pd.Series([1]), None), ([], -1)]
)
def test_what_holds_no_rows_is_an_error(data: Any, limit: int | None) -> None:
    with pytest.raises(DataError, match=r"rows cannot be read from|limit is -1"):
        validate(data, SCHEMA, limit=limit)


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 6))
def test_a_limit_gives_the_first_of_all_problems(bad: list[bool], limit: int) -> None:
    table = pa.table({"id": [0.5 if each else 1.0 for each in bad], "tags": [[2**40] if each else [] for each in bad]})
    table = table.cast(pa.schema([("id", pa.float64()), ("tags", pa.list_(pa.int64()))]))
    every = rows(validate(table, SCHEMA))
    assert len(every) == 2 * sum(bad)
    assert rows(validate(table, SCHEMA, limit=limit)) == every[:limit]


def test_a_limit_spares_the_rows_behind_it() -> None:
    table = pa.table({"id": np.full(2_000_000, 0.5)})
    start = time.perf_counter()
    validate(table, SCHEMA, limit=10)
    short = time.perf_counter() - start
    start = time.perf_counter()
    assert len(validate(table, SCHEMA)) == 2_000_000
    assert short < (time.perf_counter() - start) / 3


def test_json_text_is_held_against_the_union_that_it_stands_for() -> None:
    union = ["null", "long", {"type": "array", "items": "string"}, ADDRESS]
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "u", "type": union}]})
    cells = ["5", None, '["a", 1]', '{"zip": "x", "more": 1}', "oops", '"text"', "null"]
    expected = "long or array of string or record of zip or null"
    assert rows(validate(pa.table({"u": cells}), schema)) == [
        (2, "u[1]", "1", "string", "int where string is expected"),
        (3, "u.zip", "x", "int", "text where int is expected"),
        (4, "u", "oops", expected, "not JSON text"),
        (5, "u", "text", expected, f"text where {expected} is expected"),
    ]
