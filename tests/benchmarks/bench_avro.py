"""Avro files against the obvious way and against polars, in one run: python tests/benchmarks/bench_avro.py [rows].

Each path and its rivals take turns, so that a busy machine slows all; the median of the runs counts. Nothing here fails
on a time: the ratios are for people to read. polars is left out where it is not installed.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import fastavro
import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.codecs.avro import fast as avro_fast
from intempt_nb.codecs.avro.scan import read_avro
from intempt_nb.codecs.avro.write import write_avro
from intempt_nb.display import text_table
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 5
FLAT = Schema.parse(
    {
        "type": "record",
        "name": "orders",
        "fields": [
            {"name": "customerId", "type": "string"},
            {"name": "country", "type": {"type": "enum", "name": "country", "symbols": ["de", "fr", "us", "jp"]}},
            {"name": "orderDate", "type": {"type": "string", "logicalType": "date"}},
            {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "quantity", "type": "long"},
            {"name": "price", "type": "double"},
            {"name": "comment", "type": ["null", "string"], "default": None},
        ],
    }
)
NESTED = Schema.parse(
    {
        "type": "record",
        "name": "bookings",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {
                "name": "page",
                "type": {
                    "type": "record",
                    "name": "page",
                    "fields": [{"name": "host", "type": "string"}, {"name": "port", "type": ["null", "int"]}],
                },
            },
            {"name": "tags", "type": {"type": "array", "items": "string"}},
            {
                "name": "items",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "item",
                        "fields": [{"name": "sku", "type": "string"}, {"name": "price", "type": "double"}],
                    },
                },
            },
        ],
    }
)
WIDE = {
    "type": "record",
    "name": "wide",
    "fields": [{"name": f"field{i}", "type": ["null", ("string", "long", "double")[i % 3]]} for i in range(200)],
}


def flat_table(rows: int) -> pa.Table:
    """Return orders, the same ones each time."""
    random = np.random.default_rng(7)
    number = random.integers(0, 10**9, rows)
    days = random.integers(18_000, 20_000, rows).astype("int32")
    columns = [
        pa.array([f"customer-{each:09d}" for each in number]),
        pa.DictionaryArray.from_arrays(random.integers(0, 4, rows).astype("int32"), ["de", "fr", "us", "jp"]),
        pa.array(days, pa.date32()),
        pa.array(days * np.int64(86_400_000) + random.integers(0, 86_400_000, rows), pa.timestamp("ms", "UTC")),
        pa.array(random.integers(1, 50, rows)),
        pa.array(np.round(random.random(rows) * 500, 2)),
        pa.array([None if each % 3 else f'said "{each}", and more' for each in number]),
    ]
    return pa.table(columns, schema=FLAT.to_arrow())


def nested_table(rows: int) -> pa.Table:
    """Return bookings, the same ones each time."""
    random = np.random.default_rng(7)
    counts = random.integers(0, 5, rows)
    data = [
        {
            "id": f"booking-{i}",
            "at": 1_600_000_000_000_000 + 997 * i,
            "page": {"host": f"www{i % 50}.example.com", "port": None if i % 4 else 8080},
            "tags": [f"tag{k}" for k in range(counts[i])],
            "items": [{"sku": f"sku-{k * i % 1000}", "price": k * 1.25} for k in range(counts[i])],
        }
        for i in range(rows)
    ]
    return pa.Table.from_pylist(data, schema=NESTED.to_arrow())


def read_obvious(file: bytes) -> pd.DataFrame:
    """What one writes first."""
    return pd.DataFrame(list(fastavro.reader(io.BytesIO(file))))


def read_exact(file: bytes) -> pd.DataFrame:
    """Our way without the fast library."""
    with patch.object(avro_fast, "available", lambda: False):
        return read_avro(file)


def write_obvious(table: pa.Table, schema: Schema) -> bytes:
    """What one writes first, of values that fastavro takes: to_pylist, with dates on string made text."""
    days = "orderDate"
    if days in table.column_names:
        table = table.set_column(table.column_names.index(days), days, table[days].cast(pa.string()))
    out = io.BytesIO()
    fastavro.writer(out, schema.to_avro(), table.to_pylist())
    return out.getvalue()


def write_ours(frame: pd.DataFrame, schema: Schema) -> bytes:
    out = io.BytesIO()
    write_avro(frame, out, schema=schema, codec="null")
    return out.getvalue()


def read_polars(file: bytes) -> pd.DataFrame:
    import polars

    return polars.read_avro(io.BytesIO(file)).to_pandas(use_pyarrow_extension_array=True)


def as_polars_writes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without the types that polars' writer does not have."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64())
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def write_polars(frame: Any) -> bytes:
    out = io.BytesIO()
    frame.write_avro(out)
    return out.getvalue()


def measure(*ways: Callable[[], Any]) -> list[float]:
    """Return the median seconds of each way, the ways taking turns."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(RUNS):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def paths(name: str, table: pa.Table, schema: Schema, polars: bool) -> list[tuple[str, float, float, float]]:
    """Return for each path: its name and the seconds of the obvious way, of ours and of polars."""
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    file = write_ours(frame, schema)
    ways: list[Callable[[], Any]] = [lambda: read_obvious(file), lambda: read_avro(file), lambda: read_exact(file)]
    writes: list[Callable[[], Any]] = [lambda: write_obvious(table, schema), lambda: write_ours(frame, schema)]
    if polars:
        import polars as pl

        plain = pl.from_arrow(pa.table({name: as_polars_writes(table[name]) for name in table.column_names}))
        ways.append(lambda: read_polars(file))
        writes.append(lambda: write_polars(plain))
    read = measure(*ways)
    write = measure(*writes)
    nothing = float("nan")
    return [
        (f"{name} file → DataFrame", read[0], read[1], read[3] if polars else nothing),
        (f"{name}, the exact way", read[0], read[2], read[3] if polars else nothing),
        (f"{name} DataFrame → file", write[0], write[1], write[2] if polars else nothing),
    ]


def main(rows: int) -> None:
    polars = find_spec("polars") is not None
    results = [
        *paths("flat", flat_table(rows), FLAT, polars),
        *paths("nested", nested_table(rows), NESTED, polars),
    ]
    header = ("path", "fastavro", "intempt_nb", "polars", "rows/s", "times as fast as fastavro", "as polars")
    lines = [
        (
            name,
            f"{base:.2f} s",
            f"{ours:.3f} s",
            f"{other:.3f} s",
            f"{rows / ours:,.0f}",
            f"{base / ours:.1f}",
            f"{other / ours:.2f}",
        )
        for name, base, ours, other in results
    ]
    print(text_table(header, lines, f"{rows:,} rows, median of {RUNS}"))
    wide = Schema.parse(WIDE)
    arrow = wide.to_arrow()
    bare = pa.schema([field.remove_metadata() for field in arrow])
    times = measure(wide.to_arrow, lambda: Schema.from_arrow(arrow), lambda: Schema.from_arrow(bare))
    names = ("to_arrow", "from_arrow, carried", "from_arrow, made")
    print("200 fields:", ", ".join(f"{name} {1000 * each:.2f} ms" for name, each in zip(names, times, strict=True)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
