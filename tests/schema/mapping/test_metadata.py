"""What rides along: Avro → Arrow → Avro loses nothing, by whatever way the schema comes back."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.mapping.arrow import WIRE
from intempt_nb.schema.mapping.metadata import FIELD_KEY, SCHEMA_KEY, arrow_schema, declared_field, to_avro_field
from intempt_nb.schema.mapping.standalone import same_definition
from intempt_nb.schema.schema import Schema
from random_avro import schemas

if TYPE_CHECKING:
    from collections.abc import Callable

UNIONS = st.sampled_from(["dense", "promote", "struct", "json"])
DATES = st.sampled_from(["date32", "string"])


def record(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", **more, "fields": list(fields)}


def field(avro: Any, name: str = "x", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": avro, **more}


ENUM = {"type": "enum", "name": "E", "symbols": ["a", "b"]}
POINT = record(field("double"), field(["null", "string"], "label", default=None), name="Point")
SHOP = record(
    field({**ENUM, "name": "Kind"}, "kind", title="What it is"),
    field(["null", "Kind"], "again", default=None),
    field({"type": "array", "items": {**POINT, "namespace": "geo"}}, "way", default=[]),
    field({"type": "map", "values": "geo.Point"}, "places", note={"a": [1, None]}),
    field(["null", "Sale"], "before"),
    field({"type": "long", "logicalType": "timestamp-micros"}, "at", **{"arrow.timezone": "Europe/Berlin"}),
    field({"type": "string", "logicalType": "date"}, "day", doc="kept"),
    name="Sale",
    namespace="com.shop",
    doc="A sale",
)


@given(schemas(max_leaves=10), UNIONS, DATES)
def test_any_schema_comes_back_from_any_form(avro: dict[str, Any], unions: Any, dates: Any) -> None:
    schema = Schema.parse(avro)
    arrow = schema.to_arrow(unions=unions, string_dates=dates)
    assert Schema.from_arrow(arrow).text == schema.text
    assert arrow.names == schema.names
    assert [each.nullable for each in arrow] == [each.nullable for each in schema]


@given(schemas(max_leaves=10), UNIONS, st.randoms())
def test_any_fields_come_back_without_the_others(avro: dict[str, Any], unions: Any, chance: Any) -> None:
    schema = Schema.parse(avro)
    names = chance.sample(schema.names, chance.randint(0, len(schema)))
    back = Schema.from_arrow(schema.select(names, unions=unions), name="Other")
    assert back.names == names
    for name in names:
        was, found = (next(each for each in of.record.fields if each.name == name) for of in (schema, back))
        assert (found.default, found.doc, found.attributes) == (was.default, was.doc, was.attributes)
    for each in back.named.keys() - {"Other"}:
        assert same_definition(each, schema.named, back.named)


def test_a_field_alone_says_all_that_it_names() -> None:
    schema = Schema.parse(SHOP)
    kind = {**ENUM, "name": "Kind", "namespace": "com.shop"}
    point = {**POINT, "namespace": "geo"}
    alone = {name: Schema.from_arrow(schema.select([name])).to_avro()["fields"][0] for name in schema.names}
    assert alone["kind"] == {"name": "kind", "type": kind, "title": "What it is"}
    assert alone["again"] == {"name": "again", "type": ["null", kind], "default": None}
    assert alone["places"]["type"] == {"type": "map", "values": point}
    assert alone["before"]["type"][1]["namespace"] == "com.shop"
    assert alone["before"]["type"][1]["fields"][4]["type"] == ["null", "Sale"]
    assert alone["at"] == SHOP["fields"][5]
    assert alone["day"] == SHOP["fields"][6]


def test_fields_that_share_a_type_share_it_again() -> None:
    back = Schema.from_arrow(Schema.parse(SHOP).select(["again", "places", "kind", "way"]))
    again, places, kind, way = (each["type"] for each in back.to_avro()["fields"])
    assert again[1]["symbols"] == ["a", "b"]
    assert kind == "com.shop.Kind"
    assert places["values"]["name"] == "Point"
    assert way["items"] == "geo.Point"


def test_fields_of_two_schemas_may_define_the_same_name_differently() -> None:
    one = Schema.parse(record(field(POINT))).to_arrow().field("x")
    other = Schema.parse(record(field({**POINT, "fields": []}, "y"))).to_arrow().field("y")
    both = Schema.from_arrow(pa.schema([one, other, one.with_name("z")]))
    assert set(both.named) == {"record", "Point", "y_record"}
    assert both.to_avro()["fields"][2]["type"] == "Point"
    assert both.to_arrow().types == [one.type, other.type, one.type]


def parquet(table: pa.Table) -> pa.Table:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return pq.read_table(io.BytesIO(sink.getvalue()))


def arrow_file(table: pa.Table) -> pa.Table:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return pa.ipc.open_file(sink.getvalue()).read_all()


def feather_file(table: pa.Table) -> pa.Table:
    sink = io.BytesIO()
    feather.write_feather(table, sink)
    return feather.read_table(io.BytesIO(sink.getvalue()))


ROUND = record(
    *SHOP["fields"],
    field({"type": "fixed", "name": "Id", "size": 16, "logicalType": "uuid"}, "id"),
    field({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "price"),
    field({"type": "long", "logicalType": "local-timestamp-nanos"}, "wall"),
    field({"type": "int", "logicalType": "time-millis"}, "time"),
    field("int", "small", **{"arrow.type": "uint8"}),
    name="Sale",
    namespace="com.shop",
)


@pytest.mark.parametrize("way", [parquet, feather_file, arrow_file])
def test_files_keep_the_schema(way: Callable[[pa.Table], pa.Table]) -> None:
    schema = Schema.parse(ROUND)
    table = way(schema.to_arrow().empty_table())
    assert Schema.from_arrow(table.schema) == schema
    assert table.schema.remove_metadata() == schema.to_arrow().remove_metadata()
    renamed = way(table.rename_columns([f"{name}_new" for name in schema.names]))
    titles = [each.title for each in Schema.from_arrow(renamed.schema)]
    assert titles == ["What it is", *[None] * (len(schema) - 1)]


def test_unions_and_durations_are_kept_where_parquet_has_none() -> None:
    duration = {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}
    schema = Schema.parse(record(field(["null", "long", ENUM], "u"), field(duration, "d")))
    sent = pa.ipc.read_schema(schema.to_arrow().serialize())
    assert sent.equals(schema.to_arrow(), check_metadata=True)
    assert Schema.from_arrow(sent) == schema


def test_an_arrow_schema_comes_back_through_a_file() -> None:
    types = [
        pa.uint8(),
        pa.large_string(),
        pa.timestamp("us", "Europe/Berlin"),
        pa.list_(pa.int8(), 2),
        pa.duration("ms"),
    ]
    arrow = pa.schema([pa.field(f"f{index}", each) for index, each in enumerate(types)])
    there = parquet(Schema.from_arrow(arrow).to_arrow().empty_table()).schema
    assert Schema.from_arrow(there).to_arrow().remove_metadata() == arrow


def test_a_renamed_column_keeps_what_it_says() -> None:
    schema = Schema.parse(record(field(ENUM, title="A title"), field("long", "y", default=3, doc="D"), name="E1"))
    table = schema.to_arrow().empty_table().rename_columns(["new", "not a name"])
    assert Schema.from_arrow(table.schema, name="Other").to_avro() == record(
        field(ENUM, "new", title="A title"),
        field("long", "not_a_name", default=3, doc="D", title="not a name"),
        name="Other",
    )


def test_the_schema_text_comes_back_only_if_the_columns_are_the_same() -> None:
    schema = Schema.parse(record(field("long", "a"), field("string", "b"), doc="kept"))
    there = schema.to_arrow()
    assert Schema.from_arrow(there).to_avro()["doc"] == "kept"
    cast = there.set(0, pa.field("a", pa.int32(), nullable=False))
    assert Schema.from_arrow(cast, name="n").to_avro() == record(field("int", "a"), field("string", "b"), name="n")
    assert "doc" not in Schema.from_arrow(there.remove(1)).to_avro()
    assert "doc" not in Schema.from_arrow(there.set(0, there.field(0).with_name("c"))).to_avro()
    nullable = there.set(0, there.field(0).with_nullable(True))
    assert Schema.from_arrow(nullable).to_avro()["fields"][0]["type"] == ["null", "long"]


def test_a_schema_that_is_no_record_comes_back() -> None:
    for avro in ({"type": "array", "items": "long"}, ["null", "string"], ENUM):
        schema = Schema.parse(json.dumps(avro))
        arrow = schema.to_arrow()
        assert arrow.names == ["value"]
        assert Schema.from_arrow(arrow).text == schema.text
        assert Schema.from_arrow(schema.select(["value"])).to_avro()["fields"] == [field(avro, "value")]


def test_what_is_loaded_comes_back_too() -> None:
    schema = Schema.parse(record(field(["null", "long", "string"]), field("int", "y", **{"arrow.type": "uint8"})))
    wire = arrow_schema(schema.text, schema.parsed, WIRE)
    assert wire.types == [pa.string(), pa.int32()]
    assert Schema.from_arrow(wire) == schema
    assert schema.to_arrow().field("y").type == pa.uint8()


@pytest.mark.parametrize("text", [b"", b"\xff", b"{}", b"[1]", b'{"name": 1}', b"7", b"[" * 9999])
def test_metadata_of_others_is_no_obstacle(text: bytes) -> None:
    foreign = pa.schema([pa.field("x", pa.int64(), False, {FIELD_KEY: text})], {SCHEMA_KEY: text})
    assert Schema.from_arrow(foreign).to_avro() == record(field("long"), name="record")


def test_what_a_field_carries_is_used_only_while_it_fits() -> None:
    carried = Schema.parse(record(field(ENUM, title="E"))).to_arrow().field("x")
    assert declared_field(carried) == field(ENUM, title="E")
    assert declared_field(carried.with_name("not a name")) == field(ENUM, "not_a_name", title="E")
    assert declared_field(carried.with_nullable(True)) is None
    assert declared_field(carried.with_type(pa.int64())) is None
    assert declared_field(carried.remove_metadata()) is None
    struct = Schema.parse(record(field(["null", "long", "string"]))).to_arrow(unions="struct").field("x")
    assert declared_field(struct) == field(["null", "long", "string"])


# What the Rust crate arrow-avro writes into metadata.
RUST = pa.schema(
    [
        pa.field(
            "status",
            pa.dictionary(pa.int32(), pa.string()),
            False,
            {"avro.enum.symbols": '["new", "old"]', "avro.name": "Status", "avro.namespace": "com.shop"},
        ),
        pa.field("size", pa.int32(), False, {"avro.field.default": "3", "avro.doc": "How large"}),
        pa.field("note", pa.string(), True, {"avro.field.default": '"none"'}),
        pa.field(
            "at", pa.struct([pa.field("x", pa.int64(), False, {"avro.doc": "Inside"})]), False, {"avro.name": "P"}
        ),
        pa.field("id", pa.binary(4), False, {"avro.name": "Id"}),
    ],
    {"avro.name": "Sale", "avro.namespace": "com.shop", "avro.doc": "A sale"},
)


def test_what_arrow_avro_says_is_read() -> None:
    assert Schema.from_arrow(RUST).to_avro() == {
        "type": "record",
        "name": "Sale",
        "namespace": "com.shop",
        "doc": "A sale",
        "fields": [
            field({**ENUM, "name": "Status", "namespace": "com.shop", "symbols": ["new", "old"]}, "status"),
            field("int", "size", default=3, doc="How large"),
            field(["string", "null"], "note", default="none"),
            field(record(field("long", doc="Inside"), name="P"), "at"),
            field({"type": "fixed", "name": "Id", "size": 4}, "id"),
        ],
    }
    assert Schema.from_arrow(RUST, "Other", "org").record.name == "org.Other"
    assert Schema.from_arrow(RUST).to_arrow().remove_metadata() == RUST.remove_metadata()


@pytest.mark.parametrize(
    ("arrow", "metadata"),
    [
        (pa.int32(), {"avro.field.default": '"three"'}),
        (pa.int32(), {"avro.field.default": "not JSON"}),
        (pa.int32(), {"avro.doc": b"\xff"}),
        (pa.dictionary(pa.int32(), pa.string()), {"avro.enum.symbols": "[1]"}),
        (pa.dictionary(pa.int32(), pa.string()), {"avro.enum.symbols": "not JSON"}),
        (pa.dictionary(pa.int32(), pa.string()), {"avro.enum.symbols": '["a", "a"]'}),
        (pa.binary(4), {"avro.name": "no name"}),
        (pa.binary(4), {"avro.name": "string"}),
        (pa.binary(4), {"avro.name": "A", "avro.namespace": "1.2"}),
        (pa.binary(4), {"avro.name": "record"}),
    ],
    ids=str,
)
def test_what_is_said_wrongly_is_not_used(arrow: pa.DataType, metadata: dict[str, Any]) -> None:
    said = to_avro_field(pa.field("x", arrow, False, metadata), {"record"})
    assert said == to_avro_field(pa.field("x", arrow, False), {"record"})
