"""What the cells of a text column look like, counted: the facts that a type is decided on.

Each cell is of one kind (a whole number, a date, text …) by the grammar of :mod:`intempt_nb.schema.checking.text`.
Facts about parts of a column add up to the facts about the whole, in any order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.display import shorten
from intempt_nb.schema.checking import text as grammar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["KEPT", "Facts", "Kind", "Row", "Tally", "Trait", "distinct", "observe"]

KEPT = 3  # examples and counterexamples that are kept
EXACT_IN_DOUBLE = "9007199254740992"  # 2**53
DOUBLE_DIGITS = 17  # enough to tell any two doubles apart, so that text of so many came from a double
DAY = len("YYYY-MM-DD")
LARGEST_INT64, SMALLEST_INT64 = "9223372036854775807", "-9223372036854775808"


class Kind(Enum):
    """What a cell looks like; every cell with a value is of exactly one kind."""

    INTEGER = "whole numbers"
    PADDED = "digits with leading zeros"
    DECIMAL = "numbers"
    BOOLEAN = "true or false"
    DATE = "dates"
    TIMESTAMP = "timestamps"
    TEXT = "text"


class Trait(Enum):
    """What else there is to say of a cell; `GAP` of one that may mean "no value", the others of one kind each."""

    GAP = "says that there is no value"
    INEXACT = "a whole number that a double cannot hold exactly"
    HUGE = "a whole number that 64 bits cannot hold"
    ROUNDED = "a number with more digits than a double keeps"
    UNZONED = "a timestamp without a time zone"
    MICROS = "a timestamp finer than a millisecond"
    NANOS = "a timestamp finer than a microsecond"
    FAR = "a timestamp that nanoseconds cannot reach"


class Row(int):
    """The number of a row, with the name of what it is a row of where there are several such."""

    origin: str = ""

    @classmethod
    def of(cls, number: int, origin: str) -> Row:
        """Return the row of an origin; one that has an origin already keeps it."""
        if isinstance(number, Row):
            return number
        row = cls(number)
        row.origin = origin
        return row

    def __str__(self) -> str:
        """Return ``17 of orders.csv``."""
        return f"{int(self)} of {self.origin}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cells there are of a sort, and the first of them.

    Parameters
    ----------
    count
        How many.
    first
        Row and text of up to three.
    """

    count: int = 0
    first: tuple[tuple[int, str], ...] = ()

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of both."""
        return Tally(self.count + other.count, tuple(sorted(self.first + other.first)[:KEPT]))

    def of(self, origin: str) -> Tally:
        """Return the same cells, their rows being those of an origin."""
        return Tally(self.count, tuple((Row.of(row, origin), text) for row, text in self.first))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a column of text.

    Parameters
    ----------
    rows, nulls
        How many cells there are, and how many of them are null.
    tallies
        The cells of each kind and trait that was met.
    bounds
        The least and the greatest value of a kind: numbers; of dates and timestamps the day as text.
    examples
        Up to three different values.
    """

    rows: int = 0
    nulls: int = 0
    tallies: Mapping[Kind | Trait, Tally] = field(default_factory=dict)
    bounds: Mapping[Kind, tuple[Any, Any]] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    def __add__(self, other: Facts) -> Facts:
        """Return the facts of both parts."""
        return Facts(
            self.rows + other.rows,
            self.nulls + other.nulls,
            {**self.tallies, **{key: self.tally(key) + each for key, each in other.tallies.items()}},
            {**self.bounds, **{kind: _span(self.bounds.get(kind), each) for kind, each in other.bounds.items()}},
            distinct(self.examples + other.examples),
        )

    def of(self, origin: str) -> Facts:
        """Return the same facts, the rows being those of an origin."""
        return replace(self, tallies={key: each.of(origin) for key, each in self.tallies.items()})

    def tally(self, key: Kind | Trait) -> Tally:
        """Return the cells of a kind or trait."""
        return self.tallies.get(key, Tally())

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that were met, the most frequent first."""
        counts = Counter({kind: self.tally(kind).count for kind in Kind})
        return tuple(kind for kind, count in counts.most_common() if count)

    @property
    def values(self) -> int:
        """How many cells have a value."""
        return sum(self.tally(kind).count for kind in Kind)


def distinct(examples: Iterable[str]) -> tuple[str, ...]:
    """Return the first few different texts."""
    return tuple(dict.fromkeys(examples))[:KEPT]


def _span(one: tuple[Any, Any] | None, two: tuple[Any, Any]) -> tuple[Any, Any]:
    return two if one is None else (min(one[0], two[0]), max(one[1], two[1]))


@dataclass(frozen=True, slots=True)
class _Cells:
    """Texts without nulls, and the row of each."""

    values: pa.Array
    rows: pa.Array

    def __len__(self) -> int:
        return len(self.values)

    def split(self, mask: pa.Array) -> tuple[_Cells, _Cells]:
        """Return the cells where `mask` is true, and the others."""
        if mask.true_count in (0, len(mask)):
            nothing = _Cells(self.values[:0], self.rows[:0])
            return (self, nothing) if mask.true_count else (nothing, self)
        rest = pc.invert(mask)
        return (
            _Cells(self.values.filter(mask), self.rows.filter(mask)),
            _Cells(self.values.filter(rest), self.rows.filter(rest)),
        )

    def tally(self) -> Tally:
        first = zip(self.rows[:KEPT].to_pylist(), self.values[:KEPT].to_pylist(), strict=True)
        return Tally(len(self), tuple((row, shorten(value, 40)) for row, value in first))


def observe(values: pa.Array, rows: pa.Array, kinds: frozenset[Kind], so_far: Facts) -> Facts:
    """Return the facts about more cells of a column.

    Parameters
    ----------
    values
        Strings, maybe null.
    rows
        The row of each, int64.
    kinds
        What to look for; all else is text.
    so_far
        The facts about the cells before. They save time and change no count: what was frequent is tried first, and
        no more examples are sought than are missing.

    Returns
    -------
    Facts
        Of the new cells alone.
    """
    cells = _Cells(pc.utf8_trim_whitespace(values), rows)
    if values.null_count:
        cells, _ = cells.split(values.is_valid())
    gaps, cells = cells.split(pc.is_in(cells.values, pa.array(grammar.NULL_TEXTS, cells.values.type)))
    examples = pc.unique(cells.values)[:KEPT].to_pylist() if len(so_far.examples) < KEPT else []
    start = Facts(
        rows=len(values),
        nulls=values.null_count,
        tallies=_tallies({Trait.GAP: gaps}),
        examples=distinct(map(shorten, examples)),
    )
    order = dict.fromkeys((*so_far.kinds, *(kind for kind in Kind if kind in kinds)))
    return reduce(Facts.__add__, _sorted(cells, kinds, order), start)


def _tallies(found: Mapping[Kind | Trait, _Cells]) -> dict[Kind | Trait, Tally]:
    return {key: cells.tally() for key, cells in found.items() if len(cells)}


def _sorted(cells: _Cells, kinds: frozenset[Kind], order: Iterable[Kind]) -> Iterator[Facts]:
    """Yield the facts about the cells of each kind; the order costs or saves time and nothing else."""
    for kind in order:
        if not len(cells):
            return
        if kind is Kind.TEXT:
            shaped = "|".join(_SHAPES[each] for each in Kind if each in kinds)
            hits, cells = cells.split(pc.invert(pc.match_substring_regex(cells.values, shaped)))
            yield Facts(tallies=_tallies({kind: hits}))
            continue
        hits, cells = cells.split(pc.match_substring_regex(cells.values, _SHAPES[kind]))
        real, impossible = hits.split(_possible(kind, hits.values))
        yield Facts(tallies=_tallies({Kind.TEXT: impossible}))
        if len(real):
            yield _facts(kind, real)
    yield Facts(tallies=_tallies({Kind.TEXT: cells}))


_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_SHAPES: Mapping[Kind, str] = {
    Kind.INTEGER: grammar.PLAIN_INTEGER,
    Kind.PADDED: r"^-?0[0-9]+$",
    # The rest of grammar.NUMBER, spelt out as RE2 has no "but not". Minus nought is here: a long would lose its sign.
    Kind.DECIMAL: r"^(?:-0|-?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?[0-9]+[eE][+-]?[0-9]+)$",
    Kind.BOOLEAN: grammar.BOOLEAN,
    Kind.DATE: grammar.DATE,
    # grammar.TIMESTAMP without the times of day that do not exist.
    Kind.TIMESTAMP: rf"{_DAY}[T ]{_CLOCK}(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?$",
}


def _possible(kind: Kind, values: pa.Array) -> pa.Array:
    """Return which values of the right shape are values: no 1e999, no 30 February."""
    match kind:
        case Kind.DECIMAL:
            return pc.is_finite(values.cast(pa.float64()))
        case Kind.DATE:
            return _real_days(values)
        case Kind.TIMESTAMP:
            return _real_days(_days(values))
        case _:
            return values.is_valid()


def _days(timestamps: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(timestamps, 0, DAY)


def _real_days(days: pa.Array) -> pa.Array:
    """Return which texts YYYY-MM-DD are days of the calendar that Python has: years 1 to 9999."""
    try:
        days.cast(pa.date32())
    except pa.ArrowInvalid:
        real = [day for day in pc.unique(days).to_pylist() if _is_day(day)]  # different days are few
        return pc.is_in(days, pa.array(real, days.type))
    return pc.greater_equal(days, "0001")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _facts(kind: Kind, cells: _Cells) -> Facts:
    match kind:
        case Kind.INTEGER:
            return _integers(cells)
        case Kind.DECIMAL:
            return _decimals(cells)
        case Kind.DATE:
            bounds = _bounds(kind, cells.values)
        case Kind.TIMESTAMP:
            return _timestamps(cells)
        case _:
            bounds = {}
    return Facts(tallies=_tallies({kind: cells}), bounds=bounds)


def _bounds(kind: Kind, values: pa.Array) -> dict[Kind, tuple[Any, Any]]:
    if not len(values):
        return {}
    least, greatest = pc.min_max(values).values()
    return {kind: (least.as_py(), greatest.as_py())}


def _integers(cells: _Cells) -> Facts:
    found: dict[Kind | Trait, _Cells] = {Kind.INTEGER: cells}
    if pc.max(pc.binary_length(cells.values)).as_py() >= len(EXACT_IN_DOUBLE):
        digits = pc.ascii_ltrim(cells.values, characters="-")
        found[Trait.INEXACT], _ = cells.split(_exceeds(digits, EXACT_IN_DOUBLE))
        huge = pc.and_(_exceeds(digits, LARGEST_INT64), pc.not_equal(cells.values, SMALLEST_INT64))
        found[Trait.HUGE], cells = cells.split(huge)
    return Facts(tallies=_tallies(found), bounds=_bounds(Kind.INTEGER, cells.values.cast(pa.int64())))


def _decimals(cells: _Cells) -> Facts:
    found: dict[Kind | Trait, _Cells] = {Kind.DECIMAL: cells}
    if pc.max(pc.binary_length(cells.values)).as_py() > DOUBLE_DIGITS:
        # What is left of the sign, the leading noughts, the point and the exponent; noughts at the end say nothing.
        digits = pc.replace_substring_regex(cells.values, r"^-?[0.]*|[eE].*$|\.", "")
        digits = pc.ascii_rtrim(digits, characters="0")
        found[Trait.ROUNDED], _ = cells.split(pc.greater(pc.binary_length(digits), DOUBLE_DIGITS))
    return Facts(tallies=_tallies(found), bounds=_bounds(Kind.DECIMAL, cells.values.cast(pa.float64())))


def _exceeds(digits: pa.Array, limit: str) -> pa.Array:
    """Return which plain digits say more than `limit`; compared as text, as they may be of any length."""
    length = pc.binary_length(digits)
    longer, as_long = pc.greater(length, len(limit)), pc.equal(length, len(limit))
    return pc.or_(longer, pc.and_(as_long, pc.greater(digits, limit)))


def _timestamps(cells: _Cells) -> Facts:
    # ISO texts are in the order of their days, so no day is cut out to compare it.
    found: dict[Kind | Trait, _Cells] = {Kind.TIMESTAMP: cells}
    _, unknown = cells.split(pc.ends_with(cells.values, "Z"))
    _, found[Trait.UNZONED] = unknown.split(pc.match_substring_regex(unknown.values, grammar.ZONE))
    found[Trait.FAR], _ = cells.split(pc.or_(pc.less(cells.values, "1678"), pc.greater_equal(cells.values, "2262")))
    fractions, _ = cells.split(pc.greater_equal(pc.binary_length(cells.values), len("YYYY-MM-DDTHH:MM:SS.ssss")))
    # Digits that are noughts say nothing.
    found[Trait.MICROS], _ = fractions.split(pc.match_substring_regex(fractions.values, r"\.[0-9]{3}[0-9]*[1-9]"))
    fine = found[Trait.MICROS]
    found[Trait.NANOS], _ = fine.split(pc.match_substring_regex(fine.values, r"\.[0-9]{6}[0-9]*[1-9]"))
    least, greatest = _bounds(Kind.TIMESTAMP, cells.values)[Kind.TIMESTAMP]
    return Facts(tallies=_tallies(found), bounds={Kind.TIMESTAMP: (least[:DAY], greatest[:DAY])})
