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
from intempt_nb.api.answers import Answer
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.options import Target, UploadOptions
from intempt_nb.transfer.upload import upload

fields = [{"name": "id", "type": "long"}, {"name": "text", "type": "string"}]
schema = Schema.parse({"type": "record", "name": "r", "fields": fields})
target = Target("source", "9", "things", schema, ("id",))
options = UploadOptions(workers=2, progress=False)

class Slow:
    org, base_url = "OrgABC", "http://127.0.0.1:1"

    def attempt(self, href, body, within=None):
        time.sleep(0.005)
        return Answer("POST", href, 201, {}, b"")

    def get_json(self, href):
        return {"id": "9", "sourceId": "1", "name": "things", "schema": schema.to_avro()}
"""
DRY = "assert upload(Slow(), target, {path!r}, options, dry_run=True).planned == {rows}"
SENT = "assert upload(Slow(), target, {path!r}, options).accepted == {rows}"


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
