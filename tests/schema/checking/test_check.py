"""What `check` says of data, and that it is what an upload makes of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intempt_nb.codecs.rows.frames import open_table
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.check import SchemaCheck, check
from intempt_nb.schema.checking.validation import validate
from intempt_nb.schema.parsing.avro import SchemaWarning
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.prepare import plan_columns, prepare

DATE = {"type": "string", "logicalType": "date"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-micros"}
CLOCK = {"type": "int", "logicalType": "time-millis"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}
UUID = {"type": "string", "logicalType": "uuid"}


def schema_of(**fields: Any) -> Schema:
    """A schema of fields given as a type, or as a whole field."""
    made = [
        {"name": name, **(avro if isinstance(avro, dict) and "type" in avro and "name" not in avro and _is_field(avro)
                          else {"type": avro})}
        for name, avro in fields.items()
    ]  # fmt: skip
    return Schema.parse({"type": "record", "name": "booking", "fields": made})


def _is_field(avro: dict[str, Any]) -> bool:
    return bool(avro.keys() & {"default", "title", "aliases"})


def status(result: SchemaCheck) -> dict[str, str]:
    return {each.field or each.column or "": each.status for each in result.checks}


def test_each_column_is_told_what_is_the_matter_with_it() -> None:
    schema = schema_of(
        id="long",
        score="double",
        day=DATE,
        name="string",
        note=["null", "string"],
        kind={"type": "string", "default": "A"},
    )
    frame = pd.DataFrame(
        {"id": [1.0, 2.5, 3.0, 4.5], "score": [True, False, True, True], "naem": ["a"] * 4, "x": [0] * 4}
    )
    frame["day"] = "2020-01-01"
    result = check(frame, schema)
    assert not result
    assert status(result) == {
        "id": "values", "score": "type", "day": "fits", "name": "missing", "note": "optional", "kind": "default",
        "naem": "extra", "x": "extra",
    }  # fmt: skip
    by_name = {each.field or each.column: each for each in result.checks}
    assert by_name["id"].message == "2 of 4 values: not a whole number (rows 1, 3)"
    assert (by_name["id"].failing, by_name["id"].rows) == (2, (1, 3))
    assert by_name["score"].failing == 4
    assert "holds bool; expected double" in by_name["score"].message
    assert by_name["name"].message == "no column for a required field; 'naem' may be meant"
    assert by_name["name"].advice == "frame = frame.rename(columns={'naem': 'name'})"
    assert by_name["naem"].message == "the schema does not name it; it is not sent; 'name' may be meant"
    assert by_name["kind"].message == "no column; takes its default, 'A'"
    assert [error.field for error in result.problems] == ["id", "score", "name"]
    with pytest.raises(
        DataError, match=r"row 1, field 'id': 2 of 4 values.*; and 2 more:\n.*\n.*required field"
    ) as caught:
        result.raise_for_problems()
    assert caught.value.row == 1


def test_columns_is_a_table_of_it() -> None:
    columns = check(pd.DataFrame({"id": [1.5], "x": [0]}), schema_of(id="long")).columns
    assert columns.columns.tolist() == [
        "column", "field", "status", "data_type", "schema_type", "failing", "rows", "message", "advice",
    ]  # fmt: skip
    assert columns.iloc[0].tolist()[:6] == ["id", "id", "values", "double", "long", 1]
    assert list(columns["rows"][0]) == [0]
    assert columns["field"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    "make", [lambda t: t, lambda t: t.to_batches()[0], lambda t: t.to_pandas(), lambda t: _Stream(t)]
)
def test_data_of_any_kind_that_fits_is_true(make: Any) -> None:
    result = check(
        make(pa.table({"id": [1, 2], "day": [dt.date(2020, 1, 1), None]})), schema_of(id="long", day=["null", DATE])
    )
    assert result
    assert result.problems == ()
    result.raise_for_problems()
    assert set(status(result).values()) == {"fits"}


class _Stream:
    """Arrow data that is known by its capsule alone."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("data", [[1, 2], "x.csv", pd.Series([1]), None])
def test_what_has_no_columns_is_an_error(data: Any) -> None:
    with pytest.raises(DataError, match="rows cannot be read from"):
        check(data, schema_of(id="long"))


def test_data_without_any_column_of_the_schema_is_a_problem_even_if_none_is_required() -> None:
    result = check(pa.table({"x": [1]}), schema_of(note=["null", "string"]))
    assert [str(error) for error in result.problems] == ["Arrow table: no column that the schema names"]


def test_titles_aliases_and_changed_names_match_as_in_an_upload() -> None:
    schema = schema_of(
        a={"type": "long", "title": "Booking no"}, b={"type": "long", "aliases": ["old_b"]}, Flight_ID="long"
    )
    result = check(pa.table({"Booking no": [1], "old_b": [1], "Flight ID": [1]}), schema)
    assert result
    assert [(each.column, each.field) for each in result.checks] == [
        ("Booking no", "a"), ("old_b", "b"), ("Flight ID", "Flight_ID"),
    ]  # fmt: skip


def test_parts_of_a_record_that_the_schema_does_not_name_are_extra() -> None:
    url = {"type": "record", "name": "url", "fields": [{"name": "port", "type": "int"}]}
    result = check(pa.table({"url": [{"port": 1, "path": "x"}]}), schema_of(url=url))
    assert result
    assert status(result) == {"url": "fits", "url.path": "extra"}


def test_the_first_rows_are_told_and_all_are_counted_over_many_blocks() -> None:
    numbers = np.zeros(200_000)
    bad = [17, 90, 65_536, 131_072, 199_998, 199_999]
    numbers[bad] = 0.5
    (found,) = check(pa.table({"n": numbers}), schema_of(n="long")).checks
    assert (found.failing, found.rows) == (6, tuple(bad[:5]))
    assert found.message == "6 of 200,000 values: not a whole number (rows 17, 90, 65536, 131072, 199998, …)"


def test_a_gap_takes_the_default_if_it_is_one() -> None:
    numbers = pa.table({"n": pa.array([1, None])})
    assert check(numbers, schema_of(n={"type": "long", "default": 5}))
    assert not check(numbers, schema_of(n="long"))
    with pytest.warns(SchemaWarning, match="soon"):
        schema = Schema.parse(
            {"type": "record", "name": "r", "fields": [{"name": "day", "type": DATE, "default": "soon"}]}
        )
    assert not check(pa.table({"day": pa.array(["2020-01-01", None])}), schema)


def test_a_row_with_two_bad_parts_fails_once() -> None:
    table = pa.table({"tags": [[1.5, 2.5], [1.0], [0.5]]})
    (found,) = check(table, schema_of(tags={"type": "array", "items": "long"})).checks
    assert (found.failing, found.rows) == (2, (0, 2))
    assert found.message == "2 of 3 values: not a whole number (rows 0, 2)"


def test_a_reason_of_several_parts_is_told_once() -> None:
    parts = {"type": "record", "name": "p", "fields": [{"name": each, "type": "long"} for each in "ab"]}
    table = pa.table({"x": pa.array([{"a": 1, "b": 2}, {"a": None, "b": 2}, {"a": None, "b": None}])})
    (found,) = check(table, schema_of(x=parts)).checks[:1]
    assert (found.failing, found.rows) == (2, (1, 2))
    assert found.message == "2 of 3 values: no value for a required field (rows 1, 2)"


def test_columns_that_cannot_be_read_are_one_line_each() -> None:
    frame = pd.DataFrame(
        {
            "mixed": [1, "x"],
            "sparse": pd.arrays.SparseArray([0, 1]),
            "complex": [1j, 2j],
            "nested": [{"a": 1}, {"a": "x"}],
            "half": pd.Series(["a", "\ud800"], dtype=object),
            "kind": pd.Categorical(["A", "B"]),
            "when": pd.date_range("2020", periods=2, tz="Europe/Paris"),
            5: [1, 2],
        }
    )
    schema = schema_of(mixed="string", sparse="long", kind="string", when=MILLIS)
    result = check(frame, schema)
    assert {name for name, each in status(result).items() if each == "unreadable"} == {
        "mixed", "sparse", "complex", "nested", "half", "5",
    }  # fmt: skip
    assert status(result)["kind"] == status(result)["when"] == "fits"
    mixed = next(each for each in result.checks if each.field == "mixed")
    assert (mixed.rows, mixed.message) == ((1,), "the column holds int and, here, str 'x'")
    assert len(result.problems) == 6


# Agreement with an upload.

TEXTS = [
    "",
    "NA",
    "x",
    "1",
    "1.5",
    "2020-01-01",
    "2020-02-30",
    "2020-01-01T10:00Z",
    "true",
    "A",
    '{"a": 1}',
    "YWI=",
    "P1D",
]
INSTANTS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))


SCALARS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.bool_(), st.booleans()),
    (pa.int8(), st.integers(-128, 127)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats() | st.integers(-5, 5).map(float)),
    (pa.decimal128(10, 3), st.decimals(-9999, 9999, places=3) | st.integers(-99, 99).map(decimal.Decimal)),
    (pa.string(), st.sampled_from(TEXTS) | st.text(max_size=4)),
    (pa.large_string(), st.sampled_from(TEXTS)),
    (pa.string_view(), st.sampled_from(TEXTS)),
    (pa.binary(), st.binary(max_size=3)),
    (pa.binary(2), st.binary(min_size=2, max_size=2)),
    (pa.date32(), st.dates()),
    (pa.date64(), st.dates()),
    (pa.time32("s"), st.times().map(lambda each: each.replace(microsecond=0))),
    (pa.time64("us"), st.times()),
    (pa.timestamp("s"), INSTANTS.map(lambda each: each.replace(microsecond=0))),
    (pa.timestamp("us"), INSTANTS),
    (pa.timestamp("ns", "UTC"), INSTANTS),
    (pa.timestamp("us", "Europe/Paris"), INSTANTS),
    (pa.duration("us"), st.timedeltas(dt.timedelta(-5), dt.timedelta(5))),
    (pa.month_day_nano_interval(), st.just(pa.MonthDayNano([1, 2, 3_000_000]))),
    (pa.null(), st.none()),
]


SHAPES = ["flat", "flat", "flat", "list", "large list", "list view", "fixed", "struct", "map", "dictionary"]


@st.composite
def arrow_columns(draw: st.DrawFn, length: int, scalar: Any = None, shape: str | None = None) -> pa.Array:
    kind, values = scalar or draw(st.sampled_from(SCALARS))
    shape = shape or draw(st.sampled_from(SHAPES))
    cell = st.none() | values if draw(st.booleans()) else values
    match shape:
        case "list" | "large list" | "list view":
            kind = {"list": pa.list_, "large list": pa.large_list, "list view": pa.list_view}[shape](kind)
            cell = st.none() | st.lists(cell, max_size=3)
        case "fixed":
            kind, cell = pa.list_(kind, 2), st.none() | st.lists(cell, min_size=2, max_size=2)
        case "struct":
            kind = pa.struct({"a": kind, "z": pa.int64()})
            cell = st.none() | st.fixed_dictionaries({"a": cell, "z": st.just(1)})
        case "map":
            cell = st.none() | st.dictionaries(st.text(max_size=2), cell, max_size=3).map(lambda each: [*each.items()])
            kind = pa.map_(pa.string(), kind)
    array = pa.array(draw(st.lists(cell, min_size=length + 1, max_size=length + 1)), kind)
    if shape == "dictionary" and not pa.types.is_null(kind):
        with contextlib.suppress(pa.ArrowNotImplementedError):  # types that Arrow has no dictionaries of
            array = array.dictionary_encode()
    return array.slice(1)


AVRO: list[Any] = [
    "null", "boolean", "int", "long", "float", "double", "string", "bytes",
    DATE, {"type": "int", "logicalType": "date"}, MILLIS, LOCAL, {"type": "long", "logicalType": "timestamp-nanos"},
    CLOCK, {"type": "long", "logicalType": "time-micros"},
    MONEY, UUID, {"type": "bytes", "logicalType": "big-decimal"},
    {"type": "fixed", "name": "F", "size": 2}, {"type": "enum", "name": "E", "symbols": ["A", "x"]},
    {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"},
    {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
]  # fmt: skip


NEAR = [
    (4, "long"), (5, "long"), (5, "float"), (2, "int"), (3, "long"), (2, "double"), (6, MONEY), (6, "long"),
    (10, "bytes"), (10, {"type": "fixed", "name": "F", "size": 2}),
    (12, {"type": "long", "logicalType": "timestamp-nanos"}), (15, CLOCK), (17, MILLIS), (17, DATE),
    (18, MILLIS), (19, MILLIS),
    *((text, avro) for text in (7, 8, 9) for avro in ("long", "double", DATE, MILLIS, "boolean", "bytes", MONEY)),
]  # fmt: skip
"""Columns of `SCALARS` beside types that take some of their values."""


@st.composite
def columns_and_types(draw: st.DrawFn, length: int) -> tuple[pa.Array, Any]:
    """A column and a type, which mostly go together."""
    if draw(st.integers(0, 3)) == 0:
        return draw(arrow_columns(length)), draw(st.sampled_from([*AVRO, ["long", "string"]]))
    number, inner = draw(st.sampled_from(NEAR))
    inner = ["null", inner] if draw(st.booleans()) else inner
    shape = draw(st.sampled_from(SHAPES))
    match shape:
        case "list" | "large list" | "list view" | "fixed":
            made: Any = {"type": "array", "items": inner}
        case "struct":
            made = {"type": "record", "name": "R", "fields": [{"name": "a", "type": inner}]}
        case "map":
            made = {"type": "map", "values": inner}
        case _:
            made = inner
    made = ["null", made] if not isinstance(made, list) and draw(st.booleans()) else made
    return draw(arrow_columns(length, SCALARS[number], shape)), made


@settings(max_examples=300)
@given(st.data())
def test_an_upload_takes_what_the_check_takes_and_rejects_the_same_rows_for_the_same_reasons(
    data: st.DataObject,
) -> None:
    length = data.draw(st.integers(1, 6))
    one, avro = data.draw(columns_and_types(length))
    fields = [{"name": "one", "type": avro}, {"name": "two", "type": data.draw(st.sampled_from(AVRO[:8]))}]
    fields[1]["type"] = ["null", fields[1]["type"]] if fields[1]["type"] != "null" else "null"
    if data.draw(st.booleans()):
        fields.append({"name": "three", "type": "long", "default": 5})
    schema = Schema.parse({"type": "record", "name": "r", "fields": fields})
    others = data.draw(st.sets(st.sampled_from(["two", "three", "four"]), max_size=1))
    columns = {"one": one, **{name: data.draw(arrow_columns(length)) for name in others}}
    if data.draw(st.integers(0, 9)) == 0:
        del columns["one"]
    table = pa.table(columns)
    names = set(columns)
    source = open_table(table)
    result, found = check(table, schema), validate(table, schema)
    assert bool(result) == found.empty
    try:
        plan = plan_columns(schema, source)
        blocks = list(prepare(source, schema, plan))
    except DataError:
        assert not result
        assert {each.status for each in result.checks} & {"type", "missing"} or not names & set(schema.names)
        return
    rejects = pa.concat_tables([block.rejects for block in blocks]).to_pylist()
    assert bool(result) == (not rejects)
    key = ("row", "field", "value", "expected", "reason")
    mine = found.astype(object).where(found.notna(), None).to_dict("records")
    assert Counter(tuple(each[part] for part in key) for each in mine) == Counter(
        tuple(each[part] for part in key) for each in rejects
    )
    for each in result.checks:
        if each.field is not None:
            rows = {reject["row"] for reject in rejects if re.split(r"[.\[{]", reject["field"])[0] == each.field}
            assert each.failing == len(rows)
            assert set(each.rows) <= rows


# Views.


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)


@pytest.mark.parametrize("count", [1, 200])
def test_views_show_every_column_and_the_problems_first(count: int) -> None:
    names = [f"column_{number}" for number in range(count)]
    frame = pd.DataFrame({name: [1.0, 2.0] for name in names})
    frame[names[-1]] = [1.0, 2.5]
    result = check(frame, schema_of(**dict.fromkeys(names, "long")))
    parser = _Cells()
    html = result._repr_html_()
    parser.feed(html)
    assert parser.tags.count("tr") == count + 1
    assert "DataFrame of 2 rows → booking: does not fit: 1 problem" in html
    assert html.index(names[-1]) < html.index(f"{names[0]}<") or count == 1
    lines = repr(result).splitlines()
    assert lines[2].startswith(names[-1])
    assert lines[-1] == f"frame['{names[-1]}'] = frame['{names[-1]}'].round()  # rounds"


def test_names_from_data_are_escaped() -> None:
    html = check(pa.table({"<script>": [1], "id": [1]}), schema_of(id="long"))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
