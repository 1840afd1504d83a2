"""Twenty million rows from Parquet files into a server: by Dask on two processes, and by one upload after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from resuming import count_items, new_collection, serving
from samples import KEY, make
from servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Crossing", "crossings"]

ONE, CLUSTER = "one process, one file after the other", "dask.upload, 2 worker processes"
_FILES = 20
_GROUP = 100_000
_LOOK = 0.5

_COLLECTION = """
import json, sys, time
import intempt_nb as inb
client = inb.Client({org!r}, base_url={url!r})
things = client.collections[{name!r}]
things.primary, things.schema
started = time.perf_counter()
"""
_ONE = """
from pathlib import Path
reports = [things.upload(path, resume=False, workers=2, progress=False) for path in sorted(Path({folder!r}).iterdir())]
accepted = sum(report.accepted for report in reports)
"""
_CLUSTER = """
from distributed import Client, LocalCluster
with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster):
    started = time.perf_counter()  # a cluster is there already when one thinks of using it
    report = inb.engines.dask.upload({folder!r} + "/*.parquet", things, resume=False, progress=False)
    report.raise_for_failures()
    accepted = report.accepted
"""
_SAY = "print(json.dumps(dict(accepted=accepted, seconds=time.perf_counter() - started)))"


@dataclass(frozen=True, slots=True)
class Crossing:
    """What one way took.

    Parameters
    ----------
    server, way
        Where to, and how.
    rows
        That were accepted.
    seconds
        On the clock.
    halfway, peak
        The most memory of the process that took most, in bytes: until half of the time had passed, and in all.
    items
        That the server has then; None where it counts none.
    """

    server: str
    way: str
    rows: int
    seconds: float
    halfway: int
    peak: int
    items: int | None


def crossings(rows: int) -> Iterator[Crossing]:
    """Upload so many rows in each way: into a server that costs nothing, and into the sandbox."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        files = Path(name) / "files"
        files.mkdir()
        _write(files, rows)
        environment = {**os.environ, "INTEMPT_API_KEY": "benchmark-key", "INTEMPT_NB_STATE": str(Path(name) / "state")}
        free = stack.enter_context(running())
        for way in (ONE, CLUSTER):
            yield _crossing("takes posts unread", way, _code(way, "OrgABC", free, "events", files), environment, None)
        for number, way in enumerate((ONE, CLUSTER)):
            with serving(Path(name) / f"sandbox{number}.db", environment) as url:
                orders = new_collection(url)
                code = _code(way, "sandbox", url, "orders", files)
                yield _crossing("sandbox", way, code, environment, (url, orders.record.id))
            (Path(name) / f"sandbox{number}.db").unlink()


def _code(way: str, org: str, url: str, name: str, files: Path) -> str:
    work = {ONE: _ONE, CLUSTER: _CLUSTER}[way]
    return _COLLECTION.format(org=org, url=url, name=name) + work.format(folder=str(files)) + _SAY


def _write(folder: Path, rows: int) -> None:
    """Write files of orders, none with another one's key."""
    piece = make("flat", _GROUP)
    index = piece.column_names.index(KEY)
    for file in range(_FILES):
        with pq.ParquetWriter(folder / f"orders-{file:02}.parquet", piece.schema) as writer:
            first = file * (rows // _FILES)
            for start in range(first, first + rows // _FILES, _GROUP):
                part = piece.slice(0, first + rows // _FILES - start)
                keys = pa.array([f"order-{start + number}" for number in range(len(part))])
                writer.write(part.set_column(index, piece.schema.field(index), keys))


def _crossing(
    server: str, way: str, code: str, environment: dict[str, str], counted: tuple[str, str] | None
) -> Crossing:
    # A file, as worker processes start by running what the main program is.
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        lines = "".join(f"    {line}\n" for line in code.splitlines())
        script.write(f"if __name__ == '__main__':\n{lines}")
        script.flush()
        command = [sys.executable, script.name]
        with (
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process,
            _watched(process.pid) as seen,
        ):
            assert process.stdout is not None
            found = json.loads(process.stdout.read().splitlines()[-1])
    half = seen[-1][0] / 2
    return Crossing(
        server,
        way,
        found["accepted"],
        found["seconds"],
        halfway=max(most for at, most in seen if at <= half),
        peak=max(most for _, most in seen),
        items=None if counted is None else count_items(*counted),
    )


@contextmanager
def _watched(pid: int) -> Iterator[list[tuple[float, int]]]:
    """Note from time to time the memory of the largest of a process and its children, in bytes, until the end."""
    seen, over, begun = [(0.0, 0)], threading.Event(), time.perf_counter()

    def watch() -> None:
        while not over.wait(_LOOK):
            try:
                family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
                seen.append((time.perf_counter() - begun, max(each.memory_info().rss for each in family)))
            except psutil.Error:  # one of them has just ended
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
