"""What all tests share: a sandbox of their own, and the real data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import intempt_nb as inb

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with the real data."""
    return Path(__file__).parents[1] / "data"


@pytest.fixture
def client() -> Iterator[inb.Client]:
    """A client of an empty sandbox."""
    with inb.sandbox() as client:
        yield client


@pytest.fixture
def shop(client: inb.Client) -> inb.SourceHandle:
    """An empty API source."""
    return client.create_source("shop")
