from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.widgets.designing import sample as module
from intempt_nb.widgets.designing.sample import infer_from, open_sample, stored
from random_schemas import field, record

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_rows_are_shown_as_an_upload_would_post_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,day,price,extra\n007,2024-02-29,1.50,x\n8,soon,2,\n9\n" + "1,2024-01-01,1,\n" * 30)
    schema = inb.Schema.parse(
        record(
            field("id", "string"),
            field("day", {"type": "string", "logicalType": "date"}),
            field("price", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
            field("note", ["null", "string"]),
        )
    )
    columns, rows, note = stored(open_sample(path), schema)
    assert columns == ["row", "rejected, as", "id", "day", "price"]
    assert rows[0] == ["2", "", '"007"', '"2024-02-29"', '"1.50"']
    assert rows[1][:2] == ["3", rows[1][1]]
    assert rows[1][2:] == ["", "", ""]
    assert "soon" in rows[1][1]
    assert rows[2][0] == "4"
    assert len(rows) == 20
    assert "not sent: extra" in note
    assert "without a column: note" in note


def test_where_no_row_fits_only_the_reasons_are_shown() -> None:
    schema = inb.Schema.parse(record(field("a", "int"), field("b", "int")))
    columns, rows, note = stored(open_sample(pd.DataFrame({"a": ["x", "y"], "b": ["1", "2"]})), schema)
    assert columns == ["row", "rejected, as"]
    assert [row[0] for row in rows] == ["0", "1"]
    assert all(row[1].startswith("a: ") for row in rows)
    assert note.startswith("None of them fits.")


def test_data_that_no_upload_could_begin_with_says_why() -> None:
    with pytest.raises(inb.DataError, match="no column for the required field 'id'"):
        stored(open_sample(pd.DataFrame({"x": [1]})), inb.Schema.parse(record(field("id", "string"))))


def test_a_large_file_is_inferred_from_its_first_rows_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_INFERRED", 3)
    sample, document = infer_from(pa.table({"a": ["1", "2", "3", None]}), "some data")
    assert "only the first 3 rows were looked at" in sample.note
    assert document["name"] == "some_data"
    assert sample.rows == 4


@pytest.mark.parametrize("data", [pd.DataFrame({"a": pd.Series([], dtype="int64")}), [{"a": {"b": [1]}}]])
def test_any_data_can_be_a_sample(data: object) -> None:
    sample, document = infer_from(data)
    columns, rows, _ = stored(sample, inb.Schema.parse(document))
    assert columns == ["row", "a"]
    assert rows in ([], [["0", '{"b": [1]}']])


def test_evidence_names_what_is_inside() -> None:
    sample, _ = infer_from([{"a": {"b": [1]}, "c": "x"}, {"a": {"b": [2, 3]}, "c": "y"}])
    assert {"a", "a.b", "a.b[]", "c"} <= set(sample.evidence)
