"""Uploading in a real JupyterLab: what is rejected is put right, what is broken off goes on."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from labkit import Lab

ROWS = 1_000
BAD = {row: f"{row} pieces" for row in range(50, ROWS, 100)}
SHOP = """
import intempt_nb as inb
client = inb.sandbox()
schema = {"type": "record", "name": "order", "fields": [
    {"name": "id", "type": "string"},
    {"name": "day", "type": {"type": "string", "logicalType": "date"}},
    {"name": "quantity", "type": "long"},
]}
orders = client.create_source("shop").create_collection("orders", schema, kind="attribute")
orders.create_identifier("id", fields=["id"], type="primary")
"""
FLIGHTS = """
from contextlib import ExitStack
import intempt_nb as inb
client = inb.sandbox()
inferred = inb.infer_schema({path!r}, name="flights")
schema = inferred.schema.with_field({{"name": "eventId", "type": "string"}})
flights = client.create_source("airline").create_collection("flights", schema, kind="attribute")
flights.create_identifier("id", fields=["eventId"], type="primary")
slow = ExitStack()
slow.enter_context(client.sandbox.faults({{"path": "/sources/*/data", "delay": 2}}))
"""


def write_orders(path: Path, quantities: dict[int, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "day", "quantity"])
        for row in range(ROWS):
            writer.writerow([f"order-{row:04}", f"2024-03-{1 + row % 31:02}", quantities.get(row, row)])


def mend(rejected: Path) -> None:
    """Take the words out of the quantities, as a person would in a spreadsheet."""
    rejected.write_text(rejected.read_text("utf-8").replace(" pieces", ""), "utf-8")


def test_ten_bad_rows_are_rejected_downloaded_put_right_and_sent(
    lab: Lab, desk: BrowserContext, tmp_path: Path
) -> None:
    write_orders(tmp_path / "orders.csv", BAD)
    lab.write("orders.ipynb", SHOP, "panel = inb.widgets.UploadPanel(orders)\npanel")
    with lab.opened(desk, "orders.ipynb") as book:
        book.run()
        panel = book.output()
        panel.get_by_role("tab", name="On your computer").click()
        panel.get_by_label("A file of your computer").set_input_files(tmp_path / "orders.csv")
        expect(panel.get_by_label("Field for column quantity")).to_have_value("quantity")
        book.shot("lab-upload-look")
        panel.get_by_role("button", name="Check all rows").click()
        expect(panel.get_by_text("not a whole number").first).to_be_visible()
        assert book.value("orders.load().shape[0]") == 0
        panel.get_by_role("button", name="Upload", exact=True).click()
        expect(panel.get_by_text("the upload is over")).to_be_visible()
        assert book.value("[panel.report.accepted, panel.report.rejected]") == [ROWS - len(BAD), len(BAD)]
        book.shot("lab-upload-rejected")
        with book.page.expect_download() as download:
            panel.get_by_role("button", name="Download the rejected rows").click()
        rejected = tmp_path / download.value.suggested_filename
        download.value.save_as(rejected)
        mend(rejected)
        panel.get_by_role("button", name="Upload corrected rows").click()
        panel.get_by_role("tab", name="On your computer").click()
        panel.get_by_label("A file of your computer").set_input_files(rejected)
        panel.get_by_role("button", name="Upload", exact=True).click()
        expect(panel.get_by_text("the upload is over")).to_be_visible()
        assert book.value("[panel.report.accepted, panel.report.rejected]") == [len(BAD), 0]
        assert book.value("sorted(orders.load()['quantity'].to_list())") == list(range(ROWS))
        book.shot("lab-upload-mended")


def test_an_upload_is_cancelled_and_goes_on_and_is_found_again_in_a_notebook_that_was_closed(
    lab: Lab, desk: BrowserContext, data: Path
) -> None:
    path = str(data / "flights.csv")
    show = f"panel = inb.widgets.UploadPanel(flights, {path!r})\npanel"
    lab.write("flights.ipynb", FLIGHTS.format(path=path), show)
    with lab.opened(desk, "flights.ipynb") as book:
        book.run()
        panel = book.output()
        panel.get_by_role("button", name="Upload", exact=True).click()
        book.until("panel.control is not None and panel.control.progress.accepted > 0")
        book.shot("lab-upload-running")
        panel.get_by_role("button", name="Cancel the upload").click()
        panel.get_by_role("button", name="Confirm: Cancel the upload").click()
        expect(panel.get_by_role("button", name="Go on from there")).to_be_visible()
        expect(panel.get_by_text("flights.csv: the upload was cancelled")).to_be_visible()
        sent = book.value("panel.report.accepted")
        assert 0 < sent < 20_000
        book.shot("lab-upload-cancelled")
        panel.get_by_role("button", name="Go on from there").click()
        panel.get_by_role("button", name="Pause the upload").click()
        book.until("panel.control.paused")
        book.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    with lab.opened(desk, "flights.ipynb") as book:
        panel = book.restored()
        expect(panel.get_by_role("button", name="Go on with the upload")).to_be_visible()
        book.shot("lab-upload-found-again")
        book.value("slow.close()")
        panel.get_by_role("button", name="Go on with the upload").click()
        expect(panel.get_by_text("the upload is over")).to_be_visible()
        assert book.value("[panel.report.accepted, panel.report.known, panel.report.rejected]") == [20_000, sent, 0]
        assert book.value("flights.load(columns=['eventId'])['eventId'].nunique()") == 20_000
