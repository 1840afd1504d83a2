"""Columns of encoded values, and numpy's way to make them: no Python object a value.

A `Cells` is what Arrow calls a binary array: bytes one behind the other and where each value's begin. A column is
encoded as a list of them, its parts, which stand side by side in a row (a length, then a text); `join_cells` puts the
parts of all columns together in C++.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "Cells",
    "decimal_cells",
    "fixed_cells",
    "join_cells",
    "list_cells",
    "long_cells",
    "raw_bytes",
    "spread",
    "varied_cells",
]

_THRESHOLDS = np.array([1 << 7 * width for width in range(1, 10)], np.uint64)
_NOTHING = pa.scalar(b"", pa.large_binary())


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Encoded values.

    Parameters
    ----------
    offsets
        int64, one more than there are values; value ``i`` is ``data[offsets[i] : offsets[i + 1]]``.
    data
        The bytes, uint8.
    """

    offsets: NDArray[np.int64]
    data: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.offsets) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The bytes of each value; int64."""
        return np.diff(self.offsets)

    def arrow(self) -> pa.LargeBinaryArray:
        """Return the values as Arrow has them; nothing is copied."""
        buffers = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(pa.large_binary(), len(self), buffers)


def join_cells(parts: Sequence[Cells], rows: int) -> Cells:
    """Return one column of cells whose values are those of the parts, side by side.

    Parameters
    ----------
    parts
        Of `rows` values each; none makes values of no bytes.
    rows
        The number of values.
    """
    if not parts:
        return Cells(np.zeros(rows + 1, np.int64), np.zeros(0, np.uint8))
    if len(parts) == 1:
        return parts[0]
    joined = pc.binary_join_element_wise(*[part.arrow() for part in parts], _NOTHING)
    return varied_cells(joined)


def varied_cells(array: pa.Array) -> Cells:
    """Return the values of a binary or string array without nulls; nothing but the offsets is copied."""
    wide = pa.types.is_large_binary(array.type) or pa.types.is_large_string(array.type)
    _, offsets, data = array.buffers()
    if not len(array):
        return join_cells((), 0)
    found = np.frombuffer(offsets, np.int64 if wide else np.int32, len(array) + 1, array.offset * (8 if wide else 4))
    return Cells(found.astype(np.int64, copy=False), _uint8(data))


def _uint8(buffer: pa.Buffer | None) -> NDArray[np.uint8]:
    return np.zeros(0, np.uint8) if buffer is None else np.frombuffer(buffer, np.uint8)


def raw_bytes(array: pa.Array, width: int) -> NDArray[np.uint8]:
    """Return the bytes of an array whose values have `width` bytes each; nothing is copied."""
    data = _uint8(array.buffers()[1])
    return data[array.offset * width : (array.offset + len(array)) * width]


def fixed_cells(data: NDArray[np.uint8], width: int, rows: int) -> Cells:
    """Return cells of `width` bytes each."""
    return Cells(np.arange(rows + 1, dtype=np.int64) * width, data)


def long_cells(values: NDArray[np.integer[Any]]) -> Cells:
    """Return whole numbers in zigzag, seven bits a byte, the lowest first (specification 1.12, "Primitive Types")."""
    signed = values.astype(np.int64, copy=False)
    zigzag = ((signed << 1) ^ (signed >> 63)).view(np.uint64)
    rows = len(zigzag)
    most = int(zigzag.max(initial=0))
    if most < 128:
        return fixed_cells(zigzag.astype(np.uint8), 1, rows)
    widest = (most.bit_length() + 6) // 7
    matrix = np.empty((rows, widest), np.uint8)
    for place in range(widest):
        matrix[:, place] = (zigzag >> np.uint64(7 * place)) & np.uint64(127)
    widths = np.searchsorted(_THRESHOLDS[: widest - 1], zigzag, side="right") + 1
    if int(widths.min()) == widest:
        matrix[:, :-1] |= 128
        return fixed_cells(matrix.reshape(-1), widest, rows)
    places = np.arange(widest)
    matrix |= (places < widths[:, None] - 1).view(np.uint8) << 7
    return Cells(_ends(widths), matrix[places < widths[:, None]])


def decimal_cells(array: pa.Array, size: int | None) -> tuple[Cells, NDArray[np.bool_]]:
    """Return decimals as two's complement, big-endian, and which of them do not fit.

    Parameters
    ----------
    array
        decimal128 or decimal256 without nulls.
    size
        The bytes of each; None for as few as hold it.
    """
    width = array.type.bit_width // 8
    rows = len(array)
    big = raw_bytes(array, width).reshape(rows, width)[:, ::-1]
    sign = big[:, :1] >> 7
    filling = big == np.where(sign, 255, 0)
    # the first byte that says more than the sign; the one before it stays if its own first bit is another
    first = np.where(filling.all(axis=1), width - 1, filling.argmin(axis=1))
    first -= (first > 0) & (big[np.arange(rows), first] >> 7 != sign[:, 0])
    widths = width - first
    if size is None:
        return Cells(_ends(widths), big[np.arange(width) >= first[:, None]]), np.zeros(rows, bool)
    if size > width:
        filled = np.broadcast_to(np.where(sign, np.uint8(255), np.uint8(0)), (rows, size - width))
        big = np.concatenate((filled, big), axis=1)
    data = np.ascontiguousarray(big[:, big.shape[1] - size :]).reshape(-1)
    return fixed_cells(data, size, rows), widths > size


def list_cells(counts: NDArray[np.int64], items: Cells) -> list[Cells]:
    """Return the parts of lists: the count, the items, and a zero behind them unless the count was that already.

    Parameters
    ----------
    counts
        The items of each list.
    items
        The items of all lists, one behind the other.
    """
    bounds = _ends(counts)
    some = counts > 0
    zeros = np.zeros(int(np.count_nonzero(some)), np.uint8)
    return [long_cells(counts), Cells(items.offsets[bounds], items.data), Cells(_ends(some), zeros)]


def spread(cells: Cells, rows: NDArray[np.bool_]) -> Cells:
    """Return cells with nothing in between: the values stand in the rows that are true, in order."""
    sizes = np.zeros(len(rows), np.int64)
    sizes[rows] = cells.sizes
    return Cells(_ends(sizes) + cells.offsets[0], cells.data)


def _ends(sizes: NDArray[Any]) -> NDArray[np.int64]:
    ends = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=ends[1:])
    return ends
