"""Rows as events: who, when, and in which order; the ground of all that is counted over time."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.readers import reader_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Instants", "Limit", "columns_of", "instants_of", "limit_of", "moment_of", "numbered", "refuse_gaps", "zone"]

_DAY = 86_400_000_000  # microseconds, as all of these
_PARTS = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 0.001}
_FIRST, _LAST = -719_162 * _DAY, 2_932_897 * _DAY  # the years 1 to 9999
_THREADS = cpu_count() or 1


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
        """Return the day of each, counted from 1970-01-01, by the clocks of a time zone.

        Raises
        ------
        DataError
            If there is no such zone, or a day is not in the years 1 to 9999 there.
        """
        if self.dates or zone(tz) == "UTC":
            return self.microseconds // _DAY
        stamps = pa.array(self.microseconds).cast(pa.timestamp("us", tz))
        local: npt.NDArray[np.int64] = np.asarray(pc.local_timestamp(stamps).cast(pa.int64()))
        wrong = (local < _FIRST) | (local >= _LAST)
        if wrong.any():
            found = np.datetime64(int(self.microseconds[np.argmax(wrong)]), "us")
            raise DataError(f"{found}Z is on no day of the years 1 to 9999 in {tz}", value=str(found))
        return local // _DAY


def columns_of(data: Any, names: Sequence[str]) -> pa.Table:
    """Return columns of a DataFrame, a scan or Arrow data as an Arrow table; only these are converted.

    Raises
    ------
    DataError
        If rows cannot be read from `data`, or it has no such column.
    """
    return reader_of(data, names).read_all()


def numbered(table: pa.Table, name: str) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Return for each row the number of its value, and the values, each once and none that no row has.

    Raises
    ------
    DataError
        If there are gaps in the column, or its values cannot be compared.
    """
    refuse_gaps(table, name)
    column = table[name]
    if pa.types.is_dictionary(column.type):
        return _renumbered(table, name)
    if isinstance(column.type, pa.BaseExtensionType):  # a UUID, which Arrow compares by what it is stored as only
        stored = pa.chunked_array([each.storage for each in column.chunks], column.type.storage_type)
        numbers, values = numbered(pa.table({name: stored}), name)
        return numbers, pa.ExtensionArray.from_storage(column.type, values)
    if not len(column):
        return np.zeros(0, np.int64), pa.array([], column.type)
    share = -(-len(column) // _THREADS)  # Arrow looks values up in one thread
    starts = range(0, len(column), share)
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = pool.map(pa.ChunkedArray.dictionary_encode, (column[at : at + share] for at in starts))
        try:
            chunks = [chunk for part in parts for chunk in part.chunks]
        except pa.ArrowNotImplementedError:
            raise DataError(f"the column is {column.type}; expected text or numbers", field=name) from None
    encoded = pa.chunked_array(chunks).unify_dictionaries()
    return _indices(encoded), encoded.chunk(0).dictionary


def _renumbered(table: pa.Table, name: str) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Return the same of a column with a dictionary, in which a value may be null, stand twice, or be of no row."""
    column = table[name]
    if not len(column) or any(each.dictionary.null_count for each in column.chunks):
        return numbered(pa.table({name: column.cast(column.type.value_type)}), name)
    column = column.unify_dictionaries()
    given = column.chunk(0).dictionary
    distinct = given.dictionary_encode()
    numbers = np.asarray(distinct.indices).astype(np.int64)[_indices(column)]
    used = np.bincount(numbers, minlength=len(distinct.dictionary)) > 0
    return (np.cumsum(used) - 1)[numbers], distinct.dictionary.filter(pa.array(used))


def _indices(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    return np.concatenate([np.asarray(each.indices) for each in column.chunks], dtype=np.int64)


def instants_of(table: pa.Table, name: str) -> Instants:
    """Return the times of a column: timestamps, dates, or whole numbers, which are milliseconds since 1970 (the API's).

    Timestamps without a zone are taken for UTC. Parts of a microsecond are cut off.

    Raises
    ------
    DataError
        If there are gaps in the column, it is of another type, or a time is not in the years 1 to 9999.
    """
    refuse_gaps(table, name)
    column, kind = table[name], table[name].type
    if pa.types.is_date(kind):
        return Instants(_microseconds(column.cast(pa.date32()).cast(pa.int32()), _DAY, name), dates=True)
    if pa.types.is_timestamp(kind):
        return Instants(_microseconds(column.cast(pa.int64()), _PARTS[kind.unit], name), dates=False)
    if pa.types.is_integer(kind):
        return Instants(_microseconds(column, 1000, name, "; whole numbers are milliseconds since 1970"), dates=False)
    if pa.types.is_null(kind):  # as it has no gaps, it has no rows
        return Instants(np.zeros(0, np.int64), dates=False)
    raise DataError(
        f"the column is {kind}; expected timestamps, dates, or whole numbers (milliseconds since 1970). "
        f"df[{name!r}] = pd.to_datetime(df[{name!r}]) reads text",
        field=name,
        expected="timestamp, date or long",
    )


def _microseconds(column: pa.ChunkedArray, unit: float, name: str, hint: str = "") -> npt.NDArray[np.int64]:
    """Return numbers of so many microseconds each as microseconds."""
    numbers = np.asarray(column)
    limits = [limit / unit for limit in (_FIRST, _LAST)]  # exact enough: centuries from what anyone has
    wrong = (numbers < limits[0]) | (numbers >= limits[1])
    if wrong.any():
        row = int(np.argmax(wrong))
        found = str(numbers[row])
        raise DataError(f"{found} is no time in the years 1 to 9999{hint}", row=row, field=name, value=found)
    numbers = numbers.astype(np.int64, copy=False)
    return numbers // 1000 if unit < 1 else numbers * int(unit)


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """Where looking ends.

    Parameters
    ----------
    day
        The last day, counted from 1970-01-01.
    whole
        Whether that day is over.
    rows
        Which rows are not after it.
    """

    day: int
    whole: bool
    rows: npt.NDArray[np.bool_]


def limit_of(value: dt.date | str | None, instants: Instants, tz: str, name: str) -> Limit:
    """Return where looking ends: a day, which is meant whole, or an instant; None for the last row's.

    Parameters
    ----------
    value
        A date, a datetime (without a zone: UTC), or either as text in ISO 8601. Where the rows have dates, a datetime
        stands for its date.
    instants
        The times of the rows.
    tz
        By whose clocks days begin.
    name
        What to call the value in an error.

    Raises
    ------
    DataError
        If the value is neither, or there is no such time zone.
    """
    times, zone_name = instants.microseconds, zone(tz)
    if value is None:
        last = Instants(
            times.max(initial=0 if not len(times) else np.iinfo(np.int64).min, keepdims=True), instants.dates
        )
        return Limit(int(last.days(zone_name)[0]), instants.dates, np.ones(len(times), bool))
    moment = moment_of(value, name)
    if isinstance(moment, dt.datetime) and not instants.dates:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        end = (aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
        return Limit(int(Instants(np.array([end]), dates=False).days(zone_name)[0]), False, times <= end)
    day = moment.toordinal() - dt.date(1970, 1, 1).toordinal()
    return Limit(day, True, instants.days(zone_name) <= day)


def moment_of(value: Any, name: str) -> dt.date:
    """Return a date, a datetime, NumPy's or pandas' of either, or text in ISO 8601, as a date or datetime.

    Raises
    ------
    DataError
        If it is none of these.
    """
    if isinstance(value, np.datetime64):
        value = (value if np.datetime_data(value)[0] == "D" else value.astype("datetime64[us]")).item()
    if isinstance(value, dt.date) and not pd.isna(value):  # NaT is a date to Python
        return value
    try:
        return dt.date.fromisoformat(value) if len(value) <= len("2025-01-31") else dt.datetime.fromisoformat(value)
    except (ValueError, TypeError):
        expected = "a date or datetime, or one as text such as '2025-01-31'"
        raise DataError(f"{name} is {value!r}; expected {expected}", expected=expected) from None


def zone(tz: str) -> str:
    """Return the name of a time zone that is there.

    Raises
    ------
    DataError
        If there is no such zone.
    """
    try:
        ZoneInfo(tz)
    except (KeyError, ValueError, OSError, TypeError):  # a zone that is not there is a KeyError
        raise DataError(
            f"tz is {tz!r}; expected the name of a time zone, such as 'UTC' or 'Europe/Berlin'", expected="a time zone"
        ) from None
    return tz


def refuse_gaps(table: pa.Table, name: str) -> None:
    """Raise a DataError if there are gaps in a column."""
    gaps = table[name].null_count
    if gaps:
        others = f" nor in {gaps - 1:,} more of {len(table):,} rows" if gaps > 1 else ""
        raise DataError(
            f"there is no value here{others}; leave such rows out: df.dropna(subset=[{name!r}])",
            row=pc.index(pc.is_null(table[name]), True).as_py(),
            field=name,
        )
