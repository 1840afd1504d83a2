"""Parquet, Avro and Feather files and Arrow IPC files and streams as sources of rows, read batch by batch."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from intempt_nb.codecs.avro.scan import scan_avro
from intempt_nb.codecs.rows.blocks import Tabular
from intempt_nb.codecs.rows.files import BLOCK_ROWS, file_digest, numbered_blocks
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.arrow import WIRE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["open_avro", "open_ipc", "open_parquet"]

ROWS = "rows are counted from 0"
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
        read=lambda wanted: numbered_blocks(_parquet_batches(path)),
        digest=lambda: file_digest(path),
    )


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with _explained(path, "Parquet"), pq.ParquetFile(path) as file:
        yield from file.iter_batches(BLOCK_ROWS)


def open_avro(path: Path) -> Tabular:
    """Open an Avro container file; its header is read, its rows are not. Unions of several types are JSON text.

    Raises
    ------
    DataError
        If it cannot be read as Avro; also later, while its rows are read.
    SchemaError
        If the schema in its header cannot be used.
    """
    scan = scan_avro(path, unions=WIRE.unions)
    return Tabular(
        origin=str(path),
        schema=scan.arrow_schema,
        text=False,
        numbering=ROWS,
        length=None,
        read=lambda wanted: numbered_blocks(scan.to_batches()),
        digest=lambda: file_digest(path),
    )


def open_ipc(path: Path) -> Tabular:
    """Open a Feather file, or an Arrow IPC file or stream; its rows are not read.

    Raises
    ------
    DataError
        If it is none of these; also later, while its rows are read.
    """
    with _explained(path, "Arrow IPC"), pa.memory_map(str(path)) as source:
        reader = _ipc_reader(path, source)
        schema = reader.schema
    return Tabular(
        origin=str(path),
        schema=schema,
        text=False,
        numbering=ROWS,
        length=None,
        read=lambda wanted: numbered_blocks(_ipc_batches(path)),
        digest=lambda: file_digest(path),
    )


def _ipc_reader(path: Path, source: pa.MemoryMappedFile) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    start = source.read(len(_FILE_MAGIC))
    source.seek(0)
    if start.startswith(_FEATHER_1):
        raise DataError(f"{path} is Feather of version 1; write it again with a current pandas or pyarrow")
    return pa.ipc.open_file(source) if start == _FILE_MAGIC else pa.ipc.open_stream(source)


def _ipc_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with _explained(path, "Arrow IPC"), pa.memory_map(str(path)) as source:
        reader = _ipc_reader(path, source)
        if isinstance(reader, pa.RecordBatchFileReader):
            yield from (reader.get_batch(index) for index in range(reader.num_record_batches))
        else:
            yield from reader


@contextmanager
def _explained(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as {kind}: {error}") from error
