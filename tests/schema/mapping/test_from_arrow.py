"""Arrow → Avro: the nearest type, and what it takes to come back."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.mapping.frames import from_frame
from intempt_nb.schema.mapping.from_arrow import Reverse
from intempt_nb.schema.mapping.metadata import to_avro_field
from intempt_nb.schema.parsing.avro import SchemaWarning
from intempt_nb.schema.schema import Schema
from random_arrow import arrow_types


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


def named(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, **more}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def item(arrow: pa.DataType, nullable: bool = False) -> pa.Field:
    return pa.field("item", arrow, nullable)


DAY = logical("string", "date")
UINT64 = logical("bytes", "decimal", precision=20, scale=0)

EXACT: list[tuple[pa.DataType, Any]] = [
    (pa.bool_(), "boolean"),
    (pa.int32(), "int"),
    (pa.int64(), "long"),
    (pa.float32(), "float"),
    (pa.float64(), "double"),
    (pa.string(), "string"),
    (pa.binary(), "bytes"),
    (pa.binary(3), named("fixed", "x_fixed", size=3)),
    (pa.uuid(), named("fixed", "x_uuid", size=16, logicalType="uuid")),
    (pa.month_day_nano_interval(), named("fixed", "x_duration", size=12, logicalType="duration")),
    (pa.date32(), DAY),
    (pa.time32("ms"), logical("int", "time-millis")),
    (pa.time64("us"), logical("long", "time-micros")),
    (pa.timestamp("ms", "UTC"), logical("long", "timestamp-millis")),
    (pa.timestamp("us", "UTC"), logical("long", "timestamp-micros")),
    (pa.timestamp("ns", "UTC"), logical("long", "timestamp-nanos")),
    (pa.timestamp("ms"), logical("long", "local-timestamp-millis")),
    (pa.timestamp("ns"), logical("long", "local-timestamp-nanos")),
    (pa.decimal128(9, 2), logical("bytes", "decimal", precision=9, scale=2)),
    (pa.decimal256(50, 3), logical("bytes", "decimal", precision=50, scale=3)),
    (pa.list_(item(pa.int64())), array("long")),
    (pa.list_(pa.int64()), array(["null", "long"])),
    (pa.list_(pa.field("element", pa.int64())), array(["null", "long"])),
    (pa.map_(pa.string(), pa.float32()), {"type": "map", "values": ["null", "float"]}),
    (
        pa.struct([pa.field("b", pa.int64(), False), pa.field("c", pa.string())]),
        named(
            "record",
            "x_record",
            fields=[{"name": "b", "type": "long"}, {"name": "c", "type": ["null", "string"], "default": None}],
        ),
    ),
    (pa.dense_union([pa.field("long", pa.int64(), False), pa.field("string", pa.string(), False)]), ["long", "string"]),
]

NEAREST: list[tuple[pa.DataType, Any]] = [
    (pa.int8(), "int"),
    (pa.int16(), "int"),
    (pa.uint8(), "int"),
    (pa.uint16(), "int"),
    (pa.uint32(), "long"),
    (pa.uint64(), UINT64),
    (pa.float16(), "float"),
    (pa.large_string(), "string"),
    (pa.string_view(), "string"),
    (pa.large_binary(), "bytes"),
    (pa.binary_view(), "bytes"),
    (pa.date64(), DAY),
    (pa.time32("s"), logical("int", "time-millis")),
    (pa.time64("ns"), logical("long", "time-micros")),
    (pa.timestamp("s"), logical("long", "local-timestamp-millis")),
    (pa.timestamp("s", "Europe/Berlin"), logical("long", "timestamp-millis")),
    (pa.duration("s"), logical("long", "arrow.duration-seconds")),
    (pa.duration("ns"), logical("long", "arrow.duration-nanos")),
    (pa.decimal32(5, 2), logical("bytes", "decimal", precision=5, scale=2)),
    (pa.decimal64(18, 0), logical("bytes", "decimal", precision=18, scale=0)),
    (pa.decimal256(9, 2), logical("bytes", "decimal", precision=9, scale=2)),
    (pa.decimal128(3, 7), logical("bytes", "decimal", precision=7, scale=7)),
    (pa.dictionary(pa.int32(), pa.string()), "string"),
    (pa.dictionary(pa.int8(), pa.int64()), "long"),
    (pa.run_end_encoded(pa.int32(), pa.float64()), "double"),
    (pa.list_(pa.int64(), 2), array(["null", "long"])),
    (pa.large_list(item(pa.int64())), array("long")),
    (pa.list_view(item(pa.int64())), array("long")),
    (pa.large_list_view(item(pa.int64())), array("long")),
    (pa.map_(pa.large_string(), pa.int64()), {"type": "map", "values": ["null", "long"]}),
    (pa.map_(pa.string(), pa.int64(), keys_sorted=True), {"type": "map", "values": ["null", "long"]}),
    (
        pa.map_(pa.int32(), pa.field("value", pa.date32(), False)),
        array(
            named("record", "x_entry_record", fields=[{"name": "key", "type": "int"}, {"name": "value", "type": DAY}])
        ),
    ),
    (
        pa.struct([pa.field("a b", pa.int64(), False)]),
        named("record", "x_record", fields=[{"name": "a_b", "type": "long", "title": "a b"}]),
    ),
    (pa.sparse_union([pa.field("a", pa.int64()), pa.field("b", pa.string(), False)]), ["null", "long", "string"]),
]


def entry(arrow: pa.DataType, *, nullable: bool) -> dict[str, Any]:
    """The Avro JSON of a column, without what remembers its Arrow type."""
    made = to_avro_field(pa.field("x", arrow, nullable))
    return {key: value for key, value in made.items() if not key.startswith("arrow.")}


@pytest.mark.parametrize(("arrow", "avro"), [*EXACT, *NEAREST], ids=lambda value: str(value)[:60])
def test_every_arrow_type_becomes_the_nearest_of_avro(arrow: pa.DataType, avro: Any) -> None:
    branches = avro if isinstance(avro, list) else [avro]
    optional = branches if "null" in branches else ["null", *branches]
    made = entry(arrow, nullable=False)
    assert made["type"] == avro
    assert made.keys() == {"name", "type"} or made["type"][0] == "null"
    assert entry(arrow, nullable=True) == {"name": "x", "type": optional, "default": None}


@pytest.mark.parametrize(("arrow", "avro"), EXACT, ids=lambda value: str(value)[:60])
def test_what_avro_can_say_needs_no_attribute(arrow: pa.DataType, avro: Any) -> None:
    assert to_avro_field(pa.field("x", arrow, False)) == {"name": "x", "type": avro}


@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize("arrow", [arrow for arrow, _ in [*EXACT, *NEAREST]], ids=lambda value: str(value)[:60])
def test_every_arrow_type_comes_back(arrow: pa.DataType, nullable: bool) -> None:
    there = Schema.from_arrow(pa.schema([pa.field("x", arrow, nullable)]))
    back = Schema.parse(there.text).to_arrow()
    assert back.remove_metadata() == pa.schema([pa.field("x", arrow, nullable)])


@st.composite
def arrow_schemas(draw: st.DrawFn) -> pa.Schema:
    types = draw(st.lists(arrow_types(extensions=False, nulls=False), max_size=4))
    return pa.schema([pa.field(f"f{index}", each, draw(st.booleans())) for index, each in enumerate(types)])


@settings(max_examples=200)
@given(arrow_schemas())
def test_any_arrow_schema_comes_back(arrow: pa.Schema) -> None:
    try:
        schema = Schema.from_arrow(arrow)
    except DataError as error:
        assert "union" in str(error)  # noqa: PT017  (two children of one type of Avro, or a union in a union)
        return
    made = Schema.parse(schema.text).to_arrow()
    for column, found in zip(arrow, made, strict=True):
        assert found.type.equals(column.type)
        assert (found.name, found.nullable) == (column.name, column.nullable)
    assert Schema.from_arrow(made) == schema


def test_a_zone_other_than_utc_is_kept_beside_the_type() -> None:
    for zone in ("Europe/Berlin", "+02:00", "Etc/GMT-3"):
        field = pa.field("x", pa.timestamp("us", zone), False)
        avro = to_avro_field(field)
        assert avro == {"name": "x", "type": logical("long", "timestamp-micros"), "arrow.timezone": zone}
        schema = Schema.from_arrow(pa.schema([field]))
        assert schema.to_arrow().field("x").type == pa.timestamp("us", zone)
        instants = pa.array([0], pa.timestamp("us", zone))
        assert instants.cast(pa.int64()).to_pylist() == [0]  # a zone is how it is shown; the instant is the same


@pytest.mark.parametrize(
    "more",
    [
        {"arrow.type": "float64"},
        {"arrow.type": "timestamp[s]"},
        {"arrow.type": {"list": {"name": "a", "type": "int8"}}},
        {"arrow.type": "decimal128(5, -2)"},
        {"arrow.type": "null"},
        {"arrow.type": 7},
        {"arrow.type": "no type"},
        {"arrow.timezone": "Europe/Berlin"},
        {"arrow.nullable": False},
    ],
    ids=str,
)
def test_an_attribute_that_does_not_fit_is_not_used(more: dict[str, Any]) -> None:
    schema = Schema.parse(named("record", "r", fields=[{"name": "x", "type": "long", **more}]))
    assert schema.to_arrow().field("x").remove_metadata() == pa.field("x", pa.int64(), False)


def test_a_zone_that_is_none_is_not_used() -> None:
    for zone in ("a b", "", 5, "x" * 65):
        avro = {"name": "x", "type": logical("long", "timestamp-millis"), "arrow.timezone": zone}
        schema = Schema.parse(named("record", "r", fields=[avro]))
        assert schema.to_arrow().field("x").type == pa.timestamp("ms", "UTC")


def test_another_form_is_stronger_than_what_is_remembered() -> None:
    avro = {"name": "x", "type": DAY, "arrow.type": "date64[ms]"}
    schema = Schema.parse(named("record", "r", fields=[avro]))
    assert schema.to_arrow().field("x").type == pa.date64()
    assert schema.to_arrow(string_dates="string").field("x").type == pa.string()


def test_a_large_unsigned_integer_is_a_long_only_on_request() -> None:
    arrow = pa.schema([pa.field("x", pa.uint64(), False)])
    assert Schema.from_arrow(arrow).to_avro()["fields"][0]["type"] == UINT64
    long = Schema.from_arrow(arrow, uint64="long")
    assert long.to_avro()["fields"] == [{"name": "x", "type": "long", "arrow.type": "uint64"}]
    assert long.to_arrow().field("x").type == pa.uint64()
    with pytest.raises(ValueError, match="uint64 is 'int'; expected 'decimal' or 'long'"):
        Schema.from_arrow(arrow, uint64="int")  # type: ignore[arg-type]  # what is tested


def dictionary(*values: Any, of: pa.DataType = pa.string(), index: pa.DataType = pa.int32()) -> pa.Table:  # noqa: B008  (immutable)
    indices = pa.array([0] * bool(values), index)
    return pa.table({"x": pa.DictionaryArray.from_arrays(indices, pa.array(values, of))})


def test_a_dictionary_of_text_is_an_enum_where_the_data_is_at_hand() -> None:
    table = dictionary("b", "a", "unused")
    enum = named("enum", "x_enum", symbols=["b", "a", "unused"])
    for data in (table, table.to_batches()[0]):
        schema = Schema.from_arrow(data)
        assert schema.to_avro()["fields"] == [{"name": "x", "type": ["null", enum], "default": None}]
        assert schema.to_arrow().field("x").type == table.schema.field("x").type
    assert (
        Schema.from_arrow(table.schema)["x"]
        == Schema.parse(
            named(
                "record",
                "r",
                fields=[
                    {
                        "name": "x",
                        "type": ["null", "string"],
                        "default": None,
                        "arrow.type": {"dictionary": "string", "indices": "int32"},
                    }
                ],
            )
        )["x"]
    )
    small = Schema.from_arrow(dictionary("a", index=pa.int8()))
    assert small.to_avro()["fields"][0]["type"][1]["symbols"] == ["a"]
    assert small.to_arrow().field("x").type == pa.dictionary(pa.int8(), pa.string())
    chunked = pa.concat_tables([dictionary("a"), dictionary("b")])
    assert Schema.from_arrow(chunked).to_avro()["fields"][0]["type"][1]["symbols"] == ["a", "b"]


@pytest.mark.parametrize("values", [(), ("a b",), ("a", None), ("a", "a"), ("",), ("1",)], ids=str)
def test_a_dictionary_is_text_where_avro_does_not_take_its_values_as_symbols(values: tuple[str, ...]) -> None:
    assert Schema.from_arrow(dictionary(*values)).to_avro()["fields"][0]["type"] == ["null", "string"]


def test_a_category_of_pandas_is_an_enum() -> None:
    frame = pd.DataFrame({"kind": pd.Categorical(["new", None], categories=["new", "old"])})
    assert Schema.from_arrow(from_frame(frame)).to_avro()["fields"][0]["type"][1]["symbols"] == ["new", "old"]


def test_a_column_of_nulls_is_optional_text_with_a_warning() -> None:
    for source in (pa.schema([("x", pa.null())]), from_frame(pd.DataFrame({"x": [None, None]}))):
        with pytest.warns(SchemaWarning, match="x: nothing but nulls; taken for optional text"):
            schema = Schema.from_arrow(source)
        assert schema.to_avro()["fields"] == [{"name": "x", "type": ["null", "string"], "default": None}]
        assert schema.to_arrow().field("x").type == pa.string()


def test_a_column_that_may_have_values_is_never_one_of_nulls() -> None:
    for avro, kind in ((["null", "string"], "null"), ("string", "null")):
        field = {"name": "x", "type": avro, "arrow.type": kind}
        assert Schema.parse(named("record", "r", fields=[field])).to_arrow().field("x").type == pa.string()


def test_an_extension_type_is_what_it_is_stored_as_with_a_warning() -> None:
    with pytest.warns(SchemaWarning, match=r"x\[\]: extension<arrow.json> becomes what it is stored as, string"):
        schema = Schema.from_arrow(pa.schema([("x", pa.list_(pa.json_()))]))
    assert schema.to_avro()["fields"][0]["type"] == ["null", array(["null", "string"])]
    with pytest.warns(SchemaWarning, match="bool8"):
        assert Schema.from_arrow(pa.schema([("x", pa.bool8())]))["x"].nullable


@pytest.mark.parametrize(
    ("arrow", "path", "message"),
    [
        (pa.decimal128(5, -2), "x", "a scale of -2 is none of Avro's"),
        (pa.list_(pa.decimal128(5, -2)), "x[]", "decimal128.*has no Avro counterpart"),
        (pa.map_(pa.string(), pa.decimal128(5, -2)), "x{}", "decimal128"),
        (pa.struct([("a", pa.struct([("b c", pa.list_(pa.decimal128(5, -2)))]))]), "x.a.b c[]", "decimal128"),
        (
            pa.dense_union([pa.field("a", pa.int8()), pa.field("b", pa.int16())]),
            "x",
            "two of its children become 'int'",
        ),
        (pa.dense_union([pa.field("a", pa.dense_union([pa.field("b", pa.int8())]))]), "x", "holds no other union"),
        (pa.dense_union([]), "x", "a union of nothing has no values"),
        (pa.struct([("a", pa.int8()), ("a", pa.int8())]), "x", "two parts of the struct have the same name"),
    ],
    ids=str,
)
def test_a_type_without_counterpart_is_named_with_its_place(arrow: pa.DataType, path: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Schema.from_arrow(pa.schema([("x", arrow)]))
    assert caught.value.field == path


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Series([1, "a"], dtype=object), "the column holds int and, here, str 'a'"),
        (pd.Series([1 + 2j]), "the column cannot be read"),
        (pd.Series(pd.arrays.SparseArray([0, 1])), "the column is sparse"),
    ],
    ids=["mixed", "complex", "sparse"],
)
def test_a_column_of_pandas_that_is_no_type_is_named(column: pd.Series[Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        from_frame(pd.DataFrame({"good": np.arange(len(column)), "bad": column}))
    assert caught.value.field == "bad"


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


def test_a_named_child_of_a_union_keeps_its_name() -> None:
    children = [pa.field("com.shop.Point", pa.struct([]), False), pa.field("string", pa.binary(2), False)]
    schema = Schema.from_arrow(pa.schema([pa.field("x", pa.dense_union(children), False)]))
    assert set(schema.named) == {"record", "com.shop.Point", "x_string_fixed"}
    assert schema.to_arrow().field("x").type == pa.dense_union(children)


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


def test_whether_a_type_comes_back_is_told() -> None:
    reverse = Reverse()
    reverse.field(pa.field("x", pa.int32()), "x")
    assert reverse.exact
    reverse.field(pa.field("y", pa.int8()), "y")
    assert not reverse.exact
    assert reverse.notes == []


def test_text_of_pandas_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = Schema.from_arrow(from_frame(pd.DataFrame({"x": ["a"], "n": [1]})))
    assert [each["type"] for each in schema.to_avro()["fields"]] == [["null", "string"], ["null", "long"]]
