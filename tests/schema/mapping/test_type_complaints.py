"""What users of other Avro readers complain about, as far as it is about types: each has an answer here."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from intempt_nb.errors import DataError
from intempt_nb.schema.parsing.avro import SchemaWarning
from intempt_nb.schema.schema import Schema


def schema_of(avro: Any) -> Schema:
    return Schema.parse({"type": "record", "name": "r", "fields": [{"name": "x", "type": avro}]})


def arrow_of(avro: Any) -> pa.DataType:
    arrow = schema_of(avro).to_arrow()
    assert Schema.from_arrow(arrow) == schema_of(avro)
    return arrow.field("x").type


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


def test_naive_times_do_not_shift() -> None:  # fastavro#409
    wall = arrow_of(logical("long", "local-timestamp-millis"))
    assert wall.tz is None
    assert Schema.from_arrow(pa.schema([("x", pa.timestamp("ms"))])).to_avro()["fields"][0]["type"] == [
        "null",
        logical("long", "local-timestamp-millis"),
    ]


def test_there_are_nanoseconds_and_uuids_on_fixed() -> None:  # fastavro#883, fastavro#746
    assert arrow_of(logical("long", "timestamp-nanos")) == pa.timestamp("ns", "UTC")
    assert arrow_of({"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"}) == pa.uuid()


def test_null_is_not_nan() -> None:  # fastavro#99, fastavro#313, fastavro#658
    frame = pa.table({"x": [float("nan"), None]}).to_pandas(
        types_mapper={pa.float64(): schema_of("double").to_pandas()["x"]}.get
    )
    assert list(frame["x"].isna()) == [False, True]


def test_an_error_says_where() -> None:  # fastavro#350, fastavro#656, fastavro#439
    arrow = pa.schema([("x", pa.struct([("y", pa.list_(pa.decimal128(3, -1)))]))])
    with pytest.raises(DataError, match=r"field 'x.y\[\]'"):
        Schema.from_arrow(arrow)


def test_a_union_can_be_had_as_its_bare_json() -> None:  # fastavro#399, fastavro#779
    assert schema_of(["null", "long", "string"]).to_arrow(unions="json").field("x").type == pa.string()


def test_maps_work_at_any_depth() -> None:  # polars#19026
    inner = {"type": "map", "values": {"type": "map", "values": ["null", "long"]}}
    assert arrow_of(inner).item_type.item_type == pa.int64()
    assert Schema.from_arrow(pa.schema([("x", arrow_of(inner))]))["x"].type == schema_of(["null", inner])["x"].type


def test_no_branch_of_a_union_is_dropped() -> None:  # arrow-rs#8698, arrow-go#808
    union = arrow_of(["null", "long", "string", "double"])
    assert [union.field(index).name for index in range(union.num_fields)] == ["null", "long", "string", "double"]
    bare = pa.schema([pa.field("x", union)])
    assert Schema.from_arrow(bare).to_avro()["fields"][0]["type"] == ["null", "long", "string", "double"]


def test_an_unknown_logical_type_is_its_base_type() -> None:  # duckdb-avro#81
    with pytest.warns(SchemaWarning, match="unknown logical type"):
        schema = schema_of(logical("bytes", "geometry", crs="4326"))
    arrow = schema.to_arrow()
    assert arrow.field("x").type == pa.binary()
    assert Schema.from_arrow(arrow).to_avro() == schema.to_avro()
    assert Schema.from_arrow(schema.select(["x"])).to_avro()["fields"] == schema.to_avro()["fields"]


def test_adjust_to_utc_is_honoured_and_kept() -> None:  # iceberg#16577, iceberg#6434
    local = logical("long", "timestamp-micros", **{"adjust-to-utc": False})
    assert arrow_of(local) == pa.timestamp("us")
    assert Schema.from_arrow(schema_of(local).select(["x"])).to_avro()["fields"][0]["type"] == local


def test_a_time_zone_is_kept() -> None:
    arrow = pa.schema([pa.field("x", pa.timestamp("us", "America/New_York"), False)])
    assert Schema.from_arrow(arrow).to_arrow().remove_metadata() == arrow
