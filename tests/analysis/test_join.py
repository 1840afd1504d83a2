"""Joins follow what is declared: against a plain look-up, in a sandbox, with all that can be wrong."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.analysis import join
from intempt_nb.analysis.linking.matching import match_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT, LONG = ["null", "string"], ["null", "long"]


def record(_name: str, /, **fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": _name,
        "fields": [{"name": name, "type": kind} for name, kind in fields.items()],
    }


@pytest.fixture(scope="module")
def client() -> Iterator[inb.Client]:
    """A client of one sandbox for all: the tests only read, or make sources of their own."""
    with inb.sandbox() as client:
        yield client


@pytest.fixture(scope="module")
def shop(client: inb.Client) -> inb.SourceHandle:
    """Visits of visitors; one visitor is not known, one visit is nobody's."""
    shop = client.create_source("shop")
    visitors = shop.create_collection("visitors", record("v", id="string", age=LONG, name="string"), kind="profile")
    visitors.create_identifier("visitor", fields=["id"])
    visits = shop.create_collection(
        "visits", record("w", number="long", who=TEXT, friend=TEXT, name="string"), kind="event"
    )
    visits.create_identifier("visit", fields=["number"])
    for each in ({"id": "ann", "age": None, "name": "Ann"}, {"id": "Bob", "age": 2**53 + 1, "name": "Bob"}):
        visitors.post(each)
    for number, who in enumerate(("Bob", "ann", "bob", None, "bob"), 1):
        visits.post({"number": number, "who": who, "friend": "ann", "name": f"visit {number}"})
    return shop


@pytest.fixture(scope="module")
def visits(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """The visits, linked to the visitors."""
    visits = shop.collections["visits"]
    visits.create_identifier("visitor", fields=["who"], type="foreign", references=shop.collections["visitors"].primary)
    visits.create_relation("visited by", "visitor")
    return visits


@pytest.fixture(scope="module")
def visitors(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """The visitors."""
    return shop.collections["visitors"]


def test_nothing_is_guessed_where_nothing_is_declared(client: inb.Client) -> None:
    shop = client.create_source("undeclared")
    here = shop.create_collection("here", record("h", id="string"))
    there = shop.create_collection("there", record("t", id="string"))
    there.create_identifier("key", fields=["id"])
    with pytest.raises(inb.DataError, match=r"'here' has none; 'there' has key \(primary: id\).*create_identifier"):
        join(here, there)
    here.create_identifier("to", fields=["id"], type="foreign", references=there.primary)
    with pytest.raises(inb.DataError, match=r"'here' refers to 'there'.*join\(here, there\)"):
        join(there, here)
    with pytest.raises(inb.DataError, match=r"rows that are loaded already go by themselves, in rows="):
        join(pd.DataFrame(), there)  # type: ignore[arg-type]  # what a user may well try


def test_rows_get_the_columns_of_what_they_refer_to(
    visits: inb.CollectionHandle, visitors: inb.CollectionHandle
) -> None:
    joined = join(visits, visitors)
    assert list(joined.frame) == ["number", "who", "friend", "name", "age", "visitors.name"]
    assert joined.frame["age"].dtype == pd.ArrowDtype(pa.int64())
    assert joined.frame.set_index("number")["age"].dropna().to_dict() == {1: 2**53 + 1}
    assert joined.frame["visitors.name"].tolist() == ["Bob", "Ann", pd.NA, pd.NA, pd.NA]
    assert joined.matched.tolist() == [True, True, False, False, False]
    report = joined.report
    assert (report.rows, report.matched, report.orphans, report.without_key) == (5, 2, 2, 1)
    assert (report.others, report.unused, report.duplicates) == (2, 0, 0)
    example = report.orphan_examples[0]
    assert (example.values, example.rows, example.row, report.orphan_keys) == (("bob",), 2, 3, 1)
    assert "1 key: 'bob' (2 rows, first 3)" in repr(joined)
    assert "who of visits → id of visitors (foreign identifier 'visitor')" in str(report)


def test_a_frame_keeps_its_index_its_types_and_itself(
    visits: inb.CollectionHandle, visitors: inb.CollectionHandle
) -> None:
    rows = pd.DataFrame({"who": ["x", "ann"], "size": [1.5, 2.5]}, index=pd.Index([7, 7], name="at"))
    before = rows.copy(deep=True)
    joined = join(visits, visitors, rows=rows, columns=["name", "id"], prefix="by_")
    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_frame_equal(joined.frame[["who", "size"]], before)
    assert joined.frame["by_id"].tolist() == [pd.NA, "ann"]
    inner = join(visits, visitors, rows=rows, columns=["name"], how="inner", identifier="visited by").frame
    assert (inner["size"].tolist(), inner["name"].tolist(), inner.index.tolist()) == ([2.5], ["Ann"], [7])
    scanned = join(visits, visitors, rows=visits.scan(["who"]), profile_rows=visitors.scan(["id"]))
    assert list(scanned.frame) == ["who"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": pd.DataFrame({"who": [1, 2]})}, r"field 'who': it is int64 in rows, and string"),
        ({"rows": pd.DataFrame({"whom": ["ann"]})}, "no column 'who'"),
        ({"rows": [1]}, "rows cannot be read from list"),
        (
            {"rows": pd.DataFrame({"who": [1.0, None]})},
            r"read the rows again with dtype=\{'who': 'string\[pyarrow\]'\}",
        ),
        ({"rows": pd.DataFrame({"who": [True]})}, "Convert it, if nothing is lost by that$"),
        ({"rows": pd.Series(["ann"])}, r"make it a table: series\.to_frame"),
        ({"columns": ["ages"]}, "did you mean 'age'"),
        ({"columns": ["ages"], "profile_rows": pd.DataFrame({"id": ["ann"], "age": [1]})}, "did you mean 'age'"),
        ({"columns": "age"}, r"columns=\['age'\]"),
        ({"identifier": "visitors"}, r"no identifier or relation 'visitors'; did you mean 'visitor'"),
        ({"identifier": "visit"}, "'visit' of 'visits' is primary and does not lead to 'visitors'"),
        ({"prefix": ""}, "the rows have a column 'name' already"),
        ({"how": "outer"}, "expected 'left' or 'inner'"),
        (
            {"profile_rows": pd.DataFrame({"id": ["ann", "ann", "x"]})},
            r"2 rows of 'visitors' share their id .*'ann' \(2 rows, first 1\).*multiply=True",
        ),
    ],
)
def test_what_cannot_be_joined_is_said(
    visits: inb.CollectionHandle, visitors: inb.CollectionHandle, options: Any, message: str
) -> None:
    with pytest.raises(inb.DataError, match=message):
        join(visits, visitors, **options)


@pytest.mark.parametrize("wrap", [pl.DataFrame, pa.table])
def test_rows_of_any_layout_are_joined(visits: inb.CollectionHandle, visitors: inb.CollectionHandle, wrap: Any) -> None:
    views = pa.table(
        {
            "id": pa.array(["x", "ann"], pa.string_view()),
            "kind": pa.DictionaryArray.from_arrays([0, None], pa.array(["a"], pa.string_view())),
            "tags": pa.array([["a"], None], pa.list_(pa.string_view())),
            "part": pa.array([{"raw": b"a"}, None], pa.struct([("raw", pa.binary_view())])),
        }
    )
    joined = join(visits, visitors, rows=wrap({"who": ["ann", None]}), profile_rows=wrap(views))
    assert joined.frame["who"].dtype in (pd.ArrowDtype(pa.large_string()), pd.ArrowDtype(pa.string()))
    assert "view" not in " ".join(map(str, joined.frame.dtypes))
    assert (joined.matched.tolist(), joined.frame["kind"].tolist()) == ([True, False], [pd.NA, pd.NA])


TIME, DAY = {"type": "long", "logicalType": "timestamp-millis"}, {"type": "string", "logicalType": "date"}
PRICE = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}


@pytest.mark.parametrize(
    ("kind", "given_"),
    [
        (TIME, pd.Series(pd.to_datetime(["2020-01-01 00:00:00.001"], utc=True)).astype("datetime64[ns, UTC]")),
        (TIME, pd.Series(["2020-01-01T00:00:00.001Z"])),
        (DAY, pd.Series(["2020-01-01"])),
        ("long", pd.Series(["7"])),
        ("string", pd.Series([7])),
    ],
)
def test_the_advice_for_other_types_helps(client: inb.Client, kind: Any, given_: pd.Series[Any]) -> None:
    name = f"advice {id(given_)}"
    people = client.create_source(name).create_collection("people", record("p", id=kind))
    people.create_identifier("key", fields=["id"])
    people.create_identifier("same", fields=["id"], type="foreign", references=people.primary)
    df = pd.DataFrame({"id": given_})
    with pytest.raises(inb.DataError, match=r"if nothing is lost by that: df\['id'\] = ") as caught:
        join(people, people, rows=df)
    exec(str(caught.value).rpartition("that: ")[2].partition(" (")[0], {"df": df, "pd": pd})
    assert join(people, people, rows=df).report.orphans == 1


def test_whole_numbers_and_decimals_are_compared_whatever_their_width(client: inb.Client) -> None:
    source = client.create_source("widths")
    for name, kind in (("prices", PRICE), ("numbers", "long")):
        there = source.create_collection(name, record("p", id=kind))
        there.create_identifier("key", fields=["id"])
        there.create_identifier("same", fields=["id"], type="foreign", references=there.primary)
    prices, numbers = source.collections["prices"], source.collections["numbers"]
    narrow = pa.table({"id": pa.array([Decimal("1.20")], pa.decimal128(3, 2))})
    wide = pa.table({"id": pa.array([Decimal("1.20")], pa.decimal256(50, 2))})
    joined = join(prices, prices, rows=narrow, profile_rows=wide)
    assert joined.report.matched == 1
    assert "of prices (profile_rows)" in str(joined)
    small = pa.table({"id": pa.array([7], pa.uint8())})
    assert join(numbers, numbers, rows=small, profile_rows=pa.table({"id": [7]})).report.matched == 1
    with pytest.raises(inb.DataError, match="it is uint64 in rows, and int64 in the collection's schema"):
        join(numbers, numbers, rows=pa.table({"id": pa.array([2**64 - 1], pa.uint64())}))


def test_rows_come_several_times_only_if_that_is_asked_for(
    visits: inb.CollectionHandle, visitors: inb.CollectionHandle
) -> None:
    several = pd.DataFrame({"id": ["ann", "x", "ann", "x"], "mark": [1, 2, 3, 4]})
    joined = join(visits, visitors, profile_rows=several, multiply=True)
    assert joined.frame["number"].tolist() == [1, 2, 2, 3, 4, 5]
    assert joined.frame["mark"].tolist() == [pd.NA, 1, 3, pd.NA, pd.NA, pd.NA]
    assert (joined.report.matched, joined.report.duplicates, joined.report.unused) == (1, 4, 2)
    twice = pd.DataFrame({"id": ["x", "ann", "x"]})  # which nothing refers to
    assert len(join(visits, visitors, profile_rows=twice).frame) == 5


def test_of_several_links_one_must_be_named(client: inb.Client) -> None:
    source = client.create_source("air")
    airports = source.create_collection("airports", record("a", code="string", city="string"))
    airports.create_identifier("airport", fields=["code"])
    flights = source.create_collection("flights", record("f", number="long", origin="string", dest="string"))
    flights.create_identifier("flight", fields=["number"])
    for name, field in (("from", "origin"), ("to", "dest")):
        flights.create_identifier(name, fields=[field], type="foreign", references=airports.primary)
    for code, city in (("JFK", "New York"), ("SEA", "Seattle")):
        airports.post({"code": code, "city": city})
    flights.post({"number": 1, "origin": "JFK", "dest": "SEA"})
    with pytest.raises(inb.DataError, match="Say which: identifier='from' or 'to'"):
        join(flights, airports)
    first = join(flights, airports, identifier="from", prefix="from.")
    both = join(flights, airports, rows=first.frame, identifier=flights.identifiers["to"], prefix="to.")
    assert both.frame[["from.city", "to.city"]].to_numpy().tolist() == [["New York", "Seattle"]]


def test_a_key_of_several_fields_goes_by_their_order(client: inb.Client) -> None:
    source = client.create_source("composite")
    there = source.create_collection("there", record("t", a="string", b="string", n="long"))
    there.create_identifier("key", fields=["a", "b"])
    here = source.create_collection("here", record("h", id="long", b=TEXT, a="string"))
    here.create_identifier("id", fields=["id"])
    here.create_identifier("to", fields=["b", "a"], type="foreign", references=there.primary)
    there.post({"a": "x", "b": "y", "n": 1})
    here.upload([{"id": 1, "b": "x", "a": "y"}, {"id": 2, "b": "y", "a": "x"}, {"id": 3, "a": "y"}], progress=False)
    joined = join(here, there)
    assert joined.frame["n"].tolist() == [1, pd.NA, pd.NA]
    assert (joined.report.orphan_examples[0].values, joined.report.without_key) == (("y", "x"), 1)


def test_user_identifiers_link_across_sources(client: inb.Client) -> None:
    crm, app = client.create_source("crm"), client.create_source("app")
    people = crm.create_collection("people", record("p", id="long", mail=TEXT), kind="profile")
    users = app.create_collection("users", record("u", id="long", email=TEXT, number="string"), kind="profile")
    for each in (people, users):
        each.create_identifier("key", fields=["id"])
    people.create_identifier("email", fields=["mail"], type="user")
    users.create_identifier("email", fields=["email"], type="user")
    users.create_identifier("phone", fields=["number"], type="user")
    people.upload([{"id": 1, "mail": "a@x"}, {"id": 2, "mail": None}, {"id": 3, "mail": "A@x"}], progress=False)
    users.upload([{"id": 7, "email": "a@x", "number": ""}, {"id": 8, "email": None, "number": ""}], progress=False)
    joined = join(users, people)
    assert joined.frame["people.id"].tolist() == [1, pd.NA]
    assert (joined.report.without_key, joined.report.unused) == (1, 2)


def test_types_that_differ_are_not_compared(client: inb.Client) -> None:
    source = client.create_source("types")
    here = source.create_collection("here", record("h", id="long", phone="long"))
    there = source.create_collection("there", record("t", id="long", phone="string"))
    for each in (here, there):
        each.create_identifier("key", fields=["id"])
        each.create_identifier("phone", fields=["phone"], type="user")
    with pytest.raises(inb.DataError, match=r"cannot be compared\. phone is long, and phone is string"):
        join(here, there)


KEYS = {
    pa.string(): [None, "", " ", "a", "A", "ä"],
    pa.int64(): [None, -1, 0, 2**53, 2**53 + 1],
    pa.binary(): [None, b"", b"\0"],
    pa.bool_(): [None, True, False],
    pa.date32(): [None, dt.date(2020, 1, 1), dt.date(1, 1, 1)],
    pa.decimal128(5, 2): [None, Decimal("1.20"), Decimal("-1.20")],
    pa.timestamp("ms", "UTC"): [None, dt.datetime(2020, 1, 1, tzinfo=dt.UTC)],
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    kinds = draw(st.lists(st.sampled_from(list(KEYS)), min_size=1, max_size=3))
    made = []
    for _ in range(2):
        rows = draw(st.lists(st.tuples(*(st.sampled_from(KEYS[kind]) for kind in kinds)), max_size=9))
        columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
        whole = pa.table(arrays, names=[str(at) for at in range(len(kinds))])
        cut = draw(st.integers(0, len(rows)))
        made.append(pa.concat_tables([whole.slice(0, cut), whole.slice(cut)]))
    return made[0], made[1]


@settings(max_examples=100)
@given(tables())
def test_rows_match_as_a_plain_look_says(both: tuple[pa.Table, pa.Table]) -> None:
    here, there = (list(zip(*(column.to_pylist() for column in each.columns), strict=True)) for each in both)
    matches = match_rows(*both)
    expected = []
    for at, key in enumerate(here):
        found = [place for place, other in enumerate(there) if key == other and None not in key]
        expected += [(at, place) for place in found or [-1]]
    rows, places = matches.pairs()
    assert list(zip(rows.tolist(), places.tolist(), strict=True)) == expected
    assert matches.orphans.tolist() == [None not in key and key not in there for key in here]
    assert matches.repeated.tolist() == [None not in key and there.count(key) > 1 for key in there]
    assert matches.widest == max((there.count(key) for key in here if None not in key), default=0)
