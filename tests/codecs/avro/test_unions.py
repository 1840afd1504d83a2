"""Unions from one form to another; over random schemas see test_avro.py."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from intempt_nb.codecs.avro.items import decode_items
from intempt_nb.codecs.avro.unions import convert_unions
from intempt_nb.errors import DataError

BRANCHES = ["null", "double", "long", {"type": "array", "items": ["int", "string"]}]
SCHEMA = {
    "type": "record",
    "name": "r",
    "fields": [{"name": "x", "type": BRANCHES}, {"name": "y", "type": ["null", "string"]}],
}
ITEMS = [{"x": 1.5, "y": "a"}, {"x": 1, "y": None}, {"x": None, "y": "b"}, {"x": [1, "b"], "y": None}]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        (
            "struct",
            [
                {"double": 1.5, "long": None, "array": None},
                {"double": None, "long": 1, "array": None},
                None,
                {"double": None, "long": None, "array": [{"int": 1, "string": None}, {"int": None, "string": "b"}]},
            ],
        ),
        ("json", ["1.5", "1", None, '[1,"b"]']),
        ("dense", [1.5, 1, None, [1, "b"]]),
        ("promote", [1.5, 1, None, [1, "b"]]),
    ],
)
def test_a_table_has_the_form_asked_for(form: Any, values: list[Any]) -> None:
    dense = decode_items(ITEMS, SCHEMA)
    table = convert_unions(dense, unions=form)
    assert table["x"].to_pylist() == values
    assert table["y"].equals(dense["y"])
    assert convert_unions(table, SCHEMA).equals(dense)


def test_some_columns_in_another_order() -> None:
    dense = decode_items(ITEMS, SCHEMA).select(["y", "x"])
    assert convert_unions(dense, SCHEMA, unions="json").column_names == ["y", "x"]


def test_text_that_may_be_of_several_branches_is_told() -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "x", "type": ["string", "bytes"]}]}
    table = pa.table({"x": ['"!"', '"AA=="']})
    with pytest.raises(DataError, match=r'branches string, bytes; name the one: \{"string": …\}') as caught:
        convert_unions(table, schema)
    assert (caught.value.row, caught.value.field) == (1, "x")
    with pytest.raises(DataError, match="no JSON text"):
        convert_unions(pa.table({"x": ["{"]}), schema)
    with pytest.raises(DataError, match="no field 'z'"):
        convert_unions(pa.table({"z": [1]}), schema)


def test_dates_become_text_and_back() -> None:
    schema = {
        "type": "record",
        "name": "r",
        "fields": [{"name": "x", "type": {"type": "string", "logicalType": "date"}}],
    }
    days = decode_items([{"x": "2020-05-25"}], schema)
    text = convert_unions(days, string_dates="string")
    assert text["x"].to_pylist() == ["2020-05-25"]
    assert convert_unions(text, schema).equals(days)
    with pytest.raises(DataError, match="a day outside the years 1 to 9999"):
        convert_unions(pa.table({"x": pa.array([10**7], pa.date32())}), schema, string_dates="string")
