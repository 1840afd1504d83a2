"""May data written with one schema be read with another: the shared pairs, two oracles, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from intempt_nb.schema.comparing.compatibility import Compatibility, Incompatibility, Mode, compatibility
from intempt_nb.schema.model import Field, Int, Null, Record, Reference, String, Union
from intempt_nb.schema.parsing.avro import ParsedSchema, read_schema
from random_schemas import PRIMITIVES, PROMOTED, decimal, enum, field, fixed, record
from shared import cases

PAIRS = "conformance/avro/compat_pairs.json"


def parsed(avro: Any) -> ParsedSchema:
    schema, _ = read_schema(avro)
    return schema


def check(new: Any, old: Any, mode: Mode = "backward") -> Compatibility:
    return compatibility(parsed(new), parsed(old), mode)


def told(found: tuple[Incompatibility, ...]) -> list[tuple[str, str, str]]:
    return [(each.kind, each.reader_path, each.writer_path) for each in found]


# --- the shared pairs -------------------------------------------------------------------------------------------------


def in_one_schema(found: Incompatibility) -> str:
    """Return the location as the suites have it: in the reader, and for a missing branch the writer's branch."""
    branch = found.writer_path.rpartition("/")[2]
    missing = found.kind == "MISSING_UNION_BRANCH" and branch.isdecimal()
    return (f"{found.reader_path}/{branch}" if missing else found.reader_path) or "/"


@pytest.mark.parametrize("case", cases(PAIRS))
def test_the_shared_pairs_have_the_answer_of_the_public_suites(case: dict[str, Any]) -> None:
    found = check(case["reader"], case["writer"])
    assert found.compatible == (case["expected"] == "compatible"), f"{case.get('spec_note', '')}\n{found}"


@pytest.mark.parametrize("case", cases(PAIRS))
def test_incompatible_pairs_are_told_at_the_locations_of_the_public_suites(case: dict[str, Any]) -> None:
    if case["expected"] == "incompatible" and "locations" in case:
        found = check(case["reader"], case["writer"]).incompatibilities
        ours, theirs = {in_one_schema(each) for each in found}, set(case["locations"])
        # Where a name does not fit, one suite has the location of the name and another the root: both are listed.
        either = {"/"} if any(each.kind == "NAME_MISMATCH" for each in found) else set()
        assert ours | (either & theirs) == theirs


LOGICAL_TYPES = [
    # Another scale or precision on the same bytes is compatible to the suites (c183, c184, c196, c197): a warning.
    (decimal(4, 0), decimal(4, 2), True, ["LOGICAL_TYPE_MISMATCH"]),
    (decimal(5, 2), decimal(4, 2), True, ["LOGICAL_TYPE_MISMATCH"]),
    (decimal(4, 2), decimal(4, 2), True, []),
    (decimal(4, 2, fixed(2)), decimal(4, 2, fixed(2)), True, []),
    # "two schemas that are decimal logical types match if their scales and precisions match" (c193, c209): they do,
    # whatever they are on, though other readers refuse it.
    (decimal(4, 2, fixed(3, "G")), decimal(4, 2, fixed(2)), True, ["LOGICAL_TYPE_MISMATCH"]),
    (decimal(4, 2), decimal(4, 2, fixed(2)), True, ["LOGICAL_TYPE_MISMATCH"]),
    # Neither the decimals nor what they are on match (c200, c201, c202, c205).
    (decimal(4, 0), decimal(4, 2, fixed(2)), False, []),
    (decimal(4, 2, fixed(2)), "bytes", False, []),
    ("bytes", decimal(4, 2, fixed(2)), False, []),
    # A plain base takes any meaning and has none (c179, c180, c188).
    ("bytes", decimal(4, 2), True, []),
    (decimal(4, 2), "bytes", True, []),
    (decimal(4, 2), "string", True, []),
    ("long", {"type": "long", "logicalType": "timestamp-millis"}, True, []),
    (
        {"type": "long", "logicalType": "timestamp-micros"},
        {"type": "long", "logicalType": "timestamp-millis"},
        True,
        ["LOGICAL_TYPE_MISMATCH"],
    ),
    (
        {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "int", "logicalType": "date"},
        True,
        ["LOGICAL_TYPE_MISMATCH"],
    ),
    ({"type": "string", "logicalType": "uuid"}, fixed(16, logicalType="uuid"), False, []),
    (fixed(16, logicalType="uuid"), fixed(16), True, []),
]


@pytest.mark.parametrize(("reader", "writer", "compatible", "warnings"), LOGICAL_TYPES)
def test_logical_types_are_read_by_their_base_and_a_change_of_meaning_is_a_warning(
    reader: Any, writer: Any, compatible: bool, warnings: list[str]
) -> None:
    found = check(record(field("x", reader)), record(field("x", writer)))
    assert found.compatible is compatible
    assert [each.kind for each in found.warnings] == warnings
    assert {each.reader_path for each in found.warnings} <= {"/fields/0/type"}


# --- the rules, one by one --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", PRIMITIVES)
@pytest.mark.parametrize("reader", PRIMITIVES)
def test_primitive_types_are_promoted_as_specified_and_not_otherwise(reader: str, writer: str) -> None:
    fits = reader == writer or reader in PROMOTED.get(writer, set())
    assert check(reader, writer).compatible is fits
    assert check({"type": "array", "items": reader}, {"type": "array", "items": writer}).compatible is fits
    assert check({"type": "map", "values": reader}, {"type": "map", "values": writer}).compatible is fits
    assert check(["null", reader] if reader != "null" else [reader], writer).compatible is (fits or writer == "null")


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ("long", "string", [("TYPE_MISMATCH", "", "")]),
        (record(name="A"), record(name="B"), [("NAME_MISMATCH", "/name", "/name")]),
        (fixed(8), fixed(4), [("FIXED_SIZE_MISMATCH", "/size", "/size")]),
        (enum("A"), enum("A", "B"), [("MISSING_ENUM_SYMBOLS", "/symbols", "/symbols")]),
        (record(field("a", "int")), record(), [("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/0", "/fields")]),
        (["int"], ["int", "null"], [("MISSING_UNION_BRANCH", "", "/1")]),
        (["int"], "null", [("MISSING_UNION_BRANCH", "", "")]),
        ("int", ["int", "null"], [("TYPE_MISMATCH", "", "/1")]),
        ([], "int", [("MISSING_UNION_BRANCH", "", "")]),
        (
            {"type": "map", "values": "int"},
            {"type": "map", "values": "long"},
            [("TYPE_MISMATCH", "/values", "/values")],
        ),
        (
            record(field("b", {"type": "array", "items": "int"}), field("a", "int")),
            record(field("a", "string"), field("b", {"type": "array", "items": "long"})),
            [
                ("TYPE_MISMATCH", "/fields/0/type/items", "/fields/1/type/items"),
                ("TYPE_MISMATCH", "/fields/1/type", "/fields/0/type"),
            ],
        ),
        (
            record(*(field(f"f{number}", "int") for number in range(11))),
            record(*(field(f"f{number}", "int") for number in range(11) if number not in (2, 10))),
            [
                ("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/2", "/fields"),
                ("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/10", "/fields"),
            ],
        ),
    ],
)
def test_each_kind_is_told_at_its_place_in_both_schemas(new: Any, old: Any, expected: list[Any]) -> None:
    assert told(check(new, old).incompatibilities) == expected


@pytest.mark.parametrize(
    ("new", "old", "part"),
    [
        (record(field("email", "int")), record(field("e_mail", "int")), "'email'"),
        (record(field("email", "int")), record(field("e_mail", "int")), "did you mean 'e_mail'"),
        (record(field("email", "int")), record(), "give it a default"),
        (enum("A"), enum("A", "B", "C"), "B, C: add what is missing, or give the enum a default"),
        (record(name="A"), record(name="x.B"), "give it the alias 'x.B'"),
        (fixed(8), fixed(4), "the writer has 4 bytes, the reader 8"),
        ("int", "long", "use long or float or double"),
        (["null", "int"], ["null", "string"], "takes string: add it"),
    ],
)
def test_the_message_says_what_was_found_and_what_to_do(new: Any, old: Any, part: str) -> None:
    (found,) = check(new, old).incompatibilities
    assert part in found.message


def test_a_missing_field_is_filled_by_its_default_and_by_no_enums_default() -> None:
    assert check(record(field("a", "int", default=0)), record())
    assert check(record(field("a", ["null", "int"], default=None)), record())
    assert not check(record(field("a", ["null", "int"])), record())
    assert not check(record(field("a", enum("A", default="A"))), record())


def test_an_unknown_symbol_becomes_the_readers_default_and_not_the_writers() -> None:
    assert check(enum("A", default="A"), enum("A", "B"))
    assert not check(enum("A"), enum("A", "B", default="B"))


def named(kind: str, name: str, *aliases: str) -> dict[str, Any]:
    rest: dict[str, Any] = {"record": {"fields": []}, "enum": {"symbols": ["A"]}, "fixed": {"size": 1}}
    return {"type": kind, "name": name, "aliases": list(aliases), **rest[kind]}


@pytest.mark.parametrize("kind", ["record", "enum", "fixed"])
def test_names_fit_by_their_last_part_or_by_an_alias_in_full(kind: str) -> None:
    assert check(named(kind, "x.F"), named(kind, "y.F"))
    assert check(named(kind, "x.New", "Old"), named(kind, "x.Old"))
    assert check(named(kind, "x.New", "y.Old"), named(kind, "y.Old"))
    # "a type named a.b has aliases of c and x.y, then the fully qualified names of its aliases are a.c and x.y"
    assert not check(named(kind, "x.New", "Old"), named(kind, "y.Old"))
    assert not check(named(kind, "New"), named(kind, "Old", "New")), "only the reader's aliases count"


def test_a_field_takes_the_writers_field_of_its_name_before_one_of_an_alias() -> None:
    reader = record(field("new", "int", aliases=["older", "old"]))
    assert check(reader, record(field("old", "int")))
    assert told(check(reader, record(field("old", "string"))).incompatibilities) == [
        ("TYPE_MISMATCH", "/fields/0/type", "/fields/0/type")
    ]
    assert check(reader, record(field("old", "string"), field("new", "int")))
    assert not check(record(field("old", "int")), record(field("new", "int", aliases=["old"])))


def test_no_field_of_the_writer_is_taken_twice() -> None:
    written = record(field("x", "int"))
    twice = record(field("x", "int"), field("y", "int", aliases=["x"]))
    assert told(check(twice, written).incompatibilities) == [
        ("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/1", "/fields")
    ]


def test_not_even_by_an_alias_that_two_fields_have() -> None:
    # The parser refuses it; a schema need not come from the parser.
    reader = Record("R", (Field("y", Int(), aliases=("x",)), Field("z", Int(), aliases=("x",))))
    writer = Record("R", (Field("x", Int()),))
    found = compatibility(ParsedSchema(reader, {}), ParsedSchema(writer, {}))
    assert [each.reader_path for each in found.incompatibilities] == ["/fields/1"]


def test_a_union_takes_what_any_of_its_branches_takes() -> None:
    inner = record(field("a", "int"), name="x.A")
    other = record(field("b", "int"), name="y.A")
    assert check([inner, other], record(field("b", "int"), name="z.A"))
    assert check("double", ["int", "long", "float"])
    assert check("int", [])
    assert check(["null", "double"], ["null", "long"])


def test_a_missing_branch_brings_the_causes_of_the_branch_that_comes_nearest() -> None:
    reader = ["null", record(field("zip", "string"), field("kind", enum("A")), name="Address")]
    writer = ["null", record(field("kind", enum("A", "B")), name="Address")]
    (found,) = check(reader, writer).incompatibilities
    assert (found.kind, found.reader_path, found.writer_path) == ("MISSING_UNION_BRANCH", "", "/1")
    assert told(found.causes) == [
        ("READER_FIELD_MISSING_DEFAULT_VALUE", "/1/fields/0", "/1/fields"),
        ("MISSING_ENUM_SYMBOLS", "/1/fields/1/type/symbols", "/1/fields/0/type/symbols"),
    ]
    (unnamed,) = check(["null", record(name="A")], record(name="B")).incompatibilities
    assert told(unnamed.causes) == [("NAME_MISMATCH", "/1/name", "/name")]
    (none,) = check(["null", "int"], record(name="B")).incompatibilities
    assert none.causes == ()


def test_causes_below_causes_join_the_same_list() -> None:
    def nested(avro: Any) -> Any:
        return ["null", record(field("b", ["null", record(field("c", avro), name="B")]), name="A")]

    (found,) = check(nested("int"), nested("string")).incompatibilities
    assert [each.kind for each in found.causes] == ["MISSING_UNION_BRANCH", "TYPE_MISMATCH"]
    assert found.causes[1].reader_path == "/1/fields/0/type/1/fields/0/type"
    assert all(each.causes == () for each in found.causes)


# --- recursion and size -----------------------------------------------------------------------------------------------


def linked(avro: Any) -> Any:
    return record(field("value", avro), field("next", ["null", "List"]), name="List")


def test_recursive_schemas_are_told_of_once() -> None:
    assert check(linked("long"), linked("int"))
    assert told(check(linked("int"), linked("long")).incompatibilities) == [
        ("TYPE_MISMATCH", "/fields/0/type", "/fields/0/type"),
        ("MISSING_UNION_BRANCH", "/fields/1/type", "/fields/1/type/1"),
    ]


def circle(length: int, last: Any) -> ParsedSchema:
    """Return records that each name the next, all with the same last part of the name."""
    names = [f"n{number}.A" for number in range(length)]
    named = {
        name: Record(name, (Field("next", Reference(names[(at + 1) % length])), Field("x", Int() if at else last)))
        for at, name in enumerate(names)
    }
    return ParsedSchema(named[names[0]], named)


def test_mutual_recursion_of_different_lengths_ends_without_pythons_own_recursion() -> None:
    assert compatibility(circle(40, Int()), circle(41, Int()))
    found = compatibility(circle(40, Int()), circle(41, String()))
    assert len(found.incompatibilities) == 40


def ladder(steps: int, last: Any) -> ParsedSchema:
    """Return records that each name the next twice: written out, 2**steps types."""

    def either(number: int) -> Union:
        return Union((Null(), Reference(f"R{number + 1}")))

    named = {f"R{at}": Record(f"R{at}", (Field("a", either(at)), Field("b", either(at)))) for at in range(steps)}
    named[f"R{steps}"] = Record(f"R{steps}", (Field("x", last),))
    return ParsedSchema(named["R0"], named)


def test_types_that_are_named_again_and_again_cost_no_more() -> None:
    assert compatibility(ladder(60, Int()), ladder(60, Int()))
    found = compatibility(ladder(60, Int()), ladder(60, String()))
    assert [each.reader_path for each in found.incompatibilities] == ["/fields/0/type", "/fields/1/type"]
    causes = found.incompatibilities[0].causes
    assert [each.kind for each in causes].count("TYPE_MISMATCH") == 1
    assert len(causes) < 130
    again = found.incompatibilities[1]
    assert again.causes == ()
    assert "told of it elsewhere" in again.message


# --- modes and views --------------------------------------------------------------------------------------------------

OLD = record(field("a", "int"), field("b", "string"))
NEW = record(field("a", "long"), field("c", "int"))


def test_backward_reads_what_the_other_wrote_and_forward_is_the_other_way_round() -> None:
    backward, forward, full = check(NEW, OLD), check(NEW, OLD, "forward"), check(NEW, OLD, "full")
    assert told(backward.incompatibilities) == [("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/1", "/fields")]
    assert told(forward.incompatibilities) == [
        ("TYPE_MISMATCH", "/fields/0/type", "/fields/0/type"),
        ("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/1", "/fields"),
    ]
    assert full.incompatibilities == backward.incompatibilities + forward.incompatibilities
    assert [each.direction for each in full.incompatibilities] == ["backward", "forward", "forward"]
    assert (backward.mode, forward.mode, full.mode) == ("backward", "forward", "full")
    assert told(check(OLD, NEW).incompatibilities) == told(forward.incompatibilities)


def test_full_keeps_the_warnings_of_both_directions() -> None:
    found = check(decimal(4, 1), decimal(4, 2), "full")
    assert found
    assert [each.direction for each in found.warnings] == ["backward", "forward"]


def test_a_mode_that_does_not_exist_is_told() -> None:
    with pytest.raises(ValueError, match=r"'sideways'; expected 'backward', 'forward' or 'full'"):
        check("int", "int", "sideways")  # type: ignore[arg-type]  # what is tested


def test_the_answer_reads_well_when_all_fits() -> None:
    found = check("long", "int")
    assert bool(found) is True
    assert repr(found) == "compatible (backward): this schema reads what the other one wrote"
    assert "this schema reads what the other one wrote" in found._repr_html_()


def test_the_answer_tells_every_place_and_what_to_do_in_full() -> None:
    found = check(["null", NEW], ["null", OLD], "full")
    assert bool(found) is False
    text, html = repr(found), found._repr_html_()
    for each in found.incompatibilities:
        for line in (each, *each.causes):
            assert line.message in text
            assert line.reader_path in text
            assert line.writer_path in text
    assert "└ READER_FIELD_MISSING_DEFAULT_VALUE" in text
    assert "forward" in text
    assert "&#x27;c&#x27;" in html
    assert html.count("<tr>") == 1 + text.count("MISS") + text.count("TYPE_MISMATCH")
    assert str(found.incompatibilities[0]).startswith("/: ")


def test_warnings_are_shown_of_what_is_compatible() -> None:
    found = check(decimal(4, 1), decimal(4, 2))
    assert "warning: LOGICAL_TYPE_MISMATCH" in repr(found)
    assert repr(found).startswith("compatible")
    assert "warning: LOGICAL_TYPE_MISMATCH" in found._repr_html_()
