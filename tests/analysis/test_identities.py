"""Profiles become persons: against a plain union of sets, and through a sandbox as a web and a shop source fill it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.analysis import IdentityWarning, identities
from intempt_nb.analysis.linking import identities as module
from intempt_nb.analysis.linking.stitching import stitch, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = ["null", "string"]


def record(_name: str, /, **fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": _name,
        "fields": [{"name": name, "type": kind} for name, kind in fields.items()],
    }


@pytest.fixture(scope="module")
def client() -> Iterator[inb.Client]:
    """A sandbox in which visitors of a site told who they are, and some of them are customers of a shop."""
    with inb.sandbox() as client:
        site, shop = client.create_source("a/site", "js"), client.create_source("shop")
        visitor, identify = site.collections["visitor"], site.collections["identify"]
        identify.create_identifier("email", fields=["userId"], type="user")
        customers = shop.create_collection("customers", record("c", id="long", mail=TEXT, tel=TEXT), kind="profile")
        customers.create_identifier("customer", fields=["id"])
        customers.create_identifier("mail", fields=["mail"], type="user")
        customers.create_identifier("phone", fields=["tel"], type="user")
        orders = shop.create_collection("orders", record("o", number="long", mail=TEXT), kind="event")
        orders.create_identifier("order", fields=["number"])
        orders.create_identifier("mail", fields=["mail"], type="user")
        visitor.upload([{"visitorId": each} for each in ("v3", "v2", "v1")], progress=False)
        seen = [("v1", "ann@x"), ("v2", "bob@x"), ("v4", "bob@x"), ("v3", " "), ("v2", None), ("v1", "ann@x")]
        identify.upload(
            [
                {"visitorId": who, "eventId": str(at), "timestamp": at, "userId": value}
                for at, (who, value) in enumerate(seen)
            ],
            progress=False,
        )
        known = [(9, "ann@x", "5"), (10, None, "5"), (11, "Bob@x", ""), (12, " ", "")]
        customers.upload([{"id": each, "mail": mail, "tel": tel} for each, mail, tel in known], progress=False)
        orders.upload([{"number": at, "mail": mail} for at, mail in enumerate(("ann@x", "no@x", None))], progress=False)
        yield client


def persons(found: inb.analysis.Identities) -> dict[str, list[str]]:
    """The profiles of each person, as ``source/key``."""
    rows = found.frame.assign(name=found.frame["source"] + "/" + found.frame["profile"])
    named: dict[str, list[str]] = rows.groupby("person")["name"].agg(list).to_dict()
    return named


def test_profiles_with_the_same_value_are_one_person(client: inb.Client) -> None:
    found = identities(client, match={"mail": "email"})
    assert persons(found) == {
        "a%2Fsite/v1": ["a/site/v1", "shop/10", "shop/9"],
        "a%2Fsite/v2": ["a/site/v2", "a/site/v4"],
        "a%2Fsite/v3": ["a/site/v3"],
        "shop/11": ["shop/11"],
        "shop/12": ["shop/12"],
    }
    assert found.frame.query("not stored")["profile"].tolist() == ["v4"]
    assert set(found.frame["collection"]) == {"visitor", "customers"}
    report = found.report
    assert (report.profiles, report.persons, report.unstored, dict(report.sizes)) == (8, 5, 1, {1: 3, 2: 1, 3: 1})
    brought = {(each.identifier, each.collection): (each.rows, each.blanks, each.values) for each in report.stitched}
    assert brought == {
        ("email", "a/site/identify"): (6, 2, 2),
        ("email", "shop/customers"): (4, 2, 2),
        ("phone", "shop/customers"): (4, 2, 1),
    }
    assert str(report.largest[0]) == "'a%2Fsite/v1' of 3 profiles, most by email 'ann@x' (2 profiles)"
    assert "8 profiles are 5 persons" in repr(found)
    assert report.notes[0].startswith("orders has user identifiers, but none that refers to a profile")
    assert "bob@x" in found._repr_html_()


def test_only_identifiers_of_the_same_name_are_compared_and_nobodys_values_are_left_out(client: inb.Client) -> None:
    assert persons(identities(client))["shop/10"] == ["shop/10", "shop/9"]
    without = identities(client, match={"mail": "email"}, ignore=["5", "bob@x"])
    assert dict(without.report.sizes) == {1: 6, 2: 1}
    assert identities(client, match={"mail": "email"}, most=2).report.persons == 5
    none = identities(client, most=1).report
    assert (none.persons, len(none.refused), none.shared) == (8, 2, ())
    assert "Shared by too many" in str(none)
    assert dict(identities(client.sources["shop"]).report.sizes) == {1: 2, 2: 1}
    several = [client.collections["visitor"], client.collections["identify"]]
    assert dict(identities(several).report.sizes) == {1: 2, 2: 1}


def test_rows_get_their_person(client: inb.Client) -> None:
    found = identities(client, match={"mail": "email"})
    pages = pd.DataFrame({"visitorId": ["v4", "never seen", None]}, index=[3, 3, 4])
    attached = found.attach(pages, client.collections["page"])
    assert attached["person"].tolist() == ["a%2Fsite/v2", "a%2Fsite/never seen", pd.NA]
    assert attached.index.tolist() == [3, 3, 4]
    assert list(pages) == ["visitorId"]
    orders = client.collections["orders"]
    assert found.attach(orders.scan(), orders)["person"].tolist() == ["a%2Fsite/v1", pd.NA, pd.NA]
    customers = client.collections["customers"]
    attached = found.attach(customers.load(), customers, column="who")
    assert attached.set_index("id")["who"].to_dict() == {
        9: "a%2Fsite/v1",
        10: "a%2Fsite/v1",
        11: "shop/11",
        12: "shop/12",
    }
    assert found.attach(customers.load(), customers, identifier="phone")["person"].isna().tolist()[2:] == [True, True]
    for options, message in (
        ({"column": "id"}, "a column 'id' already"),
        ({"identifier": "phon"}, "'customers' has no identifier 'phon' that leads to a profile; did you mean 'phone'"),
        ({"identifier": 5}, "no identifier 5 that leads to a profile"),
    ):
        with pytest.raises(inb.DataError, match=message):
            found.attach(customers.load(), customers, **options)  # type: ignore[arg-type]  # of two types
    with pytest.raises(inb.DataError, match=r"found DataFrame: .* attach\(rows, collection\)"):
        found.attach(customers, customers.load())  # type: ignore[arg-type]  # the wrong way round
    only_site = identities(client.sources["a/site"])
    with pytest.raises(inb.DataError, match="'orders' has no identifier of those that were stitched by"):
        only_site.attach(orders.scan(), orders)


def test_whose_a_value_is_must_be_clear(client: inb.Client) -> None:
    with inb.sandbox() as other:
        app, shop = other.create_source("app"), other.create_source("shop")
        hubs = []
        for source, kind in ((app, "long"), (shop, "string")):
            hub = source.create_collection("people", record("p", id="string", ref=kind), kind="profile")
            hub.create_identifier("key", fields=["id"])
            hub.create_identifier("ref", fields=["ref"], type="user")
            hubs.append(hub)
        gifts = app.create_collection("gifts", record("g", giver="string", taker="string", ref="string"), kind="event")
        gifts.create_identifier("key", fields=["giver", "taker"])
        gifts.create_identifier("ref", fields=["ref"], type="user")
        for name, hub in zip(("giver", "taker"), hubs, strict=True):
            gifts.create_identifier(name, fields=[name], type="foreign", references=hub.primary)
        hubs[0].post({"id": "1", "ref": 7})
        hubs[1].post({"id": "1", "ref": "7"})
        gifts.post({"giver": "1", "taker": "1", "ref": "7"})
        found = identities(other)
        assert found.report.persons == 2
        assert len(found.report.notes) == 2
        assert "ref is of 2 different types" in found.report.notes[0]
        assert "gifts refers to 2 profiles" in found.report.notes[1]
        with pytest.raises(inb.DataError, match="identifier='giver' or 'taker'"):
            found.attach(gifts.scan(), gifts)


def test_persons_of_too_many_profiles_are_warned_of(client: inb.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 2)
    with pytest.warns(IdentityWarning, match=r"'a%2Fsite/v1' of 3 profiles, most by email 'ann@x' \(2 profiles\)"):
        identities(client, match={"mail": "email"})
    monkeypatch.setattr(module, "MANY", 1)
    with pytest.warns(IdentityWarning, match=r"ignore=\['bob@x', '5'\]") as caught:
        identities(client)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"match": {"mial": "email"}}, "no user identifier 'mial'; did you mean 'mail'"),
        ({"match": {"email"}}, r"match is \{'email'\}; expected names and what they are taken for"),
        ({"ignore": "info@x"}, r"ignore=\['info@x'\]"),
        ({"ignore": [5]}, "expected values as text: '5'"),
        ({"most": 0}, "most is 0"),
    ],
)
def test_options_that_cannot_be_used_are_refused(client: inb.Client, options: Any, message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        identities(client, **options)


def test_there_must_be_profiles(client: inb.Client) -> None:
    with pytest.raises(inb.DataError, match=r"no profile collection .*orders \(event\)"):
        identities(client.collections["orders"])
    with pytest.raises(inb.DataError, match="given twice"):
        identities([client.sources["shop"], client.collections["customers"]])
    with pytest.raises(inb.DataError, match="found DataFrame"):
        identities(pd.DataFrame())  # type: ignore[arg-type]  # what a user may well try


def test_without_user_identifiers_that_is_said() -> None:
    with inb.sandbox() as client:
        people = client.create_source("shop").create_collection("people", record("p", id="string"), kind="profile")
        people.create_identifier("key", fields=["id"])
        people.post({"id": "ann"})
        report = identities(client).report
    assert "1 profile is 1 person\n" in str(report)
    assert "No collection has a user identifier" in str(report)


def united(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    """For each profile the smallest of its person, by merging sets until nothing changes."""
    groups = [{each} for each in range(count)]
    for value in {value for _, value in pairs}:
        holders = {profile for profile, its in pairs if its == value}
        touched = [group for group in groups if group & holders]
        groups = [group for group in groups if not group & holders] + [set().union(*touched)]
    return [min(group) for profile in range(count) for group in groups if profile in group]


@settings(max_examples=100)
@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, 9))))
    )
)
def test_components_are_those_of_merged_sets(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = drawn
    profiles, values = (np.array([pair[at] for pair in pairs], np.int64) for at in (0, 1))
    assert stitch(count, profiles, values).tolist() == united(count, pairs)


def test_different_keys_have_different_texts() -> None:
    parts = ["", "a", "/", "a/", "/a", "%", "%2F", "%25", "a%2F", "2F"]
    rows = list(product(parts, parts))
    columns = [pa.chunked_array([list(each)], pa.large_string()) for each in zip(*rows, strict=True)]
    texts = texts_of(pa.table(columns, names=["a", "b"])).to_pylist()
    assert len(set(texts)) == len(rows)
