"""Edits of a schema's document. Each returns another document, which shares what it has in common with the first.

Nothing is judged here: what is wrong after an edit, the schema core says.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.arrow_names import avro_names, titled, unused
from intempt_nb.schema.parsing.avro import examine_schema
from intempt_nb.widgets.designing import shapes
from intempt_nb.widgets.designing.defaults import default_of
from intempt_nb.widgets.designing.naming import new_name, settled
from intempt_nb.widgets.designing.places import found_at, is_field, parent_of, replaced, steps_of
from intempt_nb.widgets.designing.rows import default_text, shown_in
from intempt_nb.widgets.designing.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["added", "changed", "deleted", "duplicated", "moved", "pasted"]

_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)


def changed(document: Mapping[str, Any], path: str, key: str, value: Any) -> Mapping[str, Any]:
    """Return the document with another value in a cell.

    Parameters
    ----------
    document
        The schema.
    path
        Of the row.
    key
        Of the cell: ``name``, ``type``, ``nullable``, ``logical``, ``precision``, ``scale``, ``size``, ``symbols``,
        ``default``, ``display``, ``title``, ``doc`` or ``custom``.
    value
        What was typed or chosen; None and empty text for nothing.

    Raises
    ------
    DataError
        If there is no such cell.
    """
    if key not in _OF_TYPES and key not in _OF_FIELDS:
        raise DataError(f"there is no cell {key!r}")
    _refuse_halves(value)
    whole = is_field(path)
    field = _field(document, path) if whole or key in _OF_FIELDS else {"type": _inner_type(document, path)}
    if shown_in(field).get(key) == value:  # which may be cut
        return document
    if key in _OF_FIELDS:
        made = _OF_FIELDS[key](field, key, value)
    else:
        made = _OF_TYPES[key](document, field, _name_above(document, path), value)
    if json.dumps(made) == json.dumps(field):
        return document
    after = replaced(document, path, made if whole else made["type"])
    return settled(after, document) if key in ("type", "custom") else after


def _refuse_halves(value: Any) -> None:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise DataError("half of a character is in what was typed; type it again") from None


def _field(document: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    field = found_at(document, path)
    if is_field(path) and isinstance(field, dict):
        return field
    raise DataError(f"{path} is no field with a name and a type; the Avro tab can mend it")


def _inner_type(document: Mapping[str, Any], path: str) -> Any:
    if path.startswith("/fields/") and path.endswith(("/items", "/values")):
        return found_at(document, path)
    raise DataError(f"there is no type at {path or '/'}; the schema has changed meanwhile")


def _name_above(document: Mapping[str, Any], path: str) -> str:
    """Return the name of the field at a path, or around it."""
    steps = steps_of(path)
    while steps:
        above = "/" + "/".join(steps)
        if is_field(above):
            return str(found_at(document, above).get("name") or "type")
        steps.pop()
    return "type"


def _without(field: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {each: value for each, value in field.items() if each != key}


def _with_text(field: Mapping[str, Any], key: str, value: Any) -> Mapping[str, Any]:
    text = "" if value is None else str(value)
    return {**field, key: text} if text else _without(field, key)


def _with_name(field: Mapping[str, Any], key: str, value: Any) -> Mapping[str, Any]:
    return {**field, key: str(value or "").strip()}


def _with_display(field: Mapping[str, Any], key: str, value: Any) -> Mapping[str, Any]:
    return {**field, key: value} if isinstance(value, bool) else _without(field, key)


def _with_default(field: Mapping[str, Any], key: str, value: Any) -> Mapping[str, Any]:
    text = "" if value is None else str(value)
    shape = shape_of(field.get("type"))
    if not text:
        return _without(field, key)
    default = default_of(text, shape)
    return {**field, "type": shapes.null_placed(field.get("type"), last=default is not None), key: default}


def _typed(document: Mapping[str, Any], field: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    if value not in shapes.TYPES:
        raise DataError(f"there is no type {value!r}")
    before = field.get("type", "string")
    after = shapes.with_type(before, value, new_name(document, name))
    made = {**field, "type": after}
    if "default" in field and after is not before:
        default = default_of(default_text(field, shape_of(before)) or "", shape_of(after))
        made = {**made, "default": default}
        return made if _fits(made) else _without(made, "default")
    return made


def _fits(field: Mapping[str, Any]) -> bool:
    """Return whether a field's default is of its type; the schema core knows."""
    alone = {"name": "f", "type": field["type"], "default": field["default"]}
    _, problems, _ = examine_schema({"type": "record", "name": "r", "fields": [alone]})
    return not any(problem.path.startswith("/fields/0/default") for problem in problems)


def _nullable(document: Mapping[str, Any], field: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    before = field.get("type", "string")
    if bool(value) == shape_of(before).nullable:
        return field
    if value:
        return {**field, "type": shapes.with_null(before, last=field.get("default") is not None)}
    if not isinstance(before, list):
        raise DataError("null is the only value of this type; choose another type first")
    made = {**field, "type": shapes.without_null(before)}
    return _without(made, "default") if "default" in field and field["default"] is None else made


def _logical(document: Mapping[str, Any], field: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    before = field.get("type", "string")
    if shape_of(before).kind == "custom":
        raise DataError("a custom type has its logical types in its own JSON")
    return _reread(field, shapes.with_logical(before, str(value) if value else None))


def _custom(document: Mapping[str, Any], field: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    return {**field, "type": shapes.decoded(str(value or "").strip())}


def _parameter(key: str, read: Callable[[str], Any]) -> Any:
    """Return the edit of a parameter of a type: ``precision``, say."""

    def edit(document: Mapping[str, Any], field: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
        shape = shape_of(field.get("type"))
        if not isinstance(shape.node, dict):
            raise DataError(f"the type {shape.kind} has no {key}")
        text = "" if value is None else str(value).strip()
        node = _without(shape.node, key) if text == "" and key != "symbols" else {**shape.node, key: read(text)}
        return _reread(field, shapes.with_node(field["type"], shape, node))

    return edit


def _reread(field: Mapping[str, Any], after: Any) -> Mapping[str, Any]:
    """Return a field with another type, in which the text of its default is the same: 12.50 is other bytes then."""
    before = shape_of(field["type"])
    if before.kind not in ("bytes", "fixed") or field.get("default") is None:
        return {**field, "type": after}
    return {**field, "type": after, "default": default_of(default_text(field, before) or "", shape_of(after))}


def _number(text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text) and len(text) < 1000 else text


def _symbols(text: str) -> Any:
    if text.startswith("["):
        return shapes.decoded(text)
    return [each.strip() for each in re.split(r"[,;\n]", text) if each.strip()]


_OF_FIELDS: Mapping[str, Callable[[Mapping[str, Any], str, Any], Mapping[str, Any]]] = {
    "name": _with_name,
    "title": _with_text,
    "doc": _with_text,
    "display": _with_display,
    "default": _with_default,
}
_OF_TYPES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], str, Any], Mapping[str, Any]]] = {
    "type": _typed,
    "nullable": _nullable,
    "logical": _logical,
    "custom": _custom,
    "symbols": _parameter("symbols", _symbols),
    **{key: _parameter(key, _number) for key in ("precision", "scale", "size")},
}


def _siblings(document: Mapping[str, Any], into: str) -> list[Any]:
    found = found_at(document, into)
    if isinstance(found, list) and into.endswith("/fields"):
        return found
    raise DataError(f"{into} holds no fields; the Avro tab can mend it")


def _names(fields: Sequence[Any]) -> list[str]:
    return [each["name"] for each in fields if isinstance(each, dict) and isinstance(each.get("name"), str)]


def added(document: Mapping[str, Any], into: str, at: int | None = None) -> tuple[Mapping[str, Any], str]:
    """Return the document with a new field, and the path of that.

    Parameters
    ----------
    document
        The schema.
    into
        The path of the list of fields: ``/fields``.
    at
        The index; None for the end.
    """
    fields = _siblings(document, into)
    index = len(fields) if at is None else max(0, min(int(at), len(fields)))
    field = {"name": unused("field", set(_names(fields))), "type": "string"}
    return replaced(document, into, [*fields[:index], field, *fields[index:]]), f"{into}/{index}"


def duplicated(document: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], str]:
    """Return the document with a copy of a field behind it, and the path of that; types are not defined again."""
    parent, index = parent_of(path)
    fields, field = _siblings(document, parent), _field(document, path)
    copy = {**field, "name": unused(str(field.get("name") or "field"), set(_names(fields)))}
    made = replaced(document, parent, [*fields[: index + 1], copy, *fields[index + 1 :]])
    return settled(made, document), f"{parent}/{index + 1}"


def deleted(document: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Return the document without a field; a type that is used elsewhere is defined there then."""
    parent, index = parent_of(path)
    fields = _siblings(document, parent)
    found_at(document, path)
    return settled(replaced(document, parent, [*fields[:index], *fields[index + 1 :]]), document)


def moved(document: Mapping[str, Any], path: str, by: int) -> tuple[Mapping[str, Any], str]:
    """Return the document with a field further up or down among its siblings, and its path there."""
    parent, index = parent_of(path)
    fields, field = _siblings(document, parent), found_at(document, path)
    target = max(0, min(index + int(by), len(fields) - 1))
    if target == index:
        return document, path
    rest = [*fields[:index], *fields[index + 1 :]]
    made = replaced(document, parent, [*rest[:target], field, *rest[target:]])
    return settled(made, document), f"{parent}/{target}"


def pasted(
    document: Mapping[str, Any], names: Sequence[str], into: str
) -> tuple[Mapping[str, Any], list[str], list[str]]:
    """Return the document with a text field for each name, the paths of those, and the names that were there already.

    Parameters
    ----------
    document
        The schema.
    names
        What is no Avro name becomes one, with the name as title.
    into
        The path of the list of fields.
    """
    fields = _siblings(document, into)
    there = list(dict.fromkeys(_names(fields)))
    titles = {each["title"] for each in fields if isinstance(each, dict) and isinstance(each.get("title"), str)}
    known = titles.union(there)
    new = [name for name in dict.fromkeys(names) if name not in known]
    made = avro_names([*there, *new])[len(there) :]
    more = [titled({"name": name, "type": "string"}, name, text) for name, text in zip(made, new, strict=True)]
    paths = [f"{into}/{len(fields) + index}" for index in range(len(more))]
    return replaced(document, into, [*fields, *more]), paths, [name for name in dict.fromkeys(names) if name in known]
