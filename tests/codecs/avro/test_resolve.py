"""Reading with another schema than the data were written with."""

from __future__ import annotations

import datetime as dt
import io
import random
from typing import Any

import fastavro
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from avro_kinds import file_of, files
from intempt_nb.codecs.avro.scan import scan_avro
from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.comparing.compatibility import compatibility
from intempt_nb.schema.parsing.avro import read_schema
from random_schemas import Maker, Values, has_union


def record(name: str = "r", **types: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": each, "type": kind} for each, kind in types.items()]}


def written(schema: Any, *rows: Any) -> bytes:
    out = io.BytesIO()
    for row in rows:
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema), row)
    return file_of(schema, [(len(rows), out.getvalue())])


def read(schema: Any, rows: list[Any], reader: Any) -> list[Any]:
    found: list[Any] = scan_avro(written(schema, *rows), reader_schema=reader).to_arrow().to_pylist()
    return found


@settings(max_examples=100)
@given(files())
def test_the_same_schema_changes_nothing(made: Any) -> None:
    _, _, file = made
    text = scan_avro(file).schema.text
    assert scan_avro(file, reader_schema=f" {text}").to_arrow().equals(scan_avro(file).to_arrow())


@pytest.mark.parametrize(
    ("writer", "value", "reader", "found"),
    [
        ("int", 5, "long", 5),
        ("int", 5, "double", 5.0),
        ("long", 2**40, "float", 2.0**40),
        ("float", 1.5, "double", 1.5),
        ("string", "a", "bytes", b"a"),
        ("bytes", b"a", "string", "a"),
        ("int", 5, ["null", "string", "double"], 5.0),
        ({"type": "long", "logicalType": "arrow.duration-seconds"}, 5, "long", 5),
        (["null", "int"], 5, "long", 5),
        ({"type": "array", "items": "int"}, [1, 2], {"type": "array", "items": ["null", "long"]}, [1, 2]),
        ({"type": "map", "values": "int"}, {"a": 1}, {"type": "map", "values": "double"}, [("a", 1.0)]),
        ("int", 0, {"type": "int", "logicalType": "date"}, dt.date(1970, 1, 1)),
        (record("a.p", y="int"), {"y": 1}, record("b.p", y="long"), {"y": 1}),
        (record("q", y="int"), {"y": 1}, {**record("p", y="long"), "aliases": ["q"]}, {"y": 1}),
    ],
)
def test_a_value_is_read_as_another_type(writer: Any, value: Any, reader: Any, found: Any) -> None:
    assert (
        read(record(x=writer, rest="string"), [{"x": value, "rest": "a"}] * 2, record(x=reader)) == [{"x": found}] * 2
    )


def test_fields_are_matched_by_name_and_alias_and_filled_in() -> None:
    reader = {
        "type": "record",
        "name": "r",
        "fields": [
            {"name": "new", "type": ["null", "string"], "default": None},
            {"name": "second", "type": "long", "aliases": ["b"]},
            {"name": "a", "type": "string"},
            {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["X"]}, "default": "X"},
        ],
    }
    assert read(record(a="string", b="int", c="bytes"), [{"a": "x", "b": 7, "c": b"gone"}], reader) == [
        {"new": None, "second": 7, "a": "x", "e": "X"}
    ]


def test_no_field_is_read_twice() -> None:
    fields = [{"name": "a", "type": "int"}, {"name": "b", "type": "int", "aliases": ["a"], "default": 7}]
    reader = {"type": "record", "name": "r", "fields": fields}
    assert read(record(a="int"), [{"a": 3}], reader) == [{"a": 3, "b": 7}]


def test_a_branch_that_cannot_be_read_is_not_taken_at_a_second_look() -> None:
    writer, other = record("p", y="int"), record("z.p", y="long")
    reader = record(x=[record("p", z="int"), other], rest="string")
    row = {"x": {"y": 3}, "rest": "abc"}
    assert read(record(x=writer, rest="string"), [row], reader) == [row]


def resolved_by_fastavro(writer: Any, rows: list[Any], reader: Any) -> list[Any]:
    schemas = fastavro.parse_schema(writer), fastavro.parse_schema(reader)
    found = []
    for row in rows:
        data = io.BytesIO()
        fastavro.schemaless_writer(data, schemas[0], row)
        data.seek(0)
        found.append(fastavro.schemaless_reader(data, *schemas))
    return found


@settings(max_examples=300)
@given(st.integers(0, 2**32).map(random.Random))
def test_what_is_read_is_what_is_said_to_be_compatible(chance: random.Random) -> None:
    maker = Maker(chance)
    writer = maker.record(3)
    reader = maker.changed(writer)
    try:
        answer = compatibility(read_schema(reader)[0], read_schema(writer)[0])
    except SchemaError:  # a change took away what another part names, say
        reject()
    values = Values(chance, writer)
    if answer:
        rows = [values.of(writer) for _ in range(3)]
        found = scan_avro(written(writer, *rows), reader_schema=reader).to_arrow()
        assert found.num_rows == 3
        if not has_union(writer) and not has_union(reader):  # else the peer may take another branch
            assert found == scan_avro(written(reader, *resolved_by_fastavro(writer, rows, reader))).to_arrow()
    elif not has_union(writer) and "MISSING_ENUM_SYMBOLS" not in repr(answer):  # of these only some values fail
        with pytest.raises(SchemaError):
            scan_avro(file_of(writer, []), reader_schema=reader).to_arrow()


@pytest.mark.parametrize(
    ("writer", "reader", "message"),
    [
        ("long", "int", "x: .*long cannot be read as int"),
        ("string", "long", "string cannot be read as long"),
        ("double", "float", "double cannot be read as float"),
        ("null", ["int", "string"], "null can be read as no branch of int or string"),
        (["string", "null"], "long", "no branch of string or null can be read as long"),
        (record("p", y="int"), record("q", y="int"), "cannot be read as record"),
        (record("a.p", y="int"), {**record("q", y="int"), "aliases": ["b.p"]}, "cannot be read as record"),
        (record("p", y="int"), record("p", z="int"), "x.z: .*no such field, and it has no default"),
        (
            {"type": "fixed", "name": "f", "size": 2},
            {"type": "fixed", "name": "f", "size": 3},
            "fixed of 2 bytes cannot be read as fixed of 3",
        ),
    ],
)
def test_a_type_that_cannot_be_read_is_told(writer: Any, reader: Any, message: str) -> None:
    scan = scan_avro(file_of(record(x=writer), []), reader_schema=record(x=reader))
    with pytest.raises(SchemaError, match=message):
        scan.to_arrow()


def test_a_branch_that_cannot_be_read_is_told_with_its_row() -> None:
    rows = [{"x": 1}, {"x": "a"}]
    with pytest.raises(DataError, match="a value of branch string: string cannot be read as long") as caught:
        read(record(x=["int", "string"]), rows, record(x="long"))
    assert (caught.value.row, caught.value.field) == (1, "x")


def test_a_recursive_record_is_read() -> None:
    node = record("node", value="int", next=["null", "node"])
    wide = record("node", next=["null", "node"], value="long")
    rows = [{"value": 1, "next": {"value": 2, "next": None}}]
    assert read(record(x=node), [{"x": rows[0]}], record(x=wide)) == [
        {"x": '{"next":{"next":null,"value":2},"value":1}'}
    ]


def test_defaults_that_make_much_of_little_come_in_pieces() -> None:
    reader = record(y="string")
    reader["fields"][0]["default"] = "y" * 1_000
    scan = scan_avro(file_of(record(x="null"), [(40_000, b""), (2, b"")]), reader_schema=reader)
    batches = list(scan.to_batches())
    assert sum(batch.num_rows for batch in batches) == 40_002
    assert max(batch.nbytes for batch in batches) < 40_000_000
    assert set(scan.to_arrow()["y"].to_pylist()) == {"y" * 1_000}


def test_a_row_behind_many_is_told_with_its_number() -> None:
    enum = {"type": "enum", "name": "e", "symbols": ["A", "B"]}
    file = file_of(record(x=enum), [(70_000, bytes(70_000)), (2, b"\0\2")])
    with pytest.raises(DataError, match="symbol 'B' is none of the reader's") as caught:
        scan_avro(file, reader_schema=record(x={**enum, "symbols": ["A"]})).to_arrow()
    assert caught.value.row == 70_001
