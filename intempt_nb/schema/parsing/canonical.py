"""Parsing canonical form and fingerprints, as Avro 1.12 has them ("Parsing Canonical Form for Schemas").

The form is made of the model and not by fastavro, which fails on a type without a namespace inside one that has one and
on an object where a type belongs. The fingerprints of its text are fastavro's.
"""

from __future__ import annotations

import json
from typing import Any, Literal, TypeAlias, assert_never

from intempt_nb.schema.model import (
    Array,
    AvroType,
    Boolean,
    Bytes,
    Double,
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
    Union,
    base_type,
)

__all__ = ["Algorithm", "canonical_form", "fingerprint"]

Algorithm: TypeAlias = Literal["CRC-64-AVRO", "MD5", "SHA-256"]


def canonical_form(avro_type: AvroType) -> str:
    """Return the text by which two schemas that read the same bytes are the same.

    Parameters
    ----------
    avro_type
        The root. Full names only; no namespaces, docs, aliases, defaults, logical types or other attributes.
    """
    return json.dumps(_canonical_json(avro_type), ensure_ascii=False, separators=(",", ":"))


def _canonical_json(avro_type: AvroType) -> Any:
    """Return the canonical form as decoded JSON, its keys in the specified order."""
    match base_type(avro_type):
        case (Null() | Boolean() | Int() | Long() | Float() | Double() | Bytes() | String()) as primitive:
            return type(primitive).__name__.lower()
        case Fixed(name, size):
            return {"name": name, "type": "fixed", "size": size}
        case Enum(name, symbols):
            return {"name": name, "type": "enum", "symbols": list(symbols)}
        case Array(items):
            return {"type": "array", "items": _canonical_json(items)}
        case Map(values):
            return {"type": "map", "values": _canonical_json(values)}
        case Record(name, fields):
            columns = [{"name": each.name, "type": _canonical_json(each.type)} for each in fields]
            return {"name": name, "type": "record", "fields": columns}
        case Union(branches):
            return [_canonical_json(branch) for branch in branches]
        case Reference(name):
            return name
        case other:
            assert_never(other)


def fingerprint(avro_type: AvroType, algorithm: Algorithm = "CRC-64-AVRO") -> str:
    """Return the fingerprint of a schema's canonical form.

    Parameters
    ----------
    avro_type
        The root.
    algorithm
        ``"CRC-64-AVRO"`` (Rabin, 64 bits), ``"MD5"`` or ``"SHA-256"``.

    Returns
    -------
    str
        Hexadecimal; that of CRC-64-AVRO is little-endian, the bytes in the order of a single-object encoding.

    Raises
    ------
    ValueError
        For an algorithm that is none of these.
    """
    from fastavro.schema import fingerprint as fastavro_fingerprint  # importing it early would slow down everything

    if algorithm not in ("CRC-64-AVRO", "MD5", "SHA-256"):
        raise ValueError(f"algorithm is {algorithm!r}; expected 'CRC-64-AVRO', 'MD5' or 'SHA-256'")
    text: str = fastavro_fingerprint(canonical_form(avro_type), algorithm)
    return text
