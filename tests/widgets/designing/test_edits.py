from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.parsing.avro import read_schema
from intempt_nb.widgets.designing.draft import Draft
from intempt_nb.widgets.designing.edits import added, changed, deleted, duplicated, moved, pasted
from intempt_nb.widgets.designing.pasting import names_in
from intempt_nb.widgets.designing.problems import flaws_of
from intempt_nb.widgets.designing.rows import cells, rows_of
from intempt_nb.widgets.designing.shapes import TYPES
from random_schemas import Maker, enum, field, record

if TYPE_CHECKING:
    from decimal import Decimal


def types_of(document: Any) -> list[Any]:
    return [each["type"] for each in document["fields"]]


def names_of(document: Any) -> list[str]:
    return [each["name"] for each in document["fields"]]


def one(avro: Any, **more: Any) -> dict[str, Any]:
    return record(field("f", avro, **more))


def f(document: Any) -> Any:
    return document["fields"][0]


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ("string", "int", "int"),
        (["null", "string"], "long", ["null", "long"]),
        (["string", "null"], "long", ["long", "null"]),
        ({"type": "string", "logicalType": "date"}, "int", {"type": "int", "logicalType": "date"}),
        ({"type": "string", "logicalType": "uuid"}, "long", "long"),
        ("string", "enum", {"type": "enum", "name": "f", "symbols": []}),
        ({"type": "fixed", "name": "Kept", "size": 3}, "enum", {"type": "enum", "name": "Kept", "symbols": []}),
        ({"type": "array", "items": "int"}, "map", {"type": "map", "values": "int"}),
        ("int", "array", {"type": "array", "items": "string"}),
        (record(name="Inner"), "array", {"type": "array", "items": record(name="Inner")}),
        ({"type": "array", "items": record(name="Inner")}, "record", record(name="Inner")),
        (["null", "int", "string"], "string", ["null", "string"]),
        (["int", "string"], "boolean", "boolean"),
        (["null", "int"], "custom", ["null", "int", "string"]),
    ],
)
def test_another_type_keeps_what_fits(before: Any, kind: str, after: Any) -> None:
    assert f(changed(one(before, doc="d", title="t"), "/fields/0", "type", kind)) == field(
        "f", after, doc="d", title="t"
    )


@pytest.mark.parametrize(
    ("before", "default", "kind", "kept"),
    [
        ("int", 5, "double", 5),
        ("int", 5, "string", "5"),
        ("string", "5", "int", 5),
        (["null", "int"], None, "string", None),
    ],
)
def test_a_default_that_fits_the_new_type_stays(before: Any, default: Any, kind: str, kept: Any) -> None:
    assert f(changed(one(before, default=default), "/fields/0", "type", kind))["default"] == kept


def test_a_default_that_does_not_fit_the_new_type_goes() -> None:
    assert "default" not in f(changed(one("string", default="abc"), "/fields/0", "type", "int"))


def test_names_of_new_types_are_made_of_the_fields_and_are_the_only_ones() -> None:
    document = record(field("R", "string"), field("string", "string"), field("size", "string"))
    for index, kind in enumerate(("record", "enum", "fixed")):
        document = changed(document, f"/fields/{index}", "type", kind)
    assert [each["name"] for each in types_of(document)] == ["R_2", "string_2", "size"]


def test_null_stands_where_the_default_is_of_the_first_branch() -> None:
    assert f(changed(one("int"), "/fields/0", "nullable", True))["type"] == ["null", "int"]
    assert f(changed(one("int", default=1), "/fields/0", "nullable", True))["type"] == ["int", "null"]
    assert f(changed(one(["null", "int"]), "/fields/0", "default", "7")) == field("f", ["int", "null"], default=7)
    assert f(changed(one(["int", "null"]), "/fields/0", "default", "null")) == field("f", ["null", "int"], default=None)


def test_taking_null_away_keeps_all_other_branches_and_no_default_of_null() -> None:
    document = changed(one(["null", "int", "string"], default=None), "/fields/0", "nullable", False)
    assert f(document) == field("f", ["int", "string"])


@pytest.mark.parametrize(
    ("avro", "typed", "default"),
    [
        ("string", "12", "12"),
        ("string", "null", "null"),
        (["null", "string"], "null", None),
        ("string", '""', ""),
        ("long", "9007199254740993", 9007199254740993),
        ("boolean", "true", True),
        ("int", "twelve", "twelve"),
        ("double", "1e999", "1e999"),
        ("double", "NaN", "NaN"),
        ({"type": "array", "items": "double"}, "[1e999]", "[1e999]"),
        ({"type": "array", "items": "string"}, '["\\ud800"]', '["\\ud800"]'),
        ({"type": "array", "items": "int"}, "[1, 2]", [1, 2]),
    ],
)
def test_a_default_is_what_was_typed(avro: Any, typed: str, default: Any) -> None:
    document = changed(one(avro), "/fields/0", "default", typed)
    assert json.dumps(f(document)["default"]) == json.dumps(default)
    shown = cells(next(rows_of(document)))["default"]
    assert shown == typed or json.loads(shown) == typed
    assert changed(document, "/fields/0", "default", shown) is document
    assert changed(document, "/fields/0", "default", "") == one(avro)


def logical(kind: str, name: str, **parts: Any) -> dict[str, Any]:
    return {"type": kind, **({"name": "F"} if kind == "fixed" else {}), "logicalType": name, **parts}


MONEY = logical("bytes", "decimal", precision=6, scale=2)


@pytest.mark.parametrize(
    ("avro", "typed", "default", "shown"),
    [
        (MONEY, "12.5", "\x04\xe2", "12.50"),
        (MONEY, "-1.28", "\x80", "-1.28"),
        (MONEY, "-.01e2", "\x9c", "-1.00"),
        (MONEY, "0", "\x00", "0.00"),
        (MONEY, "9999.99", "\x0f\x42\x3f", "9999.99"),
        (["null", MONEY], "null", None, "null"),
        (logical("fixed", "decimal", size=4, precision=6, scale=2), "-1", "\xff\xff\xff\x9c", "-1.00"),
        (logical("bytes", "decimal", precision=9), "9" * 9, (10**9 - 1).to_bytes(4).decode("l1"), "9" * 9),
        (logical("fixed", "uuid", size=16), "00112233-4455-6677-8899-AABBCCDDEEFF",
         bytes.fromhex("00112233445566778899aabbccddeeff").decode("l1"), "00112233-4455-6677-8899-aabbccddeeff"),
        (logical("bytes", "big-decimal"), '"\\u0002A\\u0000"', "\x02A\x00", '"\\u0002A\\u0000"'),
        (logical("fixed", "duration", size=12), '"abcdefghijkl"', "abcdefghijkl", '"abcdefghijkl"'),
        (logical("bytes", "decimal"), "12.5", "12.5", "12.5"),  # which stays bytes
        ("bytes", '"a', '"a', '"a'),
        ("bytes", '"\\n"', "\n", '"\\n"'),
        ("bytes", "\xff", "\xff", "\xff"),
    ],
)  # fmt: skip
def test_a_default_of_bytes_is_what_its_type_means(avro: Any, typed: str, default: Any, shown: str) -> None:
    document = changed(one(avro), "/fields/0", "default", typed)
    assert f(document)["default"] == default
    examine = read_schema(document)[1]
    assert all("default" not in each.path for each in examine)
    assert cells(next(rows_of(document)))["default"] == shown
    again = changed(one(avro), "/fields/0", "default", shown)
    assert f(again) == f(document)


@pytest.mark.parametrize(
    ("avro", "typed", "reason"),
    [
        (MONEY, "12.555", "more digits behind the point than the scale allows, 2"),
        (MONEY, "10000", "more digits before the point than the precision allows, 4"),
        (MONEY, "12,5", "'12,5' is no decimal number; write it like 1.25"),
        (MONEY, "NaN", "no decimal number"),
        (["null", MONEY], "none", "no decimal number"),
        (logical("fixed", "uuid", size=16), "0011", "no UUID"),
        (logical("fixed", "duration", size=12), "P1D", "write them in quotes"),
        (logical("bytes", "big-decimal"), "12.5", "write them in quotes"),
    ],
)
def test_a_default_that_says_no_value_stays_as_it_was_typed_and_is_told(avro: Any, typed: str, reason: str) -> None:
    document = changed(one(avro), "/fields/0", "default", typed)
    assert cells(next(rows_of(document)))["default"] == typed
    assert changed(document, "/fields/0", "default", typed) is document
    (told,) = flaws_of(Draft(document, "c", source_id="1"), None)
    assert (told.path, told.key, told.level) == ("/fields/0", "default", "error")
    assert reason in told.message


@given(
    st.integers(1, 76).flatmap(lambda precision: st.tuples(st.just(precision), st.integers(0, precision))),
    st.decimals(-(10**80), 10**80) | st.decimals(-1000, 1000, places=2),
    st.booleans(),
)
def test_a_decimal_default_is_that_number_or_refused(limits: tuple[int, int], number: Decimal, is_fixed: bool) -> None:
    precision, scale = limits
    avro = logical("fixed" if is_fixed else "bytes", "decimal", precision=precision, scale=scale)
    document = changed(one({**avro, "size": 32} if is_fixed else avro), "/fields/0", "default", str(number))
    default = f(document)["default"]
    text = cells(next(rows_of(document)))["default"]
    unscaled = Fraction(number) * 10**scale
    if unscaled.denominator == 1 and abs(unscaled) < 10**precision:
        assert int.from_bytes(default.encode("latin-1"), signed=True) == unscaled
        assert Fraction(text) == Fraction(number)
    else:
        assert (default, text) == ([str(number)], str(number))


def test_a_decimal_default_stays_the_number_while_its_type_changes() -> None:
    document = changed(one(MONEY), "/fields/0", "default", "12.5")
    document = changed(document, "/fields/0", "scale", "4")
    assert cells(next(rows_of(document)))["default"] == "12.5000"
    document = changed(document, "/fields/0", "scale", "0")
    assert f(document)["default"] == ["12.5000"]  # no value, and not lost
    document = changed(changed(document, "/fields/0", "scale", "4"), "/fields/0", "logical", "")
    assert f(document) == field("f", "bytes", default="12.5000")
    document = changed(document, "/fields/0", "logical", "decimal")
    assert cells(next(rows_of(document)))["default"] == "12.50"
    assert f(changed(document, "/fields/0", "type", "double"))["default"] == 12.5


def test_parameters_of_logical_types_are_ones_that_work() -> None:
    for avro in ("bytes", {"type": "fixed", "name": "F", "size": 4}):
        document = changed(one(avro), "/fields/0", "logical", "decimal")
        _, warned = read_schema(document)
        assert not warned
        assert f(changed(document, "/fields/0", "logical", ""))["type"] == avro
    document = changed(one({"type": "fixed", "name": "F", "size": 4}), "/fields/0", "logical", "uuid")
    assert f(document)["type"]["size"] == 16
    document = changed(changed(one("bytes"), "/fields/0", "logical", "decimal"), "/fields/0", "precision", "nine")
    assert f(document)["type"]["precision"] == "nine"  # for the schema core to judge
    assert f(changed(document, "/fields/0", "precision", "9"))["type"]["precision"] == 9


def test_symbols_and_types_inside_are_edited_where_they_are() -> None:
    document = one(["null", {"type": "array", "items": enum("A")}])
    path = "/fields/0/type/1/items"
    document = changed(document, path, "symbols", " X, Y;Z\nW ")
    assert f(document)["type"][1]["items"] == enum("X", "Y", "Z", "W")
    document = changed(document, path, "nullable", True)
    assert f(document)["type"][1]["items"] == ["null", enum("X", "Y", "Z", "W")]


def test_a_custom_type_is_json_or_the_name_of_a_type() -> None:
    document = record(field("a", record(name="Inner")), field("b", "string"))
    document = changed(document, "/fields/1", "custom", "Inner")
    assert cells(list(rows_of(document))[1])["custom"] == "Inner"
    assert types_of(changed(document, "/fields/1", "custom", '["int", "string"]'))[1] == ["int", "string"]
    assert types_of(changed(document, "/fields/1", "custom", '["int", '))[1] == '["int",'  # nothing typed is lost


@pytest.mark.parametrize("key", ["custom", "type"])
def test_a_type_that_is_used_elsewhere_keeps_its_definition(key: str) -> None:
    union = ["int", {"type": "enum", "name": "x.E1", "symbols": ["A"]}]
    before = record(field("a", union), field("b", "x.E1"))
    after = changed(before, "/fields/0", key, "string")
    assert [each["type"] for each in after["fields"]] == ["string", union[1]]


def test_a_type_nested_too_deeply_is_only_text() -> None:
    typed = '{"type": "array", "items": ' * 120 + '"int"' + "}" * 120
    assert types_of(changed(one("int"), "/fields/0", "custom", typed)) == [typed]


def test_what_the_table_does_not_show_is_kept() -> None:
    document = record(field("a", {"type": "string", "x": 1}, aliases=["b"], y=2), namespace="n", z=[3])
    after = changed(changed(document, "/fields/0", "name", "c"), "/fields/0", "nullable", True)
    assert after == record(field("c", ["null", {"type": "string", "x": 1}], aliases=["b"], y=2), namespace="n", z=[3])
    assert list(after) == list(document)
    assert list(f(after)) == list(f(document))


def test_the_same_again_is_no_edit() -> None:
    document = one("string", title="t", display=True)
    for key, value in cells(next(rows_of(document))).items():
        assert changed(document, "/fields/0", key, value) is document


def test_places_that_are_not_there_are_errors() -> None:
    for path in ("/fields/7", "/fields/x", "/nothing", "", "/fields"):
        with pytest.raises(DataError):
            changed(one("int"), path, "name", "x")
    with pytest.raises(DataError, match="no cell 'color'"):
        changed(one("int"), "/fields/0", "color", "x")
    with pytest.raises(DataError, match="Avro tab"):
        changed(record("no field"), "/fields/0", "type", "int")


def test_half_a_character_is_an_error() -> None:
    with pytest.raises(DataError, match="half"):
        changed(one("int"), "/fields/0", "doc", "\ud83d")


def test_fields_are_added_copied_moved_and_deleted() -> None:
    document, path = added(record(), "/fields")
    document, path = added(document, "/fields", 0)
    assert (names_of(document), path) == (["field_2", "field"], "/fields/0")
    document, path = duplicated(document, "/fields/1")
    assert (names_of(document), path) == (["field_2", "field", "field_3"], "/fields/2")
    document, path = moved(document, path, -9)
    assert (names_of(document), path) == (["field_3", "field_2", "field"], "/fields/0")
    assert moved(document, path, -1) == (document, path)
    assert names_of(deleted(document, "/fields/1")) == ["field_3", "field"]


def test_definitions_go_to_their_first_use() -> None:
    inner = record(field("x", "int"), field("next", ["null", "Inner"]), name="Inner")
    document = record(field("a", inner), field("b", {"type": "array", "items": "Inner"}), field("c", "Inner"))
    assert types_of(deleted(document, "/fields/0")) == [{"type": "array", "items": inner}, "Inner"]
    assert types_of(moved(document, "/fields/2", -1)[0]) == [inner, "Inner", {"type": "array", "items": "Inner"}]
    assert types_of(moved(document, "/fields/0", 2)[0]) == [{"type": "array", "items": inner}, "Inner", "Inner"]
    assert types_of(duplicated(document, "/fields/0")[0])[:2] == [inner, "Inner"]
    assert types_of(changed(document, "/fields/0", "type", "int")) == [
        "int",
        {"type": "array", "items": inner},
        "Inner",
    ]


def test_a_definition_keeps_its_namespace_where_it_goes() -> None:
    outer = record(field("e", enum("A")), name="Outer", namespace="n")
    document = record(field("a", outer), field("b", "n.E"), field("c", "n.Outer"))
    after = deleted(document, "/fields/0")
    assert types_of(after) == [{**enum("A"), "namespace": "n"}, record(field("e", "E"), name="Outer", namespace="n")]
    read_schema(after)


@given(st.integers(0, 2**32), st.data())
def test_a_schema_that_is_right_stays_right(seed: int, data: st.DataObject) -> None:
    document: Any = Maker(random.Random(seed)).record(3)
    read_schema(document)
    for _ in range(3):
        row = data.draw(st.sampled_from([row for row in rows_of(document) if row.role == "field"] or [None]))
        if row is None:
            return
        match data.draw(st.sampled_from(["delete", "duplicate", "move", "type", "nullable"])):
            case "delete":
                document = deleted(document, row.path)
            case "duplicate":
                document, _ = duplicated(document, row.path)
            case "move":
                document, _ = moved(document, row.path, data.draw(st.integers(-2, 2)))
            case "type":
                kind = data.draw(st.sampled_from([each for each in TYPES if each != "custom"]))
                document = changed(document, row.path, "type", kind)
            case "nullable" if row.shape.node != "null":
                document = changed(document, row.path, "nullable", not row.shape.nullable)
        read_schema(document)


def test_pasted_names_become_fields_of_text() -> None:
    document, paths, there = pasted(record(field("id", "int")), names_in("id,Booking ID;x\n2nd\tx\n"), "/fields")
    assert document["fields"][1:] == [
        field("Booking_ID_x", "string", title="Booking ID;x"),
        field("_2nd", "string", title="2nd"),
        field("x", "string"),
    ]
    assert paths == ["/fields/1", "/fields/2", "/fields/3"]
    assert there == ["id"]
    assert pasted(document, ["2nd"], "/fields")[2] == ["2nd"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a\nb\r\n\n c ", ["a", "b", "c"]),
        ('\ufeffa,"b, c",d', ["a", "b, c", "d"]),
        ("a\tb,c\td", ["a", "b,c", "d"]),
        ("a;b", ["a", "b"]),
        (" \n,", []),
    ],
)
def test_names_are_found_in_what_is_pasted(text: str, names: list[str]) -> None:
    assert names_in(text) == names


def test_rows_show_a_schema_error_nowhere() -> None:
    """Whatever JSON stands in a record's fields has rows, and what is wrong is for the core to say."""
    wrong = [5, None, "x", [], {}, {"name": 5}, {"name": "a", "type": 5}, {"name": "a", "type": ["null", ["int"]]}]
    wrong += [{"name": "a", "type": {"type": "record", "fields": {"a": 1}}}, {"name": "a", "type": {"type": "array"}}]
    wrong += [{"name": "a", "type": {"type": "enum", "symbols": "AB"}, "default": [float("inf")]}]
    document = record(*wrong)
    assert len([cells(row) for row in rows_of(document)]) == len(wrong)
    with pytest.raises(SchemaError):
        read_schema(document)
