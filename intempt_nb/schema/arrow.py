"""Avro types ↔ Arrow types.

Forward, every Avro type has one Arrow type (`arrow_type`). What Arrow cannot say (names, defaults, titles, the text of
a date) rides along as metadata: the whole schema text under ``avro.schema``, each field's own JSON under
``avro.field``. The second survives ``select`` and ``rename_columns``, which drop the first.

A union of several types and a record that contains itself have no flat Arrow form that pandas, Parquet and CSV all
take; such a column holds JSON text.
"""

from __future__ import annotations

import json
from itertools import chain, count
from typing import TYPE_CHECKING, Any, assert_never

import pyarrow as pa

from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.avro import NAME, parse_json, read_record
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
    Field,
    Fixed,
    Float,
    Int,
    Long,
    Map,
    Named,
    Null,
    Record,
    Reference,
    String,
    Time,
    Timestamp,
    Union,
    Uuid,
    is_nullable,
    without_null,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "FIELD_KEY",
    "SCHEMA_KEY",
    "arrow_field",
    "arrow_type",
    "avro_name",
    "avro_names",
    "declared_field",
    "holds_json_text",
    "titled",
    "to_avro_field",
]

SCHEMA_KEY = b"avro.schema"
FIELD_KEY = b"avro.field"
MAX_DECIMAL128 = 38


def arrow_field(field: Field, named: Mapping[str, Named], source: Mapping[str, Any]) -> pa.Field:
    """Return the Arrow field of a column, `source` (the field's own Avro JSON) in its metadata.

    Parameters
    ----------
    field
        The column.
    named
        The schema's named types, which references resolve to.
    source
        The column as the schema text gives it.
    """
    metadata = {FIELD_KEY: json.dumps(source).encode()}
    return pa.field(field.name, arrow_type(field.type, named), nullable=field.nullable, metadata=metadata)


def arrow_type(avro_type: AvroType, named: Mapping[str, Named]) -> pa.DataType:
    """Return the Arrow type of an Avro type; null branches of unions are left to the field's `nullable`.

    Parameters
    ----------
    avro_type
        Any Avro type.
    named
        The schema's named types, which references resolve to.
    """
    if holds_json_text(avro_type, named):
        return pa.string()
    match without_null(avro_type):
        case Null():
            return pa.null()
        case Boolean():
            return pa.bool_()
        case Int():
            return pa.int32()
        case Long():
            return pa.int64()
        case Float():
            return pa.float32()
        case Double():
            return pa.float64()
        case Bytes() | BigDecimal():
            return pa.binary()
        case String() | Uuid(fixed=None):
            return pa.string()
        case Fixed(size=size):
            return pa.binary(size)
        case Uuid():
            return pa.uuid()
        case Enum():
            return pa.dictionary(pa.int32(), pa.string())
        case Date():
            return pa.date32()
        case Time(unit):
            return pa.time32("ms") if unit == "ms" else pa.time64("us")
        case Timestamp(unit, local):
            return pa.timestamp(unit, None if local else "UTC")
        case Decimal(precision, scale):
            return pa.decimal128(precision, scale) if precision <= MAX_DECIMAL128 else pa.decimal256(precision, scale)
        case Duration():
            return pa.month_day_nano_interval()
        case Array(items):
            return pa.list_(_child("item", items, named))
        case Map(values):
            return pa.map_(pa.string(), _child("value", values, named))
        case Record(fields=fields):
            return pa.struct([_child(each.name, each.type, named) for each in fields])
        case Reference(name):
            return arrow_type(named[name], named)
        case Union():
            return pa.string()
        case other:
            assert_never(other)


def _child(name: str, avro_type: AvroType, named: Mapping[str, Named]) -> pa.Field:
    return pa.field(name, arrow_type(avro_type, named), nullable=is_nullable(avro_type))


def holds_json_text(avro_type: AvroType, named: Mapping[str, Named]) -> bool:
    """Return whether the type's Arrow column is JSON text: a union of several types, or a recursive record."""
    match without_null(avro_type):
        case Union():
            return True
        case Record(name=name) | Reference(name):
            return name in _reachable(named[name], named)
        case _:
            return False


def _reachable(avro_type: AvroType, named: Mapping[str, Named]) -> set[str]:
    """Return the names that a type's parts lead to; its own name only if it contains itself."""
    names: set[str] = set()
    rest = [avro_type]
    while rest:
        match rest.pop():
            case Reference(name) if name not in names:
                names.add(name)
                rest.append(named[name])
            case Record(fields=fields):
                rest.extend(each.type for each in fields)
            case Array(inner) | Map(inner):
                rest.append(inner)
            case Union(branches):
                rest.extend(branches)
    return names


def avro_name(text: str) -> str:
    """Return a valid Avro name made of `text`: ``"Booking ID"`` → ``"Booking_ID"``, ``"2nd"`` → ``"_2nd"``."""
    name = "".join(each if NAME.fullmatch(f"_{each}") else "_" for each in text.strip()) or "_"
    return name if NAME.fullmatch(name) else f"_{name}"


def avro_names(texts: Sequence[str]) -> list[str]:
    """Return an Avro name for each text, all different: those that are names already, and the others made of them.

    Parameters
    ----------
    texts
        All different. ``["a b", "a-b", "a_c"]`` → ``["a_b", "a_b_2", "a_c"]``.
    """
    taken = {text for text in texts if avro_name(text) == text}
    return [text if text in taken else _unused(avro_name(text), taken) for text in texts]


def _unused(name: str, taken: set[str]) -> str:
    """Return the name, numbered if it is taken already; it then is."""
    unused = next(each for each in chain((name,), (f"{name}_{n}" for n in count(2))) if each not in taken)
    taken.add(unused)
    return unused


def titled(avro: dict[str, Any], name: str, column: str) -> dict[str, Any]:
    """Return a field's Avro JSON under a name; the column's own name is its title if it is another and has none."""
    renamed = {**avro, "name": name}
    return renamed if name == column else {**renamed, "title": avro.get("title", column)}


def declared_field(field: pa.Field) -> dict[str, Any] | None:
    """Return the Avro JSON that a field carries, under the field's present name.

    Returns
    -------
    dict or None
        None if it carries none, or if its type is another by now.
    """
    parsed = _declared(field)
    return None if parsed is None else parsed[0]


def _declared(field: pa.Field) -> tuple[dict[str, Any], Mapping[str, Named]] | None:
    carried = (field.metadata or {}).get(FIELD_KEY)
    if carried is None:
        return None
    try:
        avro = parse_json(carried)
        avro = titled(avro, avro_name(field.name), field.name) if isinstance(avro, dict) else avro
        parsed, _ = read_record({"type": "record", "name": "_", "fields": [avro]})
    except SchemaError:  # not ours, or its type is one that another field defines
        return None
    column = parsed.record.fields[0]
    if column.nullable != field.nullable or arrow_type(column.type, parsed.named) != field.type:
        return None
    return avro, {name: each for name, each in parsed.named.items() if each is not parsed.record}


def to_avro_field(field: pa.Field, taken: set[str] | None = None) -> dict[str, Any]:
    """Return the Avro JSON of an Arrow field.

    The field's ``avro.field`` metadata is used where it still fits the field's type; a name that Avro does not take is
    changed and kept as the title.

    Parameters
    ----------
    field
        Any Arrow field.
    taken
        Names of types that the schema has already, which this field must not define again; those it does are added.

    Raises
    ------
    DataError
        For a type that Avro has no counterpart for.
    """
    taken = set() if taken is None else taken
    declared = _declared(field)
    if declared is not None and taken.isdisjoint(declared[1]):
        taken.update(declared[1])
        return declared[0]
    try:
        return _avro_field(field, avro_name(field.name), field.name, "", taken)
    except RecursionError:
        raise DataError("the column's type is nested too deeply for a schema", field=field.name) from None


def _avro_field(field: pa.Field, name: str, path: str, prefix: str, taken: set[str]) -> dict[str, Any]:
    avro: Any = _avro_type(field.type, path, f"{prefix}{name}", taken)
    entry: dict[str, Any] = {"name": name, "type": avro}
    if field.nullable and field.type != pa.null():
        entry["type"] = ["null", avro]
    if field.nullable or field.type == pa.null():
        entry["default"] = None
    return titled(entry, name, field.name)


_INTEGERS = (pa.int8(), pa.int16(), pa.uint8(), pa.uint16(), pa.int32())
_SIMPLE: Mapping[pa.DataType, Any] = {
    pa.null(): ["null", "string"],
    pa.bool_(): "boolean",
    **dict.fromkeys(_INTEGERS, "int"),
    pa.int64(): "long",
    pa.uint32(): "long",
    pa.uint64(): {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 0},
    pa.float16(): "float",
    pa.float32(): "float",
    pa.float64(): "double",
}
_TIMESTAMPS = {"s": "millis", "ms": "millis", "us": "micros", "ns": "nanos"}


def _avro_type(arrow: pa.DataType, path: str, name: str, taken: set[str]) -> Any:
    types = pa.types
    if arrow in _SIMPLE:
        return _SIMPLE[arrow]
    if types.is_string(arrow) or types.is_large_string(arrow) or types.is_string_view(arrow):
        return "string"
    if types.is_binary(arrow) or types.is_large_binary(arrow) or types.is_binary_view(arrow):
        return "bytes"
    if types.is_fixed_size_binary(arrow):
        return {"type": "fixed", "name": _unused(f"{name}_fixed", taken), "size": arrow.byte_width}
    if types.is_date(arrow):
        return {"type": "string", "logicalType": "date"}
    if types.is_timestamp(arrow):
        return {"type": "long", "logicalType": f"{'' if arrow.tz else 'local-'}timestamp-{_TIMESTAMPS[arrow.unit]}"}
    if types.is_time(arrow):
        millis = arrow.bit_width == 32
        return {"type": "int" if millis else "long", "logicalType": "time-millis" if millis else "time-micros"}
    if types.is_decimal(arrow) and arrow.scale >= 0:
        return {"type": "bytes", "logicalType": "decimal", "precision": arrow.precision, "scale": arrow.scale}
    if types.is_dictionary(arrow) or types.is_run_end_encoded(arrow):
        return _avro_type(arrow.value_type, path, name, taken)
    return _avro_nested(arrow, path, name, taken)


_LISTS = ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view", "is_large_list_view")


def _avro_nested(arrow: pa.DataType, path: str, name: str, taken: set[str]) -> Any:
    if pa.types.is_struct(arrow):
        record = _unused(f"{name}_record", taken)
        names = avro_names([each.name for each in arrow])
        parts = zip(arrow, names, strict=True)
        fields = [_avro_field(each, part, f"{path}.{each.name}", f"{name}_", taken) for each, part in parts]
        return {"type": "record", "name": record, "fields": fields}
    if pa.types.is_map(arrow):
        return {"type": "map", "values": _element(arrow.item_field, f"{path}{{}}", name, taken)}
    if any(getattr(pa.types, is_list)(arrow) for is_list in _LISTS):
        return {"type": "array", "items": _element(arrow.value_field, f"{path}[]", name, taken)}
    raise DataError(
        f"Arrow type {arrow} has no Avro counterpart",
        field=path,
        expected="a type that Avro has; cast the column first",
    )


def _element(field: pa.Field, path: str, name: str, taken: set[str]) -> Any:
    avro = _avro_type(field.type, path, name, taken)
    return ["null", avro] if field.nullable and field.type != pa.null() else avro
