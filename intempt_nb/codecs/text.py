"""Cells of text → typed Arrow arrays, vectorised: which cells can be read, and what they say.

The grammar is :mod:`intempt_nb.schema.text`. Nothing is guessed or rounded: a cell that does not say exactly a value
of the type is refused with a reason.
"""

from __future__ import annotations

import base64
import binascii
import decimal
from typing import TYPE_CHECKING, assert_never

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.refusals import Reader
from intempt_nb.schema import text as grammar
from intempt_nb.schema.model import (
    Array,
    AvroType,
    Boolean,
    Bytes,
    Date,
    Decimal,
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
    Time,
    Timestamp,
    Union,
    Uuid,
)

if TYPE_CHECKING:
    from intempt_nb.codecs.refusals import Converted

__all__ = ["read_text", "within"]

INT64_DIGITS = 18  # any integer of so many characters fits 64 bits
INT32_DIGITS = 9
DAYS = pa.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], pa.int32())
UUID = r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"
TIME = r"^[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?$"


def read_text(cells: pa.Array, avro_type: AvroType, target: pa.DataType) -> Converted:
    """Read text cells as values of an Avro type.

    Parameters
    ----------
    cells
        Strings; null where the source has no value.
    avro_type
        What they should be, its null branch aside; not a nested type.
    target
        The Arrow type of `avro_type`.

    Returns
    -------
    Converted
        Values of the target type, null where a cell was null or refused, and the refusals.
    """
    match avro_type:
        case String():
            return Reader(cells).done(cells)
        case Null() | Array() | Map() | Record() | Reference() | Union():
            return Reader(cells).refuse_all("text cannot be read as this type").done(pa.nulls(len(cells), target))
        case Bytes() | Fixed():
            return _read_base64(cells, avro_type, target)
        case Uuid(fixed):
            return _read_uuid(cells, binary=fixed is not None)
        case _:
            trimmed = pc.utf8_trim_whitespace(cells)
            gaps = pc.is_in(trimmed, pa.array(grammar.NULL_TEXTS))
            reader = Reader(pc.if_else(gaps, pa.scalar(None, pa.string()), trimmed))
    match avro_type:
        case Boolean():
            reader = reader.keep(_matches(reader, grammar.BOOLEAN), "not true or false")
            return reader.done(pc.equal(pc.ascii_lower(reader.values), "true"))
        case Int() | Long():
            return _read_integers(reader, target)
        case Float() | Double():
            reader = reader.keep(_matches(reader, grammar.NUMBER), "not a number")
            numbers = reader.values.cast(target)
            return reader.keep(pc.is_finite(numbers), f"too large for a {target}").done(numbers)
        case Decimal(precision, scale):
            return _read_decimals(reader, precision, scale, target)
        case Enum(symbols=symbols):
            indices = pc.index_in(reader.values, pa.array(symbols, pa.string()))
            reader = reader.keep(pc.is_valid(indices), "not a symbol of the enum")
            return reader.done(pa.DictionaryArray.from_arrays(indices, pa.array(symbols, pa.string())))
        case Date():
            reader = reader.keep(_matches(reader, grammar.DATE), "not a date as YYYY-MM-DD")
            return reader.keep(_real_day(reader.values), "no such day").finish(lambda dates: dates.cast(target))
        case Time(unit):
            return _read_times(reader, unit, target)
        case Timestamp(unit, local):
            return _read_timestamps(reader, unit, local, target)
        case other:
            assert_never(other)


def _matches(reader: Reader, pattern: str) -> pa.Array:
    return pc.match_substring_regex(reader.values, pattern)


def _read_integers(reader: Reader, target: pa.DataType) -> Converted:
    reader = reader.keep(_matches(reader, grammar.INTEGER), "not a whole number")
    safe_digits = INT64_DIGITS if target.bit_width == 64 else INT32_DIGITS
    if (pc.max(pc.utf8_length(reader.values)).as_py() or 0) > safe_digits:
        digits = pc.utf8_length(pc.replace_substring_regex(reader.values, r"^(-?)0+([0-9])", r"\1\2"))
        reader = reader.keep(pc.less_equal(digits, 20), f"too large for {target}")
        wide = reader.values.cast(pa.decimal128(38, 0))
        reader = reader.keep(within(wide, target), f"too large for {target}")
    return reader.finish(lambda values: values.cast(target))


def within(numbers: pa.Array, target: pa.DataType) -> pa.Array:
    """Return which numbers (floating, or decimals without a fraction) a signed integer type can hold."""
    limit = 2 ** (target.bit_width - 1)
    as_number = float if pa.types.is_floating(numbers.type) else decimal.Decimal
    low, high = pa.scalar(as_number(-limit), numbers.type), pa.scalar(as_number(limit), numbers.type)
    return pc.and_(pc.greater_equal(numbers, low), pc.less(numbers, high))


def _read_decimals(reader: Reader, precision: int, scale: int, target: pa.DataType) -> Converted:
    reader = reader.keep(_matches(reader, r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$"), "not a decimal number")
    pattern = rf"^-?0*[0-9]{{0,{precision - scale}}}(?:\.[0-9]{{0,{scale}}}0*)?$"
    reader = reader.keep(_matches(reader, pattern), f"more digits than decimal({precision}, {scale}) holds")
    return reader.finish(
        lambda values: pc.replace_substring_regex(
            pc.replace_substring_regex(values, r"(\.[0-9]*?)0+$", r"\1"), r"^(-?)0+([0-9])", r"\1\2"
        ).cast(target)
    )


def _number(text: pa.Array, start: int, stop: int) -> pa.Array:
    return pc.utf8_slice_codeunits(text, start, stop).cast(pa.int32())


def _real_day(text: pa.Array) -> pa.Array:
    """Return whether text that begins YYYY-MM-DD names a day of the Gregorian calendar, years 1 to 9999."""
    year, month, day = _number(text, 0, 4), _number(text, 5, 7), _number(text, 8, 10)
    real = pc.and_(pc.and_(pc.greater_equal(month, 1), pc.less_equal(month, 12)), pc.greater_equal(day, 1))
    real = pc.and_(real, pc.greater_equal(year, 1))
    longest = DAYS.take(pc.if_else(real, pc.subtract(month, 1), 0))
    common_year = pc.invert(_leap(year))
    too_late = pc.and_(pc.and_(common_year, pc.equal(month, 2)), pc.equal(day, 29))
    return pc.and_(pc.and_(real, pc.less_equal(day, longest)), pc.invert(too_late))


def _leap(year: pa.Array) -> pa.Array:
    def divides(divisor: int) -> pa.Array:
        return pc.equal(pc.multiply(pc.divide(year, divisor), divisor), year)

    return pc.or_(pc.and_(divides(4), pc.invert(divides(100))), divides(400))


def _real_time(text: pa.Array, start: int) -> pa.Array:
    """Return whether ``HH:MM[:SS]`` at `start` is a time of day; leap seconds are not."""
    seconds = pc.utf8_slice_codeunits(text, start + 6, start + 8)
    has_seconds = pc.match_substring_regex(pc.utf8_slice_codeunits(text, start + 5, start + 8), r"^:[0-9]{2}$")
    seconds = pc.if_else(has_seconds, seconds, "0").cast(pa.int32())
    minute = pc.and_(pc.less(_number(text, start, start + 2), 24), pc.less(_number(text, start + 3, start + 5), 60))
    return pc.and_(minute, pc.less(seconds, 60))


_DIGITS = {"ms": 3, "us": 6, "ns": 9}
_NAMES = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def _fine_enough(text: pa.Array, unit: str) -> pa.Array:
    """Return whether the text has no digits beyond the unit, zeros aside."""
    return pc.invert(pc.match_substring_regex(text, rf"\.[0-9]{{{_DIGITS[unit]}}}[0-9]*[1-9]"))


def _cut_zeros(text: pa.Array, unit: str) -> pa.Array:
    return pc.replace_substring_regex(text, rf"(\.[0-9]{{{_DIGITS[unit]}}})0+", r"\1")


def _read_timestamps(reader: Reader, unit: str, local: bool, target: pa.DataType) -> Converted:
    epoch = _matches(reader, grammar.INTEGER)
    if pc.any(epoch).as_py() and not pc.all(pc.or_(epoch, pc.is_null(reader.values))).as_py():
        return _mixed_timestamps(reader, epoch, unit, local, target)
    if pc.any(epoch).as_py():
        integers = _read_integers(reader, pa.int64())
        return integers.with_values(integers.values.cast(target))
    reader = reader.keep(_matches(reader, grammar.TIMESTAMP), "not a timestamp as YYYY-MM-DDTHH:MM:SS")
    reader = reader.keep(_real_day(reader.values), "no such day")
    reader = reader.keep(_real_time(reader.values, 11), "no such time of day")
    reader = reader.keep(_fine_enough(reader.values, unit), f"finer than {_NAMES[unit]}")
    if unit == "ns":
        year = _number(reader.values, 0, 4)
        inside = pc.and_(pc.greater(year, 1677), pc.less(year, 2262))
        reader = reader.keep(inside, "outside the years 1678 to 2261, which nanoseconds can say")
    zoned = _matches(reader, grammar.ZONE)
    if local:
        reader = reader.keep(pc.invert(zoned), "has a time zone, and the type is a local time")
    else:
        zoneless = pc.binary_join_element_wise(reader.values, pa.scalar("Z"), pa.scalar(""))
        reader = reader.with_values(pc.if_else(zoned, reader.values, zoneless))
    return reader.finish(lambda values: _cut_zeros(values, unit).cast(target))


def _mixed_timestamps(reader: Reader, epoch: pa.Array, unit: str, local: bool, target: pa.DataType) -> Converted:
    """Read a column that has both epoch numbers and ISO text, each by its own rule."""
    nothing = pa.scalar(None, pa.string())
    numbers = _read_timestamps(reader.with_values(pc.if_else(epoch, reader.values, nothing)), unit, local, target)
    texts = _read_timestamps(reader.with_values(pc.if_else(epoch, nothing, reader.values)), unit, local, target)
    merged = pc.coalesce(numbers.values, texts.values)
    return numbers.with_values(merged).with_refusals((*numbers.refusals, *texts.refusals))


def _read_times(reader: Reader, unit: str, target: pa.DataType) -> Converted:
    reader = reader.keep(_matches(reader, TIME), "not a time as HH:MM:SS")
    reader = reader.keep(_real_time(reader.values, 0), "no such time of day")
    reader = reader.keep(_fine_enough(reader.values, unit), f"finer than {_NAMES[unit]}")

    def finish(values: pa.Array) -> pa.Array:
        day = pc.binary_join_element_wise(pa.scalar("1970-01-01T"), values, pa.scalar(""))
        return _cut_zeros(day, unit).cast(pa.timestamp(unit)).cast(target)

    return reader.finish(finish)


def _read_base64(cells: pa.Array, avro_type: Bytes | Fixed, target: pa.DataType) -> Converted:
    # Arrow has no base64 kernel, so these columns are read cell by cell.
    size = avro_type.size if isinstance(avro_type, Fixed) else None

    def decode(cell: str | None) -> bytes | None:
        if cell is None:
            return None
        try:
            value = base64.b64decode(cell, validate=True)
        except (binascii.Error, ValueError):
            return None
        return value if size is None or len(value) == size else None

    values = pa.array([decode(cell) for cell in cells.to_pylist()], target)
    expected = "not base64" if size is None else f"not the base64 of {size} bytes"
    return Reader(cells).keep(pc.is_valid(values), expected).done(values)


def _read_uuid(cells: pa.Array, *, binary: bool) -> Converted:
    reader = Reader(cells)
    reader = reader.keep(pc.match_substring_regex(cells, UUID), "not a UUID")
    if not binary:
        return reader.done(reader.values)
    digits = pc.replace_substring(reader.values, "-", "").to_pylist()
    raw = pa.array([None if each is None else bytes.fromhex(each) for each in digits], pa.binary(16))
    return reader.done(pa.ExtensionArray.from_storage(pa.uuid(), raw))
