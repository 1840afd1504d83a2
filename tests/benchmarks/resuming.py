"""Ten million rows into the sandbox, by a program that is killed in the middle and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pa_csv
import requests

import intempt_nb as inb
from samples import KEY, SCHEMAS, make

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Resumed", "count_items", "new_collection", "resumed", "serving"]

_PIECE = 250_000
_SERVER = "from intempt_nb.server.serve import run; run({db!r})"
_UPLOAD = """
import json, sys, time
import intempt_nb as inb
things = inb.Client("sandbox", base_url={url!r}).collections["orders"]
things.primary, things.schema
started = time.perf_counter()
report = things.upload({path!r}, workers=4, progress=False)
seconds = time.perf_counter() - started
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps(dict(accepted=report.accepted, known=report.known, seconds=seconds, peak=peak)))
"""


@dataclass(frozen=True, slots=True)
class Resumed:
    """What it took: seconds of both sessions, the peak of the second one's memory, the journal's bytes."""

    rows: int
    input_bytes: int
    first_seconds: float
    second_seconds: float
    known: int
    peak: int
    journal_bytes: int
    items: int


def resumed(rows: int) -> Resumed:
    """Upload so many rows, none with another one's key, and kill the program when the server has half of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "orders.csv"
        _write(path, rows)
        environment = {**os.environ, "INTEMPT_API_KEY": "benchmark-key", "INTEMPT_NB_STATE": str(folder / "state")}
        with serving(folder / "sandbox.db", environment) as url:
            orders = new_collection(url)
            command = [sys.executable, "-c", _UPLOAD.format(url=url, path=str(path))]
            started = time.perf_counter()
            with subprocess.Popen(command, env=environment) as first:
                while count_items(url, orders.record.id) < rows // 2 and first.poll() is None:
                    time.sleep(0.5)
                first.send_signal(signal.SIGKILL)
            first_seconds = time.perf_counter() - started
            second = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(second.stdout)
            assert found["accepted"] == rows
            (journal,) = (folder / "state" / "uploads").glob("*.db")
            return Resumed(
                rows=rows,
                input_bytes=path.stat().st_size,
                first_seconds=first_seconds,
                second_seconds=found["seconds"],
                known=found["known"],
                peak=found["peak"],
                journal_bytes=journal.stat().st_size,
                items=count_items(url, orders.record.id),
            )


def _write(path: Path, rows: int) -> None:
    """Write orders whose keys are all different."""
    piece = make("flat", min(rows, _PIECE))
    index = piece.column_names.index(KEY)
    with pa_csv.CSVWriter(path, piece.schema) as writer:
        for start in range(0, rows, len(piece)):
            part = piece.slice(0, rows - start)
            keys = pa.array([f"order-{start + number}" for number in range(len(part))])
            writer.write(part.set_column(index, piece.schema.field(index), keys))


@contextmanager
def serving(db: Path, environment: dict[str, str]) -> Iterator[str]:
    """Start a sandbox in a process of its own and give its address."""
    command = [sys.executable, "-c", _SERVER.format(db=str(db))]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split(" at ")[1].split(",")[0]
        finally:
            process.kill()


def new_collection(url: str) -> inb.CollectionHandle:
    """Return an empty collection of orders."""
    client = inb.Client("sandbox", "benchmark-key", url)
    orders = client.create_source("shop").create_collection("orders", SCHEMAS["flat"])
    orders.create_identifier("key", fields=[KEY])
    return orders


def count_items(url: str, collection_id: str) -> int:
    """Return how many items a collection has."""
    headers = {"Authorization": "ApiKey benchmark-key"}
    path = f"{url}/v1/sandbox/collections/{collection_id}/data?limit=1"
    return int(requests.get(path, headers=headers, timeout=60).json()["page"]["totalElements"])
