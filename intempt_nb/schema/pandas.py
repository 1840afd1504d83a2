"""Arrow types → pandas dtypes, for the three backends that pandas has.

``"pyarrow"`` keeps every type, gaps included. ``"numpy_nullable"`` has masked dtypes for numbers, booleans and text
and objects for the rest. None is pandas' own default, where an integer column with gaps becomes float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pandas.api.extensions import ExtensionDtype

__all__ = ["DtypeBackend", "pandas_dtypes", "types_mapper"]

DtypeBackend: TypeAlias = Literal["pyarrow", "numpy_nullable"] | None

_NULLABLE: Mapping[pa.DataType, ExtensionDtype] = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.float32(): pd.Float32Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.string(): pd.StringDtype(),
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
            return pd.ArrowDtype
        case "numpy_nullable":
            return _NULLABLE.get
        case None:
            return None
    raise ValueError(f"dtype_backend is {dtype_backend!r}; expected 'pyarrow', 'numpy_nullable' or None")


def pandas_dtypes(schema: pa.Schema, dtype_backend: DtypeBackend = "pyarrow") -> dict[str, Any]:
    """Return the pandas dtype of each column.

    Parameters
    ----------
    schema
        The Arrow schema.
    dtype_backend
        As pandas has it: ``"pyarrow"`` (the default here), ``"numpy_nullable"``, or None for pandas' own defaults.

    Returns
    -------
    dict
        Column name → dtype. For None, nullable integers and booleans are what pandas makes of them once there are
        gaps: float64 and object.
    """
    mapper = types_mapper(dtype_backend)
    return {field.name: _dtype(field, mapper) for field in schema}


def _dtype(field: pa.Field, mapper: Callable[[pa.DataType], ExtensionDtype | None] | None) -> Any:
    gaps = 1 if mapper is None and field.nullable else 0
    return pa.nulls(gaps, field.type).to_pandas(types_mapper=mapper).dtype
