"""Columns of plain typed values → the Arrow type of an Avro type: exact, or refused cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.errors import DataError
from intempt_nb.schema.checking.reading import within
from intempt_nb.schema.checking.refusals import Converted, Reader
from intempt_nb.schema.model import (
    AvroType,
    BigDecimal,
    Bytes,
    Date,
    Decimal,
    Double,
    Enum,
    Fixed,
    Float,
    Int,
    Long,
    String,
    Time,
    Timestamp,
    Uuid,
    describe,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DAY", "EXACT_DOUBLE", "EXACT_FLOAT", "convert_scalar", "finite"]

EXACT_DOUBLE = 2**53
EXACT_FLOAT = 2**24
DAY = {"ms": 86_400_000, "us": 86_400_000_000}
"""The units of a time of day."""


def convert_scalar(values: pa.Array, avro_type: AvroType, target: pa.DataType, path: str) -> Converted:
    """Convert a column that is neither text nor nested nor of the target's type already.

    Parameters
    ----------
    values
        Of one plain Arrow type.
    avro_type
        What the column should be, its null branch aside.
    target
        The Arrow type of `avro_type`.
    path
        The column's name, for errors.

    Raises
    ------
    DataError
        If no value of the column's type can be one of the target.
    """
    types, source = pa.types, values.type
    reader = Reader(values)
    match avro_type:
        case Int() | Long() if types.is_integer(source):
            return _integers(reader, target)
        case Int() | Long() if types.is_floating(source):
            whole = pc.and_(pc.is_finite(values), pc.equal(pc.floor(values), values))
            reader = reader.keep(whole, "not a whole number")
            return reader.keep(within(reader.values, target), f"too large for {target}").finish(_cast(target))
        case Int() | Long() if types.is_decimal(source):
            return _by_trial(reader, target, f"not a whole number that {target} holds")
        case Float() | Double() if types.is_integer(source):
            largest = EXACT_FLOAT if isinstance(avro_type, Float) else EXACT_DOUBLE
            exact = pc.less_equal(pc.abs(values.cast(pa.decimal128(20, 0))), largest)
            return reader.keep(exact, f"has more digits than a {target} holds").finish(_cast(target))
        case Double() | Float() if types.is_decimal(source):
            return reader.finish(_cast(target))
        case Decimal() if types.is_integer(source):
            return _by_trial(reader.with_values(values.cast(pa.decimal128(20, 0))), target, f"does not fit {target}")
        case Decimal() if types.is_decimal(source):
            return _by_trial(reader, target, f"does not fit {target}")
        case Date("int") if types.is_integer(source):
            days = _integers(reader, pa.int32())
            return days.with_values(days.values.cast(target))
        case Date() if types.is_date(source):
            return reader.finish(_cast(target))
        case Date() if types.is_timestamp(source) and source.tz is None:
            midnight = pc.equal(pc.floor_temporal(values, unit="day"), values)
            return reader.keep(midnight, "has a time of day, and the type is a date").finish(_cast(target))
        case Timestamp(unit, local) if types.is_timestamp(source) and (source.tz is None or not local):
            return _instants(reader, unit, target)
        case Timestamp(unit) if types.is_date(source):
            return _instants(reader.with_values(values.cast(pa.timestamp("ms"))), unit, target)
        case Timestamp() if types.is_integer(source):
            return reader.finish(lambda numbers: numbers.cast(pa.int64()).cast(target))
        case Time(unit) if types.is_integer(source):
            inside = pc.and_(pc.greater_equal(values, 0), pc.less(values, DAY[unit]))
            storage = pa.int32() if target.bit_width == 32 else pa.int64()
            return reader.keep(inside, "no such time of day").finish(lambda units: units.cast(storage).cast(target))
        case Time(unit) if types.is_time(source):
            return _times(reader, unit, target)
        case Long(str() as unit) if types.is_duration(source):
            return _elapsed(reader, unit)
        case Uuid(fixed=None) if source == pa.uuid():
            return Converted(_uuid_texts(values))
        case Bytes() | BigDecimal() | Fixed() | Uuid() if types.is_binary(source) or types.is_fixed_size_binary(source):
            return _binary(reader, avro_type, target)
        case Enum() | String() | _:
            raise DataError(
                f"the column holds {source}; expected {describe(avro_type)}. {_advice(avro_type, path)}", field=path
            )


def _advice(avro_type: AvroType, path: str) -> str:
    match avro_type:
        case String() | Enum():
            return f"If its text is meant: frame[{path!r}] = frame[{path!r}].astype('string')"
        case _:
            return "Convert the column first, or change the field's type in the schema"


def _cast(target: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    return lambda values: values.cast(target)


def _integers(reader: Reader, target: pa.DataType) -> Converted:
    try:
        return Converted(reader.values.cast(target))
    except pa.ArrowInvalid:
        wide = reader.values.cast(pa.decimal128(20, 0))
        return reader.keep(within(wide, target), f"too large for {target}").finish(_cast(target))


def finite(reader: Reader, target: pa.DataType) -> Converted:
    """Return numbers as float or double; what is not finite, or is too large, is refused."""
    reader = reader.keep(pc.is_finite(reader.values), "not a finite number, and JSON has no word for it")
    narrow = reader.values.cast(target)
    return reader.keep(pc.is_finite(narrow), f"too large for a {target}").done(narrow)


def _instants(reader: Reader, unit: str, target: pa.DataType) -> Converted:
    """Convert to another unit without rounding; a time without a zone is taken as UTC, as the documentation says."""
    source = reader.values.type
    naive = reader.values.cast(pa.timestamp(source.unit))
    try:
        return Converted(naive.cast(pa.timestamp(unit)).cast(target))
    except pa.ArrowInvalid:
        rounded = naive.cast(pa.timestamp(unit), safe=False)
        same = pc.equal(rounded.cast(pa.timestamp(source.unit), safe=False), naive)
        reader = reader.keep(same, f"finer than {target.unit}, or out of its range")
        return reader.done(rounded.cast(target))


def _elapsed(reader: Reader, unit: str) -> Converted:
    """Convert to the units that the schema counts, without rounding."""
    source, exact = reader.values.type, pa.duration(unit)
    try:
        return Converted(reader.values.cast(exact).cast(pa.int64()))
    except pa.ArrowInvalid:
        rounded = reader.values.cast(exact, safe=False)
        same = pc.equal(rounded.cast(source, safe=False), reader.values)
        return reader.keep(same, f"finer than {unit}, or out of its range").done(rounded.cast(pa.int64()))


def _times(reader: Reader, unit: str, target: pa.DataType) -> Converted:
    try:
        return Converted(reader.values.cast(target))
    except pa.ArrowInvalid:
        rounded = reader.values.cast(target, safe=False)
        same = pc.equal(rounded.cast(reader.values.type), reader.values)
        return reader.keep(same, f"finer than {unit}").done(rounded)


def _binary(reader: Reader, avro_type: BigDecimal | Bytes | Fixed | Uuid, target: pa.DataType) -> Converted:
    match avro_type:
        case Bytes() | BigDecimal():
            return reader.finish(_cast(target))
        case Fixed(size=size):
            pass
        case Uuid():
            size = 16
    binary = reader.with_values(reader.values.cast(pa.binary()))
    binary = binary.keep(pc.equal(pc.binary_length(binary.values), size), f"not {size} bytes")
    fixed = binary.values.cast(pa.binary(size))
    if isinstance(avro_type, Uuid):
        fixed = pa.ExtensionArray.from_storage(pa.uuid(), fixed)
        fixed = _uuid_texts(fixed) if avro_type.fixed is None else fixed
    return Converted(fixed, binary.refusals)


def _uuid_texts(uuids: pa.Array) -> pa.Array:
    return pa.array([None if each is None else str(each) for each in uuids.to_pylist()], pa.string())


def _by_trial(reader: Reader, target: pa.DataType, reason: str) -> Converted:
    """Cast all at once; if that fails, value by value (decimals only, where Arrow has no test to ask first)."""
    try:
        return Converted(reader.values.cast(target))
    except pa.ArrowInvalid:
        fits = pa.array([_fits(value, target) for value in reader.values])
        return reader.keep(fits, reason).finish(_cast(target))


def _fits(value: pa.Scalar, target: pa.DataType) -> bool:
    try:
        value.cast(target)
    except pa.ArrowInvalid:
        return False
    return True
