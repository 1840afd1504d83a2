"""The narrowest type for the values of two."""

from __future__ import annotations

from typing import Any

import pytest

from intempt_nb.schema.inferring.widening import widen

DATE = {"type": "string", "logicalType": "date"}


def timestamp(unit: str) -> dict[str, str]:
    return {"type": "long", "logicalType": f"timestamp-{unit}"}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


@pytest.mark.parametrize(
    ("one", "two", "wider"),
    [
        ("int", "int", "int"),
        ("int", "long", "long"),
        ("int", "double", "double"),
        ("long", "double", "double"),
        ("int", "float", "double"),
        ("float", "double", "double"),
        ("long", "string", "string"),
        ("boolean", "long", "string"),
        (DATE, DATE, DATE),
        (DATE, timestamp("millis"), "string"),
        (timestamp("millis"), timestamp("micros"), timestamp("micros")),
        (timestamp("nanos"), timestamp("micros"), timestamp("nanos")),
        (timestamp("millis"), "long", "string"),
        (decimal(4, 2), decimal(6, 1), decimal(7, 2)),
        (decimal(4, 2), "int", decimal(12, 2)),
        (decimal(4, 2), "long", decimal(21, 2)),
        (decimal(76, 0), decimal(76, 76), "string"),
        (decimal(4, 2), "double", "string"),
        (decimal(4, 2), "bytes", "string"),
        ({"type": "array", "items": "long"}, "long", "string"),
    ],
)
def test_the_wider_type_holds_both(one: Any, two: Any, wider: Any) -> None:
    assert widen(one, two) == widen(two, one) == wider
