"""The facts about text cells: one kind each, in agreement with the grammar, adding up in any order."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.checking import text as grammar
from intempt_nb.schema.inferring.cells import KEPT, Facts, Kind, Tally, Trait, observe

ALL = frozenset(Kind) - {Kind.TEXT}
NUMBERS = {Kind.INTEGER, Kind.PADDED, Kind.DECIMAL}


def facts_of(cells: list[str | None], kinds: frozenset[Kind] = ALL, so_far: Facts | None = None) -> Facts:
    rows = pa.array(np.arange(len(cells)))
    return observe(pa.array(cells, pa.string()), rows, kinds, so_far or Facts())


def matches(pattern: str, text: str) -> bool:
    return bool(pc.match_substring_regex(pa.array([text]), pattern)[0].as_py())


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("5", Kind.INTEGER),
        ("-5", Kind.INTEGER),
        ("05", Kind.PADDED),
        ("-00", Kind.PADDED),
        ("-0", Kind.DECIMAL),
        ("5.", Kind.DECIMAL),
        ("true", Kind.BOOLEAN),
        ("2020-01-01", Kind.DATE),
        ("2020-01-01 10:00", Kind.TIMESTAMP),
        ("2020-02-30", Kind.TEXT),
        ("1e999", Kind.TEXT),
        ("x", Kind.TEXT),
    ],
)
def test_a_cell_is_of_one_kind(cell: str, kind: Kind) -> None:
    facts = facts_of([cell])
    assert facts.kinds == (kind,)
    assert facts.tally(kind) == Tally(1, ((0, cell),))
    assert facts.values == facts.rows == 1


@given(st.from_regex(re.compile(r"-?[0-9.]{1,4}([eE][+-]?[0-9]{1,2})?", re.ASCII), fullmatch=True))
def test_the_kinds_of_numbers_are_the_grammar_of_numbers(cell: str) -> None:
    (kind,) = facts_of([cell]).kinds
    assert (kind in NUMBERS) == matches(grammar.NUMBER, cell)
    assert (kind is Kind.INTEGER) == matches(grammar.PLAIN_INTEGER, cell)
    assert kind is not Kind.PADDED or matches(grammar.INTEGER, cell)


@given(
    st.from_regex(
        re.compile(r"20(19|20)-0[0-3]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9])?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"),
        fullmatch=True,
        alphabet="0123456789-:.TZ+ ",
    )
)
def test_a_timestamp_is_what_the_grammar_matches_and_arrow_takes(cell: str) -> None:
    zoned = cell if matches(grammar.ZONE, cell) else f"{cell}Z"
    try:
        pa.array([zoned]).cast(pa.timestamp("ms", "UTC"))
    except pa.ArrowInvalid:
        taken = False
    else:
        taken = matches(grammar.TIMESTAMP, cell)
    assert (facts_of([cell]).kinds == (Kind.TIMESTAMP,)) == taken


@pytest.mark.parametrize("zone", ["+24:00", "-99", "+02:60", "+2", "+02:", "z", " Z", "UTC"])
def test_a_zone_that_does_not_exist_does_not_match(zone: str) -> None:
    assert not matches(grammar.TIMESTAMP, f"2020-01-01T10:00:00{zone}")


def test_traits_are_counted_beside_the_kinds() -> None:
    facts = facts_of(
        [
            "NA",
            None,
            str(2**53 + 1),
            str(2**63),
            "2020-01-01T10:00",
            "2020-01-01T10:00:00.0001Z",
            "2020-01-01T10:00:00.0000001Z",
            "1600-01-01T10:00Z",
        ]
    )
    assert (facts.rows, facts.nulls, facts.values) == (8, 1, 6)
    counts = {trait: facts.tally(trait).count for trait in Trait}
    assert counts == {
        Trait.GAP: 1,
        Trait.INEXACT: 2,
        Trait.HUGE: 1,
        Trait.ROUNDED: 0,
        Trait.UNZONED: 1,
        Trait.MICROS: 2,
        Trait.NANOS: 1,
        Trait.FAR: 1,
    }
    assert facts.bounds == {
        Kind.INTEGER: (2**53 + 1, 2**53 + 1),
        Kind.TIMESTAMP: ("1600-01-01", "2020-01-01"),
    }


CELLS = st.one_of(
    st.none(),
    st.sampled_from(["1", "-2", "007", "1.5", "true", "2020-01-01", "2020-02-30", "2020-01-01T10:00", "NA", "x", " "]),
    st.integers().map(str),
)
PARTS = st.lists(st.lists(CELLS, max_size=5), min_size=3, max_size=3)


@given(PARTS)
def test_facts_add_up_in_any_grouping(parts: list[list[str | None]]) -> None:
    one, two, three = (facts_of(part) for part in parts)
    assert (one + two) + three == one + (two + three)
    assert one + Facts() == Facts() + one == one


@given(st.lists(CELLS), st.lists(CELLS), st.sampled_from([ALL, frozenset({Kind.DATE, Kind.TIMESTAMP})]))
def test_what_was_seen_before_changes_no_count(
    cells: list[str | None], before: list[str | None], kinds: frozenset[Kind]
) -> None:
    fresh, informed = facts_of(cells, kinds), facts_of(cells, kinds, facts_of(before, kinds))
    assert fresh.tallies == informed.tallies
    assert fresh.bounds == informed.bounds


@given(st.lists(CELLS, max_size=30))
def test_every_cell_is_null_a_gap_or_of_one_kind(cells: list[str | None]) -> None:
    facts = facts_of(cells)
    assert facts.rows == len(cells) == facts.nulls + facts.tally(Trait.GAP).count + facts.values
    assert all(len(tally.first) == min(tally.count, KEPT) for tally in facts.tallies.values())
    assert len(facts.examples) <= KEPT


def test_the_kinds_are_in_order_of_their_number() -> None:
    assert facts_of(["x", "1", "1", "true", "true", "true"]).kinds == (Kind.BOOLEAN, Kind.INTEGER, Kind.TEXT)
