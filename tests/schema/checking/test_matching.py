"""Columns and fields that mean each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.checking import matching
from intempt_nb.schema.checking.matching import ignored_inside, match_names, meant
from intempt_nb.schema.mapping.arrow_names import avro_name
from intempt_nb.schema.model import Array, Field, Long, Map, Null, Record, Union

if TYPE_CHECKING:
    from collections.abc import Sequence

BOOKING = Field("booking_id", Long(), title="Booking no", aliases=("old", "older"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Booking no", "booking_id"], {"booking_id": 1}),
        (["old", "Booking no"], {"booking_id": 1}),
        (["older", "old"], {"booking_id": 1}),
        (["x", "booking id"], {"booking_id": 1}),
        (["BOOKING_ID"], {}),
        ([], {}),
    ],
)
def test_a_field_takes_the_column_that_means_it_most(names: list[str], expected: dict[str, int]) -> None:
    assert match_names([BOOKING], names) == expected


def said_of_one(field: Field, names: Sequence[str]) -> int | None:
    """Return the same by the words of the rule, a name after the other."""
    for candidate in (field.name, field.title, *field.aliases):
        if candidate is not None and candidate in names:
            return names.index(candidate)
    return next((at for at, name in enumerate(names) if avro_name(name) == field.name), None)


NAMES = st.sampled_from(["a", "b", "a_b", "a b", "a-b", "_1", "1", "A", ""])
FIELDS = st.builds(
    Field,
    st.sampled_from(["a", "b", "a_b", "_1", "_"]),
    st.just(Long()),
    title=st.none() | NAMES,
    aliases=st.lists(NAMES, max_size=2).map(tuple),
)


@given(st.lists(FIELDS, max_size=4, unique_by=lambda each: each.name), st.lists(NAMES, max_size=6))
def test_all_fields_together_take_what_each_takes_alone(fields: list[Field], names: list[str]) -> None:
    alone = {field.name: said_of_one(field, names) for field in fields}
    assert match_names(fields, names) == {name: place for name, place in alone.items() if place is not None}


def test_each_name_is_made_a_field_s_once_however_many_fields_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(matching, "avro_name", lambda name: asked.append(name) or avro_name(name))
    names = [f"field {n}" for n in range(50)]
    assert len(match_names([Field(f"field_{n}", Long()) for n in range(50)], names)) == 50
    assert asked == names


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
