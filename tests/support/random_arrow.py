"""Random Arrow types and fields, for hypothesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["arrow_types"]

UNITS = ("s", "ms", "us", "ns")
TEXTS = (pa.string(), pa.large_string(), pa.string_view())
INTEGERS = (
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
)
LEAVES = (
    *(pa.bool_(), *INTEGERS, pa.float16(), pa.float32(), pa.float64()),
    *(*TEXTS, pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(0), pa.binary(3)),
    *(pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
    *(pa.timestamp(unit, zone) for unit in UNITS for zone in (None, "UTC", "Europe/Berlin", "+02:00")),
    *(pa.duration(unit) for unit in UNITS),
    *(pa.decimal32(5, 2), pa.decimal64(18, 0), pa.decimal128(38, 38), pa.decimal256(10, 2), pa.decimal256(76, 9)),
    *(pa.decimal128(3, 7), pa.month_day_nano_interval(), pa.uuid()),
)
NAMES = ("a", "b", "item", "element", "key", "value", "a b", "é", "long", "com.shop.A", "Record")


def arrow_types(*, extensions: bool = True, nulls: bool = True, unions: bool = True) -> SearchStrategy[pa.DataType]:
    """Return a strategy of Arrow types, nested up to three deep.

    Parameters
    ----------
    extensions
        Whether there are extension types other than UUID.
    nulls
        Whether there is the type of nothing but nulls.
    unions
        Whether there are unions.
    """
    more = (pa.json_(), pa.bool8()) if extensions else ()
    leaves = st.sampled_from([*LEAVES, *more, *((pa.null(),) if nulls else ())])
    return st.recursive(leaves, lambda inner: _nested(inner, unions), max_leaves=5)


@st.composite
def _nested(draw: DrawFn, inner: SearchStrategy[pa.DataType], unions: bool) -> pa.DataType:
    def children(least: int, most: int) -> list[pa.Field]:
        names = draw(st.lists(st.sampled_from(NAMES), min_size=least, max_size=most, unique=True))
        return [pa.field(name, draw(inner), draw(st.booleans())) for name in names]

    kinds = ["list", "large_list", "list_view", "large_list_view", "fixed", "map", "struct", "dictionary", "run_end"]
    match draw(st.sampled_from([*kinds, *["union"] * unions])):
        case "fixed":
            return pa.list_(children(1, 1)[0], draw(st.integers(0, 3)))
        case "map":
            key = draw(st.sampled_from([*TEXTS, pa.int32(), pa.date32()]))
            return pa.map_(pa.field("key", key, False), children(1, 1)[0], keys_sorted=draw(st.booleans()))
        case "struct":
            return pa.struct(children(0, 3))
        case "dictionary":
            values = st.sampled_from([*TEXTS, pa.int64(), pa.date32(), pa.binary()])
            return pa.dictionary(draw(st.sampled_from(INTEGERS)), draw(values), ordered=draw(st.booleans()))
        case "run_end":
            return pa.run_end_encoded(draw(st.sampled_from([pa.int16(), pa.int32(), pa.int64()])), draw(inner))
        case "union":
            parts = children(1, 3)
            codes = draw(st.permutations(range(10)))[: len(parts)] if draw(st.booleans()) else list(range(len(parts)))
            return draw(st.sampled_from([pa.dense_union, pa.sparse_union]))(parts, codes)
        case kind:
            return {
                "list": pa.list_,
                "large_list": pa.large_list,
                "list_view": pa.list_view,
                "large_list_view": pa.large_list_view,
            }[kind](children(1, 1)[0])
