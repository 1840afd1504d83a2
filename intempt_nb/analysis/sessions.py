"""Sessions: a person's events without a long pause between them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.analysis.timelines import Timelines, as_times, by_person, changes, lengths, timelines
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["session_numbers", "sessions"]

_MINUTE = 60_000_000  # microseconds
_NUMBERS = (int, float, np.integer, np.floating)


def sessions(
    events: Any, *, by: str = "visitorId", at: str = "timestamp", gap: float | dt.timedelta = 30
) -> pd.DataFrame:
    """Return the sessions of each person.

    A session ends when its person does nothing for longer than `gap`; an event exactly `gap` after the one before still
    belongs to it. The 30 minutes are Google Analytics' ("a session times out after 30 minutes of inactivity"). As in
    its version 4, and unlike in Universal Analytics, sessions end neither at midnight nor with a campaign, so no time
    zone matters. Events at the same instant belong to one session, in whatever order they stand.

    Parameters
    ----------
    events
        A DataFrame, a scan or Arrow data, in any order; it is not changed.
    by
        Column with the person: text or numbers.
    at
        Column with the time: timestamps (without a zone: UTC), dates, or whole numbers, milliseconds since 1970. Parts
        of a microsecond are cut off.
    gap
        Longest pause within a session, in minutes or as a timedelta.

    Returns
    -------
    pandas.DataFrame
        A row for each session, in the order of person and time: the person, under the name and in the type it had;
        `session` (int64), the person's first being 1; `start` and `end` of its first and last event (timestamps in the
        zone of the column, dates if it has dates); `duration` between these, 0 for a single event; `events` (int64).

    Raises
    ------
    DataError
        If there are no such columns, gaps in them, or values that are no times; or `gap` is no duration.

    Examples
    --------
    >>> events = pd.DataFrame({"visitorId": ["ann"] * 3, "timestamp": [0, 60_000, 7_200_000]})
    >>> sessions(events)[["visitorId", "session", "events"]]
      visitorId  session  events
    0       ann        1       2
    1       ann        2       1
    """
    lines = timelines(events, by, at)
    starts = np.flatnonzero(_begins(lines, gap))
    ends = np.append(starts[1:], len(lines.persons))[: len(starts)]
    start, end = lines.microseconds[starts], lines.microseconds[ends - 1]
    columns = {
        "session": pa.array(_numbers(lines.persons[starts])),
        "start": as_times(start, lines.kind),
        "end": as_times(end, lines.kind),
        "duration": pa.array(end - start).cast(pa.duration("us")),
        "events": pa.array(ends - starts),
    }
    return by_person(by, lines.names.take(pa.array(lines.persons[starts])), columns)


def session_numbers(
    events: Any, *, by: str = "visitorId", at: str = "timestamp", gap: float | dt.timedelta = 30
) -> pd.Series[Any]:
    """Return for each event the number of its person's session, as `sessions` counts them.

    Parameters
    ----------
    events, by, at, gap
        As for `sessions`.

    Returns
    -------
    pandas.Series
        int64, with the index of a DataFrame, so that ``events["session"] = session_numbers(events)`` does what it
        says; otherwise in the order of the rows.

    Raises
    ------
    DataError
        As `sessions`.
    """
    lines = timelines(events, by, at, order=True)
    begins = _begins(lines, gap)
    starts = np.flatnonzero(begins)
    numbers = np.empty(len(begins), np.int64)
    numbers[lines.order] = _numbers(lines.persons[starts])[np.cumsum(begins) - 1]
    index = events.index if isinstance(events, pd.DataFrame) else None
    return pd.Series(pd.array(pa.array(numbers), dtype=pd.ArrowDtype(pa.int64())), index=index, name="session")


def _begins(lines: Timelines, gap: float | dt.timedelta) -> npt.NDArray[np.bool_]:
    """Return which events begin a session."""
    longest = _microseconds(gap)
    pauses = np.diff(lines.microseconds, prepend=lines.microseconds[:1])
    return lines.begins() | (pauses > longest)


def _microseconds(gap: object) -> float:
    found = np.nan
    if isinstance(gap, dt.timedelta):
        found = gap / dt.timedelta(microseconds=1)
    elif isinstance(gap, _NUMBERS) and not isinstance(gap, bool | np.timedelta64):  # integers, as to Python and NumPy
        found = float(gap) * _MINUTE
    if not found >= 0:
        raise DataError(
            f"gap is {gap!r}; expected minutes or a timedelta, 0 or more", expected="minutes or a timedelta"
        )
    return found


def _numbers(persons: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the numbers of the rows of each person, who are neighbours, from 1."""
    first = np.flatnonzero(changes(persons))
    return np.arange(1, len(persons) + 1) - np.repeat(first, lengths(first, len(persons)))
