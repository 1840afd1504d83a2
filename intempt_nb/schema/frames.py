"""DataFrame ↔ Arrow: the only place that knows NaN, NaT and NA.

From pandas, everything that pandas calls missing is null, as pandas' own float columns cannot tell NaN from a gap; a
column that is Arrow-backed already keeps the two apart. To pandas, see :mod:`intempt_nb.schema.pandas`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.pandas import types_mapper

if TYPE_CHECKING:
    from intempt_nb.schema.pandas import DtypeBackend

__all__ = ["from_frame", "to_frame"]


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
