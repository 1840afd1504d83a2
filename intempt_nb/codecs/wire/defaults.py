"""The default of a field as the JSON that an item would have in its place.

Avro writes the defaults of bytes and fixed as text whose characters are the bytes (specification 1.12, "Complex
Types"), decimals and UUIDs on them included. Everything else looks as it does in an item.
"""

from __future__ import annotations

import binascii
import struct
import uuid
from decimal import Decimal as PyDecimal
from typing import TYPE_CHECKING, Any

from intempt_nb.schema.mapping.arrow import WIRE, holds_json_text
from intempt_nb.schema.mapping.durations import format_period
from intempt_nb.schema.model import (
    Array,
    AvroType,
    BigDecimal,
    Bytes,
    Decimal,
    Duration,
    Fixed,
    Map,
    Record,
    Reference,
    Uuid,
    without_null,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.schema.model import Defined

__all__ = ["default_json"]


def default_json(avro_type: AvroType, default: Any, named: Mapping[str, Defined]) -> Any:
    """Return a default as an item's JSON has such a value.

    Parameters
    ----------
    avro_type
        The field's type.
    default
        The default as the schema has it. One that does not fit the type is returned as it is.
    named
        The schema's named types.
    """
    if holds_json_text(avro_type, named, WIRE) or (isinstance(default, str) and max(default, default="") > "\xff"):
        return default
    match without_null(avro_type), default:
        case (Bytes() | BigDecimal() | Fixed(), str()):
            return binascii.b2a_base64(_bytes(default), newline=False).decode()
        case (Decimal(scale=scale), str()):
            return _decimal_text(int.from_bytes(_bytes(default), signed=True), scale)
        case (Duration(), str()):
            raw = _bytes(default)
            return format_period(*struct.unpack("<III", raw)) if len(raw) == 12 else default
        case (Uuid(fixed=Fixed()), str()):
            raw = _bytes(default)
            return str(uuid.UUID(bytes=raw)) if len(raw) == 16 else default
        case (Array(inner), list()):
            return [default_json(inner, each, named) for each in default]
        case (Map(inner), dict()):
            return {key: default_json(inner, each, named) for key, each in default.items()}
        case (Record(fields=fields), dict()):
            types = {field.name: field.type for field in fields}
            return {name: default_json(types[name], each, named) for name, each in default.items() if name in types}
        case (Reference(name), _):
            return default_json(named[name], default, named)
        case _:
            return default


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _decimal_text(unscaled: int, scale: int) -> str:
    digits = PyDecimal(abs(unscaled)).as_tuple().digits
    return str(PyDecimal((int(unscaled < 0), digits, -scale)))
