"""`profile`: what the columns of any rows hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from intempt_nb.display import html_table, shorten, text_table
from intempt_nb.errors import DataError, suggest
from intempt_nb.profiling.bars import FEWEST_BINS, Histogram
from intempt_nb.profiling.charts import histogram_picture
from intempt_nb.profiling.columns import ColumnProfile, Lengths, Tally
from intempt_nb.schema.mapping.frames import from_frame
from intempt_nb.schema.mapping.metadata import carried_schema
from intempt_nb.schema.model import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ColumnProfile", "Histogram", "Lengths", "Profile", "profile", "value_text"]

_HEADER = ("column", "type", "values", "nulls", "distinct", "range", "mean", "distribution", "most frequent")
_STEP = 1 << 16
_SHOWN = 3
_LONGEST = 30


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """What the columns of some rows hold; shown as a table, and a mapping by the columns' names.

    Parameters
    ----------
    rows
        How many rows there were.
    columns
        One a column, in order.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]

    def __getitem__(self, name: str) -> ColumnProfile:
        """Return the column of that name."""
        for each in self.columns:
            if each.name == name:
                return each
        names = [each.name for each in self.columns]
        raise DataError(f"the profile has no column {name!r}{suggest(name, names)}", field=name)

    def __iter__(self) -> Iterator[ColumnProfile]:
        """Go through the columns, in order."""
        return iter(self.columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.columns)

    def _ipython_key_completions_(self) -> list[str]:
        return [each.name for each in self.columns]

    def __repr__(self) -> str:
        """Return the profile as a text table."""
        return text_table(_HEADER, map(_row, self.columns), self._caption())

    def _repr_html_(self) -> str:
        return html_table(_HEADER, map(_row, self.columns), self._caption())

    def _caption(self) -> str:
        return f"Profile of {self.rows:,} row{'' if self.rows == 1 else 's'}"


def profile(data: Any, *, bins: int = 20, top: int = 10) -> Profile:
    """Return what each column holds: gaps, different values, range, mean, frequent values, a histogram.

    The rows are read once, batch by batch, in memory that does not grow with their number. So different values are
    counted exactly up to 65,536 of a column and estimated beyond, within about 1 %; and where a column has more than
    16,384, the counts of the frequent ones may be a little too low. The profile says where that is so.

    Parameters
    ----------
    data
        Rows: ``collection.scan()``, a DataFrame, an Arrow table or reader, or anything else with the Arrow PyCapsule
        interface. In pandas' own float columns, NaN is a gap.
    bins
        How many bars a histogram has at most. Their borders are round numbers, or whole hours, days, weeks (from Monday
        on), months, years in UTC. Decimals and unsigned 64-bit numbers are taken for the nearest doubles.
    top
        How many of the most frequent values to name.

    Returns
    -------
    Profile
        A table in a notebook; ``profile["amount"].mean`` in a program.

    Raises
    ------
    DataError
        If rows cannot be read from `data`, or an option is no number that will do.

    Examples
    --------
    >>> inb.analysis.profile(client.collections["purchases"].scan())
    """
    _check("bins", bins, FEWEST_BINS)
    _check("top", top, 0)
    reader = _reader(data)
    words = _words(reader.schema)
    tallies = [Tally(each.name, word, each.type) for each, word in zip(reader.schema, words, strict=True)]
    rows = 0
    for batch in reader:
        rows += len(batch)
        for start in range(0, len(batch), _STEP):
            for tally, column in zip(tallies, batch.slice(start, _STEP).columns, strict=True):
                tally.add(column)
    return Profile(rows, tuple(tally.profile(bins, top) for tally in tallies))


def _check(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise DataError(f"{name} is {value!r}; expected a whole number from {least} on")


def _reader(data: Any) -> pa.RecordBatchReader:
    if isinstance(data, pd.DataFrame):
        data = from_frame(data)
    if isinstance(data, pa.Table):
        return data.to_reader()
    if not hasattr(data, "__arrow_c_stream__"):
        hint = "; profile its scan: collection.scan()" if hasattr(data, "scan") else ""
        expected = "expected a scan, a DataFrame, or Arrow data"
        raise DataError(f"rows cannot be read from {type(data).__name__}; {expected}{hint}")
    return pa.RecordBatchReader.from_stream(data)


def _words(schema: pa.Schema) -> list[str]:
    """Return the types for people: Avro's where the schema came from there."""
    carried = carried_schema(schema)
    if carried is None:
        return [str(each.type) for each in schema]
    return [describe(each.type) for each in carried[1].record.fields]


def _row(column: ColumnProfile) -> tuple[object, ...]:
    picture = None if column.histogram is None else histogram_picture(column.histogram)
    nan = f" ({column.nan:,} NaN)" if column.nan else ""
    return (
        shorten(column.name),
        column.type,
        f"{column.count:,}{nan}",
        f"{column.nulls:,}",
        distinct_text(column),
        range_text(column),
        None if column.mean is None else f"{column.mean:,.6g}",
        picture,
        top_text(column, _SHOWN),
    )


def distinct_text(column: ColumnProfile) -> str | None:
    """Return how many different values there are, with a word where that is an estimate."""
    if column.distinct is None:
        return None
    return f"{column.distinct:,}" if column.distinct_exact else f"about {column.distinct:,}"


def range_text(column: ColumnProfile) -> str | None:
    """Return from where to where the values go, or how long lists are."""
    if column.lengths is not None:
        found = column.lengths
        return f"{found.min:,} to {found.max:,} elements, {found.mean:,.3g} on average"
    if column.min is None:
        return None
    if column.min == column.max:
        return value_text(column.min)
    return f"{value_text(column.min)} to {value_text(column.max)}"


def top_text(column: ColumnProfile, most: int) -> str | None:
    """Return the most frequent values with their counts."""
    if not column.top:
        return None
    if column.top[0][1] == 1:
        return "each value once"
    least = "≥ " if column.top_error else ""
    return ", ".join(f"{value_text(value)} ({least}{count:,})" for value, count in column.top[:most])


def value_text(value: object) -> str:
    """Return a value as text that is not too long."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else shorten(value, _LONGEST)
