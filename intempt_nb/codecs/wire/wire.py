"""What each Avro type looks like in the JSON of an item, and the way from there to its Arrow type.

=====================================  ======================================================================
Avro                                   JSON
=====================================  ======================================================================
null, boolean, string                  null, true or false, text
int, long                              number, exact over all 64 bits
float, double                          number
bytes, fixed, big-decimal              base64 text
decimal                                text; a number is read too
date on string, date on int            ``"2020-05-25"``; days since 1970-01-01
time-millis, time-micros               milliseconds or microseconds since midnight
timestamp-*, local-timestamp-*         units since 1970-01-01T00:00:00, never shifted
uuid (also on fixed)                   text
duration                               an ISO 8601 period: ``"P14M3DT0.5S"``
enum                                   its symbol
array; map, record                     list; object
union of several, recursive record     the bare value; in Arrow its JSON text
=====================================  ======================================================================

The dates on string and the epoch numbers are the API's; base64 and text for decimals are this project's choice, as
nothing is documented.

A *wire type* is the Arrow type that such JSON is parsed into; `from_wire` makes the Arrow type of the schema of it,
column by column. It never guesses: what it cannot convert exactly raises `Refused`.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, assert_never

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.schema.checking.reading import FIRST_DAY, UUID
from intempt_nb.schema.mapping.arrow import WIRE, arrow_type, holds_json_text
from intempt_nb.schema.mapping.durations import periods
from intempt_nb.schema.mapping.layouts import gaps
from intempt_nb.schema.mapping.metadata import arrow_schema
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
    is_nullable,
    without_null,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.schema.model import Defined
    from intempt_nb.schema.schema import Schema

__all__ = ["LAST_DAY", "Refused", "from_wire", "is_columnar", "wire_schema", "wire_type"]

LAST_DAY = 2_932_896
"""9999-12-31, the last day with a four-digit year."""


class Refused(Exception):  # noqa: N818  (not an error: the exact path then decides)
    """A value that the vectorised way does not convert; whether it is wrong is for the exact way to say."""


def wire_schema(schema: Schema, columns: Sequence[str] | None = None) -> pa.Schema:
    """Return the Arrow schema of a collection's items: all columns or some, in the form `WIRE`.

    Raises
    ------
    DataError
        For a column that the schema does not have.
    """
    arrow = arrow_schema(schema.text, schema.parsed, WIRE)
    return arrow if columns is None else pa.schema([arrow.field(schema[name].name) for name in columns])


def is_columnar(avro_type: AvroType, named: Mapping[str, Defined]) -> bool:
    """Return whether a column can be parsed without a Python object a value: no map, and no JSON text, in it."""
    if holds_json_text(avro_type, named, WIRE):
        return False
    match without_null(avro_type):
        case Map():
            return False
        case Array(items):
            return is_columnar(items, named)
        case Record(fields=fields):
            return all(is_columnar(each.type, named) for each in fields)
        case Reference(name):
            return is_columnar(named[name], named)
        case _:
            return True


def wire_type(avro_type: AvroType, named: Mapping[str, Defined], *, numbers_as_text: bool = False) -> pa.DataType:
    """Return the Arrow type that the JSON of a type is parsed into, everything in it nullable.

    Parameters
    ----------
    avro_type
        Any Avro type.
    named
        The schema's named types.
    numbers_as_text
        Whether float and double are text, so that a float is rounded once, from its decimal digits, not by way of a
        double.
    """

    def inner(part: AvroType) -> pa.DataType:
        return wire_type(part, named, numbers_as_text=numbers_as_text)

    if holds_json_text(avro_type, named, WIRE):
        return pa.string()
    match without_null(avro_type):
        case Bytes() | BigDecimal() | Fixed() | Enum() | Uuid() | Duration() | Date(base="string"):
            return pa.string()
        case Float() | Double() if numbers_as_text:
            return pa.string()
        case Timestamp():
            return pa.int64()
        case Array(items):
            return pa.list_(inner(items))
        case Map(values):
            return pa.map_(pa.string(), inner(values))
        case Record(fields=fields):
            return pa.struct([(each.name, inner(each.type)) for each in fields])
        case Reference(name):
            return inner(named[name])
        case (
            Null() | Boolean() | Int() | Long() | Float() | Double() | String() | Date() | Time() | Decimal() | Union()
        ) as same:
            return arrow_type(same, named, WIRE)
        case other:
            assert_never(other)


def from_wire(array: pa.Array, avro_type: AvroType, named: Mapping[str, Defined]) -> pa.Array:
    """Return the column of the schema's Arrow type.

    Parameters
    ----------
    array
        Of the type's `wire_type`, valid in full and not sliced.
    avro_type, named
        As for `wire_type`.

    Raises
    ------
    Refused
        For a value that does not fit: an unknown symbol (if the enum has no default), a day that does not exist, a
        null inside a nested type that has none, a number that is not finite. Nulls of the column itself are the
        caller's, who knows the default.
    pyarrow.ArrowInvalid
        For text that is no date, or has another length than the type's.
    """
    if holds_json_text(avro_type, named, WIRE):
        return array
    match without_null(avro_type):
        case Float() | Double() as number:
            return _numbers(array, arrow_type(number, named, WIRE))
        case Bytes() | BigDecimal():
            return _decoded(array, pa.binary())
        case Fixed(size=size):
            return _decoded(array, pa.binary(size))
        case Uuid(fixed=Fixed()):
            return _uuids(array)
        case Duration():
            return _durations(array)
        case Enum(symbols=symbols, default=default):
            return _symbols(array, symbols, default)
        case Date(base="string"):
            return _dates(array)
        case Timestamp() as stamp:
            return array.cast(arrow_type(stamp, named, WIRE))
        case Array(items) as lists:
            values = _present(from_wire(array.values, items, named), items)
            return pa.ListArray.from_arrays(array.offsets, values, arrow_type(lists, named, WIRE), mask=gaps(array))
        case Map(items) as maps:
            values = _present(from_wire(array.items, items, named), items)
            kind = arrow_type(maps, named, WIRE)
            return pa.MapArray.from_arrays(array.offsets, array.keys, values, kind, mask=gaps(array))
        case Record() as record:
            return _structs(array, record, named)
        case Reference(name):
            return from_wire(array, named[name], named)
        case Null() | Boolean() | Int() | Long() | String() | Uuid() | Date() | Time() | Decimal() | Union():
            return array
        case other:
            assert_never(other)


def _structs(array: pa.StructArray, record: Record, named: Mapping[str, Defined]) -> pa.StructArray:
    if not record.fields:  # an array made of no children would have no length
        return array
    children = []
    for field, child in zip(record.fields, array.flatten(), strict=True):
        column = from_wire(child, field.type, named)
        if not field.nullable and column.null_count > array.null_count:
            raise Refused
        children.append(column)
    return pa.StructArray.from_arrays(children, fields=list(arrow_type(record, named, WIRE)), mask=gaps(array))


def _present(array: pa.Array, avro_type: AvroType) -> pa.Array:
    if array.null_count and not is_nullable(avro_type):
        raise Refused
    return array


def _numbers(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(array.type):  # from the exact way, which has judged what is not finite
        return array.cast(kind)
    # The parser takes bare NaN and Infinity, and makes infinity of a float that is too large.
    if pc.all(pc.is_finite(array)).as_py() is False:
        raise Refused
    return array


def _decoded(array: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        cells = [None if text is None else binascii.a2b_base64(text, strict_mode=True) for text in array.to_pylist()]
    except ValueError as error:
        raise Refused from error
    return pa.array(cells, kind)


def _uuids(array: pa.Array) -> pa.Array:
    if pc.all(pc.match_substring_regex(array, UUID)).as_py() is False:
        raise Refused
    cells = [None if text is None else bytes.fromhex(text.replace("-", "")) for text in array.to_pylist()]
    return pa.ExtensionArray.from_storage(pa.uuid(), pa.array(cells, pa.binary(16)))


def _durations(array: pa.Array) -> pa.Array:
    try:
        return periods(array)
    except ValueError as error:
        raise Refused from error


def _symbols(array: pa.Array, symbols: tuple[str, ...], default: str | None) -> pa.Array:
    """Return a dictionary whose values are the symbols in the schema's order, the same for every piece of a column."""
    values = pa.array(symbols, pa.string())
    indices = pc.index_in(array, value_set=values)
    if indices.null_count > array.null_count:
        if default is None:
            raise Refused
        other = pa.scalar(symbols.index(default), pa.int32())
        indices = pc.if_else(pc.and_(array.is_valid(), indices.is_null()), other, indices)
    return pa.DictionaryArray.from_arrays(indices, values)


def _dates(array: pa.Array) -> pa.Array:
    dates = array.cast(pa.date32())
    first = pc.min(dates.cast(pa.int32())).as_py()
    if first is not None and first < FIRST_DAY:
        raise Refused
    return dates
