"""What tells the branches of a union apart."""

from __future__ import annotations

from intempt_nb.schema.model import AvroType, Enum, Fixed, Record, Reference, base_type

__all__ = ["branch_name"]


def branch_name(avro_type: AvroType) -> str:
    """Return what tells a branch of a union from the others: its full name, or its type without its logical type.

    It is the branch's name in Avro's JSON encoding (specification 1.12, "JSON Encoding"): ``long``, also for a
    timestamp; ``array``; ``com.shop.Address``.
    """
    match base_type(avro_type):
        case Fixed(name=name) | Enum(name=name) | Record(name=name) | Reference(name):
            return name
        case base:
            return type(base).__name__.lower()
