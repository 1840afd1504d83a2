"""JSON items: both encodings over random schemas, and what is refused."""

from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings

from avro_kinds import files
from intempt_nb.codecs.avro.items import decode_items, encode_items
from intempt_nb.codecs.avro.scan import scan_avro
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from avro_kinds import Kind


def record(**types: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": name, "type": each} for name, each in types.items()]}


@settings(max_examples=100)
@given(files())
def test_avros_encoding_comes_back(made: tuple[Kind, list[Any], bytes]) -> None:
    _, _, file = made
    scan = scan_avro(file)
    items = encode_items(scan, scan.schema, encoding="avro")
    lines = "\n".join(json.dumps(item, allow_nan=False) for item in items)
    assert decode_items(lines, scan.schema, encoding="avro").equals(scan.to_arrow())
    assert decode_items(items, scan.schema, encoding="avro").equals(scan.to_arrow())


@settings(max_examples=100)
@given(files(fast=True))
def test_plain_json_comes_back(made: tuple[Kind, list[Any], bytes]) -> None:
    _, _, file = made
    scan = scan_avro(file)
    items = encode_items(scan, scan.schema)
    table = decode_items(items, scan.schema)
    assert encode_items(table, scan.schema) == items
    assert decode_items("\n".join(map(json.dumps, items)).encode(), scan.schema).equals(table)


def test_avros_encoding_is_the_specifications() -> None:
    schema = record(
        u=["null", "string", {"type": "enum", "name": "ns.e", "symbols": ["A"]}],
        b="bytes",
        t={"type": "long", "logicalType": "timestamp-millis"},
        d={"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
        f="double",
    )
    item = {"u": {"ns.e": "A"}, "b": "\u00ff\u0000", "t": 5, "d": "\u0001\u0000", "f": 1.5}
    rows = list(fastavro.json_reader(io.StringIO(json.dumps({**item, "t": 5})), fastavro.parse_schema(schema)))
    table = decode_items([item], schema, encoding="avro")
    assert encode_items(table, encoding="avro") == [item]
    assert str(table["d"][0]) == str(rows[0]["d"]) == "2.56"
    assert table["b"].to_pylist() == [rows[0]["b"]] == [b"\xff\0"]
    plain = {"u": "A", "b": "/wA=", "t": 5, "d": "2.56", "f": 1.5}
    assert encode_items(table) == [plain]


@pytest.mark.parametrize("encoding", ["plain", "avro"])
def test_numbers_that_are_not_finite_come_back(encoding: Any) -> None:
    table = pa.table({"x": [math.inf, -math.inf, math.nan]})
    items = encode_items(table, record(x="double"), encoding=encoding)
    if encoding == "avro":
        assert items == [{"x": "Infinity"}, {"x": "-Infinity"}, {"x": "NaN"}]
    again = decode_items(items, record(x="double"), encoding=encoding)
    assert str(again["x"].to_pylist()) == "[inf, -inf, nan]"


RECORDS = [
    record(a="int") | {"name": "one"},
    record(a="int", b="int") | {"name": "two"},
]
ENUM = {"type": "enum", "name": "e", "symbols": ["A"]}


@pytest.mark.parametrize(
    ("union", "value", "branch"),
    [
        (["int", "long", "double"], 5, "int"),
        (["int", "long", "double"], 2**40, "long"),
        (["int", "long", "double"], 5.0, "double"),
        (["float", "double"], 0.1, "double"),
        (["float", "string"], 5, "float"),
        (["string", "long"], "5", "string"),
        (["string", "long"], {"long": 5}, "long"),
        (["bytes", "long"], "AA==", "bytes"),
        (["boolean", "long"], True, "boolean"),
        ([{"type": "array", "items": "int"}, {"type": "map", "values": "int"}], [1], "array"),
        ([{"type": "array", "items": "int"}, {"type": "map", "values": "int"}], {"a": 1}, "map"),
        (RECORDS, {"a": 1}, "one"),
        (RECORDS, {"a": 1, "b": 1}, "two"),
        (["long", {"type": "map", "values": "long"}], {"map": {"long": 1}}, "map"),
    ],
)
def test_a_bare_value_finds_its_branch(union: Any, value: Any, branch: str) -> None:
    table = decode_items([{"x": value}], record(x=union))
    assert next(iter(encode_items(table, encoding="avro")[0]["x"])) == branch
    assert decode_items(encode_items(table), record(x=union)).equals(table)


@pytest.mark.parametrize(
    ("types", "item", "encoding", "field", "message"),
    [
        ({"x": ["string", "bytes"]}, {"x": "AA=="}, "plain", "x", "may be of the branches string, bytes"),
        ({"x": ["string", "bytes", "null"]}, {"x": 5}, "plain", "x", "found 5; expected string or bytes or null"),
        ({"x": "long"}, {}, "plain", "x", "no value, and the schema gives no default"),
        ({"x": "long"}, {"x": 1.5}, "plain", "x", "found 1.5; expected long"),
        ({"x": {"type": "array", "items": "int"}}, {"x": [1, "a"]}, "plain", r"x\[1\]", "found a; expected int"),
        ({"x": {**record(y=ENUM), "name": "p"}}, {"x": {"y": "B"}}, "plain", "x.y", "found B; expected enum of A"),
        ({"x": {"type": "map", "values": "int"}}, {"x": {"k": None}}, "plain", "x.k", "found null"),
        ({"x": ["null", "long"]}, {"x": 5}, "avro", "x", "a value of a union is an object with one key"),
        ({"x": ["null", "long"]}, {"x": {"int": 5}}, "avro", "x", "the branch: null, long"),
        ({"x": "bytes"}, {"x": "\u0100"}, "avro", "x", "expected bytes"),
        ({"x": "long"}, {"x": 5, "y": 1}, "avro", "None", "field 'y' is none of the schema's"),
        ({"x": "long"}, [], "plain", "None", r"found \[\]; expected record"),
    ],
)
def test_an_item_that_does_not_fit_is_told(types: Any, item: Any, encoding: Any, field: str, message: str) -> None:
    good = {"x": {"long": 5}} if types == {"x": ["null", "long"]} else None
    with pytest.raises(DataError, match=message) as caught:
        decode_items([good, item][good is None :], record(**types), encoding=encoding)
    assert caught.value.row == (good is not None)
    assert str(caught.value.field) == field.replace("\\", "")


def test_what_is_no_json_is_told() -> None:
    for items in ('{"x": 1}\n{"x"', [{"x": 1}, {"x": b"1"}], b'{"x": 1}\n\xff'):
        with pytest.raises(DataError, match="JSON"):
            decode_items(items, record(x="int"))
    with pytest.raises(DataError, match="nested too deeply"):
        decode_items('{"x":' + "[" * 200_000 + "]" * 200_000 + "}", record(x="int"))
    with pytest.raises(ValueError, match="did you mean 'plain'"):
        decode_items([], record(x="int"), encoding="plan")  # type: ignore[arg-type]  # what people do


def test_what_is_told_of_an_item_can_be_printed() -> None:
    with pytest.raises(DataError) as caught:
        decode_items([{"x": "\ud800"}], record(x="string"))
    assert str(caught.value).encode() == rb"row 0, field 'x': found \ud800; expected string"
    deep: Any = 1
    for _ in range(100_000):
        deep = {"x": deep}
    with pytest.raises(DataError, match="nested too deeply") as caught:
        decode_items([deep], record(x="int"))
    assert caught.value.row == 0


@pytest.mark.parametrize("items", [None, 5, {"x": 1}])
def test_what_holds_no_items_is_told(items: Any) -> None:
    with pytest.raises(DataError, match=f"items cannot be read from {type(items).__name__}; expected a list of items"):
        decode_items(items, record(x="int"))


def test_items_that_are_no_objects() -> None:
    assert decode_items("1\n\n2\n", '"int"').to_pylist() == [{"value": 1}, {"value": 2}]
    assert encode_items(pa.table({"value": pa.array([1], pa.int32())}), '"int"') == [1]
