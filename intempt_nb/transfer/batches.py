"""Prepared blocks of rows → batches, each the rows of one request.

Blocks are encoded in small pieces: while one is, no request under way gets on, as the encoder holds the interpreter.
What is left of a piece goes into the next one's first batch, so that every request is as large as its limits allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from intempt_nb.codecs.wire.bodies import EncodedRows, body, cut, encode_rows, join_rows, take_rows
from intempt_nb.errors import DeliveryUnknownError
from intempt_nb.transfer.keys import key_hashes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    import numpy.typing as npt

    from intempt_nb.codecs.wire.bodies import Nulls
    from intempt_nb.transfer.journal import Known
    from intempt_nb.transfer.options import Limits, OnUnknown, Target
    from intempt_nb.transfer.prepare import Prepared
    from intempt_nb.transfer.tally import Tally

__all__ = ["Batch", "Cutter", "Routing"]

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
        """Return a batch of the rows of both, neither of which is empty; it holds no others."""
        own, first = self._stretch()
        added, begin = other._stretch()
        data = b"".join((own.data, added.data))
        lines = EncodedRows(memoryview(data), np.concatenate((own.offsets, added.offsets[1:] + own.offsets[-1])))
        indices = np.concatenate((self.indices - first, other.indices + (len(own) - begin)))
        return Batch(lines, indices, np.concatenate((self.rows, other.rows)))

    def _stretch(self) -> tuple[EncodedRows, int]:
        """Return the lines from the first row's to the last one's, and where they begin among all."""
        first, end = int(self.indices[0]), int(self.indices[-1]) + 1
        offsets = self.lines.offsets[first : end + 1]
        return EncodedRows(self.lines.data[offsets[0] : offsets[-1]], offsets - offsets[0]), first


@dataclass(frozen=True, slots=True)
class Routing:
    """Which rows still go out, and in which lane.

    Rows with the same key share a lane, and a lane is sent in order: so the last row of a key wins.

    Parameters
    ----------
    lanes
        How many there are.
    known
        What an earlier session of the same upload knows of its rows; None if there was none.
    on_unknown
        What is done with rows that may have arrived in that session.
    leave_out
        Is told of rows that are not sent and not known, before any that come behind them are.
    """

    lanes: int = 1
    known: Known | None = None
    on_unknown: OnUnknown = "repost"
    leave_out: Callable[[npt.NDArray[np.int64]], None] = lambda rows: None

    def lanes_of(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return the lane of each row."""
        return ((hashes >> np.uint64(32)) % np.uint64(self.lanes)).astype(np.int64)

    def outgoing(
        self, rows: npt.NDArray[np.int64], lanes: npt.NDArray[np.int64], tally: Tally
    ) -> npt.NDArray[np.bool_] | None:
        """Return which rows are to be sent, None for all; what is known of the others goes into the tally.

        Raises
        ------
        DeliveryUnknownError
            If some may have arrived, and that is to be an error.
        """
        if self.known is None:
            return None
        keep = np.ones(len(rows), bool)
        for lane in range(self.lanes):
            at = np.flatnonzero(lanes == lane)
            accepted, settled = self.known.accepted(lane, rows[at]), self.known.settled(lane, rows[at])
            tally.known += int(accepted.sum())
            keep[at[settled]] = False
            if self.on_unknown != "repost":
                doubtful = at[self.known.doubtful(lane, rows[at])]
                tally.unknown.append(rows[doubtful])
                self.leave_out(rows[doubtful])
                keep[doubtful] = False
        if self.on_unknown == "raise" and any(map(len, tally.unknown)):
            raise DeliveryUnknownError(
                "an earlier run of this upload was cut off while rows were under way, which the server may or may not "
                "have; choose on_unknown='repost' to send them again, or 'skip' to leave them out"
            )
        return keep


@dataclass(frozen=True, slots=True)
class Cutter:
    """Encodes blocks and cuts them into batches.

    Parameters
    ----------
    target
        Where the rows go.
    limits
        How they are cut; a row of more than `Limits.item_bytes` is rejected.
    nulls
        How nulls are written.
    routing
        Which rows go, and in which lane.
    tally
        Is told of the rows.
    """

    target: Target
    limits: Limits
    nulls: Nulls
    routing: Routing
    tally: Tally

    def batches(self, blocks: Iterable[Prepared]) -> Generator[tuple[int, Batch]]:
        """Yield batches with the lane of each; within a lane in the order of the rows, which all have a key."""
        tally = self.tally
        rests: list[Batch | None] = [None] * self.routing.lanes
        for block in blocks:
            tally.rows += len(block.rows) + block.rejected
            tally.rejected += block.rejected
            tally.blank += block.blank
            if len(block.rejects):
                tally.rejects.append(block.rejects)
                self.routing.leave_out(np.unique(block.rejects["row"].to_numpy()))
            for batch, rows in _pieces(block):
                for lane, part in self._encoded(batch, rows):
                    rest = rests[lane]
                    waiting = part if rest is None else rest.followed_by(part)
                    *full, rests[lane] = _cut(waiting, self.target.collection, self.limits)
                    yield from ((lane, each) for each in full if each is not None)
        yield from ((lane, rest) for lane, rest in enumerate(rests) if rest is not None)

    def _encoded(self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> Iterator[tuple[int, Batch]]:
        """Yield the rows of a piece that are to be sent, by lane."""
        hashes = key_hashes(batch, self.target.schema, self.target.key)
        self.tally.planned += len(rows)
        self.tally.repeats.add(hashes)
        lanes = self.routing.lanes_of(hashes)
        keep = self.routing.outgoing(rows, lanes, self.tally)
        if keep is not None:
            batch, rows, lanes = batch.filter(pa.array(keep)), rows[keep], lanes[keep]
        lines = encode_rows(batch, self.target.schema, nulls=self.nulls)
        fitting = self._fitting(lines, rows)
        if not len(fitting):
            return
        if self.routing.lanes == 1:
            yield 0, Batch(lines, fitting, rows[fitting])
            return
        order = fitting[np.argsort(lanes[fitting], kind="stable")]
        lines, rows, lanes = take_rows(lines, order), rows[order], lanes[order]
        borders = np.searchsorted(lanes, np.arange(self.routing.lanes + 1))
        for lane, (start, end) in enumerate(pairwise(borders.tolist())):
            if start < end:
                yield lane, Batch(lines, np.arange(start, end), rows[start:end])

    def _fitting(self, lines: EncodedRows, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return which rows are not too large; the others are noted."""
        sizes, most = lines.sizes, self.limits.item_bytes
        large = np.flatnonzero(sizes > most)
        if len(large):
            reasons = [f"{size:,} bytes as JSON; an item may have {most:,}" for size in sizes[large].tolist()]
            self.tally.reject(rows[large], reasons)
            self.routing.leave_out(rows[large])
            self.tally.planned -= len(large)
        return np.flatnonzero(sizes <= most)


def _pieces(block: Prepared) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    count = len(block.rows)
    step = max(1, min(PIECE_ROWS, count * PIECE_BYTES // max(block.batch.nbytes, 1)))
    for start in range(0, count, step):
        yield block.batch.slice(start, step), block.rows.slice(start, step).to_numpy()


def _cut(rows: Batch, collection: str, limits: Limits) -> list[Batch | None]:
    """Return rows as batches of which only the last could take more; of no rows that is None."""
    cuts = cut(
        rows.sizes,
        max_bytes=limits.batch_bytes,
        max_rows=limits.batch_rows,
        overhead=len(body(collection, rows.lines, 0, 0)),
    )
    return [rows.pick(slice(*bounds)) for bounds in cuts] or [None]
