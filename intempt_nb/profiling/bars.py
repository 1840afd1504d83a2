"""Histograms of values whose range is not known before the last one.

Values are counted in cells. Where these become too many, they are joined to wider ones, whose borders are borders of
the narrow ones too; and so are the borders of the bars at the end. So every bar's count is exact, whatever came first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Keys = npt.NDArray[np.int64]

__all__ = ["FEWEST_BINS", "HUGE", "Cells", "Decimals", "Histogram", "Integers", "Moments"]

FEWEST_BINS = 5
"""Fewer bars could not hold every range: none of them goes across 0."""

HUGE = 1e37
"""From here on, doubles are in no histogram."""

MOST_CELLS = 1 << 15
_EXACT = 2**52
_POWERS = 22
"""The last power of ten that a double holds exactly."""
_NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values there are in each bar.

    Parameters
    ----------
    edges
        Where the bars begin, and where the last one ends: numbers, or ``numpy.datetime64`` (in UTC) for dates and
        times. A bar has its lower edge and not its upper one. Bars of months and years differ in width.
    counts
        One a bar.
    """

    edges: tuple[Any, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Width:
    """A width of cells or bars: so many base units, weeks from Monday on, or months.

    For decimals, `count` is the power of ten and `times` how often that.
    """

    kind: Literal["units", "weeks", "months", "decimal"]
    count: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class Integers:
    """Cells and bars of whole numbers, their widths 1, 2 or 5 times a power of ten."""

    def first(self, values: npt.NDArray[Any]) -> Width:
        """Return the width to begin with."""
        return Width("units", 1)

    def wider(self, width: Width) -> Width:
        """Return the next width of cells."""
        return Width("units", width.count * 10)

    def keys(self, values: npt.NDArray[Any], width: Width) -> Keys:
        """Return the cell of each value."""
        keys: Keys = values // width.count
        return keys

    def joined(self, keys: Keys, width: Width, wider: Width) -> Keys:
        """Return the wider cell or bar of each cell."""
        joined: Keys = keys // (wider.count // width.count)
        return joined

    def bars(self, width: Width) -> Iterator[Width]:
        """Yield the widths of bars whose borders are borders of cells, the narrowest first."""
        powers = (10**power for power in range(19) if 10**power >= width.count)
        yield from (Width("units", nice * power) for power in powers for nice in _NICE)

    def edge(self, key: int, width: Width) -> Any:
        """Return where a bar begins."""
        return key * width.count


@dataclass(frozen=True, slots=True)
class Decimals:
    """Cells and bars of doubles. Borders are the doubles next to a decimal number, so that 0.3 begins a bar of 0.1."""

    def first(self, values: npt.NDArray[Any]) -> Width:
        """Return a width at which the values have cells enough, and not more than a double tells apart."""
        least, most = float(values.min()), float(values.max())
        spread, size = most / MOST_CELLS - least / MOST_CELLS, max(abs(least), abs(most)) / _EXACT
        wanted = max(spread, size)
        power = math.floor(math.log10(wanted)) if wanted else -_POWERS
        return Width("decimal", max(power + (10.0**power < size), -_POWERS))  # a border is rounded once, if at all

    def wider(self, width: Width) -> Width:
        """Return the next width of cells."""
        return Width("decimal", width.count + 1)

    def keys(self, values: npt.NDArray[Any], width: Width) -> Keys:
        """Return the cell of each value: the last one whose lower border is not above it."""
        power = min(width.count, _POWERS)
        guess = np.floor(_scaled(values, -power))
        guess -= values < _scaled(guess, power)
        guess += values >= _scaled(guess + 1, power)
        keys: Keys = guess.astype(np.int64) // 10 ** (width.count - power)
        return keys

    def joined(self, keys: Keys, width: Width, wider: Width) -> Keys:
        """Return the wider cell or bar of each cell."""
        factor = 10 ** min(wider.count - width.count, 18)  # far beyond any cell, and a number of 64 bits
        joined: Keys = keys // (factor * wider.times)
        return joined

    def bars(self, width: Width) -> Iterator[Width]:
        """Yield the widths of bars whose borders are borders of cells, the narrowest first."""
        yield from (Width("decimal", power, nice) for power in range(width.count, width.count + 18) for nice in _NICE)

    def edge(self, key: int, width: Width) -> Any:
        """Return where a bar begins."""
        whole = key * width.times
        return float(whole * 10**width.count) if width.count >= 0 else whole / 10**-width.count


def _scaled(values: Any, power: int) -> Any:
    """Return numbers times a power of ten, rounded once."""
    return values * float(10**power) if power >= 0 else values / float(10**-power)


_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_CELL_SECONDS = (1, 10, 60, 600, 3600, 21600, 86400)
_MONTHS = (1, 3, 12, 24, 60, *(nice * 12 * 10**power for power in range(1, 9) for nice in _NICE))
_DAY = 86400
_YEAR_0 = 1970 * 12


@dataclass(frozen=True, slots=True)
class Moments:
    """Cells and bars of days and instants in UTC: parts of a second, seconds to days, weeks, months, years.

    Parameters
    ----------
    unit
        What a value is a number of.
    """

    unit: Literal["D", "s", "ms", "us", "ns"]

    @property
    def _second(self) -> int:
        """How many units a second has."""
        return {"D": 0, "s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[self.unit]

    @property
    def _day(self) -> int:
        return self._second * _DAY or 1

    def first(self, values: npt.NDArray[Any]) -> Width:
        """Return the width to begin with."""
        return Width("units", 1)

    def wider(self, width: Width) -> Width:
        """Return the next width of cells."""
        if width.kind == "months":
            return Width("months", width.count * (12 if width.count == 1 else 10))
        if width.count < self._second:
            return Width("units", width.count * 10)
        wider = [each * self._second for each in _CELL_SECONDS if each * self._second > width.count]
        return Width("units", wider[0]) if wider else Width("months", 1)

    def keys(self, values: npt.NDArray[Any], width: Width) -> Keys:
        """Return the cell of each value."""
        months = width.kind == "months"
        keys: Keys = (_months(values // self._day) if months else values) // width.count
        return keys

    def joined(self, keys: Keys, width: Width, wider: Width) -> Keys:
        """Return the wider cell or bar of each cell."""
        joined: Keys
        if width.kind == wider.kind:
            joined = keys // (wider.count // width.count)
        else:
            days = keys // (self._day // width.count)
            joined = (days - 4) // (7 * wider.count) if wider.kind == "weeks" else _months(days) // wider.count
        return joined

    def bars(self, width: Width) -> Iterator[Width]:
        """Yield the widths of bars whose borders are borders of cells, the narrowest first."""
        if width.kind == "units":
            parts = [nice * 10**power for power in range(9) for nice in _NICE]
            fixed = [each for each in parts if each < self._second] + [each * self._second for each in _SECONDS]
            yield from (Width("units", each) for each in fixed if each and each % width.count == 0)
            if self.unit == "D":
                yield Width("units", 1)
            yield from (Width("weeks", each) for each in (1, 2))
        months = width.count if width.kind == "months" else 1
        yield from (Width("months", each) for each in _MONTHS if each % months == 0)

    def edge(self, key: int, width: Width) -> Any:
        """Return where a bar begins."""
        if width.kind == "weeks":
            return np.datetime64(key * 7 * width.count + 4, "D")
        if width.kind == "months":
            return np.datetime64(key * width.count - _YEAR_0, "M").astype("datetime64[D]")
        at = key * width.count
        if self._second and width.count % self._second == 0:
            return np.datetime64(at // self._second, "s")
        return np.datetime64(at, self.unit)


def _months(days: Keys) -> Keys:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + _YEAR_0


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Values counted in cells, of which the empty ones take no room.

    Parameters
    ----------
    scale
        What the values are.
    width
        Of the cells; None before the first value.
    keys, counts
        The cells that have values, in order.
    """

    scale: Integers | Decimals | Moments
    width: Width | None = None
    keys: Keys = field(default_factory=lambda: np.empty(0, np.int64))
    counts: Keys = field(default_factory=lambda: np.empty(0, np.int64))

    def add(self, values: npt.NDArray[Any], counts: Keys) -> Cells:
        """Return the cells with more values, and how often each came."""
        if not len(values):
            return self
        scale = self.scale
        width = self.width or scale.first(values)
        if isinstance(scale, Decimals) and scale.first(values).count > width.count:
            width = scale.first(values)
        old = self.keys if self.width is None or width == self.width else scale.joined(self.keys, self.width, width)
        keys, totals = _summed(np.concatenate([old, scale.keys(values, width)]), np.concatenate([self.counts, counts]))
        while len(keys) > MOST_CELLS:
            wider = scale.wider(width)
            keys, totals = _summed(scale.joined(keys, width, wider), totals)
            width = wider
        return Cells(scale, width, keys, totals)

    def histogram(self, bins: int) -> Histogram | None:
        """Return the counts in bars, as narrow as so many allow; None if all is in one cell, or no width will do."""
        if self.width is None or len(self.keys) < 2:
            return None
        scale, ends = self.scale, self.keys[[0, -1]]
        for width in scale.bars(self.width):
            first, last = (int(each) for each in scale.joined(ends, self.width, width))
            if last - first < bins:
                at = scale.joined(self.keys, self.width, width) - first
                counts = np.zeros(last - first + 1, np.int64)
                np.add.at(counts, at, self.counts)
                edges = tuple(scale.edge(key, width) for key in range(first, last + 2))
                return Histogram(edges, tuple(counts.tolist()))
        return None


def _summed(keys: Keys, counts: Keys) -> tuple[Keys, Keys]:
    different, at = np.unique(keys, return_inverse=True)
    totals = np.zeros(len(different), np.int64)
    np.add.at(totals, at, counts)
    return different, totals
