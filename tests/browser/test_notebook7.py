"""The panels in Notebook 7, which is made of JupyterLab's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from labkit import Lab

DESIGNER = """
import intempt_nb as inb
designer = inb.widgets.CollectionDesigner(inb.sandbox().create_source("shop"), name="orders")
designer
"""


def test_a_designer_is_shown_and_an_edit_reaches_python(lab: Lab, desk: BrowserContext) -> None:
    lab.write("seven.ipynb", DESIGNER)
    with lab.opened(desk, "seven.ipynb", view="notebooks") as book:
        book.run()
        panel = book.output()
        panel.get_by_role("button", name="Add field").click()
        panel.get_by_label("Name of field 1").fill("price")
        panel.get_by_label("Name of field 1").press("Tab")
        panel.get_by_label("Type of price", exact=True).select_option("double")
        book.until("designer.schema.to_avro()['fields'] == [{'name': 'price', 'type': 'double'}]")
        panel.get_by_label("Name of field 1").fill("two words")
        book.keyboard.press("Tab")
        expect(panel.get_by_text("'two words' is not a name").first).to_be_visible()
        book.shot("notebook7")
