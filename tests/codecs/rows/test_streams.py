"""Rows as a stream of bytes: the same for the same rows, and nothing is lost in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.codecs.rows import streams
from intempt_nb.codecs.rows.streams import write_stream
from random_arrow import arrow_types

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXTS = [None if number % 7 == 0 else f"a text of some length: {number}" for number in range(2_000)]
TABLE = pa.table(
    {
        "text": TEXTS,
        "number": pa.array([None if number % 3 else number for number in range(2_000)]),
        "flag": [number % 5 == 0 for number in range(2_000)],
        "list": [[{"a": text}] * (number % 3) for number, text in enumerate(TEXTS)],
        "kind": pa.array(["a", "b", None, "c"] * 500).dictionary_encode(),
        "view": pa.array(TEXTS, pa.string_view()),
        "views": pa.array([[text] for text in TEXTS], pa.large_list(pa.string_view())),
    }
)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK_ROWS", 300)


def written(rows: pa.Table | pa.RecordBatchReader) -> bytes:
    data = bytearray()
    write_stream(rows, data.extend)
    return bytes(data)


def read(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


@given(st.lists(st.integers(1, 1_999), max_size=6, unique=True).map(sorted))
def test_the_bytes_are_of_the_rows_whatever_chunks_and_whatever_brings_them(cuts: list[int]) -> None:
    expected = written(TABLE)
    parts = [TABLE[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    chunked = pa.concat_tables(parts)
    assert written(chunked) == expected
    assert written(chunked.to_reader(max_chunksize=170)) == expected
    assert written(pa.concat_tables([TABLE[:5], TABLE])[5:]) == expected


def test_what_is_read_back_is_what_was_written() -> None:
    assert read(written(TABLE)).to_pydict() == TABLE.to_pydict()
    assert written(TABLE) != written(TABLE[1:])


def test_dictionaries_that_differ_between_batches_are_kept_and_those_of_a_table_are_one() -> None:
    def batches(*values: str) -> list[pa.RecordBatch]:
        return pa.table({"kind": pa.array(values).dictionary_encode()}).to_batches()

    parts = [*batches("a", "b"), *batches(*["c"] * 400), *batches("b", "a")]
    reader = pa.RecordBatchReader.from_batches(parts[0].schema, parts)
    assert read(written(reader))["kind"].to_pylist() == ["a", "b", *["c"] * 400, "b", "a"]
    table = pa.Table.from_batches(parts)
    assert written(table) == written(table.unify_dictionaries().combine_chunks())


def test_a_reader_is_read_a_block_at_a_time() -> None:
    pulled, seen = [], []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in TABLE.to_batches(max_chunksize=100):
            pulled.append(batch)
            yield batch

    write_stream(pa.RecordBatchReader.from_batches(TABLE.schema, batches()), lambda data: seen.append(len(pulled)))
    assert set(seen) == {3, 6, 9, 12, 15, 18, 20}


def test_views_of_text_are_written_once() -> None:
    frame = pl.DataFrame({"text": [text or "" for text in TEXTS]})
    assert len(written(pa.table(frame))) < 2 * frame.estimated_size()


@given(arrow_types(nulls=False))
def test_each_type_comes_back_or_is_refused(kind: pa.DataType) -> None:
    try:
        table = pa.table({"a": pa.nulls(3, kind)})
    except pa.ArrowException:
        assume(False)
    try:
        data = written(table)
    except inb.DataError as error:
        assert "cannot be read, or written as an Arrow stream" in str(error)  # noqa: PT017 (most types do not raise)
    else:
        assert read(data)["a"].to_pylist() == table["a"].to_pylist()


def test_an_error_of_whoever_brings_the_rows_is_theirs() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield TABLE.to_batches()[0]
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError, match="the database is gone"):
        written(pa.RecordBatchReader.from_batches(TABLE.schema, batches()))
