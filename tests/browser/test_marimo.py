"""The panels in marimo, which takes anywidgets only, and where no kernel speaks Jupyter's protocol."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from chromium import Watch
from labkit import SHOTS, ended, wait_for
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

APP = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    import intempt_nb as inb

    designer = inb.widgets.CollectionDesigner(inb.sandbox().create_source("shop"), name="orders")
    return designer, mo


@app.cell
def _(designer, mo):
    mo.ui.anywidget(designer)


if __name__ == "__main__":
    app.run()
"""


@pytest.fixture
def app(browser: Browser, tmp_path: Path) -> Iterator[str]:
    """The address of a marimo app; it needs a browser, so that without one it is not started for nothing."""
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    homes = {name: str(tmp_path) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    options = ["run", "--headless", "--no-token", "--no-check", "--host", "127.0.0.1", "--port", url.rpartition(":")[2]]
    with (tmp_path / "marimo.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "marimo", *options, "app.py"],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            env={**os.environ, **homes},
            start_new_session=True,
        )
    with ended(server):
        wait_for(lambda: answers(f"{url}/health"), "marimo answers")
        yield url


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def test_a_designer_is_shown_and_an_edit_reaches_python(browser: Browser, app: str) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    watch = Watch(page)
    page.goto(app)
    page.get_by_role("button", name="Add field").click()
    page.get_by_label("Name of field 1").fill("price")
    page.get_by_label("Name of field 1").press("Tab")
    page.get_by_label("Type of price", exact=True).select_option("double")
    page.get_by_role("tab", name="Python").click()
    expect(page.get_by_role("region", name="Python that does the same")).to_contain_text(
        '{"name": "price", "type": "double"}'
    )
    page.get_by_role("tab", name="Fields").click()
    expect(page.get_by_label("Type of price", exact=True)).to_be_visible()
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "marimo-light.png")
    page.close()
    assert watch.complaints() == []
