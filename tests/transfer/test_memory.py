"""An upload holds a part of its source, however large that is."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import arro3.io
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from peak import peak_growth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS, TIMES, LETTERS = 20_000, 24, 600
ALLOWED = 0.8

SETUP = """
import time
from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.options import Target
from intempt_nb.transfer.upload import upload

fields = [{"name": "id", "type": "long"}, {"name": "text", "type": "string"}]
target = Target("source", "things", Schema.parse({"type": "record", "name": "r", "fields": fields}), ("id",))

class Slow:
    def post_bytes(self, href, body, **options):
        time.sleep(0.005)
        return b""
"""
DRY = "assert upload(None, target, open_tabular({path!r}), dry_run=True, progress=False).planned == {rows}"
SENT = "assert upload(Slow(), target, open_tabular({path!r}), workers=2, progress=False).accepted == {rows}"


def rows() -> pa.Table:
    letters = np.random.default_rng(1).bytes(ROWS * LETTERS // 2).hex()  # random, so that no format makes them small
    texts = [letters[start : start + LETTERS] for start in range(0, len(letters), LETTERS)]
    return pa.table({"id": pa.array(range(ROWS)), "text": texts})


def write_csv(path: Path, table: pa.Table) -> None:
    with pa.csv.CSVWriter(path, table.schema) as writer:
        for _ in range(TIMES):
            writer.write(table)


def write_json_lines(path: Path, table: pa.Table) -> None:
    lines = io.BytesIO()
    arro3.io.write_ndjson(table, lines)
    with path.open("wb") as file:
        for _ in range(TIMES):
            file.write(lines.getbuffer())


def write_parquet(path: Path, table: pa.Table) -> None:
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(TIMES):
            writer.write_table(table)


def write_arrow(path: Path, table: pa.Table) -> None:
    with pa.ipc.new_file(str(path), table.schema) as writer:
        for _ in range(TIMES):
            writer.write(table)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux says what a process has taken")
@pytest.mark.parametrize(
    ("suffix", "write", "code"),
    [
        ("csv", write_csv, DRY),
        ("jsonl", write_json_lines, DRY),
        ("parquet", write_parquet, DRY),
        ("arrow", write_arrow, SENT),
    ],
    ids=["csv", "json lines", "parquet", "arrow, sent"],
)
def test_an_upload_takes_less_memory_than_its_file(
    tmp_path: Path, suffix: str, write: Callable[[Path, pa.Table], None], code: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    write(path, rows())
    growth = peak_growth(code.format(path=str(path), rows=ROWS * TIMES), SETUP)
    size = path.stat().st_size
    path.unlink()
    assert growth < ALLOWED * size
