"""The key text of an item: equal if, and only if, the values of its primary identifier are equal.

Values that mean the same and look different in JSON (``1`` and ``1.0`` as doubles, a UUID with and without dashes) give
the same key.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Context, Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from intempt_nb.schema import model
from intempt_nb.schema.model import without_null
from intempt_nb.server.answers import to_json
from intempt_nb.server.items import ItemError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    KeyOf: TypeAlias = Callable[[dict[str, Any]], str]

__all__ = ["compile_key"]

_SORTED = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_DAYS_BEFORE_1970 = date(1970, 1, 1).toordinal()
_WIDE = Context(prec=100)  # more digits than any decimal of a schema


def compile_key(fields: Sequence[model.Field]) -> KeyOf:
    """Return a function that takes a checked item and returns its key text.

    Parameters
    ----------
    fields
        The fields of the primary identifier, as the collection's schema has them.

    Returns
    -------
    callable
        Raises `ItemError` for an item that has no value for one of the fields: all such items would have one key, and
        overwrite each other [ours].
    """
    if len(fields) == 1 and fields[0].type == model.String():
        name = fields[0].name
        return lambda item: to_json(item[name]) if name in item else _missing(name)
    parts = [(field.name, _canonical(without_null(field.type))) for field in fields]

    def key_of(item: dict[str, Any]) -> str:
        values = []
        for name, canonical in parts:
            value = item.get(name)
            if value is None:
                return _missing(name)
            values.append(canonical(value))
        return _SORTED.encode(values)

    return key_of


def _missing(name: str) -> str:
    raise ItemError("missing or null; it is part of the primary identifier, so every item needs a value", name)


def _canonical(avro_type: model.AvroType) -> Callable[[Any], Any]:
    match avro_type:
        case model.Float() | model.Double():
            return lambda value: float(value) + 0.0  # the addition makes 0.0 of -0.0
        case model.Decimal(scale=scale):
            return partial(_decimal_text, Decimal(1).scaleb(-scale))
        case model.Uuid():
            return lambda value: value.replace("-", "").lower()
        case model.Date():
            return _days
        case _:
            return lambda value: value


def _decimal_text(step: Decimal, value: Any) -> str:
    number = Decimal(str(value)).quantize(step, context=_WIDE)
    return str(number) if number else "0"


def _days(value: Any) -> int:
    return value if isinstance(value, int) else date.fromisoformat(value).toordinal() - _DAYS_BEFORE_1970
