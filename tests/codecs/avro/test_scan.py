"""Container files: what fastavro wrote comes back as it was, byte for byte, in every form."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import io
import json
import math
import os
import struct
import time
import uuid
import warnings
from typing import TYPE_CHECKING, Any

import fastavro
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from avro_kinds import Kind, file_of, files
from intempt_nb.codecs.avro import fast as avro_fast
from intempt_nb.codecs.avro.container import Container
from intempt_nb.codecs.avro.items import decode_items, encode_items
from intempt_nb.codecs.avro.scan import read_avro, scan_avro
from intempt_nb.codecs.avro.unions import convert_unions
from intempt_nb.codecs.avro.write import write_avro
from intempt_nb.errors import DataError
from intempt_nb.schema.parsing.avro import SchemaWarning
from intempt_nb.schema.schema import Schema
from shared import cases, shared_path

if TYPE_CHECKING:
    from pathlib import Path


def payload(file: bytes) -> bytes:
    return b"".join(block.data for block in Container(io.BytesIO(file), "file").blocks())


def rewritten(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    write_avro(table, out, **options)
    return out.getvalue()


def values_of(kind: Kind, file: bytes) -> list[Any]:
    """What fastavro reads in a file of ours, logical types aside."""
    rows = []
    parsed = fastavro.parse_schema(kind.raw)
    for block in Container(io.BytesIO(file), "file").blocks():
        data = io.BytesIO(block.data)
        rows += [fastavro.schemaless_reader(data, parsed, None) for _ in range(block.rows)]
        assert not data.read()
    return rows


def untagged(value: Any) -> Any:
    match value:
        case tuple():
            return untagged(value[1])
        case dict():
            return {key: untagged(each) for key, each in value.items()}
        case list():
            return [untagged(each) for each in value]
        case _:
            return value


@settings(max_examples=150)
@given(files())
def test_what_is_read_is_written_back_byte_for_byte(made: tuple[Kind, list[Any], bytes]) -> None:
    kind, rows, file = made
    scan = scan_avro(file)
    table = scan.to_arrow()
    table.validate(full=True)
    assert table.schema.equals(scan.schema.to_arrow(), check_metadata=True)
    assert table.num_rows == len(rows)
    written = rewritten(table, schema=scan.schema, codec="null")
    assert payload(written) == payload(file)
    assert values_of(kind, written) == untagged(rows)


@settings(max_examples=100)
@given(files())
def test_every_form_can_be_written_back(made: tuple[Kind, list[Any], bytes]) -> None:
    _, _, file = made
    dense = scan_avro(file).to_arrow()
    schema = scan_avro(file).schema
    scan = scan_avro(file, unions="struct", string_dates="string")
    apart = scan.to_arrow()
    apart.validate(full=True)
    assert payload(rewritten(apart, schema=schema)) == payload(file)
    assert convert_unions(dense, schema, unions="struct", string_dates="string").equals(apart)
    assert convert_unions(apart, schema).equals(dense)
    text = scan_avro(file, unions="json").to_arrow()
    assert convert_unions(dense, schema, unions="json").equals(text)
    try:
        numbers = scan_avro(file, unions="promote").to_arrow()
    except DataError as error:
        with pytest.raises(DataError, match="a long that no double holds") as caught:
            convert_unions(dense, schema, unions="promote")
        assert (caught.value.row, caught.value.field) == (error.row, error.field)  # noqa: PT017  (most are promoted)
    else:
        assert convert_unions(dense, schema, unions="promote").equals(numbers)
        assert convert_unions(numbers, schema, unions="promote").equals(numbers)
        again = scan_avro(rewritten(numbers, schema=schema), unions="promote").to_arrow()
        assert again.equals(numbers)


@pytest.mark.parametrize("case", cases("conformance/avro/data_manifest.json", name="file"))
def test_a_public_file_comes_back_byte_for_byte(case: dict[str, Any]) -> None:
    file = shared_path(f"conformance/avro/data/{case['file']}").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)
        scan = scan_avro(file)
        table = scan.to_arrow()
        assert table.schema.metadata[b"avro.schema"].decode() == scan.schema.text
        # fastavro makes Python's dates and times of two files and cannot: their numbers are kept here
        if case["fastavro"] == "ok":
            assert (scan.codec, table.num_rows, json.loads(scan.schema.text)) == (
                case["codec"],
                case["rows"],
                case["schema"],
            )
        for codec in ("null", "snappy"):
            written = rewritten(table, codec=codec)
            assert payload(written) == payload(file)
            assert json.loads(scan_avro(written).schema.text) == json.loads(scan.schema.text)
        for unions in ("promote", "struct", "json"):
            assert scan_avro(file, unions=unions).to_arrow().num_rows == table.num_rows  # type: ignore[arg-type]  # a str of three


def datum(value: Any) -> Any:
    """A value of the shared cases as plain JSON has it."""
    match value:
        case {"$bytes": text}:
            return text
        case {"$decimal": text}:
            return text
        case {"$date": text}:
            return text
        case {"$time": text}:
            return text
        case {"$datetime": text}:
            return text
        case dict():
            return {key: datum(each) for key, each in value.items()}
        case _:
            return value


def one(schema: Any, value: Any) -> bytes:
    """The bytes of one value, given as plain JSON."""
    return payload(rewritten(decode_items([datum(value)], schema_of(schema)), schema=schema_of(schema)))


def schema_of(avro: Any) -> Schema:
    return Schema.parse(json.dumps(avro))


@pytest.mark.filterwarnings("ignore:.*'ns.long':intempt_nb.SchemaWarning")  # a name that Avro 1.12 does not allow
@pytest.mark.parametrize("case", cases("conformance/avro/io_cases.json", "roundtrip"))
def test_a_public_value_comes_back(case: dict[str, Any]) -> None:
    schema, value = Schema.parse(json.dumps(case["schema"]), strict=False), case["datum"]
    table = decode_items([datum(value)], schema)
    again = scan_avro(rewritten(table, schema=schema)).to_arrow()
    assert again.equals(table)
    (found,) = encode_items(again, schema)
    assert decode_items([found], schema).equals(table)
    parsed = fastavro.parse_schema(case["schema"])
    found = fastavro.schemaless_reader(io.BytesIO(payload(rewritten(table, schema=schema))), parsed, None)
    match value:
        case {"$bytes": text}:
            assert found == base64.b64decode(text)
        case {"$decimal": text}:
            assert found == decimal.Decimal(text)
        case {"$date": text}:
            assert found == dt.date.fromisoformat(text)
        case {"$time": text}:
            assert found == dt.time.fromisoformat(text)
        case {"$datetime": text}:
            assert found == dt.datetime.fromisoformat(text)
        case _ if isinstance(found, uuid.UUID):
            assert str(found) == value
        case _:
            assert found == value


@pytest.mark.parametrize("case", cases("conformance/avro/io_cases.json", "binary", name="hex"))
def test_a_public_number_has_its_bytes(case: dict[str, Any]) -> None:
    assert one(case["type"], case["value"]) == bytes.fromhex(case["hex"])


def resolved(writer: Any, value: Any, reader: Any) -> Any:
    """What a reader's schema makes of a value."""
    file = file_of(writer, [(1, one(writer, value))])
    return encode_items(scan_avro(file, reader_schema=schema_of(reader)), schema_of(reader))[0]


@pytest.mark.parametrize("case", cases("conformance/avro/io_cases.json", "defaults"))
def test_a_public_default_fills_in(case: dict[str, Any]) -> None:
    assert resolved(case["writer"], case["writer_datum"], case["reader"]) == datum(case["expected"])


@pytest.mark.parametrize("case", cases("conformance/avro/io_cases.json", "decoding", name="source"))
def test_a_public_value_is_read_as_another_schema(case: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)
        if case["expected"] == "ERROR":
            with pytest.raises(ValueError, match=r"cannot be read|none of the reader's|no such field|does not fit"):
                resolved(case["writer"], case["datum"], case["reader"])
        else:
            assert resolved(case["writer"], case["datum"], case["reader"]) == case["expected"]


def record(**types: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": name, "type": each} for name, each in types.items()]}


# What users of other libraries complain about.


def test_a_decimal_default_is_a_decimal() -> None:
    """fastavro#869, #814: the default of bytes stays text."""
    logical = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    reader = {"type": "record", "name": "r", "fields": [{"name": "x", "type": logical, "default": "\u00ff\u0001"}]}
    reader["fields"].append({"name": "y", "type": "bytes", "default": "\u00ff"})
    table = scan_avro(file_of(record(z="null"), [(1, b"")]), reader_schema=reader).to_arrow()
    assert table.to_pylist() == [{"x": decimal.Decimal("-2.55"), "y": b"\xff"}]


def test_naive_times_do_not_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    """fastavro#409: naive datetimes move by the machine's time zone."""
    schema = record(x={"type": "long", "logicalType": "local-timestamp-micros"})
    noon = dt.datetime(2024, 7, 1, 12)
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        file = rewritten(pa.table({"x": pa.array([noon], pa.timestamp("us"))}), schema=schema)
        assert scan_avro(file).to_arrow()["x"].to_pylist() == [noon]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_nanoseconds_and_uuids_on_fixed_are_kept() -> None:
    """fastavro#883, #746; iceberg#16577."""
    schema = record(
        t={"type": "long", "logicalType": "timestamp-nanos"},
        u={"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"},
    )
    number = uuid.UUID(int=7)
    file = file_of(schema, [(1, b"\x03" + number.bytes)])
    table = scan_avro(file).to_arrow()
    assert table.schema.field("t").type == pa.timestamp("ns", "UTC")
    assert table["t"].cast(pa.int64()).to_pylist() == [-2]
    assert table["u"].to_pylist() == [number]
    assert payload(rewritten(read_avro(file), schema=schema)) == payload(file)


def test_nan_and_null_are_kept_apart() -> None:
    """fastavro#99, #313, #658."""
    schema = record(x=["null", "double"], y="float")
    strange = struct.pack("<Q", 0x7FF8_0000_0000_0001)
    file = file_of(schema, [(2, b"\2" + strange + struct.pack("<f", math.inf) + b"\0" + struct.pack("<f", math.nan))])
    frame = read_avro(file)
    assert payload(rewritten(frame, schema=schema)) == payload(file)
    assert scan_avro(file).to_arrow()["x"].null_count == 1


def test_every_value_that_does_not_fit_is_told_with_its_place() -> None:
    """fastavro#350, #656, #439: one error, without a path."""
    inner = {"type": "record", "name": "p", "fields": [{"name": "port", "type": "int"}]}
    schema = record(pages={"type": "array", "items": inner})
    rows = [{"pages": [{"port": 1}]}, {"pages": [{"port": 1}, {"port": None}]}]
    kind = pa.list_(pa.struct([("port", pa.int32())]))
    with pytest.raises(DataError) as caught:
        rewritten(pa.table({"pages": pa.array([row["pages"] for row in rows], kind)}), schema=schema)
    assert (caught.value.row, caught.value.field) == (1, "pages[1].port")


def test_json_of_unions_is_read_and_written() -> None:
    """fastavro#399, #779."""
    schema = record(x=["null", "long", "string", {"type": "array", "items": "long"}])
    items = [{"x": {"long": 5}}, {"x": None}, {"x": {"string": "5"}}, {"x": {"array": [1]}}]
    table = decode_items(items, schema, encoding="avro")
    assert encode_items(table, encoding="avro") == items
    assert encode_items(table) == [{"x": 5}, {"x": None}, {"x": "5"}, {"x": [1]}]
    assert decode_items(encode_items(table), schema).equals(table)


def test_maps_and_unions_are_read() -> None:
    """polars#19026: maps panic; arrow-rs#8698, arrow-go#808: unions are missing."""
    schema = record(m={"type": "map", "values": ["long", "string", "null"]})
    table = decode_items([{"m": {"a": 1, "b": "x", "c": None}}, {"m": {}}], schema)
    assert scan_avro(rewritten(table)).to_arrow().equals(table)
    assert table["m"].to_pylist() == [[("a", 1), ("b", "x"), ("c", None)], []]


def test_an_unknown_logical_type_does_not_fail_the_file() -> None:
    """duckdb-avro#81."""
    schema = record(x={"type": "long", "logicalType": "time-nanos"})
    with pytest.warns(SchemaWarning, match="time-nanos"):
        scan = scan_avro(file_of(schema, [(1, b"\2")]))
    assert scan.to_arrow().to_pylist() == [{"x": 1}]
    assert "time-nanos" in scan.schema.text


def test_attributes_of_types_are_kept() -> None:
    """iceberg#6434: adjust-to-utc is lost."""
    schema = record(x={"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": True})
    scan = scan_avro(file_of(schema, [(1, b"\2")]))
    assert json.loads(scan_avro(rewritten(scan.to_arrow())).schema.text) == schema


# Writing.

FLAT = record(id="long", name=["null", "string"], kind={"type": "enum", "name": "k", "symbols": ["A", "B"]})


def frame() -> pd.DataFrame:
    return pd.DataFrame({"id": [1, 2, 300], "name": ["a", None, "c" * 100], "kind": ["A", "B", "A"]})


@pytest.mark.parametrize("form", ["frame", "table", "batch", "reader", "batches", "capsule", "categories"])
def test_rows_come_in_many_forms(form: str) -> None:
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    batch = table.combine_chunks().to_batches()[0]
    data = {
        "frame": frame(),
        "table": table,
        "batch": batch,
        "reader": table.to_reader(),
        "batches": iter([batch.slice(0, 1), batch.slice(1)]),
        "capsule": scan_avro(rewritten(frame(), schema=FLAT)),
        "categories": frame().astype({"kind": pd.CategoricalDtype(["B", "A"])}),
    }[form]
    file = rewritten(data, schema=FLAT, block_bytes=1)
    assert list(fastavro.reader(io.BytesIO(file))) == table.to_pylist()
    assert len(list(Container(io.BytesIO(file), "file").blocks())) == 3


def test_a_schema_is_made_of_the_data_where_none_is_given() -> None:
    file = rewritten(frame())
    assert list(fastavro.reader(io.BytesIO(file))) == pa.Table.from_pandas(frame(), preserve_index=False).to_pylist()


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", None], pa.large_string()),
        pa.array(["a", None], pa.string_view()),
        pa.array([b"a", None], pa.binary_view()),
        pa.array([1, None], pa.uint8()),
        pa.array([2**64 - 1, None], pa.uint64()),
        pa.array([1_000, None], pa.duration("ns")),
        pa.array(["a", None]).dictionary_encode(),
        pa.array([[1], None], pa.large_list(pa.int64())),
        pa.array([[1], None], pa.list_view(pa.int64())),
        pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
        pa.array([{"a": "x"}, None], pa.struct([("a", pa.large_string())])),
        pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), pa.array(["a", None])),
    ],
    ids=lambda each: str(each.type) if isinstance(each, pa.Array) else None,
)
def test_a_column_has_its_arrow_type_again(array: pa.Array, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.setattr(avro_fast, "available", lambda: False)
    table = pa.table({"x": array})
    read = scan_avro(rewritten(table)).to_arrow()
    assert read.schema.field("x").type == array.type
    assert read.to_pylist() == table.to_pylist()


@pytest.mark.parametrize("fast", [True, False])
def test_a_remembered_type_that_does_not_hold_the_values_is_told(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.setattr(avro_fast, "available", lambda: False)
    schema = Schema.from_arrow(pa.table({"x": pa.array([1], pa.uint8())}))
    file = io.BytesIO()
    fastavro.writer(file, json.loads(schema.text), [{"x": 300}])
    with pytest.raises(DataError, match=r"the column is no uint8: .* arrow\.type") as caught:
        read_avro(file.getvalue())
    assert caught.value.field == "x"


@pytest.mark.parametrize("fast", [True, False])
def test_rows_without_columns_are_counted(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.setattr(avro_fast, "available", lambda: False)
    file = rewritten(frame())
    assert scan_avro(file, columns=[]).to_arrow().num_rows == 3
    with pytest.raises(DataError, match=r"expected a list of names: \['id'\]"):
        scan_avro(file, columns="id")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.Series([1], name="x"), r"from a Series; make it a table: series.to_frame"),
        (pa.chunked_array([[1]]), "from ChunkedArray, which has no named columns"),
        ([{"x": 1}], "from dict; expected record batches"),
        (None, "from NoneType"),
        (iter(()), "from nothing"),
    ],
)
def test_what_has_no_rows_to_write_is_told(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rewritten(data)


def test_what_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    for target, message in (
        (None, "cannot be written to NoneType"),
        (io.StringIO(), "cannot be written to StringIO; expected a path or a file opened with 'wb'"),
        (tmp_path, "is a folder; expected a file"),
    ):
        with pytest.raises(DataError, match=message):
            write_avro(frame(), target)  # type: ignore[arg-type]  # what people do
    assert not os.listdir(tmp_path)


def test_a_column_that_is_not_there_takes_its_default() -> None:
    schema = {**FLAT, "fields": [*FLAT["fields"], {"name": "n", "type": ["int", "null"], "default": 5}]}
    assert {row["n"] for row in scan_avro(rewritten(frame(), schema=schema)).to_arrow().to_pylist()} == {5}


@pytest.mark.parametrize(
    ("column", "values", "row", "message"),
    [
        ("id", pa.array([1, None, 3]), 1, "null where long is expected"),
        ("id", pa.array([1.0, 2.5, 3.0]), 1, "whole number"),
        ("kind", pa.array(["A", "B", "C"]), 2, "no symbol of enum of A, B"),
        ("kind", pa.array(["A", "C", "C"]).dictionary_encode(), 1, "no symbol"),
        ("name", pa.array([[1], [2], [3]]), None, "where string is expected"),
        ("extra", pa.array([1, 2, 3]), None, "the schema has no field 'extra'"),
    ],
)
def test_a_value_that_cannot_be_written_is_told(column: str, values: pa.Array, row: int | None, message: str) -> None:
    columns = {**pa.Table.from_pandas(frame(), preserve_index=False).to_pydict(), column: values}
    with pytest.raises(DataError, match=message) as caught:
        rewritten(pa.table(columns), schema=FLAT)
    assert caught.value.field == column
    assert row is None or caught.value.row == row


def test_rows_are_numbered_over_all_batches() -> None:
    batch = pa.RecordBatch.from_pydict({"x": pa.array([1] * 70_000)})
    with pytest.raises(DataError) as caught:
        rewritten(iter([batch, batch.set_column(0, "x", pa.array([1] * 69_999 + [2**40]))]), schema=record(x="int"))
    assert (caught.value.row, caught.value.field) == (139_999, "x")


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.avro"
    write_avro(frame(), path, schema=FLAT)
    before = path.read_bytes()
    with pytest.raises(DataError):
        write_avro(frame().assign(kind="C"), path, schema=FLAT)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.avro"]
    assert write_avro(frame().head(1), str(path), schema=FLAT, metadata={"by": "me"}) == 1
    assert os.listdir(tmp_path) == ["a.avro"]
    assert (scan_avro(path).metadata, len(read_avro(path))) == ({"by": b"me"}, 1)
    with pytest.raises(DataError, match="cannot be written"):
        write_avro(frame(), tmp_path / "none" / "a.avro")
    with pytest.raises(DataError, match="names that begin with avro"):
        write_avro(frame(), path, metadata={"avro.codec": "null"})
    with pytest.raises(DataError, match="did you mean 'deflate'"):
        write_avro(frame(), path, codec="defalte")  # type: ignore[arg-type]  # what people do


def test_text_that_is_no_date_says_how_to_read_it() -> None:
    schema = record(day={"type": "string", "logicalType": "date"})
    file = file_of(schema, [(2, b"\x142020-05-25" + b"\x0enot yet")])
    with pytest.raises(DataError, match='string_dates="string"') as caught:
        read_avro(file)
    assert (caught.value.row, caught.value.field) == (1, "day")
    table = scan_avro(file, string_dates="string").to_arrow()
    assert table["day"].to_pylist() == ["2020-05-25", "not yet"]
    assert payload(rewritten(table, schema=schema)) == payload(file)


def test_a_long_that_no_double_holds_is_told() -> None:
    schema = record(x=["null", "double", "long"])
    table = decode_items([{"x": 5}, {"x": 0.5}, {"x": None}, {"x": {"long": 2**53 + 1}}], schema)
    with pytest.raises(DataError, match=r"9,007,199,254,740,993 is a long that no double holds") as caught:
        read_avro(rewritten(table), unions="promote")
    assert (caught.value.row, caught.value.field) == (3, "x")
    assert convert_unions(table.slice(0, 3), schema, unions="promote")["x"].to_pylist() == [5.0, 0.5, None]
    whole = record(x=["int", "long"])
    longs = decode_items([{"x": {"long": 2**62 + 1}}, {"x": {"int": 1}}], whole)
    promoted = convert_unions(longs, whole, unions="promote")
    assert promoted["x"].to_pylist() == [2**62 + 1, 1]
    assert promoted["x"].type == pa.int64()
    assert convert_unions(promoted, whole).equals(longs)


def test_a_duration_beyond_arrow_is_told() -> None:
    schema = record(x={"type": "fixed", "name": "d", "size": 12, "logicalType": "duration"})
    with pytest.raises(DataError, match="2\\*\\*31 - 1 months or days") as caught:
        read_avro(file_of(schema, [(1, struct.pack("<III", 2**31, 0, 0))]))
    assert caught.value.row == 0
    fixed = record(x={"type": "fixed", "name": "d", "size": 12})
    file = file_of(schema, [(1, struct.pack("<III", 2**31, 0, 0))])
    assert read_avro(file, reader_schema=fixed)["x"].tolist() == [struct.pack("<III", 2**31, 0, 0)]


def test_a_frame_keeps_the_branches_of_unions() -> None:
    schema = record(
        x=["long", "string", "null"], d={"type": "fixed", "name": "d", "size": 12, "logicalType": "duration"}
    )
    table = decode_items([{"x": 5, "d": "P1M2DT0.5S"}, {"x": "5", "d": "P0D"}, {"x": None, "d": "P1D"}], schema)
    frame = read_avro(rewritten(table))
    assert scan_avro(rewritten(frame, schema=schema)).to_arrow().equals(table)


@pytest.mark.parametrize("backend", ["numpy_nullable", None])
def test_a_frame_of_other_types_has_no_dense_unions(backend: Any) -> None:
    file = rewritten(decode_items([{"x": 5}, {"x": "5"}], record(x=["long", "string"])))
    with pytest.raises(DataError, match="dtype_backend='pyarrow' only, or make unions='struct'") as caught:
        read_avro(file, unions="dense", dtype_backend=backend)
    assert caught.value.field == "x"
    assert read_avro(file, dtype_backend=backend)["x"].tolist() == ["5", '"5"']


def test_a_frame_with_unions_and_durations_can_be_shown() -> None:
    duration = {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}
    schema = record(x=["long", "string"], d=["null", duration])
    frame = read_avro(rewritten(decode_items([{"x": 5, "d": "P1M2DT3S"}, {"x": "5", "d": None}], schema)))
    assert "months=1" in repr(frame)
    assert "months=1" in frame._repr_html_()
    target = io.BytesIO()
    write_avro(frame, target, schema=schema)
    again = scan_avro(target.getvalue()).to_arrow()
    assert again.to_pylist() == decode_items([{"x": 5, "d": "P1M2DT3S"}, {"x": "5", "d": None}], schema).to_pylist()


def test_columns_are_chosen() -> None:
    file = rewritten(frame(), schema=FLAT)
    assert list(read_avro(file, columns=["kind", "id"])) == ["kind", "id"]
    with pytest.raises(DataError, match="did you mean 'kind'"):
        scan_avro(file, columns=["kin"])
    with pytest.raises(DataError, match="twice"):
        scan_avro(file, columns=["id", "id"])


@settings(max_examples=60)
@given(files(), st.integers(0, 4))
def test_any_run_of_rows_can_be_written(made: tuple[Kind, list[Any], bytes], start: int) -> None:
    kind, rows, file = made
    scan = scan_avro(file)
    table = scan.to_arrow().combine_chunks()
    assume(table.column_names)  # a slice of a table without columns has no rows
    for part in (table.slice(start), pa.concat_tables([table.slice(start, 1), table.slice(start + 1)])):
        assert values_of(kind, rewritten(part, schema=scan.schema, codec="null")) == untagged(rows[start:])


@pytest.mark.parametrize(
    ("avro_type", "array"),
    [
        ("string", pa.array(["a", "bc", ""], pa.large_string())),
        ("string", pa.array(["a", "bc" * 20, ""], pa.string_view())),
        ("string", pa.array(["a", "bc", "a"]).dictionary_encode()),
        ("bytes", pa.array([b"a", b"bc" * 20, b""], pa.binary_view())),
        ("bytes", pa.array([b"a", b"bc", b""], pa.large_binary())),
        ("long", pa.array([1, 2, 300], pa.uint16())),
        ("double", pa.array([1.5, 2, 3], pa.float32())),
        ("float", pa.array([1.5, 2, math.inf], pa.float64())),
        ({"type": "array", "items": "int"}, pa.array([[1], [], [2, 3]], pa.large_list(pa.int32()))),
        ({"type": "array", "items": "int"}, pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int32(), 2))),
        ({"type": "array", "items": "int"}, pa.array([[1], [], [2, 3]], pa.list_view(pa.int32()))),
        (["null", "long"], pa.nulls(3)),
        (["null", "long", "string"], pa.array([1, None, 3])),
    ],
)
def test_a_column_may_be_of_a_kindred_type(avro_type: Any, array: pa.Array) -> None:
    schema = record(x=avro_type)
    file = rewritten(pa.table({"x": array}), schema=schema)
    assert [row["x"] for row in fastavro.reader(io.BytesIO(file))] == array.to_pylist()


def test_values_beneath_a_null_are_not_written() -> None:
    schema = record(x=["null", {"type": "array", "items": "long"}], y=["null", {**record(a="long"), "name": "p"}])
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 3]), pa.array([1, 2, 3]), mask=pa.array([True, False]))
    parts = pa.StructArray.from_arrays([pa.array([None, 5])], names=["a"], mask=pa.array([True, False]))
    file = rewritten(pa.table({"x": lists, "y": parts}), schema=schema)
    assert list(fastavro.reader(io.BytesIO(file))) == [{"x": None, "y": None}, {"x": [3], "y": {"a": 5}}]


def test_a_column_of_the_wrong_shape_is_told() -> None:
    union = record(x=["long", "string"])
    other = pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1.5])], ["double"])
    both = pa.array([{"long": 1, "string": "a"}], pa.struct([("long", pa.int64()), ("string", pa.string())]))
    for array, message in (
        (other, "where long or string is expected; name the children after the branches: long, string"),
        (both, "has one child set"),
        (pa.array([b"1"]), "JSON text"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            rewritten(pa.table({"x": array}), schema=union)
        assert caught.value.field == "x"
    with pytest.raises(DataError, match="no branch of long or string holds") as caught:
        rewritten(pa.table({"x": [1.0, 1.5]}), schema=union)
    assert caught.value.row == 1


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.avro"
    batch = pa.RecordBatch.from_pydict({"id": pa.array(range(50_000)), "name": ["x" * 50] * 50_000})
    write_avro((batch for _ in range(40)), path, codec="snappy")
    before = pa.total_allocated_bytes()
    most = 0
    for each in scan_avro(path).to_batches():
        most = max(most, pa.total_allocated_bytes() - before)
        del each
    assert most < 30_000_000  # of 120 MB
