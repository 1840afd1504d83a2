"""Prepared blocks of rows → batches, each the rows of one request.

Blocks are encoded in small pieces: while one is, no request under way gets on, as the encoder holds the interpreter.
What is left of a piece goes into the next one's first batch, so that every request is as large as its limits allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from intempt_nb.codecs.wire.bodies import EncodedRows, body, cut, encode_rows, join_rows

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import numpy.typing as npt
    import pyarrow as pa

    from intempt_nb.codecs.wire.bodies import Nulls
    from intempt_nb.transfer.options import Limits, Target
    from intempt_nb.transfer.prepare import Prepared
    from intempt_nb.transfer.tally import Tally

__all__ = ["Batch", "cut_batches"]

PIECE_ROWS = 8_192
PIECE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows for one request: the positions of some encoded lines, ascending, and the row number of each."""

    lines: EncodedRows
    indices: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """The bytes of each row."""
        return self.lines.sizes[self.indices]

    def body(self, collection: str) -> bytes:
        """Return the request's body."""
        return join_rows(collection, self.lines, self.indices)

    def body_bytes(self, collection: str) -> int:
        """Return the length of the request's body, which is not made for it."""
        return len(body(collection, self.lines, 0, 0)) + int(self.sizes.sum()) + len(self) - 1

    def pick(self, chosen: npt.NDArray[Any] | slice) -> Batch:
        """Return a batch of some of the rows."""
        return Batch(self.lines, self.indices[chosen], self.rows[chosen])

    def followed_by(self, other: Batch) -> Batch:
        """Return a batch of the rows of both; not empty itself."""
        first, end = self.indices[0], self.indices[-1] + 1
        own = self.lines.offsets[first : end + 1] - self.lines.offsets[first]
        data = b"".join((self.lines.data[self.lines.offsets[first] : self.lines.offsets[end]], other.lines.data))
        lines = EncodedRows(memoryview(data), np.concatenate((own, other.lines.offsets[1:] + own[-1])))
        indices = np.concatenate((self.indices - first, other.indices + (end - first)))
        return Batch(lines, indices, np.concatenate((self.rows, other.rows)))


def cut_batches(
    blocks: Iterable[Prepared], target: Target, limits: Limits, nulls: Nulls, tally: Tally
) -> Generator[Batch]:
    """Encode blocks and cut them into batches.

    Parameters
    ----------
    blocks
        The rows.
    target
        Where they go.
    limits
        How they are cut; a row of more than `Limits.item_bytes` is rejected.
    nulls
        How nulls are written.
    tally
        Is told of the rows.

    Yields
    ------
    Batch
        In the order of the rows.
    """
    rest: Batch | None = None
    for block in blocks:
        tally.rows += len(block.rows) + block.rejected
        tally.rejected += block.rejected
        tally.blank += block.blank
        if len(block.rejects):
            tally.rejects.append(block.rejects)
        for batch, rows in _pieces(block):
            fitting = _fitting(encode_rows(batch, target.schema, nulls=nulls), rows, limits, tally)
            waiting = fitting if rest is None else rest.followed_by(fitting)
            *full, rest = _cut(waiting, target.collection, limits)
            yield from filter(None, full)
    if rest is not None:
        yield rest


def _pieces(block: Prepared) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    count = len(block.rows)
    step = max(1, min(PIECE_ROWS, count * PIECE_BYTES // max(block.batch.nbytes, 1)))
    for start in range(0, count, step):
        yield block.batch.slice(start, step), block.rows.slice(start, step).to_numpy()


def _fitting(lines: EncodedRows, rows: npt.NDArray[np.int64], limits: Limits, tally: Tally) -> Batch:
    """Return the rows that are not too large; the others are noted."""
    sizes = lines.sizes
    large = np.flatnonzero(sizes > limits.item_bytes)
    if len(large):
        reasons = [f"{size:,} bytes as JSON; an item may have {limits.item_bytes:,}" for size in sizes[large].tolist()]
        tally.reject(rows[large], reasons)
    fitting = np.flatnonzero(sizes <= limits.item_bytes)
    tally.planned += len(fitting)
    return Batch(lines, fitting, rows[fitting])


def _cut(rows: Batch, collection: str, limits: Limits) -> list[Batch | None]:
    """Return rows as batches of which only the last could take more; of no rows that is None."""
    cuts = cut(
        rows.sizes,
        max_bytes=limits.batch_bytes,
        max_rows=limits.batch_rows,
        overhead=len(body(collection, rows.lines, 0, 0)),
    )
    return [rows.pick(slice(*bounds)) for bounds in cuts] or [None]
