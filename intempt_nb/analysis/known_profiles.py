"""What profiles said of persons before a point in time, and columns as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.analysis.events import Instants, columns_of, instants_of, numbered
from intempt_nb.analysis.histories import cutoffs_of, places_of
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

__all__ = ["KnownProfiles", "kinds_of", "numbers_of", "read_profiles", "refuse_infinite"]


@dataclass(frozen=True, slots=True, eq=False)
class KnownProfiles:
    """Profiles, one row a person.

    Parameters
    ----------
    table
        The rows.
    ids
        Whose they are.
    changed
        When they were last changed; None if nobody knows.
    traits
        Columns that hold only from then on.
    fixed
        Columns that never change.
    """

    table: pa.Table
    ids: pa.Array
    changed: Instants | None
    traits: tuple[str, ...]
    fixed: tuple[str, ...]

    def columns(
        self, persons: pd.Index[Any], as_of: Any, tz: str, kinds: Mapping[str, Sequence[Any]]
    ) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
        """Yield the features of persons as of a point in time, NaN where there is no profile."""
        places = places_of(persons, self.ids, "those of the profiles")
        there = places >= 0
        if self.changed is not None and self.traits:
            cutoffs = np.broadcast_to(cutoffs_of(as_of, dates=self.changed.dates, tz=tz), len(places))
            self._refuse_later(self.changed.microseconds[places[there]] >= cutoffs[there])
        for name in (*self.traits, *self.fixed):
            found = kinds_of(self.table, {name: kinds[name]}) if name in kinds else [(name, None)]
            for label, column in found:
                values = numbers_of(self.table, name) if column is None else column.astype(float)
                refuse_infinite(values, places[there], name)
                result = np.full(len(places), np.nan)
                result[there] = values[places[there]]
                yield label, result

    def _refuse_later(self, later: npt.NDArray[np.bool_]) -> None:
        """Raise a DataError if profiles are newer than `as_of`: to leave out their values only would tell that too."""
        if later.any():
            raise DataError(
                f"{int(later.sum()):,} of {len(later):,} profiles were changed at as_of or since, which tells what "
                f"came after it, whatever is in {', '.join(map(repr, self.traits))}. Take a copy of the profiles from "
                "before as_of, or make these features from events",
                field=self.traits[0],
            )


def read_profiles(
    data: Any, by: str, traits: Sequence[str], fixed: Sequence[str], changed_at: str | None
) -> KnownProfiles:
    """Return the profiles of a DataFrame, a scan or Arrow data.

    Raises
    ------
    DataError
        If a person is there twice, or nothing is known of the time of `traits`.
    """
    if traits and changed_at is None:
        raise DataError(
            f"profiles hold the last values, so {', '.join(map(repr, traits))} may have been written after as_of. Say "
            "which column has the time of the last change (profiles_at=), or name in fixed= what never changes",
            field=traits[0],
        )
    table = columns_of(data, [by, *traits, *fixed, *([changed_at] if changed_at else [])])
    codes, ids = numbered(table, by)
    if len(ids) < len(table):
        repeat = int(np.flatnonzero(np.bincount(codes) > 1)[0])
        raise DataError(
            f"{ids[repeat].as_py()!r} has several profiles; expected a row a person: "
            f"profiles.drop_duplicates({by!r}, keep='last')",
            field=by,
        )
    changed = instants_of(table, changed_at) if changed_at else None
    return KnownProfiles(table, ids, changed, tuple(traits), tuple(fixed))


def numbers_of(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """Return a column of numbers or truth values as float64, its gaps as NaN.

    Raises
    ------
    DataError
        If it is of another type, or has whole numbers that float64 cannot hold.
    """
    column = table[name]
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise DataError(
            f"column {name!r} is {kind}; expected numbers. Of a column with few values, say which to count: "
            f"kinds={{{name!r}: [...]}}",
            field=name,
            expected="numbers",
        )
    try:
        floats = column.cast(pa.float64())
    except pa.ArrowInvalid:
        raise DataError(
            f"column {name!r} has whole numbers beyond 2**53, which a feature (float64) cannot hold", field=name
        ) from None
    return np.asarray(floats.fill_null(np.nan))


def refuse_infinite(values: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], name: str) -> None:
    """Raise a DataError if a value in one of some rows is infinite."""
    wrong = np.isinf(values[rows])
    if wrong.any():
        row = int(rows[wrong].min())
        raise DataError(f"{values[row]} is no number to count with", row=row, field=name, value=str(values[row]))


def kinds_of(table: pa.Table, kinds: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield, for each column and each of its values, the name and which rows have it.

    Raises
    ------
    DataError
        If a value cannot be one of its column.
    """
    for name, values in kinds.items():
        column = table[name]
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        for value in values:
            try:
                same = pc.equal(column.cast(kind), pa.scalar(value, kind))
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                raise DataError(
                    f"kinds of {name!r}: {value!r} is not a value of the column, which is {kind}", field=name
                ) from None
            yield f"{name}_{value}", np.asarray(same.fill_null(False))
