"""The speeds stay there: each path against the obvious way, in the same run.

Ratios of processor time are compared, the best of several turns: unlike time on the clock it does not change with what
else runs on the machine, or with how many cores are free for the ways that use several threads. (So it does not see
threads that have stopped working side by side; `make bench` shows that.) The floors are about 60 % of what is usual: a
path that has lost its fast way falls far below. A ratio that is too low is measured a second time before it counts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from measure import take_turns
from paths import OURS, PATHS, encode, load
from rivals import encode_obvious, load_obvious
from samples import SCHEMAS, make, page

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 50_000
TURNS = 5
PATIENCE = 0.4
"""Seconds; an obvious way runs once or twice."""

FLOORS = {
    "page → DataFrame, flat": 2.3,
    "page → DataFrame, nested": 2.3,
    "DataFrame → bodies, flat": 12.0,
    "DataFrame → bodies, nested": 12.0,
    "CSV → typed rows, clean": 2.2,
    "Avro → DataFrame, flat": 5.0,
    "Avro → DataFrame, nested": 5.0,
    "DataFrame → Avro, flat": 20.0,
}


def stored(title: str, folder: Path) -> Path:
    path = PATHS[title]
    file = folder / f"{title}{path.suffix}".replace("/", "_")
    path.store(make(path.kind, ROWS), file)
    return file


def ratio(title: str, file: Path) -> float:
    """Return how much processor time the obvious way takes for a second of ours."""
    path = PATHS[title]
    obvious = next(iter(path.ways))
    calls = {way: path.call(way, file) for way in (obvious, OURS)}
    calls[OURS]()  # what it imports at its first use is not measured
    found = take_turns(calls, TURNS, PATIENCE)
    return min(found[obvious].cpu) / min(found[OURS].cpu)


@pytest.mark.parametrize(("title", "floor"), FLOORS.items())
def test_a_path_stays_ahead_of_the_obvious_way(title: str, floor: float, tmp_path: Path) -> None:
    file = stored(title, tmp_path)
    measured = ratio(title, file)
    if measured < floor:
        measured = max(measured, ratio(title, file))
    assert measured >= floor


@pytest.mark.parametrize("kind", ["flat", "nested"])
def test_the_obvious_way_comes_to_the_same(kind: str) -> None:
    schema = SCHEMAS[kind]
    body = page(schema, make(kind, 100))
    ours, obvious = encode(load(body, schema), schema), encode_obvious(load_obvious(body, kind))
    assert [json.loads(each) for each in ours] == [json.loads(each) for each in obvious]


def test_bad_cells_do_not_make_a_file_slow(tmp_path: Path) -> None:
    clean, bad = "CSV → typed rows, clean", "CSV → typed rows, 1 % bad"
    calls = {title: PATHS[title].call(OURS, stored(title, tmp_path)) for title in (clean, bad)}

    def times_as_long() -> float:
        found = take_turns(calls, TURNS)
        return min(found[bad].cpu) / min(found[clean].cpu)

    measured = times_as_long()
    if measured > 2.2:
        measured = min(measured, times_as_long())
    assert measured <= 2.2
