"""Rows with the same key, found exactly: every value is compared, none is cast into another type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.analysis.events import columns_of
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import to_frame
from intempt_nb.schema.mapping.readers import reader_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from intempt_nb.schema.schema import Schema

    _Codes = npt.NDArray[np.int64]
    _Numbered = tuple[_Codes, _Codes, int]

__all__ = ["Matches", "frame_of_rows", "key_columns", "match_rows", "table_of_rows"]


def frame_of_rows(rows: Any) -> pd.DataFrame:
    """Return rows as a DataFrame, which is the same one if they are one."""
    return rows if isinstance(rows, pd.DataFrame) else to_frame(table_of_rows(rows))


def table_of_rows(rows: Any, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a DataFrame, a scan or Arrow data as an Arrow table, without the index.

    Parameters
    ----------
    rows
        The rows.
    columns
        Those that are needed; None for all.

    Raises
    ------
    DataError
        If it is none of these, or has no such column.
    """
    return reader_of(rows.reset_index(drop=True) if isinstance(rows, pd.DataFrame) else rows, columns).read_all()


def key_columns(rows: Any, names: Sequence[str], schema: Schema, what: str) -> pa.Table:
    """Return the columns of a key, in types that compare by value.

    Parameters
    ----------
    rows
        A DataFrame, a scan or Arrow data.
    names
        Of the columns.
    schema
        That of the collection they belong to.
    what
        The rows in words, for the message.

    Raises
    ------
    DataError
        If there is no such column, or it has another type than the schema says.
    """
    table = columns_of(rows, names)
    return pa.table({name: _plain(table[name], name, schema, what) for name in names})


def _plain(column: pa.ChunkedArray, name: str, schema: Schema, what: str) -> pa.ChunkedArray:
    declared = schema.to_arrow().field(name).type
    wanted = _plain_type(declared)
    if not pa.types.is_null(column.type) and _plain_type(column.type) != wanted:
        raise DataError(
            f"it is {column.type} in {what}, and {declared} in the collection's schema; values of different types "
            f"are not compared. {_advice(name, column.type, wanted)}",
            field=name,
            expected=str(declared),
        )
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    return column if column.type == wanted else column.cast(wanted)


_DTYPES = {pa.large_string(): "string[pyarrow]", pa.int64(): "int64[pyarrow]", pa.date32(): "date32[pyarrow]"}


def _advice(name: str, found: pa.DataType, wanted: pa.DataType) -> str:
    """Return what to do, where something is known that keeps each value or fails."""
    types = pa.types
    column, dtype, text = f"df[{name!r}]", _DTYPES.get(wanted), _plain_type(found) == pa.large_string()
    if types.is_floating(found) and wanted in (pa.large_string(), pa.int64()):
        return (
            "pandas makes fractions of whole numbers where there are gaps; read the rows again with "
            f"dtype={{{name!r}: {dtype!r}}}"
        )
    if types.is_timestamp(wanted) and (text or (types.is_timestamp(found) and found.tz == wanted.tz)):
        read = f"pd.to_datetime({column}{', utc=True' * (wanted.tz is not None)})" if text else column
        return f"Convert it, if nothing is lost by that: {column} = {read}.astype('{wanted}[pyarrow]')"
    if dtype and (text or (types.is_integer(found) and wanted != pa.date32())):
        return f"Convert it, if nothing is lost by that: {column} = {column}.astype({dtype!r})"
    return "Convert it, if nothing is lost by that"


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that stands for all which hold the same values."""
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return pa.large_string()
    if pa.types.is_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_large_binary(kind):
        return pa.large_binary()
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return pa.int64()
    return pa.decimal256(76, kind.scale) if pa.types.is_decimal(kind) else kind


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Which rows of two tables have the same key.

    Parameters
    ----------
    here
        For each row of the one, the number of its key; -1 if the other has no row with it, or a value is missing.
    complete
        Which rows of the one have a value in each column of the key.
    there, counts
        For each key, the place of its first row in `order`, and how many rows of the other have it.
    order
        Rows of the other, by key; in their own order where they share one. Those without a key come first.
    """

    here: npt.NDArray[np.int64]
    complete: npt.NDArray[np.bool_]
    there: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]

    @property
    def matched(self) -> npt.NDArray[np.bool_]:
        """Which rows of the one have a row in the other."""
        return self.here >= 0

    @property
    def orphans(self) -> npt.NDArray[np.bool_]:
        """Which rows of the one have a key that the other has not."""
        return self.complete & ~self.matched

    @property
    def repeated(self) -> npt.NDArray[np.bool_]:
        """Which rows of the other share their key with another one."""
        found = np.zeros(len(self.order), bool)
        found[self.order[len(self.order) - int(self.counts.sum()) :]] = np.repeat(self.counts > 1, self.counts)
        return found

    @property
    def widest(self) -> int:
        """The most rows of the other that a row of the one has."""
        found = self.here[self.matched]
        return int(self.counts[found].max()) if len(found) else 0

    def pairs(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the rows of both that belong together, in the order of the one; -1 for none of the other."""
        matched, key = self.matched, np.maximum(self.here, 0)
        if self.widest == 0:
            return np.arange(len(key)), self.here
        if self.widest == 1:
            return np.arange(len(key)), np.where(matched, self.order[self.there[key]], -1)
        times = np.where(matched, self.counts[key], 1)
        rows = np.repeat(np.arange(len(key)), times)
        ahead = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
        found = self.order[np.minimum(self.there[key][rows] + ahead, len(self.order) - 1)]
        return rows, np.where(matched[rows], found, -1)


def match_rows(here: pa.Table, there: pa.Table) -> Matches:
    """Return which rows of two tables have the same values, the columns taken in their order.

    A missing value is equal to nothing, text equal to the same text only: case, accents and spaces count.

    Parameters
    ----------
    here, there
        As many columns, of the same types.
    """
    codes = _numbers(here.column(0), there.column(0))
    for mine, theirs in zip(here.columns[1:], there.columns[1:], strict=True):
        codes = _combined(codes, _numbers(mine, theirs))
    one, other, size = codes
    complete = np.ones(len(here), bool)
    for column in here.columns:
        if column.null_count:
            complete &= np.asarray(column.is_valid())
    order = np.argsort(other, kind="stable").astype(np.int64, copy=False)
    counts = np.bincount(other[other >= 0], minlength=size).astype(np.int64, copy=False)
    starts = np.cumsum(counts) - counts + int(np.count_nonzero(other < 0))
    return Matches(one, complete, starts, counts, order)


def _numbers(here: pa.ChunkedArray, there: pa.ChunkedArray) -> tuple[_Codes, _Codes, int]:
    """Return the values of the second column as numbers, in both columns; -1 for all others."""
    known = pc.unique(there).drop_null()
    return _places(here, known), _places(there, known), len(known)


def _places(column: pa.ChunkedArray, known: pa.Array) -> _Codes:
    return np.asarray(pc.index_in(column, known).fill_null(-1)).astype(np.int64, copy=False)


def _combined(codes: _Numbered, more: _Numbered) -> _Numbered:
    """Return the pairs of values that the second table has as numbers, in both tables."""
    one, other = (
        np.where((first < 0) | (second < 0), -1, first * more[2] + second)  # fewer than 2**63, as rows fit in memory
        for first, second in zip(codes[:2], more[:2], strict=True)
    )
    return _numbers(*(pa.chunked_array([pa.array(each, mask=each < 0)]) for each in (one, other)))
