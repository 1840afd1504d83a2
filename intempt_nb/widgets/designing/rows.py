"""A schema's document as the rows of the table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.widgets.designing.defaults import text_of
from intempt_nb.widgets.designing.shapes import Shape, custom_text, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["LONGEST", "Row", "cells", "default_text", "rows_of", "shown_in"]

LONGEST = 1000
"""Characters of a cell that can be edited in the table; what is longer is shown shortened."""

_LARGEST = 2**31
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Parameters
    ----------
    path
        JSON pointer of the field; of an array's items or a map's values, that of their type.
    level
        From 1.
    role
        ``"field"``, ``"items"`` or ``"values"``.
    field
        The field's JSON; empty for items and values.
    shape
        Of the type.
    place
        JSON pointer of the type.
    named
        Where it is, as evidence names it: ``address.city``, ``tags[]``, ``prices{}``.
    first, last
        Among its siblings.
    """

    path: str
    level: int
    role: str
    field: Mapping[str, Any]
    shape: Shape
    place: str
    named: str
    first: bool = True
    last: bool = True

    @property
    def node(self) -> str:
        """JSON pointer of the type without null."""
        return self.place + self.shape.step

    @property
    def into(self) -> str | None:
        """JSON pointer of the fields inside."""
        return f"{self.node}/fields" if self.shape.kind == "record" else None


def rows_of(document: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for each field and for what is inside of its type, a parent before its children."""
    yield from _fields(document["fields"], "/fields", 1, "")


def _fields(fields: Sequence[Any], path: str, level: int, above: str) -> Iterator[Row]:
    for index, found in enumerate(fields):
        field = found if isinstance(found, dict) else _NOTHING
        here, name = f"{path}/{index}", _text(field.get("name"))
        shape = shape_of(field.get("type", "") if field else found)
        ends = index == 0, index == len(fields) - 1
        row = Row(here, level, "field", field, shape, f"{here}/type", f"{above}{name}", *ends)
        yield row
        yield from _inside(row)


def _inside(row: Row) -> Iterator[Row]:
    match row.shape.kind, row.shape.node:
        case "record", {"fields": list() as fields}:
            yield from _fields(fields, f"{row.node}/fields", row.level + 1, f"{row.named}.")
        case ("array", {"items": inner}) | ("map", {"values": inner}):
            role, mark = ("items", "[]") if row.shape.kind == "array" else ("values", "{}")
            path = f"{row.node}/{role}"
            child = Row(path, row.level + 1, role, _NOTHING, shape_of(inner), path, row.named + mark)
            yield child
            yield from _inside(child)


def cells(row: Row) -> dict[str, Any]:
    """Return what the row's cells show, by key; without those that are empty."""
    return _cells(row.field, row.shape, _text(row.field.get("name")) if row.role == "field" else None)


def shown_in(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the cells of a field show."""
    return _cells(field, shape_of(field.get("type", "")), _text(field.get("name")))


def _cells(field: Mapping[str, Any], shape: Shape, name: str | None) -> dict[str, Any]:
    parts = shape.parts
    found: dict[str, Any] = {
        "name": name,
        "type": shape.kind,
        "nullable": shape.nullable or None,
        "logical": shape.logical,
        "default": default_text(field, shape),
        "display": field.get("display") if isinstance(field.get("display"), bool) else None,
        "title": _text(field.get("title")) or None,
        "doc": _text(field.get("doc")) or None,
    }
    if shape.kind == "enum":
        found["symbols"] = _symbols(parts.get("symbols"))
    if shape.kind == "fixed":
        found["size"] = _number(parts.get("size"))
    if shape.logical == "decimal":
        found["precision"], found["scale"] = _number(parts.get("precision")), _number(parts.get("scale"))
    if shape.kind == "custom":
        found["custom"] = custom_text(shape.node)
    cut = [key for key, value in found.items() if isinstance(value, str) and len(value) > LONGEST]
    shown = {key: shorten(value, LONGEST) if key in cut else value for key, value in found.items() if value is not None}
    return {**shown, "cut": cut} if cut else shown


def default_text(field: Mapping[str, Any], shape: Shape) -> str | None:
    """Return the text of a field's default; None if it has none."""
    if "default" not in field:
        return None
    return text_of(field["default"], shape)


def _symbols(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) and "," not in each for each in value):
        return ", ".join(value)
    return _text(value)


def _number(value: Any) -> int | str | None:
    if isinstance(value, int) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST:
        return value
    return _text(value) or None


def _text(value: Any) -> str:
    """Return a text of the schema, anything else that stands in its place as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
