"""A default as its cell's text, and back.

Avro writes a default of bytes as text whose characters stand for bytes, whatever those mean. In the table a decimal is
a number, a UUID is written as UUIDs are, and other bytes are the characters themselves, or where those cannot be typed
the JSON of such a text, in quotes. A text that says no value of its type is kept in a list of its own, ``["12,5"]``:
the text alone would be bytes that nobody meant, and the schema core refuses a list.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal as Number
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.model import BigDecimal, Bytes, Decimal, Duration, Fixed, Uuid
from intempt_nb.schema.parsing.logical import logical_type
from intempt_nb.widgets.designing.shapes import decoded

if TYPE_CHECKING:
    from intempt_nb.widgets.designing.shapes import Shape

__all__ = ["default_of", "text_of", "why_unread"]

_Meaning: TypeAlias = Decimal | Uuid | Duration | BigDecimal | None

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,200}(?:\.[0-9]{0,200})?|\.[0-9]{1,200})(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\xad]")


def default_of(text: str, shape: Shape) -> Any:
    """Return what the text of a default says, as Avro's JSON has it.

    Parameters
    ----------
    text
        As it was typed, not empty. What is no JSON, of a type whose defaults are written so, stays text.
    shape
        The type.
    """
    if text == "null" and shape.nullable and shape.is_text:
        return None
    if shape.kind not in ("bytes", "fixed"):
        return text if shape.is_text and text != '""' else decoded(text)
    quoted = decoded(text) if text.startswith('"') else None
    if isinstance(quoted, str) and quoted != text:
        return quoted
    try:
        return _encoded(text, _meaning(shape))
    except DataError:
        return [text]


def text_of(value: Any, shape: Shape) -> str:
    """Return the text of a default's cell; :func:`default_of` reads it."""
    if shape.kind not in ("bytes", "fixed"):
        return value if value and isinstance(value, str) and shape.is_text else _json(value)
    meaning = _meaning(shape)
    if meaning is not None and _is_unread(value):
        return str(value[0])
    if not isinstance(value, str):
        return _json(value)
    text = _decoded(value, meaning)
    return json.dumps(value) if text is None or default_of(text, shape) != value else text


def why_unread(value: Any, shape: Shape) -> str | None:
    """Return what is wrong with a default's text and what to do; None if it could be read."""
    meaning = _meaning(shape)
    if meaning is None or not _is_unread(value):
        return None
    try:
        _encoded(value[0], meaning)
    except DataError as error:
        return error.message
    return None


def _is_unread(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], str)


def _meaning(shape: Shape) -> _Meaning:
    """Return what the bytes of a type mean; None if they mean themselves, or the logical type does not fit."""
    size = shape.parts.get("size")
    if shape.logical is None or shape.kind not in ("bytes", "fixed"):
        return None
    if shape.kind == "bytes":
        found = logical_type(shape.parts, Bytes())
    else:
        found = logical_type(shape.parts, Fixed("fixed", size)) if type(size) is int else None
    return found if isinstance(found, Decimal | Uuid | Duration | BigDecimal) else None


def _encoded(text: str, meaning: _Meaning) -> str:
    """Return the bytes that a text stands for, each as a character.

    Raises
    ------
    DataError
        If it says no value of that meaning.
    """
    match meaning:
        case None:
            return text
        case Decimal():
            number = _unscaled(text, meaning)
            length = (number + (number < 0)).bit_length() // 8 + 1 if meaning.fixed is None else meaning.fixed.size
            return number.to_bytes(length, "big", signed=True).decode("latin-1")
        case Uuid():
            if not _UUID.fullmatch(text.strip()):
                raise DataError(f"{shorten(text)!r} is no UUID; write it like 123e4567-e89b-12d3-a456-426614174000")
            return UUID(text.strip()).bytes.decode("latin-1")
        case _:
            name = "big-decimal" if isinstance(meaning, BigDecimal) else "duration"
            raise DataError(
                f'a {name} has no other form here than its bytes; write them in quotes, as in "\\u0000\\u0001"'
            )


def _unscaled(text: str, meaning: Decimal) -> int:
    if not _NUMBER.fullmatch(text.strip()):
        raise DataError(
            f"{shorten(text)!r} is no decimal number; write it like {Number((0, (1, 2, 5), -meaning.scale)):f}"
        )
    sign, digits, exponent = Number(text.strip()).as_tuple()
    size = int("".join(map(str, digits)))
    assert isinstance(exponent, int)  # noqa: S101  # others are those of NaN and infinity
    shift = exponent + meaning.scale
    power: int = 10 ** abs(shift)
    whole, rest = (size * power, 0) if shift >= 0 else divmod(size, power)
    if rest:
        raise DataError(f"{shorten(text)} has more digits behind the point than the scale allows, {meaning.scale}")
    if len(str(whole)) > meaning.precision:
        allowed = meaning.precision - meaning.scale
        raise DataError(f"{shorten(text)} has more digits before the point than the precision allows, {allowed}")
    return -whole if sign else whole


def _decoded(value: str, meaning: _Meaning) -> str | None:
    """Return the text of bytes; None if they have none but their JSON."""
    if max(value, default="") > "\xff":
        return value if meaning is None else None
    match meaning:
        case None:
            return value if value and not _CONTROL.search(value) else None
        case Decimal():
            number = int.from_bytes(value.encode("latin-1"), "big", signed=True)
            digits = tuple(map(int, str(abs(number)))) if len(value) <= 64 else ()
            return f"{Number((int(number < 0), digits, -meaning.scale)):f}" if digits else None
        case Uuid():
            return str(UUID(bytes=value.encode("latin-1"))) if len(value) == 16 else None
        case _:
            return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
