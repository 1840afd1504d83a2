"""Parquet, Feather and Arrow IPC: opened without reading, read in blocks with their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import intempt_nb as inb
from intempt_nb.codecs.rows import files
from intempt_nb.codecs.rows.files import BLOCK_ROWS
from intempt_nb.codecs.rows.tabular import open_tabular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = BLOCK_ROWS + 10
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS)),
        "day": ["2020-01-01"] * ROWS,
        "inner": [{"at": ["2020-01-01T10:00Z"]}] * ROWS,
        "kind": pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode(),
    }
)


def write_file(path: Path) -> None:
    with pa.ipc.new_file(str(path), TABLE.schema) as writer:
        writer.write_table(TABLE)


def write_stream(path: Path) -> None:
    with pa.ipc.new_stream(str(path), TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=1_000)


WRITERS: list[tuple[str, Callable[[Path], Any]]] = [
    ("a.parquet", lambda path: pq.write_table(TABLE, path)),
    ("a.PQ", lambda path: pq.write_table(TABLE, path)),
    ("a.feather", lambda path: feather.write_feather(TABLE, path)),
    ("a.arrow", write_file),
    ("a.ipc", write_stream),
    ("a.arrows", write_stream),
]


@pytest.mark.parametrize(("name", "write"), WRITERS, ids=[name for name, _ in WRITERS])
def test_rows_come_in_blocks_numbered_from_0(tmp_path: Path, name: str, write: Callable[[Path], Any]) -> None:
    path = tmp_path / name
    write(path)
    opened = open_tabular(path)
    assert (opened.text, opened.numbering, opened.origin) == (False, "rows are counted from 0", str(path))
    assert opened.schema.names == TABLE.column_names
    blocks = list(opened.blocks())
    assert max(len(block.batch) for block in blocks) <= BLOCK_ROWS
    assert pa.concat_arrays([block.rows for block in blocks]).to_pylist() == list(range(ROWS))
    read = pa.Table.from_batches([block.batch for block in blocks])
    assert read.to_pydict() == TABLE.to_pydict()
    assert len(list(opened.blocks())) == len(blocks)
    assert len(opened.digest()) == 64


@pytest.mark.parametrize(("name", "write"), WRITERS[::2], ids=[name for name, _ in WRITERS[::2]])
def test_a_schema_is_inferred_with_what_is_nested(tmp_path: Path, name: str, write: Callable[[Path], Any]) -> None:
    path = tmp_path / name
    write(path)
    inferred = inb.infer_schema(path)
    assert inferred.evidence.set_index("field")["type"].to_dict() == {
        "id": "long",
        "day": "date (text)",
        "inner": "record of at",
        "inner.at": "array of timestamp-millis",
        "inner.at[]": "timestamp-millis",
        "kind": "string",
    }
    assert inferred.identifier_candidates == ("id",)


def test_the_number_of_rows_is_known_where_the_file_says_it(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "a.parquet")
    assert open_tabular(tmp_path / "a.parquet").length == ROWS


def test_a_file_without_rows_has_its_columns(tmp_path: Path) -> None:
    pq.write_table(TABLE.slice(0, 0), tmp_path / "a.parquet")
    feather.write_feather(TABLE.slice(0, 0), tmp_path / "a.feather")
    for name in ("a.parquet", "a.feather"):
        opened = open_tabular(tmp_path / name)
        assert (opened.schema.names, list(opened.blocks())) == (TABLE.column_names, [])


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.arrows"])
def test_a_file_that_ends_early_is_a_clear_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    dict(WRITERS)[name](path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(inb.DataError, match=f"{name} cannot be read as"):
        list(open_tabular(path).blocks())


def test_the_old_feather_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.feather").write_bytes(b"FEA1" + bytes(100))
    with pytest.raises(inb.DataError, match="is Feather of version 1; write it again"):
        open_tabular(tmp_path / "a.feather")


@pytest.mark.parametrize(
    ("name", "write"),
    [*WRITERS[::2], ("a.avro", lambda path: inb.write_avro(TABLE, path))],
    ids=lambda each: str(each)[:9],
)
def test_columns_that_are_not_wanted_are_nulls_at_their_places(
    tmp_path: Path, name: str, write: Callable[[Path], Any]
) -> None:
    path = tmp_path / name
    write(path)
    opened = open_tabular(path)
    every = list(opened.blocks())
    blocks = list(opened.blocks(["inner", "kind"]))
    for all_of_it, block in zip(every, blocks, strict=True):
        assert block.batch.schema.names == opened.schema.names
        assert [pa.types.is_null(column.type) for column in block.batch.columns] == [True, True, False, False]
        assert block.batch.column(2).equals(all_of_it.batch.column(2))
        assert block.batch.column(3).equals(all_of_it.batch.column(3))
        assert block.rows.equals(all_of_it.rows)


def test_a_name_that_stands_twice_has_every_column_read(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    table = pa.table([[1], [2], [3]], names=["a", "a", "b"])
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    (block,) = open_tabular(path).blocks({"b": pa.int64()})
    assert [column.to_pylist() for column in block.batch.columns] == [[1], [2], [3]]


@pytest.mark.parametrize(("name", "write"), WRITERS[::2], ids=[name for name, _ in WRITERS[::2]])
def test_blocks_of_large_rows_have_fewer_of_them(
    tmp_path: Path, name: str, write: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / name)
    monkeypatch.setattr(files, "BLOCK_BYTES", 10_000)
    blocks = list(open_tabular(tmp_path / name).blocks())
    assert max(len(block.batch) for block in blocks) < 10_000
    assert pa.concat_arrays([block.rows for block in blocks]).to_pylist() == list(range(ROWS))


def test_what_was_read_of_a_mapped_file_stays_right_after_it_is_let_go(tmp_path: Path) -> None:
    write_file(tmp_path / "a.arrow")
    blocks = list(open_tabular(tmp_path / "a.arrow").blocks())
    assert len(blocks) > 1
    assert pa.Table.from_batches([block.batch for block in blocks]).equals(TABLE)


def test_an_empty_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a.arrow").write_bytes(b"")
    with pytest.raises(inb.DataError, match="cannot be read as Arrow IPC: it is empty"):
        open_tabular(tmp_path / "a.arrow")
