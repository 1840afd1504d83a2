from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.schema.model import without_null

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "source",
    [
        pd.DataFrame({"a": [1, 2]}),
        pa.table({"a": [1, 2]}),
        pa.record_batch({"a": [1, 2]}),
        pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), [pa.record_batch({"a": [1, 2]})]),
    ],
    ids=lambda source: type(source).__name__,
)
def test_typed_sources_are_one_form(source: Any) -> None:
    opened = open_tabular(source)
    assert not opened.text
    assert opened.length == 2
    assert [block.batch.to_pydict() for block in opened.blocks()] == [{"a": [1, 2]}]


def test_a_path_is_a_csv_by_its_suffix(tmp_path: Path) -> None:
    tabs = write(tmp_path / "a.tsv", "a,x\tb\n1\t2\n")
    assert open_tabular(tabs).schema.names == ["a,x", "b"]
    assert open_tabular(str(write(tmp_path / "a.CSV", "a\n1\n"))).schema.names == ["a"]
    zipped = tmp_path / "a.csv.gz"
    zipped.write_bytes(gzip.compress(b"a\n1\n"))
    assert open_tabular(zipped).schema.names == ["a"]


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(inb.DataError, match="rows cannot be read from int; expected a file's path"):
        open_tabular(5)
    with pytest.raises(inb.DataError, match="decimal are for CSV files; the source is a DataFrame"):
        open_tabular(pd.DataFrame({"a": [1]}), encoding="utf-8")
    with pytest.raises(inb.DataError, match=r"series\.to_frame"):
        open_tabular(pd.Series([1]))
    with pytest.raises(inb.DataError, match="no file"):
        open_tabular(tmp_path / "missing.parquet")
    with pytest.raises(inb.DataError, match=r"does not end in a known suffix \(\.csv, .*pass what json\.load gives"):
        open_tabular(write(tmp_path / "a.json", ""))
    with pytest.raises(inb.DataError, match=r"decimal are for CSV files; .* is not one by its suffix"):
        open_tabular(write(tmp_path / "a.jsonl", "{}"), delimiter=";")
    with pytest.raises(inb.DataError, match="is a folder"):
        open_tabular(tmp_path)
    for suffix in ("parquet", "feather", "arrow"):
        with pytest.raises(inb.DataError, match=f"a.{suffix} cannot be read as"):
            open_tabular(write(tmp_path / f"a.{suffix}", "nothing of the kind"))


def test_a_schema_is_inferred_from_a_file_and_named_after_it(tmp_path: Path) -> None:
    path = write(
        tmp_path / "flight-bookings.2020.csv",
        "id,day,seats,price,code,empty\n1,2020-01-05,2,1,007,\n2,2020-02-01,,2.5,008,\n",
    )
    inferred = inb.infer_schema(path)
    assert inferred.schema.to_avro() == {
        "type": "record",
        "name": "flight_bookings",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "day", "type": {"type": "string", "logicalType": "date"}},
            {"name": "seats", "type": ["null", "long"], "default": None},
            {"name": "price", "type": "double"},
            {"name": "code", "type": "string"},
            {"name": "empty", "type": ["null", "string"], "default": None},
        ],
    }
    assert inferred.evidence["field"].tolist() == inferred.schema.names


def test_a_schema_is_inferred_from_a_frame() -> None:
    frame = pd.DataFrame({"id": [1, 2], "when": pd.to_datetime(["2020-01-01", "2020-01-02"]), "ok": [True, False]})
    schema = inb.infer_schema(frame, "things", namespace="com.example").schema
    assert (schema.record.name, schema.names) == ("com.example.things", ["id", "when", "ok"])
    assert schema.to_avro()["fields"][1]["type"] == {"type": "long", "logicalType": "timestamp-millis"}
    assert inb.infer_schema(frame).schema.record.name == "record"


def test_a_header_alone_gives_nullable_text(tmp_path: Path) -> None:
    schema = inb.infer_schema(write(tmp_path / "a.csv", "a,b\n")).schema
    assert [field["type"] for field in schema.to_avro()["fields"]] == [["null", "string"]] * 2


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), ("a,a\n1,2\n", "'a' more than once: columns 1 and 2")])
def test_a_file_that_cannot_be_used_is_a_clear_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        inb.infer_schema(write(tmp_path / "a.csv", text))


def test_rows_of_a_file_with_ragged_lines_are_still_counted_as_the_file_has_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b\n1,x\nragged\n\n007,y\n")
    with pytest.warns(inb.SchemaWarning):
        evidence = inb.infer_schema(path).evidence
    assert "row 5" in evidence["reason"].iloc[0]


def test_numbers_with_a_decimal_comma_are_inferred_as_such(tmp_path: Path) -> None:
    text = "price;version;total;at;n\n1,5;1.5;1.234,5;2020-01-01T10:00:00.5;7\n-2;2.0;2,5;2020-01-01T10:00:00.25;8\n"
    schema = inb.infer_schema(write(tmp_path / "a.csv", text), decimal=",").schema
    kinds = {field.name: type(without_null(field.type)).__name__ for field in schema.fields}
    assert kinds == {"price": "Double", "version": "String", "total": "String", "at": "Timestamp", "n": "Long"}


def test_text_beside_numbers_with_a_decimal_comma_is_shown_as_it_is(tmp_path: Path) -> None:
    text = "price;day;address;total\n1,5\u00a0;20.05.2020;10.0.0.1;1.234,5\n-,5;21.05.2020;10.0.0.2;2,5\n"
    evidence = inb.infer_schema(write(tmp_path / "a.csv", text), decimal=",").evidence.set_index("field")
    assert evidence.loc["price", "type"] == "double"
    assert evidence.loc["day", "examples"] == ("20.05.2020", "21.05.2020")
    assert evidence.loc["address", "examples"] == ("10.0.0.1", "10.0.0.2")
    assert "1.234,5" in evidence.loc["total", "examples"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "a,b\n1,x\nragged\n", "1 row is left out (row 3: 1 cell where the header has 2)"),
        ("a.jsonl", '{"a": 1}\n' + "[]\n" * 4, "4 lines are left out (" + "line {}: not a JSON object; " * 3 + "…)"),
    ],
)
def test_lines_that_are_no_rows_are_told_of(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = write(tmp_path / name, text)
    with pytest.warns(inb.SchemaWarning) as warned:
        inb.infer_schema(path)
    assert [str(each.message) for each in warned] == [f"{path}: {told.format(2, 3, 4)}"]
    assert warned[0].filename == __file__


@pytest.mark.parametrize("types", ["long", [("a", "long")]], ids=repr)
def test_types_that_are_no_mapping_are_a_clear_error(types: Any) -> None:
    with pytest.raises(inb.DataError, match="expected a dict: types of columns by their names"):
        inb.infer_schema([{"a": 1}], types=types)


def test_text_in_the_place_of_a_path_is_a_clear_error() -> None:
    with pytest.raises(inb.DataError, match="cannot be a file's path"):
        inb.infer_schema("a,b\n1,2\n" * 1_000)
