"""One decoded JSON value → what the wire type of its Avro type takes, or `Mismatch`.

Beyond what :mod:`intempt_nb.codecs.wire.wire` names, this reads numbers given as text, whole numbers written with a
fraction (``5.0`` for a long), ISO text for days, times and instants that the wire has as numbers, and the tokens
``NaN``, ``Infinity`` and ``-Infinity``, also as text, for float and double. Nothing is rounded, cut or guessed.

Numbers come as `Number`, see :mod:`intempt_nb.codecs.wire.literals`.
"""

from __future__ import annotations

import binascii
import functools
import json
import re
from datetime import date
from decimal import Context, Inexact, InvalidOperation
from decimal import Decimal as PyDecimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from intempt_nb.codecs.wire.defaults import default_json
from intempt_nb.codecs.wire.literals import NOT_FINITE, dumps, loads
from intempt_nb.schema.checking.reading import UUID
from intempt_nb.schema.mapping.arrow import WIRE, holds_json_text
from intempt_nb.schema.mapping.durations import interval
from intempt_nb.schema.model import (
    MISSING,
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
    Null,
    Record,
    Reference,
    String,
    Time,
    Timestamp,
    Union,
    Uuid,
    describe,
    is_nullable,
    without_null,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from intempt_nb.schema.model import Defined

__all__ = ["Convert", "Mismatch", "converter", "field_converter"]

Convert: TypeAlias = "Callable[[Any], Any]"

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_UUID = re.compile(UUID)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?")
_MOMENT = re.compile(rf"({_DATE.pattern})[T ]([0-9:.]+)(Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?")
_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_INT = 2**31
_LONG = 2**63
_FLOAT = 2.0**128 - 2.0**103
"""From here on a number rounds to infinity in 32 bits."""
_DOUBLE = float("inf")


class Mismatch(Exception):  # noqa: N818  (a DataError is made of it once the row is known)
    """A value that does not fit its type.

    Parameters
    ----------
    value
        What was found.
    expected
        The type in words.
    reason
        Why it does not fit, where "found …, expected …" does not say it.
    """

    def __init__(self, value: Any, expected: str, reason: str | None = None) -> None:
        super().__init__(value, expected, reason)
        self.value = value
        self.expected = expected
        self.reason = reason
        self.path = ""
        """Which part of the column: ``.host``, ``[3].id``; empty for the whole."""


def field_converter(field: Field, named: Mapping[str, Defined]) -> Convert:
    """Return the function that converts a field's value, given None where it is absent.

    Parameters
    ----------
    field
        A column, or a field of a record inside one.
    named
        The schema's named types.

    Returns
    -------
    Callable
        A value that is absent or null becomes null where the type has one, else the field's default; without either,
        and for a value that does not fit, it raises `Mismatch`.
    """
    convert = converter(field.type, named)
    if field.nullable:
        return convert
    expected = describe(field.type)

    @functools.cache
    def default() -> Any:
        if field.default is MISSING:
            raise Mismatch(None, expected, "no value, and the schema gives no default")
        try:
            return convert(loads(json.dumps(default_json(field.type, field.default, named))))
        except Mismatch as mismatch:
            reason = f"no value, and the schema's default {json.dumps(field.default)} does not fit"
            raise Mismatch(None, expected, reason) from mismatch

    return lambda value: default() if value is None else convert(value)


def converter(avro_type: AvroType, named: Mapping[str, Defined]) -> Convert:
    """Return the function that converts a value of a type; it raises `Mismatch` for what does not fit."""
    nullable = is_nullable(avro_type)
    expected = describe(avro_type)
    inner = dumps if holds_json_text(avro_type, named, WIRE) else _converter(without_null(avro_type), named)

    def convert(value: Any) -> Any:
        if value is None and nullable:
            return None
        try:
            return inner(value)
        except ValueError:
            raise Mismatch(value, expected) from None

    return convert


def _converter(avro_type: AvroType, named: Mapping[str, Defined]) -> Convert:
    """Return a function that raises ValueError for what does not fit, Mismatch for a part that does not."""
    match avro_type:
        case Boolean():
            return _boolean
        case Int():
            return partial(_integer, limit=_INT)
        case Long():
            return partial(_integer, limit=_LONG)
        case Float():
            return partial(_real, limit=_FLOAT)
        case Double():
            return partial(_real, limit=_DOUBLE)
        case String() | Uuid(fixed=None):
            return _text
        case Uuid():
            return partial(_matching, pattern=_UUID)
        case Bytes() | BigDecimal():
            return partial(_base64, size=None)
        case Fixed(size=size):
            return partial(_base64, size=size)
        case Duration():
            return _period
        case Enum(symbols=symbols, default=default):
            return partial(_symbol, symbols=None if default is not None else frozenset(symbols))
        case Date(base):
            return _date if base == "string" else _days
        case Time(unit):
            return partial(_time, per_second=_PER_SECOND[unit])
        case Timestamp(unit, local):
            return partial(_moment, per_second=_PER_SECOND[unit], local=local)
        case Decimal(precision, scale):
            return partial(_decimal, context=_exact(precision), unit=PyDecimal((0, (1,), -scale)))
        case Array(items):
            return partial(_list, convert=converter(items, named))
        case Map(values):
            return partial(_map, convert=converter(values, named))
        case Record(fields=fields):
            return partial(_record, fields=[(each.name, field_converter(each, named)) for each in fields])
        case Reference(name):
            return _converter(named[name], named)
        case Null() | Union():  # null is taken before; a union is JSON text
            return _nothing
        case other:
            assert_never(other)


def _nothing(value: Any) -> None:
    raise ValueError(value)


def _boolean(value: Any) -> bool:
    if value is not True and value is not False:
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError(value)
    value.encode()  # half a surrogate pair is a ValueError: Arrow's text is Unicode
    return value


def _matching(value: Any, pattern: re.Pattern[str]) -> str:
    if type(value) is not str or not pattern.fullmatch(value):
        raise ValueError(value)
    return value


def _literal(value: Any) -> str:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise ValueError(value)
    return value


def _integer(value: Any, limit: int) -> int:
    literal = _literal(value)
    if _INTEGER.fullmatch(literal):
        number = int(literal)
    else:
        number = int(_quantized(literal, _exact(len(str(limit))), PyDecimal(1)))
    if not -limit <= number < limit:
        raise ValueError(value)
    return number


def _real(value: Any, limit: float) -> str:
    if isinstance(value, str) and value in NOT_FINITE:
        return value
    literal = _literal(value)
    if abs(float(literal)) >= limit:
        raise ValueError(value)
    return literal


def _exact(precision: int) -> Context:
    return Context(prec=precision, traps=[Inexact, InvalidOperation])


def _quantized(literal: str, context: Context, unit: PyDecimal) -> PyDecimal:
    try:
        return context.create_decimal(literal).quantize(unit, context=context)
    except (Inexact, InvalidOperation):
        raise ValueError(literal) from None


def _decimal(value: Any, context: Context, unit: PyDecimal) -> PyDecimal:
    return _quantized(_literal(value), context, unit)


def _base64(value: Any, size: int | None) -> str:
    text = _text(value)
    found = len(binascii.a2b_base64(text, strict_mode=True))
    if size is not None and found != size:
        raise ValueError(value)
    return text


def _period(value: Any) -> str:
    text = _text(value)
    interval(text)
    return text


def _symbol(value: Any, symbols: frozenset[str] | None) -> str:
    text = _text(value)
    if symbols is not None and text not in symbols:
        raise ValueError(value)
    return text


def _date(value: Any) -> str:
    text = _matching(value, _DATE)
    date.fromisoformat(text)
    return text


def _days(value: Any) -> int:
    if type(value) is str:  # text of digits only is no number of days: 20200525 would mean a day to people
        return date.fromisoformat(_matching(value, _DATE)).toordinal() - _EPOCH
    return _integer(value, limit=_INT)


def _time(value: Any, per_second: int) -> int:
    if type(value) is str:
        return _clock(value, per_second)
    units = _integer(value, limit=_LONG)
    if not 0 <= units < _DAY * per_second:
        raise ValueError(value)
    return units


def _moment(value: Any, per_second: int, local: bool) -> int:
    """Return units since the epoch; text of an instant without a zone is in UTC, a local one must not have a zone."""
    match = _MOMENT.fullmatch(value) if type(value) is str else None
    if match is None:
        return _integer(value, limit=_LONG)
    day, clock, zone = match.groups()
    if local and zone:
        raise ValueError(value)
    seconds = (date.fromisoformat(day).toordinal() - _EPOCH) * _DAY - _offset(zone or "Z")
    units = seconds * per_second + _clock(clock, per_second)
    if not -_LONG <= units < _LONG:
        raise ValueError(value)
    return units


def _offset(zone: str) -> int:
    """Return the seconds that ``Z``, ``+02``, ``+0200`` or ``+02:00`` is ahead of UTC."""
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _clock(text: str, per_second: int) -> int:
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        raise ValueError(text)
    hour, minute, second = (int(part or 0) for part in clock.group(1, 2, 3))
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(text)
    fraction, too_fine = divmod(int((clock[4] or "").ljust(9, "0")) * per_second, 10**9)
    if too_fine:
        raise ValueError(text)
    return (hour * 3600 + minute * 60 + second) * per_second + fraction


def _nested(convert: Convert, value: Any, step: str) -> Any:
    try:
        return convert(value)
    except Mismatch as mismatch:
        mismatch.path = step + mismatch.path
        raise


def _list(value: Any, convert: Convert) -> list[Any]:
    if type(value) is not list:
        raise ValueError(value)
    return [_nested(convert, each, f"[{index}]") for index, each in enumerate(value)]


def _map(value: Any, convert: Convert) -> list[tuple[str, Any]]:
    if type(value) is not dict:
        raise ValueError(value)
    return [(_text(key), _nested(convert, each, f".{key}")) for key, each in value.items()]


def _record(value: Any, fields: list[tuple[str, Convert]]) -> dict[str, Any]:
    if type(value) is not dict:
        raise ValueError(value)
    return {name: _nested(convert, value.get(name), f".{name}") for name, convert in fields}
