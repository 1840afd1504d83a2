"""Arrow → Avro's binary encoding: columns of types without parts; see :mod:`intempt_nb.codecs.avro.encode`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.avro.cells import (
    Cells,
    decimal_cells,
    fixed_cells,
    long_cells,
    raw_bytes,
    varied_cells,
)
from intempt_nb.codecs.wire.wire import LAST_DAY
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.columns import convert
from intempt_nb.schema.checking.reading import FIRST_DAY
from intempt_nb.schema.mapping.arrow import arrow_type
from intempt_nb.schema.mapping.layouts import is_text
from intempt_nb.schema.model import (
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
    String,
    Time,
    Timestamp,
    Uuid,
    describe,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["BadCell", "refuse", "scalar_cells"]

_MAX_MILLIS = 2**32 - 1


class BadCell(Exception):  # noqa: N818  (a DataError is made of it once the row is known)
    """A value that cannot be written.

    Parameters
    ----------
    message
        What was wrong and what to do.
    index
        Its place in the array.
    path
        Which part of the value it is: ``.host``, ``[3].id``; empty for the whole.
    value
        What was found.
    """

    def __init__(self, message: str, index: int, path: str = "", value: str | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.path = path
        self.value = value


def refuse(array: pa.Array, wrong: pa.Array, message: str) -> None:
    """Raise for the first value of `array` that is wrong."""
    at = pc.index(wrong, True).as_py()
    if at >= 0:
        raise BadCell(message, at, value=_shown(array, at))


def _shown(array: pa.Array, index: int) -> str | None:
    try:
        return shorten(array[index].as_py())
    except (OverflowError, ValueError):  # a day or an instant that Python cannot show
        return None


def scalar_cells(array: pa.Array, avro_type: AvroType) -> list[Cells]:
    """Return the parts of values of a type that has none itself.

    Parameters
    ----------
    array
        Values without nulls, at least one.
    avro_type
        The type to write.

    Raises
    ------
    BadCell
        For the first value found that the type does not have.
    """
    rows = len(array)
    match avro_type:
        case Date("string") if is_text(array.type):
            return _sized(array)
        case Date("string"):
            return _sized(_iso_days(_fitting(array, avro_type)))
        case Enum() as enum:
            return [_symbols(array, enum)]
        case Duration():
            return [fixed_cells(_durations(_fitting(array, avro_type)), 12, rows)]
        case Uuid(fixed=Fixed()) if pa.types.is_fixed_size_binary(array.type) and array.type.byte_width == 16:
            return [fixed_cells(raw_bytes(array, 16), 16, rows)]
        case Float() if pa.types.is_floating(array.type):
            return [fixed_cells(raw_bytes(_narrowed(array), 4), 4, rows)]
        case _:
            return _fitted_cells(_fitting(array, avro_type), avro_type)


def _fitted_cells(array: pa.Array, avro_type: AvroType) -> list[Cells]:
    """Return the parts of values that are of the type's own Arrow type, or its storage."""
    rows = len(array)
    match avro_type:
        case Boolean():
            return [fixed_cells(array.cast(pa.uint8()).to_numpy(), 1, rows)]
        case Int() | Date() | Time("ms"):
            return [long_cells(array.view(pa.int32()).to_numpy())]
        case Long() | Time() | Timestamp():
            return [long_cells(array.view(pa.int64()).to_numpy())]
        case Float():
            return [fixed_cells(raw_bytes(array, 4), 4, rows)]
        case Double():
            return [fixed_cells(raw_bytes(array, 8), 8, rows)]
        case String() | Bytes() | BigDecimal() | Uuid(fixed=None):
            return _sized(array)
        case Fixed(size=size):
            return [fixed_cells(raw_bytes(array, size), size, rows)]
        case Uuid():
            return [fixed_cells(raw_bytes(array.storage, 16), 16, rows)]
        case Decimal(fixed=fixed):
            cells, wrong = decimal_cells(array, None if fixed is None else fixed.size)
            refuse(array, pa.array(wrong), f"a decimal that {describe(avro_type)} has too few bytes for")
            return [cells] if fixed is not None else [long_cells(cells.sizes), cells]
        case _:
            raise BadCell(f"{array.type} where {describe(avro_type)} is expected", 0)


def _fitting(array: pa.Array, avro_type: AvroType) -> pa.Array:
    """Return the array as the Arrow type of the Avro type, converted where nothing is lost by it."""
    kind = arrow_type(avro_type, {})
    if array.type == kind or (isinstance(kind, pa.BaseExtensionType) and array.type == kind.storage_type):
        return array
    if pa.types.is_dictionary(array.type):
        return _fitting(array.dictionary_decode(), avro_type)
    if pa.types.is_binary(kind) and (pa.types.is_large_binary(array.type) or pa.types.is_binary_view(array.type)):
        return array.cast(pa.large_binary())
    if pa.types.is_string(kind) and is_text(array.type):
        return array.cast(pa.large_string())
    try:
        converted = convert(array, avro_type, {}, "")
    except DataError:  # no value of the array's type can be one
        raise BadCell(f"{array.type} where {describe(avro_type)} is expected", 0) from None
    if converted.refusals:
        first = min(converted.refusals, key=lambda each: each.positions[0].as_py())
        at = first.positions[0].as_py()
        raise BadCell(f"{first.reason}; expected {describe(avro_type)}", at, first.path, _shown(array, at))
    return converted.values


def _sized(array: pa.Array) -> list[Cells]:
    """Return text or bytes behind their lengths."""
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.large_string())
    cells = varied_cells(array)
    return [long_cells(cells.sizes), cells]


def _narrowed(array: pa.Array) -> pa.Array:
    """Return numbers as 32-bit floats; what would become infinite is refused."""
    narrow = array.cast(pa.float32(), safe=False)
    refuse(array, pc.and_(pc.is_inf(narrow), pc.is_finite(array)), "a number too large for a float")
    return narrow


def _iso_days(array: pa.Array) -> pa.Array:
    days = array.view(pa.int32())
    wrong = pc.or_(pc.less(days, FIRST_DAY), pc.greater(days, LAST_DAY))
    at = pc.index(wrong, True).as_py()
    if at >= 0:
        raise BadCell("a day outside the years 1 to 9999, which ISO text has no form for", at, value=str(days[at]))
    return array.cast(pa.string())


def _symbols(array: pa.Array, enum: Enum) -> Cells:
    known = pa.array(enum.symbols, pa.string())
    if pa.types.is_dictionary(array.type):
        found = pc.index_in(array.dictionary.cast(pa.string()), value_set=known)
        indices = found.take(array.indices)
    elif is_text(array.type):
        indices = pc.index_in(array.cast(pa.string()), value_set=known)
    else:
        raise BadCell(f"{array.type} where {describe(enum)} is expected", 0)
    refuse(array, indices.is_null(), f"no symbol of {describe(enum)}")
    return long_cells(indices.to_numpy())


def _durations(array: pa.Array) -> NDArray[np.uint8]:
    parts = raw_bytes(array, 16).view([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])
    millis, finer = np.divmod(parts["nanos"], 1_000_000)
    wrong = (parts["months"] < 0) | (parts["days"] < 0) | (millis < 0) | (millis > _MAX_MILLIS) | (finer != 0)
    refuse(array, pa.array(wrong), "a duration that Avro has none for: negative, or finer than a millisecond")
    packed = np.stack([parts["months"].astype("<u4"), parts["days"].astype("<u4"), millis.astype("<u4")], axis=1)
    return packed.reshape(-1).view(np.uint8)
