"""Chromium for the tests of what a person sees, and JupyterLab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import comm
import pytest

from chromium import launched, require_chromium
from labkit import lab_server
from pagekit import PageComm, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext

    from intempt_nb.widgets.panel import Panel
    from labkit import Lab


# It ends with the last test of this folder: while it lives, no other test of its worker could run an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    with launched(require_chromium()) as browser:
        yield browser


@pytest.fixture
def show(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Shown]]:
    """Shows a panel that the test makes: ``show(panel, theme="dark", width=500)``.

    At the end no page may have had an error, or have asked anything of anyone.
    """
    monkeypatch.setattr(comm, "create_comm", lambda *args, **named: PageComm(*args, **named))
    contexts: list[Any] = []
    pages: list[Shown] = []

    def display(panel: Panel, theme: str = "light", width: int = 1000, height: int = 700) -> Shown:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}))
        pages.append(Shown(contexts[-1], panel, theme))
        return pages[-1]

    yield display
    for context in contexts:
        context.close()
    for page in pages:
        assert page.errors == []
        assert page.foreign == []


@pytest.fixture(scope="package")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server of JupyterLab and Notebook; it needs a browser, so that without one it is not started for nothing."""
    with lab_server(tmp_path_factory.mktemp("lab")) as server:
        yield server


# One context for all pages: what JupyterLab loads, 8 MB, then comes from its cache.
@pytest.fixture(scope="package")
def desk(browser: Browser) -> Iterator[BrowserContext]:
    """Where the pages of JupyterLab are opened."""
    context = browser.new_context(viewport={"width": 1400, "height": 1100}, accept_downloads=True)
    yield context
    context.close()
