"""Typed columns → text, as cells of CSV and as JSON lines, which the readers and the schema's check take for the same.

JSON has booleans, numbers, text, arrays and objects. Of days, times, decimals, bytes and UUIDs there is text, which a
field of that type reads exactly. What no text says exactly, or could say to a field of another type, is refused.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.wire.outgoing import Verbatim, write_lines
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.scalars import EXACT_DOUBLE
from intempt_nb.schema.mapping.layouts import gaps, is_list, is_text, plain_layout

if TYPE_CHECKING:
    from typing import IO

__all__ = ["as_cells", "write_json_lines"]

LARGEST = 2**63 - 1
NOT_FINITE = {"nan": b"NaN", "inf": b"Infinity", "-inf": b"-Infinity"}


def write_json_lines(stream: IO[bytes], rows: pa.RecordBatch) -> None:
    """Write each row as a JSON object on a line; null is written as such, so that no column gets lost.

    Raises
    ------
    DataError
        For a column that JSON has no exact form for.
    """
    verbatim = Verbatim()
    columns = [_json(column, name, verbatim) for name, column in zip(rows.schema.names, rows.columns, strict=True)]
    lines = write_lines(pa.Table.from_arrays(columns, names=rows.schema.names), explicit_nulls=True)
    stream.write(verbatim.fill(lines.getvalue()))


def _json(values: pa.Array, name: str, verbatim: Verbatim) -> pa.Array:
    """Return a column as the JSON writer takes it."""
    values = plain_layout(values)
    kind = values.type
    if pa.types.is_null(kind) or pa.types.is_boolean(kind) or is_text(kind):
        return values
    if pa.types.is_integer(kind):
        return _within(values, name, LARGEST, "a JSON number")
    if pa.types.is_floating(kind):
        return _numbers(values.cast(pa.float64()), verbatim)
    if is_list(kind):
        lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
        offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
        return pa.LargeListArray.from_arrays(offsets, _json(values.flatten(), name, verbatim), mask=gaps(values))
    if pa.types.is_struct(kind):
        if not kind.num_fields:  # an array made of no children would have no length
            return values
        children = [_json(child, name, verbatim) for child in values.flatten()]
        return pa.StructArray.from_arrays(children, names=[each.name for each in kind], mask=gaps(values))
    return _text(values, name)


def _numbers(values: pa.Array, verbatim: Verbatim) -> pa.Array:
    """Return numbers; where some are not finite, which the writer makes null of, as the words that readers know."""
    if pc.all(pc.is_finite(values)).as_py() is not False:
        return values
    literals = [
        None if each is None else NOT_FINITE.get(repr(each), repr(each).encode()) for each in values.to_pylist()
    ]
    return verbatim.mark(literals)


def as_cells(values: pa.Array, name: str) -> pa.Array:
    """Return a column as cells of a CSV file.

    Parameters
    ----------
    values
        Of any type.
    name
        Of the column, for errors.

    Raises
    ------
    DataError
        If it holds what no cell says, or what a cell could say to a field of another type.
    """
    values = plain_layout(values)
    kind = values.type
    if is_text(kind) or pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return values.cast(pa.string())
    if pa.types.is_integer(kind):
        return _within(values, name, EXACT_DOUBLE, "CSV").cast(pa.string())
    if pa.types.is_floating(kind):
        if pc.all(pc.is_finite(values)).as_py() is False:
            raise _no_form(name, "numbers that are not finite", "CSV")
        return values.cast(pa.float64()).cast(pa.string())
    if pa.types.is_nested(kind):
        raise _no_form(name, str(kind), "CSV")
    return _text(values, name)


def _within(values: pa.Array, name: str, limit: int, form: str) -> pa.Array:
    """Return whole numbers that no field reads rounded."""
    if values.type.bit_width == 64:
        least, greatest = (each.as_py() for each in pc.min_max(values).values())
        if least is not None and not -limit - 1 <= least <= greatest <= limit:
            raise _no_form(name, f"whole numbers beyond {limit:,}", form)
    return values


def _text(values: pa.Array, name: str) -> pa.Array:
    """Return what is neither number, text nor nested, as text that a field of the same type reads exactly."""
    types, kind = pa.types, values.type
    if kind == pa.uuid():
        return pa.array([None if each is None else str(each) for each in values.to_pylist()], pa.string())
    if types.is_date(kind):
        return values.cast(pa.date32()).cast(pa.string())
    if types.is_timestamp(kind):
        return _instants(values, name)
    if types.is_time(kind):
        return values.cast(pa.string())
    if types.is_decimal(kind):
        return pa.array([None if each is None else f"{each:f}" for each in values.to_pylist()], pa.string())
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        coded = [None if each is None else base64.b64encode(each).decode() for each in values.to_pylist()]
        return pa.array(coded, pa.string())
    raise _no_form(name, str(kind), "text")


def _instants(values: pa.Array, name: str) -> pa.Array:
    if values.type.tz is not None:
        return values.cast(pa.timestamp(values.type.unit, "UTC")).cast(pa.string())
    midnight = pc.equal(pc.floor_temporal(values, unit="day"), values)
    if pc.all(midnight, min_count=1).as_py():
        raise _no_form(name, "times that may stand for days", "text")
    return values.cast(pa.string())


def _no_form(name: str, what: str, form: str) -> DataError:
    better = ".jsonl or .parquet" if form == "CSV" else ".parquet, or .arrow"
    return DataError(
        f"the column holds {what}, which {form} does not say exactly; end the path in {better}", field=name
    )
