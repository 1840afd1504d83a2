"""Logical types: which name on which base means what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.schema.model import (
    AvroType,
    BigDecimal,
    Bytes,
    Date,
    Decimal,
    Duration,
    Fixed,
    Int,
    Long,
    String,
    Time,
    Timestamp,
    Uuid,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LOGICAL_TYPES", "logical_type"]

_LOGICAL: Mapping[tuple[str, AvroType], AvroType] = {
    ("date", Int()): Date("int"),
    ("date", String()): Date("string"),
    ("time-millis", Int()): Time("ms"),
    ("time-micros", Long()): Time("us"),
    ("timestamp-millis", Long()): Timestamp("ms"),
    ("timestamp-micros", Long()): Timestamp("us"),
    ("timestamp-nanos", Long()): Timestamp("ns"),
    ("local-timestamp-millis", Long()): Timestamp("ms", local=True),
    ("local-timestamp-micros", Long()): Timestamp("us", local=True),
    ("local-timestamp-nanos", Long()): Timestamp("ns", local=True),
    ("uuid", String()): Uuid(),
    ("big-decimal", Bytes()): BigDecimal(),
    ("arrow.duration-seconds", Long()): Long("s"),
    ("arrow.duration-millis", Long()): Long("ms"),
    ("arrow.duration-micros", Long()): Long("us"),
    ("arrow.duration-nanos", Long()): Long("ns"),
}
"""The last are what :mod:`intempt_nb.schema.mapping.from_arrow` and the Rust crate arrow-avro make of durations."""

LOGICAL_TYPES = sorted({name for name, _ in _LOGICAL} | {"decimal", "duration"})
"""The names there are."""


def logical_type(value: Mapping[str, Any], base: AvroType) -> AvroType | None:
    """Return the type that a schema object with a ``logicalType`` describes.

    Parameters
    ----------
    value
        The object: ``{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}``.
    base
        The type without its logical type.

    Returns
    -------
    AvroType or None
        None if there is no such logical type, or not on this base.
    """
    name = value["logicalType"]
    match name, base:
        case "uuid", Fixed(size=16):
            return Uuid(base)
        case "duration", Fixed(size=12):
            return Duration(base)
        case "decimal", Bytes() | Fixed():
            return _decimal(value, base if isinstance(base, Fixed) else None)
        case str(), _:
            found = _LOGICAL.get((name, base))
            adjusted = value.get("adjust-to-utc") is not False  # Iceberg's word for a timestamp that is no instant
            return found if adjusted or not isinstance(found, Timestamp) else Timestamp(found.unit, local=True)
        case _:
            return None


def _decimal(value: Mapping[str, Any], fixed: Fixed | None) -> Decimal | None:
    precision, scale = value.get("precision"), value.get("scale", 0)
    if type(precision) is not int or type(scale) is not int or not 0 <= scale <= precision or not 0 < precision <= 76:
        return None
    if fixed is not None and (10**precision).bit_length() > 8 * fixed.size - 1:
        return None
    return Decimal(precision, scale, fixed)
