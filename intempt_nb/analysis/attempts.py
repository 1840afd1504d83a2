"""Attempts at a funnel: from every occurrence of its first step, how far it came."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from intempt_nb.analysis.events import columns_of, instants_of, numbered, refuse_gaps
from intempt_nb.analysis.timelines import changes, in_order, lengths
from intempt_nb.errors import DataError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["NEVER", "Steps", "best_attempts", "read_steps"]

NEVER: int = np.iinfo(np.int64).min
"""The time of a step that was not reached."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Events that make steps, one a row.

    Parameters
    ----------
    persons, microseconds, kinds
        The number of its person, its time, and the number of its name.
    names
        The names and their numbers.
    """

    persons: npt.NDArray[np.int64]
    microseconds: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int64]
    names: Mapping[str, int]

    def kinds_of(self, names: Sequence[str]) -> list[int]:
        """Return the numbers of names that occur."""
        return [self.names[name] for name in names if name in self.names]


def read_steps(events: Any, wanted: Sequence[str], by: str, at: str, event: str) -> Steps:
    """Return the events with names that are wanted, of one table or of a mapping from name to table."""
    if isinstance(events, Mapping):
        return _of_collections(events, list(dict.fromkeys(wanted)), by, at)
    table = columns_of(events, [by, at, event])
    kinds, values = numbered(table, event)
    if len(values) and not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise DataError(f"the column is {values.type}; expected names", field=event, expected="text")
    names = {name: number for number, name in enumerate(values.to_pylist())}
    for name in wanted:
        if name not in names:
            # Kept apart from an error: on a quiet day it is true that nobody did it.
            warnings.warn(f"no event is {name!r}{suggest(name, names)}", UserWarning, stacklevel=3)
    microseconds = instants_of(table, at).microseconds
    refuse_gaps(table, by)
    chosen = _among(kinds, [names[name] for name in wanted if name in names])
    persons, _ = numbered(table.filter(pa.array(chosen)), by)
    return Steps(persons, microseconds[chosen], kinds[chosen], names)


def _among(kinds: npt.NDArray[np.int64], wanted: Sequence[int]) -> npt.NDArray[np.bool_]:
    found = np.zeros(kinds.max(initial=-1) + 1, np.bool_)
    found[wanted] = True
    return found[kinds]


def _of_collections(collections: Mapping[str, Any], wanted: Sequence[str], by: str, at: str) -> Steps:
    persons, times, dates = [], [], set()
    for name in wanted:
        if name not in collections:
            raise DataError(f"there are no events {name!r}{suggest(name, collections)}")
        try:
            table = columns_of(collections[name], [by, at])
            instants = instants_of(table, at)
            persons.append(_plain(table, by))
        except DataError as error:
            raise replace(error, message=f"of {name!r}: {error.message}") from None
        times.append(instants.microseconds)
        dates.add(instants.dates)
    kinds = {name: column.type for name, column in zip(wanted, persons, strict=True)}
    if len(set(kinds.values())) > 1:
        found = ", ".join(f"{kind} in {name!r}" for name, kind in kinds.items())
        raise DataError(f"the persons are {found}; make them one type", field=by)
    if len(dates) > 1:
        raise DataError("some of the times are dates, and some have a time of day; make them one type", field=at)
    everyone = pa.chunked_array([chunk for column in persons for chunk in column.chunks], persons[0].type)
    numbers, _ = numbered(pa.table({by: everyone}), by)
    which = np.repeat(np.arange(len(wanted)), [len(each) for each in times])
    return Steps(numbers, np.concatenate(times), which, {name: number for number, name in enumerate(wanted)})


def _plain(table: pa.Table, by: str) -> pa.ChunkedArray:
    """Return a column in the one type that its values have in every collection."""
    refuse_gaps(table, by)
    column = table[by]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type):
        return column.cast(pa.large_string())
    return column.cast(pa.int64()) if pa.types.is_integer(column.type) and column.type != pa.uint64() else column


def best_attempts(
    rows: Steps, steps: Sequence[Sequence[int]], shared: Sequence[Sequence[int]], window: int | None
) -> list[npt.NDArray[np.int64]]:
    """Return when each person took each step, in the attempt that came farthest.

    Parameters
    ----------
    rows
        The events.
    steps
        The kinds of events that make each step.
    shared
        For each step the earlier ones that it has to be later than, and not just as late.
    window
        Longest time from the first step to any other, in microseconds; None for no limit.

    Returns
    -------
    list of numpy.ndarray
        For each step int64 microseconds, one for each person who took the first; `NEVER` if it was not reached.
    """
    order = in_order(rows.persons, rows.microseconds)
    persons, times, kinds = rows.persons[order], rows.microseconds[order], rows.kinds[order]
    # Events of a person at the same instant have the same place, so that their order does not matter.
    begins = changes(persons) | changes(times)
    place = np.cumsum(begins) - 1
    persons, times = persons[begins], times[begins]
    taken = [(found := place[_among(kinds, step)])[changes(found)] for step in steps]
    if len(steps) > 1 and not any(0 in earlier for earlier in shared[2:]):
        taken[0] = _worth_trying(persons, taken[0], taken[1], later=bool(shared[1]))
    paths = _paths(persons, times, taken, shared, window)
    chosen = _farthest(persons[paths[0]], paths)
    return [np.where(path[chosen] < 0, NEVER, times[path[chosen]]) for path in paths]


def _worth_trying(
    persons: npt.NDArray[np.int64], first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], *, later: bool
) -> npt.NDArray[np.int64]:
    """Return the attempts without those that begin again before the second step: the last can do all they can."""
    next_ = np.searchsorted(second, first + later)
    last = np.ones(len(first), np.bool_)
    np.not_equal(next_[1:], next_[:-1], out=last[:-1])
    return first[last | changes(persons[first])]  # and each person's first, as who never came to the second counts too


def _paths(
    persons: npt.NDArray[np.int64],
    times: npt.NDArray[np.int64],
    taken: Sequence[npt.NDArray[np.int64]],
    shared: Sequence[Sequence[int]],
    window: int | None,
) -> list[npt.NDArray[np.int64]]:
    """Return for every attempt the place of each step, -1 if it was not reached.

    The earliest place is the best choice: from a later one, nothing can be reached that could not be from it.
    """
    first = taken[0]
    paths = [first]
    alive = np.arange(len(first))
    for step, places in enumerate(taken[1:], start=1):
        bounds = [paths[-1][alive], *(paths[early][alive] + 1 for early in shared[step])]
        earliest: npt.NDArray[np.int64] = np.max(bounds, axis=0)
        next_ = np.searchsorted(places, earliest)
        found = np.flatnonzero(next_ < len(places))
        alive, reached = alive[found], places[next_[found]]
        begun = first[alive]
        good = persons[reached] == persons[begun]
        if window is not None:
            good &= times[reached] - times[begun] <= window
        alive = alive[good]
        path = np.full(len(first), -1)
        path[alive] = reached[good]
        paths.append(path)
    return paths


def _farthest(persons: npt.NDArray[np.int64], paths: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Return of each person the attempt that came farthest; of several the first to get there, and the last to begin.

    A person's attempts are in the order in which they began, in which those that come equally far also end.
    """
    starts = np.flatnonzero(changes(persons))
    if not len(starts):
        return starts
    depths: npt.NDArray[np.int64] = np.sum([path >= 0 for path in paths], axis=0)
    ends: npt.NDArray[np.int64] = np.max(paths, axis=0)
    far = np.flatnonzero(depths == np.repeat(np.maximum.reduceat(depths, starts), lengths(starts, len(persons))))
    groups = np.flatnonzero(changes(persons[far]))
    soonest = np.repeat(ends[far][groups], lengths(groups, len(far)))
    chosen: npt.NDArray[np.int64] = np.maximum.reduceat(np.where(ends[far] == soonest, far, -1), groups)
    return chosen
