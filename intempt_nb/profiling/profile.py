"""`profile`: what the columns of any rows hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from intempt_nb.display import html_table, text_table
from intempt_nb.errors import DataError, suggest
from intempt_nb.profiling.bars import FEWEST_BINS, Histogram
from intempt_nb.profiling.columns import ColumnProfile, Lengths, Tally
from intempt_nb.profiling.quantiles import PERCENTS
from intempt_nb.profiling.views import HEADER, profile_row
from intempt_nb.schema.mapping.frames import from_frame
from intempt_nb.schema.mapping.metadata import carried_schema, declared_type
from intempt_nb.schema.mapping.readers import reader_of
from intempt_nb.schema.model import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ColumnProfile", "Histogram", "Lengths", "Profile", "profile"]

_STEP = 1 << 16
_PLAIN = {
    "type": pa.string(), "count": pa.int64(), "nulls": pa.int64(), "nan": pa.int64(), "distinct": pa.int64(),
    "distinct_exact": pa.bool_(), "mean": pa.float64(), "quantile_error": pa.float64(),
}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """What the columns of some rows hold; shown as a table.

    ``profile["amount"]`` is the column of that name, ``"amount" in profile`` whether there is one, and a loop goes
    through the columns.

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

    def __contains__(self, name: object) -> bool:
        """Return whether there is a column of that name."""
        return any(each.name == name for each in self.columns)

    def __iter__(self) -> Iterator[ColumnProfile]:
        """Go through the columns, in order."""
        return iter(self.columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.columns)

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as a DataFrame, one row a column of the data.

        Returns
        -------
        pandas.DataFrame
            ``column`` and ``type`` (text), ``count``, ``nulls``, ``nan``, ``distinct`` (int64), ``distinct_exact``
            (bool), ``mean``, ``quantile_error`` (double), as :class:`ColumnProfile` has them; ``min``, ``5%``,
            ``25%``, ``50%``, ``75%``, ``95%``, ``max`` (Python's objects, each in its column's type). What a column
            has not is null.
        """
        plain = {name: pd.ArrowDtype(kind) for name, kind in _PLAIN.items()}
        frame = pd.DataFrame(
            {
                "column": pd.Series([each.name for each in self.columns], dtype=pd.ArrowDtype(pa.string())),
                **{
                    name: pd.Series([getattr(each, name) for each in self.columns], dtype=plain[name]) for name in plain
                },
            }
        )
        ladder = {"min": [each.min for each in self.columns]}
        for percent in PERCENTS:
            ladder[f"{percent}%"] = [dict(each.quantiles).get(percent / 100) for each in self.columns]
        ladder["max"] = [each.max for each in self.columns]
        return frame.assign(**{name: pd.Series(values, dtype=object) for name, values in ladder.items()})

    def _ipython_key_completions_(self) -> list[str]:
        return [each.name for each in self.columns]

    def __repr__(self) -> str:
        """Return the profile as a text table."""
        return text_table(HEADER, map(profile_row, self.columns), self._caption())

    def _repr_html_(self) -> str:
        return html_table(HEADER, map(profile_row, self.columns), self._caption())

    def _caption(self) -> str:
        return f"Profile of {self.rows:,} row{'' if self.rows == 1 else 's'}"


def profile(data: Any, *, bins: int = 20, top: int = 10) -> Profile:
    """Return what each column holds: gaps, different values, range, quantiles, frequent values, a histogram.

    The rows are read once, batch by batch, in memory that does not grow with their number. So much is exact for columns
    with few different values only, and the profile says where it is not:

    - Different values are counted exactly up to 65,536 of a column and estimated beyond, within about 1 %.
    - Quantiles are exact up to 65,536 different values, however many rows. Beyond, a value's rank may be wrong by
      ``quantile_error`` of all values at most: 0.02 % for a million rows, 0.04 % for ten, 0.1 % for a thousand million.
      That is a bound, not an estimate.
    - Where a column has more than 16,384 different values, the counts of the frequent ones may be a little too low.

    A quantile is the smallest value with at least that share of all values at or below it: definition 1 of Hyndman and
    Fan ("Sample quantiles in statistical packages", The American Statistician 1996), ``inverted_cdf`` in numpy. It
    always is a value that occurs, so that there are medians of dates and of whole numbers; nothing is interpolated.

    Parameters
    ----------
    data
        Rows: ``collection.scan()``, a DataFrame, an Arrow table or reader, or anything else with the Arrow PyCapsule
        interface. In pandas' own float columns, NaN is a gap; its periods stand for the moments at which they begin.
    bins
        How many bars a histogram has at most. Their borders are round numbers, or whole hours, days, weeks (from Monday
        on), months, years in UTC. Decimals and unsigned 64-bit numbers are taken for the nearest doubles.
    top
        How many of the most frequent values to name.

    Returns
    -------
    Profile
        A table in a notebook; ``profile["amount"]`` shows a column with all its quantiles and a larger histogram,
        ``profile["amount"].median`` is one number, ``profile.to_frame()`` a DataFrame of them.

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
    return reader_of(_from_periods(from_frame(data)) if isinstance(data, pd.DataFrame) else data)


def _from_periods(table: pa.Table) -> pa.Table:
    """Return the same with pandas' periods as the moments at which they begin; they are stored as mere numbers."""
    for at, each in enumerate(table.schema):
        if getattr(each.type, "extension_name", None) == "pandas.period":
            table = table.set_column(at, each.name, pa.array(table.column(at).to_pandas().dt.to_timestamp()))
    return table


def _words(schema: pa.Schema) -> list[str]:
    """Return the types for people: Avro's where the schema came from there."""
    carried = carried_schema(schema)
    known = [None] * len(schema) if carried is None else [each.type for each in carried[1].record.fields]
    types = [declared_type(each) or avro for each, avro in zip(schema, known, strict=True)]  # one's own outlives select
    return [str(each.type) if avro is None else describe(avro) for each, avro in zip(schema, types, strict=True)]
