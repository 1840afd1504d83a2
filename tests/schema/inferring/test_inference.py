"""Rows → a schema: what is chosen, why, and that every value can be read as what was chosen."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intempt_nb.codecs.rows.csv import open_csv
from intempt_nb.codecs.rows.frames import open_frame, open_table
from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.checking import text as grammar
from intempt_nb.schema.checking.columns import convert
from intempt_nb.schema.inferring.inference import PIECE, InferredSchema, infer
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from intempt_nb.codecs.rows.blocks import Tabular

DATA = Path(__file__).parents[3] / "data"

DATE = {"type": "string", "logicalType": "date"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
NANOS = {"type": "long", "logicalType": "timestamp-nanos"}


def optional(avro: Any) -> list[Any]:
    return ["null", avro]


def infer_cells(
    cells: list[str | None], *, text: bool = True, batch: int | None = None, column: str = "x"
) -> InferredSchema:
    """Infer the schema of one column of text, cut into batches of a size."""
    values = pa.array(cells, pa.string())
    schema = pa.schema([pa.field(column, pa.string())])
    size = batch or max(len(cells), 1)
    batches = [(pa.record_batch([values[at : at + size]], schema=schema), None) for at in range(0, len(cells), size)]
    return infer(batches, schema, name="things", text=text)


def type_of(cells: list[str | None], *, text: bool = True) -> Any:
    return field_of(infer_cells(cells, text=text))["type"]


def field_of(inferred: InferredSchema) -> dict[str, Any]:
    (field,) = inferred.schema.to_avro()["fields"]
    return field


def reason_of(cells: list[str | None], *, text: bool = True) -> str:
    return infer_cells(cells, text=text).evidence.loc[0, "reason"]


def infer_from(tabular: Tabular, name: str = "things") -> InferredSchema:
    blocks = ((block.batch, block.rows) for block in tabular.blocks())
    return infer(blocks, tabular.schema, name=name, text=tabular.text)


def infer_frame(frame: pd.DataFrame) -> InferredSchema:
    return infer_from(open_frame(frame))


def types(inferred: InferredSchema) -> dict[str, Any]:
    return {field["name"]: field["type"] for field in inferred.schema.to_avro()["fields"]}


TEXT_RULES = [
    # whole numbers
    (["1", "-2", "0"], "long"),
    (["0", "1"], "long"),
    (["9223372036854775807", "-9223372036854775808"], "long"),
    (["9223372036854775808", "1"], "string"),
    (["-9223372036854775809"], "string"),
    (["1" * 400], "string"),
    (["007", "12"], "string"),
    (["00"], "string"),
    (["-007", "1.5"], "string"),
    (["+5"], "string"),
    (["1,000"], "string"),
    (["0x10"], "string"),
    # numbers
    (["1", "2.5"], "double"),
    (["1e5"], "double"),
    ([".5", "5.", "-.5", "1E-3", "2e+4"], "double"),
    (["-0"], "double"),
    (["0.5", "00.5"], "double"),
    (["9007199254740992", "0.5"], "double"),
    (["-9007199254740992", "0.5"], "double"),
    (["9007199254740993", "0.5"], "string"),
    (["-9007199254740993", "0.5"], "string"),
    (["9007199254740993", "5"], "long"),
    (["1e400"], "string"),
    (["inf", "1.5"], "string"),
    ([".", "1.5"], "string"),
    # true and false
    (["true", "false"], "boolean"),
    (["TRUE", "False", "tRuE"], "boolean"),
    (["yes", "no"], "string"),
    (["t", "f"], "string"),
    (["true", "1"], "string"),
    # days
    (["2020-02-29", "1999-12-31"], DATE),
    (["2020-02-30", "2020-02-28"], "string"),
    (["2021-02-29"], "string"),
    (["2020-13-01"], "string"),
    (["0000-01-01"], "string"),
    (["0001-01-01", "9999-12-31"], DATE),
    (["2020-1-1"], "string"),
    (["01/02/2020"], "string"),
    (["20200101"], "long"),
    # times
    (["2020-01-01T10:00:00Z"], MILLIS),
    (["2020-01-01 10:00"], MILLIS),
    (["2020-01-01T10:00:00+02:00", "2020-01-01T10:00:00-0530", "2020-01-01T10:00:00+02"], MILLIS),
    (["2020-01-01T10:00:00.123Z"], MILLIS),
    (["2020-01-01T10:00:00.123000000Z"], MILLIS),
    (["2020-01-01T10:00:00.1234Z", "2020-01-01T10:00:00Z"], MICROS),
    (["2020-01-01T10:00:00.1234"], MICROS),
    (["2020-01-01T10:00:00.123456Z"], MICROS),
    (["2020-01-01T10:00:00.1234567Z"], NANOS),
    (["2020-01-01T10:00:00.000000001", "2020-01-01T10:00:00.1234Z"], NANOS),
    (["2020-01-01T10:00:00.000000001Z", "1500-01-01T10:00:00Z"], "string"),
    (["1678-01-01T00:00:00.000000001Z", "2261-12-31T23:59:59.000000001Z"], NANOS),
    (["1677-12-31T23:59:59.000000001Z"], "string"),
    (["2262-01-01T00:00:00.000000001Z"], "string"),
    (["2020-01-01T10:00:00.000001Z", "1500-01-01T10:00:00Z"], MICROS),
    (["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"], MILLIS),
    (["2020-01-01T24:00:00Z"], "string"),
    (["2020-01-01T23:59:60Z"], "string"),
    (["2020-02-30T10:00:00Z"], "string"),
    (["2020-01-01T10:00:00+25:00"], "string"),
    (["2020-01-01T10"], "string"),
    (["2020-01-01T10:00:00Z", "2020-01-01T10:00:00"], MILLIS),
    (["2020-01-01", "2020-01-01T10:00:00"], "string"),
    # text
    (["a", "1"], "string"),
    ([" a "], "string"),
    # gaps
    (["1", None], optional("long")),
    (["1", "NA"], optional("long")),
    (["1.5", "NaN", "nan"], optional("double")),
    (["true", "NULL"], optional("boolean")),
    (["2020-01-01", "\\N"], optional(DATE)),
    (["2020-01-01T10:00Z", ""], optional(MILLIS)),
    (["1", "None", "null", "N/A", "#N/A"], optional("long")),
    (["DE", "NA"], "string"),
    (["DE", "NA", None], optional("string")),
    (["DE", ""], "string"),
    (["007", "NA"], "string"),
    ([None, None], optional("string")),
    (["NA", "NA"], optional("string")),
    ([""], optional("string")),
    ([], optional("string")),
    # white space
    ([" 5", "7\t"], "long"),
    (["\u00a05"], "long"),
    ([" 1.5 ", " NA "], optional("double")),
    (["  ", "true "], optional("boolean")),
    ([" 2020-01-01"], DATE),
    (["1 2"], "string"),
]


@pytest.mark.parametrize(("cells", "expected"), TEXT_RULES, ids=lambda value: json.dumps(value)[:60])
def test_text_becomes_the_narrowest_type_that_holds_it_all(cells: list[str | None], expected: Any) -> None:
    assert type_of(cells) == expected


@pytest.mark.parametrize("gap", [None, "NA"])
def test_an_optional_column_has_the_default_null_and_any_other_none(gap: str | None) -> None:
    assert field_of(infer_cells(["1", gap])) == {"name": "x", "type": ["null", "long"], "default": None}
    assert field_of(infer_cells(["1", "2"])) == {"name": "x", "type": "long"}


FRAME_TEXT_RULES = [
    (["1", "2"], "string"),
    (["1.5"], "string"),
    (["true"], "string"),
    (["007"], "string"),
    (["2020-01-01", None], optional(DATE)),
    (["2020-01-01", "NA"], optional(DATE)),
    (["2020-02-30"], "string"),
    (["2020-01-01T10:00:00Z"], MILLIS),
    (["2020-01-01", "2"], "string"),
    ([None], optional("string")),
]


@pytest.mark.parametrize(("cells", "expected"), FRAME_TEXT_RULES, ids=json.dumps)
def test_text_in_a_frame_is_looked_through_for_dates_and_timestamps_alone(
    cells: list[str | None], expected: Any
) -> None:
    assert type_of(cells, text=False) == expected


@pytest.mark.parametrize("arrow", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_every_kind_of_arrow_text_is_looked_through(arrow: pa.DataType) -> None:
    table = pa.table({"x": pa.array(["2020-01-01", None, "2020-01-02"]).cast(arrow)})
    assert types(infer_from(open_table(table))) == {"x": optional(DATE)}


def test_a_frame_keeps_its_types() -> None:
    frame = pd.DataFrame(
        {
            "long": [1, 2],
            "int": np.array([1, 2], np.int16),
            "gaps": pd.array([1, None], "Int64"),
            "double": [1.0, 2.0],
            "missing": [1.5, math.nan],
            "flag": [True, False],
            "day": [date(2020, 1, 1), date(2020, 1, 2)],
            "price": [Decimal("1.50"), Decimal("2.25")],
            "category": pd.Categorical(["a", "b"]),
            "nothing": [None, None],
            "tags": [["a"], []],
            "wait": [timedelta(1), timedelta(2)],
            "key": [UUID(int=1), UUID(int=2)],
        }
    )
    assert types(infer_frame(frame)) == {
        "long": "long",
        "int": "int",
        "gaps": optional("long"),
        "double": "double",
        "missing": optional("double"),
        "flag": "boolean",
        "day": DATE,
        "price": {"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 2},
        "category": "string",
        "nothing": optional("string"),
        "tags": {"type": "array", "items": "string"},
        "wait": {"type": "long", "logicalType": "arrow.duration-micros"},
        "key": {"type": "string", "logicalType": "uuid"},
    }


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize(
    ("unit", "tick", "expected"),
    [
        ("s", 1, MILLIS),
        ("ms", 1, MILLIS),
        ("us", 1_000_000, MILLIS),
        ("us", 1_000, MILLIS),
        ("us", 1, MICROS),
        ("ns", 1_000_000, MILLIS),
        ("ns", 1_000, MICROS),
        ("ns", 1, NANOS),
    ],
)
def test_times_in_a_frame_are_as_fine_as_their_values(unit: str, tick: int, zone: str | None, expected: Any) -> None:
    times = pa.array([0, tick, None, 5 * tick], pa.int64()).cast(pa.timestamp(unit, zone))
    inferred = infer_from(open_table(pa.table({"t": times})))
    assert types(inferred) == {"t": optional(expected)}
    assert ("no time zone: read as UTC" in inferred.evidence.loc[0, "reason"]) == (zone is None)


def test_one_fine_time_is_enough_in_any_batch() -> None:
    batches = [pa.record_batch({"t": pa.array([1000 * n], pa.timestamp("us"))}) for n in range(4)]
    fine = pa.record_batch({"t": pa.array([1], pa.timestamp("us"))})
    for at in range(len(batches) + 1):
        rows = [(batch, None) for batch in (*batches[:at], fine, *batches[at:])]
        assert types(infer(rows, fine.schema, name="things", text=False)) == {"t": MICROS}


def test_a_typed_column_without_rows_keeps_its_type_and_is_optional() -> None:
    schema = pa.schema(
        [pa.field("n", pa.int64()), pa.field("m", pa.int64(), nullable=False), pa.field("s", pa.string())]
    )
    inferred = infer([], schema, name="things", text=False)
    assert types(inferred) == {"n": optional("long"), "m": "long", "s": optional("string")}
    assert inferred.evidence["reason"].tolist() == [
        "no rows; the column is for int64",
        "no rows; the column is for int64",
        "no rows",
    ]


def test_a_column_that_carries_its_avro_schema_keeps_it() -> None:
    schema = Schema.parse(
        {
            "type": "record",
            "name": "things",
            "fields": [
                {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["a", "b"]}, "title": "State"},
                {"name": "code", "type": ["null", "string"], "default": None, "doc": "2020-01-01"},
            ],
        }
    )
    table = schema.to_arrow().empty_table().select(["code", "status"])
    inferred = infer_from(open_table(table))
    assert inferred.schema.to_avro()["fields"] == schema.to_avro()["fields"][::-1]
    assert set(inferred.evidence["reason"]) == {"declared by the Avro schema that the data carries"}


def test_a_type_without_counterpart_is_an_error_before_any_row_is_read() -> None:
    def rows() -> Any:
        pytest.fail("rows were read")
        yield

    low = pa.struct([("b", pa.list_(pa.decimal128(5, -2)))])
    with pytest.raises(DataError, match="decimal128") as caught:
        infer(rows(), pa.schema([("a", low)]), name="things", text=False)
    assert caught.value.field == "a.b[]"


EVERY_ARROW_TYPE = [
    pa.null(),
    pa.bool_(),
    pa.int8(),
    pa.int16(),
    pa.int32(),
    pa.int64(),
    pa.uint8(),
    pa.uint16(),
    pa.uint32(),
    pa.uint64(),
    pa.float32(),
    pa.float64(),
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.binary(2),
    pa.date32(),
    pa.date64(),
    pa.timestamp("ns", "UTC"),
    pa.time32("s"),
    pa.time64("us"),
    pa.decimal128(5, 2),
    pa.list_(pa.int64()),
    pa.large_list(pa.string()),
    pa.list_(pa.int64(), 2),
    pa.list_view(pa.int64()),
    pa.map_(pa.string(), pa.int64()),
    pa.struct([("a", pa.int64()), ("b c", pa.list_(pa.struct([("a", pa.int8())])))]),
    pa.dictionary(pa.int32(), pa.string()),
    pa.run_end_encoded(pa.int32(), pa.int64()),
]


@pytest.mark.parametrize("arrow", EVERY_ARROW_TYPE, ids=str)
def test_nulls_of_every_arrow_type_are_counted(arrow: pa.DataType) -> None:
    table = pa.table({"x": pa.nulls(3, arrow)})
    inferred = infer_from(open_table(table))
    assert inferred.schema["x"].nullable
    assert inferred.evidence.loc[0, ["rows", "nulls", "examples"]].tolist() == [3, 3, ()]


def test_values_that_python_cannot_hold_are_shown_all_the_same() -> None:
    table = pa.table({"t": pa.array([2**52], pa.timestamp("s")), "d": pa.array([2**30], pa.date32())})
    assert infer_from(open_table(table)).evidence["examples"].map(len).tolist() == [1, 1]


# Names


def columns_named(*names: str) -> InferredSchema:
    return infer([], pa.schema([(name, pa.string()) for name in names]), name="my things", text=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["a", "b"], [("a", None), ("b", None)]),
        (["Booking ID"], [("Booking_ID", "Booking ID")]),
        (["2nd", "Größe", ""], [("_2nd", "2nd"), ("Gr__e", "Größe"), ("_", "")]),
        (["a b", "a-b", "a.b"], [("a_b", "a b"), ("a_b_2", "a-b"), ("a_b_3", "a.b")]),
        (["a b", "a_b"], [("a_b_2", "a b"), ("a_b", None)]),
        (["a b", "a-b", "a_b_2"], [("a_b", "a b"), ("a_b_3", "a-b"), ("a_b_2", None)]),
        (["a", " a"], [("a", None), ("a_2", " a")]),
    ],
)
def test_headers_become_different_avro_names_and_stay_as_titles(
    headers: list[str], expected: list[tuple[str, str | None]]
) -> None:
    inferred = columns_named(*headers)
    assert [(field.name, field.title) for field in inferred.schema.fields] == expected
    assert inferred.evidence["column"].tolist() == headers
    assert inferred.evidence["field"].tolist() == [name for name, _ in expected]


@given(st.lists(st.text(max_size=4), unique=True, max_size=12))
def test_any_different_headers_make_a_schema(headers: list[str]) -> None:
    inferred = columns_named(*headers)
    assert len(set(inferred.schema.names)) == len(headers)
    assert [field.name if field.title is None else field.title for field in inferred.schema.fields] == headers


def test_repeated_headers_are_named_by_their_places_before_any_row_is_read() -> None:
    with pytest.raises(DataError) as caught:
        columns_named("id", "name", "id", "name", "id")
    assert str(caught.value) == (
        "field 'id': columns with the same name: 'id' is columns 1 and 3 and 5; 'name' is columns 2 and 4. "
        "Rename them first"
    )


def test_the_record_gets_an_avro_name_and_the_namespace() -> None:
    inferred = infer([], pa.schema([]), name="flight-booking 2", namespace="com.shop", text=True)
    assert inferred.schema.to_avro() == {
        "type": "record",
        "name": "flight_booking_2",
        "namespace": "com.shop",
        "fields": [],
    }
    with pytest.raises(SchemaError, match="not a name"):
        infer([], pa.schema([]), name="x", namespace="1.2", text=True)


def test_nested_types_of_the_same_name_are_told_apart() -> None:
    inner = pa.struct([("x", pa.struct([("y", pa.int64())]))])
    inferred = infer([], pa.schema([("a", inner), ("b", inner), ("a_x", inner)]), name="a_record", text=False)
    assert len(inferred.schema.named) == 7


# Evidence

REASONS = [
    (["1", "99", "5"], "all 3 values are whole numbers between 1 and 99"),
    (["2013", "2013"], "all 2 values are whole numbers, each 2013"),
    (["5"], "the one value is a whole number"),
    (["1", "-2.5", "1e3"], "all 3 values are numbers between -2.5 and 1000"),
    (["true", "FALSE"], "all 2 values are true or false"),
    (["2020-02-01", "2019-01-01"], "all 2 values are dates between 2019-01-01 and 2020-02-01"),
    (["a", "b"], "all 2 values are text"),
    (["007"], "leading zeros: row 2 '007'"),
    (["1", "007", "012", "007", "1", "013"], "leading zeros: rows 3, 4, 5, … ('007', '012', …)"),
    (["x", "1", "2", "3", "y"], "2 of 5 values are not whole numbers: rows 2, 6 ('x', 'y')"),
    (["1.5", "1", "2", "x"], "1 of 4 values is not a number: row 5 'x'"),
    (["2020-01-01", "2020-02-30", "2020-01-02"], "1 of 3 values is not a date: row 3 '2020-02-30'"),
    (["2020-01-01", "2020-01-01T10:00"], "a mix: dates (1), timestamps (1)"),
    (["a", "b", "1"], "2 of 3 values are text: rows 2, 3 ('a', 'b')"),
    (["1", "9223372036854775808"], "whole numbers too large for 64 bits, so identifiers: row 3 '9223372036854775808'"),
    (
        ["0.5", "9007199254740993"],
        "as a double, large whole numbers would lose digits: row 3 '9007199254740993'",
    ),
    ([], "no rows"),
    ([None, None], "no values"),
    ([None, "NA", "NA"], "no values; 2 cells say there is none: rows 3, 4 ('NA')"),
    (["1", "NA", "2"], "all 2 values are whole numbers between 1 and 2; 1 cell says there is none: row 3 'NA'"),
    (["DE", "NA", "FR"], "all 2 values are text; text as well: row 3 'NA'"),
    (["2020-01-01T10:00"] * 2, "all 2 values are timestamps of 2020-01-01; no time zone in the text: read as UTC"),
    (
        ["2020-01-01T10:00Z", "2020-01-02T10:00", "2020-01-03T10:00+01:00"],
        "all 3 values are timestamps between 2020-01-01 and 2020-01-03; "
        "1 of 3 have no time zone and are read as UTC: row 3 '2020-01-02T10:00'",
    ),
    (
        ["2020-01-01T10:00:00.0001Z"] * 2,
        "all 2 values are timestamps of 2020-01-01; finer than a millisecond: rows 2, 3 ('2020-01-01T10:00:00.0001Z')",
    ),
    (
        ["2020-01-01T10:00:00.0000001Z", "1500-01-01T10:00Z"],
        "no one unit holds both a time finer than a microsecond (row 2 '2020-01-01T10:00:00.0000001Z') "
        "and a year so far off (row 3 '1500-01-01T10:00Z')",
    ),
]


@pytest.mark.parametrize(("cells", "reason"), REASONS, ids=lambda value: str(value)[:40])
def test_the_reason_says_what_was_seen_and_where(cells: list[str | None], reason: str) -> None:
    assert reason_of(cells) == reason


def test_large_counts_have_separators_and_counterexamples_are_counted_over_all_batches() -> None:
    cells: list[str | None] = [str(n % 7) for n in range(2 * PIECE + 100)]
    assert reason_of(cells) == f"all {len(cells):,} values are whole numbers between 0 and 6"
    for row in (17, PIECE, 2 * PIECE, 2 * PIECE + 50):
        cells[row - 2] = "x"
    wanted = f"4 of 65,636 values are not whole numbers: rows 17, {PIECE}, {2 * PIECE}, … ('x', …)"
    assert reason_of(cells) == wanted


def test_evidence_has_a_row_for_each_column() -> None:
    batch = pa.record_batch({"Order ID": ["007", "008", "007", "1"], "n": ["1", None, "NA", " 2 "]})
    evidence = infer([(batch, None)], batch.schema, name="things", text=True).evidence
    assert evidence.columns.tolist() == [
        "field",
        "column",
        "type",
        "rows",
        "nulls",
        "unique",
        "examples",
        "reason",
    ]
    assert evidence.loc[0].tolist()[:7] == ["Order_ID", "Order ID", "string", 4, 0, False, ("007", "008", "1")]
    assert evidence.loc[1].tolist()[:7] == ["n", "n", "long or null", 4, 2, True, ("1", "2")]


def test_given_row_numbers_are_used_and_others_counted() -> None:
    batch = pa.record_batch({"x": ["1", "x", "2"]})
    numbered = infer([(batch, pa.array([10, 20, 30]))], batch.schema, name="things", text=True)
    assert "row 20 'x'" in numbered.evidence.loc[0, "reason"]
    counted = infer([(batch, None), (batch, None)], batch.schema, name="things", text=True)
    assert "rows 3, 6 " in counted.evidence.loc[0, "reason"]
    batch = pa.record_batch({"x": ["2020-01-01", "x", "2020-01-01"]})
    assert "row 1 'x'" in infer([(batch, None)], batch.schema, name="things", text=False).evidence.loc[0, "reason"]


def test_long_values_are_cut_in_the_evidence() -> None:
    evidence = infer_cells(["1", "2", "y" * 1000]).evidence
    assert len(evidence.loc[0, "reason"]) < 120
    assert max(map(len, evidence.loc[0, "examples"])) == 80


def test_the_evidence_is_shown_as_a_table_and_escaped() -> None:
    inferred = infer_cells(["<script>alert(1)</script>"], column="<b>")
    html = inferred._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    text = repr(infer_cells(["1"] * 1234))
    assert text.startswith("things: 1 field, inferred\nfield")
    assert "1,234" in text


# Real files

REAL = {
    "airlines": {"carrier": "string", "name": "string"},
    "airports": {
        "faa": "string",
        "name": "string",
        "lat": "double",
        "lon": "double",
        "alt": "long",
        "tz": "long",
        "dst": "string",
        "tzone": optional("string"),
    },
    "purchases": {"customerId": "string", "date": DATE, "quantity": "long", "amount": "double"},
    "planes": {
        "tailnum": "string",
        "year": optional("long"),
        "type": "string",
        "manufacturer": "string",
        "model": "string",
        "engines": "long",
        "seats": "long",
        "speed": optional("long"),
        "engine": "string",
    },
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str) -> None:
    assert types(infer_from(open_csv(DATA / f"{name}.csv"), name)) == REAL[name]


def test_a_real_file_with_timestamps_and_gaps() -> None:
    tabular = open_csv(DATA / "flights.csv")
    inferred = infer_from(tabular, "flights")
    found = types(inferred)
    assert found["time_hour"] == MILLIS
    assert [name for name, each in found.items() if each == optional("long")] == [
        "dep_time",
        "dep_delay",
        "arr_time",
        "arr_delay",
        "air_time",
    ]
    assert inferred.evidence.set_index("field").loc["tailnum", "nulls"] == 148
    for block in tabular.blocks():
        for field, column in zip(inferred.schema.fields, block.batch.columns, strict=True):
            assert not convert(column, field.type, {}, field.name).refusals


# Properties

LOOKALIKES = st.one_of(
    st.none(),
    st.sampled_from([*grammar.NULL_TEXTS, "true", "False", "x", " ", "-", ".", "e", "2020-01-01", "007", "1e400"]),
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-99, 99).map(str),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1]).map(str),
    st.floats(allow_nan=False).map(repr),
    st.dates().map(str),
    st.datetimes().map(str),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.from_regex(r"\A-?[0-9]{1,3}(\.[0-9]{0,3})?([eE][+-]?[0-9]{1,3})?\Z"),
    st.from_regex(r"\A[0-9]{4}-[0-1][0-9]-[0-3][0-9]\Z", alphabet="0123456789-"),
    st.from_regex(
        r"\A(0000|0001|1677|2020|2262|9999)-(02|12)-(28|29|30|31)[T ][0-2][0-9]:[0-6][0-9]"
        r"(:[0-6][0-9](\.[0-9]{1,9})?)?(Z|[+-][0-2][0-9](:?[0-6][0-9])?)?\Z",
        alphabet="0123456789-:.TZ+ ",
    ),
    st.text(max_size=3),
)
SURROUNDED = st.builds(
    lambda before, cell, after: None if cell is None else before + cell + after,
    st.sampled_from(["", "", "", " ", "\t"]),
    LOOKALIKES,
    st.sampled_from(["", "", "", " ", "\n"]),
)
COLUMNS = st.one_of(
    st.lists(SURROUNDED, max_size=8),
    st.lists(st.one_of(st.dates().map(str), st.sampled_from(["NA", "2020-02-30"])), max_size=6),
    st.lists(st.one_of(st.datetimes().map(str), st.datetimes(timezones=st.just(UTC)).map(str)), max_size=6),
    st.lists(st.one_of(st.integers(-(2**64), 2**64).map(str), st.floats(-1e6, 1e6).map(repr)), max_size=6),
)


def base_of(avro: Any) -> str:
    """Return the type without its null branch, by its most telling name."""
    bare = avro[1] if isinstance(avro, list) else avro
    return bare["logicalType"] if isinstance(bare, dict) else bare


def widens(narrow: str, wide: str) -> bool:
    if narrow == wide or wide == "string" or (narrow, wide) == ("long", "double"):
        return True
    times = ["timestamp-millis", "timestamp-micros", "timestamp-nanos"]
    return narrow in times and wide in times and times.index(narrow) <= times.index(wide)


@given(COLUMNS, st.booleans())
@example(["2262-12-31T23:59:59.123456789Z"], True)
@example(["1677-12-31T23:59:59.123456789-23:59", "2261-12-31T23:59:59.999999999-23:59"], True)
def test_every_value_can_be_read_as_the_inferred_type(cells: list[str | None], text: bool) -> None:
    inferred = infer_cells(cells, text=text)
    (field,) = inferred.schema.fields
    column = pa.array(cells, pa.string())
    read = convert(column, field.type, {}, "x")
    assert not read.refusals
    assert read.values.null_count == (inferred.evidence.loc[0, "nulls"] if cells else 0)


@given(COLUMNS)
def test_a_long_column_holds_only_whole_numbers_of_64_bits(cells: list[str | None]) -> None:
    if base_of(type_of(cells)) != "long":
        return
    trimmed = pc.utf8_trim_whitespace(pa.array(cells, pa.string())).drop_null()
    values = trimmed.filter(pc.invert(pc.is_in(trimmed, pa.array(grammar.NULL_TEXTS))))
    assert pc.all(pc.match_substring_regex(values, grammar.PLAIN_INTEGER)).as_py()
    assert values.cast(pa.int64()).cast(pa.string()) == values


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_any_column_of_64_bit_integers_is_a_long_and_reads_back_equal(numbers: list[int]) -> None:
    cells: list[str | None] = [str(number) for number in numbers]
    assert type_of(cells) == "long"
    (field,) = infer_cells(cells).schema.fields
    assert convert(pa.array(cells), field.type, {}, "x").values.to_pylist() == numbers


@given(COLUMNS, SURROUNDED, st.booleans())
def test_a_value_more_never_makes_the_type_narrower(cells: list[str | None], more: str | None, text: bool) -> None:
    before, after = infer_cells(cells, text=text), infer_cells([*cells, more], text=text)
    examples = before.evidence.loc[0, "examples"]
    old, new = field_of(before)["type"], field_of(after)["type"]
    if not examples:  # nothing was known of the column
        assert old == ["null", "string"]
        return
    assert widens(base_of(old), base_of(new))
    if base_of(old) == base_of(new):
        assert isinstance(new, list) or not isinstance(old, list)


@given(COLUMNS, st.randoms(use_true_random=False), st.integers(1, 4), st.booleans())
def test_neither_row_order_nor_batches_change_the_schema(
    cells: list[str | None], random: Any, batch: int, text: bool
) -> None:
    shuffled = random.sample(cells, len(cells))
    whole, cut = infer_cells(cells, text=text), infer_cells(shuffled, text=text, batch=batch)
    assert whole.schema == cut.schema
    counts = ["rows", "nulls", "type"]
    assert whole.evidence[counts].equals(cut.evidence[counts])


@given(COLUMNS, st.integers(1, 4), st.booleans())
def test_batches_change_nothing_of_the_evidence(cells: list[str | None], batch: int, text: bool) -> None:
    whole, cut = infer_cells(cells, text=text), infer_cells(cells, text=text, batch=batch)
    assert whole.evidence.equals(cut.evidence)


@given(st.lists(st.one_of(st.none(), st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1))), min_size=1))
def test_naive_times_of_a_frame_read_back_as_the_same_times_in_utc(times: list[datetime | None]) -> None:
    column = pa.array(times, pa.timestamp("us"))
    inferred = infer_from(open_table(pa.table({"t": column})))
    read = convert(column, inferred.schema["t"].type, {}, "t")
    assert not read.refusals
    wanted = pa.array([time and time.replace(tzinfo=UTC) for time in times], pa.timestamp("us", "UTC"))
    assert read.values.cast(wanted.type) == wanted


def test_the_caller_keeps_the_frame() -> None:
    frame = pd.DataFrame({"a b": ["2020-01-01", None]})
    copy = frame.copy(deep=True)
    infer_frame(frame)
    pd.testing.assert_frame_equal(frame, copy)


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (["0.1234567890123456789", "1.5"], "1 will be rounded, having more digits than a double keeps: row 2"),
        (["1.5", "-12345678901234567890.5e3"], "row 3 '-12345678901234567890.5e3'"),
        (["0.30000000000000004", "1.50000000000000000000", "0.00000000000000000000001", "5e-324"], None),
    ],
)
def test_digits_that_a_double_cannot_keep_are_told(cells: list[str], note: str | None) -> None:
    schema = pa.schema([("a", pa.string())])
    batch = pa.record_batch([pa.array(cells)], schema=schema)
    inferred = infer([(batch, None)], schema, name="r", text=True)
    assert inferred.schema.to_avro()["fields"][0]["type"] == "double"
    reason = inferred.evidence["reason"].iloc[0]
    assert (note in reason) if note else ("rounded" not in reason)
