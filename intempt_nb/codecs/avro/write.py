"""Arrow and pandas → Avro object container files."""

from __future__ import annotations

import io
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.codecs.avro.cells import Cells, join_cells
from intempt_nb.codecs.avro.compression import known_codec
from intempt_nb.codecs.avro.container import SYNC, Header, encode_block, encode_header
from intempt_nb.codecs.avro.encode import Encoder
from intempt_nb.codecs.avro.scalars import BadCell
from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.mapping.frames import from_frame
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from intempt_nb.codecs.avro.compression import Codec
    from intempt_nb.schema.model import Field

__all__ = ["BLOCK_BYTES", "RowEncoder", "open_batches", "slices", "write_avro"]

BLOCK_BYTES = 1 << 16
SLICE_BYTES = 1 << 26
"""How much of the data is encoded at once."""
SLICE_ROWS = 1 << 16


def write_avro(
    data: Any,
    target: str | os.PathLike[str] | BinaryIO,
    *,
    schema: str | bytes | Mapping[str, Any] | Schema | None = None,
    codec: Codec = "deflate",
    metadata: Mapping[str, str | bytes] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> int:
    """Write an Avro container file.

    Parameters
    ----------
    data
        A DataFrame, an Arrow table, record batch or reader, anything with the PyCapsule interface (polars frames,
        DuckDB results, an `AvroScan`), or record batches one after the other, which are written as they come. Columns
        may be of any form that :class:`intempt_nb.schema.mapping.arrow.ArrowForm` knows.
    target
        A path, or a binary file. What is at a path is replaced once all is written, and stays if an error comes first;
        a binary file may then have part of the rows.
    schema
        What to write. None for the schema that the data carry (as `scan_avro` gives them), else the Avro form of their
        Arrow types.
    codec
        How to compress blocks: ``"deflate"``, ``"null"``, ``"snappy"``, ``"zstandard"``, ``"bzip2"`` or ``"xz"``.
    metadata
        Entries for the file's header; names that begin with ``avro.`` are the format's own.
    block_bytes
        How many bytes of rows make a block, before compression.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    DataError
        For a value that the schema has no place for: null where it has none, a number out of range, an unknown symbol;
        with the row, counted from 0, and the field. For a column that the schema does not have, or one it has and the
        data do not.
    SchemaError
        If the schema cannot be used.
    """
    arrow, batches = open_batches(data)
    schema = Schema.from_arrow(arrow) if schema is None else Schema.parse(schema)
    header = Header(schema.text, known_codec(codec), _entries(metadata), secrets.token_bytes(SYNC))
    encoder = RowEncoder(schema)
    with _written(target) as file:
        file.write(encode_header(header))
        blocks = _Blocks(header, file, block_bytes)
        first = 0
        for part in slices(batches):
            blocks.add(encoder.encode(part, first))
            first += part.num_rows
        blocks.flush()
    return first


class RowEncoder:
    """Encodes record batches as rows of a schema.

    Parameters
    ----------
    schema
        What to write.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._encoder = Encoder(schema.named)

    def encode(self, batch: pa.RecordBatch, first: int = 0) -> Cells:
        """Return the rows in Avro's binary encoding.

        Parameters
        ----------
        batch
            Columns by name; they may be in any order.
        first
            The number of its first row, for errors.

        Raises
        ------
        DataError
            For what the schema has no place for.
        """
        names = batch.schema.names
        for name in names:
            if name not in self._schema:
                raise DataError(f"the schema has no field {name!r}{suggest(name, self._schema.names)}", field=name)
            if names.count(name) > 1:
                raise DataError(f"column {name!r} is there twice", field=name)
        parts: list[Cells] = []
        for field in self._schema:
            column = batch.column(field.name) if field.name in names else None
            parts += self._parts(column, field, batch.num_rows, first)
        return join_cells(parts, batch.num_rows)

    def column(self, array: pa.Array, name: str, first: int = 0) -> tuple[bytes, list[int]]:
        """Return the values of one column in Avro's binary encoding, and where each begins.

        Parameters
        ----------
        array
            The column.
        name
            Which one it is.
        first
            The number of its first row, for errors.

        Raises
        ------
        DataError
            For what the schema has no place for.
        """
        cells = join_cells(self._parts(array, self._schema[name], len(array), first), len(array))
        return cells.data.tobytes(), cells.offsets[:-1].tolist()

    def _parts(self, array: pa.Array | None, field: Field, rows: int, first: int) -> list[Cells]:
        try:
            return self._encoder.field(array, field, rows, field.name)
        except BadCell as error:
            raise DataError(str(error), row=first + error.index, field=error.path, value=error.value) from None


class _Blocks:
    """Cuts rows into blocks and writes those that are full."""

    def __init__(self, header: Header, file: BinaryIO, block_bytes: int) -> None:
        self._header = header
        self._file = file
        self._block_bytes = max(block_bytes, 1)
        self._data = bytearray()
        self._rows = 0

    def add(self, cells: Cells) -> None:
        """Write the rows as far as they fill blocks; a row that is larger than a block is one of its own."""
        start, rows = 0, len(cells)
        while start < rows:
            reach = cells.offsets[start] + self._block_bytes - len(self._data)
            stop = int(np.searchsorted(cells.offsets, reach, side="right")) - 1
            stop = min(max(stop, start + (not self._rows)), rows)
            if stop > start:
                self._data += cells.data[cells.offsets[start] : cells.offsets[stop]].data
                self._rows += stop - start
            start = stop
            if start < rows or len(self._data) >= self._block_bytes or self._rows >= _MAX_ROWS:
                self.flush()

    def flush(self) -> None:
        """Write what is left."""
        if self._rows:
            self._file.write(encode_block(self._header, self._rows, bytes(self._data)))
            self._data.clear()
            self._rows = 0


_MAX_ROWS = 1 << 20
"""Of a block, for rows that take no byte."""


def slices(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches in pieces whose encoding stays within bounds."""
    for batch in batches:
        rows = SLICE_ROWS
        if batch.nbytes > SLICE_BYTES:
            rows = min(rows, max(1, batch.num_rows * SLICE_BYTES // batch.nbytes))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def open_batches(data: Any) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    """Return rows as record batches, and their schema.

    Parameters
    ----------
    data
        As :func:`write_avro` takes it.

    Raises
    ------
    DataError
        If there are no rows in it, or batches are of different schemas.
    """
    if isinstance(data, pd.DataFrame):
        data = from_frame(data)
    if isinstance(data, pa.RecordBatch):
        return data.schema, [data]
    if isinstance(data, pa.Table):
        return data.schema, data.to_batches()
    if isinstance(data, pd.Series):
        raise DataError("rows cannot be written from a Series; make it a table: series.to_frame('name')")
    if hasattr(data, "__arrow_c_stream__"):
        reader = data if isinstance(data, pa.RecordBatchReader) else _reader(data)
        return reader.schema, reader
    if not hasattr(data, "__iter__") or isinstance(data, str | bytes | dict):
        raise DataError(f"rows cannot be written from {type(data).__name__}; expected a DataFrame or Arrow data")
    batches = iter(data)
    first = next(batches, None)
    if not isinstance(first, pa.RecordBatch):
        kind = "nothing" if first is None else type(first).__name__
        raise DataError(f"rows cannot be written from {kind}; expected record batches, a DataFrame or Arrow data")
    return first.schema, _same(first, batches)


def _reader(data: Any) -> pa.RecordBatchReader:
    try:
        return pa.RecordBatchReader.from_stream(data)
    except pa.ArrowInvalid:  # the stream of one column
        kind = type(data).__name__
        raise DataError(f"rows cannot be written from {kind}, which has no named columns; make it a table") from None


def _same(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    for batch in rest:
        if not batch.schema.equals(first.schema):
            raise DataError("the record batches have different schemas")
        yield batch


def _entries(metadata: Mapping[str, str | bytes] | None) -> dict[str, bytes]:
    entries = {}
    for name, value in (metadata or {}).items():
        if name.startswith("avro."):
            raise DataError(f"metadata {name!r}: names that begin with avro. are the format's own")
        entries[name] = value.encode() if isinstance(value, str) else bytes(value)
    return entries


@contextmanager
def _written(target: str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """Open what is written: of a path a file beside it, which takes its place if no error comes."""
    if not isinstance(target, str | os.PathLike):
        if not hasattr(target, "write") or isinstance(target, io.StringIO | io.TextIOWrapper):
            kind = type(target).__name__
            raise DataError(f"an Avro file cannot be written to {kind}; expected a path or a file opened with 'wb'")
        yield target
        return
    path = Path(target)
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a file")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        file = open(beside, "xb")  # noqa: SIM115  (closed below)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with file:
            yield file
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
