"""Values that could not be used: where they stand and why.

A conversion narrows a column step by step: each rule keeps the cells it accepts and notes the others, vectorised, so
that a million bad cells cost what one does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Converted", "Reader", "Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Cells of one column that break one rule.

    Parameters
    ----------
    positions
        Where they stand in the array, int64, ascending, no nulls.
    reason
        What is wrong with them, for a person.
    path
        Below the column: ``".port"``, ``"[]"``; empty for the column itself.
    values
        What was found; None where the column itself says it.
    paths
        Below the column, for each cell: ``"[3].port"``, ``"{key}"``; None where `path` is exact.
    expected
        The type of the cells in words; None where they are the column's own.
    """

    positions: pa.Array
    reason: str
    path: str = ""
    values: pa.Array | None = None
    paths: pa.Array | None = None
    expected: str | None = None

    def with_values_of(self, cells: pa.Array) -> Refusal:
        """Return the refusal with what was found, taken from `cells` unless it has that already."""
        return self if self.values is not None else replace(self, values=cells.take(self.positions))

    def located(self, column: str) -> pa.Array:
        """Return where each cell stands, as text that begins with the column's name: ``url.tags[3]``."""
        if self.paths is None:
            return pa.repeat(f"{column}{self.path}", len(self.positions))
        return pc.binary_join_element_wise(column, self.paths, "")


@dataclass(frozen=True, slots=True)
class Converted:
    """A column in its target type, null where a cell was null or refused."""

    values: pa.Array
    refusals: tuple[Refusal, ...] = ()

    def with_values(self, values: pa.Array) -> Converted:
        """Return the same refusals beside other values."""
        return replace(self, values=values)

    def with_refusals(self, refusals: tuple[Refusal, ...]) -> Converted:
        """Return the same values beside other refusals."""
        return replace(self, refusals=refusals)


@dataclass(frozen=True, slots=True)
class Reader:
    """A column on its way to another type.

    Parameters
    ----------
    values
        What is left: null where the source has no value or the cell was refused.
    refusals
        The cells given up so far.
    """

    values: pa.Array
    refusals: tuple[Refusal, ...] = field(default=())

    def keep(self, good: pa.Array, reason: str) -> Reader:
        """Return a reader that holds only the cells where `good` is true; null counts as false."""
        good = pc.fill_null(good, False)
        bad = pc.and_(pc.is_valid(self.values), pc.invert(good))
        if not pc.any(bad).as_py():
            return self
        positions = pc.indices_nonzero(bad).cast(pa.int64())
        kept = pc.if_else(bad, pa.scalar(None, self.values.type), self.values)
        return Reader(kept, (*self.refusals, Refusal(positions, reason)))

    def refuse_all(self, reason: str) -> Reader:
        """Return a reader that has given up every cell with a value."""
        return self.keep(pa.nulls(len(self.values), pa.bool_()), reason)

    def with_values(self, values: pa.Array) -> Reader:
        """Return a reader of other values, with the same refusals."""
        return Reader(values, self.refusals)

    def done(self, values: pa.Array) -> Converted:
        """Return `values` as the result, null where the reader holds nothing any more."""
        if not self.refusals or values.null_count == self.values.null_count:
            return Converted(values, self.refusals)
        nothing = pa.scalar(None, values.type)
        return Converted(pc.if_else(pc.is_valid(self.values), values, nothing), self.refusals)

    def finish(self, convert: Callable[[pa.Array], pa.Array]) -> Converted:
        """Return what `convert` makes of the values that are left; it must not fail on them."""
        return Converted(convert(self.values), self.refusals)
