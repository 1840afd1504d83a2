"""Arrow types → pandas dtypes, for the three backends that pandas has.

``"pyarrow"`` keeps every type, gaps included. ``"numpy_nullable"`` has masked dtypes for numbers, booleans and text
and objects for the rest. None is pandas' own default, where an integer column with gaps becomes float64.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd
import pyarrow as pa

from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pandas.api.extensions import ExtensionDtype

__all__ = ["DtypeBackend", "pandas_dtypes", "types_mapper"]

DtypeBackend: TypeAlias = Literal["pyarrow", "numpy_nullable"] | None

_NULLABLE: Mapping[pa.DataType, ExtensionDtype] = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.float32(): pd.Float32Dtype(),
    pa.float64(): pd.Float64Dtype(),
    **dict.fromkeys((pa.string(), pa.large_string(), pa.string_view()), pd.StringDtype()),
}


def types_mapper(dtype_backend: DtypeBackend) -> Callable[[pa.DataType], ExtensionDtype | None] | None:
    """Return the ``types_mapper`` of :meth:`pyarrow.Table.to_pandas` for a pandas backend.

    Raises
    ------
    ValueError
        For a backend that pandas does not have.
    """
    match dtype_backend:
        case "pyarrow":
            return _arrow_dtype
        case "numpy_nullable":
            return _NULLABLE.get
        case None:
            return None
    raise ValueError(f"dtype_backend is {dtype_backend!r}; expected 'pyarrow', 'numpy_nullable' or None")


def _arrow_dtype(arrow: pa.DataType) -> ExtensionDtype | None:
    # pandas cannot show an ArrowDtype of months, days and nanoseconds; as objects they are its own DateOffset
    return None if arrow == pa.month_day_nano_interval() else pd.ArrowDtype(arrow)


def pandas_dtypes(schema: pa.Schema, dtype_backend: DtypeBackend = "pyarrow") -> dict[str, Any]:
    """Return the pandas dtype of each column.

    Parameters
    ----------
    schema
        The Arrow schema.
    dtype_backend
        As pandas has it:

        - ``"pyarrow"`` (the default here): `ArrowDtype`, which keeps every type, and null apart from NaN; only Avro
          durations are object, of `DateOffset`.
        - ``"numpy_nullable"``: masked numbers and booleans, text, ``datetime64``, ``timedelta64`` and ``category``. All
          else is object: bytes, days, times of day, decimals, durations, UUIDs, lists, maps, records. NaN and null are
          one there.
        - None: pandas' own defaults, the same but for numbers and booleans, which are NumPy's: where a column may have
          gaps, integers are float64, which rounds those beyond 2**53, and booleans object.

    Returns
    -------
    dict
        Column name → dtype. For None, that of a column with gaps where the field is nullable.

    Raises
    ------
    ValueError
        For a backend that pandas does not have.
    DataError
        For a type that only ``"pyarrow"`` takes: a dense union, in a list or record too.
    """
    types_mapper(dtype_backend)
    return {field.name: _dtype(field.name, field.type, field.nullable, dtype_backend) for field in schema}


def _dtype(name: str, arrow: pa.DataType, nullable: bool, dtype_backend: DtypeBackend) -> Any:
    try:
        return _made_dtype(arrow, nullable, dtype_backend)
    except pa.ArrowNotImplementedError:
        backends = "pandas takes it with dtype_backend='pyarrow' only"
        advice = "or make unions='struct', 'promote' or 'json' of the schema"
        raise DataError(f"the column is {arrow}; {backends}, {advice}", field=name) from None


@lru_cache(maxsize=4096)
def _made_dtype(arrow: pa.DataType, gaps: bool, dtype_backend: DtypeBackend) -> Any:
    """Return the dtype that pandas itself makes of a column, with or without a gap in it."""
    return pa.nulls(int(gaps), arrow).to_pandas(types_mapper=types_mapper(dtype_backend)).dtype
