"""Exploring in a browser: by mouse, by keyboard alone, in both themes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from playwright.sync_api import expect

import __main__
import intempt_nb as inb
from intempt_nb.api import endpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pagekit import Shown

    Show = Callable[..., Shown]

EVIL = "<img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="module")
def world(data: Path) -> Iterator[inb.Client]:
    """A client of a sandbox with flights and airlines, a web source, and one whose collections may not be read."""
    with inb.sandbox() as client:
        air = client.create_source("air", title="Air traffic")
        airlines = air.create_collection("airlines", inb.infer_schema(data / "airlines.csv").schema)
        airlines.create_identifier("carrier", ["carrier"])
        airlines.upload(data / "airlines.csv", progress=False)
        schema = inb.infer_schema(data / "flights.csv").schema.with_field({"name": "eventId", "type": "string"})
        flights = air.create_collection("flights", schema, "event", title="Flights of 2013")
        flights.create_identifier("eventId", ["eventId"])
        flights.create_identifier("airline", ["carrier"], "foreign", airlines.primary)
        flights.create_relation("flown by", "airline")
        flights.upload(data / "flights.csv", progress=False)
        client.create_source("mywebsource", "js")
        closed = client.create_source("closed")
        client.sandbox.faults({"path": f"/sources/{closed.id}/collections", "status": 403, "message": "not yours"})
        yield client


@pytest.fixture
def explorer(show: Show, world: inb.Client) -> inb.widgets.Explorer:
    """An explorer that has read the sources."""
    explorer = inb.widgets.Explorer(world)
    explorer.wait(60)
    return explorer


def open_(page: Shown, name: str, tab: str = "Fields") -> None:
    page.get_by_role("treeitem", name=name).click()
    page.settle()
    page.get_by_role("tab", name=tab, exact=True).click()
    page.settle()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_tab_can_be_read_in_both_themes(show: Show, explorer: inb.widgets.Explorer, theme: str) -> None:
    page = show(explorer, theme=theme)
    expect(page.get_by_role("treeitem", name="closed")).to_contain_text("not yours")
    for tab, seen in (
        ("Fields", "tailnum"),
        ("Links", "flown by"),
        ("Rows", "N793JB"),
        ("Columns", "A sample: the first 10,000 rows of 20,000."),
        ("Load", "All rows (20,000)"),
    ):
        open_(page, "flights", tab)
        expect(page.get_by_role("tabpanel")).to_contain_text(seen)
        page.shot(f"explorer-{tab.lower()}")
        assert page.axe() == []
    expect(page.locator(".inb-count")).to_have_text("20,000 rows")


def test_the_histograms_are_images_with_words(show: Show, explorer: inb.widgets.Explorer) -> None:
    page = show(explorer)
    open_(page, "flights", "Columns")
    picture = page.get_by_role("row", name="dep_delay").get_by_role("img")
    assert picture.evaluate("(image) => image.complete && image.naturalWidth > 0")
    assert picture.get_attribute("alt").startswith("Histogram with ")


def test_a_search_narrows_the_tree_and_says_where_it_was_found(show: Show, explorer: inb.widgets.Explorer) -> None:
    page = show(explorer)
    page.get_by_label("Search sources, collections and fields").fill("tailnum")
    page.settle()
    expect(page.get_by_role("treeitem")).to_have_count(2)
    expect(page.get_by_role("treeitem", name="flights")).to_contain_text("field tailnum")
    expect(page.get_by_text("1 collection found")).to_be_visible()


def test_all_goes_by_keyboard(show: Show, explorer: inb.widgets.Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__, "airlines", None, raising=False)
    page = show(explorer)

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)
            page.settle()

    page.get_by_label("Search sources").focus()
    press("ArrowDown", "ArrowDown", "Enter")  # the source, then its first collection
    assert explorer.collection.name == "airlines"
    press("ArrowLeft")
    expect(page.get_by_role("treeitem", name="air api")).to_be_focused()
    press("ArrowLeft")
    expect(page.get_by_role("treeitem", name="airlines")).to_have_count(0)
    press("ArrowRight", "End", "Home", "ArrowDown")
    expect(page.get_by_role("treeitem", name="airlines")).to_be_focused()
    press("Tab")
    expect(page.get_by_role("tab", name="Fields")).to_be_focused()
    press("End")
    expect(page.get_by_role("tab", name="Load")).to_be_focused()
    press("Tab", "Tab", "Space")  # all columns, then the first one of them
    assert "columns=" in explorer.code
    press("Space")
    page.get_by_role("button", name="Load", exact=True).focus()
    press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("airlines is in the notebook")
    assert list(explorer.data.columns) == ["carrier", "name"]


def test_load_shows_the_code_and_puts_the_frame(
    show: Show, explorer: inb.widgets.Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(__main__, "flights", pd.DataFrame(), raising=False)
    page = show(explorer)
    open_(page, "flights", "Load")
    page.get_by_label("All columns").uncheck()
    page.settle()
    expect(page.get_by_text("Error: choose at least one column")).to_be_visible()
    expect(page.get_by_role("button", name="Load", exact=True)).to_be_disabled()
    page.get_by_label("origin").check()
    page.get_by_label("dest", exact=True).check()
    page.settle()
    page.get_by_label("At most (rows)").fill("500")
    page.get_by_label("At most (rows)").press("Tab")
    page.settle()
    expect(page.locator(".inb-code code")).to_contain_text('load(columns=["origin", "dest"], limit=500)')
    page.get_by_label("Variable").fill("2nd")
    page.get_by_label("Variable").press("Tab")
    page.settle()
    expect(page.get_by_label("Variable")).to_have_attribute("aria-invalid", "true")
    page.shot("explorer-load-problem")
    page.get_by_label("Variable").fill("flights")
    page.get_by_label("Variable").press("Tab")
    page.settle()
    page.get_by_role("button", name="Load", exact=True).click()
    page.settle()
    expect(page.get_by_role("status").first).to_contain_text("flights is in the notebook, with 500 rows and 2 columns")
    assert vars(__main__)["flights"].shape == (500, 2)
    page.shot("explorer-loaded")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hostile_names_and_values_do_no_harm(
    show: Show, client: inb.Client, shop: inb.SourceHandle, theme: str
) -> None:
    fields: list[dict[str, Any]] = [{"name": "id", "type": "string", "title": EVIL, "doc": "d" * 10_000}]
    things = shop.create_collection("things", {"type": "record", "name": "t", "fields": fields}, title=EVIL * 300)
    things.create_identifier("key", ["id"])
    things.upload(pd.DataFrame({"id": [EVIL, "x" * 10_000, "\u202egnirts", "مرحبا"]}), progress=False)
    explorer = inb.widgets.Explorer(client)
    explorer.wait(60)
    page = show(explorer, theme=theme, width=600)
    for tab in ("Fields", "Links", "Rows", "Columns", "Load"):
        open_(page, "things", tab)
        assert page.locator("img[src=x]").count() == 0
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.shot("explorer-hostile")
    open_(page, "things", "Rows")
    page.shot("explorer-hostile-rows")
    assert page.title() == "panel"
    assert page.axe() == []


def test_what_fails_says_so_in_its_place_and_can_be_tried_again(
    show: Show, client: inb.Client, shop: inb.SourceHandle
) -> None:
    shop.create_collection("things", {"type": "record", "name": "t", "fields": [{"name": "id", "type": "string"}]})
    explorer = inb.widgets.Explorer(client)
    explorer.wait(60)
    page = show(explorer)
    with client.sandbox.faults({"path": "/collections/*/data", "status": 403, "message": "no rows for you"}):
        open_(page, "things", "Rows")
    expect(page.get_by_role("tabpanel")).to_contain_text("no rows for you")
    page.shot("explorer-refused")
    assert page.axe() == []
    page.get_by_role("button", name="Try again").click()
    page.settle()
    expect(page.get_by_role("tabpanel")).to_contain_text("There are no rows.")


def test_the_tree_stays_where_it_is_while_the_server_is_asked(
    show: Show, explorer: inb.widgets.Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    count_items = endpoints.count_items
    monkeypatch.setattr(endpoints, "count_items", lambda *args: answer.wait(60) and count_items(*args))
    page = show(explorer)
    tree = page.get_by_role("tree")
    before = tree.bounding_box()
    page.get_by_role("treeitem", name="airlines").click()
    page.until(lambda: page.locator(".inb-busy").count() == 1)
    expect(page.get_by_role("status").first).to_have_text("Counting rows of airlines …")
    page.shot("explorer-busy")
    assert tree.bounding_box() == before
    answer.set()
    page.settle()
    expect(page.locator(".inb-count")).to_have_text("16 rows")
