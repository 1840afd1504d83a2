"""The fast way to read Avro's binary encoding: polars' reader in Rust, where it is installed and knows the types.

The reader is narrow and trusting: it has no maps, unions or decimals of its own, stops at other enums, and takes bytes
that are no such value for one. So it is given a schema of the same encoding that it knows (a map is an array of
records of a key and a value, an enum an int, a logical type what it stands on), its columns are then viewed as what
they are, and weighed: their encoding has to have as many bytes as the data, of the same sum. Whatever
fails goes the exact way, which tells what is wrong and where, or finds that nothing is.
"""

from __future__ import annotations

import io
import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np

from intempt_nb.codecs.avro.columns import record_batch
from intempt_nb.codecs.avro.container import SYNC, Header, encode_block, encode_header
from intempt_nb.codecs.avro.fast_shapes import Shape, Shaper, Unsupported, Wrong
from intempt_nb.codecs.avro.rows import read_rows
from intempt_nb.codecs.avro.sizes import least_size
from intempt_nb.errors import DataError
from intempt_nb.schema.model import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    import pyarrow as pa

    from intempt_nb.codecs.avro.container import Block
    from intempt_nb.codecs.avro.rows import Rows

__all__ = ["available", "read_fast"]

GROUP_BYTES = 1 << 21
"""Blocks are decoded together until they have so many bytes."""
WORKERS = 2


def available() -> bool:
    """Return whether the library is installed."""
    return find_spec("polars") is not None


def read_fast(blocks: Iterable[Block], rows: Rows) -> Iterator[pa.RecordBatch] | None:
    """Return the rows of blocks as record batches, None if the library is not there or does not know a type.

    Parameters
    ----------
    blocks, rows
        As for :func:`intempt_nb.codecs.avro.rows.read_rows`, whose errors are raised.
    """
    if not available():
        return None
    try:
        decoder = _Decoder.of(rows)
    except Unsupported:
        return None
    return _decoded(blocks, rows, decoder)


def _decoded(blocks: Iterable[Block], rows: Rows, decoder: _Decoder) -> Iterator[pa.RecordBatch]:
    """Decode groups of blocks on threads, a few ahead of the one that is wanted."""
    first = 0
    waiting: deque[tuple[list[Block], Future[pa.RecordBatch | None]]] = deque()
    groups = _groups(blocks)
    with ThreadPoolExecutor(WORKERS) as pool:
        while True:
            for group in islice(groups, WORKERS + 1 - len(waiting)):
                waiting.append((group, pool.submit(decoder.decode, group)))
            if not waiting:
                return
            group, future = waiting.popleft()
            batch = future.result()
            if batch is None:
                yield from read_rows(group, rows, first)
            else:
                yield batch
            first += sum(block.rows for block in group)


def _groups(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Yield blocks together until they have enough bytes; an error in the file comes behind what was before it."""
    group: list[Block] = []
    size = 0
    try:
        for block in blocks:
            group.append(block)
            size += len(block.data)
            if size >= GROUP_BYTES:
                yield group
                group, size = [], 0
    except DataError:
        if group:
            yield group
        raise
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class _Decoder:
    """Decodes blocks of one schema.

    Parameters
    ----------
    shapes
        Of the schema's columns, in order.
    wanted
        Which of them make the batch.
    target
        The batch's schema.
    header
        Of the file that the reader is given.
    least
        The bytes that a row takes at least.
    """

    shapes: tuple[Shape, ...]
    wanted: tuple[int, ...]
    target: pa.Schema
    header: Header
    least: int

    @classmethod
    def of(cls, rows: Rows) -> _Decoder:
        """Return the decoder of rows; raises `Unsupported` where there is none."""
        schema = rows.schema
        if not schema.fields:
            raise Unsupported
        shaper = Shaper(schema.named, rows.form, (f"n{number}" for number in count()))
        shapes = tuple(shaper.shape(field.type) for field in schema.fields)
        fields = [{"name": f"f{index}", "type": shape.raw} for index, shape in enumerate(shapes)]
        raw = json.dumps({"type": "record", "name": "rows", "fields": fields})
        return cls(
            shapes=shapes,
            wanted=tuple(schema.names.index(name) for name in rows.target.names),
            target=rows.target,
            header=Header(raw, "null", {}, bytes(SYNC)),
            least=least_size(Record("", schema.fields), schema.named),
        )

    def decode(self, group: list[Block]) -> pa.RecordBatch | None:
        """Return the rows of blocks, None if the exact way has to see to them."""
        data = b"".join([block.data for block in group])
        number = sum(block.rows for block in group)
        if any(block.rows * self.least > len(block.data) for block in group):
            return None
        try:
            columns = self._columns(number, data)
            weights = [shape.weigh(column) for shape, column in zip(self.shapes, columns, strict=True)]
            size, total = map(sum, zip(*weights, strict=True))
            if size != len(data) or total != int(np.sum(np.frombuffer(data, np.uint8), dtype=np.uint64)):
                return None
            made = [self.shapes[index].view(columns[index]) for index in self.wanted]
            return record_batch(self.target, number, made)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001  (a panic in Rust is no Exception; the exact way tells what is wrong)
            return None

    def _columns(self, rows: int, data: bytes) -> list[pa.Array]:
        import polars as pl

        file = io.BytesIO(encode_header(self.header) + encode_block(self.header, rows, data))
        table = pl.read_avro(file).to_arrow(compat_level=pl.CompatLevel.oldest())
        if len(table) != rows:
            raise Wrong
        return [column.combine_chunks() for column in table.columns]
