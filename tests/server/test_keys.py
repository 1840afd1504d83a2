"""Keys: equal for equal values and for no others."""

from __future__ import annotations

from typing import Any

import pytest

from intempt_nb.schema.parsing.avro import parse_record
from intempt_nb.server.items import ItemError
from intempt_nb.server.keys import compile_key


def key_of(**types: Any) -> Any:
    fields = [{"name": name, "type": avro_type} for name, avro_type in types.items()]
    return compile_key(parse_record({"type": "record", "name": "r", "fields": fields}).record.fields)


@pytest.mark.parametrize(
    ("avro_type", "one", "other"),
    [
        ("double", 1, 1.0),
        ("double", 0.0, -0.0),
        ("float", 2, 2.0),
        ({"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 2}, "1.5", 1.50),
        ({"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 2}, "-0.00", 0),
        ({"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 2}, "1e2", 100),
        ({"type": "int", "logicalType": "date"}, 18407, "2020-05-25"),
        (
            {"type": "string", "logicalType": "uuid"},
            "123e4567-e89b-12d3-a456-426614174000",
            "123E4567E89B12D3A456426614174000",
        ),
        ({"type": "map", "values": "int"}, {"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (["null", "double"], 1, 1.0),
    ],
)
def test_values_that_mean_the_same(avro_type, one, other):
    of = key_of(k=avro_type)
    assert of({"k": one}) == of({"k": other})


@pytest.mark.parametrize(
    ("avro_type", "one", "other"),
    [
        ("string", "1", "1 "),
        ("string", "é", "e\u0301"),
        ("string", "\u0000", "\\u0000"),
        ("long", 2**62, 2**62 + 1),
        (["long", "string"], 1, "1"),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 2},
            "123456789012345678901234567890123456789.01",
            "123456789012345678901234567890123456789.02",
        ),
        ({"type": "array", "items": "string"}, ["a", "b"], ["a,b"]),
    ],
)
def test_values_that_differ(avro_type, one, other):
    of = key_of(k=avro_type)
    assert of({"k": one}) != of({"k": other})


def test_composite_keys_do_not_run_together():
    of = key_of(a="string", b="string")
    assert of({"a": "x", "b": "yz"}) != of({"a": "xy", "b": "z"})
    assert of({"b": "yz", "a": "x", "c": 1}) == of({"a": "x", "b": "yz"})


@pytest.mark.parametrize("item", [{}, {"k": None}])
@pytest.mark.parametrize("avro_type", ["long", ["null", "string"]])
def test_every_item_needs_a_key(avro_type, item):
    with pytest.raises(ItemError, match="every item needs a value") as refused:
        key_of(k=avro_type)(item)
    assert refused.value.field == "k"
