"""The first rows against a schema: what goes where and why, and that an upload refuses the cells that are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.transfer.deadletters import write_dead_letters
from intempt_nb.transfer.prepare import plan_columns, prepare
from intempt_nb.transfer.preview import preview, read_head

if TYPE_CHECKING:
    from pathlib import Path

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "string"},
    {"name": "flightNo", "type": ["null", "string"], "default": None, "aliases": ["fno"]},
    {"name": "amount", "type": "double", "title": "Amount in EUR"},
    {"name": "seat_row", "type": ["null", "int"], "default": None},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
]
SCHEMA = inb.Schema.parse({"type": "record", "name": "r", "fields": FIELDS})


def csv_of(folder: Path, text: str) -> Path:
    path = folder / "a.csv"
    path.write_text(text)
    return path


def test_each_column_says_where_it_goes_and_why(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "id,fno,Amount in EUR,Seat-Row,Day ,extra,key\na,b,1,2,2020-01-01,x,y\n")
    found = preview(read_head(path), SCHEMA, {"extra": None})
    assert [(each.name, each.field, each.why) for each in found.columns] == [
        ("id", "id", "name"),
        ("fno", "flightNo", "alias"),
        ("Amount in EUR", "amount", "title"),
        ("Seat-Row", "seat_row", "guess"),
        ("Day ", "day", "guess"),
        ("extra", None, "by hand"),
        ("key", None, "none"),
    ]
    assert found.mapping == {"extra": None, "Seat-Row": "seat_row", "Day ": "day"}
    assert (found.rows, found.cells) == ((2,), (("a", "b", "1", "2", "2020-01-01", "x", "y"),))
    assert (found.refused, found.missing) == ((), ())


def test_the_likest_of_two_columns_is_guessed_and_none_that_cannot_be_it() -> None:
    table = pa.table({"flight number": ["a"], "FLIGHT NO": ["b"], "Amounts": [True]})
    found = preview(read_head(table), SCHEMA)
    assert found.mapping == {"FLIGHT NO": "flightNo"}
    assert found.missing == ("id", "amount", "day")


def test_a_column_of_two_fields_is_told_by_its_own_name() -> None:
    schema = inb.Schema.parse({"type": "record", "name": "r", "fields": [{**FIELDS[1], "aliases": ["id"]}, FIELDS[0]]})
    found = preview(read_head(pa.table({"id": ["a"]})), schema).columns
    assert [(each.field, each.why) for each in found] == [("id", "name")]


def test_nothing_is_guessed_where_that_would_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    head = read_head(pa.table({"FLIGHT NO": ["b"], "Seat Row": [1]}))  # two columns, five fields
    monkeypatch.setattr("intempt_nb.transfer.preview.MOST_GUESSED", 10)
    assert len(preview(head, SCHEMA).mapping) == 2
    monkeypatch.setattr("intempt_nb.transfer.preview.MOST_GUESSED", 9)
    assert preview(head, SCHEMA).mapping == {}


def test_cells_that_would_be_refused_are_named_with_their_reason(tmp_path: Path) -> None:
    text = "id,total,day,seat_row\na,1,2020-01-01,\nb,one,2020-02-30,1\nc,2\nd,3,2020-01-01,4\ne,x,x,x\n"
    found = preview(read_head(csv_of(tmp_path, text), 4), SCHEMA, {"total": "amount"}, key=("id",))
    assert [(each.row, each.column, each.field, each.value, each.reason) for each in found.refused] == [
        (3, "total", "amount", "one", "not a number"),
        (3, "day", "day", "2020-02-30", "no such day"),
        (4, None, None, "c,2", "2 cells where the header has 4"),
    ]
    assert found.rows == (2, 3, 5)
    assert found.cells[0] == ("a", "1", "2020-01-01", None)


def test_a_column_that_cannot_be_its_field_says_so() -> None:
    table = pa.table({"id": ["a"], "amount": [True], "day": [pd.Timestamp("2020-01-01 10:00")]})
    found = {each.name: each.problem for each in preview(read_head(table), SCHEMA).columns}
    assert found["id"] is None
    assert str(found["amount"]).startswith("the column holds bool; expected double")


@pytest.mark.parametrize(("rule", "refused"), [(None, ["id"]), ("row", []), (["flightNo"], ["flightNo"])])
def test_gaps_in_the_key_are_refused_unless_keys_are_made(rule: Any, refused: list[str]) -> None:
    table = pa.table({"id": pa.array([None], pa.string()), "flightNo": pa.array([None], pa.string())})
    found = preview(read_head(table), SCHEMA, key=("id",), rule=rule)
    assert [each.field for each in found.refused] == refused
    without = preview(read_head(pa.table({"x": [1]})), SCHEMA, key=("id",))
    assert "id" not in without.missing


def test_rows_put_right_come_without_their_remarks(tmp_path: Path) -> None:
    source = read_head(csv_of(tmp_path, "amount,day\n=1,2020-01-01\n"))
    rejects = pa.table({"row": [2], "field": ["amount"], "value": ["=1"], "expected": [None], "reason": ["no"]})
    write_dead_letters(tmp_path / "bad.csv", source, rejects, {}, lambda rows: ["made"])
    found = preview(read_head(tmp_path / "bad.csv"), SCHEMA, key=("id",))
    assert [each.name for each in found.columns] == ["id", "amount", "day"]
    assert found.cells == (("made", "=1", "2020-01-01"),)


def test_of_nothing_there_is_nothing_to_show_and_of_a_stream_neither(tmp_path: Path) -> None:
    found = preview(read_head(csv_of(tmp_path, "id,amount\n\n\n")), SCHEMA)
    assert (found.rows, found.cells, found.refused) == ((), (), ())
    assert [each.field for each in found.columns] == ["id", "amount"]
    with pytest.raises(inb.DataError, match="a stream can be read only once"):
        read_head(pa.table({"a": [1]}).to_reader())


CELLS = st.sampled_from(["", "1", "1,5", "2.5", "x", "nan", "2020-01-01", "2020-02-30", "007", "é"])


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=6), st.sampled_from([".", ","]), st.booleans())
def test_what_is_refused_here_is_what_an_upload_refuses(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], decimal: str, nan_is_null: bool
) -> None:
    path = tmp_path_factory.mktemp("a") / "a.csv"
    path.write_text("id;amount;day;seat_row\n" + "".join(";".join(row) + "\n" for row in rows))
    csv = CsvOptions(delimiter=";", decimal=decimal)
    head = read_head(path, 6, csv)
    found = preview(head, SCHEMA, key=("id",), nan="null" if nan_is_null else "reject")
    blocks = prepare(head, SCHEMA, plan_columns(SCHEMA, head), ("id",), nan_is_null=nan_is_null)
    expected = [(each["row"], each["field"], each["reason"]) for block in blocks for each in block.rejects.to_pylist()]
    assert sorted((each.row, each.field or "", each.reason) for each in found.refused) == sorted(
        (row, field or "", reason) for row, field, reason in expected
    )
