"""What is known of rows: intervals say the same as a look at every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.transfer.known import Known, Posts, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = np.arange(30)


def held(known: Known, what: Literal["accepted", "settled", "doubtful"], lane: int) -> set[int]:
    return set(ROWS[getattr(known, what)(lane, ROWS)].tolist())


posts = st.lists(
    st.builds(
        lambda session, lane, first, more, accepted: (session, lane, first, first + more, more + 1, accepted),
        *(st.integers(1, 3), st.integers(0, 1), st.integers(0, 25), st.integers(0, 8), st.booleans()),
    ),
    max_size=12,
)
some_rows = st.lists(st.integers(0, 29), max_size=8)


@given(posts, st.lists(st.tuples(st.integers(1, 3), some_rows), max_size=4), some_rows)
def test_intervals_say_of_each_row_what_a_look_at_every_post_says(
    posts: Sequence[tuple[int, int, int, int, int, bool]], left_out: Sequence[tuple[int, list[int]]], refused: list[int]
) -> None:
    known = Known.of(
        Posts.of(posts),
        [Rejected(row, None, 400, "") for row in refused],
        [(each, np.array(rows)) for each, rows in left_out],
    )
    out = {(session, row) for session, rows in left_out for row in rows}
    for lane in (0, 1):
        said: dict[bool, set[int]] = {True: set(), False: set()}
        for session, own, first, last, _, held_there in posts:
            rows = set(range(first, last + 1)) if own == lane else set()
            said[held_there] |= {row for row in rows if (session, row) not in out}
        accepted = said[True] - set(refused)
        assert held(known, "accepted", lane) == accepted & set(ROWS.tolist())
        assert held(known, "settled", lane) == (accepted | set(refused)) & set(ROWS.tolist())
        assert held(known, "doubtful", lane) == (said[False] - said[True] - set(refused)) & set(ROWS.tolist())
