"""Any Arrow column → the Arrow type of an Avro type, cell by cell and without loss.

What both types can say is converted; a cell that cannot be said in the target is refused with a reason (5.5 as a long,
a time of day as a date, 2**60 as a double). A column of a kind that makes no sense for the target (booleans as a long)
is an error of the whole column.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.errors import DataError
from intempt_nb.schema.checking.forms import form_of
from intempt_nb.schema.checking.items import Found, as_text, item_checker
from intempt_nb.schema.checking.matching import match_names
from intempt_nb.schema.checking.reading import read_text
from intempt_nb.schema.checking.refusals import Converted, Reader, Refusal
from intempt_nb.schema.checking.scalars import convert_scalar, finite
from intempt_nb.schema.mapping.arrow import WIRE, arrow_type, holds_json_text
from intempt_nb.schema.mapping.layouts import gaps, is_list, is_text, plain_layout
from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
    Date,
    Defined,
    Double,
    Duration,
    Float,
    Map,
    Null,
    Record,
    Union,
    describe,
    is_nullable,
    resolved,
    without_null,
)
from intempt_nb.schema.parsing.defaults import default_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from intempt_nb.schema.model import Field

__all__ = ["convert", "convert_field", "require_values"]


def convert(values: pa.Array, avro_type: AvroType, named: Mapping[str, Defined], path: str) -> Converted:
    """Convert a column to the Arrow type of an Avro type.

    Parameters
    ----------
    values
        Any array.
    avro_type
        What the column should be. Nulls are refused where the type has no null branch.
    named
        The schema's named types.
    path
        The column's name, for errors.

    Returns
    -------
    Converted
        An array of the target type and as long as `values`; null where a cell was refused.

    Raises
    ------
    DataError
        If no value of the column's type can be one of the target.
    """
    if _repeats_values(values) and not holds_json_text(avro_type, named, WIRE):
        plain, converted = values, _convert_dictionary(values, avro_type, named, path)
    else:
        plain = plain_layout(values)
        converted = _convert(plain, avro_type, named, path)
    if not is_nullable(avro_type):
        converted = require_values(converted, "no value for a required field")
    if plain is values:
        return converted
    return converted.with_refusals(tuple(each.with_values_of(plain) for each in converted.refusals))


def _repeats_values(values: pa.Array) -> bool:
    dictionary = isinstance(values, pa.DictionaryArray)
    return dictionary and not pa.types.is_nested(values.type.value_type) and len(values.dictionary) <= len(values)


def _convert_dictionary(
    values: pa.DictionaryArray, avro_type: AvroType, named: Mapping[str, Defined], path: str
) -> Converted:
    """Convert each value of the dictionary once, however many cells have it."""
    dictionary = plain_layout(values.dictionary)
    distinct = _convert(dictionary, avro_type, named, path)
    refusals = []
    for each in distinct.refusals:
        positions = pc.indices_nonzero(pc.is_in(values.indices, each.positions.cast(values.indices.type)))
        if len(positions):
            found = dictionary.take(values.indices.take(positions))
            refusals.append(Refusal(positions.cast(pa.int64()), each.reason, values=found))
    return Converted(distinct.values.take(values.indices), tuple(refusals))


def convert_field(values: pa.Array, field: Field, named: Mapping[str, Defined]) -> Converted:
    """Convert a column to a field's type; gaps are left to the field's default, if it has one.

    Raises
    ------
    DataError
        As :func:`convert`.
    """
    if field.nullable or not _fills_gaps(field, named):
        return convert(values, field.type, named, field.name)
    branches = field.type.branches if isinstance(field.type, Union) else (field.type,)
    return convert(values, Union((Null(), *branches)), named, field.name)


def _fills_gaps(field: Field, named: Mapping[str, Defined]) -> bool:
    """Return whether there is a default that fits; schemas that exist already may have others."""
    if field.default is MISSING or any(default_problems(field.default, field.type, named, "")):
        return False
    return not isinstance(field.type, Date) or form_of(field.type)(field.default) is None


def require_values(converted: Converted, reason: str) -> Converted:
    """Return the column with its gaps refused too, for `reason`."""
    if not converted.values.null_count:
        return converted
    gaps = pc.indices_nonzero(pc.is_null(converted.values)).cast(pa.int64())
    for each in converted.refusals:
        gaps = gaps.filter(pc.invert(pc.is_in(gaps, each.positions)))
    if not len(gaps):
        return converted
    return converted.with_refusals((*converted.refusals, Refusal(gaps, reason)))


def _convert(values: pa.Array, avro_type: AvroType, named: Mapping[str, Defined], path: str) -> Converted:
    target = arrow_type(avro_type, named, WIRE)
    plain = resolved(without_null(avro_type), named)
    if pa.types.is_null(values.type):
        return Converted(pa.nulls(len(values), target))
    if holds_json_text(avro_type, named, WIRE):
        return _to_json_text(values, avro_type, named)
    match plain:
        case Array(items) if is_list(values.type):
            return _convert_list(values, items, target, named, path)
        case Record() if pa.types.is_struct(values.type):
            return _convert_struct(values, plain, target, named, path)
        case Map(item):
            return _convert_map(values, item, target, named, path)
    if is_text(values.type):
        return _from_text(values.cast(pa.string()), plain, target)
    if isinstance(plain, Double | Float) and pa.types.is_floating(values.type):
        return finite(Reader(values), target)
    if isinstance(plain, Duration) and values.type == target:
        return _durations(values, plain)
    if values.type == target:
        return Converted(values)
    return convert_scalar(values, plain, target, path)


def _durations(values: pa.Array, avro_type: Duration) -> Converted:
    """Return intervals, those that Avro has no duration for refused; value by value, as Arrow has no test to ask."""
    why_not = form_of(avro_type)
    reasons = [None if each is None else why_not(each) for each in values.to_pylist()]
    bad = [position for position, reason in enumerate(reasons) if reason is not None]
    if not bad:
        return Converted(values)
    kept = values.take(pa.array([None if reason is not None else at for at, reason in enumerate(reasons)], pa.int64()))
    return Converted(kept, (Refusal(pa.array(bad, pa.int64()), reasons[bad[0]] or ""),))


def _from_text(values: pa.Array, avro_type: AvroType, target: pa.DataType) -> Converted:
    match avro_type:
        case Array() | Record():
            return (
                Reader(values)
                .refuse_all(f"text where {describe(avro_type)} is expected")
                .done(pa.nulls(len(values), target))
            )
        case _:
            return read_text(values, avro_type, target)


def _to_json_text(values: pa.Array, avro_type: AvroType, named: Mapping[str, Defined]) -> Converted:
    """Return JSON text; strings are taken to be JSON text already, as such a column is when it was loaded."""
    check = item_checker(avro_type, named, extra_keys=True)
    is_json = is_text(values.type)
    texts: list[str | None] = []
    found: dict[tuple[str, str | None], list[tuple[int, Found]]] = {}
    for row, value in enumerate(values.to_pylist()):
        text, problems = (None, ()) if value is None else _json_text(value, is_json, check, describe(avro_type))
        texts.append(None if problems else text)
        for each in problems:
            found.setdefault((each.reason, each.expected), []).append((row, each))
    refusals = [
        Refusal(
            pa.array([row for row, _ in cells], pa.int64()),
            reason,
            values=pa.array([as_text(each.value) for _, each in cells], pa.string()),
            paths=pa.array([each.path for _, each in cells], pa.string()),
            expected=expected,
        )
        for (reason, expected), cells in found.items()
    ]
    return Converted(pa.array(texts, pa.string()), tuple(refusals))


def _json_text(
    value: Any, is_json: bool, check: Callable[[Any], Sequence[Found]], expected: str
) -> tuple[str | None, Sequence[Found]]:
    """Return a cell as JSON text, and what is wrong with it."""
    try:
        text = value if is_json else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        decoded = json.loads(value) if is_json else value
    except (ValueError, RecursionError):
        return None, [Found(value, expected, "not JSON text")]
    except TypeError as error:
        return None, [Found(value, expected, f"{error}; give the column as JSON text")]
    return text, check(decoded)


def _convert_list(
    values: pa.Array, items: AvroType, target: pa.DataType, named: Mapping[str, Defined], path: str
) -> Converted:
    flat = values.flatten()
    inner = convert(flat, items, named, f"{path}[]")
    lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
    ends = pc.cumulative_sum(lengths)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends]).cast(pa.int32())
    mask = gaps(values)
    lists = pa.ListArray.from_arrays(offsets, inner.values, type=target, mask=mask)
    parents = pc.list_parent_indices(values).cast(pa.int64())
    refusals = []
    for each in inner.refusals:
        first = offsets.take(parents.take(each.positions))
        places = pc.subtract(each.positions, first.cast(pa.int64())).cast(pa.string())
        refusals.append(_lift(each, flat, ("[", places, "]"), parents, items))
    return Converted(lists, tuple(refusals))


def _lift(
    refusal: Refusal, child: pa.Array, step: tuple[str, pa.Array | str, str], parents: pa.Array, avro_type: AvroType
) -> Refusal:
    """Return a refusal inside a nested value as one of the row that holds it.

    Parameters
    ----------
    refusal
        Its positions are those of `child`.
    child
        All parts of all rows.
    step
        The way from the row to the part, in three pieces: the one in the middle may be another for each cell.
    parents
        The row of each part.
    avro_type
        Of the part.
    """
    before, middle, after = step
    rest: pa.Array | str = refusal.path if refusal.paths is None else refusal.paths
    exact = isinstance(middle, str) and isinstance(rest, str)
    paths = None if exact else pc.binary_join_element_wise(before, middle, after, rest, "")
    return Refusal(
        parents.take(refusal.positions),
        refusal.reason,
        f"{before}{middle if isinstance(middle, str) else ''}{after}{refusal.path}",
        refusal.with_values_of(child).values,
        paths,
        refusal.expected or describe(avro_type),
    )


def _convert_struct(
    values: pa.Array, record: Record, target: pa.DataType, named: Mapping[str, Defined], path: str
) -> Converted:
    here = pc.indices_nonzero(pc.is_valid(values)).cast(pa.int64())
    children, refusals = [], []
    matched = match_names(record.fields, [child.name for child in values.type])
    for each in record.fields:
        index = matched.get(each.name)
        child = pa.nulls(len(values)) if index is None else values.field(index)
        # Only the rows that have the record are asked for its fields.
        part = convert(child.take(here), each.type, named, f"{path}.{each.name}")
        children.append(_scatter(part.values, here, len(values)))
        step = (".", each.name, "")
        refusals += [_lift(refusal, child.take(here), step, here, each.type) for refusal in part.refusals]
    if not children:  # an array made of no children would have no length
        return Converted(pa.array([None if empty is None else {} for empty in values.to_pylist()], target))
    return Converted(pa.StructArray.from_arrays(children, fields=list(target), mask=gaps(values)), tuple(refusals))


def _scatter(values: pa.Array, positions: pa.Array, length: int) -> pa.Array:
    """Return an array of `length` with `values` at `positions` and null elsewhere."""
    if len(values) == length:
        return values
    return values.take(pc.index_in(pa.array(np.arange(length)), positions))


def _convert_map(
    values: pa.Array, item: AvroType, target: pa.DataType, named: Mapping[str, Defined], path: str
) -> Converted:
    if pa.types.is_map(values.type):
        entries = values
    elif pa.types.is_struct(values.type):
        # A dict column reaches Arrow as a struct of all keys: a key that is null in a row was not there.
        rows = [
            None if row is None else [(k, v) for k, v in row.items() if v is not None] for row in values.to_pylist()
        ]
        kinds = {field.type for field in values.type}
        if len(kinds) > 1:
            raise DataError(f"the values of a map are of several types: {', '.join(map(str, kinds))}", field=path)
        entries = pa.array(rows, pa.map_(pa.string(), kinds.pop() if kinds else pa.null()))
    else:
        raise DataError(f"the column holds {values.type}; expected a map (a dict per row)", field=path)
    offsets = entries.offsets
    flat = entries.items.slice(offsets[0].as_py(), offsets[-1].as_py() - offsets[0].as_py())
    inner = convert(flat, item, named, f"{path}{{}}")
    keys = entries.keys.slice(offsets[0].as_py(), len(flat)).cast(pa.string())
    lengths = pc.subtract(offsets[1:], offsets[:-1])
    starts = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))]).cast(pa.int32())
    mask = gaps(entries)
    maps = pa.MapArray.from_arrays(starts, keys, inner.values, type=target, mask=mask)
    parents = pc.list_parent_indices(pa.ListArray.from_arrays(starts, inner.values)).cast(pa.int64())
    steps = [("{", keys.take(each.positions), "}") for each in inner.refusals]
    refusals = [_lift(each, flat, step, parents, item) for each, step in zip(inner.refusals, steps, strict=True)]
    twice = _repeated(parents, keys)
    if len(twice):
        again = Refusal(twice, "a key stands twice in the map")
        refusals.append(_lift(again, keys, ("{", keys.take(twice), "}"), parents, item))
    return Converted(maps, tuple(refusals))


def _repeated(parents: pa.Array, keys: pa.Array) -> pa.Array:
    """Return the positions of keys that their own map has already had."""
    places = pa.table([parents, keys, pa.array(np.arange(len(keys)))], names=["parent", "key", "place"])
    first = places.group_by(["parent", "key"], use_threads=False).aggregate([("place", "min")])["place_min"]
    return places["place"].filter(pc.invert(pc.is_in(places["place"], first.combine_chunks()))).combine_chunks()
