"""Arrow types → pandas dtypes, for every backend, as pandas makes them of data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.pandas import pandas_dtypes, types_mapper
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
    "id": {"type": "fixed", "name": "Id", "size": 16, "logicalType": "uuid"},
    "code": {"type": "fixed", "name": "Code", "size": 2},
    "price": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    "huge": {"type": "bytes", "logicalType": "decimal", "precision": 50},
    "clock": {"type": "int", "logicalType": "time-millis"},
    "nanos": {"type": "long", "logicalType": "timestamp-nanos"},
    "stay": {"type": "fixed", "name": "Stay", "size": 12, "logicalType": "duration"},
    "words": {"type": "map", "values": "long"},
    "place": {"type": "record", "name": "Place", "fields": [{"name": "x", "type": "double"}]},
    "nothing": "null",
}
REQUIRED = Schema.parse(
    {"type": "record", "name": "r", "fields": [{"name": name, "type": avro} for name, avro in FIELDS.items()]}
)
OPTIONAL = Schema.parse(
    {
        "type": "record",
        "name": "r",
        "fields": [{"name": name, "type": avro if avro == "null" else ["null", avro]} for name, avro in FIELDS.items()],
    }
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
    **dict.fromkeys(("id", "code", "price", "huge", "clock", "stay", "words", "place", "nothing"), "object"),
    "nanos": "datetime64[ns, UTC]",
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
    expected = {field.name: pd.ArrowDtype(field.type) for field in arrow}
    expected["stay"] = np.dtype(object)  # a duration: pandas cannot show an ArrowDtype of it
    assert schema.to_pandas() == expected
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
    with pytest.raises(ValueError, match="expected 'pyarrow', 'numpy_nullable' or None"):
        pandas_dtypes(pa.schema([]), "numpy")  # type: ignore[arg-type]  # what is tested


def test_only_the_arrow_backend_keeps_null_apart_from_nan() -> None:
    table = pa.table({"x": pa.array([float("nan"), None])})
    gaps = {
        backend: list(table.to_pandas(types_mapper=types_mapper(backend))["x"].array.isna())
        for backend in ("pyarrow", "numpy_nullable", None)
    }
    assert gaps == {"pyarrow": [False, True], "numpy_nullable": [True, True], None: [True, True]}


UNION = Schema.parse(
    {
        "type": "record",
        "name": "r",
        "fields": [{"name": "u", "type": ["null", "long", "double"]}, {"name": "n", "type": "long"}],
    }
)


def test_a_dense_union_is_for_the_arrow_backend_only() -> None:
    assert UNION.to_pandas()["u"] == pd.ArrowDtype(UNION.to_arrow().field("u").type)
    for backend in ("numpy_nullable", None):
        with pytest.raises(DataError, match=r"dtype_backend='pyarrow' only, or make unions='struct'") as caught:
            UNION.to_pandas(backend)
        assert caught.value.field == "u"
    nested = pa.schema([("l", pa.list_(UNION.to_arrow().field("u").type))])
    with pytest.raises(DataError, match="the column is list<item: dense_union"):
        pandas_dtypes(nested, None)


def test_the_other_forms_of_a_union_are_for_every_backend() -> None:
    found = {form: names(UNION.to_pandas(None, unions=form))["u"] for form in ("promote", "struct", "json")}
    assert found == {"promote": "float64", "struct": "object", "json": "str"}
    assert UNION.to_pandas(unions="json")["u"] == pd.ArrowDtype(pa.string())


def test_a_date_on_string_is_text_on_request() -> None:
    assert REQUIRED.to_pandas(string_dates="string")["day"] == pd.ArrowDtype(pa.string())


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_integers_of_any_size_have_a_masked_dtype(bits: int) -> None:
    schema = pa.schema([("i", getattr(pa, f"int{bits}")()), ("u", getattr(pa, f"uint{bits}")())])
    assert names(pandas_dtypes(schema, "numpy_nullable")) == {"i": f"Int{bits}", "u": f"UInt{bits}"}


def test_any_arrow_type_has_a_dtype() -> None:
    schema = pa.schema([("n", pa.null()), ("u", pa.uuid()), ("m", pa.map_(pa.string(), pa.int64()))])
    assert pandas_dtypes(schema) == {field.name: pd.ArrowDtype(field.type) for field in schema}
    assert names(pandas_dtypes(schema, None)) == dict.fromkeys("num", "object")
