"""Numbers that are not finite as nulls, wherever in an array they stand."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from intempt_nb.schema.mapping.nan import nan_as_null

NAN, INF = math.nan, math.inf
NESTED = pa.list_(pa.struct([pa.field("a", pa.map_(pa.string(), pa.float64())), pa.field("b", pa.float32(), False)]))


def mended(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [mended(each) for each in value]
        case tuple():
            return tuple(mended(each) for each in value)
        case dict():
            return {key: mended(each) for key, each in value.items()}
        case _:
            return value


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.0, NAN, None, -INF]),
        pa.array([1.0, NAN, None, INF], pa.float16()),
        pa.array([1.0, NAN, None, NAN]).dictionary_encode(),
        pc.run_end_encode(pa.array([1.0, NAN, NAN, None, 2.0])),
        pa.array([[1.0, NAN], None, [], [INF]]),
        pa.array([[1.0, NAN], None, [INF, 2.0]], pa.list_(pa.float32(), 2)),
        pa.array([[1.0, NAN], None, [], [INF]], pa.large_list_view(pa.float64())),
        pa.array([[("a", [NAN])], None, [], [("b", None), ("c", [1.0])]], pa.map_(pa.string(), pa.list_(pa.float64()))),
        pa.array([[{"a": [("k", NAN)], "b": 1.0}], None, [{"a": [("k", 1.0)], "b": INF}, None]], NESTED),
    ],
    ids=lambda values: str(values.type),
)
def test_nan_and_infinity_become_null_everywhere(values: pa.Array) -> None:
    for start in range(len(values)):
        for part in (values[start:], values[:start], values[start : start + 2]):
            found = nan_as_null(part)
            found.validate(full=True)
            assert found.to_pylist() == mended(part.to_pylist())


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.0, None]),
        pa.array(["NaN", "a"]).dictionary_encode(),
        pc.run_end_encode(pa.array([1.0, None])),
        pa.array([[1.0], None]),
        pa.array(
            [{"a": 1.0, "b": [("k", 2.0)]}], pa.struct({"a": pa.float64(), "b": pa.map_(pa.string(), pa.float64())})
        ),
        pa.array([b"\0" * 16], pa.uuid()),
    ],
    ids=lambda values: str(values.type),
)
def test_an_array_of_finite_numbers_is_left_as_it_is(values: pa.Array) -> None:
    assert nan_as_null(values) is values
