"""A short rehearsal; ``make chaos`` is the long one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from chaos_driver import rehearse
from chaos_parts import Variant

if TYPE_CHECKING:
    from pathlib import Path

ROWS, INTERRUPTIONS = 600, 8
VARIANTS = (
    Variant(workers=1, keys="repeated"),
    Variant(workers=4, keys="repeated", lists=True),
    Variant(workers=8, keys="repeated", source="frame"),
    Variant(workers=4, on_unknown="skip"),
)


def test_whatever_is_killed_no_row_is_lost_and_none_is_there_twice(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(VARIANTS))]
    for each in folders:
        each.mkdir()
    with ThreadPoolExecutor(len(VARIANTS)) as pool:
        outcomes = list(
            pool.map(
                lambda folder, variant, seed: rehearse(folder, variant, ROWS, INTERRUPTIONS, seed),
                *(folders, VARIANTS, range(len(VARIANTS))),
            )
        )
    assert [each.problems for each in outcomes] == [[]] * len(VARIANTS)
    assert sum(each.interruptions.total() for each in outcomes) >= 30
    assert all(each.faults for each in outcomes)
