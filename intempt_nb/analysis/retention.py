"""Retention: of those who came first at the same time, how many are there again later."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.analysis.events import columns_of, instants_of, limit_of, numbered
from intempt_nb.analysis.timelines import changes, distinct, lengths
from intempt_nb.display import html_table, text_table
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Period", "Retention", "retention"]

Period = Literal["day", "week", "month"]
_MONDAY = 3
"""Days from the Monday before 1970-01-01, a Thursday."""
_MOST = 2000
"""Periods that are counted: more than five years of days."""
_SHOWN = 12
"""Periods that a printed table has room for."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Retention:
    """How many of each cohort were there again.

    Parameters
    ----------
    persons
        How many are in each cohort (int64); the index, `cohort`, has the first day of its period (date).
    active
        A row for each cohort and a column for each period since, 0 being the cohort's own: how many of its persons had
        an event in it (int64); null where the period is not over.
    period
        What a column is: ``"day"``, ``"week"`` or ``"month"``.
    """

    persons: pd.Series[Any]
    active: pd.DataFrame
    period: Period

    @property
    def shares(self) -> pd.DataFrame:
        """`active` as shares of the cohort's persons, 0 to 1 (double)."""
        return self._shares(self.active)

    @property
    def curve(self) -> pd.Series[Any]:
        """For each period, the share of all persons whose cohort has had it: the mean weighted by persons (double)."""
        counts = _numbers(self.active)
        persons = (~np.isnan(counts) * self._sizes()[:, None]).sum(axis=0)
        shares = pa.array(np.nansum(counts, axis=0) / persons)  # of a column, at least one count is known
        return pd.Series(pd.array(shares, dtype=pd.ArrowDtype(pa.float64())), index=self.active.columns, name="share")

    def _shares(self, active: pd.DataFrame) -> pd.DataFrame:
        shares = _numbers(active) / self._sizes()[:, None]
        return _frame(shares, ~np.isnan(shares), active.index, active.columns, pa.float64())

    def _sizes(self) -> npt.NDArray[np.float64]:
        return self.persons.to_numpy(np.float64)

    def __repr__(self) -> str:
        return text_table(*self._cells())

    def _repr_html_(self) -> str:
        return html_table(*self._cells())

    def _cells(self) -> tuple[list[str], list[list[str]], str]:
        """Return a header, rows and a caption that fit a page."""
        shown = self._shares(self.active.iloc[:, :_SHOWN])
        left_out = self.active.shape[1] - shown.shape[1]
        more = f"; the first {_SHOWN} of {_SHOWN + left_out} {self.period}s" if left_out > 0 else ""
        header = ["cohort", "persons", *map(str, shown.columns)]
        rows = [
            [str(cohort), f"{size:,}", *("" if pd.isna(share) else f"{share:.1%}" for share in shares)]
            for cohort, size, shares in zip(
                shown.index, self.persons, shown.itertuples(index=False, name=None), strict=True
            )
        ]
        return header, rows, f"share active by {self.period}s since the first event{more}"


def retention(
    events: Any,
    *,
    by: str = "visitorId",
    at: str = "timestamp",
    period: Period = "day",
    tz: str = "UTC",
    until: dt.date | str | None = None,
) -> Retention:
    """Return how many of the persons whose first event is in one period have an event in each later one.

    This is the "return on" (bracket) retention of Amplitude, by strict calendar dates and not by rolling 24 hours:
    period n counts a person who has an event in the n-th calendar period after that of the first event, whatever they
    did between. Period 0 is that of the first event, so all are there. A day is a day of the clocks in `tz`, also when
    it has 23 or 25 hours; weeks begin on Monday (ISO 8601), months on the 1st. A person's first event is the first of
    these rows: give all events, or those who came before the rows begin count as new.

    Parameters
    ----------
    events
        A DataFrame, a scan or Arrow data, in any order; it is not changed.
    by, at
        Columns with the person, and with the time: timestamps (without a zone: UTC), dates, which no time zone moves,
        or whole numbers, milliseconds since 1970.
    period
        ``"day"``, ``"week"`` or ``"month"``.
    tz
        By whose clocks a day begins, such as ``"Europe/Berlin"``.
    until
        Up to when the events are complete: a day, which is meant whole, or an instant. Later events are left out. By
        default, that of the last event. Periods that are not over by then have no counts.

    Returns
    -------
    Retention
        Cohorts without persons have no row.

    Raises
    ------
    DataError
        If there are no such columns, gaps in them, or values that are no times; there are more than 2,000 periods; or
        an argument is none of the above.

    Examples
    --------
    >>> events = pd.DataFrame({"visitorId": ["ann", "ann", "bob"], "timestamp": [0, 90_000_000, 90_000_000]})
    >>> retention(events, until="1970-01-03")
    share active by days since the first event
    cohort      persons  0       1       2
    1970-01-01  1        100.0%  100.0%  0.0%
    1970-01-02  1        100.0%  0.0%
    """
    if period not in get_args(Period):
        raise DataError(f"period is {period!r}; expected 'day', 'week' or 'month'", expected="day, week or month")
    table = columns_of(events, [by, at])
    instants = instants_of(table, at)
    limit = limit_of(until, instants, tz, "until")
    days = instants.days(tz)[limit.rows]
    periods = _periods(days, period)
    end = int(_periods(np.array([limit.day + limit.whole]), period)[0])
    if end - periods.min(initial=end) > _MOST:
        raise _too_many(days, limit.day, period)
    first, ages = _ages(numbered(table, by)[0][limit.rows], periods)
    return _counted(first, ages, end, period)


def _too_many(days: npt.NDArray[np.int64], until: int, period: Period) -> DataError:
    first, middle, last = (
        str(np.datetime64(int(each), "D")) for each in np.quantile(days, (0, 0.5, 1), method="lower")
    )
    return DataError(
        f"the events are from {first} to {last}, the middle one from {middle}, and are looked at until "
        f"{np.datetime64(until, 'D')}: these are more than {_MOST:,} {period}s. If one of the times is wrong, leave "
        "that event out; otherwise take longer periods, the events of fewer years, or an earlier until"
    )


def _periods(days: npt.NDArray[np.int64], period: Period) -> npt.NDArray[np.int64]:
    """Return the number of the period that each day is in."""
    if period == "day":
        return days
    if period == "week":
        return (days + _MONDAY) // 7
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _start(number: int, period: Period) -> dt.date:
    if period == "month":
        return dt.date(1970 + number // 12, number % 12 + 1, 1)
    return dt.date(1970, 1, 1) + dt.timedelta(days=number if period == "day" else number * 7 - _MONDAY)


def _ages(
    persons: npt.NDArray[np.int64], periods: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for each person and period with an event the person's first period, and how many later this one is."""
    persons, periods = distinct(persons, periods)
    starts = np.flatnonzero(changes(persons))
    first = np.repeat(periods[starts], lengths(starts, len(persons)))
    return first, periods - first


def _counted(first: npt.NDArray[np.int64], ages: npt.NDArray[np.int64], end: int, period: Period) -> Retention:
    """Return the counts of a cohort for each age, up to the periods that are over by `end`, the first that is not."""
    cohorts, rows = np.unique(first, return_inverse=True)
    width = max(end - int(cohorts[0]), 0) if len(cohorts) else 0
    over = ages < end - first
    counts = np.bincount(rows[over] * width + ages[over], minlength=len(cohorts) * width).reshape(len(cohorts), width)
    known = np.arange(width) < (end - cohorts)[:, None]
    days = pa.array([_start(int(each), period) for each in cohorts], pa.date32())
    persons = pa.array(np.bincount(rows[ages == 0], minlength=len(cohorts)))
    sizes = to_frame(pa.table({"cohort": days, "persons": persons})).set_index("cohort")["persons"]
    active = _frame(counts, known, sizes.index, pd.RangeIndex(width, name=period), pa.int64())
    return Retention(sizes, active, period)


def _numbers(active: pd.DataFrame) -> npt.NDArray[np.float64]:
    return active.to_numpy(np.float64, na_value=np.nan)


def _frame(
    values: npt.NDArray[Any],
    known: npt.NDArray[np.bool_],
    index: pd.Index[Any],
    columns: pd.Index[Any],
    kind: pa.DataType,
) -> pd.DataFrame:
    cells = {
        name: pd.array(pa.array(values[:, at], kind, mask=~known[:, at]), dtype=pd.ArrowDtype(kind))
        for at, name in enumerate(columns)
    }
    return pd.DataFrame(cells, index=index, columns=columns)
