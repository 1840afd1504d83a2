"""Numbers whose fraction stands behind a comma, as much of Europe writes them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["swap_in_numbers", "swap_marks"]

ONE_MARK = r"^-?[0-9]*[.,][0-9]*(?:[eE][+-]?[0-9]+)?$"
_SWAPPED = np.arange(256, dtype=np.uint8)
_SWAPPED[list(b".,")] = list(b",.")


def swap_marks(cells: pa.StringArray) -> pa.StringArray:
    """Return the cells with points for commas and commas for points.

    What is a number with a decimal comma becomes one with a point, and nothing else becomes a number: 1.5 and 1.234,56
    become 1,5 and 1,234.56, which no rule reads.
    """
    valid, offsets, data = cells.buffers()
    if data is None:
        return cells
    swapped = pa.py_buffer(_SWAPPED[np.frombuffer(data, np.uint8)])
    return pa.StringArray.from_buffers(len(cells), offsets, swapped, valid, cells.null_count, cells.offset)


def swap_in_numbers(cells: pa.StringArray) -> pa.StringArray:
    """Return the same for a column of any text: days as 20.05.2020 and whatever else is no number stay as they are."""
    return pc.if_else(pc.match_substring_regex(pc.utf8_trim_whitespace(cells), ONE_MARK), swap_marks(cells), cells)
