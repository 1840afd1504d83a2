"""The data paths, each with its ways: the obvious one first, then ours, then the best known others.

A path's input is a file, so that each way can also run alone in a fresh interpreter; opening it is not measured.
"""

from __future__ import annotations

import gzip
import io
import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

import rivals
from intempt_nb.codecs.avro import fast
from intempt_nb.codecs.avro.scan import read_avro
from intempt_nb.codecs.avro.write import write_avro
from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.codecs.wire.bodies import body, cut, encode_rows
from intempt_nb.codecs.wire.pages import read_page
from intempt_nb.schema.mapping.frames import from_frame
from intempt_nb.transfer.prepare import plan_columns, prepare
from nullserver import NAME
from samples import SCHEMAS, page, write_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from intempt_nb.schema.schema import Schema

__all__ = ["OURS", "PATHS", "DataPath", "encode", "load", "typed_rows"]

OURS = "intempt_nb"
EXACT = f"{OURS}, without polars"
FASTAVRO = "fastavro"


@dataclass(frozen=True, slots=True)
class DataPath:
    """A job with a file as its input.

    Parameters
    ----------
    title
        For people, and the key in `PATHS`.
    kind
        Of its rows: ``"flat"`` or ``"nested"``.
    suffix
        Of the file.
    store
        Writes rows into the file.
    ways
        By name, the obvious one first: what each does with the opened file.
    opened
        Makes what the ways take of the file's path, by way; the others take the path.
    """

    title: str
    kind: str
    suffix: str
    store: Callable[[pa.Table, Path], object]
    ways: Mapping[str, Callable[[Any], Any]]
    opened: Mapping[str, Callable[[Path], Any]]

    def calls(self, file: Path) -> dict[str, Callable[[], Any]]:
        """Return the ways as calls without arguments."""
        return {name: self.call(name, file) for name in self.ways}

    def call(self, way: str, file: Path) -> Callable[[], Any]:
        """Return one of them; the file is opened here."""
        opened = self.opened[way](file) if way in self.opened else file
        return partial(self.ways[way], opened)


def load(body: bytes, schema: Schema) -> pd.DataFrame:
    return read_page(body, schema).table.to_pandas(types_mapper=pd.ArrowDtype)


def encode(frame: pd.DataFrame, schema: Schema) -> list[bytes]:
    rows = encode_rows(from_frame(frame).cast(schema.to_arrow()), schema)
    spans = cut(rows.sizes, max_bytes=1 << 30, max_rows=rivals.BATCH)
    return [body(NAME, rows, start, stop) for start, stop in spans]


def typed_rows(path: Path) -> int:
    """Read, convert and check the rows of a file, as an upload does before it sends them."""
    source = open_tabular(path)
    blocks = prepare(source, SCHEMAS["flat"], plan_columns(SCHEMAS["flat"], source))
    return sum(len(block.rows) for block in blocks)


def read_avro_exact(path: Path) -> pd.DataFrame:
    """Read as where polars is not installed."""
    with patch.object(fast, "available", lambda: False):
        return read_avro(path)


def write_avro_ours(frame: pd.DataFrame, kind: str) -> bytes:
    out = io.BytesIO()
    write_avro(frame, out, schema=SCHEMAS[kind], codec="null")
    return out.getvalue()


def open_frame(path: Path) -> pd.DataFrame:
    return pyarrow.feather.read_table(path, memory_map=False).to_pandas(types_mapper=pd.ArrowDtype)


def open_polars(path: Path) -> Any:
    import polars as pl

    return pl.from_arrow(pyarrow.feather.read_table(path, memory_map=False))


def store_frame(table: pa.Table, path: Path) -> None:
    pyarrow.feather.write_feather(table, path, compression="uncompressed")


def store_gzip(table: pa.Table, path: Path) -> None:
    plain = path.with_suffix("")
    write_csv(table, plain)
    with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target)
    plain.unlink()


def store_lines(table: pa.Table, path: Path) -> None:
    lines = encode_rows(table, SCHEMAS["flat"])
    path.write_bytes(bytes(lines.data).replace(b"},{", b"}\n{")[:-1])


def _load(kind: str) -> DataPath:
    ways = {
        "json.loads": partial(rivals.load_obvious, kind=kind),
        OURS: partial(load, schema=SCHEMAS[kind]),
        "duckdb": partial(rivals.load_duckdb, kind=kind),
        "polars": partial(rivals.load_polars, kind=kind),
    }
    opened = dict.fromkeys(ways, lambda path: path.read_bytes())
    return DataPath(
        f"page → DataFrame, {kind}",
        kind,
        ".json",
        lambda table, path: path.write_bytes(page(SCHEMAS[kind], table)),
        ways,
        opened,
    )


def _encode(kind: str) -> DataPath:
    ways = {
        "json.dumps": rivals.encode_obvious,
        OURS: partial(encode, schema=SCHEMAS[kind]),
        "polars": rivals.encode_polars,
    }
    opened = {"json.dumps": open_frame, OURS: open_frame, "polars": open_polars}
    return DataPath(f"DataFrame → bodies, {kind}", kind, ".feather", store_frame, ways, opened)


def _csv(what: str, suffix: str, store: Callable[[pa.Table, Path], object], others: Mapping[str, Any]) -> DataPath:
    ways = {"pandas": rivals.csv_obvious, OURS: typed_rows, "polars": rivals.csv_polars, **others}
    return DataPath(f"CSV → typed rows, {what}", "flat", suffix, store, ways, {})


def _avro_read(kind: str) -> DataPath:
    ways = {FASTAVRO: rivals.avro_obvious, OURS: read_avro, EXACT: read_avro_exact, "polars": rivals.avro_polars}

    def store(table: pa.Table, path: Path) -> None:
        write_avro(table, path, schema=SCHEMAS[kind], codec="null")

    return DataPath(f"Avro → DataFrame, {kind}", kind, ".avro", store, ways, {})


def _avro_write(kind: str) -> DataPath:
    ways = {
        FASTAVRO: partial(rivals.write_avro_obvious, kind=kind),
        OURS: partial(write_avro_ours, kind=kind),
        "polars": rivals.write_avro_polars,
    }
    opened = {FASTAVRO: open_frame, OURS: open_frame, "polars": open_polars}
    return DataPath(f"DataFrame → Avro, {kind}", kind, ".feather", store_frame, ways, opened)


_ALL = (
    _load("flat"),
    _load("nested"),
    _encode("flat"),
    _encode("nested"),
    _csv("clean", ".csv", write_csv, {"pyarrow": rivals.csv_pyarrow}),
    _csv("1 % bad", ".csv", partial(write_csv, bad=True), {}),
    _csv("gzip", ".csv.gz", store_gzip, {"pyarrow": rivals.csv_pyarrow}),
    DataPath(
        "JSON lines → typed rows",
        "flat",
        ".jsonl",
        store_lines,
        {"json.loads": rivals.jsonlines_obvious, OURS: typed_rows, "polars": rivals.jsonlines_polars},
        {},
    ),
    DataPath(
        "Parquet → typed rows",
        "flat",
        ".parquet",
        pa.parquet.write_table,
        {"pandas": rivals.parquet_obvious, OURS: typed_rows},
        {},
    ),
    _avro_read("flat"),
    _avro_read("nested"),
    _avro_write("flat"),
    _avro_write("nested"),
)
PATHS = {path.title: path for path in _ALL}
