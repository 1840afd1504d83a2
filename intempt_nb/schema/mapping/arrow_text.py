"""Arrow types as JSON, for the attribute ``arrow.type`` of an Avro field.

A type without parts is text as pyarrow shows it: ``"uint8"``, ``"large_string"``, ``"timestamp[s, tz=Europe/Berlin]"``,
``"decimal256(9, 2)"``, ``"fixed_size_binary[3]"``. One with parts is an object that has its kind and parts:

==========================================================  ====================================================
lists (``list``, ``large_list``, ``list_view``, …)          ``{"large_list": <field>}``
a list of fixed size                                        ``{"fixed_size_list": <field>, "size": 3}``
map                                                         ``{"map": [<key field>, <value field>]}``
struct                                                      ``{"struct": [<field>, …]}``
unions (``dense_union``, ``sparse_union``)                  ``{"dense_union": [<field>, …], "codes": [0, 1]}``
dictionary                                                  ``{"dictionary": <type>, "indices": "int8"}``
run-end encoded                                             ``{"run_end_encoded": <type>, "run_ends": "int32"}``
==========================================================  ====================================================

A field is ``{"name": …, "type": <type>}``, with ``"nullable": false`` if it is not. A dictionary or map that is ordered
says ``"ordered": true``. Extension types other than UUID are not said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ZONE", "arrow_from_json", "arrow_to_json"]

_UNITS = ("s", "ms", "us", "ns")
_NAMED: Mapping[str, pa.DataType] = {
    str(each): each
    for each in (
        pa.null(),
        pa.bool_(),
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float16(), pa.float32(), pa.float64()),
        *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()),
        *(pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
        *(pa.timestamp(unit) for unit in _UNITS),
        *(pa.duration(unit) for unit in _UNITS),
        pa.month_day_nano_interval(),
        pa.uuid(),
    )
}
ZONE = re.compile(r"[A-Za-z0-9_+:/-]{1,64}", re.ASCII)
"""What a time zone may look like: ``Europe/Berlin``, ``+02:00``."""
_ZONED = re.compile(rf"timestamp\[(s|ms|us|ns), tz=({ZONE.pattern})\]", re.ASCII)
_DECIMAL = re.compile(r"decimal(32|64|128|256)\(([0-9]{1,2}), (-?[0-9]{1,2})\)", re.ASCII)
_FIXED = re.compile(r"fixed_size_binary\[([0-9]{1,10})\]", re.ASCII)
_DECIMALS: Mapping[str, Callable[[int, int], pa.DataType]] = {
    "32": pa.decimal32,
    "64": pa.decimal64,
    "128": pa.decimal128,
    "256": pa.decimal256,
}
_LISTS: Mapping[str, Callable[[pa.Field], pa.DataType]] = {
    "list": pa.list_,
    "large_list": pa.large_list,
    "list_view": pa.list_view,
    "large_list_view": pa.large_list_view,
}
_LIST_KINDS: Mapping[int, str] = {make(pa.field("item", pa.null())).id: kind for kind, make in _LISTS.items()}


def arrow_to_json(arrow: pa.DataType) -> Any:
    """Return an Arrow type as JSON, decoded.

    Raises
    ------
    ValueError
        For an extension type, and any other that is not said here.
    """
    types = pa.types
    if arrow.id in _LIST_KINDS:
        return {_LIST_KINDS[arrow.id]: _field_to_json(arrow.value_field)}
    if types.is_fixed_size_list(arrow):
        return {"fixed_size_list": _field_to_json(arrow.value_field), "size": arrow.list_size}
    if types.is_map(arrow):
        parts = [_field_to_json(arrow.key_field), _field_to_json(arrow.item_field)]
        return {"map": parts, **({"ordered": True} if arrow.keys_sorted else {})}
    if types.is_struct(arrow):
        return {"struct": [_field_to_json(each) for each in arrow]}
    if types.is_union(arrow):
        children = [_field_to_json(arrow.field(index)) for index in range(arrow.num_fields)]
        return {f"{arrow.mode}_union": children, "codes": list(arrow.type_codes)}
    if types.is_dictionary(arrow):
        ordered = {"ordered": True} if arrow.ordered else {}
        return {"dictionary": arrow_to_json(arrow.value_type), "indices": arrow_to_json(arrow.index_type), **ordered}
    if types.is_run_end_encoded(arrow):
        return {
            "run_end_encoded": arrow_to_json(arrow.value_type),
            "run_ends": arrow_to_json(arrow.run_end_type),
        }
    text = str(arrow)
    if not _from_text(text).equals(arrow):
        raise ValueError(f"Arrow type {arrow} has no text that it can be made of")
    return text


def _field_to_json(field: pa.Field) -> dict[str, Any]:
    nullable = {} if field.nullable else {"nullable": False}
    return {"name": field.name, "type": arrow_to_json(field.type), **nullable}


def arrow_from_json(value: Any) -> pa.DataType:
    """Return the Arrow type that decoded JSON describes.

    Raises
    ------
    ValueError
        For anything that :func:`arrow_to_json` does not give, from whomever it is.
    """
    try:
        return _from_json(value)
    except (KeyError, TypeError, OverflowError, RecursionError, pa.ArrowException) as error:
        raise ValueError(f"no Arrow type: {error}") from None


def _from_json(value: Any) -> pa.DataType:
    match value:
        case str():
            return _from_text(value)
        case {"fixed_size_list": child, "size": int() as size} if 0 <= size < 2**31:
            return pa.list_(_field_from_json(child), size)
        case {"map": [key, item]}:
            return pa.map_(_field_from_json(key), _field_from_json(item), keys_sorted=value.get("ordered") is True)
        case {"struct": list() as children}:
            return pa.struct([_field_from_json(each) for each in children])
        case {"dense_union": list() as children, "codes": list() as codes}:
            return pa.dense_union([_field_from_json(each) for each in children], _codes(codes, children))
        case {"sparse_union": list() as children, "codes": list() as codes}:
            return pa.sparse_union([_field_from_json(each) for each in children], _codes(codes, children))
        case {"dictionary": values, "indices": str() as indices}:
            return pa.dictionary(_from_text(indices), _from_json(values), ordered=value.get("ordered") is True)
        case {"run_end_encoded": values, "run_ends": str() as ends}:
            return pa.run_end_encoded(_from_text(ends), _from_json(values))
        case dict() if len(value) == 1 and value.keys() <= _LISTS.keys():
            return next(_LISTS[kind](_field_from_json(child)) for kind, child in value.items())
        case _:
            raise ValueError(f"no Arrow type: {value!r:.80}")


def _field_from_json(value: Any) -> pa.Field:
    match value:
        case {"name": str() as name, "type": arrow}:
            return pa.field(name, _from_json(arrow), nullable=value.get("nullable") is not False)
        case _:
            raise ValueError(f"no Arrow field: {value!r:.80}")


def _codes(codes: list[Any], children: list[Any]) -> list[int]:
    """Return the type codes of a union; Arrow itself would end the process over some that do not fit."""
    if len(codes) != len(children) or len(set(codes)) != len(codes):
        raise ValueError(f"{len(codes)} type codes for {len(children)} children")
    if not all(type(code) is int and 0 <= code < 128 for code in codes):
        raise ValueError(f"type codes are {codes!r:.80}; expected 0 to 127")
    return codes


def _from_text(text: str) -> pa.DataType:
    if text in _NAMED:
        return _NAMED[text]
    if zoned := _ZONED.fullmatch(text):
        return pa.timestamp(zoned[1], zoned[2])
    if decimal := _DECIMAL.fullmatch(text):
        return _DECIMALS[decimal[1]](int(decimal[2]), int(decimal[3]))
    if fixed := _FIXED.fullmatch(text):
        return pa.binary(int(fixed[1]))
    raise ValueError(f"no Arrow type: {text!r:.80}")
