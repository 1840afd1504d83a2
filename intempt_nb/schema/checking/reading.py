"""Cells of text → typed Arrow arrays, vectorised: which cells can be read, and what they say.

The grammar is :mod:`intempt_nb.schema.checking.text`. Nothing is guessed or rounded: a cell that does not say exactly a
value of the type is refused with a reason.
"""

from __future__ import annotations

import base64
import binascii
import decimal
import re
from typing import TYPE_CHECKING, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.schema.checking import text as grammar
from intempt_nb.schema.checking.plain import (
    CellBytes,
    fine_enough,
    plain_dates,
    plain_decimals,
    plain_integers,
    plain_numbers,
    plain_timestamps,
    real_days,
    real_times,
    zoned,
)
from intempt_nb.schema.checking.refusals import Converted, Reader, Refusal
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

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["FIRST_DAY", "TIME", "UUID", "read_closely", "read_text", "within"]

FIRST_DAY = -719_162
"""0001-01-01 in days since 1970-01-01, the first day that Python and pandas can show; Arrow also reads a year 0."""
INT64_DIGITS = 18  # any integer of so many characters fits 64 bits
INT32_DIGITS = 9
YEAR_ZERO = "0000-"
TIME_OF_DAY = len("YYYY-MM-DDT")
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
    found = CellBytes.of(cells)
    plain = _plain(found, avro_type, target)
    if plain is None:
        return read_closely(cells, avro_type, target)
    return (
        _read_plain(cells, plain, avro_type, target)
        or _read_plain(cells, plain & _existing(found, plain, avro_type), avro_type, target)
        or read_closely(cells, avro_type, target)
    )


def _plain(cells: CellBytes, avro_type: AvroType, target: pa.DataType) -> npt.NDArray[np.bool_] | None:
    """Return which cells Arrow itself can read, once they look as they do; None where no such look is known."""
    match avro_type:
        case Int() | Long():
            return plain_integers(cells, _safe_digits(target))
        case Float() | Double():
            return plain_numbers(cells)
        case Decimal(precision, scale):
            return plain_decimals(cells, precision, scale)
        case Date():
            return plain_dates(cells)
        case Timestamp():
            texts = plain_timestamps(cells)
            return texts if texts.any() else plain_integers(cells, INT64_DIGITS)
        case _:
            return None


def _existing(cells: CellBytes, plain: npt.NDArray[np.bool_], avro_type: AvroType) -> npt.NDArray[np.bool_]:
    """Return which of the plain cells name a day or an instant that exists, in one form: with a time zone or without.

    That costs more than to cast them all, which mostly works.
    """
    days = real_days(cells)
    if not isinstance(avro_type, Timestamp):
        return days
    zones = zoned(cells)
    same: npt.NDArray[np.bool_] = zones == zones[np.argmax(plain)]
    return days & real_times(cells, TIME_OF_DAY) & fine_enough(cells, _DIGITS[avro_type.unit]) & same


def _read_plain(
    cells: pa.Array, plain: npt.NDArray[np.bool_], avro_type: AvroType, target: pa.DataType
) -> Converted | None:
    """Read plain cells at once and the others closely; None if a plain one cannot be read after all."""
    others = cells.is_valid().to_numpy(zero_copy_only=False) & ~plain
    places = pa.array(np.flatnonzero(others))
    nothing = pa.scalar(None, pa.string())
    values = _cast_plain(pc.if_else(pa.array(plain), cells, nothing) if len(places) else cells, avro_type, target)
    if values is None or not len(places):
        return None if values is None else Converted(values)
    close = read_closely(cells.take(places), avro_type, target)
    refusals = tuple(Refusal(places.take(each.positions), each.reason) for each in close.refusals)
    return Converted(pc.replace_with_mask(values, pa.array(others), close.values), refusals)


def _cast_plain(cells: pa.Array, avro_type: AvroType, target: pa.DataType) -> pa.Array | None:
    """Return the values of plain cells; None if one is no day or no instant after all."""
    match avro_type:
        case Timestamp(unit, local):
            values, a_day = _cast_instants(cells, unit, local, target), 86_400 * 10 ** _DIGITS[unit]
        case Date():
            values, a_day = _cast_days(cells, target), 1
        case _:
            return cells.cast(target)
    first = None if values is None else pc.min(values).value
    # Text of the year 0000 may say an instant of the year 1, by a zone behind UTC.
    near = first is not None and first < (FIRST_DAY + 1) * a_day
    return None if near and pc.any(pc.starts_with(cells, YEAR_ZERO)).as_py() else values


def _cast_days(cells: pa.Array, target: pa.DataType) -> pa.Array | None:
    try:
        return cells.cast(target)
    except pa.ArrowInvalid:
        return None


def read_closely(cells: pa.Array, avro_type: AvroType, target: pa.DataType) -> Converted:
    """Read text cells as :func:`read_text` does, every cell by its pattern."""
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
            return _read_timestamps(_trimmed(cells), unit, local, target)
        case Duration():
            return _read_periods(_trimmed(cells), target)
        case other:
            assert_never(other)


def _trimmed(cells: pa.Array) -> Reader:
    """Return the cells without the white space around them, and null where they say that there is no value."""
    trimmed = pc.utf8_trim_whitespace(cells)
    gaps = pc.is_in(trimmed, pa.array(grammar.NULL_TEXTS))
    return Reader(pc.if_else(gaps, pa.scalar(None, pa.string()), trimmed))


def _matching(cells: pa.Array, pattern: str, reason: str) -> Reader:
    reader = _trimmed(cells)
    return reader.keep(pc.match_substring_regex(reader.values, pattern), reason)


def _read_integers(reader: Reader, target: pa.DataType) -> Converted:
    if (pc.max(pc.utf8_length(reader.values)).as_py() or 0) > _safe_digits(target):
        digits = pc.utf8_length(pc.replace_substring_regex(reader.values, r"^(-?)0+([0-9])", r"\1\2"))
        reader = reader.keep(pc.less_equal(digits, 20), f"too large for {target}")
        wide = reader.values.cast(pa.decimal128(38, 0))
        reader = reader.keep(within(wide, target), f"too large for {target}")
    return reader.finish(lambda values: values.cast(target))


def _safe_digits(target: pa.DataType) -> int:
    return INT64_DIGITS if target.bit_width == 64 else INT32_DIGITS


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


def _real_days(reader: Reader) -> pa.Array:
    return pa.array(real_days(CellBytes.of(reader.values)))


def _real_times(reader: Reader, place: int) -> pa.Array:
    return pa.array(real_times(CellBytes.of(reader.values), place))


_DIGITS = {"ms": 3, "us": 6, "ns": 9}
_NAMES = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def _fine_enough(text: pa.Array, unit: str) -> pa.Array:
    """Return whether the text has no digits beyond the unit, zeros aside."""
    return pc.invert(pc.match_substring_regex(text, rf"\.[0-9]{{{_DIGITS[unit]}}}[0-9]*[1-9]"))


def _cut_zeros(text: pa.Array, unit: str) -> pa.Array:
    return pc.replace_substring_regex(text, rf"(\.[0-9]{{{_DIGITS[unit]}}})0+", r"\1")


def _read_dates(reader: Reader, target: pa.DataType) -> Converted:
    reader = _without_year_zero(reader)
    dates = _cast_days(reader.values, target)
    if dates is not None:
        return Converted(dates, reader.refusals)
    return reader.keep(_real_days(reader), "no such day").finish(lambda values: values.cast(target))


def _without_year_zero(reader: Reader) -> Reader:
    """Refuse the year 0000, which Arrow reads and Python's dates do not have."""
    return reader.keep(pc.invert(pc.starts_with(reader.values, YEAR_ZERO)), "no such day")


def _read_timestamps(reader: Reader, unit: str, local: bool, target: pa.DataType) -> Converted:
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
    reader = reader.keep(_real_days(reader), "no such day")
    reader = reader.keep(_real_times(reader, TIME_OF_DAY), "no such time of day")
    reader = reader.keep(_fine_enough(reader.values, unit), f"finer than {_NAMES[unit]}")
    if unit == "ns":
        year = CellBytes.of(reader.values).numbers(0, 4)
        reader = reader.keep(
            pa.array((year > 1677) & (year < 2262)), "outside the years 1678 to 2261, which nanoseconds can say"
        )
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
    if first >= 0 and re.fullmatch(grammar.INTEGER, values[first].as_py()):
        return values.cast(pa.int64()).cast(target)
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
    numbers = _read_timestamps(reader.with_values(pc.if_else(epoch, reader.values, nothing)), unit, local, target)
    texts = _read_timestamps(reader.with_values(pc.if_else(epoch, nothing, reader.values)), unit, local, target)
    merged = pc.coalesce(numbers.values, texts.values)
    return numbers.with_values(merged).with_refusals((*numbers.refusals, *texts.refusals))


def _read_times(reader: Reader, unit: str, target: pa.DataType) -> Converted:
    reader = reader.keep(_real_times(reader, 0), "no such time of day")
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
