"""DataFrame ↔ Arrow: the only place that knows NaN, NaT and NA.

From pandas, everything that pandas calls missing is null, as pandas' own float columns cannot tell NaN from a gap; a
column that is Arrow-backed already keeps the two apart. To pandas, see :mod:`intempt_nb.schema.pandas`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.codecs.blocks import Block, Tabular
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.pandas import types_mapper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.schema.pandas import DtypeBackend

__all__ = ["from_frame", "open_frame", "open_table", "to_frame"]

FRAME_ROWS = "rows are counted from 0, as in frame.iloc[row]"
BLOCK_ROWS = 65_536


def from_frame(frame: pd.DataFrame) -> pa.Table:
    """Return a DataFrame as an Arrow table; the frame is not changed.

    Parameters
    ----------
    frame
        Column labels are text. Named index levels become the first columns; an index without a name is left out.

    Raises
    ------
    DataError
        If a label is not text or repeats, or a column holds values of several types; names the column and the row.
    """
    named = [name for name in frame.index.names if name is not None]
    if named:
        clash = [name for name in named if name in frame.columns]
        if clash:
            raise DataError(
                f"{clash[0]!r} names both a column and an index level; rename one of them", field=str(clash[0])
            )
        frame = frame.reset_index(level=named)
    seen: set[str] = set()
    for label in frame.columns:
        if not isinstance(label, str):
            raise DataError(f"column label {label!r} is not text; rename it: frame.rename(columns=str)")
        if label in seen:
            raise DataError(f"the frame has column {shorten(label)!r} more than once", field=label)
        seen.add(label)
    return pa.table({label: _array(frame[label], label) for label in frame.columns})


def _array(series: pd.Series[Any], label: str) -> pa.Array | pa.ChunkedArray:
    if isinstance(series.dtype, pd.SparseDtype):
        raise DataError("the column is sparse; densify it: frame[column].sparse.to_dense()", field=label)
    try:
        return pa.array(series, from_pandas=True)
    except UnicodeEncodeError:
        raise DataError(
            "the column holds text with half of a surrogate pair, which is not Unicode", field=label
        ) from None
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
        raise _mixed(series, label, error) from error


def _mixed(series: pd.Series[Any], label: str, error: Exception) -> DataError:
    """Name the first value that is not of the column's first type; only called for a column that failed."""
    values = series.dropna()
    kinds = values.map(type)
    strangers = kinds[kinds != kinds.iloc[0]] if len(kinds) else kinds
    if not len(strangers):
        return DataError(f"the column cannot be read: {error}", field=label)
    position = int((series.notna() & (series.map(type) != kinds.iloc[0])).to_numpy().argmax())
    value = series.iloc[position]
    return DataError(
        f"the column holds {kinds.iloc[0].__name__} and, here, {type(value).__name__} {shorten(repr(value), 40)}; "
        "make it one type, for example frame[column].astype('string')",
        row=position,
        field=label,
        value=shorten(value),
        expected=kinds.iloc[0].__name__,
    )


def open_frame(frame: pd.DataFrame) -> Tabular:
    """Return a DataFrame as a source of rows; see :func:`from_frame`."""
    return open_table(from_frame(frame), "DataFrame")


def open_table(table: pa.Table, origin: str = "Arrow table") -> Tabular:
    """Return an Arrow table as a source of rows, numbered from 0."""
    return Tabular(
        origin=origin,
        schema=table.schema,
        text=False,
        numbering=FRAME_ROWS if origin == "DataFrame" else "rows are counted from 0",
        length=len(table),
        blocks=lambda: _blocks(table),
        digest=lambda: _digest(table),
    )


def _blocks(table: pa.Table) -> Iterator[Block]:
    first = 0
    for batch in table.unify_dictionaries().to_batches(max_chunksize=BLOCK_ROWS):
        yield Block(batch, pa.array(np.arange(first, first + len(batch))))
        first += len(batch)


def _digest(table: pa.Table) -> str:
    """Return the SHA-256 of the rows as Arrow IPC, in blocks of a fixed size whatever the table's own chunks are."""
    digest = hashlib.sha256()
    combined = table.combine_chunks().unify_dictionaries().replace_schema_metadata(None)
    sink = _Sink(digest.update)
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), combined.schema) as writer:
        writer.write_table(combined, max_chunksize=BLOCK_ROWS)
    return digest.hexdigest()


class _Sink:
    """A file that keeps nothing: what is written goes to a function."""

    closed = False

    def __init__(self, consume: Any) -> None:
        self._consume = consume

    def write(self, data: bytes) -> int:
        self._consume(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True


def to_frame(table: pa.Table, dtype_backend: DtypeBackend = "pyarrow") -> pd.DataFrame:
    """Return an Arrow table as a DataFrame.

    Parameters
    ----------
    table
        Any table.
    dtype_backend
        ``"pyarrow"`` keeps every type; ``"numpy_nullable"`` and None (pandas' own) as pandas has them.
    """
    frame: pd.DataFrame = table.to_pandas(types_mapper=types_mapper(dtype_backend))
    return frame
