"""A collection's columns as Spark has them.

==============================================  ==========================================================
a collection's type                             Spark's
==============================================  ==========================================================
boolean, int, long, float, double, string       the same
bytes, fixed, big-decimal                       binary
decimal of at most 38 digits                    decimal
date                                            date
timestamp-millis and -micros; local ones        timestamp; timestamp_ntz; microseconds
array, map, record                              array, map, struct
enum                                            text: its symbol
uuid                                            text
decimal of more digits                          text: its digits, never with an exponent
time-millis, time-micros                        text: ``13:05:00.250``; Spark has a time of day since 4.1 only
timestamp-nanos                                 text: ``2025-03-01 13:05:00.250000001Z``; a local one without Z
duration                                        text: an ISO 8601 period, ``P14M3DT0.5S``
union of several, recursive record              text: JSON, as :meth:`intempt_nb.transfer.scan.Scan` has it
==============================================  ==========================================================

An upload takes each of these texts for the value that it was made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from intempt_nb.codecs.wire.outgoing import decimal_texts, uuid_texts
from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.mapping.durations import period_texts
from intempt_nb.schema.mapping.layouts import gaps

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

__all__ = ["as_spark", "fitting", "given_schema", "spark_schema"]


def spark_schema(arrow: pa.Schema) -> pa.Schema:
    """Return the Arrow schema that Spark has for a collection's, which is one of the form `WIRE`."""
    return pa.schema([_field(each.name, each) for each in arrow])


def _field(name: str, field: pa.Field) -> pa.Field:
    return pa.field(name, _type(field.type), field.nullable)


def _type(arrow: pa.DataType) -> pa.DataType:
    types = pa.types
    match arrow:
        case pa.StructType():
            return pa.struct([_field(each.name, each) for each in arrow])
        case pa.MapType():
            return pa.map_(_field("key", arrow.key_field), _field("value", arrow.item_field))
        case pa.ListType():
            return pa.list_(_field("element", arrow.value_field))
        case pa.TimestampType(unit="ns") | pa.UuidType() | pa.Decimal256Type() | pa.DictionaryType():
            return pa.string()
        case pa.TimestampType():
            return pa.timestamp("us", arrow.tz)
        case pa.FixedSizeBinaryType() if not types.is_decimal(arrow):
            return pa.binary()
        case _ if types.is_time(arrow) or types.is_interval(arrow):
            return pa.string()
        case _:
            return arrow


def as_spark(batch: pa.RecordBatch, target: pa.Schema) -> pa.RecordBatch:
    """Return rows of a collection as Spark takes them.

    Parameters
    ----------
    batch
        Of a scan.
    target
        The same columns, as `fitting` returns them.

    Raises
    ------
    DataError
        For an instant that is further away than Spark's microseconds go, with its column.
    """
    columns = []
    for column, field in zip(batch.columns, target, strict=True):
        try:
            columns.append(_column(column, field.type))
        except pa.ArrowInvalid as error:
            raise DataError(f"Spark cannot hold a value of this column: {error}", field=field.name) from None
    return pa.RecordBatch.from_arrays(columns, schema=target)


def _column(array: pa.Array, target: pa.DataType) -> pa.Array:
    match array.type:
        case pa.StructType():
            return _struct(array, target)
        case pa.MapType():
            items = _column(array.items, target.item_type)
            entries = pa.StructArray.from_arrays([array.keys, items], fields=[target.key_field, target.item_field])
            return _with_children(array, target, entries)
        case pa.ListType():
            return _with_children(array, target, _column(array.values, target.value_type))
        case pa.Decimal256Type():
            return decimal_texts(array)
        case pa.UuidType():
            return uuid_texts(array.storage).cast(pa.string())
        case arrow if pa.types.is_interval(arrow):
            return period_texts(array)
        case _:
            return array.cast(target)


def _struct(array: pa.StructArray, target: pa.StructType) -> pa.Array:
    if not target.num_fields:  # an array made of no children would have no length
        return array
    children = [_column(each, field.type) for each, field in zip(array.flatten(), target, strict=True)]
    return pa.StructArray.from_arrays(children, fields=list(target), mask=gaps(array))


def _with_children(array: pa.ListArray | pa.MapArray, target: pa.DataType, children: pa.Array) -> pa.Array:
    """Return lists or maps with other children in the same places; an array that is a slice stays one."""
    buffers = array.buffers()[:2]
    return pa.Array.from_buffers(target, len(array), buffers, offset=array.offset, children=[children])


def given_schema(schema: StructType | pa.Schema) -> pa.Schema:
    """Return a schema as an engine gives it, Spark's own or (Sail) Arrow's, as Arrow's; its times are in UTC."""
    from pyspark.sql.pandas.types import to_arrow_schema

    return schema if isinstance(schema, pa.Schema) else to_arrow_schema(schema, timezone="UTC")


def fitting(own: pa.Schema, given: pa.Schema) -> pa.Schema:
    """Return the columns that are asked for, in their order, as a reader has to bring them.

    Parameters
    ----------
    own
        The collection's, as `spark_schema` returns it.
    given
        Those asked for: some of them, of the same types; null may be said of what never is.

    Raises
    ------
    DataError
        For another column, or another type of one; says what the collection has.
    """
    return pa.schema([_fitting(own, each) for each in given])


def _fitting(own: pa.Schema, given: pa.Field) -> pa.Field:
    if given.name not in own.names:
        raise DataError(f"the collection has no column {given.name!r}{suggest(given.name, own.names)}")
    found = own.field(given.name)
    if _loose(found) != _loose(given):
        expected, asked = (_spark_name(each.type) for each in (found, given))
        raise DataError(f"the column is {expected}, and {asked} was asked for; cast it in Spark", field=given.name)
    if not _holds_gaps(given, found):
        raise DataError("the column may have gaps, and NOT NULL was asked for", field=given.name)
    return given.remove_metadata()


def _loose(field: pa.Field) -> pa.Field:
    """Return a field that says nothing of gaps, neither in itself nor in its parts."""
    parts = [_loose(each) for each in _parts(field.type)]
    return pa.field(field.name, _of_parts(field.type, parts))


def _parts(arrow: pa.DataType) -> list[pa.Field]:
    match arrow:
        case pa.StructType():
            return list(arrow)
        case pa.MapType():
            return [arrow.item_field]
        case pa.ListType():
            return [arrow.value_field]
        case _:
            return []


def _of_parts(arrow: pa.DataType, parts: list[pa.Field]) -> pa.DataType:
    match arrow:
        case pa.StructType():
            return pa.struct(parts)
        case pa.MapType():
            return pa.map_(arrow.key_type, parts[0])
        case pa.ListType():
            return pa.list_(parts[0])
        case _:
            return arrow


def _holds_gaps(given: pa.Field, found: pa.Field) -> bool:
    """Return whether all that may be null in the one may be in the other."""
    parts = zip(_parts(given.type), _parts(found.type), strict=True)
    return (given.nullable or not found.nullable) and all(_holds_gaps(*each) for each in parts)


def _spark_name(arrow: pa.DataType) -> Any:
    from pyspark.sql.pandas.types import from_arrow_type

    return from_arrow_type(arrow, prefer_timestamp_ntz=True).simpleString()
