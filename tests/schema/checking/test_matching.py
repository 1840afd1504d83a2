"""Columns and fields that mean each other."""

from __future__ import annotations

import pyarrow as pa
import pytest

from intempt_nb.schema.checking.matching import ignored_inside, match_name, meant
from intempt_nb.schema.model import Array, Field, Long, Map, Null, Record, Union

BOOKING = Field("booking_id", Long(), title="Booking no", aliases=("old", "older"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Booking no", "booking_id"], 1),
        (["old", "Booking no"], 1),
        (["older", "old"], 1),
        (["x", "booking id"], 1),
        (["BOOKING_ID"], None),
        ([], None),
    ],
)
def test_a_field_takes_the_column_that_means_it_most(names: list[str], expected: int | None) -> None:
    assert match_name(BOOKING, names) == expected


@pytest.mark.parametrize("name", ["Booking_ID", "bookingid", "bokking_id", "BOOKING NO", "odler"])
def test_a_misspelling_is_known_whatever_its_capitals(name: str) -> None:
    assert meant(name, [Field("price", Long()), BOOKING]) is BOOKING


def test_a_name_like_no_other_means_nothing() -> None:
    assert meant("customer", [BOOKING]) is None
    assert meant("x", []) is None


def test_parts_that_no_record_names_are_told_at_any_depth() -> None:
    inner = Record("Inner", (Field("a", Long()),))
    outer = Record("Outer", (Field("one", Array(inner)), Field("many", Union((Null(), Map(inner))))))
    part = pa.struct({"a": pa.int64(), "b": pa.int64()})
    arrow = pa.struct({"one": pa.list_(part), "many": pa.map_(pa.string(), part), "c": pa.int64()})
    named = {"Outer": outer, "Inner": inner}
    assert list(ignored_inside(arrow, outer, named, "x")) == ["x.one[].b", "x.many{}.b", "x.c"]
