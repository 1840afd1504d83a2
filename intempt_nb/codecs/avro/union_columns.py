"""The columns of unions: one for each form that :class:`intempt_nb.schema.mapping.arrow.ArrowForm` knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from intempt_nb.codecs.avro.columns import Column, check_branch, listed, struct_array, validity
from intempt_nb.codecs.avro.varints import Corrupt, read_long

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["branches_apart", "dense", "impossible", "optional", "promoted"]

_EXACT = 2**53


def optional(column: Column, at: int, count: int) -> Column:
    """Return the column of a union of one type, which stands `at` among the branches, and maybe null."""
    value, gap = 2 * at, 2 * (1 - at) if count == 2 else -1
    inner, null = column.read, column.null

    def read(data: bytes, position: int) -> int:
        byte = data[position]
        if byte == value:
            return inner(data, position + 1)
        if byte == gap:
            null()
            return position + 1
        index, position = read_long(data, position)
        check_branch(index, count)
        raise Corrupt("a union's branch in more bytes than it takes")

    return Column(read, null, column.finish)


def impossible() -> Column:
    """Return the column of a union of nothing, which has no values."""
    length = [0]

    def read(data: bytes, position: int) -> int:
        raise Corrupt("a value of a union without branches")

    def null() -> None:
        length[0] += 1

    def finish() -> pa.Array:
        count, length[0] = length[0], 0
        return pa.nulls(count)

    return Column(read, null, finish)


def dense(kind: pa.DataType, columns: Sequence[Column]) -> Column:
    """Return the column of a union as a dense union; a null that it has no branch for hides in the first child."""
    codes: list[int] = []
    reads = [each.read for each in columns]

    def read(data: bytes, position: int) -> int:
        index, position = read_long(data, position)
        check_branch(index, len(reads))
        codes.append(index)
        return reads[index](data, position)

    def null() -> None:
        codes.append(0)
        columns[0].null()

    def finish() -> pa.Array:
        types = np.array(codes, np.int8)
        codes.clear()
        offsets = np.zeros(len(types), np.int32)
        for code in range(len(columns)):
            taken = types == code
            offsets[taken] = np.arange(np.count_nonzero(taken))
        buffers = [None, pa.py_buffer(types), pa.py_buffer(offsets)]
        return pa.Array.from_buffers(kind, len(types), buffers, children=[each.finish() for each in columns])

    return Column(read, null, finish)


def branches_apart(kind: pa.DataType, columns: Sequence[Column | None]) -> Column:
    """Return the column of a union as a struct with a child for every branch; None stands for the null branch."""
    length = [0]
    gaps: list[int] = []
    children = [each for each in columns if each is not None]
    others = [[child.null for child in children if child is not each] for each in columns]

    def read(data: bytes, position: int) -> int:
        index, position = read_long(data, position)
        check_branch(index, len(columns))
        column = columns[index]
        if column is None:
            null()
            return position
        position = column.read(data, position)
        length[0] += 1
        for other in others[index]:
            other()
        return position

    def null() -> None:
        gaps.append(length[0])
        length[0] += 1
        for child in children:
            child.null()

    def finish() -> pa.Array:
        count, length[0] = length[0], 0
        valid = validity(gaps, count)
        gaps.clear()
        return struct_array(kind, count, [child.finish() for child in children], valid)

    return Column(read, null, finish)


def promoted(kind: pa.DataType, columns: Sequence[Column | None]) -> Column:
    """Return the column of a union of numbers as one type of number; None stands for the null branch."""
    values: list[int | float | None] = []
    real = pa.types.is_floating(kind)

    def read(data: bytes, position: int) -> int:
        index, position = read_long(data, position)
        check_branch(index, len(columns))
        column = columns[index]
        if column is None:
            values.append(None)
            return position
        position = column.read(data, position)
        value = column.finish()[0].as_py()
        if real and isinstance(value, int) and int(float(value)) != value:
            raise Corrupt(f'{value:,} is a long that no double holds; read it with unions="dense" or "struct"')
        values.append(value)
        return position

    return listed(read, values, kind)
