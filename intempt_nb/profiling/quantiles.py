"""Values in their order, in memory that does not grow with the rows: exact while few differ, then within a bound.

The sketch is that of Manku, Rajagopalan and Lindsay ("Approximate medians and other quantiles in one pass and with
limited memory", SIGMOD 1998), with the error carried along instead of planned for: runs of about the same size are
joined in pairs, and a run that is too long is cut down to values at even steps of rank. Nothing in it is random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from intempt_nb.profiling.numbers import totals

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]

__all__ = ["MOST_EXACT", "PERCENTS", "Ordered", "Run"]

PERCENTS = (5, 25, 50, 75, 95)
"""The quantiles of a profile."""

MOST_EXACT = 1 << 16
"""Different values of a column that are all kept; beyond them, quantiles are approximate."""

MOST_KEPT = 1 << 13
"""Values kept of a run that is cut down. Doing so moves ranks by at most a 16,384th of the run."""

_MOST_PARTS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Different values in order.

    Parameters
    ----------
    values, counts
        Each value once, and how many it stands for.
    error
        By how much the number of values up to any one may be wrong.
    """

    values: npt.NDArray[Any]
    counts: Counts
    error: int = 0

    def __len__(self) -> int:
        """Return the number of different values."""
        return len(self.values)

    def cut(self) -> Run:
        """Return `MOST_KEPT` of the values, each the middle one of those that it stands for."""
        if len(self) <= MOST_KEPT:
            return self
        ranks = np.cumsum(self.counts)
        total = int(ranks[-1])
        step, more = divmod(total, MOST_KEPT)
        places = np.arange(MOST_KEPT + 1)
        ends = places * step + np.minimum(places, more)
        at = np.searchsorted(ranks, (ends[:-1] + ends[1:] + 1) // 2)
        return Run(self.values[at], np.diff(ends), self.error + (step + (more > 0)) // 2)


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """All values that there were, in order as far as is known.

    Parameters
    ----------
    parts
        What came last, not yet in order.
    exact
        The run of what came before that, complete.
    levels
        Runs of what came before that, cut down: each of twice as much as the one before it, or None.
    """

    parts: tuple[Run, ...] = ()
    exact: Run | None = None
    levels: tuple[Run | None, ...] = ()

    def add(self, values: npt.NDArray[Any], counts: Counts) -> Ordered:
        """Return what is known with more values, each once, and how often they came."""
        parts = (*self.parts, Run(values, counts))
        if len(parts) < _MOST_PARTS and sum(map(len, parts)) < MOST_EXACT:
            return Ordered(parts, self.exact, self.levels)
        run = _joined([*parts, *([self.exact] if self.exact else [])])
        if len(run) <= MOST_EXACT:
            return Ordered((), run, self.levels)
        return Ordered((), None, _carried(self.levels, run.cut()))

    def quantiles(self) -> tuple[list[Any], float]:
        """Return a value for each of `PERCENTS`, and by what share of all the ranks may be wrong.

        The value is the smallest one with at least that share of all values at or below it: definition 1 of Hyndman and
        Fan ("Sample quantiles in statistical packages", 1996), `inverted_cdf` in numpy. It always is one that occurs.
        """
        runs = [*self.parts, self.exact, *self.levels]
        there = [run for run in runs if run is not None]
        if not there:
            return [], 0.0
        run = _joined(there)
        ranks = np.cumsum(run.counts)
        total = int(ranks[-1])
        wanted = [-(-percent * total // 100) for percent in PERCENTS]
        return list(run.values[np.searchsorted(ranks, wanted)]), run.error / total


def _joined(runs: list[Run]) -> Run:
    """Return all the values of some runs, in order and each once."""
    values = np.concatenate([run.values for run in runs])
    counts = np.concatenate([run.counts for run in runs])
    different, totalled, _ = totals(values, counts)
    return Run(different, totalled, sum(run.error for run in runs))


def _carried(levels: Iterable[Run | None], run: Run) -> tuple[Run | None, ...]:
    """Return the levels with one more run: two of one level become one of the next, as binary digits do."""
    now: list[Run | None] = []
    rest = iter(levels)
    for level in rest:
        if level is None:
            return (*now, run, *rest)
        run = _joined([level, run]).cut()
        now.append(None)
    return (*now, run)
