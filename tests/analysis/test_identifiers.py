"""Whether fields would make an identifier: what a plain count says too, of stored rows and of rows to be uploaded."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.analysis import check_identifier, identifiers
from intempt_nb.analysis.keys import KeySet, key_of, key_refusal, type_problem
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator

VISITORS = {"type": "record", "name": "visitor", "fields": [{"name": "id", "type": "string"}]}
STATUS = {"type": "enum", "name": "Status", "symbols": ["new", "old"]}
VISITS: dict[str, Any] = {
    "type": "record",
    "name": "visit",
    "namespace": "com.shop",
    "fields": [
        {"name": "number", "type": "long", "title": "Visit No."},
        {"name": "visitor", "type": ["null", "string"]},
        {"name": "was", "type": STATUS, "default": "new"},
        {"name": "status", "type": ["null", "Status"], "default": None},
        {"name": "price", "type": ["null", "double"], "default": None},
    ],
}


@pytest.fixture
def visits(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """Three visits; the visitor of one is not known, that of another is nobody's."""
    visits = shop.create_collection("visits", VISITS, kind="event")
    visits.create_identifier("visit", fields=["number"])
    for number, visitor in enumerate(("ann", None, "nobody")):
        visits.post({"number": number, "visitor": visitor, "was": "new"})
    return visits


@pytest.fixture
def visitors(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """Two visitors."""
    visitors = shop.create_collection("visitors", VISITORS, kind="profile")
    visitors.create_identifier("visitor", fields=["id"])
    for each in ("ann", "bob"):
        visitors.post({"id": each})
    return visitors


def test_what_is_the_primary_key_cannot_repeat_and_that_is_said(visits: inb.CollectionHandle) -> None:
    check = check_identifier(visits, ["number"])
    assert check
    assert (check.rows, check.whole, check.repeats, check.nulls) == (3, True, 0, {"number": 0})
    assert "number is the primary key" in check.words[-1]


def test_gaps_and_repeats_speak_against_a_key(visits: inb.CollectionHandle) -> None:
    visits.post({"number": 3, "visitor": "ann", "was": "old"})
    check = check_identifier(visits, ["visitor"])
    assert not check
    assert (check.nulls, check.without_key, check.repeats) == ({"visitor": 1}, 1, 1)
    assert [(each.values, each.rows) for each in check.examples] == [(("ann",), 2)]
    assert check_identifier(visits, ["visitor", "was"]).repeats == 0


def test_references_are_looked_up(visits: inb.CollectionHandle, visitors: inb.CollectionHandle) -> None:
    for there in (visitors, visitors.primary):
        check = check_identifier(visits, ["visitor"], there)
        assert not check
        assert check.reference is not None
        assert (check.reference.found, check.reference.missing, check.without_key) == (1, 1, 1)
        assert [str(each) for each in check.reference.examples] == ["nobody"]
        assert "visitor of visits: some references lead nowhere" in str(check)
    visitors.post({"id": "nobody"})
    assert check_identifier(visits, ["visitor"], visitors)


def test_a_sample_says_that_it_is_one(visits: inb.CollectionHandle, visitors: inb.CollectionHandle) -> None:
    check = check_identifier(visits, ["visitor"], visitors, rows=2)
    assert (check.rows, check.whole) == (2, False)
    assert check.reference is not None
    assert check.reference.whole  # of exactly two
    assert "first 2 rows" in str(check)
    partly = check_identifier(visits, ["visitor"], visitors, rows=1).reference
    assert partly is not None
    assert (partly.rows, partly.whole) == (1, False)


def test_types_that_differ_are_told_and_nothing_is_looked_up(
    visits: inb.CollectionHandle, visitors: inb.CollectionHandle
) -> None:
    check = check_identifier(visits, ["number"], visitors)
    assert not check
    assert check.words == ("number is long, and id is string; a reference needs the same types, in the same order.",)
    assert "not found" not in str(check)


def test_rows_that_are_to_be_uploaded_are_checked_as_the_upload_would_read_them(shop: inb.SourceHandle) -> None:
    empty = shop.create_collection("empty", VISITS)
    assert "before it has a primary identifier" in check_identifier(empty, ["number"]).words[0]
    frame = pd.DataFrame({"Visit No.": ["7", "8", "8", None, "nine"], "visitor": list("abcde")})
    check = check_identifier(empty, ["number"], data=frame)
    assert not check
    assert (check.rows, check.rejected, check.without_key, check.repeats) == (5, 1, 1, 1)
    assert check.examples[0].values == (8,)
    with pytest.raises(inb.DataError, match="field 'status': DataFrame has no column for it"):
        check_identifier(empty, ["number", "status"], data=frame)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], "at least one"),
        ("number", "a list of names"),
        (["nummer"], "did you mean 'number'"),
        (["number", "number"], "named twice"),
        (["price"], "field 'price': double: numbers with fractions are no keys"),
    ],
)
def test_fields_that_can_be_no_key_are_refused(visits: inb.CollectionHandle, fields: Any, message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        check_identifier(visits, fields)


def test_only_a_primary_identifier_can_be_referred_to(
    visits: inb.CollectionHandle, visitors: inb.CollectionHandle
) -> None:
    user = visitors.create_identifier("user", fields=["id"], type="user")
    with pytest.raises(inb.DataError, match="only a primary"):
        check_identifier(visits, ["visitor"], user)
    with pytest.raises(inb.DataError, match="rows is 0"):
        check_identifier(visits, ["visitor"], visitors, rows=0)


def test_what_was_found_is_shown_escaped(shop: inb.SourceHandle) -> None:
    things = shop.create_collection("things", VISITORS)
    check = check_identifier(things, ["id"], data=[{"id": "<b>"}, {"id": "<b>"}, {"id": "x" * 10_000}])
    assert "&lt;b&gt; (2 rows)" in check._repr_html_()
    assert "<b>" not in check._repr_html_()
    assert "1 row has the same id" in repr(check)


PARENTS = Schema.parse(
    {"type": "record", "name": "p", "fields": [{"name": "x", "type": "string"}, {"name": "n", "type": "long"}]}
)
CHILDREN = Schema.parse(
    {
        "type": "record",
        "name": "c",
        "fields": [{"name": "to", "type": ["null", "string"]}, {"name": "at", "type": ["null", "long"]}],
    }
)
KEYS = st.tuples(st.sampled_from(["", "a", "b", "aa", "ä" * 9]), st.integers(-1, 1))
GAPS = st.tuples(st.none() | st.sampled_from(["", "a", "b", "aa", "ä" * 9]), st.none() | st.integers(-1, 1))


def batches(rows: list[tuple[Any, ...]], schema: Schema, size: int) -> Iterator[pa.RecordBatch]:
    columns = list(zip(*rows, strict=True)) or [(), ()]
    kinds = (pa.string(), pa.int64())
    table = pa.table(
        {name: pa.array(column, kind) for name, column, kind in zip(schema.names, columns, kinds, strict=True)}
    )
    return iter(table.to_batches(max_chunksize=size))


@given(st.lists(GAPS, max_size=40), st.lists(KEYS, max_size=12), st.integers(1, 7))
def test_the_counts_are_those_of_a_plain_look(rows: list[Any], parents: list[Any], size: int) -> None:
    known, parent_key = KeySet(), key_of(PARENTS, ["x", "n"])
    for batch in batches(parents, PARENTS, size):
        known.add(parent_key.groups(parent_key.complete(batch)).hashes)
    tally = identifiers._Tally(key_of(CHILDREN, ["to", "at"]), known)
    for batch in batches(rows, CHILDREN, size):
        tally.add(batch)
    whole = [row for row in rows if None not in row]
    counts = Counter(whole)
    missing = [row for row in whole if row not in parents]
    assert tally.nulls == {"to": sum(row[0] is None for row in rows), "at": sum(row[1] is None for row in rows)}
    assert tally.without_key == len(rows) - len(whole)
    assert tally.repeats == len(whole) - len(counts)
    assert (tally.found, tally.missing) == (len(whole) - len(missing), len(missing))
    repeated = [row for row in whole if counts[row] > 1]
    shown = {each.values: each.rows for each in tally.repeated.list()}
    assert len(shown) == min(5, len(set(repeated)))
    assert all(counts[values] == count for values, count in shown.items())
    absent = {each.values: each.rows for each in tally.unmatched.list()}
    assert set(absent) <= set(missing)
    assert len(absent) == min(5, len(set(missing)))
    assert all(counts[values] == count for values, count in absent.items())


TYPES: list[Any] = [
    "string",
    ["null", "string"],
    "int",
    "long",
    "bytes",
    "boolean",
    {"type": "string", "logicalType": "uuid"},
    {"type": "string", "logicalType": "date"},
    {"type": "int", "logicalType": "date"},
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "fixed", "name": "Four", "size": 4},
    {"type": "fixed", "name": "Vier", "size": 4},
    {"type": "enum", "name": "A", "symbols": ["x", "y"]},
    {"type": "enum", "name": "B", "symbols": ["x", "y"]},
    {"type": "enum", "name": "C", "symbols": ["x", "z"]},
    {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2},
    {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[inb.CollectionHandle, list[inb.CollectionHandle]]]:
    """A collection with a field of each type, and for each type a collection that has it for its key."""
    with inb.sandbox() as client:
        source = client.create_source("shop")
        fields = [{"name": f"f{at}", "type": avro} for at, avro in enumerate(TYPES)]
        here = source.create_collection("here", {"type": "record", "name": "here", "fields": fields})
        there = []
        for at, avro in enumerate(TYPES):
            schema = {"type": "record", "name": "there", "fields": [{"name": "key", "type": avro}]}
            there.append(source.create_collection(f"there{at}", schema))
            there[-1].create_identifier("key", fields=["key"])
        yield here, there


def test_types_fit_where_the_server_says_so(pair: tuple[inb.CollectionHandle, list[inb.CollectionHandle]]) -> None:
    here, others = pair
    for there in others:
        key = there.primary
        for name in here.schema.names:
            problem = type_problem(here.schema, [name], there.schema, ["key"])
            try:
                here.create_identifier("link", fields=[name], type="foreign", references=key)
            except inb.RejectedError:
                assert problem is not None, (name, there.name)
            else:
                assert problem is None


def test_a_reference_needs_as_many_fields() -> None:
    assert type_problem(CHILDREN, ["to"], PARENTS, ["x", "n"]) == (
        "The key has 2 fields (x, n); choose as many fields, in the same order."
    )


@pytest.mark.parametrize(
    "avro", ["float", ["null", "double"], {"type": "array", "items": "int"}, ["int", "string"], "null"]
)
def test_values_that_may_look_equal_and_differ_are_no_keys(avro: Any) -> None:
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "f", "type": avro}]})
    assert key_refusal(schema["f"].type, schema.named) is not None
