"""Data as it is given to be checked: a DataFrame or Arrow data, column by column, those that cannot be read too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import pyarrow as pa

from intempt_nb.errors import DataError
from intempt_nb.schema.checking.matching import match_names
from intempt_nb.schema.mapping.frames import Unreadable, frame_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.schema.schema import Schema

__all__ = ["BLOCK_ROWS", "Column", "Given", "given", "matches"]

BLOCK_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the data: its cells, or why there are none; `is_level` if it is a level of a frame's index."""

    name: str
    cells: pa.ChunkedArray | Unreadable
    is_level: bool = False

    def blocks(self) -> Iterator[tuple[int, pa.Array]]:
        """Yield the cells in pieces of at most `BLOCK_ROWS`, each with the row that it begins with."""
        cells = self.readable()
        return ((first, _block(cells, first)) for first in range(0, len(cells), BLOCK_ROWS))

    def block(self, first: int) -> pa.Array:
        """Return the cells of at most `BLOCK_ROWS` rows from `first` on."""
        return _block(self.readable(), first)

    def readable(self) -> pa.ChunkedArray:
        """Return the cells; raises the `DataError` of a column that has none."""
        if isinstance(self.cells, Unreadable):
            raise self.cells.error
        return self.cells


def _block(cells: pa.ChunkedArray, first: int) -> pa.Array:
    block = cells.slice(first, BLOCK_ROWS)
    return block.chunk(0) if block.num_chunks == 1 else block.combine_chunks()


@dataclass(frozen=True, slots=True)
class Given:
    """The data.

    Parameters
    ----------
    kind
        How its columns are written in Python: ``frame["a"]``, ``table["a"]``, or not at all.
    origin
        What it is, for people: ``DataFrame``, ``Arrow table``.
    length
        Number of rows.
    columns
        In the order of the data, named index levels of a frame first.
    """

    kind: Literal["frame", "table", "batch", "other"]
    origin: str
    length: int
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [each.name for each in self.columns]


def given(data: Any) -> Given:
    """Return data as columns; nothing is raised for a column that cannot be read.

    Parameters
    ----------
    data
        A DataFrame, an Arrow table or batch, or anything with the PyCapsule interface (``__arrow_c_stream__``).

    Raises
    ------
    DataError
        If the data is of another kind.
    """
    match data:
        case pd.DataFrame():
            levels = sum(name is not None for name in data.index.names)
            columns = [Column(name, cells, at < levels) for at, (name, cells) in enumerate(frame_columns(data))]
            return Given("frame", "DataFrame", len(data), tuple(columns))
        case pa.Table():
            return _table("table", "Arrow table", data)
        case pa.RecordBatch():
            return _table("batch", "Arrow batch", pa.Table.from_batches([data]))
        case pd.Series():
            raise DataError("rows cannot be read from a Series; make it a table: series.to_frame('name')")
        case _ if hasattr(data, "__arrow_c_stream__"):
            return _table("other", type(data).__name__, pa.table(data))
        case _:
            raise DataError(
                f"rows cannot be read from {type(data).__name__}; expected a DataFrame or Arrow data "
                "(a table, a batch, anything with __arrow_c_stream__)"
            )


def _table(kind: Literal["table", "batch", "other"], origin: str, table: pa.Table) -> Given:
    columns = zip(table.column_names, table.columns, strict=True)
    return Given(kind, origin, len(table), tuple(Column(name, cells) for name, cells in columns))


def matches(schema: Schema, names: list[str]) -> dict[str, int]:
    """Return which column feeds which field, as an upload takes them; fields without a column are left out."""
    return match_names(schema.fields, names)
