"""JSON values → Avro's binary encoding, one at a time: the way back of :mod:`intempt_nb.codecs.avro.to_json`.

What a plain JSON value may look like is said in :mod:`intempt_nb.codecs.wire.values`; numbers come as `Number`. A value
of a union of several types names its branch, or is bare where only one branch can be meant: of whole numbers the first
that holds it, of text the string.
"""

from __future__ import annotations

import binascii
import functools
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

import pyarrow as pa

from intempt_nb.codecs.avro.branches import Branches
from intempt_nb.codecs.avro.to_json import JsonForm
from intempt_nb.codecs.avro.varints import encode_long
from intempt_nb.codecs.wire.literals import loads
from intempt_nb.codecs.wire.values import Mismatch, converter
from intempt_nb.schema.mapping.durations import parse_period
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
    base_type,
    describe,
    resolved,
    without_null,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal as PyDecimal

    from intempt_nb.schema.model import Defined

__all__ = ["WriteValue", "encode_default", "value_writer"]

WriteValue: TypeAlias = "Callable[[Any, bytearray], None]"
"""Adds the bytes of a value to what is there already."""


def value_writer(avro_type: AvroType, named: Mapping[str, Defined], form: JsonForm) -> WriteValue:
    """Return the function that writes a JSON value as a value of a type.

    Parameters
    ----------
    avro_type
        Any Avro type.
    named
        The schema's named types.
    form
        What the JSON looks like; with ``"plain"`` tagged and bare values of unions are both read.

    Returns
    -------
    Callable
        It raises `Mismatch`, with the path within the value, for what does not fit, and RecursionError for a value
        nested too deeply.
    """
    return _Writer(named, form, {}).writer(avro_type)


@dataclass(frozen=True, slots=True)
class _Writer:
    named: Mapping[str, Defined]
    form: JsonForm
    known: dict[str, WriteValue]

    def writer(self, avro_type: AvroType) -> WriteValue:
        match avro_type if self.form.encoding == "plain" else base_type(avro_type):
            case Null():
                return _null
            case Array(items):
                return self._array(items)
            case Map(values):
                return self._map(values)
            case Record() as record:
                return self._record(record)
            case Reference(name):
                return self.known.get(name) or self.writer(self.named[name])
            case Union(branches):
                return self._union(branches)
            case Bytes() | Fixed() as raw if self.form.encoding != "plain":
                return _latin(raw)
            case Duration() as duration:
                return _leaf(duration, _period, bytes)
            case (
                Boolean()
                | Int()
                | Long()
                | Float()
                | Double()
                | Bytes()
                | String()
                | Fixed()
                | Enum()
                | Date()
                | Time()
                | Timestamp()
                | Decimal()
                | BigDecimal()
                | Uuid()
            ) as scalar:
                return _leaf(scalar, converter(scalar, self.named), _packer(scalar))
            case other:
                assert_never(other)

    def _array(self, items: AvroType) -> WriteValue:
        inner = self.writer(items)
        expected = f"array of {describe(items)}"

        def write(value: Any, out: bytearray) -> None:
            if type(value) is not list:
                raise Mismatch(value, expected)
            if value:
                out += encode_long(len(value))
                for index, each in enumerate(value):
                    _nested(inner, each, out, f"[{index}]")
            out.append(0)

        return write

    def _map(self, values: AvroType) -> WriteValue:
        inner = self.writer(values)
        key_writer = self.writer(String())
        expected = f"map of {describe(values)}"

        def write(value: Any, out: bytearray) -> None:
            if type(value) is not dict:
                raise Mismatch(value, expected)
            if value:
                out += encode_long(len(value))
                for key, each in value.items():
                    key_writer(key, out)
                    _nested(inner, each, out, f".{key}")
            out.append(0)

        return write

    def _record(self, record: Record) -> WriteValue:
        if record.name in self.known:
            return self.known[record.name]
        parts: list[tuple[str, WriteValue]] = []
        expected = describe(record)
        names = {field.name for field in record.fields}
        strict = self.form.encoding != "plain"

        def write(value: Any, out: bytearray) -> None:
            if type(value) is not dict:
                raise Mismatch(value, expected)
            if strict and not names.issuperset(value):
                name = next(key for key in value if key not in names)
                raise Mismatch(value, expected, f"field {name!r} is none of the schema's")
            for name, inner in parts:
                _nested(inner, value.get(name, MISSING), out, f".{name}")

        self.known[record.name] = write
        parts += [(field.name, self._field(field)) for field in record.fields]
        return write

    def _field(self, field: Field) -> WriteValue:
        """Return a writer that takes the field's default where the item has no value for it."""
        inner = self.writer(field.type)
        plain = self.form.encoding == "plain"

        @functools.cache
        def default() -> bytes:
            if field.default is MISSING:
                raise Mismatch(None, describe(field.type), "no value, and the schema gives no default")
            return encode_default(field, self.named)

        def write(value: Any, out: bytearray) -> None:
            absent = value is MISSING or (plain and value is None)
            if not absent:
                inner(value, out)
            elif plain and field.nullable:
                inner(None, out)
            else:
                out += default()

        return write

    def _union(self, branches: tuple[AvroType, ...]) -> WriteValue:
        types = tuple(resolved(each, self.named) for each in branches)
        union = Branches(types, tuple(self.writer(each) for each in branches))
        match self.form.encoding:
            case "avro":
                return union.write_tagged
            case "default":
                return union.write_first
            case _ if isinstance(without_null(Union(branches)), Union):
                return union.write_plain
            case _:
                return union.write_optional


def encode_default(field: Field, named: Mapping[str, Defined]) -> bytes:
    """Return a field's default in Avro's binary encoding.

    Raises
    ------
    Mismatch
        If it does not fit the field's type.
    """
    out = bytearray()
    try:
        value_writer(field.type, named, JsonForm("default"))(loads(json.dumps(field.default)), out)
    except Mismatch as mismatch:
        reason = f"the schema's default {json.dumps(field.default)} does not fit"
        raise Mismatch(None, describe(field.type), reason) from mismatch
    return bytes(out)


def _nested(write: WriteValue, value: Any, out: bytearray, step: str) -> None:
    try:
        write(value, out)
    except Mismatch as mismatch:
        mismatch.path = step + mismatch.path
        raise


def _null(value: Any, out: bytearray) -> None:
    if value is not None:
        raise Mismatch(value, "null")


def _leaf(avro_type: AvroType, convert: Callable[[Any], Any], pack: Callable[[Any], bytes]) -> WriteValue:
    expected = describe(avro_type)

    def write(value: Any, out: bytearray) -> None:
        try:
            out += pack(convert(value))
        except ValueError:
            raise Mismatch(value, expected) from None

    return write


def _latin(avro_type: Bytes | Fixed) -> WriteValue:
    """Return a writer of bytes as Avro's JSON has them: text whose characters are the bytes."""
    size = avro_type.size if isinstance(avro_type, Fixed) else None

    def convert(value: Any) -> bytes:
        if type(value) is not str or (size is not None and len(value) != size):
            raise ValueError(value)
        return value.encode("latin-1")

    return _leaf(avro_type, convert, bytes if size is not None else _sized)


def _period(value: Any) -> bytes:
    if type(value) is not str:
        raise ValueError(value)
    return struct.pack("<III", *parse_period(value))


def _sized(raw: bytes) -> bytes:
    return encode_long(len(raw)) + raw


def _packer(avro_type: AvroType) -> Callable[[Any], bytes]:
    """Return the function that encodes what `converter` gives for a type without parts."""
    match avro_type:
        case Boolean():
            return lambda value: b"\1" if value else b"\0"
        case Int() | Long() | Time() | Timestamp() | Date("int"):
            return encode_long
        case Float():
            return lambda literal: struct.pack("<f", pa.scalar(literal).cast(pa.float32()).as_py())
        case Double():
            return lambda literal: struct.pack("<d", float(literal))
        case String() | Date() | Uuid(fixed=None):
            return lambda text: _sized(text.encode())
        case Bytes() | BigDecimal():
            return lambda text: _sized(binascii.a2b_base64(text))
        case Fixed():
            return binascii.a2b_base64
        case Uuid():
            return lambda text: bytes.fromhex(text.replace("-", ""))
        case Enum(symbols=symbols, default=default):
            indices = {symbol: encode_long(index) for index, symbol in enumerate(symbols)}
            return lambda symbol: indices[symbol] if symbol in indices else indices[str(default)]
        case Decimal(scale=scale, fixed=fixed):
            return lambda value: _decimal_bytes(_unscaled(value, scale), None if fixed is None else fixed.size)
        case _:
            raise TypeError(f"{describe(avro_type)} has parts")


def _unscaled(value: PyDecimal, scale: int) -> int:
    sign, digits, exponent = value.as_tuple()
    number: int = int("".join(map(str, digits))) * 10 ** (int(exponent) + scale)
    return -number if sign else number


def _decimal_bytes(unscaled: int, size: int | None) -> bytes:
    """Return a decimal's bytes: two's complement, big-endian, of a size, or as few as hold it behind their length."""
    if size is not None:
        return unscaled.to_bytes(size, "big", signed=True)
    magnitude = unscaled if unscaled >= 0 else ~unscaled
    return _sized(unscaled.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))
