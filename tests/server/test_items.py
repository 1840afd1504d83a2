"""Items against schemas: what every type takes, what it refuses, and what is kept."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from intempt_nb.schema.parsing.avro import parse_record
from intempt_nb.server.items import ItemError, compile_check

ENUM = {"type": "enum", "name": "status", "symbols": ["booked", "canceled"]}
FIXED = {"type": "fixed", "name": "four", "size": 4}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
POINT = {"type": "record", "name": "point", "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "int"}]}
CIRCLE = {"type": "record", "name": "circle", "fields": [{"name": "x", "type": "int"}, {"name": "r", "type": "int"}]}
CHAIN = {
    "type": "record",
    "name": "chain",
    "fields": [{"name": "value", "type": "int"}, {"name": "next", "type": ["null", "chain"]}],
}


def logical(base: str, name: str) -> dict[str, str]:
    return {"type": base, "logicalType": name}


def checker(avro_type: Any, **field: Any) -> Any:
    return compile_check(
        parse_record({"type": "record", "name": "r", "fields": [{"name": "f", "type": avro_type, **field}]})
    )


TAKEN = [
    ("null", [None]),
    ("boolean", [True, False]),
    ("string", ["", "a", "ü😀\u0000"]),
    ("int", [0, 2**31 - 1, -(2**31)]),
    ("long", [0, 2**63 - 1, -(2**63)]),
    ("float", [0, 1.5, -3.4028235e38, 3.4028235e38]),
    ("double", [0, 1.5, 2**70, sys.float_info.max, -0.0]),
    ("bytes", ["", "AAEC", "AA=="]),
    (FIXED, ["AAECAw=="]),
    (ENUM, ["booked", "canceled"]),
    (logical("string", "date"), ["2020-05-25", "2020-02-29", "0001-01-01"]),
    (logical("int", "date"), [0, -1, 18407, "2020-05-25"]),
    (logical("int", "time-millis"), [0, 86_399_999]),
    (logical("long", "time-micros"), [0, 86_399_999_999]),
    (logical("long", "timestamp-millis"), [0, 1_590_364_800_000, -1]),
    (logical("long", "timestamp-micros"), [2**63 - 1]),
    (logical("long", "local-timestamp-nanos"), [-(2**63)]),
    (logical("string", "uuid"), ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"]),
    ({"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}, ["123e4567-e89b-12d3-a456-426614174000"]),
    ({"type": "fixed", "name": "p", "size": 12, "logicalType": "duration"}, ["P14M3DT0.5S", "P0D"]),
    (DECIMAL, ["1.25", "-999.99", "1.2500", ".5", "1e2", 1.25, 7, 0, -0.0, "0.00"]),
    ({"type": "array", "items": "int"}, [[], [1, 2]]),
    ({"type": "map", "values": "int"}, [{}, {"": 1, "a.b": 2}]),
    (POINT, [{"x": 1, "y": 2}, {"y": 2, "x": 1}]),
    (["null", "string"], [None, "a"]),
    (["int", "string", "null"], [1, "a", None]),
    (["long", "double"], [1, 1.5, 2**70]),
    ([POINT, CIRCLE], [{"x": 1, "y": 2}, {"x": 1, "r": 2}]),
    ([ENUM, "int"], ["booked", 1]),
    (["null", CHAIN], [None, {"value": 1, "next": None}, {"value": 1, "next": {"value": 2, "next": {"value": 3}}}]),
]

REFUSED = [
    ("null", [0, "", False]),
    ("boolean", [0, 1, "true", None]),
    ("string", [1, None, True, ["a"], {"a": 1}]),
    ("int", [2**31, -(2**31) - 1, 1.0, True, "1", None]),
    ("long", [2**63, 1.5, False, "1", None]),
    ("float", [3.5e38, -3.5e38, True, "1.5", None, float("inf"), float("nan")]),
    ("double", [10**309, True, "1.5", None, float("inf"), float("-inf"), float("nan")]),
    ("bytes", ["a", "AAE", "A A=", "ü", "AAEC!", "AA==AA==", "AAEC\n", "=AAEC", 1, None]),
    (FIXED, ["", "AAEC", "AAECAwQ=", 1]),
    (ENUM, ["lost", "", None, 1, ["booked"]]),
    (
        logical("string", "date"),
        ["2020-05-32", "2021-02-29", "20200525", "2020-W01-1", "2020-05-25T00:00:00", "25.05.2020", "", 18407, None],
    ),
    (logical("int", "date"), ["soon", 2**31, 1.0, True, None]),
    (logical("int", "time-millis"), [-1, 86_400_000, "10:00", 1.5]),
    (logical("long", "time-micros"), [86_400_000_000]),
    (logical("long", "timestamp-millis"), ["2020-05-25T00:00:00Z", 1.5, True, None, 2**63]),
    (logical("string", "uuid"), ["123e4567", "g" * 32, "", 1, "123e4567-e89b12d3-a456-426614174000"]),
    ({"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}, ["AAAAAAAAAAAAAAAAAAAAAA=="]),
    ({"type": "fixed", "name": "p", "size": 12, "logicalType": "duration"}, ["P-1D", "AAAAAAAAAAAAAAAA", 5]),
    (DECIMAL, ["1.255", "1000", "NaN", "Infinity", "1_0", "٣", "", "1e9999999999", 1.255, 1000, True, None, [1]]),
    ({"type": "array", "items": "int"}, [{}, "a", None, [1, "a"], [None]]),
    ({"type": "map", "values": "int"}, [[], "a", None, {"a": "b"}]),
    (POINT, [{"x": 1}, {}, [], None, {"x": 1, "y": "2"}]),
    (["null", "string"], [1, ["a"]]),
    (["int", "string"], [None, 1.5, True]),
    ([POINT, CIRCLE], [{"x": 1}, {}, None]),
    (["null", CHAIN], [{"value": 1, "next": {"value": "2"}}, {"next": None}]),
]


@pytest.mark.parametrize(("avro_type", "value"), [(each, value) for each, values in TAKEN for value in values])
def test_taken_as_it_is(avro_type, value):
    item = {"f": value}
    kept = checker(avro_type)(item)
    assert json.dumps(kept) == json.dumps({"f": value})
    assert kept is item


@pytest.mark.parametrize(("avro_type", "value"), [(each, value) for each, values in REFUSED for value in values])
def test_refused_at_the_field(avro_type, value):
    with pytest.raises(ItemError) as refused:
        checker(avro_type)({"f": value})
    assert refused.value.field.split(".")[0].split("[")[0] == "f"
    assert "expected" in refused.value.message


@pytest.mark.parametrize("item", [None, [], "text", 1, True])
def test_an_item_is_an_object(item):
    with pytest.raises(ItemError, match="expected an object"):
        checker("int")(item)


class TestAbsent:
    @pytest.mark.parametrize(
        ("avro_type", "field"), [(["null", "int"], {}), ("null", {}), ("int", {"default": 5}), (["int", "null"], {})]
    )
    def test_nullable_and_defaulted_fields_may_be_absent_and_stay_so(self, avro_type, field):
        assert checker(avro_type, **field)({}) == {}

    def test_a_required_field_may_not(self):
        with pytest.raises(ItemError, match="missing; expected int") as refused:
            checker("int")({})
        assert refused.value.field == "f"

    def test_null_is_not_absent(self):
        with pytest.raises(ItemError, match="found null; expected int"):
            checker("int", default=5)({"f": None})


class TestFieldsTheSchemaDoesNotName:
    def test_are_dropped_and_the_order_stays(self):
        kept = checker(POINT)({"z": 1, "f": {"y": 1, "q": [1], "x": 2}, "a": {}})
        assert json.dumps(kept) == '{"f": {"y": 1, "x": 2}}'

    @pytest.mark.parametrize(
        ("avro_type", "given", "kept"),
        [
            ({"type": "array", "items": POINT}, [{"x": 1, "y": 2}, {"x": 1, "y": 2, "z": 3}], [{"x": 1, "y": 2}] * 2),
            ({"type": "map", "values": POINT}, {"k": {"x": 1, "y": 2, "z": 3}}, {"k": {"x": 1, "y": 2}}),
            (["null", POINT], {"x": 1, "y": 2, "z": 3}, {"x": 1, "y": 2}),
            (["null", CHAIN], {"value": 1, "next": {"value": 2, "z": 3}}, {"value": 1, "next": {"value": 2}}),
        ],
    )
    def test_are_dropped_at_every_depth(self, avro_type, given, kept):
        before = json.dumps(given)
        assert checker(avro_type)({"f": given}) == {"f": kept}
        assert json.dumps(given) == before  # what was given is not changed

    def test_the_branch_that_keeps_all_goes_first(self):
        loose = {"type": "record", "name": "loose", "fields": [{"name": "x", "type": ["null", "int"]}]}
        assert checker([loose, CIRCLE])({"f": {"x": 1, "r": 2}}) == {"f": {"x": 1, "r": 2}}
        assert checker([loose, CIRCLE])({"f": {"x": 1, "q": 2}}) == {"f": {"x": 1}}


@pytest.mark.parametrize(
    ("avro_type", "value", "place"),
    [
        (POINT, {"x": 1, "y": "a"}, "f.y"),
        (POINT, {"x": 1}, "f.y"),
        ({"type": "array", "items": POINT}, [{"x": 1, "y": 1}, {"x": "a", "y": 1}], "f[1].x"),
        ({"type": "array", "items": {"type": "array", "items": "int"}}, [[], [1, "a"]], "f[1][1]"),
        ({"type": "map", "values": "int"}, {"k": "a"}, "f.k"),
        (["null", CHAIN], {"value": 1, "next": {"value": 1, "next": {"value": "a"}}}, "f.next.next.value"),
        (["null", POINT], {"x": 1, "y": "a"}, "f.y"),
    ],
)
def test_the_place_of_a_mismatch(avro_type, value, place):
    with pytest.raises(ItemError) as refused:
        checker(avro_type)({"f": value})
    assert refused.value.field == place


def test_the_message_shows_what_was_found_and_is_of_readable_length():
    with pytest.raises(ItemError, match=r'^found "x+…; expected int: an integer$') as refused:
        checker("int")({"f": "x" * 100_000})
    assert len(refused.value.message) < 200


def test_nesting_beyond_what_python_can_follow_is_a_mismatch():
    item: Any = None
    for _ in range(100_000):
        item = {"value": 1, "next": item}
    with pytest.raises(ItemError, match="nested too deeply"):
        checker(["null", CHAIN])({"f": item})


def test_a_name_stands_for_the_fixed_with_its_logical_type():
    made = [
        ({"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}, "123e4567-e89b-12d3-a456-426614174000"),
        ({"type": "fixed", "name": "p", "size": 12, "logicalType": "duration"}, "P1D"),
        ({"type": "fixed", "name": "d", "size": 4, "logicalType": "decimal", "precision": 5, "scale": 2}, "1.25"),
    ]
    for avro, value in made:
        fields = [{"name": "a", "type": avro}, {"name": "b", "type": ["null", avro["name"]]}]
        check = compile_check(parse_record({"type": "record", "name": "r", "fields": fields}))
        assert check({"a": value, "b": value}) == {"a": value, "b": value}
        with pytest.raises(ItemError, match=r"found \"\*\""):
            check({"a": value, "b": "*"})
