"""Ten million rows, and a page of 2 GB: by how much the memory grows while they go through."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from measure import peak_of
from samples import SCHEMAS, items, make, write_csv
from servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ALLOWED", "Growth", "growths"]

ALLOWED = 300 << 20
"""What a stream may take, whatever goes through it."""
_PIECE = 100_000
_PAGE = 2 << 30
_DRY_RUN = "assert collection.upload({path!r}, dry_run=True, progress=False).planned == {rows}"
_UPLOAD = "assert collection.upload({path!r}, workers=4, resume=False, progress=False).accepted == {rows}"
_SCAN = "assert sum(map(len, collection.scan().to_batches())) == {rows}"


@dataclass(frozen=True, slots=True)
class Growth:
    """What one job took beyond what was there before it, in bytes."""

    job: str
    rows: int
    input_bytes: int
    growth: int


def growths(rows: int) -> Iterator[Growth]:
    """Run each job in a fresh interpreter, one after the other; the files are made in pieces and removed."""
    pieces = max(1, rows // _PIECE)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        table = make("flat", _PIECE)
        page = folder / "items"
        page.write_bytes(items(SCHEMAS["flat"], table))
        copies = -(-_PAGE // page.stat().st_size)
        csv, parquet = folder / "rows.csv", folder / "rows.parquet"
        write_csv(table, folder / "piece.csv")
        _repeat(folder / "piece.csv", csv, pieces)
        with pq.ParquetWriter(parquet, table.schema) as writer:
            for _ in range(pieces):
                writer.write_table(table)
        many = stack.enter_context(running(items=page, pages=pieces))
        large = stack.enter_context(running(items=page, copies=copies))
        read, whole = pieces * page.stat().st_size, copies * page.stat().st_size
        jobs = (
            ("dry run of a CSV file", _DRY_RUN, csv, many, pieces, csv.stat().st_size),
            ("dry run of a Parquet file", _DRY_RUN, parquet, many, pieces, parquet.stat().st_size),
            ("upload of a CSV file", _UPLOAD, csv, many, pieces, csv.stat().st_size),
            (f"scan of {pieces} pages", _SCAN, csv, many, pieces, read),
            ("scan of one page", _SCAN, csv, large, copies, whole),
        )
        for job, code, path, url, count, size in jobs:
            setup = f"from servers import collection_at; collection = collection_at({url!r})"
            growth = peak_of(code.format(path=str(path), rows=count * _PIECE), setup)
            yield Growth(job, count * _PIECE, size, growth)


def _repeat(piece: Path, path: Path, times: int) -> None:
    """Write a CSV file that has the rows of another many times."""
    header, _, rows = piece.read_bytes().partition(b"\n")
    with path.open("wb") as file:
        file.write(header + b"\n")
        for _ in range(times):
            file.write(rows)
