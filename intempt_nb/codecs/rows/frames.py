"""DataFrames and Arrow tables as sources of rows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from intempt_nb.codecs.rows.blocks import Tabular
from intempt_nb.codecs.rows.files import numbered_blocks
from intempt_nb.codecs.rows.streams import write_stream
from intempt_nb.schema.mapping.frames import from_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["open_frame", "open_table"]

FRAME_ROWS = "rows are counted from 0, as in frame.iloc[row]"


def open_frame(frame: pd.DataFrame) -> Tabular:
    """Return a DataFrame as a source of rows; see :func:`intempt_nb.schema.mapping.frames.from_frame`."""
    return open_table(from_frame(frame), "DataFrame")


def open_table(table: pa.Table, origin: str = "Arrow table") -> Tabular:
    """Return an Arrow table as a source of rows, numbered from 0."""
    return Tabular(
        origin=origin,
        schema=table.schema,
        text=False,
        numbering=FRAME_ROWS if origin == "DataFrame" else "rows are counted from 0",
        length=len(table),
        read=lambda wanted: numbered_blocks(table.unify_dictionaries().to_batches()),
        digest=lambda: _digest(table),
    )


def _digest(table: pa.Table) -> str:
    """Return the SHA-256 of the rows as an Arrow stream, whatever the table's own chunks are."""
    digest = hashlib.sha256()
    write_stream(table, digest.update)
    return digest.hexdigest()
