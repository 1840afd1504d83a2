"""Which records contain themselves."""

from __future__ import annotations

import random
import time

import pytest

from intempt_nb.schema.mapping.arrow import holds_json_text
from intempt_nb.schema.model import Array, Field, Fixed, Map, Named, Null, Record, Reference, Union
from intempt_nb.schema.parsing.recursion import NamedTypes, recursive_names


def named(**edges: str) -> dict[str, Named]:
    """Records that refer to the records of these letters."""
    return {
        name: Record(name, tuple(Field(f"f{index}", Reference(each)) for index, each in enumerate(targets)))
        for name, targets in edges.items()
    }


@pytest.mark.parametrize(
    ("edges", "recursive"),
    [
        ({}, ""),
        ({"a": "", "b": "a"}, ""),
        ({"a": "a"}, "a"),
        ({"a": "b", "b": "a", "c": "a", "d": ""}, "ab"),
        ({"a": "b", "b": "c", "c": "d", "d": "b"}, "bcd"),
        ({"a": "b", "b": "a", "c": "ad", "d": "e", "e": "d"}, "abde"),
        ({"a": "bc", "b": "d", "c": "d", "d": ""}, ""),
    ],
)
def test_a_record_is_recursive_if_a_way_leads_back_to_it(edges: dict[str, str], recursive: str) -> None:
    assert recursive_names(named(**edges)) == set(recursive)


def test_the_way_may_lead_through_anything() -> None:
    inside = Union((Null(), Array(Map(Record("b", (Field("x", Reference("a")),))))))
    types: dict[str, Named] = {"a": Record("a", (Field("x", inside),)), "f": Fixed("f", 1)}
    types["b"] = Record("b", (Field("x", Reference("a")),))
    assert recursive_names(types) == {"a", "b"}


def reachable(start: str, edges: dict[str, str]) -> set[str]:
    found: set[str] = set()
    rest = list(edges[start])
    while rest:
        name = rest.pop()
        if name not in found:
            found.add(name)
            rest += edges[name]
    return found


def test_any_graph_is_judged_as_by_walking_from_every_record() -> None:
    chance = random.Random(1)
    for _ in range(300):
        letters = "abcdefg"[: chance.randint(1, 7)]
        edges = {each: "".join(chance.sample(letters, chance.randint(0, min(2, len(letters))))) for each in letters}
        assert recursive_names(named(**edges)) == {name for name in letters if name in reachable(name, edges)}


def test_thousands_of_records_that_lead_to_one_another_are_judged_once() -> None:
    count = 3_000
    types = NamedTypes(
        (f"r{n}", Record(f"r{n}", (Field("next", Reference(f"r{(n + 1) % count}")), Field("f", Reference("leaf")))))
        for n in range(count)
    )
    types["leaf"] = Record("leaf", ())
    start = time.perf_counter()
    assert all(holds_json_text(Reference(name), types) == (name != "leaf") for name in types)
    assert time.perf_counter() - start < 2  # seconds; walking from each would take minutes
