"""Rows of any source → rows of a collection: columns matched by name, cells converted, the rest rejected with a reason.

Nothing is sent here: what an upload would refuse is known before its first request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from intempt_nb.codecs.ahead import in_order
from intempt_nb.codecs.wire.exact import default_of, fill_nulls
from intempt_nb.codecs.wire.wire import wire_schema
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.columns import convert, convert_field, require_values
from intempt_nb.schema.checking.commas import swap_marks
from intempt_nb.schema.checking.matching import ignored_inside
from intempt_nb.schema.checking.rejects import REJECTS, VALUE_LENGTH, rejects_of
from intempt_nb.schema.mapping.layouts import is_text, plain_layout
from intempt_nb.schema.mapping.nan import nan_as_null
from intempt_nb.schema.model import MISSING, Decimal, Double, Float, Null, Union, without_null
from intempt_nb.transfer.mapping import left_over, match_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from intempt_nb.codecs.rows.blocks import Block, Malformed, Tabular
    from intempt_nb.schema.checking.refusals import Converted
    from intempt_nb.schema.model import Defined, Field
    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.mapping import Columns

__all__ = ["ColumnPlan", "Prepared", "Reading", "plan_columns", "prepare"]


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Which column of the source feeds which field.

    Parameters
    ----------
    sources
        Field name → position of the source's column, in schema order; fields without a column are left out.
    ignored
        Columns that feed no field, though nobody left them out; they are not sent.
    missing
        Fields that the source has no column for, and that may be absent.
    """

    sources: dict[str, int]
    ignored: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A block, ready to be encoded.

    Parameters
    ----------
    batch
        The good rows, in the schema's Arrow types.
    rows
        Their row numbers, int64.
    rejects
        The other rows, as `REJECTS`, by row.
    rejected
        How many rows that is.
    blank
        Lines that were empty.
    """

    batch: pa.RecordBatch
    rows: pa.Array
    rejects: pa.Table
    rejected: int
    blank: int


def plan_columns(
    schema: Schema, source: Tabular, supplied: Sequence[str] = (), columns: Columns | None = None
) -> ColumnPlan:
    """Match the source's columns with the schema's fields, by hand, name, title or alias.

    Parameters
    ----------
    schema
        Of the collection.
    source
        Of the rows.
    supplied
        Fields that need no column: they are filled in later.
    columns
        Column → field, where that was said by hand; None as a field for one that is left out.

    Raises
    ------
    DataError
        If a required field has no column, or no column fits at all; names what the source has. If `columns` cannot be
        followed.
    """
    names, columns = source.schema.names, columns or {}
    sources = match_columns(schema, source, columns)
    absent, ignored = left_over(schema, source, columns, sources)
    required = [field.name for field in absent if field.required and field.name not in supplied]
    if required or not sources:
        what = f"no column for the required field{'s' if len(required) > 1 else ''} {_listed(required)}"
        raise DataError(
            f"{source.origin} has {what if required else 'no column that the schema names'}. "
            f"It has: {_listed(names) or 'no columns'}. Rename its columns, map them "
            "by hand with columns={'column': 'field'}, or give the fields a default in the schema"
        )
    for name, index in sources.items():
        ignored += ignored_inside(source.schema.field(index).type, schema[name].type, schema.named, name)
    return ColumnPlan(sources, tuple(ignored), tuple(field.name for field in absent if field.name not in supplied))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(shorten(name, 40)) for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def prepare(
    source: Tabular,
    schema: Schema,
    plan: ColumnPlan,
    key: Sequence[str] = (),
    *,
    nan_is_null: bool = False,
    filled: str | None = None,
) -> Iterator[Prepared]:
    """Convert the source's rows, block by block.

    Parameters
    ----------
    source
        The rows.
    schema
        Of the collection.
    plan
        From :func:`plan_columns`.
    key
        The fields that an item's key is made of, which no item may leave out.
    nan_is_null
        Whether numbers that are not finite are taken for gaps; otherwise they are rejected.
    filled
        A field whose gaps are filled later on; None for none.

    Yields
    ------
    Prepared
        For every block of the source; good rows in order.

    Raises
    ------
    DataError
        If a column is of a kind that its field cannot take, or the source cannot be read on.
    """
    arrow = wire_schema(schema, list(plan.sources))
    wanted = {source.schema.names[index] for index in plan.sources.values()}
    reading = Reading(schema, tuple(key), nan_is_null, filled, source.decimal == ",")
    yield from in_order(_Work(plan, arrow, reading).prepare, source.blocks(wanted))


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with every block."""

    plan: ColumnPlan
    arrow: pa.Schema
    reading: Reading

    def prepare(self, block: Block) -> Prepared:
        columns, rejects = [], [_malformed(block.malformed)]
        keep = np.ones(len(block.rows), bool)
        for name, index in self.plan.sources.items():
            field, cells = self.reading.schema[name], block.batch.column(index)
            converted = self.reading.convert(cells, field)
            columns.append(converted.values)
            for refusal in converted.refusals:
                rejects.append(rejects_of(refusal, cells, block.rows, field))
                keep[refusal.positions.to_numpy()] = False
        batch, rows = pa.RecordBatch.from_arrays(columns, schema=self.arrow), block.rows
        if not keep.all():
            batch, rows = batch.filter(pa.array(keep)), rows.filter(pa.array(keep))
        rejected = len(block.rows) - len(rows) + len(block.malformed)
        return Prepared(batch, rows, _by_row(rejects), rejected, block.blank)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of a source become values of a field.

    Parameters
    ----------
    schema, key, nan_is_null, filled
        As :func:`prepare` has them.
    decimal_comma
        Whether numbers in text have a comma before their fraction.
    """

    schema: Schema
    key: tuple[str, ...]
    nan_is_null: bool
    filled: str | None
    decimal_comma: bool

    def convert(self, cells: pa.Array, field: Field) -> Converted:
        """Convert a column.

        Raises
        ------
        DataError
            If no value of its kind can be one of the field.
        """
        if self.nan_is_null:
            cells = nan_as_null(cells)
        is_number = isinstance(without_null(field.type), Float | Double | Decimal)
        if self.decimal_comma and is_number and _holds_text(cells.type):
            cells = swap_marks(plain_layout(cells).cast(pa.string()))
        if field.name == self.filled:
            return convert(cells, Union((Null(), without_null(field.type))), self.schema.named, field.name)
        converted = _convert(cells, field, self.schema.named)
        if field.name in self.key and field.nullable:
            return require_values(converted, "no value for a field of the primary key")
        return converted


def _holds_text(kind: pa.DataType) -> bool:
    return is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _by_row(rejects: Sequence[pa.Table]) -> pa.Table:
    some = [each for each in rejects if len(each)]
    if len(some) > 1:
        return pa.concat_tables(some).sort_by("row")
    return some[0] if some else REJECTS.empty_table()


def _convert(cells: pa.Array, field: Field, named: Mapping[str, Defined]) -> Converted:
    """Convert a column; where its type has no null, gaps take the field's default if it has one."""
    converted = convert_field(cells, field, named)
    if field.nullable or field.default is MISSING or not converted.values.null_count:
        return converted
    default = default_of(field, named)
    return converted if default is None else converted.with_values(fill_nulls(converted.values, default))


def _malformed(rows: Sequence[Malformed]) -> pa.Table:
    if not rows:
        return REJECTS.empty_table()
    found = [{"row": each.row, "value": shorten(each.text, VALUE_LENGTH), "reason": each.reason} for each in rows]
    return pa.Table.from_pylist(found, REJECTS)
