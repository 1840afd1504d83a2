"""Types that the user says: taken as they are, and held against the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import intempt_nb as inb

if TYPE_CHECKING:
    from pathlib import Path

ENUM = {"type": "enum", "name": "x_record", "symbols": ["a", "b"]}


def csv(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return path


def fields(inferred: inb.InferredSchema) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = inferred.schema.to_avro()["fields"]
    return found


def test_a_pinned_column_has_the_type_that_was_said(tmp_path: Path) -> None:
    path = csv(tmp_path, "zip,n,code\n1,5,a\n2,,b\n3,x,c\n4,z,\n")
    inferred = inb.infer_schema(path, types={"zip": "string", "n": "long", "code": ENUM})
    assert fields(inferred) == [
        {"name": "zip", "type": "string"},
        {"name": "n", "type": ["null", "long"], "default": None},
        {"name": "code", "type": ["null", ENUM], "default": None},
    ]
    assert inferred.evidence["reason"].tolist() == [
        "pinned; all 4 values fit",
        "pinned; 2 of 3 values do not fit (not a whole number): rows 4, 5 ('x', 'z')",
        "pinned; 1 of 3 values does not fit (not a symbol of the enum): row 4 'c'",
    ]
    assert inferred.evidence["nulls"].tolist() == [0, 1, 1]
    assert inferred.evidence["unique"].tolist() == [True, True, None]


def test_a_pinned_union_is_kept_as_it_is() -> None:
    frame = pd.DataFrame({"a": ["x"], "b": ["y"], "c": [None]})
    inferred = inb.infer_schema(frame, types={"a": ["null", "string"], "b": ["string", "null"], "c": ["long", "null"]})
    assert fields(inferred) == [
        {"name": "a", "type": ["null", "string"], "default": None},
        {"name": "b", "type": ["string", "null"]},
        {"name": "c", "type": ["null", "long"], "default": None},
    ]


def test_a_column_that_cannot_hold_the_type_at_all_is_told() -> None:
    inferred = inb.infer_schema(pd.DataFrame({"a": [True, None, False]}), types={"a": "long"})
    assert inferred.evidence["reason"].tolist()[0].startswith("pinned; 2 of 2 values do not fit (the column holds bool")


def test_what_is_nested_is_pinned_by_its_path() -> None:
    items = [{"x": {"zip": "1", "t": ["5", "q"]}, "a.b": "7"}]
    inferred = inb.infer_schema(items, types={"x.zip": "long", "x.t[]": "int", "a.b": "long"})
    assert fields(inferred) == [
        {
            "name": "x",
            "type": {
                "type": "record",
                "name": "x_record",
                "fields": [{"name": "zip", "type": "long"}, {"name": "t", "type": {"type": "array", "items": "int"}}],
            },
        },
        {"name": "a_b", "type": "long", "title": "a.b"},
    ]
    reasons = inferred.evidence.set_index("column")["reason"]
    assert reasons["x.t[]"] == "pinned; 1 of 2 values does not fit (not a whole number): row 0 'q'"


def test_an_object_can_be_pinned_to_a_map() -> None:
    items = [{"x": {"a": 1}}, {"x": {"b": 2}}]
    inferred = inb.infer_schema(items, types={"x": {"type": "map", "values": "long"}})
    assert fields(inferred) == [{"name": "x", "type": {"type": "map", "values": "long"}}]
    assert inferred.evidence["reason"].tolist() == ["pinned; all 2 values fit"]


def test_types_made_for_other_columns_keep_clear_of_pinned_names() -> None:
    inferred = inb.infer_schema([{"x": {"q": 1}, "y": {"z": "a"}}], types={"y.z": ENUM})
    assert sorted(inferred.schema.named) == ["record", "x_record", "x_record_2", "y_record"]


def test_a_value_that_is_wrong_twice_is_counted_once() -> None:
    avro = {"type": "record", "name": "r", "fields": [{"name": "p", "type": "int"}, {"name": "q", "type": "int"}]}
    items = [{"x": {"p": "a", "q": "b"}}, {"x": {"p": "1", "q": "2"}}, {"x": None}]
    inferred = inb.infer_schema(items, types={"x": avro})
    assert inferred.evidence["reason"].tolist()[0].startswith("pinned; 1 of 2 values does not fit (not a whole number)")
    assert inferred.evidence["nulls"].tolist() == [1]


def test_a_pin_that_names_nothing_or_no_type_is_an_error(tmp_path: Path) -> None:
    frame = pd.DataFrame({"zip": ["1"], "x": [{"a": 1}]})
    with pytest.raises(inb.DataError, match=r"types names 'zap', which the data does not have; did you mean 'zip'\?"):
        inb.infer_schema(frame, types={"zap": "string"})
    with pytest.raises(inb.DataError, match=r"Available: zip, x, x\.a"):
        inb.infer_schema(frame, types={"nothing": "string"})
    with pytest.raises(inb.SchemaError, match=r"unknown type 'strng'.* \(in types\['zip'\]\)"):
        inb.infer_schema(frame, types={"zip": "strng"})
    with pytest.raises(inb.SchemaError) as caught:
        inb.infer_schema(frame, types={"zip": {"type": "array", "items": "x"}})
    assert caught.value.problems[0].path == "/items"


def test_a_pin_counts_over_pieces_and_files(tmp_path: Path) -> None:
    one = inb.infer_schema(csv(tmp_path, "n\n" + "x\n" * 40_000), types={"n": "long"})
    assert "40,000 of 40,000 values do not fit" in one.evidence["reason"].tolist()[0]
    two = inb.infer_schema(pd.DataFrame({"n": ["y", "5"]}), types={"n": "long"})
    (reason,) = one.merge(two).evidence["reason"]
    assert "40,001 of 40,002 values do not fit" in reason
