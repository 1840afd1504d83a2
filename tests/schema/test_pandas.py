"""Arrow types → pandas dtypes, for every backend, as pandas makes them of data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from intempt_nb.schema.pandas import pandas_dtypes, types_mapper
from intempt_nb.schema.schema import Schema

FIELDS = {
    "flag": "boolean",
    "small": "int",
    "big": "long",
    "narrow": "float",
    "wide": "double",
    "text": "string",
    "raw": "bytes",
    "day": {"type": "string", "logicalType": "date"},
    "time": {"type": "long", "logicalType": "timestamp-millis"},
    "wall": {"type": "long", "logicalType": "local-timestamp-micros"},
    "kind": {"type": "enum", "name": "Kind", "symbols": ["a"]},
    "tags": {"type": "array", "items": "string"},
}
REQUIRED = Schema.parse(
    {"type": "record", "name": "r", "fields": [{"name": name, "type": avro} for name, avro in FIELDS.items()]}
)
OPTIONAL = Schema.parse(
    {"type": "record", "name": "r", "fields": [{"name": name, "type": ["null", avro]} for name, avro in FIELDS.items()]}
)

NULLABLE = {
    "flag": "boolean",
    "small": "Int32",
    "big": "Int64",
    "narrow": "Float32",
    "wide": "Float64",
    "text": "string",
    "raw": "object",
    "day": "object",
    "time": "datetime64[ms, UTC]",
    "wall": "datetime64[us]",
    "kind": "category",
    "tags": "object",
}
DEFAULT_WITHOUT_GAPS = {
    **NULLABLE,
    "flag": "bool",
    "small": "int32",
    "big": "int64",
    "narrow": "float32",
    "wide": "float64",
    "text": "str",
}
DEFAULT_WITH_GAPS = {**DEFAULT_WITHOUT_GAPS, "flag": "object", "small": "float64", "big": "float64"}


def names(dtypes: dict[str, Any]) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in dtypes.items()}


@pytest.mark.parametrize("schema", [REQUIRED, OPTIONAL], ids=["required", "optional"])
def test_the_arrow_backend_keeps_every_type(schema: Schema) -> None:
    arrow = schema.to_arrow()
    assert schema.to_pandas() == {field.name: pd.ArrowDtype(field.type) for field in arrow}
    assert schema.to_pandas() == schema.to_pandas("pyarrow")


@pytest.mark.parametrize("schema", [REQUIRED, OPTIONAL], ids=["required", "optional"])
def test_the_nullable_backend(schema: Schema) -> None:
    assert names(schema.to_pandas("numpy_nullable")) == NULLABLE


def test_the_default_of_pandas_depends_on_gaps() -> None:
    assert names(REQUIRED.to_pandas(None)) == DEFAULT_WITHOUT_GAPS
    assert names(OPTIONAL.to_pandas(None)) == DEFAULT_WITH_GAPS


@pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable", None])
def test_the_dtypes_are_those_of_a_frame(backend: Any) -> None:
    gaps = pa.table({field.name: pa.nulls(2, field.type) for field in OPTIONAL.to_arrow()})
    frame = gaps.to_pandas(types_mapper=types_mapper(backend))
    assert names(dict(frame.dtypes)) == names(OPTIONAL.to_pandas(backend))


def test_large_numbers_with_gaps_survive_all_but_the_default() -> None:
    column = pa.table({"big": pa.array([2**53 + 1, None])})
    for backend in ("pyarrow", "numpy_nullable"):
        assert column.to_pandas(types_mapper=types_mapper(backend))["big"].iloc[0] == 2**53 + 1
    assert column.to_pandas(types_mapper=types_mapper(None))["big"].dtype == np.float64


def test_an_unknown_backend_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected 'pyarrow', 'numpy_nullable' or None"):
        REQUIRED.to_pandas("numpy")


def test_any_arrow_type_has_a_dtype() -> None:
    schema = pa.schema([("n", pa.null()), ("u", pa.uuid()), ("m", pa.map_(pa.string(), pa.int64()))])
    assert pandas_dtypes(schema) == {field.name: pd.ArrowDtype(field.type) for field in schema}
    assert names(pandas_dtypes(schema, None)) == dict.fromkeys("num", "object")
