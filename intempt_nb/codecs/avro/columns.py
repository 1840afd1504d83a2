"""Columns that grow a value at a time out of Avro's binary encoding, and what all of them share.

A `Column` is three functions over lists; `intempt_nb.codecs.avro.decode` makes them for a schema's types. What is wrong
with the bytes raises `Corrupt` or one of `BROKEN`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from intempt_nb.codecs.avro.varints import Corrupt, read_long
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.restoring import recast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "BROKEN",
    "Column",
    "Read",
    "booleans",
    "broken",
    "byte_strings",
    "check_branch",
    "decimals",
    "durations",
    "fixed",
    "integers",
    "listed",
    "mask",
    "nulls",
    "read_size",
    "record_batch",
    "struct_array",
    "symbols",
    "text_dates",
    "texts",
    "validity",
]

Read: TypeAlias = "Callable[[bytes, int], int]"
"""Takes the value that begins at a position, and returns the position behind it."""

BROKEN = (Corrupt, IndexError, UnicodeDecodeError, RecursionError)
"""What reading wrong bytes raises; `broken` makes `Corrupt` of each."""

_EPOCH = date(1970, 1, 1).toordinal()
_DATE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_KEPT_DATES = 100_000


@dataclass(frozen=True, slots=True)
class Column:
    """Values of one type on their way to an Arrow array.

    Parameters
    ----------
    read
        Takes a value.
    null
        Takes a null, also where the type has none: under a null record its fields have no values.
    finish
        Returns the array of what was taken, and starts anew.
    """

    read: Read
    null: Callable[[], None]
    finish: Callable[[], pa.Array]


def broken(error: Exception, step: str = "") -> Corrupt:
    """Return what reading raised as `Corrupt`, one step further out in its path."""
    match error:
        case Corrupt():
            return Corrupt(str(error), step + error.path)
        case UnicodeDecodeError():
            return Corrupt(f"text that is not UTF-8: {shorten(error.object)}", step)
        case RecursionError():
            return Corrupt("the value is nested too deeply for Python", step)
        case _:
            return Corrupt("the block ends within the value", step)


def check_branch(index: int, count: int) -> None:
    """Refuse a union's index that is none of its branches."""
    if not 0 <= index < count:
        raise Corrupt(f"branch {index} of a union of {count}")


def validity(gaps: Sequence[int], length: int) -> pa.Buffer | None:
    """Return the bitmap of an array with nulls at some places."""
    if not gaps:
        return None
    valid = np.ones(length, bool)
    valid[gaps] = False
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def struct_array(kind: pa.DataType, length: int, children: list[pa.Array], valid: pa.Buffer | None) -> pa.Array:
    """Return a struct array, which unlike ``StructArray.from_arrays`` may have no children."""
    return pa.Array.from_buffers(kind, length, [valid], children=children)


def record_batch(schema: pa.Schema, length: int, children: list[pa.Array]) -> pa.RecordBatch:
    """Return a record batch, which unlike ``RecordBatch.from_arrays`` has rows without any columns too.

    Parameters
    ----------
    schema
        Of the batch; a column's type may be one that a schema remembers (``arrow.type``) instead of the child's own.
    length
        How many rows there are.
    children
        The columns.

    Raises
    ------
    DataError
        For a column with a value that the remembered type does not hold.
    """
    children = [_remembered(child, field) for child, field in zip(children, schema, strict=True)]
    batch = pa.RecordBatch.from_struct_array(struct_array(pa.struct(list(schema)), length, children, None))
    return batch.replace_schema_metadata(schema.metadata)


def _remembered(child: pa.Array, field: pa.Field) -> pa.Array:
    try:
        return recast(child, field.type)
    except pa.ArrowException as error:
        advice = "correct what the schema says in its attribute arrow.type, or take it out"
        raise DataError(f"the column is no {field.type}: {error}; {advice}", field=field.name) from None


def listed(read: Read, values: list[Any], kind: pa.DataType) -> Column:
    """Return a column whose values are Python objects in a list."""

    def finish() -> pa.Array:
        array = pa.array(values, kind)
        values.clear()
        return array

    return Column(read, lambda: values.append(None), finish)


def nulls() -> Column:
    """Return a column of nothing."""
    length = [0]

    def null() -> None:
        length[0] += 1

    def read(data: bytes, position: int) -> int:
        length[0] += 1
        return position

    def finish() -> pa.Array:
        count, length[0] = length[0], 0
        return pa.nulls(count)

    return Column(read, null, finish)


def booleans() -> Column:
    """Return a column of booleans."""
    values: list[bool | None] = []

    def read(data: bytes, position: int) -> int:
        byte = data[position]
        if byte > 1:
            raise Corrupt(f"a boolean of byte {byte:#04x}; expected 0x00 or 0x01")
        values.append(byte == 1)
        return position + 1

    return listed(read, values, pa.bool_())


def integers(kind: pa.DataType, bits: int) -> Column:
    """Return a column of numbers of so many bits, as `kind`: an integer, a day, a time of day, an instant."""
    values: list[int | None] = []
    append = values.append
    limit = 1 << bits - 1
    storage = pa.int32() if bits == 32 else pa.int64()

    def read(data: bytes, position: int) -> int:
        byte = data[position]
        if byte < 128:
            append(byte >> 1 ^ -(byte & 1))
            return position + 1
        value, position = read_long(data, position)
        if not -limit <= value < limit:
            raise Corrupt(f"{value:,} where a number of {bits} bits is expected")
        append(value)
        return position

    def finish() -> pa.Array:
        array = pa.array(values, storage)
        values.clear()
        return array.view(kind)

    return Column(read, lambda: append(None), finish)


def fixed(kind: pa.DataType, size: int) -> Column:
    """Return a column of values that are the same bytes in Avro and in Arrow: float, double, fixed, UUIDs on fixed."""
    return _packed(size, [], lambda raw, length, valid: pa.Array.from_buffers(kind, length, [valid, raw]))


def durations() -> Column:
    """Return a column of durations."""

    def array(raw: pa.Buffer, length: int, valid: pa.Buffer | None) -> pa.Array:
        parts = np.frombuffer(raw, "<u4").reshape(length, 3)
        wide = np.zeros(length, [("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])
        wide["months"], wide["days"] = parts[:, 0], parts[:, 1]
        wide["nanos"] = parts[:, 2].astype(np.int64) * 1_000_000
        return pa.Array.from_buffers(pa.month_day_nano_interval(), length, [valid, pa.py_buffer(wide.tobytes())])

    plain = _packed(12, [], array)

    def read(data: bytes, position: int) -> int:
        if data[position + 3] > 127 or data[position + 7] > 127:
            raise Corrupt(
                "a duration of more than 2**31 - 1 months or days, which Arrow has no type for; leave the column out "
                "(columns=), or read the file with a schema whose field is the fixed type alone (reader_schema=)"
            )
        return plain.read(data, position)

    return Column(read, plain.null, plain.finish)


def decimals(kind: pa.DataType, size: int | None) -> Column:
    """Return a column of decimals, of `size` bytes each or of bytes with a length of their own."""
    limit = 10**kind.precision
    width = kind.bit_width // 8
    parts: list[bytes] = []

    def read(data: bytes, position: int) -> int:
        length, start = read_size(data, position) if size is None else (size, position)
        end = start + length
        if end > len(data):
            raise IndexError
        value = int.from_bytes(data[start:end], "big", signed=True)
        if not -limit < value < limit:
            raise Corrupt(f"a decimal of more than {kind.precision} digits, the precision in the schema")
        parts.append(value.to_bytes(width, "little", signed=True))
        return end

    plain = _packed(width, parts, lambda raw, length, valid: pa.Array.from_buffers(kind, length, [valid, raw]))
    return Column(read, plain.null, plain.finish)


def _packed(width: int, parts: list[bytes], array: Callable[[pa.Buffer, int, pa.Buffer | None], pa.Array]) -> Column:
    """Return a column whose values are `parts`, of `width` bytes each; `array` makes it of their bytes."""
    append = parts.append
    gaps: list[int] = []
    nothing = bytes(width)

    def read(data: bytes, position: int) -> int:
        end = position + width
        if end > len(data):
            raise IndexError
        append(data[position:end])
        return end

    def null() -> None:
        gaps.append(len(parts))
        append(nothing)

    def finish() -> pa.Array:
        made = array(pa.py_buffer(b"".join(parts)), len(parts), validity(gaps, len(parts)))
        parts.clear()
        gaps.clear()
        return made

    return Column(read, null, finish)


def read_size(data: bytes, position: int) -> tuple[int, int]:
    """Return the length that begins at a position, and the position behind it; refuses what the data cannot hold."""
    size, position = read_long(data, position)
    if size < 0:
        raise Corrupt(f"a length of {size:,}")
    if position + size > len(data):
        raise Corrupt(f"a length of {size:,} where {len(data) - position:,} bytes are left")
    return size, position


def texts() -> Column:
    """Return a column of text."""
    values: list[str | None] = []
    append = values.append

    def read(data: bytes, position: int) -> int:
        size = data[position]
        if size < 128 and not size & 1:
            position += 1
            end = position + (size >> 1)
            if end > len(data):
                raise IndexError
        else:
            size, position = read_size(data, position)
            end = position + size
        append(data[position:end].decode())
        return end

    return listed(read, values, pa.string())


def byte_strings() -> Column:
    """Return a column of bytes."""
    values: list[bytes | None] = []

    def read(data: bytes, position: int) -> int:
        size, position = read_size(data, position)
        values.append(data[position : position + size])
        return position + size

    return listed(read, values, pa.binary())


def text_dates() -> Column:
    """Return a column of days out of ISO text."""
    values: list[int | None] = []
    known: dict[bytes, int] = {}

    def read(data: bytes, position: int) -> int:
        size, position = read_size(data, position)
        piece = data[position : position + size]
        day = known.get(piece)
        if day is None:
            if len(known) == _KEPT_DATES:
                known.clear()
            day = known[piece] = _day(piece)
        values.append(day)
        return position + size

    def finish() -> pa.Array:
        array = pa.array(values, pa.int32())
        values.clear()
        return array.view(pa.date32())

    return Column(read, lambda: values.append(None), finish)


def _day(piece: bytes) -> int:
    try:
        if not _DATE.fullmatch(piece):
            raise ValueError
        return date.fromisoformat(piece.decode()).toordinal() - _EPOCH
    except ValueError:
        text = shorten(piece.decode(errors="replace"))
        raise Corrupt(f'{text!r} is no date of the form YYYY-MM-DD; string_dates="string" reads the text') from None


def symbols(names: tuple[str, ...]) -> Column:
    """Return a column of an enum: a dictionary of all its symbols, in order."""
    indices = integers(pa.int32(), 32)
    values = pa.array(names, pa.string())

    def read(data: bytes, position: int) -> int:
        index, _ = read_long(data, position)
        if not 0 <= index < len(names):
            raise Corrupt(f"symbol {index} of an enum of {len(names)}")
        return indices.read(data, position)

    return Column(read, indices.null, lambda: pa.DictionaryArray.from_arrays(indices.finish(), values))


def mask(gaps: Sequence[int], length: int) -> pa.Array | None:
    """Return which values are null, None if none is."""
    if not gaps:
        return None
    missing: NDArray[np.bool_] = np.zeros(length, bool)
    missing[gaps] = True
    return pa.array(missing)
