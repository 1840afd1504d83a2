"""Parquet, Avro and Feather files and Arrow IPC files and streams as sources of rows, read batch by batch."""

from __future__ import annotations

import mmap
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from intempt_nb.codecs.avro.scan import scan_avro
from intempt_nb.codecs.rows.blocks import Tabular
from intempt_nb.codecs.rows.files import at_their_places, block_rows, file_digest, numbered_blocks, to_read
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.arrow import WIRE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = ["open_avro", "open_ipc", "open_parquet"]

ROWS = "rows are counted from 0"
BUFFER_BYTES = 1 << 16  # for each column that is read
_FILE_MAGIC = b"ARROW1"
_FEATHER_1 = b"FEA1"


def open_parquet(path: Path) -> Tabular:
    """Open a Parquet file; its footer is read, its rows are not.

    Raises
    ------
    DataError
        If it cannot be read as Parquet; also later, while its rows are read.
    """
    with _explained(path, "Parquet"), pq.ParquetFile(path) as file:
        schema, length = file.schema_arrow, file.metadata.num_rows
    return Tabular(
        origin=str(path),
        schema=schema,
        text=False,
        numbering=ROWS,
        length=length,
        read=lambda wanted: numbered_blocks(_parquet_batches(path, schema, wanted)),
        digest=lambda: file_digest(path),
        path=path,
    )


def _parquet_batches(path: Path, schema: pa.Schema, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
    # What pyarrow reads ahead by itself, it keeps until the end: the whole file.
    with (
        _explained(path, "Parquet"),
        pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file,
    ):
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        rows = block_rows(file.metadata.num_rows, sum(group.total_byte_size for group in groups))
        for batch in file.iter_batches(rows, columns=to_read(schema, wanted)):
            yield at_their_places(batch, schema)


def open_avro(path: Path) -> Tabular:
    """Open an Avro container file; its header is read, its rows are not. Unions of several types are JSON text.

    Raises
    ------
    DataError
        If it cannot be read as Avro; also later, while its rows are read.
    SchemaError
        If the schema in its header cannot be used.
    """
    schema = scan_avro(path, unions=WIRE.unions).arrow_schema
    return Tabular(
        origin=str(path),
        schema=schema,
        text=False,
        numbering=ROWS,
        length=None,
        read=lambda wanted: numbered_blocks(_avro_batches(path, schema, wanted)),
        digest=lambda: file_digest(path),
        path=path,
    )


def _avro_batches(path: Path, schema: pa.Schema, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
    for batch in scan_avro(path, unions=WIRE.unions, columns=to_read(schema, wanted)).to_batches():
        yield at_their_places(batch, schema)


def open_ipc(path: Path) -> Tabular:
    """Open a Feather file, or an Arrow IPC file or stream; its rows are not read.

    Raises
    ------
    DataError
        If it is none of these; also later, while its rows are read.
    """
    with _mapped(path) as pages:
        schema = _ipc_reader(path, pages).schema
    return Tabular(
        origin=str(path),
        schema=schema,
        text=False,
        numbering=ROWS,
        length=None,
        read=lambda wanted: numbered_blocks(_ipc_batches(path, schema, wanted)),
        digest=lambda: file_digest(path),
        path=path,
    )


def _ipc_reader(
    path: Path, pages: mmap.mmap, columns: list[int] | None = None
) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    start = pages[: len(_FILE_MAGIC)]
    if start.startswith(_FEATHER_1):
        raise DataError(f"{path} is Feather of version 1; write it again with a current pandas or pyarrow")
    options = pa.ipc.IpcReadOptions(included_fields=columns)
    source = pa.BufferReader(pa.py_buffer(pages))
    opener = pa.ipc.open_file if start == _FILE_MAGIC else pa.ipc.open_stream
    return opener(source, options=options)


def _ipc_batches(path: Path, schema: pa.Schema, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
    names = to_read(schema, wanted)
    columns = None if names is None else [schema.names.index(name) for name in names]
    with _mapped(path) as pages:
        reader = _ipc_reader(path, pages, columns)
        if isinstance(reader, pa.RecordBatchFileReader):
            batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
        else:
            batches = iter(reader)
        for batch in batches:
            step = block_rows(len(batch), batch.nbytes)
            for start in range(0, len(batch), step):
                yield at_their_places(batch.slice(start, step), schema)
                _forget(pages)


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    """Map a file into memory, where it stays for as long as an array is made of it."""
    with _explained(path, "Arrow IPC"):
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise DataError(f"{path} cannot be read as Arrow IPC: it is empty")
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        yield pages


def _forget(pages: mmap.mmap) -> None:
    """Let go of what was read of a mapped file, so that it does not count as the process's memory; it can come back."""
    if hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


@contextmanager
def _explained(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as {kind}: {error}") from error
