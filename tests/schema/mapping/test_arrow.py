"""Avro → Arrow: one table of types, in every form."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from intempt_nb.schema.mapping.arrow import DENSE, WIRE, ArrowForm, arrow_type, holds_json_text
from intempt_nb.schema.model import Int, Long, Null, Record, Reference, Union
from intempt_nb.schema.schema import Schema


def record(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", **more, "fields": list(fields)}


def field(avro: Any, name: str = "x", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": avro, **more}


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


def fixed(size: int, **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": "F", "size": size, **more}


def item(arrow: pa.DataType, nullable: bool = False) -> pa.Field:
    return pa.field("item", arrow, nullable)


def required(**children: pa.DataType) -> list[pa.Field]:
    return [pa.field(name, arrow, pa.types.is_null(arrow)) for name, arrow in children.items()]


ENUM = {"type": "enum", "name": "E", "symbols": ["a", "b"]}
POINT = record(field("double", "x"), field(["null", "string"], "label"), name="Point")
STRUCT = pa.struct([pa.field("x", pa.float64(), False), pa.field("label", pa.string())])
EITHER = pa.dense_union(required(long=pa.int64(), string=pa.string()))

FORWARD: list[tuple[Any, pa.DataType]] = [
    ("null", pa.null()),
    ("boolean", pa.bool_()),
    ("int", pa.int32()),
    ("long", pa.int64()),
    ("float", pa.float32()),
    ("double", pa.float64()),
    ("bytes", pa.binary()),
    ("string", pa.string()),
    (fixed(5), pa.binary(5)),
    (fixed(0), pa.binary(0)),
    (ENUM, pa.dictionary(pa.int32(), pa.string())),
    ({"type": "array", "items": "long"}, pa.list_(item(pa.int64()))),
    ({"type": "array", "items": ["null", "long"]}, pa.list_(item(pa.int64(), nullable=True))),
    ({"type": "array", "items": {"type": "array", "items": "int"}}, pa.list_(item(pa.list_(item(pa.int32()))))),
    ({"type": "map", "values": "long"}, pa.map_(pa.string(), pa.field("value", pa.int64(), False))),
    ({"type": "map", "values": ["null", POINT]}, pa.map_(pa.string(), pa.field("value", STRUCT))),
    (POINT, STRUCT),
    ({"type": "array", "items": POINT}, pa.list_(item(STRUCT))),
    (logical("string", "date"), pa.date32()),
    (logical("int", "date"), pa.date32()),
    (logical("int", "time-millis"), pa.time32("ms")),
    (logical("long", "time-micros"), pa.time64("us")),
    (logical("long", "timestamp-millis"), pa.timestamp("ms", "UTC")),
    (logical("long", "timestamp-micros"), pa.timestamp("us", "UTC")),
    (logical("long", "timestamp-nanos"), pa.timestamp("ns", "UTC")),
    (logical("long", "local-timestamp-millis"), pa.timestamp("ms")),
    (logical("long", "local-timestamp-micros"), pa.timestamp("us")),
    (logical("long", "local-timestamp-nanos"), pa.timestamp("ns")),
    (logical("long", "timestamp-micros", **{"adjust-to-utc": False}), pa.timestamp("us")),
    (logical("long", "timestamp-micros", **{"adjust-to-utc": True}), pa.timestamp("us", "UTC")),
    (logical("bytes", "decimal", precision=38, scale=9), pa.decimal128(38, 9)),
    (logical("bytes", "decimal", precision=39), pa.decimal256(39, 0)),
    (logical("bytes", "big-decimal"), pa.binary()),
    (fixed(4, logicalType="decimal", precision=9, scale=2), pa.decimal128(9, 2)),
    (fixed(12, logicalType="duration"), pa.month_day_nano_interval()),
    (logical("string", "uuid"), pa.string()),
    (fixed(16, logicalType="uuid"), pa.uuid()),
    (["string"], pa.string()),
    (["null"], pa.null()),
    (["long", "string"], EITHER),
    (
        ["null", logical("long", "timestamp-millis"), {"type": "array", "items": "int"}, ENUM],
        pa.dense_union(
            required(
                null=pa.null(),
                long=pa.timestamp("ms", "UTC"),
                array=pa.list_(item(pa.int32())),
                E=pa.dictionary(pa.int32(), pa.string()),
            )
        ),
    ),
    (["string", "null", "r"], pa.dense_union(required(string=pa.string(), null=pa.null(), r=pa.string()))),
    (["null", "r"], pa.string()),
    (
        {"type": "array", "items": ["string", "long"]},
        pa.list_(item(pa.dense_union(required(string=pa.string(), long=pa.int64())))),
    ),
]
IDS = [str(avro)[:60] for avro, _ in FORWARD]


@pytest.mark.parametrize(("avro", "arrow"), FORWARD, ids=IDS)
def test_every_type_has_an_arrow_type_and_comes_back(avro: Any, arrow: pa.DataType) -> None:
    schema = Schema.parse(record(field(avro, title="A title", doc="What it is", note={"a": [1]})))
    there = schema.to_arrow()
    assert there.field("x").type == arrow
    assert there.field("x").nullable == schema["x"].nullable
    back = Schema.from_arrow(there)
    assert back == schema
    assert back.text == schema.text


@pytest.mark.parametrize(("avro", "arrow"), FORWARD, ids=IDS)
def test_an_optional_type_is_the_same_but_nullable(avro: Any, arrow: pa.DataType) -> None:
    if avro == "null" or isinstance(avro, list):
        return
    for union in (["null", avro], [avro, "null"]):
        schema = Schema.parse(record(field(union)))
        there = schema.to_arrow()
        assert there.field("x").type == arrow
        assert there.field("x").nullable
        assert Schema.from_arrow(there) == schema


def test_an_empty_union_is_null() -> None:
    assert arrow_type(Union(()), {}) == pa.null()
    assert arrow_type(Union((Null(),)), {}, WIRE) == pa.null()


def typed(avro: Any, **form: Any) -> pa.DataType:
    return Schema.parse(record(field(avro))).to_arrow(**form).field("x").type


@pytest.mark.parametrize(
    ("avro", "arrow"),
    [
        (["int", "long"], pa.int64()),
        (["null", "long", "int"], pa.int64()),
        (["float", "double"], pa.float64()),
        (["null", "double", "long"], pa.float64()),
        (["int", "float"], pa.float64()),
        (["long", "string"], EITHER),
        (
            [logical("long", "timestamp-millis"), "int"],
            pa.dense_union(required(long=pa.timestamp("ms", "UTC"), int=pa.int32())),
        ),
        ({"type": "array", "items": ["int", "long"]}, pa.list_(item(pa.int64()))),
    ],
)
def test_a_union_of_numbers_is_their_common_type_on_request(avro: Any, arrow: pa.DataType) -> None:
    assert typed(avro, unions="promote") == arrow
    assert typed(avro) != arrow or avro == ["long", "string"] or isinstance(avro[0], dict)


def test_a_union_is_a_struct_of_its_branches_on_request() -> None:
    children = [pa.field("long", pa.int64()), pa.field("E", pa.dictionary(pa.int32(), pa.string()))]
    assert typed(["null", "long", ENUM], unions="struct") == pa.struct(children)
    assert typed(["long", ENUM], unions="struct") == pa.struct(children)


def test_a_union_is_json_text_on_request_and_on_the_wire() -> None:
    assert typed(["null", "long", "string"], unions="json") == pa.string()
    assert arrow_type(Union((Int(), Long())), {}, WIRE) == pa.string()
    assert holds_json_text(Union((Int(), Long())), {}, WIRE)
    assert not holds_json_text(Union((Int(), Null())), {}, WIRE)
    assert not holds_json_text(Union((Int(), Long())), {})


def test_a_date_on_string_is_text_on_request() -> None:
    assert typed(logical("string", "date"), string_dates="string") == pa.string()
    assert typed(logical("int", "date"), string_dates="string") == pa.date32()
    assert typed({"type": "array", "items": logical("string", "date")}, string_dates="string") == pa.list_(
        item(pa.string())
    )


def test_the_branches_of_a_union_are_named_as_avro_names_them() -> None:
    named = record(name="Point", namespace="com.shop")
    union = typed([named, logical("bytes", "decimal", precision=3), logical("string", "date"), logical("int", "date")])
    assert [union.field(index).name for index in range(4)] == ["com.shop.Point", "bytes", "string", "int"]
    assert list(union.type_codes) == [0, 1, 2, 3]


def test_a_union_of_more_branches_than_arrow_has_codes_for_is_json_text() -> None:
    branches = [{"type": "fixed", "name": f"F{number}", "size": 1} for number in range(129)]
    assert typed(branches) == pa.string()
    assert typed(branches[:128]).num_fields == 128
    assert Schema.parse(record(field(branches))).to_arrow(unions="struct").field("x").type.num_fields == 129


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"unions": "dence"}, "unions is 'dence'; did you mean 'dense'"),
        ({"unions": None}, "unions is None"),
        ({"string_dates": "text"}, "string_dates is 'text'.*date32, string"),
    ],
)
def test_a_form_that_there_is_not_is_an_error(form: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ArrowForm(**form)
    with pytest.raises(ValueError, match=message):
        Schema.parse(record()).to_arrow(**form)


@pytest.mark.parametrize("form", [DENSE, WIRE, ArrowForm("struct"), ArrowForm("promote")], ids=str)
def test_a_recursive_record_holds_json_text_in_every_form(form: ArrowForm) -> None:
    schema = Schema.parse(
        record(
            field(["null", record(field(["null", "Node"], "next"), name="Node")], "tree"),
            field({"type": "array", "items": "Node"}, "trees"),
            field(record(field("string", "s"), field("Node", "node"), name="Leaf"), "leaf"),
            field("Leaf", "leaf2"),
        )
    )
    named = schema.named
    types = [arrow_type(each.type, named, form) for each in schema.fields]
    leaf = pa.struct(required(s=pa.string(), node=pa.string()))
    assert types == [pa.string(), pa.list_(item(pa.string())), leaf, leaf]
    assert holds_json_text(Reference("Node"), named, form)
    assert holds_json_text(named["Node"], named, form)
    assert not holds_json_text(Reference("Leaf"), named, form)
    assert not holds_json_text(Record("Leaf", ()), {"Leaf": Record("Leaf", ())}, form)
