"""Items, as Python dicts, against a schema: every problem with its path, and the same verdict as fastavro's."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import fastavro.validation
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from intempt_nb.schema.checking.items import MAX_DEPTH, as_text, item_checker
from intempt_nb.schema.schema import Schema
from random_avro import schemas, values_of, without_logical_types

ADDRESS = {"type": "record", "name": "com.shop.Address", "fields": [{"name": "zip", "type": "string"}]}
TREE = {
    "type": "record",
    "name": "Tree",
    "fields": [{"name": "value", "type": "long"}, {"name": "next", "type": ["null", "Tree"], "default": None}],
}
ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "tags", "type": {"type": "array", "items": ["null", "int"]}},
        {"name": "scores", "type": {"type": "map", "values": "double"}},
        {"name": "address", "type": ["null", ADDRESS], "default": None},
        {"name": "kind", "type": "string", "default": "A", "title": "Kind of order", "aliases": ["sort"]},
    ],
}
GOOD: dict[str, Any] = {"id": 1, "tags": [1, None], "scores": {"k": 1.5}, "address": {"zip": "10115"}}


def problems(avro: Any, item: Any) -> list[tuple[str, str]]:
    schema = Schema.parse(avro)
    return [(each.path, each.reason) for each in item_checker(schema.root, schema.named)(item)]


def test_a_good_item_has_no_problem() -> None:
    assert problems(ORDER, GOOD) == []


def test_every_problem_is_told_with_its_path() -> None:
    item = {
        "id": "x",
        "tags": [1, "a", 2**40],
        "scores": {"k": "high", "l": 1, 7: 1.0, "\ud800": 1.0},
        "address": {"zip": 10115, "town": "Berlin"},
        "Sort": "B",
        "other": 1,
    }
    assert problems(ORDER, item) == [
        (".id", "text where long is expected"),
        (".tags[1]", "text where int or null is expected"),
        (".tags[2]", "too large for int32"),
        (".scores{k}", "text where double is expected"),
        (".scores{7}", "int as the key of a map"),
        (".scores{\\ud800}", "has half of a surrogate pair, which is not Unicode"),
        (".address.zip", "int where string is expected"),
        (".address.town", "the record has no such field. Available: zip"),
        (".Sort", "the record has no such field; did you mean 'kind'?"),
        (".other", "the record has no such field. Available: id, tags, scores, address, kind"),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": ...}, [(".id", "missing, and the schema has no default")]),
        ({"kind": None}, [(".kind", "no value where string is expected")]),
        ({"address": None}, []),
        ({"address": ..., "kind": ...}, []),
        ({"tags": "text"}, [(".tags", "text where array of int or null is expected")]),
        ({"tags": b"bytes"}, [(".tags", "bytes where array of int or null is expected")]),
        ({"tags": (1, 2)}, []),
        ({"tags": range(3)}, []),
        ({"scores": [1]}, [(".scores", "a list where map of double is expected")]),
        ({"address": "10115"}, [(".address", "text where record of zip is expected")]),
    ],
)
def test_what_may_be_left_out_and_what_may_not(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    item = {key: value for key, value in {**GOOD, **change}.items() if value is not ...}
    assert problems(ORDER, item) == expected


UNION = ["null", "long", "string", {"type": "array", "items": "long"}, ADDRESS, TREE]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        (5, []),
        ("x", []),
        ([1], []),
        ({"zip": "1"}, []),
        ({"value": 1, "next": {"value": 2}}, []),
        (("long", 5), []),
        (("com.shop.Address", {"zip": "1"}), []),
        ({"-type": "Tree", "value": 1}, []),
        (1.5, [("", "float where long or string or array of long or record of zip or Tree or null is expected")]),
        (("long", "x"), [("", "text where long is expected")]),
        (("float", 1.5), [("", "a tuple in a union is (branch, value), the branch one of "
                               "null, long, string, array, com.shop.Address, Tree")]),
        ((1, 2, 3), [("", "a tuple in a union is (branch, value), the branch one of "
                          "null, long, string, array, com.shop.Address, Tree")]),
        ([1, "x"], [("[1]", "text where long is expected")]),
        ({"zip": 5}, [(".zip", "int where string is expected")]),
        ({"value": 1, "next": {"value": "x"}}, [(".next.value", "text where long is expected")]),
        ({"-type": "Tree", "zip": "1"}, [(".value", "missing, and the schema has no default"),
                                         (".zip", "the record has no such field. Available: value, next")]),
    ],
)  # fmt: skip
def test_a_union_takes_a_bare_value_or_a_tagged_one_and_blames_the_branch_that_was_meant(
    value: Any, expected: list[tuple[str, str]]
) -> None:
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "u", "type": UNION}]})
    found = item_checker(schema["u"].type, schema.named)(value)
    told = [(each.path, each.reason.replace("record of value, next", "Tree")) for each in found]
    assert told == expected


def test_a_root_that_is_no_record_is_checked_as_it_is() -> None:
    assert problems({"type": "array", "items": "long"}, [1, "x"]) == [("[1]", "text where long is expected")]
    assert problems("long", "x") == [("", "text where long is expected")]


def test_data_that_contains_itself_is_a_problem_and_no_crash() -> None:
    item: dict[str, Any] = {"value": 1}
    item["next"] = {"value": 2, "next": item}
    assert problems(TREE, item) == [(".next.next", "contains itself")]
    loop: list[Any] = []
    loop += [loop, loop]
    avro = {"type": "record", "name": "r", "fields": [{"name": "a", "type": {"type": "array", "items": ["long", "r"]}}]}
    assert problems(avro, {"a": loop})


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 100_000])
def test_data_that_is_very_deep_is_a_problem_where_it_gets_too_deep(depth: int) -> None:
    item: dict[str, Any] = {"value": 1}
    for _ in range(depth - 1):
        item = {"value": 1, "next": item}
    expected = [(".next" * MAX_DEPTH, "nested more than 200 levels deep")] if depth > MAX_DEPTH else []
    assert problems(TREE, item) == expected


def test_from_deep_inside_another_program_it_is_a_problem_too() -> None:
    schema = Schema.parse(TREE)
    check = item_checker(schema.root, schema.named)
    item: dict[str, Any] = {"value": 1}
    for _ in range(MAX_DEPTH - 1):
        item = {"value": 1, "next": item}

    def deeper(levels: int) -> Any:
        return check(item) if levels == 0 else deeper(levels - 1)

    assert [each.reason for each in deeper(650)] == ["nested too deeply"]


def test_parts_that_are_shared_are_looked_at_once() -> None:
    item: Any = 1
    for _ in range(60):  # 2**60 ways lead to the one
        item = {"left": item, "right": item}
    fields = [{"name": name, "type": ["long", "Pair"]} for name in ("left", "right")]
    assert problems({"type": "record", "name": "Pair", "fields": fields}, item) == []


def test_shown_values_are_cut_and_never_fail() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert len(as_text("x" * 1000) or "") == 200
    assert len(as_text(list(range(1000))) or "") <= 200
    assert as_text(loop)
    assert as_text(10**5000)
    assert as_text("\ud800") == "\\ud800"
    assert as_text(None) is None


# The same verdict as fastavro's. Logical types and single values are held against it in test_forms.py.


def fastavro_takes(avro: Any, value: Any) -> bool:
    try:
        parsed = fastavro.parse_schema(avro)
    except fastavro.schema.UnknownType:  # it resolves names by other rules
        assume(False)
    try:
        fastavro.schemaless_writer(io.BytesIO(), parsed, value)
        return bool(fastavro.validation.validate(value, parsed))
    except Exception:  # noqa: BLE001  (fastavro answers bad values with whatever error comes)
        return False


def without_defaults(avro: Any) -> Any:
    """The schema without what fastavro fails on: defaults of bytes, a missing field of null spelled as an object."""
    match avro:
        case {"type": "null"}:
            return "null"
        case {"type": "record", "fields": fields}:
            kept = [{key: without_defaults(each[key]) for key in each if key != "default"} for each in fields]
            return {**avro, "fields": kept}
        case dict():
            return {key: without_defaults(each) for key, each in avro.items()}
        case list():
            return [without_defaults(each) for each in avro]
        case _:
            return avro


@given(st.data())
def test_what_fastavro_writes_has_no_problem(data: st.DataObject) -> None:
    avro = data.draw(schemas(logical=False))
    schema = Schema.parse(avro)
    check = item_checker(schema.root, schema.named)
    value = data.draw(values_of(without_logical_types(avro)))
    if not fastavro_takes(avro, value) or _holds_inexact(value):
        return
    assert list(check(value)) == []


def _holds_inexact(value: Any) -> bool:
    """Whether a whole number may stand for a float, which only fastavro rounds."""
    match value:
        case dict():
            return any(map(_holds_inexact, value.values()))
        case list() | tuple():
            return any(map(_holds_inexact, value))
        case _:
            return type(value) is int and abs(value) > 2**24


JUNK = st.sampled_from(
    [None, True, 5, 2**31, 2**63, 1.5, "text", "S0", [], [1], ["x"], {}, {"a": 1}, {"f0": None}, (1, 2)]
)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with one part replaced, or one key left out."""
    where = draw(st.integers(0, 4))
    match value:
        case dict() if value and where > 1:
            key = draw(st.sampled_from(sorted(value)))
            if where == 2:
                return {name: each for name, each in value.items() if name != key}
            return {**value, key: draw(changed(value[key]))}
        case list() if value and where > 1:
            index = draw(st.integers(0, len(value) - 1))
            return [*value[:index], draw(changed(value[index])), *value[index + 1 :]]
        case (str() as name, inner) if where > 1:
            return name, draw(changed(inner))
        case _:
            return draw(JUNK)


@settings(max_examples=200)
@given(st.data())
def test_what_is_changed_in_a_value_is_a_problem_if_it_is_one_to_fastavro(data: st.DataObject) -> None:
    avro = without_defaults(data.draw(schemas(logical=False)))
    schema = Schema.parse(avro)
    value = data.draw(changed(data.draw(values_of(avro))))
    found = item_checker(schema.root, schema.named)(value)
    # Text is bytes as base64, and whole numbers are never rounded: see test_forms.py. An unknown key is a problem.
    reasons = " ".join(each.reason for each in found)
    text_for_bytes = ("bytes" in str(avro) or "fixed" in str(avro)) and ("'text'" in str(value) or "'S0'" in str(value))
    if any(each in reasons for each in ("digits than a", "no such field")) or text_for_bytes:
        return
    assert (not found) == fastavro_takes(avro, value), (value, found)
