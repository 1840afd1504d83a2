"""Defining identifiers in a browser: by mouse, by keyboard alone, in both themes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

import intempt_nb as inb

if TYPE_CHECKING:
    from collections.abc import Callable

    from pagekit import Shown

    Show = Callable[..., Shown]

VISITS: dict[str, Any] = {
    "type": "record",
    "name": "visit",
    "fields": [
        {"name": "visitId", "type": "string", "title": "Visit"},
        {"name": "visitorId", "type": ["null", "string"]},
        {"name": "shopNumber", "type": "long"},
        {"name": "day", "type": {"type": "string", "logicalType": "date"}},
        {"name": "price", "type": ["null", "double"]},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
    ],
}
VISITOR = {"type": "record", "name": "visitor", "fields": [{"name": "id", "type": "string"}]}
SHOPS = {
    "type": "record",
    "name": "shop",
    "fields": [{"name": "shopNumber", "type": "long"}, {"name": "day", "type": VISITS["fields"][3]["type"]}],
}


@pytest.fixture
def visits(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """Visits of visitors, who have a primary identifier; visits have none yet."""
    visitors = shop.create_collection("visitors", VISITOR, kind="profile")
    visitors.create_identifier("visitor", fields=["id"])
    for each in ("ann", "bob"):
        visitors.post({"id": each})
    shops = shop.create_collection("shops", SHOPS)
    shops.create_identifier("shopDay", fields=["shopNumber", "day"])
    return shop.create_collection("visits", VISITS, kind="event")


def post(visits: inb.CollectionHandle, visitors: list[str | None]) -> None:
    for number, visitor in enumerate(visitors):
        visits.post({"visitId": f"v{number}", "visitorId": visitor, "shopNumber": 1, "day": "2026-01-01", "tags": []})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_primary_and_a_foreign_identifier_are_created(show: Show, visits: inb.CollectionHandle, theme: str) -> None:
    designer = inb.widgets.IdentifierDesigner(visits)
    page = show(designer, theme)
    expect(page.get_by_label("visitId")).to_be_checked()
    expect(page.get_by_label("price")).to_be_disabled()
    page.shot("identifiers-start")
    assert page.axe() == []
    page.get_by_role("button", name="Create identifier").click()
    page.settle()
    expect(page.get_by_role("row", name="visitId primary")).to_be_visible()
    post(visits, ["ann", "ann", None, "zoe"])

    page.locator("[data-k=reference]").select_option(label="shop/visitors · visitor (id: string)")
    page.settle()
    expect(page.get_by_label("visitorId")).to_be_checked()
    expect(page.get_by_text("not offered: the key of visitors is string")).to_have_count(2)
    page.get_by_role("button", name="Check on data").click()
    page.settle()
    expect(page.get_by_text("Take care: 1 of 3 references lead nowhere.")).to_be_visible()
    expect(page.get_by_text("1 row has a key that is not in visitors (id).")).to_be_visible()
    page.shot("identifiers-check")
    assert page.axe() == []
    page.get_by_role("button", name="Create identifier").click()
    page.settle()
    assert designer.identifier is not None
    assert visits.identifiers["visitorId"].reference_id == designer.identifier.reference_id

    page.get_by_role("button", name="Create identifier").click()
    page.settle()
    expect(page.get_by_text("Choose at least one field.")).to_be_visible()
    page.shot("identifiers-relation")
    assert page.axe() == []
    page.get_by_role("button", name="Create relation").click()
    page.settle()
    assert visits.relations["visits_visitors"].type == "many_to_one"
    page.get_by_role("tab", name="Python").click()
    expect(page.get_by_role("region", name="The Python that does the same")).to_contain_text("create_relation")
    page.shot("identifiers-python")
    assert page.axe() == []


def press(page: Shown, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.settle()


def test_the_keyboard_alone_defines_a_key_of_several_fields(show: Show, visits: inb.CollectionHandle) -> None:
    visits.create_identifier("visit", fields=["visitId"])
    page = show(inb.widgets.IdentifierDesigner(visits))
    page.locator("[data-k='type:foreign']").focus()
    press(page, "Tab", "ArrowDown", "ArrowDown")
    order = page.get_by_role("listitem").filter(has=page.get_by_role("button", name="Move"))
    assert order.all_inner_texts() == ["shopNumber↑↓", "day↑↓"]
    page.get_by_role("button", name="Move shopNumber down").focus()
    press(page, "Enter")
    expect(page.get_by_role("group", name="Fields")).to_have_accessible_description(
        "Error: day is date (text), and shopNumber is long; a reference needs the same types, in the same order."
    )
    expect(page.get_by_role("button", name="Move shopNumber up")).to_be_focused()
    page.shot("identifiers-order")
    press(page, "Enter", "Tab", "Tab")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("shop_day")
    press(page, "Tab", "Tab", "Tab", "Tab", "Enter")
    assert visits.identifiers["shop_day"].schema_json["fields"][0]["name"] == "shopNumber"
    expect(page.get_by_role("status")).to_contain_text("foreign identifier shop_day was created")


def test_the_diagram_says_the_same_in_words(show: Show, visits: inb.CollectionHandle, shop: inb.SourceHandle) -> None:
    visitor = shop.collections["visitors"].primary
    visits.create_identifier("visit", fields=["visitId"])
    visits.create_identifier("who", fields=["visitorId"], type="foreign", references=visitor)
    follows = visits.create_identifier("follows", fields=["visitorId"], type="foreign", references=visits.primary)
    assert follows.reference_id is not None
    page = show(inb.widgets.IdentifierDesigner(visits))
    page.locator("[data-k=reference]").select_option(label="shop/shops · shopDay (shopNumber: long, day: date (text))")
    page.settle()
    words = page.locator(".inb-diagram li").all_inner_texts()
    assert "visits, visitorId refers to visitors, id (who)" in words
    assert "visits, visitorId refers to visits, visitId (follows)" in words
    assert "visits, shopNumber would refer to shops, shopNumber (shopNumber_day)" in words
    assert "shops: primary key shopNumber, day" in words
    for theme in ("light", "dark"):
        page = show(page.panel, theme)
        expect(page.locator(".inb-diagram svg .inb-link")).to_have_count(4)
        page.shot("identifiers-diagram")
        assert page.axe() == []


def test_names_that_look_like_html_and_very_long_ones_are_only_text(show: Show, client: inb.Client) -> None:
    evil = "<img src=x onerror=alert(1)> \u202e\"'&"
    source = client.create_source(evil)
    wide = [{"name": "x" * 3_000, "type": "string", "title": evil}, {"name": "id", "type": "string"}]
    things = source.create_collection(evil, {"type": "record", "name": "r", "fields": wide})
    things.create_identifier("id", fields=["id", "x" * 3_000])
    things.post({"id": evil, "x" * 3_000: "y" * 5_000})
    designer = inb.widgets.IdentifierDesigner(things)
    page = show(designer, width=600)
    page.locator("[data-k=reference]").select_option(index=1)
    page.settle()
    page.get_by_label("id", exact=True).check()
    page.get_by_role("checkbox", name="x" * 79).check()
    page.settle()
    page.get_by_role("button", name="Check on data").click()
    page.settle()
    expect(page.get_by_text("Nothing speaks against it.")).to_be_visible()
    assert page.locator("img").count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 600
    page.shot("identifiers-evil")
    page.get_by_role("tab", name="Python").click()
    compile(designer.code, "code", "exec")


def test_of_many_fields_some_are_searched(show: Show, shop: inb.SourceHandle) -> None:
    fields = [{"name": f"field{at}", "type": "long"} for at in range(1_000)]
    designer = inb.widgets.IdentifierDesigner(shop.create_collection("wide", {**VISITOR, "fields": fields}))
    page = show(designer)
    page.get_by_label("Search the fields").fill("field77")
    page.get_by_label("field777", exact=True).check()
    page.settle()
    expect(page.get_by_role("checkbox")).to_have_count(11)
    assert "field777" in designer.code
    page.shot("identifiers-many")
