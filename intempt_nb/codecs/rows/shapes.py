"""What JSON values look like, and the Arrow column that holds them all.

Where a place holds values of one kind, its Arrow type is that kind's; whole numbers beside others are doubles. Where
it holds several kinds (text and numbers, objects and text), or numbers that no 64 bits hold exactly, it is text: each
value as its JSON text, and text as it is, so that nothing is lost and the column can be sorted, grouped and saved.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from itertools import accumulate
from math import isinf
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.wire.literals import NOT_FINITE, Number, dumps
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.inferring.leaves import MIXED_KEY
from intempt_nb.schema.mapping.frames import exact_type

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["JsonKind", "Shape", "arrow_field", "build", "plain", "shape_of_array", "shape_of_values"]

MOST_KEYS = 1_000
"""Different keys at one place; objects of more are rather maps, and become JSON text."""

EXACT_IN_DOUBLE = 2**53
SURELY_EXACT = 15  # digits
MOST_INT64_DIGITS = 19
_DATE_UNITS = ("Y", "M", "W", "D")
_INT64 = range(-(2**63), 2**63)
_REFUSALS = (pa.ArrowException, OverflowError, TypeError, ValueError)


class JsonKind(Enum):
    """What a JSON value is; `WIDE` are whole numbers that a double may lose, `HUGE` those that 64 bits do not hold."""

    BOOLEAN = "true or false"
    WHOLE = "whole numbers"
    WIDE = "large whole numbers"
    HUGE = "numbers beyond 64 bits"
    REAL = "numbers with fractions"
    TEXT = "text"
    OBJECT = "objects"
    ARRAY = "arrays"
    OTHER = "other values"


_NUMBERS = frozenset({JsonKind.WHOLE, JsonKind.WIDE, JsonKind.HUGE, JsonKind.REAL})


@dataclass(frozen=True, slots=True)
class Shape:
    """The values met at one place.

    Parameters
    ----------
    kinds
        Of the values; none if all were null.
    fields
        What the objects among them hold, by key in the order met.
    items
        What the arrays among them hold.
    other
        The Arrow type of Python values that JSON does not have: dates, decimals.
    """

    kinds: frozenset[JsonKind] = frozenset()
    fields: Mapping[str, Shape] = field(default_factory=dict)
    items: Shape | None = None
    other: pa.DataType | None = None

    def __add__(self, other: Shape) -> Shape:
        """Return the shape of the values of both."""
        more = {key: self.fields[key] + each if key in self.fields else each for key, each in other.fields.items()}
        items = self.items + other.items if self.items and other.items else self.items or other.items
        return Shape(self.kinds | other.kinds, {**self.fields, **more}, items, self.other or other.other)


def arrow_field(name: str, shape: Shape) -> pa.Field:
    """Return the Arrow field for values of a shape; text that stands for several kinds says so in its metadata."""
    kinds = shape.kinds
    if kinds == {JsonKind.OBJECT} and len(shape.fields) <= MOST_KEYS:
        return pa.field(name, pa.struct([arrow_field(key, each) for key, each in shape.fields.items()]))
    if kinds == {JsonKind.ARRAY}:
        return pa.field(name, pa.list_(arrow_field("item", shape.items or Shape())))
    simple = _simple(shape)
    if simple is not None:
        return pa.field(name, simple)
    listed = "" if kinds <= _NUMBERS else " and ".join(each.value for each in JsonKind if each in kinds)
    return pa.field(name, pa.string(), metadata={MIXED_KEY: listed.encode()})


def _simple(shape: Shape) -> pa.DataType | None:
    """Return the Arrow type of values that are no objects or arrays, None if there is none but text for all."""
    kinds = shape.kinds
    if not kinds:
        return pa.null()
    if kinds == {JsonKind.BOOLEAN}:
        return pa.bool_()
    if kinds <= {JsonKind.WHOLE, JsonKind.WIDE}:
        return pa.int64()
    if kinds <= {JsonKind.WHOLE, JsonKind.REAL}:
        return pa.float64()
    if kinds == {JsonKind.TEXT}:
        return pa.string()
    return shape.other if kinds == {JsonKind.OTHER} else None


def shape_of_array(values: pa.Array) -> Shape | None:
    """Return the shape of what pyarrow's JSON reader made; None where it may have lost digits.

    The reader takes text that looks like a time for one, which is text here.
    """
    kind, present = values.type, len(values) - values.null_count
    if not present or pa.types.is_null(kind):
        return Shape()
    if pa.types.is_struct(kind):
        parts = {each.name: shape_of_array(part) for each, part in zip(kind, values.flatten(), strict=True)}
        known = {key: each for key, each in parts.items() if each is not None}
        return Shape(frozenset({JsonKind.OBJECT}), known) if len(known) == len(parts) else None
    if pa.types.is_list(kind):
        items = shape_of_array(values.flatten())
        return None if items is None else Shape(frozenset({JsonKind.ARRAY}), items=items)
    if pa.types.is_boolean(kind):
        return Shape(frozenset({JsonKind.BOOLEAN}))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        least, greatest = (each.as_py() for each in pc.min_max(values).values())
        narrow = least > -EXACT_IN_DOUBLE and greatest < EXACT_IN_DOUBLE
        if pa.types.is_integer(kind):
            return Shape(frozenset({JsonKind.WHOLE if narrow else JsonKind.WIDE}))
        return Shape(frozenset({JsonKind.WHOLE, JsonKind.REAL})) if narrow else None
    return Shape(frozenset({JsonKind.TEXT}))


def shape_of_values(values: Sequence[Any], path: str = "") -> Shape:
    """Return the shape of decoded JSON values, their numbers Python's or `Number`; None is no value.

    Parameters
    ----------
    values
        What stands at one place, by row.
    path
        The place, for errors.

    Raises
    ------
    DataError
        For keys that are not text, and for Python values that JSON does not have, beside others; with the row.
    """
    rows = _by_kind(values)
    fields: dict[str, Shape] = {}
    for key in _keys(values, rows.get(JsonKind.OBJECT, ()), path):
        fields[key] = shape_of_values(_under(values, key), f"{path}.{key}" if path else key)
    items = None
    if JsonKind.ARRAY in rows:
        items = _shape_of_items(values, rows[JsonKind.ARRAY], path)
    other = _other(values, rows, path) if JsonKind.OTHER in rows else None
    return Shape(frozenset(rows), fields, items, other)


def _shape_of_items(values: Sequence[Any], rows: Sequence[int], path: str) -> Shape:
    try:
        return shape_of_values([each for row in rows for each in values[row]], f"{path}[]")
    except DataError as error:
        if error.row is not None:  # the row of the item is that of its array
            error.row = [row for row in rows for _ in values[row]][error.row]
        raise


def _by_kind(values: Sequence[Any]) -> dict[JsonKind, list[int]]:
    """Return the rows of the values of each kind; values are sorted by their type first, which costs little."""
    by_type: defaultdict[type, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        by_type[type(value)].append(row)
    by_type.pop(type(None), None)
    found: dict[JsonKind, list[int]] = {}
    for each, rows in by_type.items():
        if issubclass(each, Number) or (issubclass(each, int | float) and each is not bool):
            for row in rows:
                found.setdefault(_kind_of_number(values[row]), []).append(row)
        else:
            found.setdefault(_kind_of_type(each), []).extend(rows)
    return found


def _kind_of_type(kind: type) -> JsonKind:
    known = {str: JsonKind.TEXT, bool: JsonKind.BOOLEAN, dict: JsonKind.OBJECT, list: JsonKind.ARRAY}
    return next((each for base, each in known.items() if issubclass(kind, base)), JsonKind.OTHER)


def _kind_of_number(number: Number | float) -> JsonKind:
    if isinstance(number, Number):
        if len(number) <= SURELY_EXACT and number.isdigit():
            return JsonKind.WHOLE
        digits = number.lstrip("-")
        if digits.isdigit() and len(digits) > MOST_INT64_DIGITS:  # Python refuses to read thousands of digits
            return JsonKind.HUGE
        read = int(number) if digits.isdigit() else float(number)
        if isinf(read) and number not in NOT_FINITE:
            return JsonKind.HUGE
        number = read
    if isinstance(number, int):
        if abs(number) < EXACT_IN_DOUBLE:
            return JsonKind.WHOLE
        return JsonKind.WIDE if number in _INT64 else JsonKind.HUGE
    return JsonKind.REAL


def _keys(values: Sequence[Any], rows: Iterable[int], path: str) -> dict[str, None]:
    found: dict[Any, None] = {}
    for row in rows:
        for key in values[row]:
            if key not in found:
                if not isinstance(key, str):
                    raise DataError(f"found the key {shorten(repr(key))}; expected text", row=row, field=path or None)
                found[key] = None
    return found


def _under(values: Sequence[Any], key: str) -> list[Any]:
    return [value.get(key) if isinstance(value, dict) else None for value in values]


def _other(values: Sequence[Any], rows: Mapping[JsonKind, list[int]], path: str) -> pa.DataType:
    where = rows[JsonKind.OTHER]
    first = values[where[0]]
    for kind, strangers in rows.items():
        if kind is not JsonKind.OTHER:
            message = f"{type(first).__name__} here, and {kind.value} in row {strangers[0]}; make them one type"
            raise DataError(message, row=where[0], field=path, value=shorten(first))
    try:
        found = [values[row] for row in where]
        kind = pa.array(found, from_pandas=True).type
        exact = exact_type(kind, found)
        return kind if exact == kind else pa.array(found, exact, from_pandas=True).type
    except _REFUSALS as error:
        row = next((row for row in where if _is_refused(values[row])), where[0])
        name, value = type(values[row]).__name__, shorten(values[row])
        raise DataError(f"{name} cannot be read: {shorten(error, 200)}", row=row, field=path, value=value) from None


def _is_refused(value: Any) -> bool:
    """Return whether Arrow has no type for a value, whatever stands beside it."""
    try:
        pa.array([value], from_pandas=True)
    except _REFUSALS:
        return True
    return False


def build(values: Sequence[Any], target: pa.Field) -> pa.Array:
    """Return values as a column.

    Parameters
    ----------
    values
        As for :func:`shape_of_values`; what the target's shape does not have is null.
    target
        From :func:`arrow_field`, for a shape that holds the values.
    """
    kind = target.type
    if pa.types.is_struct(kind):
        return _build_struct(values, kind)
    if pa.types.is_list(kind):
        return _build_list(values, kind)
    if (target.metadata or {}).get(MIXED_KEY) is not None:
        return pa.array([_text_of(value) for value in values], kind)
    if pa.types.is_int64(kind):
        return pa.array([None if value is None else int(value) for value in values], kind)
    if pa.types.is_float64(kind):
        return pa.array([None if value is None else float(value) for value in values], kind)
    return pa.array(values, kind)


def _build_struct(values: Sequence[Any], kind: pa.StructType) -> pa.Array:
    absent = [not isinstance(value, dict) for value in values]
    if not kind.num_fields:  # an array made of no children would have no length
        return pa.array([None if gone else {} for gone in absent], kind)
    parts = [build(_under(values, each.name), each) for each in kind]
    return pa.StructArray.from_arrays(parts, fields=list(kind), mask=pa.array(absent, pa.bool_()))


def _build_list(values: Sequence[Any], kind: pa.ListType) -> pa.Array:
    lists = [value if isinstance(value, list) else [] for value in values]
    items = build([each for value in lists for each in value], kind.value_field)
    offsets = pa.array(list(accumulate(map(len, lists), initial=0)), pa.int32())
    absent = pa.array([not isinstance(value, list) for value in values], pa.bool_())
    return pa.ListArray.from_arrays(offsets, items, type=kind, mask=absent)


def _text_of(value: Any) -> str | None:
    match value:
        case None:
            return None
        case str():
            return str(value)
        case _:
            literal = _literal(value)
            return str(literal) if isinstance(literal, str) else dumps(literal)


def _literal(value: Any) -> Any:
    """Return a value with Python's numbers as literals, which is how they are written; those not finite as text."""
    match value:
        case Number() if value in NOT_FINITE:
            return str(value)
        case float() if isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {key: _literal(each) for key, each in value.items()}
        case list():
            return [_literal(each) for each in value]
        case bool() | str() | None:
            return value
        case _:
            return Number(value)


def plain(value: Any) -> Any:
    """Return a Python value as decoded JSON has it: missing values as None, arrays as lists, NumPy's scalars as such.

    NumPy's dates become Python's, its times and durations pandas', which keep their nanoseconds.
    """
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return None if value != value else value
        case Mapping():
            return {key: plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in value]
        case np.ndarray():
            return plain(value.tolist())
        case np.datetime64() | np.timedelta64():
            return _plain_time(value)
        case np.bool_() | np.number():
            return plain(value.item())
        case Decimal():
            return None if value.is_nan() else value
        case _:
            return None if value is pd.NA or value is pd.NaT else value


def _plain_time(value: np.datetime64 | np.timedelta64) -> Any:
    """Return the value as Python or pandas has it; as it is where neither does, which is an error later on."""
    if np.isnat(value):
        return None
    if np.datetime_data(value.dtype)[0] in _DATE_UNITS and isinstance(value, np.datetime64):
        day = value.item()
        return day if isinstance(day, dt.date) else value
    try:
        return pd.Timestamp(value) if isinstance(value, np.datetime64) else pd.Timedelta(value)
    except ValueError:
        return value
