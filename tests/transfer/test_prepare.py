from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from intempt_nb.codecs.rows.csv import open_csv
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.frames import open_frame
from intempt_nb.errors import DataError
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.prepare import plan_columns, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.codecs.rows.blocks import Tabular


def schema_of(*fields: dict[str, Any]) -> Schema:
    return Schema.parse({"type": "record", "name": "r", "fields": list(fields)})


ID = {"name": "id", "type": "long"}
DAY = {"name": "day", "type": ["null", {"type": "string", "logicalType": "date"}], "default": None}


def csv_of(tmp_path: Path, text: str) -> Tabular:
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return open_csv(path)


def test_good_rows_are_typed_and_bad_ones_are_listed_by_row(tmp_path: Path) -> None:
    schema = schema_of(ID, DAY)
    source = csv_of(tmp_path, "id,day\n1,2020-01-01\nx,2020-02-30\n3\n4,\n\n,2020-01-05\n")
    (block,) = prepare(source, schema, plan_columns(schema, source))
    assert block.batch.schema.equals(schema.to_arrow())
    assert block.batch.to_pylist() == [{"id": 1, "day": dt.date(2020, 1, 1)}, {"id": 4, "day": None}]
    assert block.rows.to_pylist() == [2, 5]
    assert (block.rejected, block.blank) == (3, 1)
    assert block.rejects.to_pylist() == [
        {"row": 3, "field": "id", "value": "x", "expected": "long", "reason": "not a whole number"},
        {"row": 3, "field": "day", "value": "2020-02-30", "expected": "date (text) or null", "reason": "no such day"},
        {"row": 4, "field": None, "value": "3", "expected": None, "reason": "1 cell where the header has 2"},
        {
            "row": 7,
            "field": "id",
            "value": None,
            "expected": "long",
            "reason": "no value for a required field",
        },
    ]


def test_columns_are_matched_by_name_title_alias_and_sanitised_name(tmp_path: Path) -> None:
    schema = schema_of(
        {"name": "a", "type": "string"},
        {"name": "b", "type": "string", "title": "Booking ID"},
        {"name": "c", "type": "string", "aliases": ["old_c"]},
        {"name": "Flight_ID", "type": "string"},
    )
    source = csv_of(tmp_path, "Flight ID,old_c,Booking ID,a,extra\nf,c,b,a,x\n")
    plan = plan_columns(schema, source)
    assert plan.ignored == ("extra",)
    (block,) = prepare(source, schema, plan)
    assert block.batch.to_pylist() == [{"a": "a", "b": "b", "c": "c", "Flight_ID": "f"}]


def test_a_missing_required_column_is_an_error_that_lists_what_there_is(tmp_path: Path) -> None:
    schema = schema_of(ID, {"name": "who", "type": "string"}, DAY)
    with pytest.raises(DataError, match=r"no column for the required field 'who'. It has: 'id', 'day'"):
        plan_columns(schema, csv_of(tmp_path, "id,day\n1,\n"))


def test_fields_that_may_be_absent_need_no_column(tmp_path: Path) -> None:
    schema = schema_of(ID, DAY, {"name": "n", "type": "long", "default": 5})
    source = csv_of(tmp_path, "id\n1\n")
    plan = plan_columns(schema, source)
    assert plan.missing == ("day", "n")
    (block,) = prepare(source, schema, plan)
    assert block.batch.to_pylist() == [{"id": 1}]


def test_a_gap_in_a_field_with_a_default_takes_the_default(tmp_path: Path) -> None:
    schema = schema_of(
        ID,
        {"name": "n", "type": "long", "default": 5},
        {"name": "kind", "type": {"type": "enum", "name": "kind", "symbols": ["A", "B"]}, "default": "B"},
        {"name": "m", "type": ["null", "long"], "default": None},
    )
    source = csv_of(tmp_path, "id,n,kind,m\n1,,,\n2,7,A,8\n3,x,,\n")
    (block,) = prepare(source, schema, plan_columns(schema, source))
    assert block.batch.to_pylist() == [
        {"id": 1, "n": 5, "kind": "B", "m": None},
        {"id": 2, "n": 7, "kind": "A", "m": 8},
    ]
    assert [(each["row"], each["field"]) for each in block.rejects.to_pylist()] == [(4, "n")]


def test_a_decimal_comma_is_read_in_numbers_alone_and_nothing_else_is_one(tmp_path: Path) -> None:
    money = {"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}
    schema = schema_of(
        ID, {"name": "d", "type": "double"}, {"name": "m", "type": ["null", money]}, {"name": "s", "type": "string"}
    )
    path = tmp_path / "rows.csv"
    path.write_text("id;d;m;s\n1;1,5;-2,25;1,5\n2;1.5;1;a.b\n3;1.234,56;1;\n4;7;1.000,5;x\n", encoding="utf-8")
    source = open_csv(path, CsvOptions(decimal=","))
    (block,) = prepare(source, schema, plan_columns(schema, source))
    assert block.batch.to_pylist() == [{"id": 1, "d": 1.5, "m": Decimal("-2.25"), "s": "1,5"}]
    assert [(each["row"], each["field"], each["value"]) for each in block.rejects.to_pylist()] == [
        (3, "d", "1.5"),
        (4, "d", "1.234,56"),
        (4, "s", None),
        (5, "m", "1.000,5"),
    ]


def test_a_source_with_nothing_for_the_schema_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column that the schema names"):
        plan_columns(schema_of(DAY), csv_of(tmp_path, "x,y\n1,2\n"))


def test_frames_keep_their_positions() -> None:
    schema = schema_of(ID, {"name": "score", "type": "double"})
    frame = pd.DataFrame({"id": [1.0, 2.5, 3.0], "score": [0.5, 0.5, None]}, index=[10, 20, 30])
    (block,) = prepare(open_frame(frame), schema, plan_columns(schema, open_frame(frame)))
    assert block.rows.to_pylist() == [0]
    assert [(each["row"], each["field"], each["value"]) for each in block.rejects.to_pylist()] == [
        (1, "id", "2.5"),
        (2, "score", None),
    ]


def test_a_nested_reject_names_its_path() -> None:
    url = {"type": "record", "name": "url", "fields": [{"name": "port", "type": ["null", "int"]}]}
    schema = schema_of({"name": "url", "type": url})
    source = open_frame(pd.DataFrame({"url": [{"port": 80}, {"port": 2**40}]}))
    (block,) = prepare(source, schema, plan_columns(schema, source))
    assert block.rejects.to_pylist()[0]["field"] == "url.port"
    assert block.rejects.to_pylist()[0]["value"] == str(2**40)


def test_any_number_of_bad_rows_is_listed(tmp_path: Path) -> None:
    schema = schema_of(ID)
    source = csv_of(tmp_path, "id,x\n" + "bad,1\n" * 200_000)
    blocks = list(prepare(source, schema, plan_columns(schema, source)))
    assert sum(block.rejected for block in blocks) == sum(len(block.rejects) for block in blocks) == 200_000


@pytest.mark.filterwarnings("ignore::intempt_nb.SchemaWarning")
@pytest.mark.parametrize("default", [None, 5])
def test_a_default_that_does_not_fit_fills_no_gap(tmp_path: Path, default: Any) -> None:
    """A collection that exists already may have one."""
    who = {"name": "who", "type": "string", "default": default}
    schema = Schema.parse({"type": "record", "name": "r", "fields": [ID, who]}, strict=False)
    frame = pd.DataFrame({"id": [1, 2], "who": ["a", None]})
    source = open_frame(frame)
    (block,) = prepare(source, schema, plan_columns(schema, source))
    assert block.batch.to_pylist() == [{"id": 1, "who": "a"}]
    assert block.rejects.column("reason").to_pylist() == ["no value for a required field"]
    assert [problem.row for problem in schema.check(frame).problems] == [1]
