"""The blocks of a container file → record batches, exactly; what is wrong is told with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.codecs.avro.columns import BROKEN, broken, record_batch
from intempt_nb.codecs.avro.container import place
from intempt_nb.codecs.avro.decode import Decoder, read_fields
from intempt_nb.codecs.avro.sizes import Budget, check_count, least_size
from intempt_nb.codecs.avro.skip import Skipper
from intempt_nb.codecs.avro.varints import Corrupt
from intempt_nb.errors import DataError
from intempt_nb.schema.model import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from intempt_nb.codecs.avro.columns import Column, Read
    from intempt_nb.codecs.avro.container import Block
    from intempt_nb.schema.mapping.arrow import ArrowForm
    from intempt_nb.schema.schema import Schema

__all__ = ["BATCH_BYTES", "Rows", "read_rows"]

BATCH_ROWS = 65_536
BATCH_BYTES = 1 << 24
"""A batch is handed on as soon as it has so many rows, or is made of so many bytes."""
_STRIDE = 1_024


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows are read, and as what.

    Parameters
    ----------
    schema
        Of the rows' bytes.
    target
        The Arrow schema of the batches: some or all columns of `schema`, in any order.
    form
        The form that `target` has.
    origin
        The file, for messages.
    """

    schema: Schema
    target: pa.Schema
    form: ArrowForm
    origin: str


def read_rows(blocks: Iterable[Block], rows: Rows, first: int = 0) -> Iterator[pa.RecordBatch]:
    """Yield the rows of blocks as record batches.

    Parameters
    ----------
    blocks
        From :meth:`Container.blocks`.
    rows
        What to make of them.
    first
        The number of the first row.

    Raises
    ------
    DataError
        For the first value that is wrong, with the file, its block and byte, its row (counted from 0 in the file) and
        its field.
    """
    batch = _Batch(rows)
    for block in blocks:
        yield from batch.take(block, first)
        first += block.rows
    if batch.pending:
        yield batch.finish()


class _Batch:
    """The rows that are not handed on yet."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._budget = Budget()
        schema = rows.schema
        decoder = Decoder(schema.named, rows.form, self._budget)
        skipper = Skipper(schema.named, self._budget)
        wanted = set(rows.target.names)
        self._columns: dict[str, Column] = {}
        reads: list[Read] = []
        for field in schema.fields:
            if field.name in wanted:
                column = self._columns[field.name] = decoder.column(field.type)
                reads.append(column.read)
            else:
                reads.append(skipper.skipper(field.type))
        self._read = read_fields(schema.names, reads)
        self._least = least_size(Record("", schema.fields), schema.named)
        self.pending = 0

    def take(self, block: Block, first: int) -> Iterator[pa.RecordBatch]:
        """Read a block, whose first row is number `first`; yield the batches that are full."""
        read, data = self._read, block.data
        position = mark = 0
        row = -1
        self._budget.renew()
        try:
            check_count(block.rows, self._least, len(data), self._budget)
            for start in range(0, block.rows, _STRIDE):
                stop = min(start + _STRIDE, block.rows)
                for row in range(start, stop):  # noqa: B007  (used where it breaks)
                    position = read(data, position)
                self.pending += stop - start
                if position > len(data):
                    raise Corrupt("the block ends within the row")
                if self.pending >= BATCH_ROWS or position - mark >= BATCH_BYTES:
                    yield self.finish()
                    mark = position
            if position < len(data):
                row = -1
                raise Corrupt(f"{len(data) - position:,} bytes are left behind the last of its {block.rows:,} rows")
        except BROKEN as error:
            raise self._located(broken(error), block, position, first + row if row >= 0 else None) from None

    def _located(self, error: Corrupt, block: Block, position: int, row: int | None) -> DataError:
        where = place(self._rows.origin, block.number, block.offset)
        inside = f", {position:,} bytes into its data" if row is not None else ""
        return DataError(f"{where}{inside}: {error}", row=row, field=error.path or None)

    def finish(self) -> pa.RecordBatch:
        """Return the rows so far, and start anew."""
        length, self.pending = self.pending, 0
        target = self._rows.target
        children = [self._columns[name].finish() for name in target.names]
        return record_batch(target, length, children)
