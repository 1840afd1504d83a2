"""Blocks into batches: whatever the pieces, the same rows in as few requests as the limits allow."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.checking.rejects import REJECTS
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer import batches
from intempt_nb.transfer.batches import cut_batches
from intempt_nb.transfer.options import Limits, Target
from intempt_nb.transfer.prepare import Prepared
from intempt_nb.transfer.tally import Tally

SCHEMA = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "t", "type": "string"}]})
TARGET = Target("source", "things", SCHEMA, ("t",))


def blocks_of(sizes: list[list[int]]) -> list[Prepared]:
    """Return blocks of rows with a text of so many letters; their numbers go on from block to block."""
    kind = pa.schema([pa.field("t", pa.string(), nullable=False)])
    blocks, first = [], 0
    for each in sizes:
        batch = pa.RecordBatch.from_arrays([pa.array(["x" * size for size in each], pa.string())], schema=kind)
        rows = pa.array(np.arange(first, first + len(each)))
        blocks.append(Prepared(batch, rows, REJECTS.empty_table(), 0, 0))
        first += len(each)
    return blocks


def obvious(sizes: list[int], limits: Limits) -> list[list[int]]:
    """Return the rows of each request, filled one after the other."""
    requests: list[list[int]] = [[]]
    for row, size in enumerate(sizes):
        if size + 8 > limits.item_bytes:
            continue
        more = [*requests[-1], row]
        length = len(json.dumps({"things": [{"t": "x" * sizes[each]} for each in more]}, separators=(",", ":")))
        if requests[-1] and (length > limits.batch_bytes or len(more) > limits.batch_rows):
            requests.append([row])
        else:
            requests[-1].append(row)
    return [rows for rows in requests if rows]


@given(
    st.lists(st.lists(st.integers(0, 60), max_size=12), max_size=4),
    st.integers(1, 5),
    st.builds(Limits, st.integers(1, 8), st.integers(20, 200), st.integers(10, 60)),
)
def test_batches_are_as_large_as_their_limits_allow_whatever_the_pieces(
    sizes: list[list[int]], piece: int, limits: Limits
) -> None:
    tally = Tally()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "PIECE_ROWS", piece)
        found = list(cut_batches(blocks_of(sizes), TARGET, limits, "explicit", tally))
    every = [size for block in sizes for size in block]
    assert [batch.rows.tolist() for batch in found] == obvious(every, limits)
    for batch in found:
        body = batch.body("things")
        assert [len(item["t"]) for item in json.loads(body)["things"]] == [every[row] for row in batch.rows]
        assert batch.body_bytes("things") == len(body)
    large = [row for row, size in enumerate(every) if size + 8 > limits.item_bytes]
    assert tally.rejects_table()["row"].to_pylist() == large
    assert (tally.rows, tally.planned, tally.rejected) == (len(every), len(every) - len(large), len(large))


def test_a_part_of_a_batch_has_its_own_body() -> None:
    (batch,) = cut_batches(blocks_of([[1, 2, 3, 4]]), TARGET, Limits(), "explicit", Tally())
    part = batch.pick(np.array([1, 3]))
    assert json.loads(part.body("things")) == {"things": [{"t": "xx"}, {"t": "xxxx"}]}
    assert (part.rows.tolist(), part.body_bytes("things")) == ([1, 3], len(part.body("things")))


def test_large_rows_are_encoded_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    encode = batches.encode_rows

    def spy(batch: pa.RecordBatch, *args: Any, **options: Any) -> Any:
        seen.append(len(batch))
        return encode(batch, *args, **options)

    monkeypatch.setattr(batches, "encode_rows", spy)
    monkeypatch.setattr(batches, "PIECE_BYTES", 10_000)
    list(cut_batches(blocks_of([[1_000] * 100]), TARGET, Limits(), "explicit", Tally()))
    assert sum(seen) == 100
    assert max(seen) <= 10
