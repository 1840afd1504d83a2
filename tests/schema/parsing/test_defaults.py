"""Defaults are held against their types."""

from __future__ import annotations

from typing import Any

import pytest

from intempt_nb.errors import SchemaError
from intempt_nb.schema.schema import Schema

ENUM = {"type": "enum", "name": "E", "symbols": ["a", "b"], "default": "b"}
FIXED = {"type": "fixed", "name": "F", "size": 2}
POINT = {
    "type": "record",
    "name": "P",
    "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "int", "default": 0}],
}
NODE = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


def schema(avro: Any, default: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": "f", "type": avro, "default": default}]}


GOOD: list[tuple[Any, Any]] = [
    ("null", None),
    ("boolean", False),
    ("int", -(2**31)),
    ("long", 2**63 - 1),
    ("float", 1),
    ("double", 1.5),
    ("bytes", "\u00ff\u0000"),
    ("string", ""),
    (FIXED, "\u00ff\u0000"),
    (ENUM, "a"),
    ({"type": "array", "items": "int"}, []),
    ({"type": "array", "items": ["null", "int"]}, [None, 1]),
    ({"type": "map", "values": "int"}, {"k": 1}),
    (POINT, {"x": 1}),
    (POINT, {"x": 1, "y": 2, "z": "what the record does not have is ignored"}),
    (["null", "string"], "of the second branch"),
    (["string", "null"], None),
    (NODE, {"next": {"next": None}}),
    (logical("int", "date"), -1),
    (logical("string", "date"), "2020-05-25"),
    (logical("int", "time-millis"), 5),
    (logical("long", "timestamp-nanos"), 2**40),
    (logical("string", "uuid"), ""),
    (logical("bytes", "decimal", precision=4), "\u0001"),
    (logical("bytes", "big-decimal"), ""),
    ({"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}, "\u0000" * 12),
    ({"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}, "\u0000" * 16),
]


@pytest.mark.parametrize(("avro", "default"), GOOD, ids=str)
def test_a_default_of_its_type_is_taken(avro: Any, default: Any) -> None:
    assert Schema.parse(schema(avro, default)).fields[0].default == default


BAD: list[tuple[Any, Any, str, str]] = [
    ("null", 0, "", "the default 0 is not of its type; expected null"),
    ("boolean", 0, "", "expected boolean"),
    ("int", 2**31, "", "the default 2147483648 is not of its type; expected int"),
    ("int", True, "", "expected int"),
    ("int", "1", "", "expected int"),
    ("long", 1.0, "", "the default 1.0 is not of its type; expected long"),
    ("long", 2**63, "", "expected long"),
    ("float", True, "", "expected float"),
    ("double", "1.5", "", "expected double"),
    ("double", "NaN", "", "expected double"),
    ("bytes", "\u0100", "", "expected bytes"),
    ("bytes", 1, "", "expected bytes"),
    ("string", None, "", "the default null is not of its type; expected string"),
    (FIXED, "\u00ff", "", "expected fixed of 2 bytes"),
    (ENUM, "c", "", "expected enum of a, b"),
    (ENUM, ["a"], "", "expected enum of a, b"),
    ({"type": "array", "items": "int"}, {}, "", "expected array of int"),
    ({"type": "array", "items": "int"}, [1, "2", None], "/1", 'the default "2" is not of its type'),
    ({"type": "map", "values": "int"}, [], "", "expected map of int"),
    ({"type": "map", "values": "int"}, {"a/b~c": "1"}, "/a~1b~0c", "expected int"),
    (POINT, {}, "", "no value for the field 'x', which has no default of its own"),
    (POINT, {"x": 1, "y": None}, "/y", "expected int"),
    (POINT, 5, "", "expected record of x, y"),
    (["null", "string"], 5, "", "the default 5 is not of its type; expected string or null"),
    (["null", POINT], {"x": "1"}, "", "expected record of x, y or null"),
    ([], None, "", "expected a union of nothing"),
    (NODE, {"next": {"next": 5}}, "/next", "expected N or null"),
    (logical("int", "date"), "2020-05-25", "", "expected date"),
    (logical("long", "timestamp-millis"), "2020-05-25", "", "expected timestamp-millis"),
    (logical("string", "uuid"), 5, "", "expected uuid"),
    (logical("bytes", "decimal", precision=4), 1.5, "", "expected decimal(4, 0)"),
    ({"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}, "P1D", "", "expected duration"),
]


@pytest.mark.parametrize(("avro", "default", "below", "message"), BAD, ids=str)
@pytest.mark.filterwarnings("ignore::intempt_nb.SchemaWarning")
def test_a_default_of_another_type_is_a_problem(avro: Any, default: Any, below: str, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Schema.parse(schema(avro, default))
    first = caught.value.problems[0]
    assert first.path == f"/fields/0/default{below}"
    assert message in first.message


def test_every_part_that_does_not_fit_is_told() -> None:
    with pytest.raises(SchemaError) as caught:
        Schema.parse(schema({"type": "array", "items": "int"}, [1, "2", None]))
    assert [problem.path for problem in caught.value.problems] == ["/fields/0/default/1", "/fields/0/default/2"]


def test_defaults_are_told_among_the_other_problems() -> None:
    fields = [
        {"name": "a", "type": "int", "default": "1"},
        {"name": "b", "type": "strng", "default": 5},
        {"name": "c", "type": ["null", "r"], "default": 5},
        {"name": "d-e", "type": "int"},
        {"name": "f", "type": {"type": "array", "items": "int"}, "default": None},
    ]
    with pytest.raises(SchemaError) as caught:
        Schema.parse({"type": "record", "name": "r", "fields": fields})
    paths = ["/fields/0/default", "/fields/1/type", "/fields/3/name", "/fields/4/default"]
    assert [problem.path for problem in caught.value.problems] == paths  # what "r" is cannot be known yet


def test_defaults_of_nested_fields_are_looked_at() -> None:
    nested = {"type": "record", "name": "s", "fields": [{"name": "x", "type": "int", "default": "1"}]}
    with pytest.raises(SchemaError, match="/fields/0/type/items/fields/0/default: the default"):
        Schema.parse(schema({"type": "array", "items": nested}, []))


def test_records_that_name_each_other_in_unions_are_judged_at_once() -> None:
    links = ["null", "A", "B"]
    b = {"type": "record", "name": "B", "fields": [{"name": "next", "type": links}]}
    a = {"type": "record", "name": "A", "fields": [{"name": "next", "type": ["null", "A", b]}]}
    default: Any = "not a record"
    for _ in range(60):
        default = {"next": default}
    with pytest.raises(SchemaError, match="is not of its type"):
        Schema.parse(schema(["null", a], default))
