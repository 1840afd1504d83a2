"""Defining identifiers without a browser: what is offered, what is said before sending, what the server then has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import intempt_nb as inb
from panels import act

if TYPE_CHECKING:
    from collections.abc import Iterator

VISIT: dict[str, Any] = {
    "type": "record",
    "name": "visit",
    "fields": [
        {"name": "visitId", "type": "string"},
        {"name": "visitorId", "type": ["null", "string"]},
        {"name": "shopNumber", "type": "long"},
        {"name": "day", "type": {"type": "string", "logicalType": "date"}},
        {"name": "price", "type": "double"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
    ],
}
NAMES = [field["name"] for field in VISIT["fields"]]


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": list(fields)}


@pytest.fixture
def visits(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """A collection without identifiers, among others that have a primary one."""
    visitors = shop.create_collection("visitors", record({"name": "id", "type": "string"}), kind="profile")
    visitors.create_identifier("visitor", fields=["id"])
    shops = shop.create_collection("shops", record(VISIT["fields"][2], VISIT["fields"][3]))
    shops.create_identifier("shopDay", fields=["shopNumber", "day"])
    return shop.create_collection("visits", VISIT, kind="event")


@pytest.fixture
def designer(visits: inb.CollectionHandle) -> Iterator[inb.widgets.IdentifierDesigner]:
    designer = inb.widgets.IdentifierDesigner(visits)
    designer.wait(60)
    yield designer
    designer.wait(60)
    designer.close()


def reference(designer: inb.widgets.IdentifierDesigner, text: str) -> str:
    return next(key for key, words in designer.state["references"] if text in words)


def chosen(designer: inb.widgets.IdentifierDesigner) -> list[str]:
    return [NAMES[at] for at in designer.state["draft"]["fields"]]


def test_the_primary_key_comes_first_with_a_guess(
    designer: inb.widgets.IdentifierDesigner, visits: inb.CollectionHandle
) -> None:
    assert (designer.state["draft"]["type"], chosen(designer), designer.state["draft"]["name"]) == (
        "primary",
        ["visitId"],
        "visitId",
    )
    assert [each["name"] for each in designer.state["fields"] if each["refusal"]] == ["price", "tags"]
    act(designer, "create")
    assert designer.identifier == visits.primary
    assert designer.state["identifiers"][0]["fields"] == "visitId"
    assert designer.state["draft"]["type"] == "foreign"
    act(designer, "type", type="primary")
    assert "has a primary identifier already" in designer.state["problems"]["type"]


def test_a_reference_offers_what_fits_and_guesses_by_name(designer: inb.widgets.IdentifierDesigner) -> None:
    act(designer, "type", type="foreign")
    act(designer, "reference", identifier=reference(designer, "shop/visitors"))
    assert chosen(designer) == ["visitorId"]
    assert [each["name"] for each in designer.state["fields"] if not each["refusal"]] == ["visitId", "visitorId"]
    act(designer, "reference", identifier=reference(designer, "shop/shops"))
    assert chosen(designer) == ["shopNumber", "day"]
    act(designer, "move", at=NAMES.index("day"), by=-1)
    assert chosen(designer) == ["day", "shopNumber"]
    assert "same types, in the same order" in designer.state["problems"]["fields"]
    act(designer, "reference", identifier=reference(designer, "shop/visitors"))
    act(designer, "type", type="primary")
    assert chosen(designer) == ["day", "shopNumber"]  # a person's choice stays


def test_a_guess_gives_way_to_a_tick_and_is_not_the_own_key(
    shop: inb.SourceHandle, designer: inb.widgets.IdentifierDesigner, visits: inb.CollectionHandle
) -> None:
    act(designer, "type", type="foreign")
    act(designer, "reference", identifier=reference(designer, "shop/visitors"))
    act(designer, "toggle", at=NAMES.index("visitId"), on=True)
    assert chosen(designer) == ["visitId"]
    act(designer, "toggle", at=NAMES.index("visitorId"), on=True)
    assert chosen(designer) == ["visitId", "visitorId"]  # a person's choice stays
    notes = shop.create_collection(
        "notes", record({"name": "id", "type": "string"}, {"name": "text", "type": "string"})
    )
    notes.create_identifier("id", fields=["id"])
    other = inb.widgets.IdentifierDesigner(notes)
    other.wait(60)
    act(other, "reference", identifier=reference(other, "shop/visitors"))
    assert other.state["draft"]["fields"] == []


def test_a_collection_without_a_field_for_a_key_says_so_at_once(
    shop: inb.SourceHandle, visits: inb.CollectionHandle
) -> None:
    prices = inb.widgets.IdentifierDesigner(shop.create_collection("fl", record({"name": "price", "type": "double"})))
    prices.wait(60)
    said = "No field of fl can be a key; add one of text or whole numbers."
    assert prices.state["problems"] == {"fields": said}
    numbers = inb.widgets.IdentifierDesigner(shop.create_collection("of", record({"name": "price", "type": "long"})))
    numbers.wait(60)
    act(numbers, "type", type="foreign")
    act(numbers, "reference", identifier=reference(numbers, "shop/visitors"))
    said = "No field of of has the type of the key of visitors, string."
    assert numbers.state["problems"]["fields"] == said


def test_it_says_what_it_is_of_and_what_it_takes(client: inb.Client, designer: inb.widgets.IdentifierDesigner) -> None:
    assert repr(designer) == "<IdentifierDesigner of visits: shows itself in a notebook>"
    with pytest.raises(inb.DataError, match=r"found Client; expected a collection: client.collections\[…\]"):
        inb.widgets.IdentifierDesigner(client)


def test_what_is_missing_is_told_once_it_is_asked_for(designer: inb.widgets.IdentifierDesigner) -> None:
    act(designer, "type", type="foreign")
    assert designer.state["problems"] == {}
    act(designer, "create")
    assert set(designer.state["problems"]) == {"reference", "fields"}
    assert designer.state["focus"]["key"] == "reference"
    assert designer.identifier is None


@pytest.mark.parametrize(("name", "said"), [("a b", "not a name"), ("taken", "has an identifier of this name")])
def test_names_that_cannot_be_are_told_before_sending(
    designer: inb.widgets.IdentifierDesigner, visits: inb.CollectionHandle, name: str, said: str
) -> None:
    visits.create_identifier("taken", fields=["visitorId"], type="user")
    act(designer, "refresh")
    act(designer, "name", name=name)
    act(designer, "create")
    assert said in designer.state["problems"]["name"]
    assert designer.identifier is None


def test_a_guessed_name_is_not_one_that_is_there(
    designer: inb.widgets.IdentifierDesigner, visits: inb.CollectionHandle
) -> None:
    visits.create_identifier("visitorId", fields=["visitorId"], type="user")
    act(designer, "refresh")
    act(designer, "type", type="foreign")
    act(designer, "reference", identifier=reference(designer, "visitors"))
    assert designer.state["draft"]["name"] == "visitorId_foreign"


def test_the_code_does_the_same(
    client: inb.Client,
    designer: inb.widgets.IdentifierDesigner,
    visits: inb.CollectionHandle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    act(designer, "create")
    act(designer, "type", type="foreign")
    act(designer, "reference", identifier=reference(designer, "shops"))
    act(designer, "name", name="of_the_shop_on_that_very_day_and_in_that_very_shop")
    act(designer, "create")
    assert designer.state["relating"]["name"] == "visits_shops"
    act(designer, "relation", type="one_to_many")
    act(designer, "create_relation")
    assert designer.state["relating"] is None
    made = designer.state["identifiers"]
    visits.delete()
    again = client.sources["shop"].create_collection("visits", VISIT, kind="event")
    assert designer.code.startswith("import intempt_nb as inb\n\nclient = inb.Client(")
    monkeypatch.setattr("__main__.box", client, raising=False)
    exec(designer.code, {"box": client})
    copy = inb.widgets.IdentifierDesigner(again)
    copy.wait(60)
    assert [{**each, "id": ""} for each in copy.state["identifiers"]] == [{**each, "id": ""} for each in made]
    assert made[1]["relations"] == "visits_shops (one_to_many)"


def test_data_that_is_to_be_uploaded_is_checked(
    designer: inb.widgets.IdentifierDesigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(designer, "check")
    assert "before it has a primary identifier" in designer.state["check"]["words"][0]
    monkeypatch.setattr("__main__.coming", pd.DataFrame({"visitId": ["a", "b", "b"]}), raising=False)
    act(designer, "frame", name="coming")
    assert designer.state["check"] is None  # of other rows
    assert "coming" in designer.state["frames"]
    act(designer, "check")
    assert designer.state["check"]["good"] is False
    assert designer.state["check"]["verdict"] == "Take care: 1 row would be replaced by later ones."
    assert designer.check is not None
    assert designer.check.repeats == 1
    monkeypatch.delattr("__main__.coming")
    act(designer, "check")
    assert "no DataFrame 'coming' any more" in designer.state["failures"]["check"]


def test_a_value_that_joins_may_repeat(designer: inb.widgets.IdentifierDesigner, visits: inb.CollectionHandle) -> None:
    act(designer, "create")
    for number, visitor in enumerate(("ann", "ann", None)):
        visits.post(
            {"visitId": str(number), "visitorId": visitor, "shopNumber": 1, "day": "2026-01-01", "price": 1, "tags": []}
        )
    act(designer, "type", type="user")
    act(designer, "toggle", at=NAMES.index("visitorId"), on=True)
    act(designer, "check")
    assert designer.state["check"]["good"] is None
    assert "With the same visitorId as an earlier row: 1." in designer.state["check"]["words"][1]


def test_what_the_server_says_stands_beside_the_button(
    client: inb.Client, designer: inb.widgets.IdentifierDesigner
) -> None:
    with client.sandbox.faults({"method": "POST", "path": "/identifiers", "status": 400, "message": "not today"}):
        act(designer, "create")
    assert "not today" in designer.state["failures"]["create"]
    assert designer.identifier is None
    act(designer, "create")
    assert designer.state["failures"] == {}
    assert designer.identifier is not None


def test_a_collection_that_cannot_be_read_does_not_hide_the_others(
    client: inb.Client, designer: inb.widgets.IdentifierDesigner
) -> None:
    path = f"/collections/{client.collections['shops'].id}/identifiers"
    with client.sandbox.faults({"path": path, "status": 403}):
        act(designer, "refresh")
    assert [words for _, words in designer.state["references"]] == ["shop/visitors · visitor (id: string)"]
    assert designer.state["unread"][0].startswith("shops cannot be read")
    with client.sandbox.faults({"path": "/collections", "status": 403}):
        act(designer, "refresh")
    assert "403" in designer.state["failures"]["reference"]


def test_the_diagram_shows_what_is_and_what_would_be(
    designer: inb.widgets.IdentifierDesigner, visits: inb.CollectionHandle
) -> None:
    act(designer, "create")
    act(designer, "type", type="foreign")
    act(designer, "reference", identifier=reference(designer, "visitors"))
    act(designer, "create")
    act(designer, "reference", identifier=reference(designer, "shops"))
    picture = designer.state["picture"]
    titles = {box["id"]: box["title"] for box in picture["boxes"]}
    assert picture["boxes"][0]["title"] == "visits"
    assert [
        (titles[link["from"][0]], link["from"][1], titles[link["to"][0]], link["to"][1], link["dashed"])
        for link in picture["links"]
    ] == [
        ("visits", "visitorId", "visitors", "id", False),
        ("visits", "shopNumber", "shops", "shopNumber", True),
        ("visits", "day", "shops", "day", True),
    ]


def test_a_thousand_fields_are_not_too_much_to_send(shop: inb.SourceHandle) -> None:
    fields = [{"name": f"{'field' * 4}{at}", "type": ["null", "double" if at % 2 else "long"]} for at in range(1_000)]
    designer = inb.widgets.IdentifierDesigner(shop.create_collection("wide", record(*fields)))
    designer.wait(60)
    assert len(json.dumps(designer.state)) < 300_000


def test_no_key_is_in_anything_that_is_shown(
    designer: inb.widgets.IdentifierDesigner, visits: inb.CollectionHandle
) -> None:
    act(designer, "create")
    shown = json.dumps(act(designer, "check"))
    assert visits._transport._key.reveal() not in shown + designer.code + repr(designer)
