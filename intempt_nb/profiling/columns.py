"""What is known of one column, batch after batch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.profiling.bars import HUGE, Cells, Decimals, Integers, Moments
from intempt_nb.profiling.counting import Distinct, Frequent, hashes_of
from intempt_nb.profiling.numbers import is_sortable, number_scalar, sortable, whole_numbers
from intempt_nb.profiling.quantiles import PERCENTS, Ordered
from intempt_nb.profiling.views import column_html, column_text

if TYPE_CHECKING:
    from intempt_nb.profiling.bars import Histogram

__all__ = ["ColumnProfile", "Lengths", "Tally"]

_types = pa.types
_EXACT_SUMS = 57
"""Digits of decimals whose sum of any number of rows is still exact."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the lists or maps of a column are.

    Parameters
    ----------
    min, max
        The fewest and the most elements.
    mean
        Of all that are not null.
    """

    min: int
    max: int
    mean: float


@dataclass(frozen=True, slots=True, repr=False)
class ColumnProfile:
    """What a column holds; shown with all its quantiles and a larger histogram.

    Parameters
    ----------
    name
        The name.
    type
        The type: in Avro's words where the data carries its Avro schema, else in Arrow's.
    count
        How many values there are, NaN among them.
    nulls
        How many rows have none.
    nan
        How many values are NaN. The following is about the others.
    distinct
        How many different values there are; None for nested columns.
    distinct_exact
        Whether `distinct` is exact; otherwise it is an estimate, by about 1 %.
    min, max
        The smallest and the largest number, moment or text; None where there is none.
    mean
        Of numbers; None for others, and where it is not finite.
    top
        The most frequent values with their counts, the most frequent first. Empty where none stands out.
    top_error
        By how much the counts in `top` may be too low; 0 if they are exact.
    histogram
        Of numbers, dates and timestamps (in UTC); None for others, and where all values are the same.
    lengths
        Of lists and maps.
    quantiles
        Of numbers, dates and times: ``((0.05, 1), (0.25, 3), …)``, for 5, 25, 50, 75 and 95 % the smallest value with
        at least that share of all values at or below it, which always is one that occurs.
    quantile_error
        By what share the ranks of the quantiles may be wrong; 0 if they are exact.
    """

    name: str
    type: str
    count: int
    nulls: int
    nan: int = 0
    distinct: int | None = None
    distinct_exact: bool = True
    min: Any = None
    max: Any = None
    mean: float | None = None
    top: tuple[tuple[Any, int], ...] = ()
    top_error: int = 0
    histogram: Histogram | None = None
    lengths: Lengths | None = None
    quantiles: tuple[tuple[float, Any], ...] = ()
    quantile_error: float = 0.0

    @property
    def median(self) -> Any:
        """The quantile of 50 %; None where there is none."""
        return dict(self.quantiles).get(0.5)

    def __repr__(self) -> str:
        """Return what is known as a text table."""
        return column_text(self)

    def _repr_html_(self) -> str:
        return column_html(self)


class Tally:
    """Counts a column.

    Parameters
    ----------
    name
        The name.
    type
        The type in words.
    kind
        The Arrow type.
    """

    def __init__(self, name: str, type: str, kind: pa.DataType) -> None:
        self._name, self._type, self._kind = name, type, kind
        plain = _plain_type(kind)
        self._nested = _types.is_nested(plain) or _types.is_interval(plain) or _types.is_null(plain)
        self._rows = self._nulls = self._nan = 0
        self._distinct = Distinct.none()
        counted = pa.int64() if self._nested else plain
        self._frequent = Frequent(pa.nulls(0, counted), pa.nulls(0, pa.int64()))
        self._ends: list[pa.Scalar] = []
        self._sum: Fraction | float = Fraction(0)
        scale = _scale(plain)
        self._cells = None if scale is None else Cells(scale)
        self._ordered = Ordered() if is_sortable(plain) else None
        self._lengths: tuple[int, int, int] | None = None

    def add(self, column: pa.Array) -> None:
        """Count more rows."""
        values = _plain(column)
        self._rows += len(values)
        gaps = pc.sum(pc.is_null(values)).as_py() or 0  # the null count of a union is 0 whatever it holds
        self._nulls += gaps
        if self._nested:
            self._measure(values)
        elif gaps < len(values):
            self._count(values.drop_null())

    def _measure(self, values: pa.Array) -> None:
        lengths = _lengths(values)
        if lengths is not None and len(lengths):
            least, most, total = self._lengths or (int(lengths[0]), 0, 0)
            self._lengths = min(least, int(lengths.min())), max(most, int(lengths.max())), total + int(lengths.sum())

    def _count(self, values: pa.Array) -> None:
        if _types.is_floating(values.type):
            values = pc.add(values, pa.scalar(0.0, values.type))  # makes 0.0 of -0.0
            is_nan = pc.is_nan(values)
            self._nan += pc.sum(is_nan).as_py()
            values = values.filter(pc.invert(is_nan))
        counted = pc.value_counts(values)
        different, counts = counted.field(0), counted.field(1)
        if not len(different):
            return
        self._distinct = self._distinct.add(hashes_of(different))
        self._frequent = self._frequent.add(different, counts)
        self._ends = _ends(different, self._ends)
        self._sum += _sum(values)
        if self._cells is not None:
            self._cells = _binned(self._cells, different, np.asarray(counts))
        if self._ordered is not None:
            self._ordered = self._ordered.add(sortable(different), np.asarray(counts))

    def profile(self, bins: int, top: int) -> ColumnProfile:
        """Return what is known."""
        count = self._rows - self._nulls
        about = self._name, self._type, count, self._nulls
        if self._nested:
            found = self._lengths
            lengths = None if found is None else Lengths(found[0], found[1], found[2] / count)
            return ColumnProfile(*about, lengths=lengths)
        values, counts = self._frequent.top(top)
        least, most = (as_python(each) for each in self._ends) if self._ends else (None, None)
        quantiles, error = self._quantiles()
        return ColumnProfile(
            *about,
            nan=self._nan,
            distinct=self._distinct.count,
            distinct_exact=not self._distinct.full,
            min=least,
            max=most,
            mean=self._mean(count - self._nan),
            top=tuple(zip(map(as_python, _in_type(values, self._kind)), counts, strict=True)),
            top_error=self._frequent.error,
            histogram=None if self._cells is None else self._cells.histogram(bins),
            quantiles=quantiles,
            quantile_error=error,
        )

    def _quantiles(self) -> tuple[tuple[tuple[float, Any], ...], float]:
        if self._ordered is None:
            return (), 0.0
        numbers, error = self._ordered.quantiles()
        kind = self._frequent.values.type
        values = [as_python(number_scalar(number, kind)) for number in numbers]
        return tuple(zip((percent / 100 for percent in PERCENTS), values, strict=bool(values))), error

    def _mean(self, count: int) -> float | None:
        if not count or not _has_mean(self._frequent.values.type):
            return None
        mean = float(self._sum / count)
        return mean if math.isfinite(mean) else None


def as_python(value: pa.Scalar) -> Any:
    """Return a value as Python has it; what Python has no form for, a year beyond 9999 or part of a µs, as text."""
    kind = value.type
    if kind == pa.time64("ns") and value.is_valid and value.value % 1_000:
        return value.cast(pa.string()).as_py()
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        if not _types.is_timestamp(kind) and not _types.is_date(kind):
            return value.cast(pa.string()).as_py()
    unit = kind.unit if _types.is_timestamp(kind) else "ms" if _types.is_date64(kind) else "D"
    # Arrow's own texts of such moments are wrong or none.
    text = str(np.array(value.value, f"datetime64[{unit}]")).replace("T", " ")
    return f"{text}Z" if _types.is_timestamp(kind) and kind.tz is not None else text


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type in which values are counted; instants are in UTC."""
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(kind.storage_type)
    if _types.is_dictionary(kind) or _types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type)
    if _types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if kind.id in (pa.decimal32(1).id, pa.decimal64(1).id):
        return pa.decimal128(kind.precision, kind.scale)
    return _COUNTED.get(kind.id, kind)


def _plain(column: pa.Array) -> pa.Array:
    """Return the same values in that type."""
    if isinstance(column, pa.ExtensionArray):
        return _plain(column.storage)
    if _types.is_dictionary(column.type):
        return _plain(column.dictionary).take(column.indices)
    if _types.is_run_end_encoded(column.type):
        rows = np.arange(column.offset, column.offset + len(column))
        return _plain(column.values).take(pa.array(np.searchsorted(np.asarray(column.run_ends), rows, side="right")))
    wanted = _plain_type(column.type)
    return column if wanted == column.type else column.cast(wanted)


_COUNTED = {
    pa.string_view().id: pa.large_string(),
    pa.binary_view().id: pa.large_binary(),
    pa.float16().id: pa.float32(),
    pa.date64().id: pa.date32(),
}


def _in_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return what was stored for an extension type as that: UUIDs are bytes otherwise."""
    return pa.ExtensionArray.from_storage(kind, values) if isinstance(kind, pa.UuidType) else values


def _scale(kind: pa.DataType) -> Integers | Decimals | Moments | None:
    if _types.is_timestamp(kind):
        return Moments(kind.unit)
    if _types.is_date(kind):
        return Moments("D")
    if _types.is_integer(kind) and kind != pa.uint64():
        return Integers()
    return Decimals() if _has_mean(kind) else None


def _has_mean(kind: pa.DataType) -> bool:
    return bool(_types.is_integer(kind) or _types.is_floating(kind) or _types.is_decimal(kind))


def _ends(values: pa.Array, before: list[pa.Scalar]) -> list[pa.Scalar]:
    """Return the smallest and the largest of all; nothing for types without an order that means something."""
    kind = values.type
    if not (_has_mean(kind) or _types.is_temporal(kind) or _types.is_string(kind) or _types.is_large_string(kind)):
        return []
    both = pa.concat_arrays([pa.array(before, kind), values]) if before else values
    ends = pc.min_max(whole_numbers(both) if _types.is_duration(kind) else both)
    return [ends["min"].cast(kind), ends["max"].cast(kind)]


def _sum(values: pa.Array) -> Fraction | float:
    kind = values.type
    if _types.is_integer(kind):
        # Arrow's own sum of 64-bit numbers goes round at the end of its range.
        wide = values.cast(pa.decimal128(20, 0)) if kind.bit_width == 64 else values
        return Fraction(pc.sum(wide).as_py())
    if _types.is_decimal(kind):
        if kind.precision > _EXACT_SUMS:
            return math.nan
        return Fraction(pc.sum(values.cast(pa.decimal256(76, kind.scale))).as_py())
    return float(pc.sum(values.cast(pa.float64())).as_py()) if _types.is_floating(kind) else Fraction(0)


def _binned(cells: Cells, different: pa.Array, counts: Any) -> Cells | None:
    """Return the cells with more values; None for good if there are some that no histogram can hold."""
    if not isinstance(cells.scale, Decimals):
        numbers = whole_numbers(different) if _types.is_temporal(different.type) else different.cast(pa.int64())
        return cells.add(np.asarray(numbers), counts)
    doubles = np.asarray(different.cast(pa.float64(), safe=False))  # to the nearest: unsigned numbers too
    finite = np.isfinite(doubles)
    if (np.abs(doubles[finite]) > HUGE).any():
        return None
    return cells.add(doubles[finite], counts[finite])


def _lengths(values: pa.Array) -> Any:
    """Return how long each list or map is that is not null; None for other types."""
    kind = values.type
    if _types.is_map(kind):
        return np.diff(np.asarray(values.offsets))[np.asarray(values.is_valid())]
    if not _types.is_nested(kind) or _types.is_struct(kind) or _types.is_union(kind):
        return None
    return np.asarray(pc.list_value_length(values).drop_null())
