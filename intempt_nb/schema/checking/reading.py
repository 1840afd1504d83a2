"""Cells of text → typed Arrow arrays, vectorised: which cells can be read, and what they say.

The grammar is :mod:`intempt_nb.schema.checking.text`. Nothing is guessed or rounded: a cell that does not say exactly a
value of the type is refused with a reason.
"""

from __future__ import annotations

import base64
import binascii
import decimal
import re
from typing import assert_never

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.schema.checking import text as grammar
from intempt_nb.schema.checking.refusals import Converted, Reader
from intempt_nb.schema.mapping.durations import interval
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

__all__ = ["TIME", "UUID", "read_text", "within"]

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
        case Bytes() | Fixed() | BigDecimal():
            return _read_base64(cells, avro_type, target)
        case Uuid(fixed):
            return _read_uuid(cells, binary=fixed is not None)
        case Boolean():
            reader = _matching(cells, grammar.BOOLEAN, "not true or false")
            return reader.done(pc.equal(pc.ascii_lower(reader.values), "true"))
        case Int() | Long():
            return _read_integers(_matching(cells, grammar.INTEGER, "not a whole number"), target)
        case Float() | Double():
            reader = _matching(cells, grammar.NUMBER, "not a number")
            numbers = reader.values.cast(target)
            return reader.keep(pc.is_finite(numbers), f"too large for a {target}").done(numbers)
        case Decimal(precision, scale):
            return _read_decimals(cells, precision, scale, target)
        case Enum(symbols=symbols):
            reader = _trimmed(cells)
            indices = pc.index_in(reader.values, pa.array(symbols, pa.string()))
            reader = reader.keep(pc.is_valid(indices), "not a symbol of the enum")
            return reader.done(pa.DictionaryArray.from_arrays(indices, pa.array(symbols, pa.string())))
        case Date():
            return _read_dates(_matching(cells, grammar.DATE, "not a date as YYYY-MM-DD"), target)
        case Time(unit):
            return _read_times(_matching(cells, TIME, "not a time as HH:MM:SS"), unit, target)
        case Timestamp(unit, local):
            return _read_timestamps(cells, unit, local, target)
        case Duration():
            return _read_periods(_trimmed(cells), target)
        case other:
            assert_never(other)


def _trimmed(cells: pa.Array) -> Reader:
    """Return the cells without the white space around them, and null where they say that there is no value."""
    trimmed = pc.utf8_trim_whitespace(cells)
    gaps = pc.is_in(trimmed, pa.array(grammar.NULL_TEXTS))
    return Reader(pc.if_else(gaps, pa.scalar(None, pa.string()), trimmed))


def _all_match(cells: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(cells, pattern), min_count=0).as_py())


def _matching(cells: pa.Array, pattern: str, reason: str) -> Reader:
    """Return the cells that match; most columns match as they are, and need no trimming."""
    if _all_match(cells, pattern):
        return Reader(cells)
    reader = _trimmed(cells)
    return reader.keep(pc.match_substring_regex(reader.values, pattern), reason)


def _read_integers(reader: Reader, target: pa.DataType) -> Converted:
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


def _read_decimals(cells: pa.Array, precision: int, scale: int, target: pa.DataType) -> Converted:
    reader = _matching(cells, r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$", "not a decimal number")
    pattern = rf"^-?0*[0-9]{{0,{precision - scale}}}(?:\.[0-9]{{0,{scale}}}0*)?$"
    reader = reader.keep(
        pc.match_substring_regex(reader.values, pattern), f"more digits than decimal({precision}, {scale}) holds"
    )
    return reader.finish(
        lambda values: pc.replace_substring_regex(
            pc.replace_substring_regex(values, r"(\.[0-9]*?)0+$", r"\1"), r"^(-?)0+([0-9])", r"\1\2"
        ).cast(target)
    )


def _number(text: pa.Array, start: int, stop: int) -> pa.Array:
    return pc.utf8_slice_codeunits(text, start, stop).cast(pa.int32())


def _real_day(text: pa.Array) -> pa.Array:
    """Return whether text that begins YYYY-MM-DD names a day of the Gregorian calendar."""
    year, month, day = _number(text, 0, 4), _number(text, 5, 7), _number(text, 8, 10)
    real = pc.and_(pc.and_(pc.greater_equal(month, 1), pc.less_equal(month, 12)), pc.greater_equal(day, 1))
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


def _read_dates(reader: Reader, target: pa.DataType) -> Converted:
    reader = _without_year_zero(reader)
    try:
        return reader.finish(lambda values: values.cast(target))
    except pa.ArrowInvalid:
        return reader.keep(_real_day(reader.values), "no such day").finish(lambda values: values.cast(target))


def _without_year_zero(reader: Reader) -> Reader:
    """Refuse the year 0000, which Arrow reads and Python's dates do not have."""
    return reader.keep(pc.invert(pc.starts_with(reader.values, "0000-")), "no such day")


def _read_timestamps(cells: pa.Array, unit: str, local: bool, target: pa.DataType) -> Converted:
    if _all_match(cells, grammar.TIMESTAMP):
        return _read_instants(Reader(cells), unit, local, target)
    return _read_trimmed_timestamps(_trimmed(cells), unit, local, target)


def _read_trimmed_timestamps(reader: Reader, unit: str, local: bool, target: pa.DataType) -> Converted:
    epoch = pc.match_substring_regex(reader.values, grammar.INTEGER)
    if pc.any(epoch).as_py() and not pc.all(pc.or_(epoch, pc.is_null(reader.values))).as_py():
        return _mixed_timestamps(reader, epoch, unit, local, target)
    if pc.any(epoch).as_py():
        integers = _read_integers(reader, pa.int64())
        return integers.with_values(integers.values.cast(target))
    matching = pc.match_substring_regex(reader.values, grammar.TIMESTAMP)
    return _read_instants(reader.keep(matching, "not a timestamp as YYYY-MM-DDTHH:MM:SS"), unit, local, target)


def _read_instants(reader: Reader, unit: str, local: bool, target: pa.DataType) -> Converted:
    """Read text of the right form: all at once if every instant exists and all or none have a zone, else by steps."""
    reader = _without_year_zero(reader)
    instants = _cast_instants(reader.values, unit, local, target)
    if instants is not None:
        return Converted(instants, reader.refusals)
    reader = reader.keep(_real_day(reader.values), "no such day")
    reader = reader.keep(_real_time(reader.values, 11), "no such time of day")
    reader = reader.keep(_fine_enough(reader.values, unit), f"finer than {_NAMES[unit]}")
    if unit == "ns":
        year = _number(reader.values, 0, 4)
        inside = pc.and_(pc.greater(year, 1677), pc.less(year, 2262))
        reader = reader.keep(inside, "outside the years 1678 to 2261, which nanoseconds can say")
    zoned = pc.match_substring_regex(reader.values, grammar.ZONE)
    if local:
        reader = reader.keep(pc.invert(zoned), "has a time zone, and the type is a local time")
    else:
        zoneless = pc.binary_join_element_wise(reader.values, pa.scalar("Z"), pa.scalar(""))
        reader = reader.with_values(pc.if_else(zoned, reader.values, zoneless))
    return reader.finish(lambda values: _cut_zeros(values, unit).cast(target))


def _cast_instants(values: pa.Array, unit: str, local: bool, target: pa.DataType) -> pa.Array | None:
    """Return the instants if Arrow reads them all, or None.

    Arrow takes either only text with a zone or only text without; a failed cast costs far more than one that works, so
    the first value decides which, and is read finely enough for zeros behind the unit's digits.
    """
    first = pc.index(pc.is_valid(values), True).as_py()
    zoned = first >= 0 and re.search(grammar.ZONE, values[first].as_py()) is not None
    if local and zoned:
        return None
    zone = "UTC" if zoned else None
    try:
        fine = values.cast(pa.timestamp("ns" if unit == "ns" else "us", zone))
        return fine.cast(pa.timestamp(unit, zone)).cast(target)
    except pa.ArrowInvalid:
        return None


def _mixed_timestamps(reader: Reader, epoch: pa.Array, unit: str, local: bool, target: pa.DataType) -> Converted:
    """Read a column that has both epoch numbers and ISO text, each by its own rule."""
    nothing = pa.scalar(None, pa.string())
    numbers = _read_trimmed_timestamps(
        reader.with_values(pc.if_else(epoch, reader.values, nothing)), unit, local, target
    )
    texts = _read_trimmed_timestamps(reader.with_values(pc.if_else(epoch, nothing, reader.values)), unit, local, target)
    merged = pc.coalesce(numbers.values, texts.values)
    return numbers.with_values(merged).with_refusals((*numbers.refusals, *texts.refusals))


def _read_times(reader: Reader, unit: str, target: pa.DataType) -> Converted:
    reader = reader.keep(_real_time(reader.values, 0), "no such time of day")
    reader = reader.keep(_fine_enough(reader.values, unit), f"finer than {_NAMES[unit]}")

    def finish(values: pa.Array) -> pa.Array:
        day = pc.binary_join_element_wise(pa.scalar("1970-01-01T"), values, pa.scalar(""))
        return _cut_zeros(day, unit).cast(pa.timestamp(unit)).cast(target)

    return reader.finish(finish)


def _read_periods(reader: Reader, target: pa.DataType) -> Converted:
    parsed = [None if cell is None else _interval(cell) for cell in reader.values.to_pylist()]
    values = pa.array(parsed, target)
    return reader.keep(pc.is_valid(values), "not an ISO 8601 period such as P14M3DT0.5S").done(values)


def _interval(cell: str) -> pa.MonthDayNano | None:
    try:
        return interval(cell)
    except ValueError:
        return None


def _read_base64(cells: pa.Array, avro_type: BigDecimal | Bytes | Fixed, target: pa.DataType) -> Converted:
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
