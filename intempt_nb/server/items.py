"""Checks of items against a collection's schema, compiled once into closures.

What a value looks like in JSON:

===============================  ==================================================================================
schema                           JSON
===============================  ==================================================================================
null, boolean, string            null, true or false, text
int, long, time, timestamp       an integer in range; a time of day is within the day; a timestamp is epoch units
float, double                    a number in range
date on string                   ISO text, ``"2020-05-25"`` [seed]
date on int                      days since 1970-01-01, or ISO text, as all dates of the API are [ours]
decimal                          a number, or text of one, of no more digits than the schema has room for [ours]
bytes, fixed, uuid on fixed      base64 text [ours]
uuid on string                   hexadecimal text with the dashes of RFC 4122, or without, as trackers write it [ours]
enum, array, map, record         one of the symbols, a list, an object, an object
union                            the bare value of a branch; the branch which keeps all of it goes first [ours]
===============================  ==================================================================================

A field may be absent if it has a default or can be null; what is absent stays absent [ours]. Fields that the schema
does not name are dropped, in nested records as well [ref].
"""

from __future__ import annotations

import binascii
import json
import re
import sys
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation
from math import nextafter
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from intempt_nb.display import shorten
from intempt_nb.schema import model
from intempt_nb.schema.mapping.durations import parse_period
from intempt_nb.schema.model import describe, is_nullable, without_null

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from intempt_nb.schema.parsing.avro import ParsedSchema

    Check: TypeAlias = Callable[[Any], Any]

__all__ = ["ItemError", "compile_check"]

_DECIMAL_TEXT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}", re.ASCII)
_FLOAT_MAX = nextafter(2.0**128 - 2.0**103, 0.0)  # the last number that does not round to infinity in 32 bits
_DAY_MS = 24 * 60 * 60 * 1000


class ItemError(ValueError):
    """An item that does not match its schema.

    Parameters
    ----------
    message
        What was found and what was expected.
    field
        Where: ``pageUrl.port``, ``classList[2]``; empty for the whole item.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    def inside(self, part: str) -> None:
        """Note that the place is inside of `part`."""
        self.field = f"{part}{'' if self.field[:1] in ('', '[') else '.'}{self.field}"


def compile_check(schema: ParsedSchema) -> Check:
    """Return a function that takes an item and returns what is kept of it.

    The function raises `ItemError` for an item that does not match, and returns the item itself if nothing is dropped.
    """
    named: dict[str, Check] = {}
    check = _compile(schema.record, named)

    def check_item(item: Any) -> Any:
        try:
            return check(item)
        except RecursionError:
            raise ItemError("nested too deeply") from None

    return check_item


def _compile(avro_type: model.AvroType, named: dict[str, Check]) -> Check:
    match avro_type:
        case model.Null():
            return _check_null
        case model.Boolean():
            return _check_boolean
        case model.String():
            return _check_text
        case model.Int():
            return _integer("int", -(2**31), 2**31 - 1)
        case model.Long() | model.Timestamp():
            return _integer(describe(avro_type), -(2**63), 2**63 - 1)
        case model.Time(unit):
            return _integer(describe(avro_type), 0, _DAY_MS * (1 if unit == "ms" else 1000) - 1)
        case model.Float():
            return _number("float", _FLOAT_MAX)
        case model.Double():
            return _number("double", sys.float_info.max)
        case model.Date(base):
            return _check_date if base == "string" else _either_date(_integer("date", -(2**31), 2**31 - 1))
        case model.Decimal(precision, scale, fixed):
            return _known(named, fixed, _decimal(precision, scale))
        case model.Uuid(fixed):
            return _known(named, fixed, _check_uuid)
        case model.Bytes() | model.BigDecimal():
            return _binary(None)
        case model.Fixed(name, size):
            return named.setdefault(name, _binary(size))
        case model.Duration(fixed):
            return _known(named, fixed, _check_period)
        case model.Enum(name, symbols):
            return named.setdefault(name, _enum(symbols))
        case model.Array(items):
            return _array(_compile(items, named))
        case model.Map(values):
            return _map(_compile(values, named))
        case model.Record(name):
            return named.setdefault(name, _record(avro_type, named))
        case model.Union():
            return _union(avro_type, named)
        case model.Reference(name):
            # Looked up when it is called: the type that the name stands for may be the one being compiled.
            return lambda value: named[name](value)
        case _:
            assert_never(avro_type)


def _known(named: dict[str, Check], fixed: model.Fixed | None, check: Check) -> Check:
    """Return the check of a logical type, kept under the name of the fixed that it is on, if it is on one."""
    return check if fixed is None else named.setdefault(fixed.name, check)


def _mismatch(value: Any, expected: str) -> ItemError:
    return ItemError(f"found {shorten(json.dumps(value, ensure_ascii=False))}; expected {expected}")


def _check_null(value: Any) -> Any:
    if value is not None:
        raise _mismatch(value, "null")
    return value


def _check_boolean(value: Any) -> Any:
    if value is not True and value is not False:
        raise _mismatch(value, "true or false")
    return value


def _check_text(value: Any) -> Any:
    if type(value) is not str:
        raise _mismatch(value, "text")
    return value


def _integer(expected: str, lowest: int, highest: int) -> Check:
    # ``type`` and not ``isinstance``: a bool is an int to Python, not to Avro.
    def check(value: Any) -> Any:
        if type(value) is not int:
            raise _mismatch(value, f"{expected}: an integer")
        if not lowest <= value <= highest:
            raise _mismatch(value, f"{expected}: an integer from {lowest} to {highest}")
        return value

    return check


def _number(expected: str, highest: float) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not float and type(value) is not int:
            raise _mismatch(value, f"{expected}: a number")
        if not -highest <= value <= highest:
            raise _mismatch(value, f"{expected}: a number from {-highest:g} to {highest:g}")
        return value

    return check


def _check_date(value: Any) -> Any:
    # The shape first: fromisoformat also takes 20200525 and 2020-W01-1.
    if type(value) is str and len(value) == 10 and value[4] == "-" == value[7]:
        try:
            date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise _mismatch(value, 'date: ISO text, as "2020-05-25"')


def _either_date(check_days: Check) -> Check:
    return lambda value: _check_date(value) if type(value) is str else check_days(value)


def _decimal(precision: int, scale: int) -> Check:
    expected = f"decimal: a number, or text of one, of up to {precision} digits, {scale} of them behind the point"
    step = Decimal(1).scaleb(-scale)
    context = Context(prec=precision, traps=[InvalidOperation, Inexact])

    def check(value: Any) -> Any:
        if type(value) is str and _DECIMAL_TEXT.fullmatch(value):
            number = Decimal(value)
        elif type(value) is int or type(value) is float:
            number = Decimal(repr(value))
        else:
            raise _mismatch(value, expected)
        try:
            number.quantize(step, context=context)
        except (InvalidOperation, Inexact):
            raise _mismatch(value, expected) from None
        return value

    return check


def _check_uuid(value: Any) -> Any:
    if type(value) is not str or not _UUID.fullmatch(value):
        raise _mismatch(value, 'uuid: text, as "123e4567-e89b-12d3-a456-426614174000"')
    return value


def _check_period(value: Any) -> Any:
    try:
        parse_period(value if type(value) is str else "")
    except ValueError:
        raise _mismatch(value, 'duration: an ISO 8601 period, as "P14M3DT0.5S"') from None
    return value


def _binary(size: int | None) -> Check:
    expected = "bytes: base64 text" if size is None else f"base64 text of {size} bytes"

    def check(value: Any) -> Any:
        if type(value) is str:
            try:
                decoded = binascii.a2b_base64(value, strict_mode=True)
            except ValueError:
                raise _mismatch(value, expected) from None
            if size is None or len(decoded) == size:
                return value
        raise _mismatch(value, expected)

    return check


def _enum(symbols: tuple[str, ...]) -> Check:
    known = frozenset(symbols)
    expected = f"one of {', '.join(symbols)}"

    def check(value: Any) -> Any:
        if type(value) is not str or value not in known:
            raise _mismatch(value, expected)
        return value

    return check


def _array(check_item: Check) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not list:
            raise _mismatch(value, "a list")
        kept: list[Any] = []
        for index, item in enumerate(value):
            try:
                kept.append(check_item(item))
            except ItemError as error:
                error.inside(f"[{index}]")
                raise
        return kept if any(map(_differs, kept, value)) else value

    return check


def _map(check_value: Check) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not dict:
            raise _mismatch(value, "an object")
        kept: dict[str, Any] = {}
        for key, item in value.items():
            try:
                kept[key] = check_value(item)
            except ItemError as error:
                error.inside(key)
                raise
        return kept if any(map(_differs, kept.values(), value.values())) else value

    return check


def _differs(one: Any, other: Any) -> bool:
    return one is not other


def _record(record: model.Record, named: dict[str, Check]) -> Check:
    fields = [(field.name, _compile(field.type, named), field.required) for field in record.fields]
    expected: Mapping[str, str] = {field.name: describe(field.type) for field in record.fields}

    def check(value: Any) -> Any:
        if type(value) is not dict:
            raise _mismatch(value, "an object")
        met = 0
        changed: dict[str, Any] = {}
        for name, check_field, required in fields:
            if name in value:
                item = value[name]
                met += 1
                try:
                    kept = check_field(item)
                except ItemError as error:
                    error.inside(name)
                    raise
                if kept is not item:
                    changed[name] = kept
            elif required:
                raise ItemError(f"missing; expected {expected[name]}", name)
        if met == len(value) and not changed:
            return value
        return {name: changed.get(name, item) for name, item in value.items() if name in expected}

    return check


def _union(union: model.Union, named: dict[str, Check]) -> Check:
    rest = without_null(union)
    if is_nullable(union) and not isinstance(rest, model.Union):
        check_rest = _compile(rest, named)
        return lambda value: None if value is None else check_rest(value)
    checks = [_compile(branch, named) for branch in union.branches]

    def check(value: Any) -> Any:
        reduced = []
        for check_branch in checks:
            try:
                kept = check_branch(value)
            except ItemError:
                continue
            if kept is value:
                return value
            reduced.append(kept)
        if not reduced:
            raise _mismatch(value, describe(union))
        return reduced[0]

    return check
