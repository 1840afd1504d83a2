"""The upload panel in a browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from playwright.sync_api import expect

import intempt_nb as inb
from intempt_nb.widgets import namespace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pagekit import Shown

SCHEMA = {
    "type": "record",
    "name": "sales",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "day", "type": {"type": "string", "logicalType": "date"}},
        {"name": "amount", "type": "double"},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}
EVIL = '<img src=x onerror=alert(1)> & "quotes" \u202eleft'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def sales(shop: inb.SourceHandle) -> inb.CollectionHandle:
    collection = shop.create_collection("sales", SCHEMA, kind="event")
    collection.create_identifier("id", fields=["id"])
    return collection


@pytest.fixture
def path(folder: Path) -> Path:
    bad = {7: "much", 11: EVIL.replace('"', '""'), 300: "1,2,3"}
    rows = [f'i{n},2024-01-{n % 28 + 1:02},"{bad.get(n, n / 4)}","note {n}"' for n in range(1_000)]
    (folder / "sales.csv").write_text("\n".join(["id,day,Amount,remark", *rows]) + "\n")
    (folder / "an inner folder").mkdir()
    return folder / "sales.csv"


def finished(page: Shown) -> None:
    page.until(lambda: page.panel.state["stage"] == "done")
    page.settle()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_from_picking_to_the_rejected_rows(
    show: Callable[..., Shown], sales: inb.CollectionHandle, path: Path, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespace, "variables", lambda: {"df": pd.DataFrame({"id": ["a"]})})
    page = show(inb.widgets.UploadPanel(sales), theme)
    page.shot("upload-1-pick")
    assert page.axe() == []
    page.get_by_role("button", name="sales.csv").click()
    page.settle()
    expect(page.get_by_text("Look at the rows", exact=True)).to_be_focused()
    expect(page.get_by_label("Field for column Amount")).to_have_value("amount")
    page.get_by_label("Field for column remark").select_option("note")
    page.settle()
    expect(page.get_by_label("First rows")).to_contain_text("much")
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Key of a row without one").select_option("columns")
    page.settle()
    page.shot("upload-2-look")
    assert page.axe() == []
    page.get_by_label("Key of a row without one").select_option("")
    page.settle()
    page.get_by_role("button", name="Check all rows").click()
    page.until(lambda: page.panel.state.get("checked"))
    page.settle()
    expect(page.locator("[data-k='checked']")).to_be_focused()
    found = page.get_by_label("What the check found")
    expect(found.get_by_text("997 of 1,000 rows can be sent; 3 rejected.")).to_be_in_viewport()
    page.shot("upload-3-checked")
    page.get_by_role("button", name="Upload", exact=True).click()
    finished(page)
    expect(page.locator("[data-k='stage:done']")).to_be_focused()
    expect(page.get_by_label("Rejected rows", exact=True)).to_contain_text("<img src=x")
    page.get_by_text("The same in Python").click()
    page.shot("upload-5-done")
    assert page.axe() == []
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download the rejected rows").click()
        page.settle()
    mended = path.with_name("mended.csv")
    coming.value.save_as(mended)
    assert coming.value.suggested_filename == "sales-rejected.csv"
    panel = page.panel
    panel.report.write_rejects(path.with_name("same.csv"))
    assert mended.read_bytes() == path.with_name("same.csv").read_bytes()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_progress_comes_at_a_bearable_pace_and_can_be_stopped(
    show: Callable[..., Shown], sales: inb.CollectionHandle, client: inb.Client, theme: str
) -> None:
    frame = pd.DataFrame({"id": [f"i{n}" for n in range(60_000)], "day": "2024-01-01", "amount": 1.5, "note": "x" * 40})
    client.sandbox.faults(
        {"path": "/sources/*/data", "on": 2, "status": 429, "retry_after": 1}, {"path": "/sources/*/data", "delay": 0.2}
    )
    page = show(inb.widgets.UploadPanel(sales, frame), theme)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.until(lambda: page.panel.state["stage"] == "run")
    begun, before = time.monotonic(), len(page.updates)
    page.until(lambda: page.panel.control.progress.accepted > 5_000)
    page.until(lambda: time.monotonic() - begun > 2)
    assert len(page.updates) - before <= 10 * (time.monotonic() - begun)
    expect(page.get_by_role("progressbar", name="Progress of the upload")).to_have_attribute("max", "60000")
    page.shot("upload-4-run")
    assert page.axe() == []
    page.get_by_role("button", name="Pause the upload").click()
    page.until(lambda: page.panel.state["progress"]["state"] == "paused")
    expect(page.get_by_role("button", name="Go on with the upload")).to_be_focused()
    page.keyboard.press("Enter")
    page.until(lambda: page.panel.state["progress"]["state"] == "sending")
    page.get_by_role("button", name="Cancel the upload").click()
    page.wait_for_timeout(600)
    page.pump()
    page.keyboard.press("Enter")  # the second step; progress in between has not taken the focus away
    finished(page)
    expect(page.get_by_text("The upload was cancelled. What was sent stays.").first).to_be_visible()
    page.shot("upload-6-cancelled")
    page.get_by_role("button", name="Upload other rows").click()
    page.settle()
    expect(page.get_by_role("button", name="Go on with DataFrame")).to_be_visible()
    page.shot("upload-7-unfinished")
    assert page.axe() == []


def test_a_large_file_of_the_browser_is_received_and_uploaded(
    show: Callable[..., Shown], sales: inb.CollectionHandle, tmp_path: Path
) -> None:
    large = tmp_path / "large.csv"
    rows = 100_000
    lines = (f"i{n},2024-01-01,1.5,{'x' * 40}\n" for n in range(rows))
    large.write_text("id,day,amount,note\n" + "".join(lines))
    assert large.stat().st_size > 5_000_000
    page = show(inb.widgets.UploadPanel(sales))
    page.get_by_role("tab", name="On your computer").click()
    page.get_by_label("A file of your computer").set_input_files(large)
    page.until(lambda: page.panel.state["stage"] == "look")
    page.settle()
    expect(page.get_by_text("large.csv", exact=True)).to_be_visible()
    [kept] = (tmp_path / "state").glob("received/*/*/large.csv")
    assert kept.read_bytes() == large.read_bytes()
    page.get_by_label("Field for column note").select_option("")
    page.settle()
    page.get_by_role("button", name="Upload", exact=True).click()
    finished(page)
    assert (page.panel.report.accepted, page.panel.report.rejected) == (rows, 0)


def test_receiving_can_be_cancelled(show: Callable[..., Shown], sales: inb.CollectionHandle, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"id,day\n" + bytes(8_000_000))
    page = show(inb.widgets.UploadPanel(sales))
    page.get_by_role("tab", name="On your computer").click()
    page.get_by_label("A file of your computer").set_input_files(large)
    page.until(lambda: page.get_by_role("button", name="Cancel receiving").is_visible())
    expect(page.get_by_label("A file of your computer")).to_be_hidden()
    page.get_by_role("button", name="Cancel receiving").click()
    page.settle()
    expect(page.get_by_label("A file of your computer")).to_be_focused()
    assert page.panel.state["stage"] == "pick"
    assert list((tmp_path / "state").glob("received/*/*")) == []


def test_the_keyboard_is_enough(show: Callable[..., Shown], sales: inb.CollectionHandle, path: Path) -> None:
    page = show(inb.widgets.UploadPanel(sales))
    page.get_by_label("Path of a file or folder").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("sales.csv")
    page.keyboard.press("Enter")
    page.settle()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.k") == "start":
            break
    page.keyboard.press("Enter")
    finished(page)
    assert page.panel.report.accepted == 997


def test_an_upload_that_cannot_begin_says_why(
    show: Callable[..., Shown], sales: inb.CollectionHandle, path: Path
) -> None:
    path.write_text("id,day\n1,2024-01-01\n")
    page = show(inb.widgets.UploadPanel(sales, path))
    expect(page.get_by_text("No column for the required field amount. Choose one")).to_be_visible()
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_disabled()
    path.unlink()
    page.get_by_role("button", name="Choose other rows").click()
    page.settle()
    page.get_by_label("Path of a file or folder").fill("nothing.csv")
    page.keyboard.press("Enter")
    page.settle()
    expect(page.get_by_role("alert")).to_contain_text("there is no file or folder 'nothing.csv'")
    page.shot("upload-8-error")


def test_of_many_fields_any_can_be_chosen_by_keyboard(show: Callable[..., Shown], shop: inb.SourceHandle) -> None:
    names = [f"field{n}" for n in range(100)]
    fields = [{"name": name, "type": ["null", "string"], "default": None} for name in names]
    collection = shop.create_collection("wide", {"type": "record", "name": "wide", "fields": fields})
    collection.create_identifier("id", fields=["field0"])
    page = show(inb.widgets.UploadPanel(collection, pd.DataFrame({"field0": ["a"], "something": ["b"]})))
    page.get_by_label("Field for column something").focus()
    page.keyboard.type("field77")
    page.keyboard.press("Tab")
    page.settle()
    assert page.panel.state["look"]["columns"][1]["field"] == "field77"
    assert page.get_by_label("Field for column field0").locator("option").count() == 1


@pytest.mark.filterwarnings("ignore::intempt_nb.transfer.twice.TwiceWarning")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_stands_in_the_way_is_said_beside_the_buttons_and_before_rows_are_sent(
    show: Callable[..., Shown], shop: inb.SourceHandle, client: inb.Client, folder: Path, theme: str
) -> None:
    visits = shop.create_collection("visits", {**SCHEMA, "name": "visits"}, kind="event")
    path = folder / "visits.csv"
    path.write_text("day,amount\n" + "2024-01-01,1.5\n" * 30_000)
    page = show(inb.widgets.UploadPanel(visits, path), theme)
    expect(page.get_by_text("visits has no primary identifier")).to_be_visible()
    upload = page.get_by_role("button", name="Upload", exact=True)
    expect(upload).to_be_disabled()
    page.shot("upload-9-keyless")
    assert page.axe() == []
    visits.create_identifier("id", fields=["id"])
    page.get_by_role("button", name="Look for a primary identifier again").click()
    page.settle()
    expect(page.get_by_text("Key: made from the file and the number of the row.")).to_be_visible()
    client.sandbox.faults({"path": "/sources/*/data", "from": 2, "status": 401})
    upload.click()
    finished(page)
    client.sandbox.clear_faults()
    page.shot("upload-10-refused")
    path.write_text(path.read_text() + "2024-01-02,2\n")
    page.get_by_role("button", name="Go on from there").click()
    page.until(lambda: page.panel.state.get("outcome", {}).get("changed"))
    page.settle()
    page.get_by_role("button", name="Upload it as another file").click()
    page.settle()
    expect(page.get_by_text("This file was uploaded into the collection before")).to_be_visible()
    page.set_viewport_size({"width": 500, "height": 900})
    page.shot("upload-11-twice")
    assert page.axe() == []
    upload.click()
    armed = page.get_by_text("Upload, though rows will be there twice?")
    expect(armed).to_be_focused()
    armed.click()
    finished(page)
    assert page.panel.report.accepted == 30_001
