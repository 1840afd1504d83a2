"""Anything tabular → Arrow batches: DataFrames, scans, what has the Arrow PyCapsule interface."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.mapping.frames import from_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["reader_of"]

_types = pa.types


def reader_of(data: Any, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
    """Return the rows of a DataFrame, a scan or Arrow data, batch by batch.

    Views of text and bytes, which polars hands over and few of Arrow's functions take, are large text and bytes; in
    dictionaries, lists, maps and structs too.

    Parameters
    ----------
    data
        The rows.
    columns
        Those that are read, each once, and of a DataFrame without its index; None for all.

    Raises
    ------
    DataError
        If rows cannot be read from `data`, or a column that is to be read is not there, or there more than once.
    """
    if isinstance(data, pd.DataFrame):
        if columns is not None:
            _check_names(columns, [str(each) for each in data.columns])
            data = data.loc[:, list(dict.fromkeys(columns))].reset_index(drop=True)
        data = from_frame(data)
    reader = _reader(data)
    chosen = list(dict.fromkeys(reader.schema.names if columns is None else columns))
    _check_names(chosen, reader.schema.names)
    fields = [_without_views(reader.schema.field(name)) for name in chosen]
    wanted = pa.schema(fields, reader.schema.metadata if columns is None else None)
    if wanted.equals(reader.schema, check_metadata=True):
        return reader
    return pa.RecordBatchReader.from_batches(wanted, (_cast(batch, wanted) for batch in reader))


def _reader(data: Any) -> pa.RecordBatchReader:
    if isinstance(data, pa.Table):
        return data.to_reader()
    refusal = f"rows cannot be read from {type(data).__name__}; expected a scan, a DataFrame, or Arrow data"
    if not hasattr(data, "__arrow_c_stream__"):
        raise DataError(refusal + ("; take its scan: collection.scan()" if hasattr(data, "scan") else ""))
    try:
        return pa.RecordBatchReader.from_stream(data)
    except pa.ArrowInvalid:  # a stream of values that are no rows
        if hasattr(data, "to_frame"):
            refusal = "rows cannot be read from a Series; make it a table: series.to_frame('name')"
        raise DataError(refusal) from None


def _check_names(names: Sequence[str], there: Sequence[str]) -> None:
    times = Counter(there)
    for name in names:
        if not times[name]:
            raise DataError(f"there is no column {name!r}{suggest(name, there)}", field=name)
        if times[name] > 1:
            raise DataError(f"there is more than one column {name!r}; rename all but one of them", field=name)


def _cast(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    columns = [batch.column(name) for name in wanted.names]
    plain = [each if each.type == kind else each.cast(kind) for each, kind in zip(columns, wanted.types, strict=True)]
    return pa.RecordBatch.from_arrays(plain, schema=wanted)


def _without_views(field: pa.Field) -> pa.Field:
    return field.with_type(_plain_type(field.type))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if _types.is_string_view(kind):
        return pa.large_string()
    if _types.is_binary_view(kind):
        return pa.large_binary()
    if _types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _plain_type(kind.value_type), kind.ordered)
    if _types.is_list(kind):
        return pa.list_(_without_views(kind.value_field))
    if _types.is_large_list(kind):
        return pa.large_list(_without_views(kind.value_field))
    if _types.is_fixed_size_list(kind):
        return pa.list_(_without_views(kind.value_field), kind.list_size)
    if _types.is_map(kind):
        return pa.map_(_without_views(kind.key_field), _without_views(kind.item_field), kind.keys_sorted)
    return pa.struct([_without_views(each) for each in kind]) if _types.is_struct(kind) else kind
