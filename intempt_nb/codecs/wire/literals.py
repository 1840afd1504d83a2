"""JSON text decoded and written with its numbers as they stand.

``json.loads`` makes a binary float of ``0.1``, ``5.0`` and ``12345678901234567890.5``; here a number stays its literal
until someone knows its type.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import Any

__all__ = ["NOT_FINITE", "Number", "dumps", "loads"]

NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})
"""The tokens beyond JSON that many writers use for numbers which are not finite."""


_SURROGATE = re.compile("[\ud800-\udfff]")


class Number(str):
    """A JSON number as it was written, or one of the tokens ``NaN``, ``Infinity`` and ``-Infinity``."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=Number)


def loads(text: str) -> Any:
    """Decode JSON text; numbers become `Number`, the last of several equal keys counts.

    Raises
    ------
    ValueError
        If the text is not JSON, or nested too deeply for Python.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dumps(value: Any) -> str:
    """Return the compact JSON text of what `loads` gave: numbers verbatim, half a surrogate pair as its escape.

    Raises
    ------
    ValueError
        For ``NaN`` and ``Infinity``, which JSON does not have, and for a value nested too deeply for Python.
    """
    try:
        text = _dumps(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return text if text.isascii() else _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _dumps(value: Any) -> str:
    match value:
        case Number():
            if value in NOT_FINITE:
                raise ValueError(f"{value} is not JSON")
            return str(value)
        case str():
            return encode_basestring(value)
        case dict():
            return "{" + ",".join([f"{encode_basestring(key)}:{_dumps(each)}" for key, each in value.items()]) + "}"
        case list():
            return "[" + ",".join([_dumps(each) for each in value]) + "]"
        case True:
            return "true"
        case False:
            return "false"
        case _:
            return "null"
