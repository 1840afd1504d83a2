"""Columns between the Arrow types that Avro types have and the ones a schema remembers (``arrow.type``).

Both ways: `recast` of what was read gives the remembered type, `recast` of what is to be written the Avro type's own.
Where pyarrow has a cast it is used; it has none for run-end encoding, list views, maps of other keys than text, structs
whose children are called otherwise, most dictionaries and unions.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.schema.mapping.layouts import gaps

__all__ = ["recast"]

_VIEWS = (pa.ListViewType, pa.LargeListViewType)
_LISTS = (pa.ListType, pa.LargeListType, pa.FixedSizeListType, pa.MapType, *_VIEWS)


def recast(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Return a column as another Arrow type of the same Avro type.

    Parameters
    ----------
    values
        Any array; parts of structs and unions are told by their position.
    target
        The type wanted.

    Returns
    -------
    pyarrow.Array
        As long as `values`, null where they are; nothing is rounded.

    Raises
    ------
    pyarrow.ArrowInvalid
        For a value that the type does not hold: 300 as uint8, a time finer than a microsecond as time64[us].
    pyarrow.ArrowNotImplementedError
        For types that are not of one Avro type.
    """
    source = values.type
    if source.equals(target):
        return values
    if isinstance(target, pa.RunEndEncodedType):
        return pc.run_end_encode(recast(values, target.value_type), run_end_type=target.run_end_type)
    if isinstance(source, pa.RunEndEncodedType):
        return recast(pc.run_end_decode(values), target)
    if isinstance(target, pa.DictionaryType):
        return _dictionary(values, target)
    if isinstance(source, pa.DictionaryType):
        return recast(values.dictionary.take(values.indices), target)
    if isinstance(values, pa.ExtensionArray):
        return recast(values.storage, target)
    if isinstance(source, pa.StructType) and isinstance(target, pa.StructType):
        return _struct(values, target)
    if isinstance(source, _LISTS) and isinstance(target, _LISTS):
        return _list(values, target)
    if isinstance(source, pa.UnionType) or isinstance(target, pa.UnionType):
        return _union(values, target)
    return values.cast(target)


def _dictionary(values: pa.Array, target: pa.DictionaryType) -> pa.Array:
    if not isinstance(values.type, pa.DictionaryType):
        values = recast(values, target.value_type).dictionary_encode()
    indices = values.indices.cast(target.index_type)
    words = recast(values.dictionary, target.value_type)
    return pa.DictionaryArray.from_arrays(indices, words, ordered=target.ordered)


def _struct(values: pa.StructArray, target: pa.StructType) -> pa.Array:
    if not target.num_fields:  # an array made of no children would have no length
        return values
    parts = zip(values.flatten(), target, strict=True)
    children = [recast(child, each.type) for child, each in parts]
    return pa.StructArray.from_arrays(children, fields=list(target), mask=gaps(values))


def _list(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Take any list apart into lengths and elements, and make another kind of list of them."""
    lengths = np.asarray(pc.fill_null(_lengths(values), 0), np.int64)
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    elements = _elements(values)
    mask = gaps(values)
    if isinstance(target, pa.MapType):
        entries = pa.struct([target.key_field, target.item_field])
        keys, items = recast(elements, entries).flatten()
        return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, items, type=target, mask=mask)
    elements = recast(elements, target.value_type)
    if isinstance(target, _VIEWS):
        small = isinstance(target, pa.ListViewType)
        kind, index = (pa.ListViewArray, pa.int32()) if small else (pa.LargeListViewArray, pa.int64())
        starts, sizes = pa.array(offsets[:-1], index), pa.array(lengths, index)
        return kind.from_arrays(starts, sizes, elements, type=target, mask=mask)
    plain = pa.large_list(target.value_field)
    made = pa.LargeListArray.from_arrays(pa.array(offsets), elements, type=plain, mask=mask)
    return made.cast(target)


def _lengths(values: pa.Array) -> pa.Array:
    if isinstance(values, pa.MapArray):
        return pc.subtract(values.offsets[1:], values.offsets[:-1])
    return pc.list_value_length(values)


def _elements(values: pa.Array) -> pa.Array:
    """Return the elements of all lists that are not null, one behind the other."""
    if not isinstance(values, pa.MapArray):
        return values.flatten()
    first, last = values.offsets[0].as_py(), values.offsets[-1].as_py()
    keys, items = values.keys[first:last], values.items[first:last]
    return pa.StructArray.from_arrays([keys, items], fields=[values.type.key_field, values.type.item_field])


def _union(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Give each row to the branch at the same place, null not counted; a union of one branch is a type with gaps."""
    children, branches, places = _branches(values)
    some = [index for index, child in enumerate(children) if not pa.types.is_null(child.type)]
    if not isinstance(target, pa.UnionType) and len(some) == 1:
        absent = branches != some[0]
        return recast(children[some[0]].take(pa.array(np.where(absent, 0, places), mask=absent)), target)
    kinds = [target.field(index).type for index in range(target.num_fields)] if target.num_fields else []
    wanted = [index for index, kind in enumerate(kinds) if not pa.types.is_null(kind)]
    if len(wanted) != len(some) or not isinstance(target, pa.UnionType):
        raise pa.ArrowNotImplementedError(f"no cast from {values.type} to {target}")
    null = next((index for index, kind in enumerate(kinds) if pa.types.is_null(kind)), None)
    gap = null if null is not None else next((at for at in wanted if target.field(at).nullable), 0)
    chosen = np.full(len(values), -1)
    columns = [pa.nulls(0, kind) for kind in kinds]
    for index, place in zip(some, wanted, strict=True):
        rows = branches == index
        if null is not None:
            rows[rows] = children[index].take(pa.array(places[rows])).is_valid().to_numpy(zero_copy_only=False)
        chosen[rows] = place
        columns[place] = recast(children[index].take(pa.array(places[rows])), kinds[place])
    return _united(columns, chosen, gap, target)


def _branches(values: pa.Array) -> tuple[list[pa.Array], np.ndarray, np.ndarray]:
    """Return the children of a union, which of them each row is in, and where; anything else is a union of itself."""
    kind, rows = values.type, np.arange(len(values))
    if not isinstance(kind, pa.UnionType):
        return [values], np.zeros(len(values), np.int64), rows
    # Read from the buffers, as the type codes of a part of an array are not those of the part (pyarrow 26).
    part = slice(values.offset, values.offset + len(values))
    codes = np.frombuffer(values.buffers()[1], np.int8)[part]
    place_of = np.zeros(128, np.int64)
    place_of[kind.type_codes] = np.arange(kind.num_fields)
    places = np.frombuffer(values.buffers()[2], np.int32)[part] if kind.mode == "dense" else rows
    return [values.field(index) for index in range(kind.num_fields)], place_of[codes], places


def _united(columns: list[pa.Array], chosen: np.ndarray, gap: int, target: pa.UnionType) -> pa.Array:
    """Return the union of each branch's values in order; rows without one (-1) are nulls of the branch `gap`."""
    missing = chosen < 0
    held = chosen == gap
    chosen = np.where(missing, gap, chosen)
    spots = np.cumsum(held)[chosen == gap] - 1
    columns[gap] = columns[gap].take(pa.array(np.maximum(spots, 0), mask=missing[chosen == gap]))
    places = np.zeros(len(chosen), np.int32)
    for index, column in enumerate(columns):
        places[chosen == index] = np.arange(len(column))
    if target.mode == "sparse":
        masks = [chosen != index for index in range(len(columns))]
        columns = [
            column.take(pa.array(np.where(mask, 0, places), mask=mask))
            for column, mask in zip(columns, masks, strict=True)
        ]
    codes = pa.py_buffer(np.asarray(target.type_codes, np.int8)[chosen])
    buffers = [None, codes, *([pa.py_buffer(places)] if target.mode == "dense" else [])]
    return pa.Array.from_buffers(target, len(chosen), buffers, children=columns)
