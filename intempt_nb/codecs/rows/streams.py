"""Rows as one stream of bytes: what their digest is of, and what a copy of them on disk holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from intempt_nb.codecs.rows.files import BLOCK_ROWS
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["write_stream"]


def write_stream(rows: pa.Table | pa.RecordBatchReader, consume: Callable[[bytes], object]) -> None:
    """Write rows as an Arrow IPC stream in blocks of a fixed size, whatever chunks they come in.

    Parameters
    ----------
    rows
        A reader is read to its end, a block at a time. Where its batches bring dictionaries of their own, the bytes
        depend on its batches; a table's dictionaries are made one first.
    consume
        Is given the bytes, piece by piece.

    Raises
    ------
    DataError
        If the rows cannot be read, or Arrow cannot write such columns.
    """
    schema = _stored_schema(rows.schema)
    blocks = _table_blocks(rows) if isinstance(rows, pa.Table) else _reader_blocks(rows)
    try:
        with pa.ipc.new_stream(pa.PythonFile(_Sink(consume), "w"), schema) as writer:
            for block in blocks:
                writer.write_batch(block if block.schema.equals(schema) else block.cast(schema))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"the rows cannot be read, or written as an Arrow stream: {error}") from error


def _table_blocks(table: pa.Table) -> Iterator[pa.RecordBatch]:
    unified = table.unify_dictionaries()
    for start in range(0, len(unified), BLOCK_ROWS):
        block = unified.slice(start, BLOCK_ROWS)
        # In two parts, it is copied for sure: of a part of something larger, bytes that follow it would be written too.
        yield from pa.concat_tables([block[:1], block[1:]]).combine_chunks().to_batches()


def _reader_blocks(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    held: list[pa.RecordBatch] = []
    space = BLOCK_ROWS
    for batch in reader:
        start = 0
        while start < len(batch):
            part = batch.slice(start, space)
            held.append(part)
            start += len(part)
            space -= len(part)
            if not space:
                yield from _table_blocks(pa.Table.from_batches(held))
                held, space = [], BLOCK_ROWS
    if held:
        yield from _table_blocks(pa.Table.from_batches(held))


def _stored_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([each.with_type(_stored(each.type)) for each in schema])


def _stored(kind: pa.DataType) -> pa.DataType:
    """Return the type to write: a view of text would be written with all the text that its table holds, every time."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_struct(kind):
        return pa.struct([each.with_type(_stored(each.type)) for each in kind])
    if pa.types.is_list(kind):
        return pa.list_(_stored_items(kind))
    if pa.types.is_large_list(kind):
        return pa.large_list(_stored_items(kind))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_stored_items(kind), kind.list_size)
    return kind


def _stored_items(kind: pa.DataType) -> pa.Field:
    return kind.value_field.with_type(_stored(kind.value_type))


class _Sink:
    """A file that keeps nothing: what is written goes to a function."""

    closed = False

    def __init__(self, consume: Any) -> None:
        self._consume = consume

    def write(self, data: bytes) -> int:
        self._consume(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True
