"""What all tests share: a sandbox of their own, and the real data."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

import intempt_nb as inb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer


# The same examples each time, so that a change is not blamed for what chance found. HYPOTHESIS_PROFILE=default looks
# for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


class BrowserTestsTogether(LoadScopeScheduling):
    """Deals the tests to the workers one by one, but those in a browser by module, and JupyterLab's to one worker.

    Those of a cluster go by module, too.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.endswith("_cluster.py"):
            return file
        if not file.startswith("tests/browser/"):
            return nodeid
        return "JupyterLab" if "/lab/" in file or file.endswith("test_notebook7.py") else file


# xdist's own grouping by marks finds none with this version of pytest.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Start slow things once: a browser for a module, JupyterLab for all its tests."""
    return BrowserTestsTogether(config, log)


# A shell that starts the tests in the background has them ignore interrupts, which some are about.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with the real data."""
    return Path(__file__).parents[1] / "data"


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that uploads keep their journals in, instead of the user's own."""
    folder = tmp_path_factory.mktemp("state")
    os.environ["INTEMPT_NB_STATE"] = str(folder)
    return folder


@pytest.fixture
def client() -> Iterator[inb.Client]:
    """A client of an empty sandbox."""
    with inb.sandbox() as client:
        yield client


@pytest.fixture
def shop(client: inb.Client) -> inb.SourceHandle:
    """An empty API source."""
    return client.create_source("shop")
