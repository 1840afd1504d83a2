"""What all readers of files need: errors, the digest of the content, blocks of bounded size, which columns to read."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from intempt_nb.codecs.rows.blocks import Block
from intempt_nb.display import shorten
from intempt_nb.errors import DataError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

__all__ = ["at_their_places", "block_rows", "file_digest", "missing_file", "numbered_blocks", "to_read"]

BLOCK_ROWS = 65_536
BLOCK_BYTES = 8 << 20
_DIGEST_BYTES = 1 << 18


def missing_file(path: Path) -> DataError:
    """Return the error of a path that is no file: what there is in its folder."""
    if path.is_dir():
        return DataError(f"{path} is a folder; expected a file")
    folder = path.parent
    if not folder.is_dir():
        return DataError(f"no file {path}: there is no folder {folder.absolute()}")
    alike = sorted(each.name for each in folder.iterdir() if each.is_file() and each.suffix == path.suffix)
    return DataError(f"no file {shorten(path, 300)} (looked in {folder.absolute()}){suggest(path.name, alike)}")


def file_digest(path: Path, look: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal; `look` is called from time to time, and may end it."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_DIGEST_BYTES))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            digest.update(buffer[:count])
            look()
    return digest.hexdigest()


def block_rows(rows: int, size: int) -> int:
    """Return how many rows make a block, where so many `rows` have `size` bytes: fewer if they are large."""
    if size <= 2 * BLOCK_BYTES:  # near enough: cut exactly, it would leave a block of a few rows
        return BLOCK_ROWS
    return max(1, min(BLOCK_ROWS, rows * BLOCK_BYTES // max(size, 1)))


def numbered_blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[Block]:
    """Yield batches as blocks of at most `BLOCK_ROWS` rows, numbered from 0."""
    first = 0
    for batch in batches:
        step = block_rows(len(batch), batch.nbytes)
        for start in range(0, len(batch), step):
            part = batch.slice(start, step)
            yield Block(part, pa.array(np.arange(first, first + len(part))))
            first += len(part)


def to_read(schema: pa.Schema, wanted: Collection[str]) -> list[str] | None:
    """Return the names of the columns to read; None for all, which is what an empty `wanted` means."""
    names = schema.names
    if not wanted or len(set(names)) < len(names):  # a name that stands twice chooses no column
        return None
    return [name for name in names if name in wanted]


def at_their_places(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with as many columns as `schema`; those that were not read are nulls."""
    if batch.num_columns == len(schema):
        return batch
    columns = {field.name: (field, column) for field, column in zip(batch.schema, batch.columns, strict=True)}
    nothing = pa.nulls(len(batch))
    found = [columns.get(name, (pa.field(name, pa.null()), nothing)) for name in schema.names]
    return pa.RecordBatch.from_arrays([column for _, column in found], schema=pa.schema([field for field, _ in found]))
