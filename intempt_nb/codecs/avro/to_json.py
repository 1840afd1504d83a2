"""Avro's binary encoding → JSON values, one at a time: for recursive records, unions as text, and items of JSON.

Two encodings of JSON are known (`JsonForm`): the plain one of :mod:`intempt_nb.codecs.wire.wire`, and Avro's own
(specification 1.12, "JSON Encoding").
"""

from __future__ import annotations

import binascii
import struct
import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal as PyDecimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never

import numpy as np

from intempt_nb.codecs.avro.columns import BROKEN, broken, check_branch, read_size
from intempt_nb.codecs.avro.sizes import check_count, least_size
from intempt_nb.codecs.avro.varints import Corrupt, read_long
from intempt_nb.codecs.wire.wire import LAST_DAY
from intempt_nb.schema.checking.reading import FIRST_DAY
from intempt_nb.schema.mapping.durations import format_period
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
    base_type,
    without_null,
)
from intempt_nb.schema.parsing.branches import branch_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from intempt_nb.codecs.avro.sizes import Budget
    from intempt_nb.schema.model import Defined

__all__ = ["Encoding", "JsonForm", "ReadValue", "value_reader"]

Encoding: TypeAlias = Literal["plain", "avro", "default"]
ReadValue: TypeAlias = "Callable[[bytes, int], tuple[Any, int]]"
"""Returns the value that begins at a position, and the position behind it."""

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class JsonForm:
    """How values look in JSON.

    Parameters
    ----------
    encoding
        ``"plain"``: as :mod:`intempt_nb.codecs.wire.wire` says. ``"avro"``: as the specification does, logical types as
        what they stand on, bytes as text whose characters are the bytes, not finite numbers as ``"NaN"`` and so on.
    tagged
        Plain only: whether values of unions of several types are objects that name the branch, ``{"long": 5}``. In
        Avro's encoding all but null are. ``"default"`` is that of defaults in a schema, for writing only: Avro's, but
        for unions, whose values are bare and of the first branch that takes them.
    """

    encoding: Encoding = "plain"
    tagged: bool = True


def value_reader(avro_type: AvroType, named: Mapping[str, Defined], form: JsonForm, budget: Budget) -> ReadValue:
    """Return the function that reads a value of a type as a JSON value: None, bool, int, float, str, list, dict.

    Parameters
    ----------
    avro_type
        Any Avro type.
    named
        The schema's named types.
    form
        What the JSON looks like.
    budget
        Counts the values that take no byte.

    Returns
    -------
    Callable
        It raises one of `BROKEN` for bytes that are no such value.
    """
    return _Reader(named, form, budget, {}).reader(avro_type)


@dataclass(frozen=True, slots=True)
class _Reader:
    named: Mapping[str, Defined]
    form: JsonForm
    budget: Budget
    known: dict[str, ReadValue]
    """The readers of records by name, so that a recursive one ends."""

    def reader(self, avro_type: AvroType) -> ReadValue:
        match base_type(avro_type) if self.form.encoding == "avro" else avro_type:
            case Null():
                return lambda data, position: (None, position)
            case Boolean():
                return _boolean
            case Int() | Long() | Time() | Timestamp():
                return read_long
            case Float():
                return self._real(4, "<f")
            case Double():
                return self._real(8, "<d")
            case String() | Date("string") | Uuid(fixed=None):
                return _text
            case Date():
                return _day
            case Bytes() | BigDecimal():
                return _changed(_sized, self._byte_text)
            case Fixed(size=size):
                return _changed(_exactly(size), self._byte_text)
            case Decimal(precision, scale, fixed):
                take = _sized if fixed is None else _exactly(fixed.size)
                return _changed(take, lambda raw: _decimal(raw, precision, scale))
            case Uuid():
                return _changed(_exactly(16), lambda raw: str(uuid.UUID(bytes=raw)))
            case Duration():
                return _changed(_exactly(12), lambda raw: format_period(*struct.unpack("<III", raw)))
            case Enum(symbols=symbols):
                return lambda data, position: _symbol(data, position, symbols)
            case Array(items):
                return self._array(items)
            case Map(values):
                return self._map(values)
            case Record() as record:
                return self._record(record)
            case Reference(name):
                return self._reference(name)
            case Union(branches):
                return self._union(branches)
            case other:
                assert_never(other)

    def _real(self, size: int, layout: str) -> ReadValue:
        names = self.form.encoding == "avro"

        def read(data: bytes, position: int) -> tuple[Any, int]:
            if position + size > len(data):
                raise IndexError
            (value,) = struct.unpack_from(layout, data, position)
            if names and (value != value or value in (np.inf, -np.inf)):
                return _NOT_FINITE.get(value, "NaN"), position + size
            if size == 4 and value == value:
                value = float(str(np.float32(value)))  # the shortest digits that give the same 32 bits again
            return value, position + size

        return read

    def _byte_text(self, raw: bytes) -> str:
        if self.form.encoding == "avro":
            return raw.decode("latin-1")
        return binascii.b2a_base64(raw, newline=False).decode()

    def _array(self, items: AvroType) -> ReadValue:
        inner = self.reader(items)
        least = least_size(items, self.named)

        def read(data: bytes, position: int) -> tuple[list[Any], int]:
            values: list[Any] = []
            return values, self._run(data, position, least, inner, values.append)

        return read

    def _run(self, data: bytes, position: int, least: int, inner: ReadValue, add: Callable[[Any], None]) -> int:
        """Read the items of an array or a map."""
        done = 0
        while True:
            count, position = read_long(data, position)
            if count == 0:
                return position
            if count < 0:
                count = -count
                _, position = read_long(data, position)
            check_count(count, least, len(data) - position, self.budget)
            try:
                for _ in range(count):
                    value, position = inner(data, position)
                    add(value)
                    done += 1
            except BROKEN as error:
                raise broken(error, f"[{done}]") from None

    def _map(self, values: AvroType) -> ReadValue:
        inner = self.reader(values)
        least = 1 + least_size(values, self.named)

        def entry(data: bytes, position: int) -> tuple[tuple[str, Any], int]:
            key, position = _text(data, position)
            value, position = inner(data, position)
            return (key, value), position

        def read(data: bytes, position: int) -> tuple[dict[str, Any], int]:
            entries: list[tuple[str, Any]] = []
            position = self._run(data, position, least, entry, entries.append)
            found = dict(entries)
            if len(found) < len(entries):
                raise Corrupt("a map with the same key twice, which JSON has no form for")
            return found, position

        return read

    def _record(self, record: Record) -> ReadValue:
        if record.name in self.known:
            return self.known[record.name]
        parts: list[tuple[str, ReadValue]] = []

        def read(data: bytes, position: int) -> tuple[dict[str, Any], int]:
            value = {}
            name = ""
            try:
                for name, inner in parts:
                    value[name], position = inner(data, position)
            except BROKEN as error:
                raise broken(error, f".{name}") from None
            return value, position

        self.known[record.name] = read
        parts += [(field.name, self.reader(field.type)) for field in record.fields]
        return read

    def _reference(self, name: str) -> ReadValue:
        return self.known.get(name) or self.reader(self.named[name])

    def _union(self, branches: tuple[AvroType, ...]) -> ReadValue:
        inner = [self.reader(each) for each in branches]
        general = isinstance(without_null(Union(branches)), Union)
        names = self.form.encoding == "avro" or (general and self.form.tagged)
        tags = [branch_name(each) if names and each != Null() else None for each in branches]
        known = set(map(branch_name, branches)) if general else set()

        def read(data: bytes, position: int) -> tuple[Any, int]:
            index, position = read_long(data, position)
            check_branch(index, len(inner))
            value, position = inner[index](data, position)
            tag = tags[index]
            if tag is None and isinstance(value, dict) and len(value) == 1 and known.issuperset(value):
                tag = branch_name(branches[index])  # bare, it would look like the name of a branch
            return (value if tag is None else {tag: value}), position

        return read


_NOT_FINITE = {np.inf: "Infinity", -np.inf: "-Infinity"}


def _changed(take: Callable[[bytes, int], tuple[bytes, int]], change: Callable[[bytes], Any]) -> ReadValue:
    def read(data: bytes, position: int) -> tuple[Any, int]:
        raw, position = take(data, position)
        return change(raw), position

    return read


def _sized(data: bytes, position: int) -> tuple[bytes, int]:
    size, position = read_size(data, position)
    return data[position : position + size], position + size


def _exactly(size: int) -> Callable[[bytes, int], tuple[bytes, int]]:
    def take(data: bytes, position: int) -> tuple[bytes, int]:
        if position + size > len(data):
            raise IndexError
        return data[position : position + size], position + size

    return take


def _boolean(data: bytes, position: int) -> tuple[bool, int]:
    byte = data[position]
    if byte > 1:
        raise Corrupt(f"a boolean of byte {byte:#04x}; expected 0x00 or 0x01")
    return byte == 1, position + 1


def _text(data: bytes, position: int) -> tuple[str, int]:
    raw, position = _sized(data, position)
    return raw.decode(), position


def _day(data: bytes, position: int) -> tuple[str | int, int]:
    days, position = read_long(data, position)
    if FIRST_DAY <= days <= LAST_DAY:
        return date.fromordinal(days + _EPOCH).isoformat(), position
    return days, position


def _decimal(raw: bytes, precision: int, scale: int) -> str:
    unscaled = int.from_bytes(raw, "big", signed=True)
    if abs(unscaled) >= 10**precision:
        raise Corrupt(f"a decimal of more than {precision} digits, the precision in the schema")
    digits = tuple(map(int, str(abs(unscaled))))
    return f"{PyDecimal((int(unscaled < 0), digits, -scale)):f}"


def _symbol(data: bytes, position: int, symbols: tuple[str, ...]) -> tuple[str, int]:
    index, position = read_long(data, position)
    if not 0 <= index < len(symbols):
        raise Corrupt(f"symbol {index} of an enum of {len(symbols)}")
    return symbols[index], position
