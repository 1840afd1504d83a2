"""DataFrame ↔ Arrow: the only place that knows NaN, NaT and NA as gaps.

From pandas, everything that pandas calls missing is null, in the lists and dicts of object columns too, as pandas' own
float columns cannot tell NaN from a gap; a column that is Arrow-backed already keeps the two apart. To pandas, see
:mod:`intempt_nb.schema.mapping.pandas`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.pandas import pandas_dtypes, types_mapper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from intempt_nb.schema.mapping.pandas import DtypeBackend

__all__ = ["Unreadable", "exact_type", "frame_columns", "from_frame", "to_frame"]

_REFUSALS = (pa.ArrowException, OverflowError, ValueError, TypeError)
"""What Arrow raises for a column that it cannot hold."""

_CUT_DOWN = {pa.date32(): (dt.datetime, pd.Timestamp), pa.binary(): (str,)}
"""What Arrow takes among dates and bytes, and makes one: the time of day is lost, text becomes its UTF-8."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A column that cannot become Arrow data.

    Parameters
    ----------
    error
        Why.
    advice
        A line of Python that helps; None if none is known.
    """

    error: DataError
    advice: str | None = None


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
    columns: dict[str, pa.ChunkedArray] = {}
    for label, column in frame_columns(frame):
        if isinstance(column, Unreadable):
            help_ = "" if column.advice is None else f"; try: {column.advice}"
            raise replace(column.error, message=f"{column.error.message}{help_}")
        columns[label] = column
    return pa.table(columns)


def frame_columns(frame: pd.DataFrame) -> Iterator[tuple[str, pa.ChunkedArray | Unreadable]]:
    """Convert the columns of a DataFrame one by one, so that one that cannot be read does not hide the others.

    Parameters
    ----------
    frame
        Named index levels come first; an index without a name is left out.

    Yields
    ------
    str
        The label, or what stands for it where it is not text.
    pyarrow.ChunkedArray or Unreadable
        The column, or why there is none.
    """
    labels = set(frame.columns)
    for position, name in enumerate(frame.index.names):
        if name in labels and name is not None:
            message = f"{name!r} names both a column and an index level; rename one of them"
            yield str(name), Unreadable(DataError(message, field=str(name)))
        elif name is not None:
            yield _column(frame.index.get_level_values(position).to_series(), name)
    met = set()
    for position, label in enumerate(frame.columns):
        if label in met:
            error = DataError(f"the frame has column {shorten(label)!r} more than once", field=str(label))
            yield str(label), Unreadable(error, "frame = frame.loc[:, ~frame.columns.duplicated()]  # keeps the first")
        else:
            met.add(label)
            yield _column(frame.iloc[:, position], label)


def _column(series: pd.Series[Any], label: Any) -> tuple[str, pa.ChunkedArray | Unreadable]:
    if not isinstance(label, str):
        error = DataError(f"column label {label!r} is not text")
        return repr(label), Unreadable(error, "frame = frame.rename(columns=str)")
    column = _array(series, label)
    return label, pa.chunked_array([column]) if isinstance(column, pa.Array) else column


def _array(series: pd.Series[Any], label: str) -> pa.Array | pa.ChunkedArray | Unreadable:
    if isinstance(series.dtype, pd.SparseDtype):
        error = DataError("the column is sparse", field=label)
        return Unreadable(error, f"frame[{label!r}] = frame[{label!r}].sparse.to_dense()")
    try:
        column = pa.array(series, from_pandas=True)
        if series.dtype == object and (kind := exact_type(column.type, series)) != column.type:
            column = pa.array(series, kind, from_pandas=True)
    except UnicodeEncodeError:
        message = "the column holds text with half of a surrogate pair, which is not Unicode"
        return Unreadable(DataError(message, field=label))
    except _REFUSALS as error:
        return _mixed(series, label, error)
    if column.type in _CUT_DOWN and series.dtype == object:
        return _cut_down(series, label, _CUT_DOWN[column.type]) or column
    return column


def exact_type(kind: pa.DataType, values: Iterable[Any]) -> pa.DataType:
    """Return the type that holds Python values whole: Arrow takes times of pandas for Python's, of microseconds.

    Parameters
    ----------
    kind
        What Arrow takes the values for.
    values
        They themselves.
    """
    if not _holds_times(kind):
        return kind
    if pa.types.is_list(kind):
        lists = [value for value in values if isinstance(value, list | tuple | set | np.ndarray)]
        return pa.list_(exact_type(kind.value_type, [item for each in lists for item in each]))
    if pa.types.is_struct(kind):
        items = [value for value in values if isinstance(value, Mapping)]
        return pa.struct([(each.name, exact_type(each.type, [item.get(each.name) for item in items])) for each in kind])
    if not any(map(_has_nanoseconds, values)):
        return kind
    return pa.timestamp("ns", kind.tz) if pa.types.is_timestamp(kind) else pa.duration("ns")


def _holds_times(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_struct(kind):
        return any(_holds_times(kind.field(index).type) for index in range(kind.num_fields))
    return bool(pa.types.is_timestamp(kind) or pa.types.is_duration(kind))


def _has_nanoseconds(value: Any) -> bool:
    return bool(getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0))


def _cut_down(series: pd.Series[Any], label: str, kinds: tuple[type, ...]) -> Unreadable | None:
    """Return the first value that Arrow would make one of the others' kind, if there is one."""
    is_kind = series.dropna().map(type).isin(kinds)
    if is_kind.nunique() < 2:
        return None
    place = int((is_kind != is_kind.iloc[0]).to_numpy().argmax())
    return _stranger(series, label, int(series.notna().to_numpy().nonzero()[0][place]))


def _mixed(series: pd.Series[Any], label: str, error: Exception) -> Unreadable:
    """Name the first value that does not go with those before it; only called for a column that failed."""
    position = _first_stranger(series)
    value = series.iloc[position]
    if type(value) is not _first_type(series, position):
        return _stranger(series, label, position)
    message = f"the column cannot be read: {shorten(error, 200)}"
    return Unreadable(DataError(message, row=position, field=label, value=shorten(value)))


def _first_type(series: pd.Series[Any], position: int) -> type:
    before = series.iloc[: position + 1].dropna()
    return type(series.iloc[position] if before.empty else before.iloc[0])


def _stranger(series: pd.Series[Any], label: str, position: int) -> Unreadable:
    value, first = series.iloc[position], _first_type(series, position)
    error = DataError(
        f"the column holds {first.__name__} and, here, {type(value).__name__} {shorten(repr(value), 40)}",
        row=position,
        field=label,
        value=shorten(value),
        expected=first.__name__,
    )
    nested = {first, type(value)} & {list, dict}
    return Unreadable(error, None if nested else f"frame[{label!r}] = frame[{label!r}].astype('string')")


def _first_stranger(series: pd.Series[Any]) -> int:
    """Return the row from which on Arrow refuses the values; found by halving, as Arrow itself does not say."""
    fine, fails = 0, len(series)
    while fails - fine > 1:
        middle = (fine + fails) // 2
        try:
            pa.array(series.iloc[:middle], from_pandas=True)
        except _REFUSALS:
            fails = middle
        else:
            fine = middle
    return fails - 1


def to_frame(table: pa.Table, dtype_backend: DtypeBackend = "pyarrow") -> pd.DataFrame:
    """Return an Arrow table as a DataFrame.

    Parameters
    ----------
    table
        Any table.
    dtype_backend
        ``"pyarrow"`` keeps every type; ``"numpy_nullable"`` and None (pandas' own) as pandas has them.

    Raises
    ------
    DataError
        For a type that only ``"pyarrow"`` takes: a dense union, in a list or record too.
    """
    try:
        frame: pd.DataFrame = table.to_pandas(types_mapper=types_mapper(dtype_backend))
    except pa.ArrowNotImplementedError:
        pandas_dtypes(table.schema, dtype_backend)  # raises, with the column and advice
        raise
    return frame
