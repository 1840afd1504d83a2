"""Avro JSON taken out of its schema."""

from __future__ import annotations

from typing import Any

import pytest

from intempt_nb.schema.mapping.standalone import chosen_fields, definitions, same_definition, standalone
from intempt_nb.schema.schema import Schema

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Sale",
    "namespace": "com.shop",
    "fields": [
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["a"]}},
        {"name": "id", "type": ["null", {"type": "fixed", "name": "org.Id", "size": 2}]},
        {
            "name": "inner",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "In",
                    "namespace": "",
                    "fields": [
                        {"name": "kind", "type": "com.shop.Kind"},
                        {"name": "again", "type": ["null", "In"]},
                    ],
                },
            },
        },
    ],
}
DEFINED = dict(definitions(SCHEMA))
KIND = {"type": "enum", "name": "Kind", "symbols": ["a"], "namespace": "com.shop"}
ID = {"type": "fixed", "name": "org.Id", "size": 2}


def test_what_a_schema_defines_is_found_by_its_full_name() -> None:
    assert {name: namespace for name, (_, namespace) in DEFINED.items()} == {
        "com.shop.Sale": "",
        "com.shop.Kind": "com.shop",
        "org.Id": "com.shop",
        "In": "com.shop",
    }


@pytest.mark.parametrize(
    ("avro", "expected"),
    [
        ("long", "long"),
        (["null", {"type": "string", "logicalType": "date"}], ["null", {"type": "string", "logicalType": "date"}]),
        ("Kind", KIND),
        ("com.shop.Kind", KIND),
        ({"type": "map", "values": "org.Id"}, {"type": "map", "values": ID}),
        (["Kind", {"type": "array", "items": "Kind"}], [KIND, {"type": "array", "items": "com.shop.Kind"}]),
        (
            {"type": "array", "items": "In", "note": 1},
            {
                "type": "array",
                "note": 1,
                "items": {
                    "type": "record",
                    "name": "In",
                    "namespace": "",
                    "fields": [
                        {"name": "kind", "type": KIND},
                        {"name": "again", "type": ["null", "In"]},
                    ],
                },
            },
        ),
    ],
    ids=str,
)
def test_a_type_brings_what_it_names(avro: Any, expected: Any) -> None:
    assert standalone(avro, "com.shop", DEFINED, set()) == expected
    parsed = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "x", "type": expected}]})
    if "In" in parsed.named:
        assert same_definition("In", parsed.named, Schema.parse(SCHEMA).named)


def test_what_is_there_already_is_named_and_not_defined() -> None:
    known = {"com.shop.Kind"}
    assert standalone(KIND, "", {}, known) == "com.shop.Kind"
    assert standalone(ID, "", {}, known) == ID
    assert known == {"com.shop.Kind", "org.Id"}


def test_a_schema_is_not_changed() -> None:
    before = repr(SCHEMA)
    assert standalone(SCHEMA, "", DEFINED, set()) == SCHEMA
    assert repr(SCHEMA) == before


def test_a_name_means_the_same_wherever_its_parts_are_defined() -> None:
    one = Schema.parse(SCHEMA)
    alone = Schema.from_arrow(one.select(["inner", "kind"]))
    assert same_definition("In", one.named, alone.named)
    other = Schema.parse(repr(SCHEMA).replace("'a'", "'b'").replace("'", '"'))
    assert not same_definition("In", one.named, other.named)


def test_fields_taken_out_of_a_record_bring_the_types_that_they_only_name() -> None:
    fields = [*SCHEMA["fields"], {"name": "was", "type": ["null", "Kind"], "default": None}]
    assert chosen_fields({**SCHEMA, "fields": fields}, ["was", "kind"], "com.shop") == [
        {"name": "was", "type": ["null", {"type": "enum", "name": "Kind", "symbols": ["a"]}]},
        {"name": "kind", "type": "com.shop.Kind"},
    ]
    assert chosen_fields({**SCHEMA, "fields": fields}, ["was"]) == [{"name": "was", "type": ["null", KIND]}]
