"""Avro JSON → the model: every type, and every problem at its place."""

from __future__ import annotations

import json
import math
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.errors import SchemaError
from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
    BigDecimal,
    Boolean,
    Bytes,
    Date,
    Decimal,
    Double,
    Duration,
    Enum,
    Field,
    Fixed,
    Float,
    Int,
    Long,
    Map,
    Null,
    Record,
    Reference,
    String,
    Time,
    Timestamp,
    Union,
    Uuid,
)
from intempt_nb.schema.parsing.avro import SchemaWarning, parse_json, parse_record, read_record
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Callable


def record(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", **more, "fields": list(fields)}


def field(avro: Any, **more: Any) -> dict[str, Any]:
    return {"name": "x", "type": avro, **more}


def type_of(avro: Any) -> AvroType:
    return parse_record(record(field(avro))).record.fields[0].type


def problems(source: Any) -> list[tuple[str, str]]:
    with pytest.raises(SchemaError) as caught:
        parse_record(source)
    assert caught.value.problems
    return [(problem.path, problem.message) for problem in caught.value.problems]


def fixed(size: int, **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": "F", "size": size, **more}


TYPES: list[tuple[Any, AvroType]] = [
    ("null", Null()),
    ("boolean", Boolean()),
    ("int", Int()),
    ("long", Long()),
    ("float", Float()),
    ("double", Double()),
    ("bytes", Bytes()),
    ("string", String()),
    ({"type": "long"}, Long()),
    ({"type": "string", "avro.java.string": "String"}, String()),
    (fixed(4), Fixed("F", 4)),
    (fixed(4, aliases=["G", "a.H"]), Fixed("F", 4, ("G", "a.H"))),
    (fixed(4, namespace="n", aliases=["G", "a.H"]), Fixed("n.F", 4, ("n.G", "a.H"))),
    ({"type": "enum", "name": "n.E", "symbols": ["a"], "aliases": ["D"]}, Enum("n.E", ("a",), None, ("n.D",))),
    (fixed(12, logicalType="duration"), Duration(Fixed("F", 12))),
    ({"type": "bytes", "logicalType": "big-decimal"}, BigDecimal()),
    ({"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": True}, Timestamp("us")),
    ({"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": False}, Timestamp("us", local=True)),
    (fixed(0), Fixed("F", 0)),
    ({"type": "enum", "name": "E", "symbols": ["a", "b"]}, Enum("E", ("a", "b"))),
    ({"type": "enum", "name": "E", "symbols": ["a", "b"], "default": "b"}, Enum("E", ("a", "b"), "b")),
    ({"type": "array", "items": "long"}, Array(Long())),
    ({"type": "array", "items": {"type": "array", "items": ["null", "int"]}}, Array(Array(Union((Null(), Int()))))),
    ({"type": "map", "values": "string"}, Map(String())),
    (record(field("long"), name="inner"), Record("inner", (Field("x", Long()),))),
    ({"type": "error", "name": "inner", "fields": []}, Record("inner", ())),
    (["null", "long"], Union((Null(), Long()))),
    (["long", "null"], Union((Long(), Null()))),
    (["null", "double", "long"], Union((Null(), Double(), Long()))),
    (["int", "long", "float", "double"], Union((Int(), Long(), Float(), Double()))),
    ([{"type": "array", "items": "int"}, {"type": "map", "values": "int"}], Union((Array(Int()), Map(Int())))),
    ({"type": "string", "logicalType": "date"}, Date("string")),
    ({"type": "int", "logicalType": "date"}, Date("int")),
    ({"type": "int", "logicalType": "time-millis"}, Time("ms")),
    ({"type": "long", "logicalType": "time-micros"}, Time("us")),
    ({"type": "long", "logicalType": "timestamp-millis"}, Timestamp("ms")),
    ({"type": "long", "logicalType": "timestamp-micros"}, Timestamp("us")),
    ({"type": "long", "logicalType": "timestamp-nanos"}, Timestamp("ns")),
    ({"type": "long", "logicalType": "local-timestamp-millis"}, Timestamp("ms", local=True)),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, Timestamp("us", local=True)),
    ({"type": "long", "logicalType": "local-timestamp-nanos"}, Timestamp("ns", local=True)),
    ({"type": "string", "logicalType": "uuid"}, Uuid()),
    (fixed(16, logicalType="uuid"), Uuid(Fixed("F", 16))),
    ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, Decimal(4, 2)),
    ({"type": "bytes", "logicalType": "decimal", "precision": 76}, Decimal(76, 0)),
    (fixed(2, logicalType="decimal", precision=4, scale=1), Decimal(4, 1, Fixed("F", 2))),
    (["null", {"type": "string", "logicalType": "date"}], Union((Null(), Date("string")))),
]


@pytest.mark.parametrize(("avro", "expected"), TYPES, ids=lambda value: str(value)[:60])
def test_every_type_is_read(avro: Any, expected: AvroType) -> None:
    assert type_of(avro) == expected


DISREGARDED: list[tuple[dict[str, Any], AvroType, str]] = [
    ({"type": "long", "logicalType": "time-nanos"}, Long(), "unknown logical type"),
    ({"type": "string", "logicalType": "Date"}, String(), "did you mean 'date'"),
    ({"type": "string", "logicalType": 5}, String(), "unknown logical type 5"),
    ({"type": "string", "logicalType": None}, String(), "unknown logical type null"),
    ({"type": "string", "logicalType": "timestamp-millis"}, String(), "'timestamp-millis' does not fit here"),
    ({"type": "int", "logicalType": "timestamp-millis"}, Int(), "does not fit here"),
    ({"type": "long", "logicalType": "date"}, Long(), "does not fit here"),
    (fixed(15, logicalType="uuid"), Fixed("F", 15), "does not fit here"),
    (fixed(11, logicalType="duration"), Fixed("F", 11), "does not fit here"),
    ({"type": "string", "logicalType": "big-decimal"}, String(), "does not fit here"),
    ({"type": "bytes", "logicalType": "decimal"}, Bytes(), "a precision .* stays bytes"),
    ({"type": "bytes", "logicalType": "decimal", "precision": 0}, Bytes(), "a precision .* stays bytes"),
    ({"type": "bytes", "logicalType": "decimal", "precision": 77}, Bytes(), "a precision .* stays bytes"),
    ({"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3}, Bytes(), "a precision .* stays bytes"),
    ({"type": "bytes", "logicalType": "decimal", "precision": "9"}, Bytes(), "a precision .* stays bytes"),
    ({"type": "string", "logicalType": "decimal", "precision": 9}, String(), "does not fit here"),
    (fixed(2, logicalType="decimal", precision=5), Fixed("F", 2), "bytes do not hold a decimal of . digits"),
    (fixed(3, logicalType="decimal", precision=7), Fixed("F", 3), "bytes do not hold a decimal of . digits"),
    (fixed(0, logicalType="decimal", precision=1), Fixed("F", 0), "bytes do not hold a decimal of . digits"),
]


@pytest.mark.parametrize(("avro", "base", "reason"), DISREGARDED, ids=str)
def test_a_logical_type_that_cannot_be_used_is_warned_of_and_the_base_type_taken(
    avro: dict[str, Any], base: AvroType, reason: str
) -> None:
    with pytest.warns(SchemaWarning, match=reason) as caught:
        assert type_of(avro) == base
    assert str(caught[0].message).startswith("/fields/0/type/logicalType: ")
    assert len(caught) == 1


def test_the_warning_points_at_the_caller() -> None:
    with pytest.warns(SchemaWarning) as caught:
        Schema.parse(record(field({"type": "long", "logicalType": "unheard-of"})))
    assert caught[0].filename == __file__


def test_what_would_be_warned_of_can_be_read_quietly() -> None:
    _, warned = read_record(record(field({"type": "long", "logicalType": "unheard-of"})))
    assert [problem.path for problem in warned] == ["/fields/0/type/logicalType"]


def test_what_is_said_of_a_field_is_kept() -> None:
    source = field(
        "long",
        default=5,
        doc="how many",
        title="Count",
        display=True,
        order="ignore",
        aliases=["n", "m"],
        primary=True,
    )
    (read,) = parse_record(record(source)).record.fields
    assert read == Field(
        "x", Long(), 5, "how many", "Count", True, "ignore", aliases=("n", "m"), attributes={"primary": True}
    )
    (bare,) = parse_record(record(field("long"))).record.fields
    assert bare == Field("x", Long())
    assert bare.default is MISSING


def test_what_is_said_of_a_record_is_kept() -> None:
    parsed = parse_record(record(doc="about", aliases=["old"]))
    assert parsed.record == Record("r", (), "about", ("old",))


# What is read with a warning

LENIENT: list[tuple[Any, str, str, AvroType]] = [
    (field({"type": {"type": "long"}}), "/fields/0/type", "an object like a field's where a type belongs", Long()),
    (
        field({"type": "array", "items": {"name": "x", "doc": "d", "type": ["null", "string"], "default": None}}),
        "/fields/0/type/items",
        "an object like a field's where a type belongs; only its 'type' is used",
        Array(Union((Null(), String()))),
    ),
    (field([]), "/fields/0/type", "an empty union, which no value fits", Union(())),
    (
        field("int", logicalType="date"),
        "/fields/0/logicalType",
        """has no effect beside the type; in it, it has: 'type': {"type": "int", "logicalType": "date"}""",
        Int(),
    ),
    (field("long", title=5), "/fields/0/title", "found 5; expected text", Long()),
]


@pytest.mark.parametrize(("source", "path", "message", "expected"), LENIENT, ids=lambda value: str(value)[:40])
def test_what_can_be_understood_is_read_with_a_warning(
    source: dict[str, Any], path: str, message: str, expected: AvroType
) -> None:
    with pytest.warns(SchemaWarning) as caught:
        schema = Schema.parse(record(source))
    assert [str(each.message) for each in caught] == [f"{path}: {message}"] or message in str(caught[0].message)
    assert str(caught[0].message).startswith(f"{path}: ")
    assert len(caught) == 1
    assert schema.fields[0].type == expected
    assert schema.to_avro() == record(source)


@pytest.mark.filterwarnings("ignore::intempt_nb.SchemaWarning")
def test_a_column_of_an_empty_union_is_null() -> None:
    for avro in ([], {"type": "array", "items": []}, {"type": "map", "values": []}, record(field([]), name="inner")):
        schema = Schema.parse(record(field(avro)))
        assert Schema.from_arrow(schema.to_arrow()) == schema
    assert Schema.parse(record(field([]))).to_arrow().field("x").type == pa.null()


def test_a_key_that_stands_twice_is_warned_of_and_the_last_one_counts() -> None:
    text = '{"type": "record", "name": "r", "fields": [{"name": "x", "type": "long", "type": "int"}]}'
    with pytest.warns(SchemaWarning, match="the key 'type' stands twice in one object; the last one counts"):
        assert Schema.parse(text).fields[0].type == Int()


FLAWS = [
    (record(name="a$b"), "/name: 'a$b' is not a name"),
    (record(name="ns.long"), "/name: 'ns.long' is the name of a primitive type, in any namespace"),
    (record({"name": "a b", "type": "long"}), "/fields/0/name: 'a b' is not a name"),
    (record(field("string", default=None)), "/fields/0/default: the default null is not of its type"),
    (record(doc=5), "/doc: found 5"),
    (record(field("long", aliases=["a"]), {"name": "y", "type": "long", "aliases": ["a"]}), "/fields/1/aliases: 'a'"),
    (
        record(field({"type": "enum", "name": "E", "symbols": ["a-b"]})),
        "/fields/0/type/symbols/0: 'a-b' is not a symbol",
    ),
    (
        record(field({"type": "enum", "name": "E", "symbols": ["a"], "default": "b"})),
        '/fields/0/type/default: "b" is not among the symbols',
    ),
]


@pytest.mark.parametrize(("source", "message"), FLAWS, ids=lambda value: str(value)[:60])
def test_what_exists_already_can_be_read_though_avro_does_not_allow_it(source: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match="^" + re.escape(message)):
        Schema.parse(source)
    with pytest.warns(SchemaWarning, match="^" + re.escape(message)) as caught:
        schema = Schema.parse(source, strict=False)
    assert len(caught) == 1
    assert Schema.from_arrow(schema.to_arrow()) == schema
    with pytest.raises(SchemaError):
        Schema.parse({**source, "fields": [*source["fields"], field("strng")]}, strict=False)


# Schemas that are no records


@pytest.mark.parametrize(
    ("source", "root"),
    [
        ('"long"', Long()),
        ("long", Long()),
        ("null", Null()),
        ('"null"', Null()),
        (["null", "string"], Union((Null(), String()))),
        ({"type": "array", "items": "long"}, Array(Long())),
        ({"type": "enum", "name": "record", "symbols": ["A"]}, Enum("record", ("A",))),
    ],
    ids=str,
)
def test_a_schema_may_be_no_record(source: Any, root: AvroType) -> None:
    schema = Schema.parse(source)
    assert schema.root == root
    assert not schema.is_record
    assert schema.fields == (Field("value", root),)
    with pytest.raises(SchemaError, match="a collection's schema is a record"):
        schema.require_record()


# Names and namespaces


def test_names_take_the_namespace_around_them() -> None:
    inner = record(field("E"), name="Inner")
    named = {"type": "enum", "name": "E", "symbols": ["a"]}
    parsed = parse_record(
        record({"name": "e", "type": named}, {"name": "i", "type": inner}, name="Outer", namespace="com.shop")
    )
    assert set(parsed.named) == {"com.shop.Outer", "com.shop.E", "com.shop.Inner"}
    assert parsed.named["com.shop.Inner"] == Record("com.shop.Inner", (Field("x", Reference("com.shop.E")),))


@pytest.mark.parametrize(
    ("outer", "inner", "full_name"),
    [
        ({"name": "O", "namespace": "a.b"}, {"name": "I"}, "a.b.I"),
        ({"name": "a.b.O"}, {"name": "I"}, "a.b.I"),
        ({"name": "a.b.O", "namespace": "ignored"}, {"name": "I"}, "a.b.I"),
        ({"name": "O", "namespace": "a"}, {"name": "I", "namespace": "c"}, "c.I"),
        ({"name": "O", "namespace": "a"}, {"name": "c.d.I"}, "c.d.I"),
        ({"name": "O", "namespace": "a"}, {"name": "I", "namespace": ""}, "I"),
        ({"name": "O"}, {"name": "I"}, "I"),
    ],
    ids=str,
)
def test_full_names(outer: dict[str, str], inner: dict[str, str], full_name: str) -> None:
    parsed = parse_record({**record(field(record(**inner))), **outer})
    assert parsed.record.fields[0].type == Record(full_name, ())
    assert full_name in parsed.named


def test_a_reference_is_found_in_its_namespace_first_and_then_without() -> None:
    parsed = parse_record(
        record(
            {"name": "a", "type": {"type": "fixed", "name": "F", "namespace": "", "size": 1}},
            {"name": "b", "type": "F"},
            {"name": "c", "type": {"type": "fixed", "name": "F", "size": 2}},
            {"name": "d", "type": "F"},
            {"name": "e", "type": "n.F"},
            namespace="n",
        )
    )
    types = [each.type for each in parsed.record.fields]
    assert types == [Fixed("F", 1), Reference("F"), Fixed("n.F", 2), Reference("n.F"), Reference("n.F")]


def test_a_name_stands_for_the_type_with_its_logical_type() -> None:
    made = {"name": "a", "type": fixed(16, logicalType="uuid")}
    schema = Schema.parse(record(made, {"name": "b", "type": ["null", "F"]}))
    assert schema.named["F"] == Uuid(Fixed("F", 16))
    assert schema.to_arrow().types == [pa.uuid(), pa.uuid()]


def test_a_record_may_contain_itself() -> None:
    parsed = parse_record(record({"name": "next", "type": ["null", "r"]}))
    assert parsed.record.fields[0].type == Union((Null(), Reference("r")))
    assert parsed.named["r"] == parsed.record


# Problems

NOT_A_NAME = "is not a name: letters, digits and '_' only, not starting with a digit"
PROBLEMS: list[tuple[Any, list[tuple[str, str]]]] = [
    ("string", [("", "found string; a collection's schema is a record")]),
    ([record()], [("", "found record of nothing; a collection's schema is a record")]),
    ({"type": "array", "items": "long"}, [("", "found array of long; a collection's schema is a record")]),
    ({"type": ["null", "long"], "name": "x"}, [("", "'type' is \"['null', 'long']\"; expected a type name")]),
    ({"type": record()}, [("", "expected a type name, an object with 'type', or a union")]),
    (record(namespace="a", name="long"), [("/name", "'a.long' is the name of a primitive type, in any namespace")]),
    (record(doc=5), [("/doc", "found 5; expected text")]),
    (record(field("long", doc=[])), [("/fields/0/doc", "found []; expected text")]),
    (record(field({"type": "enum", "name": "E", "symbols": [], "doc": 1})), [("/fields/0/type/doc", "found 1")]),
    (record(field({**fixed(1), "aliases": "G"})), [("/fields/0/type/aliases", "expected a list of names")]),
    (
        record(field(fixed(1)), {"name": "y", "type": {"type": "F"}}),
        [("/fields/1/type", 'a name in an object of its own; write "F" instead of the object')],
    ),
    (
        record({"name": "a", "type": "F"}, field(["null", fixed(1)])),
        [("/fields/0/type", "'F' is used before it is defined; define it here, and use its name below")],
    ),
    (
        record(field("long", aliases=["a", "a"]), {"name": "y", "type": "long", "aliases": ["b", "a"]}),
        [("/fields/1/aliases", "'a' is an alias of field 0 too")],
    ),
    (
        record(field({"type": "enum", "name": "E", "symbols": ["a"], "default": None})),
        [("/fields/0/type/default", "null is not among the symbols")],
    ),
    (5, [("", "found 5; expected a type name, an object or a union")]),
    (None, [("", "found null")]),
    ({}, [("", "no 'type'")]),
    ({"type": 5}, [("", "'type' is '5'")]),
    ({"type": "record", "fields": []}, [("", "no 'name'; expected text for a record")]),
    ({"type": "record", "name": 5, "fields": []}, [("", "'name' is 5")]),
    ({"type": "record", "name": "r"}, [("", "no 'fields'")]),
    ({"type": "record", "name": "r", "fields": {}}, [("", "'fields' is {}; expected a list for a record")]),
    (record(name="2x"), [("/name", f"'2x' {NOT_A_NAME}")]),
    (record(name=""), [("/name", NOT_A_NAME)]),
    (record(name="a..b"), [("/name", NOT_A_NAME)]),
    (record(name="é"), [("/name", NOT_A_NAME)]),
    (record(name="r\n"), [("/name", NOT_A_NAME)]),
    (record(name="long"), [("/name", "'long' is the name of a primitive type")]),
    (record(namespace=5), [("/namespace", "found 5; expected text")]),
    (record(namespace="a-b"), [("/name", NOT_A_NAME)]),
    (record(aliases="old"), [("/aliases", "expected a list of names")]),
    (record("x"), [("/fields/0", "found \"x\"; expected an object with 'name' and 'type'")]),
    (record({"type": "long"}), [("/fields/0", "no 'name'")]),
    (record({"name": None, "type": "long"}), [("/fields/0", "'name' is null")]),
    (record({"name": "a b", "type": "long"}), [("/fields/0/name", NOT_A_NAME)]),
    (record({"name": "x"}), [("/fields/0", "field 'x' has no 'type'")]),
    (record(field("long"), field("int")), [("/fields/1/name", "a second field 'x' (the first is field 0)")]),
    (record(field("strin")), [("/fields/0/type", "unknown type 'strin'; did you mean 'string'?")]),
    (record(field("array")), [("/fields/0/type", "'array' needs an object")]),
    (record(field("Long")), [("/fields/0/type", "unknown type 'Long'")]),
    (record(field({"type": "strin"})), [("/fields/0/type/type", "unknown type 'strin'")]),
    (record(field(["null", ["long"]])), [("/fields/0/type/1", "a union directly inside a union")]),
    (
        record(field(["long", "null", "long"])),
        [("/fields/0/type/2", "a second 'long' in a union (the first is branch 0)")],
    ),
    (
        record(field(["long", {"type": "long", "logicalType": "timestamp-millis"}])),
        [("/fields/0/type/1", "a second 'long' in a union")],
    ),
    (
        record(field(["string", {"type": "string", "logicalType": "date"}])),
        [("/fields/0/type/1", "a second 'string' in a union")],
    ),
    (
        record(field([{"type": "array", "items": "int"}, {"type": "array", "items": "long"}])),
        [("/fields/0/type/1", "a second 'array' in a union")],
    ),
    (record(field(["null", "nul"])), [("/fields/0/type/1", "unknown type 'nul'; did you mean 'null'?")]),
    (record(field(["null", fixed(1), "F"])), [("/fields/0/type/2", "a second 'F' in a union")]),
    (record(field({"type": "array"})), [("/fields/0/type", "array without 'items'")]),
    (record(field({"type": "map", "items": "int"})), [("/fields/0/type", "map without 'values'")]),
    (record(field({"type": "array", "items": "lon"})), [("/fields/0/type/items", "unknown type 'lon'")]),
    (record(field({"type": "map", "values": {}})), [("/fields/0/type/values", "no 'type'")]),
    (record(field({"type": "enum", "name": "E"})), [("/fields/0/type", "'symbols' is null")]),
    (record(field({"type": "enum", "name": "E", "symbols": [1]})), [("/fields/0/type", "'symbols' is [1]")]),
    (
        record(field({"type": "enum", "name": "E", "symbols": ["a", "a", "b-c"]})),
        [("/fields/0/type/symbols/1", "symbol 'a' is there twice"), ("/fields/0/type/symbols/2", "'b-c' is not")],
    ),
    (
        record(field({"type": "enum", "name": "E", "symbols": ["a"], "default": "b"})),
        [("/fields/0/type/default", '"b" is not among the symbols')],
    ),
    (
        record(field({"type": "enum", "name": "E", "symbols": ["a"], "default": ["a"]})),
        [("/fields/0/type/default", "is not among the symbols")],
    ),
    (record(field({"type": "fixed", "name": "F"})), [("/fields/0/type", "'size' is null")]),
    (record(field(fixed(-1))), [("/fields/0/type", "'size' is -1")]),
    (record(field(fixed(2**31))), [("/fields/0/type", "'size' is 2147483648")]),
    (record(field({**fixed(1), "size": True})), [("/fields/0/type", "'size' is true")]),
    (record(field({**fixed(1), "size": 1.0})), [("/fields/0/type", "'size' is 1.0")]),
    (record(field(record())), [("/fields/0/type/name", "'r' is defined twice")]),
    (record(field("long", order="up")), [("/fields/0/order", "expected ascending, descending or ignore")]),
    (record(field("long", aliases=[1])), [("/fields/0/aliases", "expected a list of names")]),
]


@pytest.mark.parametrize(("source", "expected"), PROBLEMS, ids=lambda value: str(value)[:70])
def test_every_problem_is_told_at_its_place(source: Any, expected: list[tuple[str, str]]) -> None:
    found = problems(source)
    assert [path for path, _ in found] == [path for path, _ in expected]
    for (_, message), (_, part) in zip(found, expected, strict=True):
        assert part in message


def test_all_problems_are_collected_in_document_order() -> None:
    source = {
        "type": "record",
        "name": "9",
        "fields": [
            {"name": "a", "type": "strng"},
            "b",
            {"name": "a", "type": {"type": "array", "items": ["null", "nul"]}},
            {"name": "d", "type": record({"name": "e"}, name="inner")},
        ],
    }
    assert [path for path, _ in problems(source)] == [
        "/name",
        "/fields/0/type",
        "/fields/1",
        "/fields/2/type/items/1",
        "/fields/2/name",
        "/fields/3/type/fields/0",
    ]
    with pytest.raises(SchemaError) as caught:
        parse_record(source)
    lines = str(caught.value).splitlines()
    assert lines[0] == "6 problems:"
    assert lines[2].startswith("  /fields/0/type: unknown type 'strng'; did you mean 'string'?")


def test_a_message_about_a_long_value_is_short() -> None:
    ((_, message),) = problems(record(field("x" * 10_000)))
    assert len(message) < 300


# Hostile input


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: Expecting value at line 1, column 1"),
        ('{"a": 1,\n}', "line 2, column 1"),
        (b"\xff\xfe{", "not JSON"),
        ("[" * 100_000, "nested more than 100 levels deep"),
        ('{"default": NaN}', "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ("1" * 5000, "not JSON: Exceeds the limit"),
        ("\ufeff{}", "not JSON"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_not_json_is_a_schema_error(text: str | bytes, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        parse_json(text)
    with pytest.raises(SchemaError):
        Schema.parse(text)


def nested(wrap: Callable[[Any, int], Any], depth: int) -> Any:
    avro: Any = "string"
    for level in range(depth):
        avro = wrap(avro, level)
    return avro


WRAPS: dict[str, Callable[[Any, int], Any]] = {
    "array": lambda avro, _: {"type": "array", "items": avro},
    "map": lambda avro, _: {"type": "map", "values": avro},
    "union": lambda avro, _: [avro],
    "type": lambda avro, _: {"type": avro},
    "record": lambda avro, level: record(field(avro), name=f"r{level}"),
    "mixed": lambda avro, level: ["null", record(field({"type": "array", "items": avro}), name=f"r{level}")],
}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("depth", [120, 700, 100_000])
def test_deep_nesting_is_refused(wrap: Callable[[Any, int], Any], depth: int) -> None:
    source = record(field(nested(wrap, depth)))
    for parse in (parse_record, Schema.parse):
        with pytest.raises(SchemaError, match="nested more than 100 levels deep"):
            parse(source)


def test_the_place_of_what_is_too_deep_is_told() -> None:
    ((path, _),) = problems(record(field(nested(WRAPS["array"], 200))))
    assert path.startswith("/fields/0/type/items/items/items/")


def test_deep_values_beside_the_types_are_refused_too() -> None:
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    for key in ("default", "doc", "note"):
        with pytest.raises(SchemaError, match="nested more than"):
            parse_record(record(field("long", **{key: deep})))


@pytest.mark.filterwarnings("ignore::intempt_nb.SchemaWarning")
@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_what_is_not_refused_can_be_used_with_little_stack_left(wrap: Callable[[Any, int], Any]) -> None:
    depth = 100
    while True:
        try:
            schema = Schema.parse(record(field(nested(wrap, depth))))
            break
        except SchemaError:
            depth -= 1
            if depth == 1:  # unions do not nest
                return

    def use(frames: int) -> None:
        if frames:
            return use(frames - 1)
        arrow = schema.to_arrow()
        assert Schema.from_arrow(arrow) == schema
        repr(schema), schema._repr_html_(), hash(schema), hash(schema.record), schema.to_pandas(), schema.to_avro()
        return None

    use(sys.getrecursionlimit() // 4)


def chain(length: int, width: int = 1) -> dict[str, Any]:
    """Return a flat schema in which each type refers to the one before, `width` times."""
    before = ["string", *(f"c{index}" for index in range(length))]
    inner = [
        record(*({"name": f"f{n}", "type": before[index]} for n in range(width)), name=f"c{index}")
        for index in range(length)
    ]
    return record(*({"name": f"x{index}", "type": each} for index, each in enumerate(inner)))


def test_types_that_unfold_without_end_are_refused() -> None:
    (path, message), (around, _) = problems(chain(150))
    assert (path, around) == ("/fields/99/type", "")
    assert "101 levels deep, with every name written out; at most 50,000 and 100 can be used" in message
    path, message = problems(chain(19, width=2))[0]
    assert path == "/fields/14/type"
    assert "65,535 types, 16 levels deep" in message
    Schema.parse(chain(40)).to_arrow()
    Schema.parse(chain(8, width=2)).to_arrow()


def test_many_records_that_contain_each_other_are_no_problem() -> None:
    inner = [record(field(["null", "r"]), name=f"c{index}") for index in range(200)]
    schema = Schema.parse(record(*({"name": f"x{index}", "type": each} for index, each in enumerate(inner))))
    assert str(schema.to_arrow().field("x7").type) == "string"


def test_a_fixed_of_any_size_is_judged_at_once() -> None:
    for size in (2**31 - 1, 10**18):
        source = record(field(fixed(size, logicalType="decimal", precision=5)))
        if size < 2**31:
            assert parse_record(source).record.fields[0].type == Decimal(5, 0, Fixed("F", size))
        else:
            assert problems(source)


NAMES = st.sampled_from(["a", "b", "long", "null", "record", "x.y", "2", "", "é"])
KEYS = ["type", "name", "namespace", "fields", "items", "values", "symbols", "size", "default", "order", "aliases"]
KEYS += ["doc", "title", "display", "logicalType", "precision", "scale", "other"]
SCRAPS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(2**62, 2**70),
        st.floats(),
        st.text(max_size=3),
        NAMES,
        st.sampled_from(["record", "enum", "array", "map", "fixed", "string", "date", "decimal", "uuid"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        ),
        st.fixed_dictionaries({"type": st.just("record"), "name": NAMES, "fields": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"name": NAMES, "type": inner}, optional={"default": inner, "title": inner}),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"type": st.just("enum"), "name": NAMES, "symbols": st.lists(NAMES, max_size=3)}),
        st.fixed_dictionaries({"type": st.just("fixed"), "name": NAMES, "size": st.integers()}),
        st.fixed_dictionaries({"type": inner, "logicalType": inner}),
    ),
    max_leaves=25,
)
SOURCES = st.one_of(
    SCRAPS,
    st.lists(st.one_of(SCRAPS, st.fixed_dictionaries({"name": NAMES, "type": SCRAPS})), max_size=4).map(
        lambda fields: record(*fields)
    ),
)


def attempt(source: Any) -> Schema | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)
        try:
            return Schema.parse(source)
        except SchemaError as error:
            str(error)
            return None


@given(SOURCES)
def test_any_value_is_parsed_or_refused_with_a_schema_error(source: Any) -> None:
    schema = attempt(source)
    if schema is not None:
        assert schema.to_avro() == json.loads(schema.text)
        assert schema.to_arrow().names == schema.names
        assert schema == attempt(schema.text)
        repr(schema)


@given(st.one_of(st.text(), st.binary(), SOURCES.map(json.dumps)))
def test_any_text_is_parsed_or_refused_with_a_schema_error(text: str | bytes) -> None:
    attempt(text)


@pytest.mark.parametrize(
    "source", [{1, 2}, object(), {"type": object()}, {("a",): 1}, [10**5000], math.nan, b"{", None], ids=type
)
def test_what_has_no_json_form_is_a_schema_error(source: Any) -> None:
    with pytest.raises(SchemaError):
        Schema.parse(source)


def test_half_a_character_is_a_schema_error() -> None:
    with pytest.raises(SchemaError, match="surrogates not allowed"):
        Schema.parse(json.dumps(record(doc="\ud800"), ensure_ascii=False))
    escaped = Schema.parse(json.dumps(record(field("long", doc="\ud800"))))
    assert Schema.from_arrow(escaped.to_arrow()) == escaped
