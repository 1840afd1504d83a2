"""Copies of rows that came from no file: exact, private, and none is left half written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.errors import DataError, UploadError
from intempt_nb.transfer.spool import spool
from limits import file_limit

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table({"id": range(70_000), "kind": pa.array(["a", "b"] * 35_000).dictionary_encode()})


def files(folder: Path) -> list[Path]:
    return sorted((folder / "uploads").iterdir())


def test_a_copy_opened_as_a_file_has_the_rows_and_the_digest_of_the_frame(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": range(5), "kind": pd.Categorical(list("abbaa")), "at": pd.date_range("2024-01-01", periods=5, tz="UTC")}
    )
    opened = open_tabular(frame)
    spooled = spool(pa.Table.from_batches([block.batch for block in opened.blocks()]), tmp_path)
    again = open_tabular(spooled.path)
    assert spooled.digest == opened.digest() == again.digest()
    assert again.schema.equals(opened.schema)
    assert [block.batch.to_pydict() for block in again.blocks()] == [
        block.batch.to_pydict() for block in opened.blocks()
    ]


def test_each_copy_has_a_name_of_its_own_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    one, other = spool(TABLE, tmp_path), spool(TABLE.to_reader(max_chunksize=1_000), tmp_path)
    assert one.path != other.path
    assert files(tmp_path) == sorted([one.path, other.path])
    for each in (one, other):
        assert each.path.stat().st_mode & 0o777 == 0o600
        assert hashlib.sha256(each.path.read_bytes()).hexdigest() == each.digest == one.digest


@pytest.mark.parametrize("room", [0, 0.4, 1])
def test_without_room_for_it_there_is_a_clear_error_and_no_part_of_a_copy(tmp_path: Path, room: float) -> None:
    size = spool(TABLE, tmp_path / "large").path.stat().st_size
    with (
        file_limit(int(size * room) - bool(room)),  # the last has room for all but a byte
        pytest.raises(UploadError, match=r"If the disk or a quota is full, .* Nothing was sent"),
    ):
        spool(TABLE, tmp_path)
    assert files(tmp_path) == []


def test_columns_that_arrow_cannot_write_are_a_clear_error_and_leave_no_part(tmp_path: Path) -> None:
    runs = pa.RunEndEncodedArray.from_arrays([3], pa.array(["{}"], pa.string()).cast(pa.json_()))
    with pytest.raises(DataError, match="cannot be read, or written as an Arrow stream"):
        spool(pa.table({"a": runs}), tmp_path)
    assert files(tmp_path) == []


def test_large_rows_are_copied_whole(tmp_path: Path) -> None:
    table = pa.table({"a": [bytes(3_000_000), None, b"b"], "b": [np.float32(1.5)] * 3})
    blocks = open_tabular(spool(table, tmp_path).path).blocks()
    assert pa.Table.from_batches([block.batch for block in blocks]).to_pydict() == table.to_pydict()
