"""Four processes that post to a sandbox which allows so many requests a second, paced by the driver."""

from __future__ import annotations

import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import mock

import intempt_nb as inb
from intempt_nb.engines.pacing import pacing
from intempt_nb.engines.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RATE", "Paced", "paced"]

RATE = 40
SPLITS = {"even": (100, 100, 100, 100), "skewed": (280, 40, 40, 40)}
BURSTS = (40, 10)
_SCHEMA = {"type": "record", "name": "things", "fields": [{"name": "id", "type": "string"}]}
_WORKER = """
import json, pickle, sys, threading
from intempt_nb.transfer.delivery import Accepted, Courier
from intempt_nb.transfer.options import Delivery
place, pace, source_id, worker, posts = pickle.load(sys.stdin.buffer)
courier = Courier(place.connect(), source_id, pace, Delivery("repost"), threading.Event())
bodies = [json.dumps({"things": [{"id": f"{worker}/{each}"}]}).encode() for each in range(posts)]
print("ready", flush=True)
sys.stdin.readline()
for body in bodies:
    assert isinstance(courier.deliver(body), Accepted)
print("done", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Paced:
    """What the runs of one kind took: seconds, and how many requests the server refused."""

    split: str
    burst: int
    known: bool
    seconds: tuple[float, ...]
    refusals: tuple[int, ...]

    @property
    def ideal(self) -> float:
        """The seconds in which the server takes all posts, of which it takes a burst at once."""
        return (sum(SPLITS[self.split]) - self.burst) / RATE

    @property
    def median(self) -> float:
        """The seconds of the median."""
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        """How many times the ideal the median took."""
        return self.median / self.ideal


def paced(turns: int) -> Iterator[Paced]:
    """Measure posts that are dealt out evenly or not, with a rate that is known or found."""
    for burst, known in ((BURSTS[0], False), (BURSTS[1], False), (BURSTS[1], True)):
        for split in SPLITS:
            found = [_run(SPLITS[split], burst, known=known) for _ in range(turns)]
            yield Paced(split, burst, known, *zip(*found, strict=True))


def _run(split: tuple[int, ...], burst: int, *, known: bool) -> tuple[float, int]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(mock.patch.dict(os.environ, INTEMPT_NB_STATE=folder))  # nothing is known of the server
        client = stack.enter_context(inb.sandbox())
        inb.engines.lend_key(client)
        source = client.create_source("shop")
        source.create_collection("things", _SCHEMA).create_identifier("id", fields=["id"])
        client.sandbox.faults(
            {"path": "/sources/*/data", "rate": RATE, "burst": burst, "status": 429, "retry_after": 1}
        )
        place = Place.of(client._transport)
        pace = stack.enter_context(pacing(place, len(split), rate=RATE if known else None))
        command, pipe = [sys.executable, "-c", _WORKER], subprocess.PIPE
        workers = [stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe)) for _ in split]
        for number, (worker, posts) in enumerate(zip(workers, split, strict=True)):
            worker.stdin.write(pickle.dumps((place, pace, source.id, number, posts)))
            worker.stdin.flush()
            worker.stdout.readline()
        started = time.perf_counter()
        for worker in workers:
            worker.stdin.write(b"\n")
            worker.stdin.flush()
        assert [worker.stdout.readline() for worker in workers] == [b"done\n"] * len(split)
        seconds = time.perf_counter() - started
        return seconds, client.sandbox.faults().rules[0].applied
