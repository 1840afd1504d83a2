"""The data paths against the obvious way, in one run: python tests/benchmarks/bench.py [rows].

Each path and its rival take turns, so that a busy machine slows both; the median of the runs counts. Nothing here
fails on a time: the ratios are for people to read.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.codecs.rows.csv import open_csv
from intempt_nb.codecs.wire.bodies import cut, encode_rows, join_rows
from intempt_nb.codecs.wire.pages import read_page
from intempt_nb.display import text_table
from intempt_nb.schema.mapping.frames import from_frame
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.prepare import plan_columns, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 5
BATCH = 1_000
SCHEMA = Schema.parse(
    {
        "type": "record",
        "name": "orders",
        "fields": [
            {"name": "customerId", "type": "string"},
            {"name": "country", "type": "string"},
            {"name": "orderDate", "type": {"type": "string", "logicalType": "date"}},
            {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "quantity", "type": "long"},
            {"name": "price", "type": "double"},
            {"name": "comment", "type": ["null", "string"], "default": None},
        ],
    }
)


def make_table(rows: int) -> pa.Table:
    """Return orders, the same ones each time."""
    random = np.random.default_rng(7)
    number = random.integers(0, 10**9, rows)
    days = random.integers(18_000, 20_000, rows).astype("int32")
    columns = [
        pa.array([f"customer-{each:09d}" for each in number]),
        pa.array(random.choice(["de", "fr", "us", "jp"], rows)),
        pa.array(days, pa.date32()),
        pa.array(days * np.int64(86_400_000) + random.integers(0, 86_400_000, rows), pa.timestamp("ms", "UTC")),
        pa.array(random.integers(1, 50, rows)),
        pa.array(np.round(random.random(rows) * 500, 2)),
        pa.array([None if each % 3 else f'said "{each}", and more' for each in number]),
    ]
    return pa.table(columns, schema=SCHEMA.to_arrow())


def make_page(table: pa.Table) -> bytes:
    """Return the rows as the server would send them."""
    lines = encode_rows(table, SCHEMA)
    items = b",".join(
        b'{"id":"%d","data":%b}' % (i, lines.data[lines.offsets[i] : lines.offsets[i + 1] - 1])
        for i in range(len(lines))
    )
    return b'{"_embedded":{"dataItemList":[' + items + b']},"_links":{"self":{"href":"x"}}}'


def load_obvious(page: bytes) -> pd.DataFrame:
    """What one writes first: json.loads, a DataFrame, casts."""
    frame = pd.DataFrame([item["data"] for item in json.loads(page)["_embedded"]["dataItemList"]])
    frame["orderDate"] = pd.to_datetime(frame["orderDate"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    return frame.astype({"quantity": "Int64", "customerId": "string", "country": "string", "comment": "string"})


def load_ours(page: bytes) -> pd.DataFrame:
    return read_page(page, SCHEMA).table.to_pandas(types_mapper=pd.ArrowDtype)


def encode_obvious(frame: pd.DataFrame) -> list[bytes]:
    """What one writes first: to_dict and json.dumps."""
    frame = frame.assign(orderDate=frame["orderDate"].astype("string"), timestamp=frame["timestamp"].astype("int64"))
    bodies = []
    for start in range(0, len(frame), BATCH):
        records = frame.iloc[start : start + BATCH].to_dict("records")
        bodies.append(json.dumps({"orders": records}, default=lambda value: None).encode())
    return bodies


def encode_ours(frame: pd.DataFrame) -> list[bytes]:
    lines = encode_rows(from_frame(frame).cast(SCHEMA.to_arrow()), SCHEMA)
    spans = cut(lines.sizes, max_bytes=1 << 30, max_rows=BATCH)
    return [join_rows("orders", lines, np.arange(*span)) for span in spans]


def csv_obvious(path: Path) -> pd.DataFrame:
    """What one writes first: read as text, coerce, look for what became missing."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name, convert in (("quantity", pd.to_numeric), ("price", pd.to_numeric)):
        frame[name] = convert(frame[name], errors="coerce")
    frame["orderDate"] = pd.to_datetime(frame["orderDate"], errors="coerce")
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], errors="coerce", utc=True, format="ISO8601")
    return frame


def csv_ours(path: Path) -> int:
    source = open_csv(path)
    return sum(len(block.rows) for block in prepare(source, SCHEMA, plan_columns(SCHEMA, source)))


def start_python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def measure(*ways: Callable[[], Any]) -> list[float]:
    """Return the median seconds of each way, the ways taking turns."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(RUNS):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def main(rows: int) -> None:
    table = make_table(rows)
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    page = make_page(table)
    with tempfile.TemporaryDirectory() as folder:
        clean, dirty = Path(folder) / "clean.csv", Path(folder) / "dirty.csv"
        frame.to_csv(clean, index=False)
        spoiled = frame.astype({"quantity": "string"})
        spoiled.loc[::100, "quantity"] = "many"
        spoiled.to_csv(dirty, index=False)
        results = [
            ("page → DataFrame", *measure(lambda: load_obvious(page), lambda: load_ours(page))),
            ("DataFrame → bodies", *measure(lambda: encode_obvious(frame), lambda: encode_ours(frame))),
            ("CSV → typed rows", *measure(lambda: csv_obvious(clean), lambda: csv_ours(clean))),
            ("CSV, 1 % bad cells", *measure(lambda: csv_obvious(dirty), lambda: csv_ours(dirty))),
        ]
    base, ours = measure(
        lambda: start_python("import pandas, pyarrow"), lambda: start_python("import pandas, pyarrow, intempt_nb")
    )
    header = ("path", "obvious way", "intempt_nb", "rows/s", "times as fast")
    lines = [(name, f"{a:.2f} s", f"{b:.2f} s", f"{rows / b:,.0f}", f"{a / b:.1f}") for name, a, b in results]
    print(text_table(header, lines, f"{rows:,} rows, median of {RUNS}"))
    print(f"import: pandas and pyarrow {base:.2f} s, with intempt_nb {ours:.2f} s, {ours / base:.2f} times")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
