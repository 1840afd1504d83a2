"""Funnels: how many get from one step to the next, and how long they take."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.analysis.attempts import NEVER, best_attempts, read_steps
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["funnel"]


def funnel(
    events: Any,
    steps: Sequence[str | Sequence[str]],
    *,
    by: str = "visitorId",
    at: str = "timestamp",
    event: str = "event",
    window: dt.timedelta | str | None = None,
) -> pd.DataFrame:
    """Count the persons who take steps in their order, with whatever else in between.

    The definition is that of ClickHouse's ``windowFunnel``, and of Mixpanel's "loose order" with the window counted
    from the first step and every entry tried ("optimized re-entry"):

    - A person has come to step n if there are events of the steps 1 … n at times t₁ ≤ t₂ ≤ … ≤ tₙ ≤ t₁ + `window`; an
      event exactly at the end of the window counts.
    - Events at the same instant count in either order, since times of different collections do coincide. A step that
      shares a name with an earlier step has to be later than that, so that no event serves twice.
    - Each occurrence of the first step is an attempt, and each person counts once, with the attempt that came farthest.
      Of several that came as far, the times are those of the one that got there first, and of these, of the one that
      began last. Within an attempt, each step is the earliest possible.

    Parameters
    ----------
    events
        A DataFrame, a scan or Arrow data with a column of names, `event`; or a mapping from name to such data, for
        events that are in a collection each. In any order; they are not changed.
    steps
        Names of the events; for a step that any of several events makes, a list of names.
    by, at
        Columns with the person, and with the time: timestamps (without a zone: UTC), dates, or whole numbers,
        milliseconds since 1970.
    event
        Column with the name of the event; not looked at in a mapping.
    window
        Longest time from the first step to any other, as a timedelta or as text with a unit that pandas reads
        ("7 days"). None for no limit.

    Returns
    -------
    pandas.DataFrame
        A row for each step: `step` (its name), `persons` (int64) who came to it, `share_of_first` and
        `share_of_previous` of those who came to that step (double, null if there are none), `median_from_previous` and
        `median_from_first`, the median of the times that its persons took since then (durations; null for the first
        step, and where nobody came).

    Raises
    ------
    DataError
        If there are no such columns or collections, gaps in them, values that are no times, or persons of different
        types.

    Warns
    -----
    UserWarning
        If no event at all has the name of a step.

    Examples
    --------
    >>> events = pd.DataFrame(
    ...     {"visitorId": ["ann", "ann", "bob"], "timestamp": [0, 60_000, 0], "event": ["search", "book", "search"]}
    ... )
    >>> funnel(events, ["search", "book"], window="1 day")[["step", "persons", "share_of_first"]]
         step  persons  share_of_first
    0  search        2             1.0
    1    book        1             0.5
    """
    named = _named(steps)
    longest = _microseconds(window)
    rows = read_steps(events, [name for step in named for name in step], by, at, event)
    shared = [[early for early in range(at) if set(named[early]) & set(step)] for at, step in enumerate(named)]
    best = best_attempts(rows, [rows.kinds_of(step) for step in named], shared, longest)
    return _table([" or ".join(step) for step in named], best)


def _named(steps: Sequence[str | Sequence[str]]) -> list[list[str]]:
    try:
        named = [[step] if isinstance(step, str) else list(step) for step in steps]
    except TypeError:
        named = []
    if (
        isinstance(steps, str)
        or not named
        or not all(step and all(isinstance(name, str) for name in step) for step in named)
    ):
        expected = "a list of names, or of lists of names"
        raise DataError(f"steps is {steps!r}; expected {expected}", expected=expected)
    return named


def _microseconds(window: dt.timedelta | str | None) -> int | None:
    if window is None:
        return None
    found: object = window
    if isinstance(window, str) and any(each.isalpha() or each == ":" for each in window):  # "7" is 7 ns to pandas
        try:
            found = pd.Timedelta(window)
        except pd.errors.OutOfBoundsTimedelta:
            raise DataError(f"window is {window!r}, more than pandas reads; None is no limit") from None
        except ValueError:
            found = None
    if not isinstance(found, dt.timedelta) or found < dt.timedelta(0):
        raise DataError(f"window is {window!r}; expected a timedelta, or text such as '7 days'", expected="a duration")
    return found // dt.timedelta(microseconds=1)


def _table(names: Sequence[str], best: Sequence[npt.NDArray[np.int64]]) -> pd.DataFrame:
    """Return the counts and medians of the persons' best attempts: the times of each step, `NEVER` for not reached."""
    reached = [times != NEVER for times in best]
    persons = [int(each.sum()) for each in reached]
    since = {
        "median_from_previous": [None, *(_median(*pair) for pair in pairwise(best))],
        "median_from_first": [None, *(_median(best[0], times) for times in best[1:])],
    }
    columns = {
        "step": pa.array(names, pa.string()),
        "persons": pa.array(persons, pa.int64()),
        "share_of_first": pa.array([_share(each, persons[0]) for each in persons], pa.float64()),
        "share_of_previous": pa.array(
            [_share(each, before) for each, before in zip(persons, [persons[0], *persons], strict=False)], pa.float64()
        ),
    }
    return to_frame(pa.table(columns | {name: pa.array(each, pa.duration("us")) for name, each in since.items()}))


def _share(persons: int, of: int) -> float | None:
    return persons / of if of else None


def _median(before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]) -> int | None:
    there = after != NEVER
    return round(float(np.median(after[there] - before[there]))) if there.any() else None
