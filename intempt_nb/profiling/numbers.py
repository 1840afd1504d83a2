"""Numbers, dates and times of Arrow as numbers of numpy, which sorts them in a fraction of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["is_sortable", "number_scalar", "sortable", "totals", "whole_numbers"]

_LONG_DIGITS = 18
"""Digits of the longest decimals that are whole numbers of 64 bits."""

_SIGN = 0x80

_types = pa.types


def whole_numbers(values: pa.Array) -> pa.Int64Array:
    """Return dates, times and durations as the numbers that they are stored as."""
    return values.view(pa.int32() if values.type.bit_width == 32 else pa.int64()).cast(pa.int64())


def is_sortable(kind: pa.DataType) -> bool:
    """Return whether `sortable` takes a type."""
    numeric = _types.is_integer(kind) or _types.is_floating(kind) or _types.is_decimal(kind)
    return bool(numeric or (_types.is_temporal(kind) and not _types.is_interval(kind)))


def sortable(values: pa.Array) -> npt.NDArray[Any]:
    """Return numbers, dates, times or durations as what numpy sorts; none of them is null.

    Decimals of up to 18 digits are whole numbers, longer ones bytes of the same order.
    """
    kind = values.type
    if _types.is_temporal(kind):
        return np.asarray(whole_numbers(values))
    if not _types.is_decimal(kind):
        return np.asarray(values)
    width, end = kind.byte_width, values.offset + len(values)
    stored = np.frombuffer(values.buffers()[1], np.uint8, count=end * width).reshape(-1, width)[values.offset :]
    if kind.precision <= _LONG_DIGITS:
        return stored[:, :8].copy().view(np.int64)[:, 0]
    swapped = stored[:, ::-1].copy()
    swapped[:, 0] ^= _SIGN  # negative numbers before the others
    return swapped.view(f"S{width}")[:, 0]


def number_scalar(number: Any, kind: pa.DataType) -> pa.Scalar:
    """Return one of what `sortable` made of values of a type as a value of that type."""
    if _types.is_temporal(kind):
        return pa.array([number], pa.int64()).cast(pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)[0]
    if not _types.is_decimal(kind):
        return pa.array([number], kind)[0]
    width = kind.byte_width
    if isinstance(number, bytes):
        swapped = bytearray(number.ljust(width, b"\0"))
        swapped[0] ^= _SIGN
        stored = bytes(reversed(swapped))
    else:
        stored = int(number).to_bytes(width, "little", signed=True)
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(stored)])[0]


def totals(
    values: npt.NDArray[Any], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.intp]]:
    """Return each value once, in order; how often it came; and one of the places where it was."""
    order = np.argsort(values)
    values = values[order]
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])) if len(values) else order
    return values[first], np.add.reduceat(counts[order], first), order[first]
