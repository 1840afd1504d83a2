"""The null server in a process of its own, and the collection that it has."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import intempt_nb as inb
from nullserver import NAME, ORG, Service
from samples import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collection_at", "running"]

_SCRIPT = Path(__file__).with_name("nullserver.py")


@contextmanager
def running(
    kind: str = "flat", *, delay: float = 0.0, items: Path | None = None, copies: int = 1, pages: int = 1
) -> Iterator[str]:
    """Start a server and give its address; the arguments are those of `Service`."""
    service = Service(SCHEMAS[kind].to_avro(), delay, None if items is None else str(items), copies, pages)
    command = [sys.executable, str(_SCRIPT), json.dumps(asdict(service))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def collection_at(url: str) -> inb.CollectionHandle:
    """Return the collection that a server has, all that it says of itself known before anything is measured."""
    collection = inb.Client(ORG, "key", url).collections[NAME]
    collection.primary, collection.schema
    return collection
