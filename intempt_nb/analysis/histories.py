"""Events in the order of persons and times, and what stood in them before a point in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.analysis.events import Instants, instants_of, moment_of, numbered, zone
from intempt_nb.analysis.timelines import distinct, in_order
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import from_frame

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["DAY", "Histories", "Spans", "cutoffs_of", "end_of", "history_of", "places_of", "written"]

DAY = 86_400_000_000
"""Microseconds of 24 hours."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Neighbouring events of one person each: those that count for one row of a result.

    Parameters
    ----------
    counts
        How many events each has.
    places
        Their places in the history, one behind the other.
    """

    counts: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]

    def reduce(self, how: np.ufunc, values: npt.NDArray[Any], empty: float) -> npt.NDArray[np.float64]:
        """Return what becomes of the values (one for each place) of each span; `empty` for one without events."""
        result = np.full(len(self.counts), float(empty))
        filled = self.counts > 0
        if filled.any():
            ends = np.cumsum(self.counts[filled])
            result[filled] = how.reduceat(values, np.concatenate(([0], ends[:-1])))
        return result

    def days(self, on: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return on how many days the events of each are; the next may be a day earlier where clocks are put back."""
        rows, _ = distinct(np.repeat(np.arange(len(self.counts)), self.counts), on)
        return np.bincount(rows, minlength=len(self.counts)).astype(float)


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """The events of all persons, by person and then by time; of two at the same time the earlier row is first.

    Parameters
    ----------
    persons
        The ids.
    bounds
        Where the events of each person begin, and after the last, where they end.
    order
        For each place, the row of the table.
    times, dates
        Microseconds, in order; whether they are days (as of `Instants`).
    """

    persons: pa.Array
    bounds: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    dates: bool

    def place(self, persons: npt.NDArray[np.int64], moments: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the place of the first event of a person (by number) that is not before a moment, or of the next's."""
        low, high = self.bounds[persons], self.bounds[persons + 1]
        while (unsure := low < high).any():
            middle = (low + high) >> 1
            before = unsure.copy()
            before[unsure] = self.times[middle[unsure]] < moments[unsure]
            low = np.where(before, middle + 1, low)
            high = np.where(unsure & ~before, middle, high)
        return low

    def spans(
        self, persons: npt.NDArray[np.int64], since: npt.NDArray[np.int64] | None, end: npt.NDArray[np.int64]
    ) -> Spans:
        """Return the events of persons (by number; -1 has none) from a moment on (None: from the first) to a place."""
        low = self.bounds[persons] if since is None else self.place(persons, since)
        counts = np.where(persons < 0, 0, end - low)
        before = np.cumsum(counts) - counts
        return Spans(counts, np.arange(counts.sum()) + np.repeat(low - before, counts))


def history_of(table: pa.Table, by: str, at: str) -> Histories:
    """Return the rows of a table as histories.

    Raises
    ------
    DataError
        If there are gaps in either column, or no times in `at`.
    """
    codes, persons = numbered(table, by)
    instants = instants_of(table, at)
    order = _by_row_too(in_order(codes, instants.microseconds), codes, instants.microseconds)
    bounds = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=len(persons)))))
    return Histories(persons, bounds, order, instants.microseconds[order], instants.dates)


def _by_row_too(
    order: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], times: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Put rows of one person and time in the order they came in: sums are then the same whatever else is there."""
    same = (np.diff(codes[order]) == 0) & (np.diff(times[order]) == 0)
    if not same.any():
        return order
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = order[tied]
    order[tied] = rows[np.lexsort((rows, times[rows], codes[rows]))]
    return order


def cutoffs_of(as_of: Any, *, dates: bool, tz: str) -> npt.NDArray[np.int64]:
    """Return points in time as microseconds that compare with those of events.

    Parameters
    ----------
    as_of
        A Series of timestamps, dates or milliseconds, or one of these, or as text in ISO 8601. A date is the start of
        that day by the clocks of `tz`; a timestamp without a zone is UTC, as everywhere.
    dates
        Whether the events have dates. A point in time is then the start of its day by the clocks of `tz`, so that the
        day it is in, of which not all is past, is left out.
    tz
        A time zone.

    Raises
    ------
    DataError
        If there are gaps, or no points in time.
    """
    return _comparable(_given(as_of, "as_of"), dates, tz)


def end_of(until: Any, *, dates: bool, tz: str) -> int:
    """Return when looking ends, as microseconds: of a date, or where events have dates, the end of that day.

    Parameters
    ----------
    until, dates, tz
        As of :func:`cutoffs_of`, of one point in time.

    Raises
    ------
    DataError
        If it is no point in time.
    """
    found = _given(until, "until")
    if found.dates or dates:
        found = Instants((found.days(tz) + 1) * DAY, dates=True)
    return int(_comparable(found, dates, tz)[0])


def _given(value: Any, name: str) -> Instants:
    if not isinstance(value, pd.Series):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        value = pd.Series([value if whole else moment_of(value, name)])
    return instants_of(from_frame(value.reset_index(drop=True).to_frame(name)), name)


def _comparable(found: Instants, dates: bool, tz: str) -> npt.NDArray[np.int64]:
    if found.dates and not dates:
        midnights = pc.assume_timezone(
            pa.array(found.microseconds, pa.timestamp("us")), zone(tz), ambiguous="earliest", nonexistent="latest"
        )
        return np.asarray(midnights.cast(pa.int64()))
    return found.days(tz) * DAY if dates else found.microseconds


def written(microseconds: int, dates: bool) -> str:
    """Return a point in time as text, for a message."""
    moment = np.datetime64(int(microseconds), "us")
    return str(moment.astype("datetime64[D]")) if dates else f"{moment}Z"


def places_of(persons: Any, among: pa.Array, whose: str) -> npt.NDArray[np.int64]:
    """Return for each person the place of its id among those of others; -1 where it is not there.

    Raises
    ------
    DataError
        If they are no ids, or their types differ, as ``"7"`` and 7 do.
    """
    try:
        array = pa.array(persons, from_pandas=True)
    except (pa.ArrowException, TypeError) as error:
        raise DataError(f"the persons are not ids of one type ({error})", field="persons") from None
    if not len(array) or not len(among):
        return np.full(len(array), -1)
    kinds = [_kind(array.type), _kind(among.type)]
    if kinds[0] != kinds[1]:
        raise DataError(f"the persons are {array.type}, and {whose} are {among.type}; they have to be of one type")
    found = pc.index_in(array.cast(kinds[0]), value_set=among.cast(kinds[0]))
    return np.asarray(found.fill_null(-1)).astype(np.int64)


def _kind(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.int64() if pa.types.is_integer(kind) and kind != pa.uint64() else kind
