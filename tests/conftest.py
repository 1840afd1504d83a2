"""What all tests share: a sandbox of their own, and the real data."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import intempt_nb as inb

if TYPE_CHECKING:
    from collections.abc import Iterator


# The same examples each time, so that a change is not blamed for what chance found. HYPOTHESIS_PROFILE=default looks
# for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


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
