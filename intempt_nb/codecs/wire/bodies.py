"""An Arrow table → the request bodies of a bulk upload.

Every row is written once, as a JSON object of its own. A body is then a slice of those bytes between a prefix and a
suffix: bodies are cut by size, cut again after a refusal and sent again without writing anything twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from intempt_nb.codecs.wire.outgoing import NotJson, Outgoing, write_lines
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.arrow import WIRE, arrow_type
from intempt_nb.schema.model import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from intempt_nb.schema.model import Field
    from intempt_nb.schema.schema import Schema

__all__ = ["EncodedRows", "NaN", "Nulls", "body", "cut", "encode_rows", "join_rows", "take_rows"]

Nulls: TypeAlias = Literal["explicit", "omit"]
NaN: TypeAlias = Literal["error", "null"]

_ROWS_NAMED = 10
_WINDOW = 1 << 18
"""Bytes searched for line ends at a time, so that what the search itself writes stays in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedRows:
    """Rows as JSON objects, one behind the other, a comma after each.

    Parameters
    ----------
    data
        UTF-8 bytes. Row ``i`` is ``data[offsets[i] : offsets[i + 1] - 1]``.
    offsets
        int64, one more than there are rows; the first is 0.
    """

    data: memoryview
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The bytes of each row, its comma not counted; int64."""
        return np.diff(self.offsets) - 1


def encode_rows(
    batch: pa.RecordBatch | pa.Table, schema: Schema, *, nulls: Nulls = "explicit", nan: NaN = "error"
) -> EncodedRows:
    """Write each row as a JSON object.

    Parameters
    ----------
    batch
        Columns of exactly the types of :func:`intempt_nb.codecs.wire.wire.wire_schema`; those of the schema that it
        lacks are not written.
    schema
        The collection's schema.
    nulls
        ``"explicit"`` writes a null field as ``null``, ``"omit"`` leaves it out, also inside records. Nulls in lists
        and maps are always written.
    nan
        ``"error"`` refuses NaN and infinity, ``"null"`` takes them for null wherever the type has null, also inside
        lists, maps and records.

    Returns
    -------
    EncodedRows
        In the forms of :mod:`intempt_nb.codecs.wire.wire`. Integers and decimals are exact, floats are the shortest
        digits that give the same float again (a 32-bit one read as 32 bits), epoch numbers are in the schema's unit.

    Raises
    ------
    DataError
        For a column that the schema does not have, has twice, or has with another type; for NaN and infinity where
        they may not become null, naming the column and rows; for a day on string outside the years 1 to 9999; for a
        cell of a JSON text column that is not JSON. Rows are numbered from 0 in `batch`.
    """
    table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
    fields = _checked_fields(table.schema, schema)
    explicit = nulls == "explicit"
    outgoing = Outgoing(schema.named, explicit, nan == "null")
    for position, field in enumerate(fields):
        table = table.set_column(position, field.name, _column(table.column(position), field, outgoing))
    lines = write_lines(table, explicit_nulls=explicit)
    if not outgoing.verbatim.texts:
        return _rows(lines.getbuffer())
    return _rows(memoryview(bytearray(outgoing.verbatim.fill(lines.getvalue()))))


def body(name: str, rows: EncodedRows, start: int, stop: int) -> bytes:
    """Return the request body with a run of rows for one collection.

    Parameters
    ----------
    name
        The collection's name.
    rows
        From :func:`encode_rows`.
    start, stop
        The first row and the one behind the last. Equal ones give a body without rows, whose length is the `overhead`
        of :func:`cut`.

    Returns
    -------
    bytes
        ``{"<name>":[row,…]}`` in UTF-8.
    """
    return _wrap(name, [rows.data[rows.offsets[start] : rows.offsets[stop]]] if start < stop else [])


def join_rows(name: str, rows: EncodedRows, indices: Sequence[int] | NDArray[np.integer[Any]]) -> bytes:
    """Return the request body with some rows for one collection, in the order of `indices`.

    Parameters
    ----------
    name
        The collection's name.
    rows
        From :func:`encode_rows`.
    indices
        Row numbers. Neighbours in a run are copied at once.

    Returns
    -------
    bytes
        ``{"<name>":[row,…]}`` in UTF-8.
    """
    chosen = np.asarray(indices, np.int64)
    first = np.flatnonzero(np.diff(chosen, prepend=-2) != 1)
    begins = rows.offsets[chosen[first]]
    ends = rows.offsets[chosen[np.append(first[1:], len(chosen)) - 1] + 1] if len(chosen) else begins
    return _wrap(name, [rows.data[begin:end] for begin, end in zip(begins, ends, strict=True)])


def take_rows(rows: EncodedRows, indices: NDArray[np.int64]) -> EncodedRows:
    """Return some rows in another order, as rows of their own."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(rows.offsets)), pa.py_buffer(rows.data)]
    taken = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(rows), buffers).take(pa.array(indices))
    offsets = np.frombuffer(taken.buffers()[1], np.int64)[: len(indices) + 1]
    return EncodedRows(memoryview(taken.buffers()[2]), offsets)


def cut(sizes: NDArray[np.int64], *, max_bytes: int, max_rows: int, overhead: int = 0) -> list[tuple[int, int]]:
    """Cut rows into batches, each with as many rows as its limits allow.

    Parameters
    ----------
    sizes
        The bytes of each row, as in :attr:`EncodedRows.sizes`.
    max_bytes
        The bytes of a body.
    max_rows
        The rows of a body, at least 1.
    overhead
        The bytes of a body beside its rows and the commas between them: ``len(body(name, rows, 0, 0))``.

    Returns
    -------
    list of (int, int)
        The batches, ``(start, stop)``, in order and without gaps. A row that alone exceeds `max_bytes` is a batch of
        its own, which is then larger than the limit; what to do with it is for the caller to say.
    """
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes + 1, dtype=np.int64)))
    last = len(sizes)
    batches = []
    start = 0
    while start < last:
        # a body of these rows takes offsets[stop] - offsets[start] - 1 + overhead bytes
        reach = offsets[start] + 1 + max_bytes - overhead
        fitting = int(np.searchsorted(offsets, reach, side="right")) - 1
        stop = min(max(fitting, start + 1), start + max_rows, last)
        batches.append((start, stop))
        start = stop
    return batches


def _wrap(name: str, runs: Sequence[memoryview]) -> bytes:
    """Return a body of runs of rows, each with a comma at its end; the last one's is left out."""
    prefix = f"{{{json.dumps(name, ensure_ascii=False)}:[".encode()
    return b"".join((prefix, *runs[:-1], *(run[:-1] for run in runs[-1:]), b"]}"))


def _checked_fields(found: pa.Schema, schema: Schema) -> list[Field]:
    fields: dict[str, Field] = {}
    for column in found:
        field = schema[column.name]
        kind = arrow_type(field.type, schema.named, WIRE)
        if column.type != kind:
            message = f"a column of Arrow type {column.type}; the schema's is {kind}"
            raise DataError(message, field=column.name, value=str(column.type), expected=str(kind))
        if column.name in fields:
            raise DataError(f"column {column.name!r} is there twice", field=column.name)
        fields[column.name] = field
    return list(fields.values())


def _column(column: pa.ChunkedArray, field: Field, outgoing: Outgoing) -> pa.ChunkedArray:
    if not column.num_chunks:
        return column
    try:
        return pa.chunked_array([outgoing.column(chunk, field.type) for chunk in column.chunks])
    except NotJson as error:
        message = str(error)
    rows = list(islice(_refused(column, field, outgoing), _ROWS_NAMED + 1))
    shown = ", ".join(map(str, rows[:_ROWS_NAMED])) + (" and more" if len(rows) > _ROWS_NAMED else "")
    value = _shown(column[rows[0]])
    raise DataError(
        f"{message} (rows {shown})", row=rows[0], field=field.name, value=value, expected=describe(field.type)
    )


def _shown(scalar: pa.Scalar) -> str | None:
    try:
        return shorten(scalar)
    except (OverflowError, ValueError):  # a day or an instant that Python cannot show
        return None


def _refused(column: pa.ChunkedArray, field: Field, outgoing: Outgoing, first: int = 0) -> Iterator[int]:
    """Yield the rows that are refused, found by halving."""
    try:
        for chunk in column.chunks:
            outgoing.column(chunk, field.type)
    except NotJson:
        half = len(column) // 2
        if not half:
            yield first
            return
        yield from _refused(column[:half], field, outgoing, first)
        yield from _refused(column[half:], field, outgoing, first + half)


def _rows(lines: memoryview) -> EncodedRows:
    """Make rows of lines, in place: a line's end becomes the comma behind a row."""
    written = np.frombuffer(lines, np.uint8)
    windows = range(0, len(written), _WINDOW)
    ends = [np.flatnonzero(written[start : start + _WINDOW] == ord("\n")) + (start + 1) for start in windows]
    offsets = np.concatenate([np.zeros(1, np.int64), *ends])
    written[offsets[1:] - 1] = ord(",")
    return EncodedRows(lines, offsets)
