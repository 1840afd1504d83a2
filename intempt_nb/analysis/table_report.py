"""`table_report`: skrub's interactive report, of rows in types that it takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.errors import DataError
from intempt_nb.extras import require
from intempt_nb.schema.mapping.readers import reader_of
from intempt_nb.transfer.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from skrub import TableReport

__all__ = ["table_report"]

_types = pa.types


def table_report(data: Any, limit: int = 10_000) -> TableReport:
    """Return skrub's report of the first rows: a sample, each column's distribution, associations between columns.

    It is one piece of HTML that fetches nothing, follows the notebook's light or dark theme, and stays interactive
    without a kernel: ``report.write_html("report.html")``. :func:`profile` looks at all rows of any number instead.

    skrub does not take all of Arrow's types as they are, so for the report alone decimals become the nearest doubles,
    dates their midnights, lists, maps and records JSON text, bytes hexadecimal text.

    Parameters
    ----------
    data
        ``collection.scan()``, a DataFrame, or Arrow data.
    limit
        How many rows at most, the first ones; the title says so where there are more.

    Returns
    -------
    skrub.TableReport
        Shown by a notebook; ``.open()`` shows it in the browser.

    Raises
    ------
    ConfigurationError
        If skrub is not installed.
    DataError
        If rows cannot be read from `data`, or the limit is no number of rows.

    Examples
    --------
    >>> inb.analysis.table_report(client.collections["purchases"].scan())
    """
    skrub = require("skrub", "report")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise DataError(f"limit is {limit!r}; expected a whole number of rows from 1 on")
    table = _first_rows(data, limit + 1)
    title = f"The first {limit:,} rows" if len(table) > limit else None
    table = table.slice(0, limit)
    frame = pd.DataFrame({name: _shown(column) for name, column in zip(table.column_names, table.columns, strict=True)})
    report: TableReport = skrub.TableReport(frame, title=title, verbose=0)
    return report


def _first_rows(data: Any, limit: int) -> pa.Table:
    """Return the first rows, and read hardly more."""
    if isinstance(data, pd.DataFrame):
        data = data.head(limit)
    if isinstance(data, Scan) and (data.limit is None or data.limit > limit):
        data = replace(data, limit=limit)
    reader = reader_of(data)
    batches, rows = [], 0
    for batch in reader:
        batches.append(batch.slice(0, limit - rows))
        rows += len(batches[-1])
        if rows == limit:
            break
    return pa.Table.from_batches(batches, reader.schema)


def _shown(column: pa.ChunkedArray) -> Any:
    """Return a column of a type that skrub takes."""
    kind = column.type
    if isinstance(kind, pa.UuidType):
        return _texts(column.to_pylist(), str)
    if isinstance(kind, pa.BaseExtensionType):
        return _shown(column.cast(kind.storage_type))
    if _types.is_dictionary(kind):
        return _shown(column.cast(kind.value_type))
    if _types.is_date(kind):
        return np.asarray(column.cast(pa.timestamp("s")))
    if _types.is_timestamp(kind):
        return column.to_pandas()
    if _types.is_nested(kind) or _types.is_interval(kind):
        return _texts(column.to_pylist(maps_as_pydicts="lossy"), _json)
    if _is_bytes(kind):
        return _texts(column.to_pylist(), bytes.hex)
    if _types.is_decimal(kind) or _types.is_float16(kind):
        column = column.cast(pa.float64())
    return pd.arrays.ArrowExtensionArray(column)


def _texts(values: list[Any], text: Callable[[Any], str]) -> Any:
    texts = [None if each is None else text(each) for each in values]
    return pd.arrays.ArrowExtensionArray(pa.array(texts, pa.string()))


def _is_bytes(kind: pa.DataType) -> bool:
    known = _types.is_binary, _types.is_large_binary, _types.is_fixed_size_binary
    return any(each(kind) for each in known)


def _json(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, default=lambda part: part.hex() if isinstance(part, bytes) else str(part)
    )
