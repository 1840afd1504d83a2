"""The exact way from items to columns: every value looked at in Python, every refusal with its place.

What the vectorised way refuses comes here, and so do the columns it cannot build, maps and JSON text. What is read is
said in :mod:`intempt_nb.codecs.wire.values`; anything else is a `DataError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.wire.literals import Number, dumps, loads
from intempt_nb.codecs.wire.values import Mismatch, converter, field_converter
from intempt_nb.codecs.wire.wire import from_wire, wire_type
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.model import Null, String, Union

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from intempt_nb.schema.model import Defined, Field

__all__ = ["decode", "default_of", "read_columns", "read_ids"]

_TEXT = converter(Union((Null(), String())), {})
_LONGEST_ID = 100
_ADVICE = "; name the other columns in columns= to load them without this one"


def decode(text: bytes) -> Any:
    """Decode a page, or a part of one, with its numbers as literals.

    Raises
    ------
    DataError
        If it is not UTF-8 or not JSON.
    """
    try:
        return loads(text.decode("utf-8-sig"))
    except ValueError as error:
        advice = "if it was cut short on its way, load again"
        raise DataError(
            f"the page is not JSON: {shorten(error)}; {advice}", expected="a HAL page, JSON in UTF-8"
        ) from None


def read_ids(items: Sequence[Any]) -> pa.Array:
    """Return the items' ids as text, whether they came as text or as whole numbers; null where there is none.

    Raises
    ------
    DataError
        For an id that is neither, with the item's index as its row.
    """
    ids = []
    for row, item in enumerate(items):
        value = item.get("id") if isinstance(item, dict) else None
        try:
            ids.append(str(int(value)) if _is_whole(value) else _TEXT(value))
        except Mismatch:
            raise _error(Mismatch(value, "text or a whole number"), row, item, "id") from None
    return pa.array(ids, pa.string())


def _is_whole(value: Any) -> TypeGuard[Number]:
    return isinstance(value, Number) and value.lstrip("-").isdigit() and len(value) <= _LONGEST_ID


def read_columns(items: Sequence[Any], fields: Sequence[Field], named: Mapping[str, Defined]) -> list[pa.Array]:
    """Build columns from decoded items.

    Parameters
    ----------
    items
        The items of a page, or some of them, as :func:`decode` gives them.
    fields
        The columns.
    named
        The schema's named types.

    Returns
    -------
    list of pyarrow.Array
        Of the schema's Arrow types.

    Raises
    ------
    DataError
        For the first value, by column, that does not fit: with the item's index in `items` as its row, its field path,
        the value and what was expected.
    """
    data = [_data(item, row) for row, item in enumerate(items)]
    columns = []
    for field in fields:
        values = list(_values(items, data, field, named))
        kind = wire_type(field.type, named, numbers_as_text=True)
        columns.append(from_wire(pa.array(values, kind), field.type, named))
    return columns


def default_of(field: Field, named: Mapping[str, Defined]) -> pa.Array | None:
    """Return the field's default as an array of one, None if there is none or it does not fit its type."""
    try:
        value = field_converter(field, named)(None)
    except Mismatch:
        return None
    return from_wire(pa.array([value], wire_type(field.type, named, numbers_as_text=True)), field.type, named)


def fill_nulls(column: pa.Array, default: pa.Array) -> pa.Array:
    """Return the column with the one value of `default` in the place of every null; any type."""
    rows = pc.if_else(column.is_null(), len(column), pa.array(np.arange(len(column))))
    return pa.concat_arrays([column, default]).take(rows)


def _data(item: Any, row: int) -> dict[str, Any]:
    data = item.get("data") if isinstance(item, dict) else None
    if not isinstance(data, dict):
        found, path = (data, "data") if isinstance(item, dict) else (item, None)
        raise _error(Mismatch(found, "an object"), row, item, path)
    return data


def _values(
    items: Sequence[Any], data: Sequence[dict[str, Any]], field: Field, named: Mapping[str, Defined]
) -> Iterator[Any]:
    convert = field_converter(field, named)
    for row, each in enumerate(data):
        try:
            yield convert(each.get(field.name))
        except Mismatch as mismatch:
            raise _error(mismatch, row, items[row], field.name + mismatch.path, _ADVICE) from None


def _error(mismatch: Mismatch, row: int, item: Any, path: str | None, advice: str = "") -> DataError:
    found = "null" if mismatch.value is None else shorten(_text(mismatch.value))
    reason = mismatch.reason or f"found {found}; expected {mismatch.expected}"
    name = item.get("id") if isinstance(item, dict) else None
    whose = f"item {shorten(name)}: " if isinstance(name, str) else ""
    return DataError(f"{whose}{reason}{advice}", row=row, field=path, value=found, expected=mismatch.expected)


def _text(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    try:
        return dumps(value)
    except ValueError:  # NaN somewhere inside, or hundreds of levels
        return "a value with no JSON text"
