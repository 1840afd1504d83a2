"""Where in a JSON text something stands that is known by its pointer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from intempt_nb.display import shorten
from intempt_nb.errors import Problem
from intempt_nb.schema.parsing.source import pointer

__all__ = ["line_and_column", "positions", "rounded"]

_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")


@dataclass(slots=True)
class _Level:
    path: str
    is_object: bool
    index: int = 0
    key: str = ""
    expects_key: bool = False

    @property
    def inside(self) -> str:
        return pointer(self.path, self.key if self.is_object else self.index)


def positions(text: str) -> dict[str, int]:
    """Return the offset of every value in a JSON text, by its pointer."""
    found: dict[str, int] = {}
    levels: list[_Level] = []
    for match in _MARK.finditer(text):
        mark, level = match[0], levels[-1] if levels else None
        if mark in "}]":
            levels.pop()
        elif mark == ",":
            if level is not None:
                level.index += 1
                level.expects_key = level.is_object
        elif mark == ":":
            continue
        elif level is not None and level.expects_key:
            level.key, level.expects_key = json.loads(mark), False
        else:
            path = "" if level is None else level.inside
            found[path] = match.start()
            if mark in "{[":
                levels.append(_Level(path, mark == "{", expects_key=mark == "{"))
    return found


def rounded(text: str) -> list[Problem]:
    """Return a problem for each number of a JSON text that is another one once it is read: a double."""
    found: dict[str, float] = {}

    def note(number: str) -> float:
        value = float(number)
        if not _says(number, value):
            found[number] = value
        return value

    json.loads(text, parse_float=note)
    numbers = {path: _NUMBER.match(text, offset) for path, offset in (positions(text) if found else {}).items()}
    return [
        Problem(path, f"a double cannot hold {shorten(number[0])}; an edit of the table makes it {found[number[0]]!r}")
        for path, number in numbers.items()
        if number is not None and number[0] in found
    ]


def _says(number: str, value: float) -> bool:
    try:
        return Decimal(number) == Decimal(repr(value))
    except InvalidOperation:  # an exponent beyond all
        return False


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return the place of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
