"""Over HTTP: a CSV file into a collection, and a collection into a DataFrame, against a server that costs nothing."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import requests

import rivals
from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.codecs.wire.bodies import body, cut, encode_rows
from intempt_nb.transfer.options import Limits
from intempt_nb.transfer.prepare import plan_columns, prepare
from measure import Times, take_turns
from nullserver import DATA, NAME, POSTS
from paths import OURS
from samples import SCHEMAS
from servers import collection_at, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pandas as pd

__all__ = ["BARE", "download", "upload"]

BARE = "posts only"
_HEADERS = {"Content-Type": "application/json"}


def upload(csv: Path, *, delay: float, workers: int, turns: int, patience: float) -> dict[str, Times]:
    """Measure CSV → accepted rows: the obvious way, ours, and posting the same bodies, made before."""
    bodies = bodies_of(csv)
    with running(delay=delay) as url:
        collection = collection_at(url)
        ways: dict[str, Callable[[], Any]] = {
            "pandas, json, requests": lambda: upload_obvious(csv, url + POSTS),
            OURS: lambda: collection.upload(csv, workers=workers, resume=False, progress=False).raise_for_rejects(),
            BARE: lambda: post(url + POSTS, bodies, workers),
        }
        return take_turns(ways, turns, patience)


def download(items: Path, kind: str, *, delay: float, turns: int, patience: float) -> dict[str, Times]:
    """Measure a page on a server → DataFrame."""
    with running(kind, delay=delay, items=items) as url:
        collection = collection_at(url)
        ways: dict[str, Callable[[], Any]] = {
            "requests, json.loads": lambda: download_obvious(url + DATA, kind),
            OURS: collection.load,
        }
        return take_turns(ways, turns, patience)


def bodies_of(csv: Path) -> list[bytes]:
    """Return the requests' bodies that an upload of the file has."""
    source, schema, limits, bodies = open_tabular(csv), SCHEMAS["flat"], Limits(), []
    for block in prepare(source, schema, plan_columns(schema, source)):
        rows = encode_rows(block.batch, schema)
        overhead = len(body(NAME, rows, 0, 0))
        spans = cut(rows.sizes, max_bytes=limits.batch_bytes, max_rows=limits.batch_rows, overhead=overhead)
        bodies += [body(NAME, rows, start, stop) for start, stop in spans]
    return bodies


def post(url: str, bodies: Sequence[bytes], workers: int) -> None:
    """Post bodies and do nothing else; a session for each worker."""
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for each in bodies:
        waiting.put(each)

    def work() -> None:
        with requests.Session() as session:
            session.trust_env = False
            while True:
                try:
                    each = waiting.get_nowait()
                except queue.Empty:
                    return
                session.post(url, data=each, headers=_HEADERS).raise_for_status()

    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work) for _ in range(workers)]:
            done.result()


def upload_obvious(csv: Path, url: str) -> None:
    """Read as text, coerce, to_dict, json.dumps, one post behind the other."""
    frame, _ = rivals.csv_obvious(csv)
    for each in rivals.encode_obvious(frame):
        requests.post(url, data=each, headers=_HEADERS, timeout=60).raise_for_status()


def download_obvious(url: str, kind: str) -> pd.DataFrame:
    return rivals.load_obvious(requests.get(url, timeout=600).content, kind)
