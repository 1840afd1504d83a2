"""Single Python values held against the Avro types that are not nested: what may stand in an item.

A value may have the form that Avro writers take (fastavro's, for one) or the one that it has in plain JSON:

=====================  ====================================================================================
type                   forms
=====================  ====================================================================================
null, boolean          None; True, False
int, long              an integer in range, NumPy's too; never a boolean
float, double          a finite number in range; an integer only if the type holds it exactly
string, enum           text without half surrogate pairs; one of the symbols
bytes, fixed           bytes, or their base64 text
decimal                a Decimal, a number, text of one, or the two's complement bytes; digits are never cut
big-decimal            bytes, or their base64 text
date                   a date, ISO text, a datetime at midnight; on int also days since 1970-01-01
time                   a time without a zone, ISO text, units since midnight within the day
timestamp              a datetime (one without a zone is in UTC), ISO text, units since 1970-01-01
local-timestamp        a datetime without a zone, ISO text without one, units
uuid                   a UUID, its text with dashes; on fixed also 16 bytes, or their base64 text
duration               12 bytes, ISO 8601 text, Arrow's month_day_nano_interval
=====================  ====================================================================================

Text is read as :mod:`intempt_nb.schema.checking.reading` reads a cell, white space and words for "no value" aside.
Nothing is rounded: a time that is finer than its type is refused.
"""

from __future__ import annotations

import binascii
import datetime as dt
import decimal
import math
import numbers
import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

import pandas as pd
import pyarrow as pa

from intempt_nb.schema.checking import text as grammar
from intempt_nb.schema.checking.reading import TIME, UUID, read_text
from intempt_nb.schema.checking.scalars import DAY, EXACT_DOUBLE, EXACT_FLOAT
from intempt_nb.schema.mapping.arrow import WIRE, arrow_type
from intempt_nb.schema.mapping.durations import format_period, parse_period
from intempt_nb.schema.model import (
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
    Null,
    String,
    Time,
    Timestamp,
    Uuid,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OTHER", "Form", "Scalar", "form_of", "kind_of"]

Scalar: TypeAlias = (
    Null
    | Boolean
    | Int
    | Long
    | Float
    | Double
    | Bytes
    | String
    | Fixed
    | Enum
    | Date
    | Time
    | Timestamp
    | Decimal
    | BigDecimal
    | Duration
    | Uuid
)
Form: TypeAlias = "Callable[[Any], str | None]"
"""Tells why a value does not fit; None if it does, and `OTHER` if it is of another kind altogether."""

OTHER = ""
_DATE = re.compile(grammar.DATE, re.ASCII)
_TIMESTAMP = re.compile(grammar.TIMESTAMP, re.ASCII)
_TIME = re.compile(TIME, re.ASCII)
_ZONE = re.compile(grammar.ZONE, re.ASCII)
_UUID = re.compile(UUID, re.ASCII)
_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)", re.ASCII)
_TOO_FINE = {unit: re.compile(rf"\.[0-9]{{{digits}}}[0-9]*[1-9]") for unit, digits in (("ms", 3), ("us", 6), ("ns", 9))}
_UNITS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_LAST_HOUR = "23"  # from 3.13 on Python reads 24:00 too
_FLOAT_LIMIT = 2.0**128 - 2.0**103
"""From here on a number rounds to infinity in 32 bits."""


def form_of(avro_type: Scalar) -> Form:
    """Return the function that tells why a value does not fit a type.

    Parameters
    ----------
    avro_type
        Any type that is not nested; see the table of this module.
    """
    match avro_type:
        case Null():
            return lambda value: None if value is None else OTHER
        case Boolean():
            return lambda value: None if isinstance(value, bool) else OTHER
        case Int():
            return partial(_integer, bits=32)
        case Long():
            return partial(_integer, bits=64)
        case Float():
            return partial(_real, exact=EXACT_FLOAT, limit=_FLOAT_LIMIT, name="float")
        case Double():
            return partial(_real, exact=EXACT_DOUBLE, limit=math.inf, name="double")
        case String():
            return _text
        case Enum(symbols=symbols):
            return partial(_symbol, symbols=frozenset(symbols))
        case Bytes() | BigDecimal():
            return partial(_binary, size=None)
        case Fixed(size=size):
            return partial(_binary, size=size)
        case Decimal():
            return partial(_decimal, avro_type=avro_type, context=_exact(avro_type.precision))
        case Date():
            return partial(_date, avro_type=avro_type)
        case Time():
            return partial(_time, avro_type=avro_type)
        case Timestamp():
            return partial(_timestamp, avro_type=avro_type)
        case Duration():
            return _duration
        case Uuid():
            return partial(_uuid, avro_type=avro_type)
        case other:
            assert_never(other)


def kind_of(value: Any) -> str:
    """Return what a value is, in a word or two: ``text``, ``a list``, ``NaN``."""
    match value:
        case None:
            return "no value"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case bytes() | bytearray():
            return "bytes"
        case float() if math.isnan(value):
            return "NaN (a gap is None)"
        case list() | dict() | tuple():
            return {"list": "a list", "dict": "an object"}.get(type(value).__name__, "a tuple")
        case _ if value is pd.NaT or value is pd.NA:
            return f"{value} (a gap is None)"
        case _:
            return f"{type(value).__name__}"


def _integer(value: Any, bits: int) -> str | None:
    # The first question spares the slow one about NumPy's integers.
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, numbers.Integral)):
        return OTHER
    return None if -(2 ** (bits - 1)) <= int(value) < 2 ** (bits - 1) else f"too large for int{bits}"


def _real(value: Any, exact: int, limit: float, name: str) -> str | None:
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, numbers.Real)):
        return OTHER
    if type(value) is not float and isinstance(value, numbers.Integral):
        return None if -exact <= int(value) <= exact else f"has more digits than a {name} holds"
    number = float(value)
    if not math.isfinite(number):
        return "not a finite number, and JSON has no word for it"
    return None if abs(number) < limit else f"too large for a {name}"


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return OTHER
    if value.isascii():
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair, which is not Unicode"
    return None


def _symbol(value: Any, symbols: frozenset[str]) -> str | None:
    if not isinstance(value, str):
        return OTHER
    return None if value in symbols else "not a symbol of the enum"


def _binary(value: Any, size: int | None) -> str | None:
    found = value
    if isinstance(value, str):
        try:
            found = binascii.a2b_base64(value, strict_mode=True)
        except ValueError:
            return "not base64" if size is None else f"not the base64 of {size} bytes"
    if not isinstance(found, bytes | bytearray):
        return OTHER
    if size is None or len(found) == size:
        return None
    return f"not the base64 of {size} bytes" if isinstance(value, str) else f"not {size} bytes"


def _exact(precision: int) -> decimal.Context:
    return decimal.Context(prec=precision, traps=[decimal.Inexact, decimal.InvalidOperation])


def _decimal(value: Any, avro_type: Decimal, context: decimal.Context) -> str | None:
    match value:
        case bytes() | bytearray():
            return _unscaled(value, avro_type)
        case str() if _DECIMAL.fullmatch(value):
            number = decimal.Decimal(value)
        case str():
            return "not a decimal number"
        case decimal.Decimal():
            number = value
        case bool():
            return OTHER
        case numbers.Integral():
            number = decimal.Decimal(int(value))
        case float():  # a JSON number is taken by the digits that it prints as
            number = decimal.Decimal(repr(float(value)))
        case _:
            return OTHER
    if not number.is_finite():
        return "not a finite number"
    try:
        number.quantize(decimal.Decimal((0, (1,), -avro_type.scale)), context=context)
    except (decimal.Inexact, decimal.InvalidOperation):
        return f"more digits than decimal({avro_type.precision}, {avro_type.scale}) holds"
    return None


def _unscaled(value: bytes | bytearray, avro_type: Decimal) -> str | None:
    if avro_type.fixed is not None and len(value) != avro_type.fixed.size:
        return f"not {avro_type.fixed.size} bytes"
    if abs(int.from_bytes(value, signed=True)) >= 10**avro_type.precision:
        return f"more digits than decimal({avro_type.precision}, {avro_type.scale}) holds"
    return None


def _why(value: str, avro_type: Scalar) -> str:
    """Return why text cannot be read, in the words that a column of text is refused with."""
    try:
        cells = pa.array([value], pa.string())
    except UnicodeEncodeError:
        return OTHER
    refusals = read_text(cells, avro_type, arrow_type(avro_type, {}, WIRE)).refusals
    return refusals[0].reason if refusals else OTHER


def _date(value: Any, avro_type: Date) -> str | None:
    match value:
        case str():
            return None if _DATE.fullmatch(value) and _is_iso(dt.date, value) else _why(value, avro_type)
        case _ if value is pd.NaT:
            return OTHER
        case dt.datetime():
            midnight = value.tzinfo is None and value.time() == dt.time() and not getattr(value, "nanosecond", 0)
            return None if midnight else "has a time of day, and the type is a date"
        case dt.date():
            return None
        case _:
            return _integer(value, bits=32) if avro_type.base == "int" else OTHER


def _is_iso(kind: type[dt.date] | type[dt.time] | type[dt.datetime], text: str) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def _time(value: Any, avro_type: Time) -> str | None:
    match value:
        case str():
            fits = _TIME.fullmatch(value) and value[:2] <= _LAST_HOUR and _is_iso(dt.time, value)
            return None if fits and not _TOO_FINE[avro_type.unit].search(value) else _why(value, avro_type)
        case dt.time():
            if value.tzinfo is not None:
                return "has a time zone, and a time of day has none"
            too_fine = avro_type.unit == "ms" and value.microsecond % 1000
            return "finer than milliseconds" if too_fine else None
        case _:
            reason = _integer(value, bits=64)
            return reason if reason is not None or 0 <= value < DAY[avro_type.unit] else "no such time of day"


def _timestamp(value: Any, avro_type: Timestamp) -> str | None:
    match value:
        case str():
            return None if _reads_as_timestamp(value, avro_type) else _why(value, avro_type)
        case _ if value is pd.NaT:
            return OTHER
        case dt.datetime():
            if avro_type.local and value.tzinfo is not None:
                return "has a time zone, and the type is a local time"
            return _instant(value, avro_type.unit)
        case _:
            return _integer(value, bits=64)


def _reads_as_timestamp(text: str, avro_type: Timestamp) -> bool:
    if not _TIMESTAMP.fullmatch(text) or text[11:13] > _LAST_HOUR or not _is_iso(dt.datetime, text):
        return False
    if _TOO_FINE[avro_type.unit].search(text) or (avro_type.local and _ZONE.search(text, 16)):
        return False
    return avro_type.unit != "ns" or "1678" <= text[:4] < "2262"


def _instant(value: dt.datetime, unit: str) -> str | None:
    if unit == "ns":
        inside = 1677 < value.year < 2262
        return None if inside else "outside the years 1678 to 2261, which nanoseconds can say"
    too_fine = getattr(value, "nanosecond", 0) or (unit == "ms" and value.microsecond % 1000)
    return f"finer than {_UNITS[unit]}" if too_fine else None


def _duration(value: Any) -> str | None:
    match value:
        case str():
            fits = _succeeds(parse_period, value)
            return None if fits else "not an ISO 8601 period such as P14M3DT0.5S"
        case bytes() | bytearray():
            return None if len(value) == 12 else "not 12 bytes"
        case pa.MonthDayNano():
            millis, finer = divmod(value.nanoseconds, 1_000_000)
            fits = not finer and _succeeds(format_period, value.months, value.days, millis)
            return None if fits else "negative, or finer than a millisecond"
        case _:
            return OTHER


def _succeeds(function: Callable[..., object], *arguments: Any) -> bool:
    try:
        function(*arguments)
    except ValueError:
        return False
    return True


def _uuid(value: Any, avro_type: Uuid) -> str | None:
    match value:
        case uuid.UUID():
            return None
        case str() if _UUID.fullmatch(value):
            return None
        case str():
            return None if avro_type.fixed is not None and _binary(value, 16) is None else "not a UUID"
        case bytes() | bytearray() if avro_type.fixed is not None:
            return _binary(value, 16)
        case _:
            return OTHER
