"""Cells of text that say a value of a type in its plain form, told from their bytes: no pattern, no trimming.

Most cells are plain, and a look at a few bytes of each is far cheaper than a pattern. What is not plain is not wrong:
it is for :mod:`intempt_nb.schema.checking.reading` to look at closely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pyarrow as pa

    Mask: TypeAlias = npt.NDArray[np.bool_]

__all__ = [
    "CellBytes",
    "fine_enough",
    "plain_dates",
    "plain_decimals",
    "plain_integers",
    "plain_numbers",
    "plain_timestamps",
    "real_days",
    "real_times",
    "zoned",
]

MINUS, PLUS, POINT, ZERO, NINE, COLON, ZULU = b"-+.09:Z"
MOST_DIGITS = 38
"""A number of so many digits is finite as a float."""
LONGEST = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])  # the days of each month, from 1
FRACTION = len("YYYY-MM-DDTHH:MM:SS.")


@dataclass(frozen=True, slots=True)
class CellBytes:
    """The bytes of a column of text; what a null has for bytes means nothing.

    Parameters
    ----------
    data
        Of all cells, one behind the other, and maybe others.
    places
        Where each cell begins, and where the last one ends.
    lengths, shortest
        How many bytes each cell has, and how many all have.
    """

    data: npt.NDArray[np.uint8]
    places: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    shortest: int

    @classmethod
    def of(cls, cells: pa.StringArray) -> CellBytes:
        """Return the bytes of an array."""
        _, offsets, data = cells.buffers()
        if not len(cells) or data is None or not data.size:
            return cls(np.zeros(1, np.uint8), np.zeros(len(cells) + 1, np.int32), np.zeros(len(cells), np.int32), 0)
        places = np.frombuffer(offsets, np.int32)[cells.offset : cells.offset + len(cells) + 1]
        lengths = np.diff(places)
        return cls(np.frombuffer(data, np.uint8), places, lengths, int(lengths.min()))

    def at(self, place: int) -> npt.NDArray[np.uint8]:
        """Return a byte of each cell, counted from its start or, if negative, from its end; 0 if it has none there."""
        places = self.places[:-1] + place if place >= 0 else self.places[1:] + place
        needed = place + 1 if place >= 0 else -place
        if self.shortest >= needed:
            return self.data[places]
        there = self.lengths >= needed
        return self.data[np.where(there, places, 0)] * there

    def numbers(self, place: int, digits: int) -> npt.NDArray[np.int32]:
        """Return what the digits at a place of each cell say; -1 where one is no digit."""
        number = np.zeros(len(self.places) - 1, np.int32)
        good = np.ones(len(number), bool)
        for each in range(place, place + digits):
            digit = self.at(each) - ZERO
            good &= digit < 10
            number = number * 10 + digit
        return np.where(good, number, np.int32(-1))

    def sums(self, weigh: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]) -> npt.NDArray[np.int32]:
        """Return for each cell the sum of what its bytes weigh."""
        first, last = self.places[0], self.places[-1]
        weights = weigh(self.data[first:last])
        if not weights.any():
            return np.zeros(len(self.places) - 1, np.int32)
        before = np.zeros(last - first + 1, np.int32)
        np.cumsum(weights, dtype=np.int32, out=before[1:])
        sums: npt.NDArray[np.int32] = np.diff(before[self.places - first])
        return sums


def _weigh_for_integers(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Weigh digits 0 and others 1."""
    found: npt.NDArray[np.bool_] = data - ZERO > NINE - ZERO  # what is below zero wraps around
    return found.view(np.uint8)


def _weigh_for_numbers(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Weigh digits 0, points 1 and others 2."""
    weights: npt.NDArray[np.uint8] = (_weigh_for_integers(data) << 1) - (data == POINT).view(np.uint8)
    return weights


def plain_integers(cells: CellBytes, digits: int) -> Mask:
    """Return which cells are an integer of at most so many digits."""
    minus = cells.at(0) == MINUS
    count = cells.lengths - minus
    plain: Mask = (cells.sums(_weigh_for_integers) == minus) & (count > 0) & (count <= digits)
    return plain


def plain_numbers(cells: CellBytes) -> Mask:
    """Return which cells are digits, maybe with a point among them and a minus before them."""
    minus = cells.at(0) == MINUS
    points = cells.sums(_weigh_for_numbers) - 2 * minus
    count = cells.lengths - minus - points
    plain: Mask = (points <= 1) & (count > 0) & (count <= MOST_DIGITS)
    return plain


def plain_decimals(cells: CellBytes, precision: int, scale: int) -> Mask:
    """Return which cells are such a number, with no more digits before and behind the point than the type has."""
    points = cells.sums(lambda data: (data == POINT).view(np.uint8))
    behind = np.where(points == 0, 0, -1)
    for places in range(scale + 1):
        behind = np.where((behind < 0) & (cells.at(-1 - places) == POINT), places, behind)
    before = cells.lengths - (cells.at(0) == MINUS) - points - behind
    plain: Mask = plain_numbers(cells) & (behind >= 0) & (before <= precision - scale)
    return plain


def plain_dates(cells: CellBytes) -> Mask:
    """Return which cells may be YYYY-MM-DD; which they are is seen when they are cast."""
    plain: Mask = (cells.lengths == len("YYYY-MM-DD")) & (cells.at(4) == MINUS)
    return plain


def plain_timestamps(cells: CellBytes) -> Mask:
    """Return which cells may be YYYY-MM-DDTHH:MM and more; which they are is seen when they are cast.

    Arrow also reads a day alone or with an hour alone; only these two have no colon there.
    """
    plain: Mask = (cells.lengths >= len("YYYY-MM-DDTHH:MM")) & (cells.at(13) == COLON)
    return plain


def real_days(cells: CellBytes) -> Mask:
    """Return which cells, given that they begin YYYY-MM-DD, name a day of the Gregorian calendar, from year 1 on."""
    year, month, day = cells.numbers(0, 4), cells.numbers(5, 2), cells.numbers(8, 2)
    real = (year > 0) & (month > 0) & (month <= 12)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    plain: Mask = real & (day > 0) & (day <= LONGEST[np.where(real, month, 0)]) & (leap | (month != 2) | (day < 29))
    return plain


def real_times(cells: CellBytes, place: int) -> Mask:
    """Return which cells, given that they have HH:MM or HH:MM:SS there, name a time of day; leap seconds are not."""
    hour, minute, second = (cells.numbers(place + each, 2) for each in (0, 3, 6))
    second = np.where(cells.at(place + 5) == COLON, second, 0)
    plain: Mask = (hour >= 0) & (hour < 24) & (minute >= 0) & (minute < 60) & (second >= 0) & (second < 60)
    return plain


def fine_enough(cells: CellBytes, digits: int) -> Mask:
    """Return which timestamps have nothing but zeros behind so many digits of a second."""
    inside = cells.at(FRACTION - 1) == POINT
    plain = np.ones(len(inside), bool)
    for place in range(FRACTION, FRACTION + 9):
        digit = cells.at(place) - ZERO
        inside &= digit < 10
        if place >= FRACTION + digits:
            plain &= ~inside | (digit == 0)
    return plain


def zoned(cells: CellBytes) -> Mask:
    """Return which timestamps end in a time zone: Z, +HH:MM, +HHMM or +HH."""
    found: Mask = cells.at(-1) == ZULU
    for length in (6, 5, 3):
        sign = cells.at(-length)
        found |= (sign == PLUS) | (sign == MINUS)
    return found
