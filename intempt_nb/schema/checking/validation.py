"""Every value of some data that does not fit a schema: row, field, value, expected, reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.checking.columns import convert_field
from intempt_nb.schema.checking.given import BLOCK_ROWS, given, matches
from intempt_nb.schema.checking.items import as_text, item_checker
from intempt_nb.schema.checking.rejects import REJECTS, rejects_of
from intempt_nb.schema.mapping.frames import Unreadable, to_frame
from intempt_nb.schema.model import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.schema.checking.given import Column, Given
    from intempt_nb.schema.model import Field
    from intempt_nb.schema.schema import Schema

__all__ = ["validate"]


def validate(data: Any, schema: Schema, *, limit: int | None = None) -> pd.DataFrame:
    """Return every problem of some data, as an upload would refuse it.

    Parameters
    ----------
    data
        A DataFrame, Arrow data (a table, a batch, anything with ``__arrow_c_stream__``), or the items themselves: a
        list, or another iterable, of dicts as an Avro writer takes them or as plain JSON is decoded. What a value of an
        item may look like is said in :mod:`intempt_nb.schema.checking.forms` and
        :mod:`intempt_nb.schema.checking.items`. For a schema that is no record, an item is a value of its type.
    schema
        What the rows should be.
    limit
        How many problems to return at most, those of the first rows; None for all.

    Returns
    -------
    pandas.DataFrame
        Columns ``row`` (int64), ``field``, ``value``, ``expected``, ``reason`` (strings), Arrow-backed, by row; empty
        if all is well. `row` counts from 0 and is null if a whole column is meant; `field` is a path, ``address.zip``,
        ``tags[3]``, ``scores{key}``, and null if a whole item is meant. Columns that the schema does not name are no
        problem in a table, where an upload leaves them out; in an item they are.

    Raises
    ------
    DataError
        If the data is of another kind, or the limit is negative.
    """
    if limit is not None and limit < 0:
        raise DataError(f"limit is {limit}; expected a number of problems, or None for all of them")
    if _is_tabular(data):
        table = _first(_of_table(given(data), schema), limit)
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes | Mapping):
        table = _of_items(data, schema, limit)
    else:
        raise DataError(
            f"rows cannot be read from {type(data).__name__}; expected a DataFrame, Arrow data or a list of items"
        )
    return to_frame(table)


def _is_tabular(data: Any) -> bool:
    return isinstance(data, pd.DataFrame | pd.Series | pa.RecordBatch) or hasattr(data, "__arrow_c_stream__")


def _first(parts: Iterator[pa.Table], limit: int | None) -> pa.Table:
    """Return the first rows of the parts together; no more of them are made than are needed."""
    kept, missing = [REJECTS.empty_table()], limit
    while missing is None or missing > 0:
        part = next(parts, None)
        if part is None:
            break
        kept.append(part if missing is None else part.slice(0, missing))
        missing = None if missing is None else missing - len(kept[-1])
    return pa.concat_tables(kept)


def _of_table(data: Given, schema: Schema) -> Iterator[pa.Table]:
    sources = matches(schema, data.names)
    yield _whole_columns(_column_errors(data, schema, sources))
    columns = []
    for name, index in sources.items():
        field, column = schema[name], data.columns[index]
        error = column_error(column, field, schema)
        if error is None:
            columns.append((field, column))
        elif not isinstance(column.cells, Unreadable):
            yield _whole_columns([error])
    for first in range(0, data.length, BLOCK_ROWS):
        found = [part for field, column in columns for part in _of_block(column.block(first), first, field, schema)]
        if found:
            yield pa.concat_tables(found).sort_by("row")


def _of_block(cells: pa.Array, first: int, field: Field, schema: Schema) -> list[pa.Table]:
    rows = pa.array(np.arange(first, first + len(cells)))
    return [rejects_of(each, cells, rows, field) for each in convert_field(cells, field, schema.named).refusals]


def column_error(column: Column, field: Field, schema: Schema) -> DataError | None:
    """Return why no value of a column can be one of a field, None if some can; no value is looked at."""
    try:
        convert_field(pa.nulls(0, column.readable().type), field, schema.named)
    except DataError as error:
        return error
    return None


def _column_errors(data: Given, schema: Schema, sources: Mapping[str, int]) -> list[DataError]:
    errors = [column.cells.error for column in data.columns if isinstance(column.cells, Unreadable)]
    missing = [field for field in schema.fields if field.required and field.name not in sources]
    for field in missing:
        message = f"no column for a required field{suggest(field.name, data.names)}"
        errors.append(DataError(message, field=field.name, expected=describe(field.type)))
    if not sources and not missing:
        errors.append(DataError("no column that the schema names"))
    return errors


def _whole_columns(errors: Iterable[DataError]) -> pa.Table:
    rows = [
        {"row": each.row, "field": each.field, "value": each.value, "expected": each.expected, "reason": each.message}
        for each in errors
    ]
    return pa.Table.from_pylist(rows, REJECTS)


def _of_items(items: Iterable[Any], schema: Schema, limit: int | None) -> pa.Table:
    check = item_checker(schema.root, schema.named)
    found = (
        {
            "row": row,
            "field": each.path.removeprefix(".") or None,
            "value": as_text(each.value),
            "expected": each.expected,
            "reason": each.reason,
        }
        for row, item in enumerate(items)
        for each in check(item)
    )
    return pa.Table.from_pylist(list(islice(found, limit)), REJECTS)
