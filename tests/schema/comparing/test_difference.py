"""What changed between schemas: each change, its path and its words; nothing missed and nothing made up."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from intempt_nb.errors import SchemaError
from intempt_nb.schema.comparing.difference import Change, SchemaDiff, difference
from intempt_nb.schema.parsing.avro import SchemaWarning
from intempt_nb.schema.schema import Schema
from random_schemas import Maker, decimal, enum, field, fixed, record


def diff(old: Any, new: Any) -> SchemaDiff:
    return difference(Schema.parse(old), Schema.parse(new))


def told(found: SchemaDiff) -> list[str]:
    return [str(each) for each in found]


def of_type(old: Any, new: Any) -> list[str]:
    """Return the changes of a field ``x`` that has one type and gets another."""
    return told(diff(record(field("x", old)), record(field("x", new))))


# --- types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("int", "long", "x: type: int → long"),
        ("int", ["null", "long"], "x: type: int → long or null"),
        ("long", ["null", "long"], "x: nullable: no → yes"),
        (["long", "null"], "long", "x: nullable: yes → no"),
        (["null", "long"], ["long", "null"], "x: branches: [null, long] → [long, null]"),
        ("long", ["long"], "x: branches: long → [long]"),
        (["null", "int", "string"], ["null", "int"], "x: type: int or string or null → int or null"),
        ("null", ["null", "int"], "x: type: null → int or null"),
        ("string", {"type": "string", "logicalType": "uuid"}, "x: type: string → uuid"),
        (
            ["null", "long"],
            ["null", {"type": "long", "logicalType": "timestamp-millis"}],
            "x: type: long → timestamp-millis",
        ),
        (decimal(4, 2), decimal(5, 2), "x: type: decimal(4, 2) → decimal(5, 2)"),
        (decimal(4, 2), decimal(4, 2, fixed(2)), "x: type: decimal(4, 2) → decimal(4, 2) on fixed F of 2 bytes"),
        (decimal(4, 2, fixed(3)), decimal(4, 2, fixed(2)), "x: fixed size: 3 → 2"),
        (fixed(2), fixed(3), "x: fixed size: 2 → 3"),
        (fixed(2), enum("A", name="F"), "x: type: fixed F of 2 bytes → enum F"),
        ("string", record(name="A"), "x: type: string → record A"),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}, "x[]: type: int → long"),
        ({"type": "map", "values": "int"}, {"type": "map", "values": "long"}, "x{}: type: int → long"),
        ({"type": "map", "values": "int"}, {"type": "array", "items": "int"}, "x: type: map of int → array of int"),
        (["null", {"type": "array", "items": "int"}], {"type": "array", "items": "int"}, "x: nullable: yes → no"),
        (enum("A", "B"), enum("A"), "x: symbol removed: B"),
        (enum("A"), enum("A", "B"), "x: symbol added: B"),
        (enum("A", "B"), enum("B", "A"), "x: order of symbols: A, B → B, A"),
        (enum("A"), enum("A", default="A"), 'x: enum default: none → "A"'),
        (enum("A"), enum("A", doc="d"), 'x: enum doc: none → "d"'),
        (enum("A"), enum("A", aliases=["Z"]), "x: enum aliases: none → Z"),
        (record(name="A"), {**record(name="A"), "type": "error"}, 'x: record type: none → "error"'),
        (record(name="A", own=1), record(name="A", own=True), "x: record own: 1 → true"),
        ("string", {"type": "string", "java": "String"}, 'x: type java: none → "String"'),
        (["null", "string"], ["null", {"type": "string", "java": "String"}], 'x: type java: none → "String"'),
    ],
)
def test_a_change_of_a_type_is_told_in_words(old: Any, new: Any, expected: str) -> None:
    assert of_type(old, new) == [expected]


def test_both_a_type_and_its_nullability_may_change_below() -> None:
    old = {"type": "array", "items": enum("A")}
    new = ["null", {"type": "array", "items": enum("A", "B")}]
    assert of_type(old, new) == ["x: nullable: no → yes", "x[]: symbol added: B"]


def test_a_branch_of_several_has_its_name_in_the_path() -> None:
    old = ["null", "int", enum("A", name="k.E"), {"type": "array", "items": "int"}]
    new = ["null", "int", enum("A", "B", name="k.E"), {"type": "array", "items": "long"}]
    assert of_type(old, new) == ["x(k.E): symbol added: B", "x(array)[]: type: int → long"]


def test_a_renamed_branch_is_the_same_branch() -> None:
    assert of_type(["null", enum("A", name="Old")], ["null", enum("A", "B", name="New")]) == [
        "x: enum name: Old → New",
        "x: symbol added: B",
    ]
    unclear = of_type([enum("A", name="a.E"), enum("A", name="b.E")], [enum("A", name="c.E")])
    assert unclear == ["x: type: enum a.E or enum b.E → enum c.E"]


# --- fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"default": 0}, "x: default: none → 0"),
        ({"default": 1}, {"default": 0}, "x: default: 1 → 0"),
        ({}, {"doc": "d"}, 'x: doc: none → "d"'),
        ({"title": "é"}, {"title": "b"}, 'x: title: "é" → "b"'),
        ({"display": True}, {"display": False}, "x: display: true → false"),
        ({"order": "ignore"}, {}, 'x: order: "ignore" → none'),
        ({}, {"aliases": ["y"]}, 'x: aliases: none → ["y"]'),
        ({"own": {"a": 1}}, {"own": {"a": 2}}, 'x: own: {"a": 1} → {"a": 2}'),
    ],
)
def test_what_is_said_of_a_field_is_compared(old: Any, new: Any, expected: str) -> None:
    assert told(diff(record(field("x", "int", **old)), record(field("x", "int", **new)))) == [expected]


def test_a_null_default_is_not_no_default() -> None:
    found = diff(record(field("x", ["null", "int"])), record(field("x", ["null", "int"], default=None)))
    assert told(found) == ["x: default: none → null"]


def test_fields_are_added_and_removed_with_their_types() -> None:
    old = record(field("a", "int"), field("gone", ["null", "string"], default=None))
    new = record(field("new", record(name="A")), field("a", "int"))
    found = diff(old, new)
    assert told(found) == ["new: field added: record A", "gone: field removed: string or null, default null"]
    assert [each.path for each in found.added] == ["new"]
    assert [each.path for each in found.removed] == ["gone"]
    assert found.changed == ()


def test_a_moved_field_is_told_and_not_those_it_passed() -> None:
    names = ["a", "b", "c", "d", "e"]

    def of(order: list[str]) -> Any:
        return record(*(field(name, "int") for name in order))

    assert told(diff(of(names), of(["a", "c", "d", "e", "b"]))) == ["b: moved: position 2 → 5"]
    assert told(diff(of(names), of(["new", "a", "b", "d", "e"]))) == ["new: field added: int", "c: field removed: int"]
    assert len(diff(of(names), of(names[::-1]))) == 4


@pytest.mark.parametrize(("old_aliases", "new_aliases"), [([], ["old"]), (["new"], [])])
def test_a_field_is_renamed_where_an_alias_of_either_schema_says_so(
    old_aliases: list[str], new_aliases: list[str]
) -> None:
    old = record(field("old", "int", aliases=old_aliases))
    new = record(field("new", "long", aliases=new_aliases))
    found = diff(old, new)
    assert [str(each) for each in found][:2] == ["new: renamed: old → new", "new: type: int → long"]
    assert {each.kind for each in found} == {"renamed", "changed"}
    assert found.changed == found.changes


def test_what_two_aliases_claim_is_not_renamed() -> None:
    found = diff(record(field("a", "int"), field("b", "int")), record(field("c", "int", aliases=["a", "b"])))
    assert [each.kind for each in found] == ["removed", "added", "removed"]


# --- nested and named types -------------------------------------------------------------------------------------------


def test_nested_records_are_told_by_their_path() -> None:
    def address(*fields: Any) -> Any:
        return record(*fields, name="Address")

    def customer(inner: Any) -> Any:
        return record(field("address", ["null", inner]), field("past", {"type": "array", "items": "Address"}))

    old = customer(address(field("street", "string"), field("zip", "int")))
    new = customer(address(field("zip", "string"), field("city", "string")))
    assert told(diff(old, new)) == [
        "address.street: field removed: string",
        "address.zip: type: int → string",
        "address.city: field added: string",
    ]


def test_a_type_that_is_used_twice_is_told_of_at_its_shortest_path() -> None:
    inner = record(field("a", enum("A")), name="I")
    deep = record(field("deep", record(field("b", inner), name="D")), field("shallow", "E"))
    more = record(field("a", enum("A", "B")), name="I")
    assert told(diff(deep, record(field("deep", record(field("b", more), name="D")), field("shallow", "E")))) == [
        "shallow: symbol added: B"
    ]


def test_where_a_type_is_told_of_does_not_depend_on_the_direction() -> None:
    old = record(field("b", enum("A", "B")), field("a", "E"))
    new = record(field("a", enum("A", "C")), field("b", "E"))
    assert [str(each) for each in diff(old, new).removed] == ["a: symbol removed: B"]
    assert [str(each) for each in diff(new, old).added] == ["a: symbol added: B"]


def test_a_recursive_type_is_told_of_once() -> None:
    def tree(avro: Any) -> Any:
        return record(field("value", avro), field("left", ["null", "T"]), field("right", ["null", "T"]), name="T")

    assert told(diff(tree("int"), tree("long"))) == ["value: type: int → long"]


def test_a_named_type_is_renamed_or_another_one_is_used() -> None:
    assert of_type(record(name="A"), record(name="B")) == ["x: record name: A → B"]
    assert of_type(record(name="n.A"), record(name="m.A")) == ["x: record name: n.A → m.A"]
    two = [field("a", record(name="A")), field("b", record(name="B"))]
    assert told(diff(record(*two, field("x", "A")), record(*two, field("x", "B")))) == ["x: type: record A → record B"]


@pytest.mark.parametrize("turned", [False, True])
def test_an_alias_of_either_schema_says_that_a_type_is_renamed(turned: bool) -> None:
    one = record(field("a", record(name="A", aliases=["B"])))
    other = record(field("a", record(name="B")), field("b", record(name="A")))
    found = diff(other, one) if turned else diff(one, other)
    assert ("a: record name: B → A" if turned else "a: record name: A → B") in told(found)


def test_a_type_that_a_logical_type_is_on_can_be_named_elsewhere() -> None:
    old, new = (record(field("a", decimal(4, 2, fixed(size))), field("b", "F")) for size in (2, 3))
    assert told(diff(old, new)) == ["a: fixed size: 2 → 3"]


def test_what_an_object_around_a_union_says_is_compared() -> None:
    with pytest.warns(SchemaWarning, match="an object like a field's where a type belongs"):
        wrapped = Schema.parse(record(field("x", {"type": ["null", "int"], "own": 1})))
    assert told(difference(wrapped, Schema.parse(record(field("x", ["null", "int"]))))) == ["x: type own: 1 → none"]


def test_a_union_of_nothing_becomes_a_type() -> None:
    with pytest.warns(SchemaWarning):
        nothing = Schema.parse("[]")
    assert told(difference(nothing, Schema.parse("null"))) == ["(schema): type: a union of nothing → null"]


def test_schemas_that_are_no_records_are_compared_as_well() -> None:
    found = diff("int", ["null", "long"])
    assert told(found) == ["(schema): type: int → long or null"]
    assert found.changes == (Change("changed", "", "type", "int", "long or null"),)
    assert told(diff(enum("A"), enum("B"))) == ["(schema): symbol removed: A", "(schema): symbol added: B"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("string", {"type": "string"}),
        (enum("A", name="n.E"), enum("A", name="E", namespace="n")),
        (record(field("a", "int", order="ascending", aliases=[])), record(field("a", "int"))),
        (record(field("a", "int", doc=None, title=None), doc=None), record(field("a", "int"))),
        (decimal(4, 0), {"type": "bytes", "logicalType": "decimal", "precision": 4}),
        (
            record(field("a", fixed(1)), field("b", "n.F"), name="n.R"),
            record(field("a", fixed(1, "n.F")), field("b", "F"), name="R", namespace="n"),
        ),
        (record(field("a", "int")), {"fields": [{"type": "int", "name": "a"}], "name": "R", "type": "record"}),
    ],
)
def test_what_says_the_same_is_no_change(one: Any, other: Any) -> None:
    assert not diff(one, other)
    assert not diff(other, one)


# --- many schemas -----------------------------------------------------------------------------------------------------

SEEDED = st.integers(0, 2**32).map(random.Random)


def two_schemas(chance: random.Random) -> tuple[Any, Any]:
    maker = Maker(chance)
    old = maker.record(3)
    new = maker.changed(old)
    try:
        Schema.parse(new)
    except (SchemaError, SchemaWarning):  # a change took away what another part names, say, or all of a union
        assume(False)
    return old, new


@settings(max_examples=200)
@given(SEEDED)
def test_there_is_no_change_if_and_only_if_the_schemas_say_the_same(chance: random.Random) -> None:
    old, new = two_schemas(chance)
    assert diff(old, json.loads(json.dumps(old))).changes == ()
    same = json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
    assert bool(diff(old, new)) is not same


@settings(max_examples=200)
@given(SEEDED)
def test_what_is_removed_one_way_is_added_the_other_way(chance: random.Random) -> None:
    old, new = two_schemas(chance)
    there, back = diff(old, new), diff(new, old)
    # A path below what was renamed has another name the other way.
    paths = not any(each.kind == "renamed" or each.aspect.endswith("name") for each in there)
    for one, other in ((there, back), (back, there)):
        removed = [(each.path * paths, each.aspect, each.was) for each in one.removed]
        added = [(each.path * paths, each.aspect, each.now) for each in other.added]
        assert sorted(removed, key=str) == sorted(added, key=str)


# --- views ------------------------------------------------------------------------------------------------------------


def test_the_changes_are_a_table_and_count_themselves() -> None:
    old = record(field("a", "int"), field("b", "int"))
    found = diff(old, record(field("b", "long"), field("c", "int", default=0)))
    text = repr(found)
    assert text.startswith("1 added, 1 removed, 1 changed\n")
    for each in found:
        assert each.words in text
    assert len(found) == 3
    html = found._repr_html_()
    assert "field added: int, default 0" in html
    assert html.count("<tr>") == 4


def test_no_changes_are_said_to_be_none() -> None:
    found = diff("int", "int")
    assert not found
    assert repr(found) == "no changes"
    assert "no changes" in found._repr_html_()


def test_what_a_schema_says_cannot_become_markup() -> None:
    found = diff(record(field("a", "int")), record(field("a", "int", doc="<b>bold</b>")))
    assert "<b>" not in found._repr_html_()
