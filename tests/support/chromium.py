"""The browser of the tests: Chromium as the system has it, which reaches nothing but this machine."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

__all__ = ["Watch", "launched", "require_chromium"]

# The shell without a window opens a page in less than half the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
MISSING = (
    "no Chromium here: apt-get install --no-install-recommends chromium-headless-shell fonts-liberation, "
    "or set CHROMIUM to its path"
)
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # No name is resolved, so that what is fetched from elsewhere fails at once, on every machine.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
# Notebook 7.6 fails to load the settings of a plug-in that it does not have, with any notebook or none.
OWN = "/static/notebook/notebook_core."
SLOW = 20_000  # ms; a busy machine is no failure


def require_chromium() -> str:
    """Return the browser's path; without one the test is skipped, or fails under ``INTEMPT_NB_STRICT``."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return found
    if os.environ.get("INTEMPT_NB_STRICT"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """Start the browser; while it runs, this thread counts as one with a running event loop."""
    expect.set_options(timeout=SLOW)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What a page does that it should not.

    Attributes
    ----------
    errors
        Exceptions that nobody caught.
    foreign
        Addresses outside of this machine that it asked for.
    """

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", lambda error: OWN in str(error.stack) or self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if url.startswith(("http", "ws")) and "//127.0.0.1:" not in url:
            self.foreign.append(url)

    def complaints(self) -> list[str]:
        return [*self.errors, *self.foreign]
