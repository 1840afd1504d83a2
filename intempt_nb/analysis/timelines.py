"""Each person's events in order of time: one sort, after which all else is arithmetic on neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.analysis.events import columns_of, instants_of, numbered
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

__all__ = ["Timelines", "as_times", "by_person", "by_value", "changes", "distinct", "in_order", "lengths", "timelines"]

_UNITS = (1, 1000, 1_000_000, 60_000_000, 86_400_000_000)
"""Microseconds that times may all be whole multiples of."""


@dataclass(frozen=True, slots=True, eq=False)
class Timelines:
    """Rows by person, and each person's by time.

    Parameters
    ----------
    persons, microseconds
        Of each row: the number of its person, and its time since 1970-01-01 UTC.
    names
        The persons in the order of their numbers, which is that of their values.
    kind
        The type that times are shown in.
    order
        Where each row stood; None if that was not asked for.
    """

    persons: npt.NDArray[np.int64]
    microseconds: npt.NDArray[np.int64]
    names: pa.Array
    kind: pa.DataType
    order: npt.NDArray[np.int64] | None = None

    def begins(self) -> npt.NDArray[np.bool_]:
        """Return which rows are the first of their person."""
        return changes(self.persons)


def changes(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which numbers differ from the one before; the first does."""
    found = np.ones(len(numbers), np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=found[1:])
    return found


def lengths(starts: npt.NDArray[np.int64], total: int) -> npt.NDArray[np.int64]:
    """Return how many rows there are from each start to the next, of `total`."""
    return np.diff(starts, append=total)


def timelines(data: Any, by: str, at: str, *, order: bool = False) -> Timelines:
    """Return rows in the order of their persons and times.

    Parameters
    ----------
    data
        A DataFrame, a scan or Arrow data.
    by, at
        Names of the columns with the person and the time.
    order
        Whether to say where each row stood.

    Raises
    ------
    DataError
        If there are no such columns, gaps in them, or values that are no times.
    """
    table = columns_of(data, [by, at])
    instants = instants_of(table, at)
    persons, names = by_value(*numbered(table, by), by)
    kind = table[at].type
    shown = pa.date32() if instants.dates else pa.timestamp("us", kind.tz if pa.types.is_timestamp(kind) else "UTC")
    rows = in_order(persons, instants.microseconds) if order else None
    if rows is not None:
        return Timelines(persons[rows], instants.microseconds[rows], names, shown, rows)
    return Timelines(*_sorted(persons, instants.microseconds), names, shown)


def by_value(numbers: npt.NDArray[np.int64], values: pa.Array, name: str) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Return numbers of values that are in order, so that no result depends on the order of the rows.

    Raises
    ------
    DataError
        If the values have no order, as lists.
    """
    try:
        order = pc.sort_indices(getattr(values, "storage", values))
    except pa.ArrowNotImplementedError:
        raise DataError(f"the column is {values.type}; expected text or numbers", field=name) from None
    place = np.empty(len(order), np.int64)
    place[np.asarray(order)] = np.arange(len(order))
    return place[numbers], values.take(order)


def distinct(
    persons: npt.NDArray[np.int64], days: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each pair of a person and a day, or a longer period, once, in order."""
    if not len(persons):
        return persons, days
    low = int(days.min())
    span = int(days.max()) - low + 1  # at most 3.7 million, so that the product fits
    keys = persons * span
    keys += days - low
    keys.sort()
    keys = keys[changes(keys)]
    persons, days = np.divmod(keys, span)
    return persons, days + low


def by_person(by: str, persons: pa.Array, columns: dict[str, Any]) -> pd.DataFrame:
    """Return a table of a column with persons, under its own name, and others.

    Raises
    ------
    DataError
        If one of the others has that name.
    """
    if by in columns:
        raise DataError(f"the result has a column {by!r} of its own; give the persons another name", field=by)
    return to_frame(pa.table({by: persons} | columns))


def as_times(microseconds: npt.NDArray[np.int64], kind: pa.DataType) -> pa.Array:
    """Return times as dates or timestamps."""
    times = pa.array(microseconds)
    return times.cast(pa.timestamp("us")).cast(kind) if pa.types.is_date(kind) else times.cast(kind)


def in_order(persons: npt.NDArray[np.int64], microseconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the places of rows in the order of person and time; of those with the same, any may be first."""
    packed = _packed(persons, microseconds)
    return np.lexsort((microseconds, persons)) if packed is None else np.argsort(packed[0])


def _sorted(
    persons: npt.NDArray[np.int64], microseconds: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    packed = _packed(persons, microseconds)
    if packed is None:
        order = np.lexsort((microseconds, persons))
        return persons[order], microseconds[order]
    keys, bits, unit, first = packed
    keys.sort()
    times = (keys & np.uint64((1 << bits) - 1)).astype(np.int64)
    times *= unit
    times += first
    return (keys >> np.uint64(bits)).astype(np.int64), times


def _packed(
    persons: npt.NDArray[np.int64], microseconds: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint64], int, int, int] | None:
    """Return person and time in one number each, which sort several times as fast as pairs.

    With it, how many of its bits are the time, in which unit, since when; None if 64 bits are too few.
    """
    if not len(persons):
        return None
    first = int(microseconds.min())
    room = 64 - int(persons.max()).bit_length()
    since = microseconds - first
    for unit in _UNITS:
        bits = (int(since.max()) // unit).bit_length()
        if bits <= room and (unit == 1 or not (since % unit).any()):
            keys = persons.astype(np.uint64) << np.uint64(bits)
            keys |= (since // unit if unit > 1 else since).astype(np.uint64)
            return keys, bits, unit, first
    return None
