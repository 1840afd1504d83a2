"""Avro ↔ Arrow: one table of types, there and back."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.arrow import (
    FIELD_KEY,
    SCHEMA_KEY,
    arrow_type,
    avro_name,
    avro_names,
    declared_field,
    holds_json_text,
    to_avro_field,
)
from intempt_nb.schema.avro import NAME
from intempt_nb.schema.model import Record, Reference, Union
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


ENUM = {"type": "enum", "name": "E", "symbols": ["a", "b"]}
POINT = record(field("double", "x"), field(["null", "string"], "label"), name="Point")
STRUCT = pa.struct([pa.field("x", pa.float64(), False), pa.field("label", pa.string())])

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
    (logical("bytes", "decimal", precision=38, scale=9), pa.decimal128(38, 9)),
    (logical("bytes", "decimal", precision=39), pa.decimal256(39, 0)),
    (fixed(4, logicalType="decimal", precision=9, scale=2), pa.decimal128(9, 2)),
    (logical("string", "uuid"), pa.string()),
    (fixed(16, logicalType="uuid"), pa.uuid()),
    (["string"], pa.string()),
    (["long", "double"], pa.string()),
    (["null", "long", "double"], pa.string()),
    (["null", "r"], pa.string()),
    ({"type": "array", "items": ["string", "long"]}, pa.list_(item(pa.string()))),
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
        schema = Schema.parse(record(field(union, default=None)))
        there = schema.to_arrow()
        assert there.field("x").type == arrow
        assert there.field("x").nullable
        assert Schema.from_arrow(there) == schema


@pytest.mark.parametrize(("avro", "arrow"), FORWARD, ids=IDS)
def test_the_field_alone_comes_back_under_another_name(avro: Any, arrow: pa.DataType) -> None:
    if "r" in avro:
        return  # refers to the whole schema
    declared = field(avro, title="A title", default=None, note=[1])
    there = Schema.parse(record(field("long", "y"), declared)).to_arrow()
    table = there.empty_table().select(["x"]).rename_columns(["z"])
    back = Schema.from_arrow(table.schema.remove_metadata(), name="other")
    assert back.to_avro() == {"type": "record", "name": "other", "fields": [{**declared, "name": "z"}]}


def test_the_schema_text_comes_back_only_if_the_columns_are_the_same() -> None:
    schema = Schema.parse(record(field("long", "a"), field("string", "b"), doc="kept"))
    there = schema.to_arrow()
    assert Schema.from_arrow(there).to_avro()["doc"] == "kept"
    cast = there.set(0, pa.field("a", pa.int32(), nullable=False))
    assert Schema.from_arrow(cast, name="n").to_avro() == {
        "type": "record",
        "name": "n",
        "fields": [field("int", "a"), field("string", "b")],
    }
    assert "doc" not in Schema.from_arrow(there.remove(1)).to_avro()


@pytest.mark.parametrize("text", [b"", b"\xff", b"{}", b'"string"', b"[" * 9999])
def test_metadata_of_others_is_no_obstacle(text: bytes) -> None:
    foreign = pa.schema([pa.field("x", pa.int64(), False, {FIELD_KEY: text})], {SCHEMA_KEY: text})
    assert Schema.from_arrow(foreign).to_avro() == {"type": "record", "name": "record", "fields": [field("long")]}


def test_what_a_field_carries_is_used_only_while_it_fits() -> None:
    carried = Schema.parse(record(field(ENUM, title="E"))).to_arrow().field("x")
    assert declared_field(carried) == field(ENUM, title="E")
    assert declared_field(carried.with_name("not a name")) == field(ENUM, "not_a_name", title="E")
    assert declared_field(carried.with_nullable(True)) is None
    assert declared_field(carried.with_type(pa.int64())) is None
    assert declared_field(carried.remove_metadata()) is None
    refers = Schema.parse(record(field(ENUM), field("E", "y"))).to_arrow().field("y")
    assert declared_field(refers) is None
    assert to_avro_field(refers) == field("string", "y")


def test_fields_of_two_schemas_may_define_the_same_type() -> None:
    one = Schema.parse(record(field(POINT))).to_arrow().field("x")
    both = Schema.from_arrow(pa.schema([one, one.with_name("y")]))
    assert both.to_arrow().field("y").type == STRUCT
    assert set(both.named) == {"record", "Point", "y_record"}


REVERSE: list[tuple[pa.DataType, Any]] = [
    (pa.int8(), "int"),
    (pa.int16(), "int"),
    (pa.uint8(), "int"),
    (pa.uint16(), "int"),
    (pa.uint32(), "long"),
    (pa.uint64(), logical("bytes", "decimal", precision=20, scale=0)),
    (pa.float16(), "float"),
    (pa.large_string(), "string"),
    (pa.string_view(), "string"),
    (pa.large_binary(), "bytes"),
    (pa.binary_view(), "bytes"),
    (pa.binary(3), {"type": "fixed", "name": "x_fixed", "size": 3}),
    (pa.date32(), logical("string", "date")),
    (pa.date64(), logical("string", "date")),
    (pa.time32("s"), logical("int", "time-millis")),
    (pa.timestamp("s", "Europe/Berlin"), logical("long", "timestamp-millis")),
    (pa.timestamp("s"), logical("long", "local-timestamp-millis")),
    (pa.decimal256(50, 3), logical("bytes", "decimal", precision=50, scale=3)),
    (pa.dictionary(pa.int8(), pa.int64()), "long"),
    (pa.run_end_encoded(pa.int32(), pa.float64()), "double"),
    (pa.list_(pa.int64(), 2), {"type": "array", "items": ["null", "long"]}),
    (pa.large_list(item(pa.int64())), {"type": "array", "items": "long"}),
    (pa.list_view(item(pa.int64())), {"type": "array", "items": "long"}),
    (pa.large_list_view(pa.null()), {"type": "array", "items": ["null", "string"]}),
    (pa.map_(pa.string(), pa.float32()), {"type": "map", "values": ["null", "float"]}),
    (
        pa.struct([pa.field("a b", pa.int64(), False), pa.field("c", pa.string())]),
        record(
            {**field("long", "a_b"), "title": "a b"},
            {**field(["null", "string"], "c"), "default": None},
            name="x_record",
        ),
    ),
]


@pytest.mark.parametrize(("arrow", "avro"), REVERSE, ids=lambda value: str(value)[:60])
def test_arrow_types_that_avro_has_not_become_the_nearest(arrow: pa.DataType, avro: Any) -> None:
    assert to_avro_field(pa.field("x", arrow, nullable=False)) == field(avro)
    assert to_avro_field(pa.field("x", arrow)) == {**field(["null", avro]), "default": None}
    Schema.from_arrow(pa.schema([("x", arrow)]))


def test_a_column_of_nulls_is_optional_text() -> None:
    assert to_avro_field(pa.field("x", pa.null())) == {**field(["null", "string"]), "default": None}


@pytest.mark.parametrize(
    ("arrow", "path", "part"),
    [
        (pa.duration("s"), "x", "duration"),
        (pa.decimal128(5, -2), "x", "decimal128"),
        (pa.month_day_nano_interval(), "x", "interval"),
        (pa.dense_union([pa.field("a", pa.int64())]), "x", "union"),
        (pa.list_(pa.duration("s")), "x[]", "duration"),
        (pa.map_(pa.string(), pa.duration("s")), "x{}", "duration"),
        (pa.struct([("a", pa.struct([("b c", pa.list_(pa.duration("s")))]))]), "x.a.b c[]", "duration"),
    ],
    ids=str,
)
def test_a_type_without_counterpart_is_named_with_its_place(arrow: pa.DataType, path: str, part: str) -> None:
    with pytest.raises(DataError, match=f"{part}.*has no Avro counterpart") as caught:
        Schema.from_arrow(pa.schema([("x", arrow)]))
    assert caught.value.field == path


def test_types_made_of_columns_have_different_names() -> None:
    inner = pa.struct([("b", pa.struct([("c", pa.binary(1))]))])
    arrow = pa.schema([("a", inner), ("a_b", pa.struct([("c", pa.binary(1))])), ("z", pa.list_(inner))])
    schema = Schema.from_arrow(arrow, name="a_record")
    assert list(schema.named) == [
        "a_record",
        "a_record_2",
        "a_b_record",
        "a_b_c_fixed",
        "a_b_record_2",
        "a_b_c_fixed_2",
        "z_record",
        "z_b_record",
        "z_b_c_fixed",
    ]
    assert schema.to_arrow().field("a").type == inner


def test_columns_that_become_the_same_name_are_an_error() -> None:
    with pytest.raises(DataError, match="several columns become the Avro name 'a_b'"):
        Schema.from_arrow(pa.schema([("a b", pa.int64()), ("a-b", pa.int64())]))


@pytest.mark.parametrize("depth", [50, 2_000])
def test_deep_arrow_types_are_refused(depth: int) -> None:
    arrow = pa.int64()
    for _ in range(depth):
        arrow = pa.struct([("a", arrow)])
    with pytest.raises((DataError, SchemaError), match="nested"):
        Schema.from_arrow(pa.schema([("x", arrow)]))


def test_a_recursive_record_and_a_union_of_several_types_hold_json_text() -> None:
    schema = Schema.parse(
        record(
            field(["null", record(field(["null", "Node"], "next"), name="Node")], "tree"),
            field({"type": "array", "items": "Node"}, "trees"),
            field(record(field("string", "s"), name="Leaf"), "leaf"),
            field("Leaf", "leaf2"),
        )
    )
    arrow = schema.to_arrow()
    assert arrow.field("tree").type == pa.string()
    assert arrow.field("trees").type == pa.list_(item(pa.string()))
    assert arrow.field("leaf").type == arrow.field("leaf2").type == pa.struct([pa.field("s", pa.string(), False)])
    named = schema.named
    assert holds_json_text(Reference("Node"), named)
    assert holds_json_text(named["Node"], named)
    assert not holds_json_text(Reference("Leaf"), named)
    assert not holds_json_text(Record("Leaf", ()), {"Leaf": Record("Leaf", ())})
    assert arrow_type(Union(()), {}) == pa.null()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("plain", "plain"),
        ("Booking ID", "Booking_ID"),
        (" padded ", "padded"),
        ("2nd", "_2nd"),
        ("_ok", "_ok"),
        ("é", "_"),
        ("", "_"),
        ("a\nb", "a_b"),
    ],
)
def test_names_are_made_of_any_text(text: str, name: str) -> None:
    assert avro_name(text) == name


@given(st.lists(st.text(alphabet="a_2 é-", max_size=4), unique=True))
def test_names_made_of_different_texts_are_valid_and_different(texts: list[str]) -> None:
    names = avro_names(texts)
    assert len(set(names)) == len(texts)
    for text, name in zip(texts, names, strict=True):
        assert NAME.fullmatch(name)
        assert name == text or not NAME.fullmatch(text)
