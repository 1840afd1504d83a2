"""Numbers that are not finite, for which JSON has no word, as nulls."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.schema.mapping.layouts import gaps, is_list, plain_layout

__all__ = ["nan_as_null"]


def nan_as_null(values: pa.Array) -> pa.Array:
    """Return the same values with null for NaN and infinity, also inside lists, maps and structs.

    Parameters
    ----------
    values
        Any array. It is returned as it is if every number in it is finite. What is inside Arrow unions and extension
        types is left.
    """
    types, kind = pa.types, values.type
    if types.is_floating(kind):
        finite = pc.is_finite(values)
        return values if pc.all(finite).as_py() is not False else pc.if_else(finite, values, pa.scalar(None, kind))
    if types.is_dictionary(kind):
        dictionary = values.dictionary
        inner = nan_as_null(dictionary)
        return values if inner is dictionary else pa.DictionaryArray.from_arrays(values.indices, inner)
    if types.is_run_end_encoded(kind) or types.is_list_view(kind) or types.is_large_list_view(kind):
        plain = plain_layout(values)
        inner = nan_as_null(plain)
        return values if inner is plain else inner
    if is_list(kind):
        return _lists(values)
    if types.is_map(kind):
        return _maps(values)
    return _structs(values) if types.is_struct(kind) else values


def _lists(values: pa.Array) -> pa.Array:
    flat = values.flatten()
    inner = nan_as_null(flat)
    if inner is flat:
        return values
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))
    return pa.LargeListArray.from_arrays(pa.array(offsets), inner, mask=gaps(values))


def _maps(values: pa.MapArray) -> pa.MapArray:
    items = values.items
    inner = nan_as_null(items)
    if inner is items:
        return values
    offsets = pa.array(values.offsets.to_numpy())  # a slice of offsets goes with no mask
    return pa.MapArray.from_arrays(offsets, values.keys, inner, mask=gaps(values))


def _structs(values: pa.StructArray) -> pa.StructArray:
    children = values.flatten()
    inner = [nan_as_null(child) for child in children]
    if all(new is child for new, child in zip(inner, children, strict=True)):
        return values
    fields = [pa.field(child.name, new.type) for child, new in zip(values.type, inner, strict=True)]
    return pa.StructArray.from_arrays(inner, fields=fields, mask=gaps(values))
