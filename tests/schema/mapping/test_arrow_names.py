"""Avro names made of any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.mapping.arrow_names import avro_name, avro_names, titled, unused
from intempt_nb.schema.parsing.naming import NAME


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("plain", "plain"),
        ("Booking ID", "Booking_ID"),
        (" padded ", "padded"),
        ("2nd", "_2nd"),
        ("_ok", "_ok"),
        ("é", "_"),
        ("", "_"),
        ("a\nb", "a_b"),
    ],
)
def test_names_are_made_of_any_text(text: str, name: str) -> None:
    assert avro_name(text) == name


@given(st.lists(st.text(alphabet="a_2 é-", max_size=4), unique=True))
def test_names_made_of_different_texts_are_valid_and_different(texts: list[str]) -> None:
    names = avro_names(texts)
    assert len(set(names)) == len(texts)
    for text, name in zip(texts, names, strict=True):
        assert NAME.fullmatch(name)
        assert name == text or not NAME.fullmatch(text)


def test_a_changed_name_leaves_the_own_one_as_the_title() -> None:
    assert titled({"type": "int"}, "a_b", "a b") == {"type": "int", "name": "a_b", "title": "a b"}
    assert titled({"type": "int", "title": "T"}, "a_b", "a b")["title"] == "T"
    assert titled({"type": "int"}, "a", "a") == {"type": "int", "name": "a"}


def test_a_free_name_is_taken_afterwards() -> None:
    taken = {"a"}
    assert [unused("a", taken), unused("a", taken), unused("b", taken)] == ["a_2", "a_3", "b"]
    assert taken == {"a", "a_2", "a_3", "b"}
