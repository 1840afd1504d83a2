"""Exploring in a real JupyterLab: from the sources to a DataFrame of the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from labkit import Lab

FILLED = """
import intempt_nb as inb
client = inb.sandbox()
client.create_source("website", type="js")
schema = inb.infer_schema({path!r}, name="purchases").schema.with_field({{"name": "eventId", "type": "string"}})
purchases = client.create_source("shop").create_collection("purchases", schema, kind="event")
purchases.create_identifier("purchase", fields=["eventId"])
purchases.upload({path!r}, progress=False).accepted
"""


def test_a_collection_is_found_looked_at_and_loaded(lab: Lab, desk: BrowserContext, data: Path) -> None:
    path = str(data / "purchases.csv")
    lab.write("exploring.ipynb", FILLED.format(path=path), "explorer = inb.widgets.Explorer(client)\nexplorer")
    with lab.opened(desk, "exploring.ipynb") as book:
        book.run()
        panel = book.output()
        panel.get_by_label("Search sources, collections and fields").fill("quant")
        panel.get_by_role("treeitem", name="purchases").click()
        expect(panel.get_by_text("6,919").first).to_be_visible()
        book.shot("lab-explorer-fields")
        panel.get_by_role("tab", name="Rows").click()
        expect(panel.get_by_role("region", name="First rows")).to_contain_text("1997-01-01")
        panel.get_by_role("tab", name="Columns").click()
        expect(panel.get_by_role("region", name="Column profiles")).to_contain_text("506.97")
        book.shot("lab-explorer-columns")
        panel.get_by_role("tab", name="Load").click()
        panel.get_by_label("Variable").fill("bought")
        panel.get_by_role("button", name="Load", exact=True).click()
        book.until("'bought' in globals()")
        assert book.value("[list(bought.shape), str(bought['date'].dtype)]") == [[6919, 5], "date32[day][pyarrow]"]
        book.shot("lab-explorer-loaded")
        assert book.value("explorer.collection.name") == "purchases"
