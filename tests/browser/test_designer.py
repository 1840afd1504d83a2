"""The collection designer, as a person has it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from playwright.sync_api import expect

from intempt_nb.widgets import namespace
from intempt_nb.widgets.designing.widget import CollectionDesigner
from panels import act

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator

    import intempt_nb as inb
    from pagekit import Shown

TRIP: dict[str, Any] = {
    "type": "record",
    "name": "trip",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "fare", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}]},
        {"name": "seats", "type": "int", "default": "many"},
        {"name": "cabin", "type": {"type": "enum", "name": "cabin", "symbols": ["FIRST", "SECOND"]}},
    ],
}
STAY: dict[str, Any] = {
    "type": "record",
    "name": "stay",
    "fields": [
        {
            "name": "hotel",
            "type": {
                "type": "record",
                "name": "hotel",
                "fields": [
                    {"name": "rooms", "type": {"type": "array", "items": "int"}},
                    {"name": "stars", "type": "int"},
                ],
            },
        }
    ],
}
CHANGED_ROWS = """() => {
    window.changed = new Set();
    new MutationObserver((all) => all.forEach(({ target }) => {
        const row = (target.closest ? target : target.parentElement).closest('.inb-row');
        if (row) window.changed.add(row.querySelector('[data-k]').dataset.k);
    })).observe(document.querySelector('.inb-table'),
        { subtree: true, childList: true, attributes: true, characterData: true });
}"""


def cell(page: Shown, name: str) -> Locator:
    return page.get_by_label(name, exact=True)


def put(page: Shown, name: str, text: str) -> None:
    cell(page, name).fill(text)
    cell(page, name).press("Tab")
    page.settle()


def names(page: Shown) -> list[str]:
    return [each.name for each in page.panel.schema.fields]


def focused(page: Shown) -> str:
    return page.page.evaluate("() => document.activeElement.dataset.k || ''")


def tab_to(page: Shown, control: str) -> None:
    """Press Tab until a control has the focus."""
    for _ in range(100):
        page.keyboard.press("Tab")
        if focused(page) == control:
            return
    raise AssertionError(f"Tab does not lead to {control}")


def press(page: Shown, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.settle()


def test_a_collection_is_made_from_nothing_with_the_keyboard_only(
    show: Callable[..., Shown], shop: inb.SourceHandle
) -> None:
    page = show(CollectionDesigner(shop))
    tab_to(page, "head:name")
    page.keyboard.type("trip")
    tab_to(page, "add")
    press(page, "Enter")
    page.keyboard.type("id")
    press(page, "Enter")
    page.keyboard.type("seats")
    press(page, "Tab", "i", "Tab", "Space")
    assert focused(page) == "/fields/1:nullable"
    press(page, "ArrowUp", "Shift+Tab", "Shift+Tab", "Alt+Enter")
    page.keyboard.type("cabin")
    press(page, "Alt+ArrowDown")
    assert focused(page) == "/fields/2:name"
    tab_to(page, "create")
    press(page, "Enter")
    expect(page.get_by_role("status").first).to_contain_text("trip was created")
    expect(page.locator(".inb-success").last).to_contain_text(f"3 fields), id {shop.collections['trip'].id}")
    assert [(each["name"], each["type"]) for each in shop.collections["trip"].schema.to_avro()["fields"]] == [
        ("id", "string"),
        ("seats", ["null", "int"]),
        ("cabin", "string"),
    ]


def test_problems_are_at_their_cells_and_go(show: Callable[..., Shown], shop: inb.SourceHandle) -> None:
    page = show(CollectionDesigner(shop, schema=TRIP))
    default = cell(page, "Default of seats")
    expect(default).to_have_attribute("aria-invalid", "true")
    expect(default).to_have_accessible_description(
        'Error: Default: the default "many" is not of its type; expected int'
    )
    expect(page.get_by_role("button", name="Create collection")).to_be_disabled()
    put(page, "Default of seats", "3")
    assert default.get_attribute("aria-invalid") is None
    expect(page.get_by_label("Problems", exact=True)).to_have_text("No problems")
    put(page, "Name of field 1", "two words")
    expect(cell(page, "Name of field 1")).to_have_accessible_description(
        re.compile("^Error: 'two words' is not a name")
    )
    expect(cell(page, "Name of field 1")).to_have_attribute("aria-invalid", "true")


def test_the_summary_leads_to_the_cell_from_wherever_one_is(show: Callable[..., Shown], shop: inb.SourceHandle) -> None:
    wrong = json.loads(json.dumps(STAY).replace('"stars"', '"st ars"'))
    page = show(CollectionDesigner(shop, schema=wrong))
    page.get_by_role("button", name="Inside of hotel", exact=True).click()
    expect(cell(page, "Name of field 2 in hotel")).to_have_count(0)
    page.get_by_role("tab", name="Avro").click()
    page.settle()
    page.get_by_role("button", name="Name of hotel.st ars").click()
    page.settle()
    expect(cell(page, "Name of field 2 in hotel")).to_be_focused()
    put(page, "Name of field 2 in hotel", "stars")
    cell(page, "Collection name").fill("")
    press(page, "Tab")
    page.get_by_role("button", name="Collection name").click()
    expect(cell(page, "Collection name")).to_be_focused()


def test_what_is_nested_unfolds_in_its_place(show: Callable[..., Shown], shop: inb.SourceHandle) -> None:
    page = show(CollectionDesigner(shop, schema=STAY))
    page.get_by_role("button", name="Inside of hotel", exact=True).click()
    expect(cell(page, "Type of hotel.rooms")).to_have_count(0)
    page.get_by_role("button", name="Add a field in hotel").click()
    page.settle()
    expect(cell(page, "Name of field 3 in hotel")).to_be_focused()
    put(page, "Name of field 3 in hotel", "city")
    cell(page, "Type of hotel.rooms items").select_option("record")
    page.settle()
    page.get_by_role("button", name="Add a field in hotel.rooms items").click()
    page.settle()
    put(page, "Name of field 1 in hotel.rooms items", "beds")
    cell(page, "Null of hotel").check()
    page.settle()
    put(page, "Title of hotel.rooms items.beds", "Beds")
    hotel = page.panel.schema.to_avro()["fields"][0]["type"][1]
    assert [each["name"] for each in hotel["fields"]] == ["rooms", "stars", "city"]
    assert hotel["fields"][0]["type"]["items"]["fields"] == [{"name": "beds", "type": "string", "title": "Beds"}]


def test_rows_move_and_are_copied_and_deleted_and_keep_the_focus(
    show: Callable[..., Shown], shop: inb.SourceHandle
) -> None:
    page = show(CollectionDesigner(shop, schema={**TRIP, "fields": TRIP["fields"][:2]}))
    page.get_by_role("button", name="Move up fare").click()
    page.settle()
    assert names(page) == ["fare", "id"]
    expect(page.get_by_role("button", name="Move up fare")).to_be_focused()
    cell(page, "Title of fare").focus()
    page.keyboard.type("Price")
    press(page, "Alt+ArrowDown")
    assert [(each.name, each.title) for each in page.panel.schema.fields] == [("id", None), ("fare", "Price")]
    expect(cell(page, "Title of fare")).to_be_focused()
    press(page, "ArrowUp")
    expect(cell(page, "Title of id")).to_be_focused()
    page.get_by_role("button", name="Duplicate id").click()
    page.settle()
    assert focused(page) == "/fields/1:name"
    page.get_by_role("button", name="Delete id", exact=True).click()
    expect(page.get_by_role("button", name="Confirm: Delete id", exact=True)).to_be_focused()
    press(page, "Escape")
    assert len(names(page)) == 3
    press(page, "Enter", "Enter")
    assert len(names(page)) == 2
    assert focused(page) == "/fields/0:name"


def test_undo_and_redo(show: Callable[..., Shown], shop: inb.SourceHandle) -> None:
    page = show(CollectionDesigner(shop, schema=STAY))
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    cell(page, "Null of hotel").check()
    page.settle()
    press(page, "Control+z")
    expect(cell(page, "Null of hotel")).not_to_be_checked()
    press(page, "Control+Shift+z")
    expect(cell(page, "Null of hotel")).to_be_checked()
    page.get_by_role("button", name="Undo").click()
    page.settle()
    expect(cell(page, "Null of hotel")).not_to_be_checked()
    cell(page, "Doc of hotel").press_sequentially("half")
    press(page, "Control+z")
    expect(page.get_by_role("button", name="Redo")).to_be_enabled()
    assert cell(page, "Doc of hotel").input_value() != "half"
    page.panel._do_set("/fields/0", "doc", "of Python")
    page.panel._publish()
    page.settle()
    assert cell(page, "Doc of hotel").input_value() != "of Python"
    cell(page, "Doc of hotel").fill("")
    press(page, "Tab")
    expect(cell(page, "Doc of hotel")).to_have_value("of Python")


def test_steps_are_undone_one_after_the_other_from_the_keyboard(
    show: Callable[..., Shown], shop: inb.SourceHandle
) -> None:
    page = show(CollectionDesigner(shop, name="trip"))
    tab_to(page, "add")
    press(page, "Enter", "Alt+Enter", "Alt+Enter")
    assert focused(page) == "/fields/2:name"
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")  # before the answer is here
    page.settle()
    assert (names(page), focused(page)) == (["field"], "/fields/0:name")
    press(page, "Control+z")
    assert (names(page), focused(page)) == ([], "add")
    press(page, "Control+z", "Control+Shift+z", "Control+Shift+z", "Control+Shift+z")
    assert names(page) == ["field", "field_2", "field_3"]
    page.get_by_role("button", name="Undo", exact=True).focus()
    press(page, "Enter", "Enter", "Enter")
    assert focused(page) == "redo"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_update_that_takes_something_away_asks_and_what_others_did_stops_it(
    show: Callable[..., Shown], shop: inb.SourceHandle, theme: str
) -> None:
    trip = {**TRIP, "fields": [TRIP["fields"][index] for index in (0, 1, 3)]}
    page = show(CollectionDesigner(shop.create_collection("trip", trip)), theme, width=1000)
    page.get_by_role("button", name="Delete fare", exact=True).press("Enter")
    press(page, "Enter")
    update = page.get_by_role("button", name="Update collection", exact=True)
    update.press("Enter")
    sure = page.get_by_role("button", name="Update trip: removes 1 field (fare). Press again to do it", exact=True)
    expect(sure).to_be_focused()
    page.shot("designer-losses")
    assert page.axe() == []
    press(page, "Escape")
    expect(update).to_be_focused()
    assert "fare" in shop.collections["trip"].schema.names
    press(page, "Enter", "Enter")
    expect(page.get_by_text("The collection was updated")).to_be_visible()
    assert shop.collections["trip"].schema.names == ["id", "cabin"]
    shop.collections["trip"].update(title="Trips")
    put(page, "Default of id", "none")
    expect(page.get_by_text("The collection was updated")).to_have_count(0)
    update.press("Enter")
    page.settle()
    expect(page.get_by_role("alert")).to_contain_text("trip was changed since this designer read it")
    expect(page.get_by_role("button", name="Refresh what the server has")).to_be_focused()
    page.shot("designer-overtaken")
    press(page, "Enter")
    expect(update).to_be_focused()
    press(page, "Enter", "Enter")
    expect(page.get_by_text("The collection was updated")).to_be_visible()


def test_names_are_pasted(show: Callable[..., Shown], shop: inb.SourceHandle) -> None:
    page = show(CollectionDesigner(shop, schema=STAY))
    page.get_by_role("button", name="Paste names").click()
    expect(page.get_by_label("Names, one a line")).to_be_focused()
    page.get_by_label("Names, one a line").fill("guest\nnumber of nights")
    page.get_by_role("button", name="Add these fields").click()
    page.settle()
    assert focused(page) == "/fields/1:name"
    assert [each.title for each in page.panel.schema.fields] == [None, None, "number of nights"]
    page.get_by_role("button", name="Paste names").click()
    press(page, "Escape")
    expect(page.get_by_role("button", name="Paste names")).to_be_focused()


def test_avro_that_is_typed_is_in_the_table_and_a_broken_text_stays(
    show: Callable[..., Shown], shop: inb.SourceHandle
) -> None:
    page = show(CollectionDesigner(shop, schema=STAY))
    page.get_by_role("tab", name="Avro").click()
    page.settle()
    text = page.get_by_label("Avro schema as JSON")
    text.fill(json.dumps(TRIP))
    page.until(lambda: page.panel.state["rows"][0]["name"] == "id")
    broken = '{"type": "record",\n  "fields": ['
    text.fill(broken)
    page.until(lambda: page.panel.state["pane"]["text"] == broken)
    expect(text).to_have_attribute("aria-invalid", "true")
    expect(text).to_be_focused()
    page.get_by_role("button", name="Line 2").click()
    expect(text).to_be_focused()
    page.get_by_role("tab", name="Fields").click()
    page.settle()
    expect(cell(page, "Name of field 4")).to_have_value("cabin")
    page.get_by_role("tab", name="Avro").click()
    page.settle()
    expect(text).to_have_value(broken)


def test_fields_are_inferred_from_a_file_here_or_there_or_a_frame(
    show: Callable[..., Shown], shop: inb.SourceHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "visits.csv").write_text("when,what\n2024-01-02,1\n2024-01-03,2\n")
    monkeypatch.setattr(namespace, "variables", lambda: {"orders": pd.DataFrame({"total": [1.5, 2.5]})})
    page = show(CollectionDesigner(shop))
    page.get_by_role("button", name="Infer from data").click()
    page.get_by_label("File where the kernel runs").first.fill(str(tmp_path / "visits.csv"))
    press(page, "Enter")
    assert names(page) == ["when", "what"]
    expect(cell(page, "Type of when")).to_have_accessible_description(re.compile("all 2 values are dates"))
    expect(page.get_by_role("region", name="Infer from data")).to_have_count(0)
    page.get_by_role("button", name="Infer from data").click()
    page.get_by_role("button", name="Infer from the DataFrame").click()
    page.settle()
    assert names(page) == ["total"]
    page.get_by_role("button", name="Infer from data").click()
    page.get_by_label("File of this computer").set_input_files(tmp_path / "visits.csv")
    page.until(lambda: names(page) == ["when", "what"])
    page.settle()  # the page has to hear of it, too
    page.get_by_label("Show why each type was chosen").uncheck()
    assert cell(page, "Type of when").get_attribute("aria-describedby") is None


def test_what_python_makes_of_a_text_is_shown_even_if_nothing_changed(
    show: Callable[..., Shown], shop: inb.SourceHandle
) -> None:
    page = show(CollectionDesigner(shop, schema=TRIP))
    put(page, "Symbols of cabin", "FIRST,SECOND")
    expect(cell(page, "Symbols of cabin")).to_have_value("FIRST, SECOND")


def test_while_the_kernel_is_busy_what_was_done_stays_and_nothing_is_done_to_another_row(
    show: Callable[..., Shown], shop: inb.SourceHandle
) -> None:
    page = show(CollectionDesigner(shop, schema=STAY))
    cell(page, "Null of hotel.stars").check()
    put_text = cell(page, "Doc of hotel.stars")
    put_text.fill("how good")
    put_text.press("Tab")
    expect(page.get_by_role("status").first).to_have_text("Waiting for the kernel, which is busy")
    expect(put_text).to_have_value("how good")
    expect(cell(page, "Null of hotel.stars")).to_be_checked()
    page.settle()
    expect(page.get_by_role("status").first).to_be_empty()
    done = page.panel.schema.to_avro()["fields"][0]
    cell(page, "Name of field 1").press("Alt+Enter")
    expect(page.get_by_role("table", name="Fields")).to_have_attribute("aria-busy", "true")
    page.keyboard.type("x")
    cell(page, "Null of hotel.rooms").click()
    expect(cell(page, "Name of field 1")).to_have_value("hotel")
    expect(cell(page, "Null of hotel.rooms")).not_to_be_checked()
    expect(cell(page, "Null of hotel.rooms")).to_be_focused()
    page.settle()
    assert page.panel.schema.to_avro()["fields"][0] == done
    expect(cell(page, "Name of field 2")).to_be_focused()


def test_what_was_begun_in_a_row_is_not_done_to_the_one_that_takes_its_place(
    show: Callable[..., Shown], shop: inb.SourceHandle
) -> None:
    schema = {**TRIP, "fields": [{"name": name, "type": "string"} for name in "abcdefg"]}
    page = show(CollectionDesigner(shop, schema=schema))
    cell(page, "Delete b").press("Enter")
    expect(cell(page, "Confirm: Delete b")).to_be_focused()
    act(page.panel, "delete", path="/fields/0")
    page.settle()
    expect(cell(page, "Delete c")).to_be_focused()
    press(page, "Enter")
    assert names(page) == ["b", "c", "d", "e", "f", "g"]
    press(page, "Escape")
    cell(page, "Name of field 2").focus()
    page.keyboard.type("half ty")
    act(page.panel, "delete", path="/fields/0")
    page.settle()
    page.keyboard.type("ped")
    expect(page.get_by_text("This was being typed, and was not taken: chalf ty")).to_be_focused()
    press(page, "Tab", "Tab")
    assert names(page) == ["c", "d", "e", "f", "g"]
    cell(page, "Name of field 2").focus()
    page.keyboard.type("late")
    page.keyboard.press("Tab")  # and before this arrives,
    act(page.panel, "move", path="/fields/0", by=1)
    page.settle()
    assert names(page) == ["d", "c", "e", "f", "g"]
    expect(page.get_by_role("status").first).to_contain_text("the fields have moved meanwhile; look again")
    cell(page, "Name of field 5").focus()
    page.keyboard.type("gone")
    act(page.panel, "text", text=json.dumps({**schema, "fields": schema["fields"][:2]}))
    page.settle()
    expect(page.get_by_text("not taken: ggone")).to_be_focused()
    assert names(page) == ["a", "b"]
    put(page, "Name of field 2", "B")
    assert names(page) == ["a", "B"]
    cell(page, "Delete B").focus()
    act(page.panel, "delete", path="/fields/1")
    page.settle()
    expect(page.get_by_role("button", name="Add field", exact=True)).to_be_focused()


def test_two_views_stay_in_step(show: Callable[..., Shown], shop: inb.SourceHandle) -> None:
    page = show(CollectionDesigner(shop, schema=STAY))
    page.again()
    cell(page, "Title of hotel").first.fill("The house")
    press(page, "Enter")
    expect(cell(page, "Title of hotel").nth(1)).to_have_value("The house")
    page.get_by_role("button", name="Add field").nth(1).click()
    page.settle()
    expect(cell(page, "Name of field 2").first).to_be_visible()
    expect(cell(page, "Name of field 2").nth(1)).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hostile_names_and_values_are_text(show: Callable[..., Shown], shop: inb.SourceHandle, theme: str) -> None:
    evil = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\''
    hostile = {
        "type": "record",
        "name": evil,
        "doc": evil,
        "fields": [
            {"name": evil, "type": "string", "title": evil, "doc": "x" * 10_000, "default": evil},
            {"name": "y" * 10_000, "type": "string"},
            {"name": "שלום\u202e", "type": {"type": "record", "name": "a", "fields": [{"name": evil, "type": "int"}]}},
            {"name": "e", "type": {"type": "enum", "name": "e", "symbols": [evil]}},
        ],
    }
    page = show(CollectionDesigner(shop, schema=hostile, name=evil, title=evil), theme, width=700)
    page.shot("designer-hostile")
    for tab in ("Avro", "Arrow", "pandas", "Sample", "Compare", "Python"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.settle()
    page.get_by_role("tab", name="Fields").click()
    page.settle()
    assert page.page.evaluate("() => window.hacked") is None
    assert page.page.evaluate("() => document.documentElement.scrollWidth") <= 700
    assert page.axe() == []


def wide(count: int) -> dict[str, Any]:
    fields = [{"name": f"f{index}", "type": "long" if index % 3 else "string"} for index in range(count)]
    return {"type": "record", "name": "wide", "fields": fields}


def test_an_edit_among_many_fields_draws_its_own_row_only(show: Callable[..., Shown], shop: inb.SourceHandle) -> None:
    page = show(CollectionDesigner(shop, schema=wide(1000)))
    cell(page, "Type of f700").focus()
    cell(page, "Type of f700").select_option("double")
    page.settle()
    page.page.evaluate(CHANGED_ROWS)
    put(page, "Name of field 701", "seven")
    assert page.page.evaluate("() => [...window.changed]") == ["/fields/700:name"]
    assert page.panel.schema.to_avro()["fields"][700] == {"name": "seven", "type": "double"}
    press(page, "Shift+Tab", "ArrowDown")
    expect(cell(page, "Name of field 702")).to_be_focused()
    expect(cell(page, "Name of field 702")).to_be_in_viewport()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_looks_well_and_a_screen_reader_can_use_it(
    show: Callable[..., Shown], shop: inb.SourceHandle, client: inb.Client, data: Path, theme: str
) -> None:
    shop.create_collection("stay", STAY, kind="event")
    page = show(CollectionDesigner(shop), theme)
    page.shot("designer-empty")
    assert page.axe() == []
    page = show(CollectionDesigner(client, schema=TRIP, kind="event"), theme, width=500)
    page.get_by_role("button", name="Paste names").click()
    page.get_by_text("Record of the schema").click()
    page.get_by_text("Keyboard").click()
    page.shot("designer-narrow")
    assert page.axe() == []
    page = show(CollectionDesigner(shop, schema=STAY), theme)
    for tab in ("Fields", "Avro", "Arrow", "pandas", "Sample", "Compare", "Python"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.settle()
        page.shot(f"designer-{tab.lower()}")
        assert page.axe() == []
    page = show(CollectionDesigner(shop, data / "flights.csv"), theme)
    page.get_by_role("button", name="Infer from data").click()
    page.settle()
    page.shot("designer-inferred")
    assert page.axe() == []
    page = show(CollectionDesigner(shop, schema=wide(200)), theme)
    page.shot("designer-200")
