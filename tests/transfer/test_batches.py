"""Blocks into batches: whatever the pieces, the same rows in as few requests as the limits allow."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.schema.checking.rejects import REJECTS
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer import batches
from intempt_nb.transfer.batches import Batch, Cutter, Routing
from intempt_nb.transfer.known import Known, Posts, Rejected
from intempt_nb.transfer.options import Limits, Target
from intempt_nb.transfer.prepare import Prepared
from intempt_nb.transfer.tally import Tally

SCHEMA = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "t", "type": "string"}]})
TARGET = Target("source", "9", "things", SCHEMA, ("t",))


def cut_batches(blocks: list[Prepared], limits: Limits, tally: Tally, routing: Routing | None = None) -> list[Batch]:
    found = list(Cutter(TARGET, limits, "explicit", routing or Routing(), tally).batches(blocks))
    assert {lane for lane, _ in found} <= {0}
    return [batch for _, batch in found]


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
        found = cut_batches(blocks_of(sizes), limits, tally)
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
    (batch,) = cut_batches(blocks_of([[1, 2, 3, 4]]), Limits(), Tally())
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
    cut_batches(blocks_of([[1_000] * 100]), Limits(), Tally())
    assert sum(seen) == 100
    assert max(seen) <= 10


@given(
    st.lists(st.lists(st.integers(0, 12), max_size=12), max_size=4),
    st.integers(1, 5),
    st.integers(1, 4),
    st.builds(Limits, st.integers(1, 8), st.integers(20, 200), st.integers(10, 20)),
)
def test_lanes_hold_every_row_once_in_order_and_all_rows_of_a_key(
    sizes: list[list[int]], piece: int, lanes: int, limits: Limits
) -> None:
    tally = Tally()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "PIECE_ROWS", piece)
        found = list(Cutter(TARGET, limits, "explicit", Routing(lanes), tally).batches(blocks_of(sizes)))
    every = [size for block in sizes for size in block]
    lane_of: dict[int, int] = {}
    rows: list[list[int]] = [[] for _ in range(lanes)]
    for lane, batch in found:
        assert len(batch) <= limits.batch_rows
        items = json.loads(batch.body("things"))["things"]
        assert [len(item["t"]) for item in items] == [every[row] for row in batch.rows]
        for row in batch.rows.tolist():
            rows[lane].append(row)
            assert lane_of.setdefault(every[row], lane) == lane
    assert all(each == sorted(each) for each in rows)
    assert sorted(row for each in rows for row in each) == [
        row for row, size in enumerate(every) if size + 8 <= limits.item_bytes
    ]
    assert tally.repeats.count() == len(every) - len(set(every))


def test_rows_that_are_known_stay_behind() -> None:
    posts = Posts.of([(1, 0, 0, 1, 2, True), (1, 0, 3, 4, 2, False), (2, 0, 4, 4, 1, True)])
    known = Known.of(posts, [Rejected(6, "t", 400, "no good")], [])
    tally = Tally()
    (batch,) = cut_batches(blocks_of([[1] * 8]), Limits(), tally, Routing(1, known))
    assert batch.rows.tolist() == [2, 3, 5, 7]
    assert (tally.known, tally.planned, tally.unknown_rows().to_pylist()) == (3, 8, [])
    tally = Tally()
    left_out: list[list[int]] = []
    routing = Routing(1, known, "skip", lambda rows: left_out.append(rows.tolist()))
    (batch,) = cut_batches(blocks_of([[1] * 8]), Limits(), tally, routing)
    assert left_out == [[3]]
    assert batch.rows.tolist() == [2, 5, 7]
    assert tally.unknown_rows().to_pylist() == [3]
    with pytest.raises(inb.DeliveryUnknownError, match="choose on_unknown='repost'"):
        cut_batches(blocks_of([[1] * 8]), Limits(), Tally(), Routing(1, known, "raise"))


def test_a_batch_keeps_no_rows_of_other_lanes() -> None:
    sizes = [[100] * 60 for _ in range(8)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "PIECE_ROWS", 60)
        blocks = blocks_of(sizes)
        for number, block in enumerate(blocks):
            texts = [f"{number}-{row}".ljust(100) for row in range(60)]
            batch = pa.RecordBatch.from_arrays([pa.array(texts)], schema=block.batch.schema)
            blocks[number] = Prepared(batch, block.rows, block.rejects, 0, 0)
        found = list(Cutter(TARGET, Limits(), "explicit", Routing(8), Tally()).batches(blocks))
    assert len(found) == 8
    held = sum(batch.lines.data.nbytes for _, batch in found)
    assert held < 1.1 * sum(int(batch.sizes.sum()) for _, batch in found)
