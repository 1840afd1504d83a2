"""Arrow columns of the schema's types → Arrow columns whose plain JSON is what :mod:`intempt_nb.codecs.wire.wire` says.

Numbers, text, booleans, symbols, days, lists and objects are written by Arrow's JSON writer in Rust, without a Python
object a value: 25 times as fast as ``to_dict`` and ``json.dumps`` on flat rows and 15 times on nested ones, where
joining columns of text with :mod:`pyarrow.compute` came to 15 and 6. What it has no word for is prepared here: instants
and times become integers; decimals, bytes and UUIDs text. JSON text stands in the written rows as a marker until
`Verbatim.fill` puts it in place.
"""

from __future__ import annotations

import binascii
import io
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

import arro3.io
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.wire.literals import dumps, loads
from intempt_nb.codecs.wire.wire import LAST_DAY
from intempt_nb.display import shorten
from intempt_nb.schema.checking.reading import FIRST_DAY
from intempt_nb.schema.mapping.arrow import WIRE, holds_json_text
from intempt_nb.schema.mapping.durations import period_texts
from intempt_nb.schema.mapping.layouts import gaps
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
    is_nullable,
    without_null,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from intempt_nb.schema.model import Defined

__all__ = ["NotJson", "Outgoing", "Verbatim", "decimal_texts", "uuid_texts", "write_lines"]


class NotJson(Exception):  # noqa: N818  (a DataError is made of it once the rows are known)
    """A value that JSON, or the wire's form of its type, does not have."""


def write_lines(table: pa.Table, *, explicit_nulls: bool) -> io.BytesIO:
    """Write each row as a JSON object on a line of its own; no other line feed is in the bytes."""
    lines = io.BytesIO()
    arro3.io.write_ndjson(table, lines, explicit_nulls=explicit_nulls)
    return lines


@dataclass(slots=True)
class Verbatim:
    """JSON texts to be embedded in written rows as they are; each stands there as a marker first.

    The markers hold 128 random bits, as the boundary of a multipart message does, so that no text of the data is one.
    """

    texts: list[bytes] = field(default_factory=list)
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    def mark(self, texts: Iterable[bytes | None]) -> pa.Array:
        """Return a text column of markers that stand for JSON texts; null for None."""
        marks: list[str | None] = []
        for text in texts:
            marks.append(None if text is None else f"{self.boundary}:{len(self.texts)}")
            if text is not None:
                self.texts.append(text)
        return pa.array(marks, pa.string())

    def fill(self, rows: bytes) -> bytes:
        """Return written rows with the texts in place of their markers."""
        if not self.texts:
            return rows
        marker = re.compile(rb'"%b:([0-9]+)"' % self.boundary.encode())
        return marker.sub(lambda found: self.texts[int(found[1])], rows)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Prepares columns for one encoding.

    Parameters
    ----------
    named
        The schema's named types.
    explicit_nulls
        Whether null fields are written; the entries of maps and lists always are.
    nan_is_null
        Whether null is written for a number that is not finite, where the type has null.
    verbatim
        Takes the JSON texts.
    """

    named: Mapping[str, Defined]
    explicit_nulls: bool
    nan_is_null: bool
    verbatim: Verbatim = field(default_factory=Verbatim)

    def column(self, array: pa.Array, avro_type: AvroType) -> pa.Array:
        """Return the column as the JSON writer takes it.

        Parameters
        ----------
        array
            Of the Arrow type of `avro_type`; may be sliced.
        avro_type
            The column's type.

        Raises
        ------
        NotJson
            For NaN, infinity, a day on string outside the years 1 to 9999, and JSON text that is not JSON.
        """
        if holds_json_text(avro_type, self.named, WIRE):
            return self.verbatim.mark(_json_texts(array))
        match without_null(avro_type):
            case Float() | Double():
                return _finite(array, self.nan_is_null and is_nullable(avro_type))
            case Bytes() | BigDecimal() | Fixed():
                return _base64(array)
            case Decimal():
                return decimal_texts(array)
            case Uuid(fixed=Fixed()):
                return uuid_texts(array.storage)
            case Duration():
                return _periods(array)
            case Date(base="string"):
                return _calendar_days(array)
            case Date() | Time(unit="ms"):
                return array.cast(pa.int32())
            case Time() | Timestamp():
                return array.cast(pa.int64())
            case Enum():  # the writer takes a null of the dictionary for an empty text
                return array.dictionary_decode() if array.dictionary.null_count else array
            case Array(items):
                return self._list(array, items)
            case Map(values):
                return self._map(array, values)
            case Record() as record:
                return self._struct(array, record)
            case Reference(name):
                return self.column(array, self.named[name])
            case Null() | Boolean() | Int() | Long() | String() | Uuid() | Union():
                return array
            case other:
                assert_never(other)

    def _list(self, array: pa.ListArray, items: AvroType) -> pa.Array:
        array, offsets, used = _spread(array)
        return pa.ListArray.from_arrays(offsets, self.column(array.values[used], items), mask=gaps(array))

    def _map(self, array: pa.MapArray, values: AvroType) -> pa.Array:
        array, offsets, used = _spread(array)
        items = self.column(array.items[used], values)
        if items.null_count and not self.explicit_nulls:  # the writer would leave out the entry, key and all
            items = self._written(items)
        return pa.MapArray.from_arrays(offsets, array.keys[used], items, mask=gaps(array))

    def _struct(self, array: pa.StructArray, record: Record) -> pa.Array:
        if not record.fields:  # an array made of no children would have no length
            return array
        children = [self.column(child, each.type) for child, each in zip(array.flatten(), record.fields, strict=True)]
        return pa.StructArray.from_arrays(children, names=[each.name for each in record.fields], mask=gaps(array))

    def _written(self, array: pa.Array) -> pa.Array:
        """Return markers for the JSON of the values, null among them."""
        lines = write_lines(pa.table({"": array}), explicit_nulls=self.explicit_nulls).getvalue().splitlines()
        texts = [self.verbatim.fill(line[len('{"":') : -1]) or b"null" for line in lines]
        return self.verbatim.mark(texts)


def _spread(array: pa.Array) -> tuple[pa.Array, pa.Array, slice]:
    """Return a list or map array, where each value begins, and which of its children are used at all.

    ``flatten`` would say it too, but not for maps, nor for every list of extension types.
    """
    bounds = array.offsets.to_numpy()
    hidden = array.is_null().to_numpy(zero_copy_only=False) & (np.diff(bounds) > 0)
    if hidden.any():  # children under a null are no one's; taking the rows leaves them behind
        array = array.take(pa.array(np.arange(len(array))))
        bounds = array.offsets.to_numpy()
    return array, pa.array(bounds - bounds[0]), slice(int(bounds[0]), int(bounds[-1]))


def _json_texts(array: pa.Array) -> Iterable[bytes | None]:
    for text in array.to_pylist():
        try:
            yield None if text is None else dumps(loads(text)).encode()
        except ValueError as error:
            raise NotJson(f"{shorten(text)!r} is not JSON: {shorten(error)}") from None


def _finite(array: pa.Array, or_null: bool) -> pa.Array:
    finite = pc.is_finite(array)
    if pc.all(finite).as_py() is not False:
        return array
    if or_null:
        return pc.if_else(finite, array, pa.scalar(None, array.type))
    raise NotJson("NaN and infinity have no form in JSON; make them null, or leave the rows out")


def _base64(array: pa.Array) -> pa.Array:
    cells = array.to_pylist()
    texts = [None if cell is None else binascii.b2a_base64(cell, newline=False).decode() for cell in cells]
    return pa.array(texts, pa.string())


def _periods(array: pa.Array) -> pa.Array:
    try:
        return period_texts(array)
    except ValueError as error:
        raise NotJson(f"a duration of {error}; Avro has none that is negative or finer than a millisecond") from None


def decimal_texts(array: pa.Array) -> pa.Array:
    """Return decimals as plain text, never with an exponent."""
    texts = array.cast(pa.string())
    short = pc.match_substring(texts, "E")
    if not pc.any(short).as_py():
        return texts
    plain = pa.array([f"{cell:f}" for cell in array.filter(short).to_pylist()], pa.string())
    return pc.replace_with_mask(texts, short, plain)


def uuid_texts(array: pa.FixedSizeBinaryArray) -> pa.Array:
    """Return the 16 bytes of UUIDs as text; large_string."""
    count = len(array)
    data = array.buffers()[1].slice(16 * array.offset, 16 * count)
    digits = np.frombuffer(binascii.hexlify(data), np.uint8).reshape(count, 32)
    texts = np.insert(digits, [8, 12, 16, 20], ord("-"), axis=1)
    offsets = np.arange(0, 36 * count + 1, 36)
    texts = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(texts))
    return pc.if_else(array.is_valid(), texts, None)


def _calendar_days(array: pa.Array) -> pa.Array:
    days = pc.min_max(array.cast(pa.int32())).as_py()
    if days["min"] is not None and not FIRST_DAY <= days["min"] <= days["max"] <= LAST_DAY:
        raise NotJson("a date outside the years 1 to 9999")
    return array
