"""Arrow's many layouts of the same values, and the plain ones, which its compute functions take."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["gaps", "is_list", "is_text", "plain_layout"]


def is_text(arrow: pa.DataType) -> bool:
    """Return whether a type is one of Arrow's texts."""
    return bool(pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow))


def is_list(arrow: pa.DataType) -> bool:
    """Return whether a type is one of Arrow's lists, views aside; a map is none."""
    types = pa.types
    return bool(types.is_list(arrow) or types.is_large_list(arrow) or types.is_fixed_size_list(arrow))


def gaps(values: pa.Array) -> pa.Array | None:
    """Return which values are null, as ``from_arrays`` takes it for its mask; None if none is."""
    return values.is_null() if values.null_count else None


def plain_layout(values: pa.Array) -> pa.Array:
    """Return the same values without views, dictionaries and run-ends; an array that has none is returned as it is.

    Parameters
    ----------
    values
        Any array. Text and bytes inside lists, maps and structs are made plain too; what else is in there is left.
    """
    if pa.types.is_dictionary(values.type):
        dictionary = plain_layout(values.dictionary)
        return pa.DictionaryArray.from_arrays(values.indices, dictionary).dictionary_decode()
    if pa.types.is_run_end_encoded(values.type):
        return plain_layout(pc.run_end_decode(values))
    if pa.types.is_list_view(values.type) or pa.types.is_large_list_view(values.type):
        return _list(values)
    plain = _plain_type(values.type)
    return values if plain == values.type else values.cast(plain)


def _list(views: pa.Array) -> pa.Array:
    """Return list views as lists; Arrow's own cast of them gives arrays that are not valid (pyarrow 26)."""
    lengths = pc.fill_null(pc.list_value_length(views), 0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    return pa.LargeListArray.from_arrays(offsets, plain_layout(views.flatten()), mask=gaps(views))


def _plain_type(arrow: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_string_view(arrow):
        return pa.string()
    if types.is_binary_view(arrow):
        return pa.binary()
    if types.is_list(arrow):
        return pa.list_(_plain_field(arrow.value_field))
    if types.is_large_list(arrow):
        return pa.large_list(_plain_field(arrow.value_field))
    if types.is_fixed_size_list(arrow):
        return pa.list_(_plain_field(arrow.value_field), arrow.list_size)
    if types.is_struct(arrow):
        return pa.struct([_plain_field(child) for child in arrow])
    if types.is_map(arrow):
        return pa.map_(_plain_field(arrow.key_field), _plain_field(arrow.item_field))
    return arrow


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(_plain_type(field.type))
