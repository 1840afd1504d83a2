"""What polars' Avro reader is told of a type, and how its columns become the Arrow type meant; see `fast`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.avro.cells import long_cells, raw_bytes, varied_cells
from intempt_nb.schema.checking.reading import FIRST_DAY
from intempt_nb.schema.mapping.arrow import arrow_type
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
    without_null,
)
from intempt_nb.schema.parsing.recursion import recursive_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from intempt_nb.schema.mapping.arrow import ArrowForm
    from intempt_nb.schema.model import Defined

__all__ = ["Shape", "Shaper", "Unsupported", "Wrong"]

_Weight: TypeAlias = "tuple[int, int]"
"""How many bytes an encoding has, and their sum."""


class Unsupported(Exception):  # noqa: N818  (not an error: the exact way is taken)
    """A type that the fast way does not know."""


class Wrong(Exception):  # noqa: N818  (not an error: the exact way decides)
    """A value that the fast way does not take."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A type on the fast way.

    Parameters
    ----------
    raw
        The schema that the reader is given: of the same encoding, in types that it knows.
    weigh
        Returns the weight of what it made of values, none of them null.
    view
        Returns what it made of values as the Arrow type that is meant; nulls stay.
    """

    raw: Any
    weigh: Callable[[pa.Array], _Weight]
    view: Callable[[pa.Array], pa.Array]


@dataclass(frozen=True, slots=True)
class Shaper:
    """Makes the shapes of one schema.

    Parameters
    ----------
    named
        The schema's named types.
    form
        Which Arrow types stand for dates on string.
    names
        Gives each named type of the raw schema a name of its own.
    """

    named: Mapping[str, Defined]
    form: ArrowForm
    names: Iterator[str]

    def shape(self, avro_type: AvroType) -> Shape:
        """Return the shape of a type; raises `Unsupported` where there is none."""
        match avro_type:
            case Reference(name) | Record(name=name) if name in recursive_names(self.named):
                raise Unsupported(name)
            case Reference(name):
                return self.shape(self.named[name])
            case Union(branches) if len(branches) == 2 and Null() in branches and without_null(avro_type) != Null():
                return self._optional(branches.index(Null()), without_null(avro_type))
            case Array(items):
                return self._array(avro_type, items)
            case Map(values):
                return self._map(avro_type, values)
            case Record(fields=fields) if fields:
                return self._record(avro_type)
            case Null() | Union() | Record():
                raise Unsupported
            case (
                Fixed(size=size) | Decimal(fixed=Fixed(size=size)) | Uuid(Fixed(size=size)) | Duration(Fixed(size=size))
            ):
                return self._fixed(avro_type, size)
            case scalar:
                return self._scalar(scalar)

    def _kind(self, avro_type: AvroType) -> pa.DataType:
        return arrow_type(avro_type, self.named, self.form)

    def _scalar(self, avro_type: AvroType) -> Shape:
        kind = self._kind(avro_type)
        match avro_type:
            case Boolean():
                return Shape("boolean", lambda array: (len(array), array.true_count), _same)
            case Int() | Date("int") | Time("ms"):
                return Shape("int", _weigh_longs, lambda array: array.view(kind))
            case Long() | Time() | Timestamp():
                return Shape("long", _weigh_longs, lambda array: array.view(kind))
            case Float() | Double():
                width = kind.bit_width // 8
                name = "float" if width == 4 else "double"
                return Shape(name, lambda array: (width * len(array), _sum(raw_bytes(array, width))), _same)
            case Date() if pa.types.is_date(kind):
                return Shape("string", _weigh_texts, _days)
            case String() | Date() | Uuid():
                return Shape("string", _weigh_texts, lambda array: array.cast(kind))
            case Bytes() | BigDecimal():
                return Shape("bytes", _weigh_texts, lambda array: array.cast(kind))
            case Decimal():
                return Shape("bytes", _weigh_texts, lambda array: _decimals(array, kind))
            case Enum(symbols=symbols):
                return Shape("int", _weigh_longs, lambda array: _symbols(array, symbols))
            case _:
                raise Unsupported

    def _fixed(self, avro_type: AvroType, size: int) -> Shape:
        kind = self._kind(avro_type)
        if not size:
            raise Unsupported
        raw = {"type": "fixed", "name": next(self.names), "size": size}

        def view(array: pa.Array) -> pa.Array:
            match avro_type:
                case Decimal():
                    return _decimals(array, kind)
                case Duration():
                    return _durations(array)
                case _:
                    return _sized(array, kind, size)

        return Shape(raw, lambda array: (size * len(array), _sum_texts(array)), view)

    def _optional(self, at: int, only: AvroType) -> Shape:
        inner = self.shape(only)

        def weigh(array: pa.Array) -> _Weight:
            gaps = array.null_count
            size, total = inner.weigh(array.drop_null() if gaps else array)
            return size + len(array), total + 2 * (gaps if at else len(array) - gaps)

        return Shape(["null", inner.raw] if at == 0 else [inner.raw, "null"], weigh, inner.view)

    def _array(self, avro_type: AvroType, items: AvroType) -> Shape:
        inner, kind = self.shape(items), self._kind(avro_type)

        def view(array: pa.Array) -> pa.Array:
            offsets, values = _spans(array)
            return pa.ListArray.from_arrays(offsets, inner.view(values), kind, mask=gaps(array))

        return Shape({"type": "array", "items": inner.raw}, _weigh_lists(inner), view)

    def _map(self, avro_type: AvroType, values: AvroType) -> Shape:
        inner, kind = self.shape(values), self._kind(avro_type)
        fields = [{"name": "key", "type": "string"}, {"name": "value", "type": inner.raw}]
        entry = {"type": "record", "name": next(self.names), "fields": fields}

        def weigh(array: pa.Array) -> _Weight:
            return _both(_weigh_texts(array.field(0)), inner.weigh(array.field(1)))

        def view(array: pa.Array) -> pa.Array:
            offsets, entries = _spans(array)
            keys, items = entries.field(0).cast(pa.string()), inner.view(entries.field(1))
            return pa.MapArray.from_arrays(offsets, keys, items, kind, mask=gaps(array))

        return Shape({"type": "array", "items": entry}, _weigh_lists(Shape(entry, weigh, view)), view)

    def _record(self, record: Record) -> Shape:
        inner, kind = [self.shape(field.type) for field in record.fields], self._kind(record)
        fields = [{"name": f"f{index}", "type": each.raw} for index, each in enumerate(inner)]

        def weigh(array: pa.Array) -> _Weight:
            return _both(*[each.weigh(array.field(index)) for index, each in enumerate(inner)])

        def view(array: pa.Array) -> pa.Array:
            children = [each.view(array.field(index)) for index, each in enumerate(inner)]
            return pa.StructArray.from_arrays(children, fields=list(kind), mask=gaps(array))

        return Shape({"type": "record", "name": next(self.names), "fields": fields}, weigh, view)


def _same(array: pa.Array) -> pa.Array:
    return array


def _sum(data: Any) -> int:
    return int(np.sum(data, dtype=np.uint64))


def _both(*weights: _Weight) -> _Weight:
    return sum(size for size, _ in weights), sum(total for _, total in weights)


def _weigh_longs(array: pa.Array) -> _Weight:
    cells = long_cells(array.to_numpy())
    return len(cells.data), _sum(cells.data)


def _sum_texts(array: pa.Array) -> int:
    cells = varied_cells(array)
    return _sum(cells.data[cells.offsets[0] : cells.offsets[-1]])


def _weigh_texts(array: pa.Array) -> _Weight:
    cells = varied_cells(array)
    sizes = long_cells(cells.sizes)
    data = cells.data[cells.offsets[0] : cells.offsets[-1]]
    return len(sizes.data) + len(data), _sum(sizes.data) + _sum(data)


def _weigh_lists(inner: Shape) -> Callable[[pa.Array], _Weight]:
    def weigh(array: pa.Array) -> _Weight:
        offsets, values = _spans(array)
        counts = np.diff(offsets.to_numpy())
        cells = long_cells(counts)
        size, total = inner.weigh(values)
        return size + len(cells.data) + int(np.count_nonzero(counts)), total + _sum(cells.data)

    return weigh


def _spans(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return where the lists begin, as int32 from 0, and their items."""
    bounds = array.offsets.to_numpy()
    first, last = int(bounds[0]), int(bounds[-1])
    return pa.array((bounds - first).astype(np.int32)), array.values.slice(first, last - first)


def _days(array: pa.Array) -> pa.Array:
    days = array.cast(pa.date32())
    first = pc.min(days.cast(pa.int32())).as_py()
    if first is not None and first < FIRST_DAY:
        raise Wrong
    return days


def _symbols(array: pa.Array, symbols: tuple[str, ...]) -> pa.Array:
    bounds = pc.min_max(array).as_py()
    if bounds["min"] is not None and not 0 <= bounds["min"] <= bounds["max"] < len(symbols):
        raise Wrong
    return pa.DictionaryArray.from_arrays(array, pa.array(symbols, pa.string()))


def _packed(array: pa.Array, size: int) -> tuple[pa.Buffer | None, Any]:
    """Return the validity and the bytes of values of `size` bytes, a row each; zeros where there is none."""
    cells = varied_cells(array.fill_null(bytes(size)))
    return _valid(array), cells.data[cells.offsets[0] : cells.offsets[-1]].reshape(len(array), size)


def _valid(array: pa.Array) -> pa.Buffer | None:
    if not array.null_count:
        return None
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def _sized(array: pa.Array, kind: pa.DataType, size: int) -> pa.Array:
    valid, data = _packed(array, size)
    return pa.Array.from_buffers(kind, len(array), [valid, pa.py_buffer(np.ascontiguousarray(data))])


def _durations(array: pa.Array) -> pa.Array:
    valid, data = _packed(array, 12)
    parts = np.ascontiguousarray(data).view("<u4")
    if (parts[:, :2] >= 2**31).any():
        raise Wrong
    wide = np.zeros(len(array), [("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])
    wide["months"], wide["days"] = parts[:, 0], parts[:, 1]
    wide["nanos"] = parts[:, 2].astype(np.int64) * 1_000_000
    return pa.Array.from_buffers(pa.month_day_nano_interval(), len(array), [valid, pa.py_buffer(wide.tobytes())])


def _decimals(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return decimals of big-endian bytes, as many each as there are."""
    width = kind.bit_width // 8
    cells = varied_cells(array.fill_null(b"\0"))
    sizes = cells.sizes
    if not int(sizes.min(initial=1)):
        raise Wrong
    most = max(width, int(sizes.max(initial=0)))
    signs = np.where(cells.data[cells.offsets[:-1]] >> 7, np.uint8(255), np.uint8(0))[:, None]
    wide = np.repeat(signs, most, axis=1)
    wide[np.arange(most) >= most - sizes[:, None]] = cells.data[cells.offsets[0] : cells.offsets[-1]]
    if (wide[:, : most - width] != signs).any() or ((wide[:, most - width] ^ signs[:, 0]) >> 7).any():
        raise Wrong
    little = np.ascontiguousarray(wide[:, most - width :][:, ::-1])
    made = pa.Array.from_buffers(kind, len(array), [_valid(array), pa.py_buffer(little)])
    made.validate(full=True)  # more digits than the precision: ArrowInvalid
    return made
