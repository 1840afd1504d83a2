"""Features and outcomes of persons as of a point in time: nothing that came later is in a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.analysis.events import Instants, columns_of
from intempt_nb.analysis.histories import DAY, cutoffs_of, end_of, history_of, places_of, written
from intempt_nb.analysis.known_profiles import kinds_of, numbers_of, read_profiles, refuse_infinite
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from intempt_nb.analysis.histories import Histories

    Named = tuple[str, npt.NDArray[np.float64]]

__all__ = ["features", "outcomes"]


def features(
    events: Any,
    profiles: Any = None,
    *,
    as_of: Any,
    window: int | Sequence[int | None] | None = (30, 90, None),
    by: str = "visitorId",
    at: str = "timestamp",
    values: Sequence[str] = (),
    kinds: Mapping[str, Sequence[Any]] | None = None,
    traits: Sequence[str] = (),
    fixed: Sequence[str] = (),
    profiles_at: str | None = None,
    tz: str = "UTC",
) -> pd.DataFrame:
    """Return what was known of each person at a point in time, as numbers that scikit-learn's estimators take.

    **What counts.** An event counts if its time is before `as_of`: one at that very instant does not. Where events have
    dates, those of the days before the day of `as_of` count. A window of n days holds the events from n times 24 hours
    before `as_of` (that instant included), of dates the n days before. :func:`outcomes` begins where this ends. So a
    date here is a day of which nothing counts, whereas the `until` of :func:`rfm`, :func:`retention` and
    :func:`outcomes` is one that counts whole.

    **Profiles** are overwritten by their key, so that a collection holds the last values, which may be newer than
    `as_of`. A column of them is taken only if you say what it is: one of `traits`, of profiles last changed before
    `as_of`, or one of `fixed`, which you know never changes. That a profile was changed later is news of its own (of
    those who came back, say), whatever stands in it; so one such profile makes `traits` an error.

    Parameters
    ----------
    events
        A DataFrame, a scan or Arrow data; the rows in any order.
    profiles
        The same, with one row a person.
    as_of
        One point in time for all: a date, a timestamp, either as text in ISO 8601 (``"1997-10-01"``), or milliseconds
        since 1970. Or a Series of dates, timestamps or milliseconds whose index are the persons; one person may be
        there several times, at different times. A date is the start of that day by the clocks of `tz`, a timestamp
        without a zone is UTC.
    window
        Days to look back, one number or several; None for all.
    by, at
        The columns of the person (in `profiles` too) and of the time: timestamps, dates, or milliseconds since 1970.
    values
        Columns of numbers, to be summed and so on. Gaps and NaN are left out.
    kinds
        For a column of few values, those to be counted, in that order; others are not. They are given rather than found
        so that the columns are the same when a model is trained and when it is used.
    traits, fixed
        Columns of `profiles`: numbers, truth values, or columns of `kinds`.
    profiles_at
        The column of `profiles` with the time of the last change of the row.
    tz
        The time zone whose days are meant.

    Returns
    -------
    pandas.DataFrame
        float64 throughout (of NumPy: not every estimator takes Arrow's), NaN where there is nothing to tell, the index
        named `by`. Of one `as_of`, a row for each person with an event before it, in the order of their ids; whoever
        has only a profile is left out, as it may be younger than `as_of`. Of a Series, its rows in its order, also of
        persons of whom nothing is known.

        ``days_since_last``, ``days_since_first``
            Days between the event and `as_of`.
        ``days_between_mean``, ``days_between_sd``
            Of the days between an event and the next; the standard deviation is the sample's (n - 1).
        ``events_30d``, ``active_days_30d``
            How many events, and on how many days by the clocks of `tz`; of all time without ``_30d``.
        ``amount_sum_30d``, ``amount_mean_30d``, ``amount_max_30d``
            For each of `values`; of none, the sum is 0 and the others NaN.
        ``origin_JFK_30d``
            For each of `kinds`, how many events.
        ``age``, ``country_DE``
            Of profiles; a column of `kinds` is 1 or 0 for each; NaN if there is no profile.

    Raises
    ------
    DataError
        If a column is not there, has gaps where it may not, or is of a type that is no number; if a number that counts
        is infinite; if a profile is there twice; if `traits` are asked of a profile that was, or may have been, changed
        at `as_of` or since; if two features have the same name.
    """
    kinds = _checked(kinds or {}, values=values, traits=traits, fixed=fixed)
    taken = [*traits, *fixed]
    counted = {name: each for name, each in kinds.items() if name not in taken}
    windows = [_whole_days(each, "window") for each in (window if isinstance(window, list | tuple) else [window])]
    if profiles is None and (taken or profiles_at):
        raise DataError("traits=, fixed= and profiles_at= name columns of profiles, and no profiles were given")
    table = columns_of(events, [by, at, *values, *counted])
    history = history_of(table, by, at)
    known = None if profiles is None else read_profiles(profiles, by, traits, fixed, profiles_at)
    rows = _rows(history, as_of, by, tz)
    measured = {name: numbers_of(table, name) for name in values}
    shares = [(name, which[history.order]) for name, which in kinds_of(table, counted)]
    on = Instants(history.times, history.dates).days(tz)
    columns = list(_rhythm(history, rows))
    for days in windows:
        columns += _in_window(history, rows, days, on, measured, shares)
    if known is not None:
        columns += known.columns(rows.index, as_of, tz, kinds)
    return _frame(columns, rows.index)


def outcomes(
    events: Any,
    persons: Any = None,
    *,
    as_of: Any,
    horizon: int,
    by: str = "visitorId",
    at: str = "timestamp",
    until: Any = None,
    tz: str = "UTC",
) -> pd.Series[Any]:
    """Return whether each person had an event in the days from `as_of` on: what a model is to predict.

    An event counts if as_of <= time < as_of + horizon times 24 hours; of dates, on the day of `as_of` and those that
    follow, `horizon` in all. So the day of `as_of` counts here; :func:`features` leaves out just these events.

    Parameters
    ----------
    events, by, at, tz
        As of :func:`features`. Give only the events that count, such as the purchases.
    persons
        For whom: the index of the features. None for those with an event before `as_of`. Not with a Series `as_of`,
        whose index it is.
    as_of
        One point in time, or a Series of them by person, as of :func:`features`.
    horizon
        Days.
    until
        When the data end. None for the last event; data that are known to be whole for longer can say so here. A date,
        or where events have dates, the day of any time, counts whole, as in :func:`retention`.

    Returns
    -------
    pandas.Series
        bool, named ``outcome``; the index and the order are those of the features.

    Raises
    ------
    DataError
        If the horizon of any row is not over when the data end: that nothing has happened yet is no answer, and keeping
        only those that have one would tilt them. If `persons` are no ids.
    """
    history = history_of(columns_of(events, [by, at]), by, at)
    if persons is not None and isinstance(as_of, pd.Series):
        raise DataError("persons and a Series as_of: its index says already who is meant; leave persons out")
    rows = _rows(history, as_of, by, tz, persons=persons)
    days = _whole_days(horizon, "horizon")
    if days is None:
        raise DataError("horizon is None; expected a number of days", field="horizon")
    ends = rows.cutoffs + days * DAY
    _refuse_unknown(history, ends, days, until, tz)
    found = (history.place(rows.persons, ends) > rows.ends) & (rows.persons >= 0)
    return pd.Series(found, index=rows.index, name="outcome")


def _refuse_unknown(history: Histories, ends: npt.NDArray[np.int64], days: int, until: Any, tz: str) -> None:
    if until is not None:
        end = end_of(until, dates=history.dates, tz=tz)
    elif len(history.times):
        end = int(history.times.max()) + (DAY if history.dates else 1)  # the day, or instant, of the last event is over
    else:
        raise DataError("there are no events, so that nobody knows when the data end: say it by until=")
    unknown = int((ends > end).sum())
    if unknown:
        last = written(end - (DAY if history.dates else 1), history.dates)
        latest = written(end - days * DAY, history.dates)
        raise DataError(
            f"{unknown:,} of {len(ends):,} outcomes are not known yet: the {days} days end later than the data, whose "
            f"end is {last}. The last as_of that can be told is {latest}; if the data are whole for longer, say until "
            "when: until=",
            field="as_of",
        )


def _checked(kinds: Any, **names: Any) -> Mapping[str, Sequence[Any]]:
    """Return `kinds` if they are what they have to be, and the others lists of names; text is a list of letters."""
    for what, given in names.items():
        if isinstance(given, str):
            raise DataError(f"{what} is {given!r}; expected a list of columns: {what}=[{given!r}]", field=what)
    if not hasattr(kinds, "items"):
        raise DataError(f"kinds are a {type(kinds).__name__}; expected {{column: [values]}}", field="kinds")
    for name, values in kinds.items():
        if isinstance(values, str) or not pd.api.types.is_list_like(values):
            raise DataError(f"kinds of {name!r} are {values!r}; expected a list: {{{name!r}: [...]}}", field="kinds")
    found: Mapping[str, Sequence[Any]] = kinds
    return found


def _whole_days(days: Any, what: str) -> int | None:
    if days is None:
        return None
    if isinstance(days, bool) or not isinstance(days, int | np.integer) or not 0 < days <= 36_525:
        raise DataError(f"{what} is {days!r}; expected a whole number of days, from 1 to 36,525", field=what)
    return int(days)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The rows of a result: who (by number; -1 has no events), as of when, where their history ends, the index."""

    persons: npt.NDArray[np.int64]
    cutoffs: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    index: pd.Index[Any]


def _rows(history: Histories, as_of: Any, by: str, tz: str, persons: Any = None) -> _Rows:
    """Return the rows of a Series `as_of`, of some persons, or of those with an event before `as_of`."""
    cutoffs = cutoffs_of(as_of, dates=history.dates, tz=tz)
    if isinstance(as_of, pd.Series):
        index = as_of.index.rename(by)
    elif persons is not None:
        if isinstance(persons, str | pd.DataFrame) or not pd.api.types.is_list_like(persons):
            kind = type(persons).__name__
            raise DataError(f"persons are a {kind}; expected their ids, such as features(...).index", field="persons")
        index = pd.Index(persons, name=by)
    else:
        ids = history.persons.filter(pa.array(history.times[history.bounds[:-1]] < cutoffs[0]))
        index = pd.Index(ids.take(pc.sort_indices(ids)).to_pandas(), name=by)
    if index.nlevels > 1:
        raise DataError(f"the index of as_of has {index.nlevels} levels; expected one, of the persons", field="as_of")
    found = places_of(index, history.persons, "those of the events")
    cutoffs = np.broadcast_to(cutoffs, len(found))
    return _Rows(found, cutoffs, history.place(found, cutoffs), index)


def _rhythm(history: Histories, rows: _Rows) -> Iterator[Named]:
    """Yield how long ago the first and the last event were, and how far they are apart."""
    spans = history.spans(rows.persons, None, rows.ends)
    times = history.times[spans.places]
    first, last = (spans.reduce(how, times, np.nan) for how in (np.minimum, np.maximum))
    yield "days_since_last", (rows.cutoffs - last) / DAY
    yield "days_since_first", (rows.cutoffs - first) / DAY
    ends = np.cumsum(spans.counts)
    between = np.diff(times, prepend=0) / DAY
    begins = np.zeros(len(between), bool)
    begins[(ends - spans.counts)[spans.counts > 0]] = True
    between[begins] = 0  # the first of a row follows none
    gaps = np.maximum(spans.counts - 1, 0)
    mean = _share(spans.reduce(np.add, between, 0), gaps)
    off = np.where(begins, 0, between - np.repeat(mean, spans.counts)) ** 2
    yield "days_between_mean", mean
    yield "days_between_sd", np.sqrt(_share(spans.reduce(np.add, off, 0), np.maximum(gaps - 1, 0)))


def _in_window(
    history: Histories,
    rows: _Rows,
    days: int | None,
    on: npt.NDArray[np.int64],
    measured: Mapping[str, npt.NDArray[np.float64]],
    shares: Sequence[tuple[str, npt.NDArray[np.bool_]]],
) -> Iterator[Named]:
    """Yield what is counted and summed in the last days before the cutoff."""
    end = "" if days is None else f"_{days}d"
    spans = history.spans(rows.persons, None if days is None else rows.cutoffs - days * DAY, rows.ends)
    yield f"events{end}", spans.counts.astype(float)
    yield f"active_days{end}", spans.days(on[spans.places])
    for name, every in measured.items():
        rows_of = history.order[spans.places]
        refuse_infinite(every, rows_of, name)
        numbers = every[rows_of]
        there = ~np.isnan(numbers)
        with np.errstate(over="ignore"):
            total = spans.reduce(np.add, np.where(there, numbers, 0), 0)
        if np.isinf(total).any():
            raise DataError(f"the sum of {name!r} of a person is beyond what float64 holds", field=name)
        yield f"{name}_sum{end}", total
        yield f"{name}_mean{end}", _share(total, spans.reduce(np.add, there.astype(float), 0))
        yield f"{name}_max{end}", spans.reduce(np.fmax, numbers, np.nan)
    for name, which in shares:
        yield f"{name}{end}", spans.reduce(np.add, which[spans.places].astype(float), 0)


def _share(total: npt.NDArray[np.float64], count: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return total / count, NaN where the count is 0."""
    shares = np.full(len(total), np.nan)
    np.divide(total, count, out=shares, where=count > 0)
    return shares


def _frame(columns: Sequence[Named], index: pd.Index[Any]) -> pd.DataFrame:
    named = dict(columns)
    if len(named) < len(columns):
        twice = next(name for at, (name, _) in enumerate(columns) if name in dict(columns[:at]))
        raise DataError(f"two features would have the name {twice!r}; rename a column, or leave one out", field=twice)
    return pd.DataFrame(named, index=index)
