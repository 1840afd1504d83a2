"""Rows as events: who, when, and in which order; the ground of all that is counted over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.mapping.frames import from_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Instants", "columns_of", "instants_of", "numbered", "zone"]

_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True, eq=False)
class Instants:
    """The times of some rows.

    Parameters
    ----------
    microseconds
        Since 1970-01-01 UTC, one a row.
    dates
        Whether they are days of a calendar, which no time zone moves.
    """

    microseconds: npt.NDArray[np.int64]
    dates: bool

    def days(self, tz: str) -> npt.NDArray[np.int64]:
        """Return the day of each, counted from 1970-01-01, by the clocks of a time zone."""
        if self.dates:
            return self.microseconds // _DAY
        stamps = pa.array(self.microseconds).cast(pa.timestamp("us", zone(tz)))
        local: npt.NDArray[np.int64] = np.asarray(pc.local_timestamp(stamps).cast(pa.int64()))
        return local // _DAY


def columns_of(data: Any, names: Sequence[str]) -> pa.Table:
    """Return columns of a DataFrame, a scan or Arrow data as an Arrow table; only these are converted.

    Raises
    ------
    DataError
        If rows cannot be read from `data`, or it has no such column.
    """
    if isinstance(data, pd.DataFrame):
        _check_names(names, [str(each) for each in data.columns])
        return from_frame(data.loc[:, list(dict.fromkeys(names))].reset_index(drop=True))
    if not hasattr(data, "__arrow_c_stream__"):
        hint = "; use its scan: collection.scan()" if hasattr(data, "scan") else ""
        raise DataError(
            f"rows cannot be read from {type(data).__name__}; expected a DataFrame, a scan or Arrow data{hint}"
        )
    reader = pa.RecordBatchReader.from_stream(data)
    _check_names(names, reader.schema.names)
    chosen = list(dict.fromkeys(names))
    batches = [batch.select(chosen) for batch in reader]
    return pa.Table.from_batches(batches, schema=pa.schema([reader.schema.field(name) for name in chosen]))


def _check_names(names: Sequence[str], there: list[str]) -> None:
    for name in names:
        if there.count(name) != 1:
            wrong = "no column" if name not in there else "more than one column"
            raise DataError(f"there is {wrong} {name!r}{suggest(name, there)}", field=name)


def numbered(table: pa.Table, name: str) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Return for each row the number of its value, and the values in the order of their first rows.

    Raises
    ------
    DataError
        If there are gaps in the column.
    """
    _refuse_gaps(table, name)
    column = table[name].combine_chunks() if table[name].num_chunks != 1 else table[name].chunk(0)
    if isinstance(column, pa.ChunkedArray):  # no rows at all, or too much text for one array
        column = pa.concat_arrays(column.chunks) if column.chunks else pa.array([], column.type)
    encoded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    return np.asarray(encoded.indices).astype(np.int64, copy=False), encoded.dictionary


def instants_of(table: pa.Table, name: str) -> Instants:
    """Return the times of a column: timestamps, dates, or whole numbers, which are milliseconds since 1970 (the API's).

    Timestamps without a zone are taken for UTC. Parts of a microsecond are cut off.

    Raises
    ------
    DataError
        If there are gaps in the column, or it is of another type.
    """
    _refuse_gaps(table, name)
    column = table[name]
    kind = column.type
    if pa.types.is_date(kind):
        days = np.asarray(column.cast(pa.date32()).cast(pa.int32())).astype(np.int64)
        return Instants(days * _DAY, dates=True)
    if pa.types.is_timestamp(kind):
        stamps = column.cast(pa.timestamp("us", kind.tz), safe=False)
        return Instants(np.asarray(stamps.cast(pa.int64())), dates=False)
    if pa.types.is_integer(kind):
        return Instants(np.asarray(pc.multiply_checked(column.cast(pa.int64()), 1000)), dates=False)
    raise DataError(
        f"column {name!r} is {kind}; expected timestamps, dates, or whole numbers (milliseconds since 1970). "
        f"df[{name!r}] = pd.to_datetime(df[{name!r}]) reads text",
        field=name,
        expected="timestamp, date or long",
    )


def zone(tz: str) -> str:
    """Return the name of a time zone that is there.

    Raises
    ------
    DataError
        If there is no such zone.
    """
    try:
        ZoneInfo(tz)
    except (ValueError, OSError, TypeError):
        raise DataError(
            f"tz is {tz!r}; expected the name of a time zone, such as 'UTC' or 'Europe/Berlin'", expected="a time zone"
        ) from None
    return tz


def _refuse_gaps(table: pa.Table, name: str) -> None:
    gaps = table[name].null_count
    if gaps:
        first = pc.index(pc.is_null(table[name]), True).as_py()
        raise DataError(
            f"column {name!r} has no value in {gaps:,} of {len(table):,} rows, the first of them row {first + 1:,}. "
            f"Leave them out: df.dropna(subset=[{name!r}])",
            row=first + 1,
            field=name,
        )
