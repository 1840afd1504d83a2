"""What is kept of rows that were not taken."""

from __future__ import annotations

import numpy as np

from intempt_nb.transfer.tally import Tally


def rejecting(rows: list[int]) -> Tally:
    tally = Tally()
    for row in rows:
        tally.reject(np.array([row]), [f"reason {row}"], [None])
    return tally


def test_rejects_are_ordered_by_row_whenever_they_came() -> None:
    tally = rejecting([1, 5])
    tally.add(rejecting([2, 3]))
    table = tally.rejects_table()
    assert table["row"].to_pylist() == [1, 2, 3, 5]
    assert table["reason"].to_pylist() == ["reason 1", "reason 2", "reason 3", "reason 5"]
    assert tally.rejected == 4


def test_what_a_batch_brought_is_kept_as_one_table() -> None:
    tally = Tally()
    tally.add(rejecting(list(range(100))))
    assert len(tally.rejects) == 1
    assert len(tally.rejects[0].to_batches()) == 1


def test_nothing_rejected_and_nothing_unknown_are_empty() -> None:
    assert (len(Tally().rejects_table()), len(Tally().unknown_rows())) == (0, 0)
    tally = Tally(unknown=[np.array([7, 8]), np.array([1])])
    assert tally.unknown_rows().to_pylist() == [1, 7, 8]
