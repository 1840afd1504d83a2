"""What tells the branches of a union apart."""

from __future__ import annotations

from typing import assert_never

from intempt_nb.schema.model import (
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

__all__ = ["branch_name"]


def branch_name(avro_type: AvroType) -> str:
    """Return what tells a branch of a union from the others: its full name, or its type without its logical type.

    It is the branch's name in Avro's JSON encoding (specification 1.12, "JSON Encoding"): ``long``, also for a
    timestamp; ``array``; ``com.shop.Address``.
    """
    match avro_type:
        case Fixed(name=name) | Enum(name=name) | Record(name=name) | Reference(name):
            return name
        case Decimal(fixed=Fixed(name=name)) | Uuid(fixed=Fixed(name=name)) | Duration(Fixed(name=name)):
            return name
        case Null() | Boolean() | Int() | Long() | Float() | Double() | Bytes() | String() | Array() | Map() | Union():
            return type(avro_type).__name__.lower()
        case Date(base):
            return base
        case Time(unit):
            return "int" if unit == "ms" else "long"
        case Timestamp():
            return "long"
        case Decimal() | BigDecimal():
            return "bytes"
        case Uuid():
            return "string"
        case other:
            assert_never(other)
