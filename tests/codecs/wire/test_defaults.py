"""Defaults as Avro writes them → as an item would."""

from __future__ import annotations

from typing import Any

import pytest

from intempt_nb.codecs.wire.defaults import default_json
from intempt_nb.schema.schema import Schema

FIXED = {"type": "fixed", "name": "F", "size": 16}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


@pytest.mark.parametrize(
    ("avro", "default", "expected"),
    [
        ("long", 5, 5),
        ("string", "é", "é"),
        ("bytes", "", ""),
        ("bytes", "\u00ff\u0000", "/wA="),
        ("bytes", "\u0100", "\u0100"),
        ("bytes", 5, 5),
        (FIXED, "a" * 16, "YWFhYWFhYWFhYWFhYWFhYQ=="),
        ({**FIXED, "logicalType": "uuid"}, "\x00" * 15 + "\x07", "00000000-0000-0000-0000-000000000007"),
        ({**FIXED, "logicalType": "uuid"}, "short", "short"),
        (decimal(5, 2), "\x7b", "1.23"),
        (decimal(5, 2), "\u00ff\u0085", "-1.23"),
        (decimal(5, 0), "", "0"),
        (decimal(40, 0), "\x7f" + "\u00ff" * 15, str(2**127 - 1)),
        (["bytes", "null"], "\u00ff", "/w=="),
        (["null", "bytes"], None, None),
        ({"type": "array", "items": "bytes"}, ["\u00ff"], ["/w=="]),
        ({"type": "map", "values": "bytes"}, {"é": "\u00ff"}, {"é": "/w=="}),
        (
            {"type": "record", "name": "p", "fields": [{"name": "b", "type": "bytes"}]},
            {"b": "a", "x": 1},
            {"b": "YQ=="},
        ),
        (["bytes", "long"], "\u00ff", "\u00ff"),
    ],
)
def test_defaults(avro: Any, default: Any, expected: Any) -> None:
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "c", "type": avro}]})
    assert default_json(schema["c"].type, default, schema.named) == expected


def test_a_type_defined_elsewhere_is_looked_up() -> None:
    schema = Schema.parse(
        {
            "type": "record",
            "name": "r",
            "fields": [{"name": "a", "type": {**FIXED, "size": 1}}, {"name": "b", "type": "F"}],
        }
    )
    assert default_json(schema["b"].type, "a", schema.named) == "YQ=="
