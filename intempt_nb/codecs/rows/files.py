"""What all readers of files need: a clear word where there is none, and the digest of what is there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from intempt_nb.codecs.rows.blocks import Block
from intempt_nb.display import shorten
from intempt_nb.errors import DataError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["file_digest", "missing_file", "numbered_blocks"]

BLOCK_ROWS = 65_536


def missing_file(path: Path) -> DataError:
    """Return the error of a path that is no file: what there is in its folder."""
    if path.is_dir():
        return DataError(f"{path} is a folder; expected a file")
    folder = path.parent
    if not folder.is_dir():
        return DataError(f"no file {path}: there is no folder {folder.absolute()}")
    alike = sorted(each.name for each in folder.iterdir() if each.is_file() and each.suffix == path.suffix)
    return DataError(f"no file {shorten(path, 300)} (looked in {folder.absolute()}){suggest(path.name, alike)}")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def numbered_blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[Block]:
    """Yield batches as blocks of at most `BLOCK_ROWS` rows, numbered from 0."""
    first = 0
    for batch in batches:
        for start in range(0, len(batch), BLOCK_ROWS):
            part = batch.slice(start, BLOCK_ROWS)
            yield Block(part, pa.array(np.arange(first, first + len(part))))
            first += len(part)
