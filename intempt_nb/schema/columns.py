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
from intempt_nb.schema.arrow import arrow_type, avro_name, holds_json_text
from intempt_nb.schema.model import (
    Array,
    AvroType,
    BigDecimal,
    Bytes,
    Date,
    Decimal,
    Double,
    Enum,
    Fixed,
    Float,
    Int,
    Long,
    Map,
    Named,
    Record,
    Reference,
    String,
    Timestamp,
    Uuid,
    describe,
    is_nullable,
    without_null,
)
from intempt_nb.schema.reading import read_text, within
from intempt_nb.schema.refusals import Converted, Reader, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from intempt_nb.schema.model import Field

__all__ = ["convert", "match_name", "require_values"]

EXACT_DOUBLE = 2**53
EXACT_FLOAT = 2**24


def convert(values: pa.Array, avro_type: AvroType, named: Mapping[str, Named], path: str) -> Converted:
    """Convert a column to the Arrow type of an Avro type.

    Parameters
    ----------
    values
        Any array; dictionaries are decoded first.
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
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    converted = _convert(values, avro_type, named, path)
    if is_nullable(avro_type):
        return converted
    return require_values(converted, "no value for a required field")


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


def _convert(values: pa.Array, avro_type: AvroType, named: Mapping[str, Named], path: str) -> Converted:
    target = arrow_type(avro_type, named)
    plain = _resolve(without_null(avro_type), named)
    if pa.types.is_null(values.type):
        return Converted(pa.nulls(len(values), target))
    if holds_json_text(avro_type, named):
        return _to_json_text(values)
    match plain:
        case Array(items) if _is_list(values.type):
            return _convert_list(values, items, target, named, path)
        case Record() if pa.types.is_struct(values.type):
            return _convert_struct(values, plain, target, named, path)
        case Map(item):
            return _convert_map(values, item, target, named, path)
    if _is_text(values.type):
        return _from_text(values.cast(pa.string()), plain, target)
    if isinstance(plain, Double | Float) and pa.types.is_floating(values.type):
        return _finite(Reader(values), target)
    if values.type == target:
        return Converted(values)
    return _convert_scalar(values, plain, target, path)


def _resolve(avro_type: AvroType, named: Mapping[str, Named]) -> AvroType:
    return named[avro_type.name] if isinstance(avro_type, Reference) else avro_type


def match_name(field: Field, names: Sequence[str]) -> int | None:
    """Return which of the source's names a field means: its own, its title, an alias, or one that had to be changed.

    Parameters
    ----------
    field
        Of the schema.
    names
        Of the source's columns, or of a struct's children.

    Returns
    -------
    int or None
        The position; None if none of them does.
    """
    for candidate in (field.name, field.title, *field.aliases):
        if candidate is not None and candidate in names:
            return names.index(candidate)
    return next((index for index, name in enumerate(names) if avro_name(name) == field.name), None)


def _is_text(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow))


def _is_list(arrow: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(arrow) or types.is_large_list(arrow) or types.is_fixed_size_list(arrow))


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


def _convert_scalar(values: pa.Array, avro_type: AvroType, target: pa.DataType, path: str) -> Converted:
    types, source = pa.types, values.type
    reader = Reader(values)
    match avro_type:
        case Int() | Long() if types.is_integer(source):
            return _integers(reader, target)
        case Int() | Long() if types.is_floating(source):
            whole = pc.and_(pc.is_finite(values), pc.equal(pc.floor(values), values))
            reader = reader.keep(whole, "not a whole number")
            return reader.keep(within(reader.values, target), f"too large for {target}").finish(_cast(target))
        case Int() | Long() if types.is_decimal(source):
            return _by_trial(reader, target, f"not a whole number that {target} holds")
        case Float() | Double() if types.is_integer(source):
            largest = EXACT_FLOAT if isinstance(avro_type, Float) else EXACT_DOUBLE
            exact = pc.less_equal(pc.abs(values.cast(pa.decimal128(20, 0))), largest)
            return reader.keep(exact, f"has more digits than a {target} holds").finish(_cast(target))
        case Double() | Float() if types.is_decimal(source):
            return reader.finish(_cast(target))
        case Decimal() if types.is_integer(source):
            return _by_trial(reader.with_values(values.cast(pa.decimal128(20, 0))), target, f"does not fit {target}")
        case Decimal() if types.is_decimal(source):
            return _by_trial(reader, target, f"does not fit {target}")
        case Date() if types.is_date(source):
            return reader.finish(_cast(target))
        case Date() if types.is_timestamp(source) and source.tz is None:
            midnight = pc.equal(pc.floor_temporal(values, unit="day"), values)
            return reader.keep(midnight, "has a time of day, and the type is a date").finish(_cast(target))
        case Timestamp(unit, local) if types.is_timestamp(source) and (source.tz is None or not local):
            return _instants(reader, unit, target)
        case Timestamp(unit) if types.is_date(source):
            return reader.finish(lambda dates: dates.cast(pa.timestamp(unit)).cast(target))
        case Timestamp() if types.is_integer(source):
            return reader.finish(lambda numbers: numbers.cast(pa.int64()).cast(target))
        case Bytes() | BigDecimal() | Fixed() | Uuid() if types.is_binary(source) or types.is_fixed_size_binary(source):
            return _binary(reader, avro_type, target)
        case Enum() | String() | _:
            raise DataError(
                f"the column holds {source}; expected {describe(avro_type)}. {_advice(avro_type, path)}", field=path
            )


def _advice(avro_type: AvroType, path: str) -> str:
    match avro_type:
        case String() | Enum():
            return f"If its text is meant: frame[{path!r}] = frame[{path!r}].astype('string')"
        case _:
            return "Convert the column first, or change the field's type in the schema"


def _cast(target: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    return lambda values: values.cast(target)


def _integers(reader: Reader, target: pa.DataType) -> Converted:
    try:
        return Converted(reader.values.cast(target))
    except pa.ArrowInvalid:
        wide = reader.values.cast(pa.decimal128(20, 0))
        return reader.keep(within(wide, target), f"too large for {target}").finish(_cast(target))


def _finite(reader: Reader, target: pa.DataType) -> Converted:
    reader = reader.keep(pc.is_finite(reader.values), "not a finite number, and JSON has no word for it")
    narrow = reader.values.cast(target)
    return reader.keep(pc.is_finite(narrow), f"too large for a {target}").done(narrow)


def _instants(reader: Reader, unit: str, target: pa.DataType) -> Converted:
    """Convert to another unit without rounding; a time without a zone is taken as UTC, as the documentation says."""
    source = reader.values.type
    naive = reader.values.cast(pa.timestamp(source.unit))
    try:
        return Converted(naive.cast(pa.timestamp(unit)).cast(target))
    except pa.ArrowInvalid:
        rounded = naive.cast(pa.timestamp(unit), safe=False)
        same = pc.equal(rounded.cast(pa.timestamp(source.unit), safe=False), naive)
        reader = reader.keep(same, f"finer than {target.unit}, or out of its range")
        return reader.done(rounded.cast(target))


def _binary(reader: Reader, avro_type: BigDecimal | Bytes | Fixed | Uuid, target: pa.DataType) -> Converted:
    match avro_type:
        case Bytes() | BigDecimal():
            return reader.finish(_cast(target))
        case Fixed(size=size):
            pass
        case Uuid():
            size = 16
    binary = reader.with_values(reader.values.cast(pa.binary()))
    binary = binary.keep(pc.equal(pc.binary_length(binary.values), size), f"not {size} bytes")
    fixed = binary.values.cast(pa.binary(size))
    if isinstance(avro_type, Uuid):
        fixed = pa.ExtensionArray.from_storage(pa.uuid(), fixed)
    return Converted(fixed, binary.refusals)


def _by_trial(reader: Reader, target: pa.DataType, reason: str) -> Converted:
    """Cast all at once; if that fails, value by value (decimals only, where Arrow has no test to ask first)."""
    try:
        return Converted(reader.values.cast(target))
    except pa.ArrowInvalid:
        fits = pa.array([_fits(value, target) for value in reader.values])
        return reader.keep(fits, reason).finish(_cast(target))


def _fits(value: pa.Scalar, target: pa.DataType) -> bool:
    try:
        value.cast(target)
    except pa.ArrowInvalid:
        return False
    return True


def _to_json_text(values: pa.Array) -> Converted:
    """Return JSON text; strings are taken to be JSON text already, as such a column is when it was loaded."""
    if not _is_text(values.type):
        texts = [None if value is None else _dump(value) for value in values.to_pylist()]
        return Converted(pa.array(texts, pa.string()))
    good = [None if value is None else _is_json(value) for value in values.to_pylist()]
    reader = Reader(values.cast(pa.string())).keep(pa.array(good, pa.bool_()), "not JSON text")
    return reader.done(reader.values)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _convert_list(
    values: pa.Array, items: AvroType, target: pa.DataType, named: Mapping[str, Named], path: str
) -> Converted:
    flat = values.flatten()
    inner = convert(flat, items, named, f"{path}[]")
    lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
    ends = pc.cumulative_sum(lengths)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends]).cast(pa.int32())
    mask = pc.is_null(values) if values.null_count else None
    lists = pa.ListArray.from_arrays(offsets, inner.values, type=target, mask=mask)
    parents = pc.list_parent_indices(values).cast(pa.int64())
    return Converted(lists, tuple(_lift(each, flat, "[]", parents) for each in inner.refusals))


def _lift(refusal: Refusal, child: pa.Array, step: str, parents: pa.Array | None) -> Refusal:
    """Return a refusal inside a nested value as one of the row that holds it."""
    found = refusal.values if refusal.values is not None else child.take(refusal.positions)
    positions = refusal.positions if parents is None else parents.take(refusal.positions)
    return Refusal(positions, refusal.reason, f"{step}{refusal.path}", found)


def _convert_struct(
    values: pa.Array, record: Record, target: pa.DataType, named: Mapping[str, Named], path: str
) -> Converted:
    here = pc.indices_nonzero(pc.is_valid(values)).cast(pa.int64())
    children, refusals = [], []
    for each in record.fields:
        index = match_name(each, [child.name for child in values.type])
        child = pa.nulls(len(values)) if index is None else values.field(index)
        # Only the rows that have the record are asked for its fields.
        part = convert(child.take(here), each.type, named, f"{path}.{each.name}")
        children.append(_scatter(part.values, here, len(values)))
        refusals += [_lift(refusal, child.take(here), f".{each.name}", here) for refusal in part.refusals]
    mask = pc.is_null(values) if values.null_count else None
    if not children:  # an array made of no children would have no length
        return Converted(pa.array([None if empty is None else {} for empty in values.to_pylist()], target))
    return Converted(pa.StructArray.from_arrays(children, fields=list(target), mask=mask), tuple(refusals))


def _scatter(values: pa.Array, positions: pa.Array, length: int) -> pa.Array:
    """Return an array of `length` with `values` at `positions` and null elsewhere."""
    if len(values) == length:
        return values
    return values.take(pc.index_in(pa.array(np.arange(length)), positions))


def _convert_map(
    values: pa.Array, item: AvroType, target: pa.DataType, named: Mapping[str, Named], path: str
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
    mask = pc.is_null(entries) if entries.null_count else None
    maps = pa.MapArray.from_arrays(starts, keys, inner.values, type=target, mask=mask)
    parents = pc.list_parent_indices(pa.ListArray.from_arrays(starts, inner.values)).cast(pa.int64())
    refusals = [_lift(each, flat, "{}", parents) for each in inner.refusals]
    twice = _repeated(parents, keys)
    if len(twice):
        refusals.append(Refusal(parents.take(twice), "a key stands twice in the map", "{}", keys.take(twice)))
    return Converted(maps, tuple(refusals))


def _repeated(parents: pa.Array, keys: pa.Array) -> pa.Array:
    """Return the positions of keys that their own map has already had."""
    places = pa.table([parents, keys, pa.array(np.arange(len(keys)))], names=["parent", "key", "place"])
    first = places.group_by(["parent", "key"], use_threads=False).aggregate([("place", "min")])["place_min"]
    return places["place"].filter(pc.invert(pc.is_in(places["place"], first.combine_chunks()))).combine_chunks()
