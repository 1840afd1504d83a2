"""JSON Schema → Avro: a document that the JSON Schema takes is an item that the Avro schema takes, as it is.

The names and types are those of the vendor's own converter, json-to-avro-schema: the record and its namespace come from
the ``id``, types made on the way are ``<property>_record`` and ``<property>_enum``, whole numbers are longs and other
numbers doubles. Where its output is no valid Avro (a field in the place of an array's items, a type name used twice) or
refuses what the JSON Schema allows (an object, array or enum that may be absent), this module keeps to JSON Schema.
"""

from __future__ import annotations

import warnings
from itertools import chain
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.errors import Problem, SchemaError, suggest
from intempt_nb.schema.mapping.arrow_names import avro_name, avro_names
from intempt_nb.schema.parsing.avro import SchemaWarning, parse_json
from intempt_nb.schema.parsing.jsondocument import (
    Document,
    Placed,
    has_structure,
    json_types,
    list_of,
    names_of,
    object_of,
    pointer_to,
)
from intempt_nb.schema.parsing.naming import NAME, shown
from intempt_nb.schema.parsing.source import as_text, refuse_depth, too_deep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["avro_from_json_schema"]

NAMELESS = "main"

_SIMPLE: Mapping[str, str] = {"null": "null", "boolean": "boolean", "integer": "long", "number": "double"}
# Formats whose text is the item's text too; a date-time stays text, as timestamps are numbers in items.
_FORMATS: Mapping[str, Any] = {
    "date": {"type": "string", "logicalType": "date"},
    "uuid": {"type": "string", "logicalType": "uuid"},
}


def avro_from_json_schema(
    source: str | bytes | Mapping[str, Any],
    *,
    name: str | None = None,
    namespace: str | None = None,
    display: bool = False,
) -> dict[str, Any]:
    """Return the Avro record schema of a JSON Schema, as decoded JSON.

    Converted are ``type`` (one or a list), ``properties``, ``required``, ``items``, ``additionalProperties``, ``enum``,
    ``const``, ``anyOf``, ``oneOf``, ``allOf`` of objects, ``$ref`` within the document, ``default``, ``description``,
    ``title`` and the formats ``date`` and ``uuid``. What merely limits values (``pattern``, ``maximum`` …) is not.

    Parameters
    ----------
    source
        JSON text, or the same decoded: a schema whose root is an object.
    name, namespace
        Of the record; None to take them from ``$id`` or ``id`` (``http://shop.com/schemas/order.json`` is
        ``com.shop.schemas.order_json``), or else the name ``main`` and no namespace.
    display
        Whether to write ``"display": true`` into each field, as the vendor's converter does when asked.

    Returns
    -------
    dict
        A required property has its type; one with a default has its type and the default; any other is a union with
        null, and null its default. Items of an array may be null unless they are objects or arrays.

    Raises
    ------
    SchemaError
        With every part that Avro has no type for, each at its JSON pointer in the JSON Schema.

    Warns
    -----
    SchemaWarning
        For properties that a document may have and an item cannot: those of an object that names none or not all.
    """
    root = parse_json(as_text(source))
    refuse_depth(root)
    document = Document(root, display)
    try:
        record = _root(root, name, namespace, document)
    except RecursionError:
        raise too_deep() from None
    if document.problems:
        raise SchemaError(document.problems)
    for warning in document.warnings:
        warnings.warn(str(warning), SchemaWarning, stacklevel=3)  # the line that called Schema.from_json_schema
    return record


def _root(root: Any, name: str | None, namespace: str | None, document: Document) -> dict[str, Any]:
    identity = root.get("$id", root.get("id")) if isinstance(root, dict) else None
    own_name, own_namespace = names_of(identity)
    schema, path = document.follow(root, "")
    if json_types(schema) != ["object"]:
        if not document.problems:
            document.problem(path, f"found {shown(schema)}; expected an object at the root, as items are objects")
        return {}
    name = name or own_name or _last_step(path)
    record = {"type": "record", "name": document.name(path, name), "namespace": namespace or own_namespace}
    fields = _fields(schema, path, document)
    return {key: each for key, each in record.items() if each} | document.doc(root) | {"fields": fields}


def _last_step(pointer: str) -> str:
    return avro_name(pointer.rpartition("/")[2]) if pointer else NAMELESS


def _branches(schema: Any, path: str, hint: str, document: Document) -> list[Any]:
    """Return the Avro types that a schema's values are of, ``"null"`` maybe among them; none if there is a problem.

    Parameters
    ----------
    schema, path
        The schema and the pointer to it.
    hint
        What types that are made on the way are named after.
    document
        Around it.
    """
    document.count(path)
    match schema:
        case {"$ref": reference}:
            return _referred(reference, path, document)
        case {"enum": list() as values}:
            return _enumerated(values, path, hint, document)
        case {"const": value}:
            return _enumerated([value], path, hint, document)
        case {"allOf": list() as parts} if not has_structure(schema):
            return _all_of(schema, parts, path, hint, document)
        case {"anyOf": list() as parts} if not has_structure(schema):
            return _any_of(parts, f"{path}/anyOf", hint, document)
        case {"oneOf": list() as parts} if not has_structure(schema):
            return _any_of(parts, f"{path}/oneOf", hint, document)
        case dict() if kinds := json_types(schema):
            return _union(
                (each for kind in kinds for each in _typed(kind, schema, path, hint, document)), path, document
            )
        case _:
            return document.problem(path, f"found {shown(schema)}, which says no type; expected 'type'")


def _union(branches: Iterable[Any], path: str, document: Document) -> list[Any]:
    """Return the branches without repeats; a second array or map is a problem, as Avro cannot tell them apart."""
    found: list[Any] = []
    for each in branches:
        if each in found:
            continue
        if any(_kind(other) == _kind(each) for other in found):
            document.problem(path, f"{_kind(each)}s of several kinds in one place; an Avro union has one at most")
        else:
            found.append(each)
    return found


def _kind(avro: Any) -> str:
    return str(avro.get("name", avro["type"])) if isinstance(avro, dict) else str(avro)


def _one(branches: list[Any]) -> Any:
    """Return the type itself where there is one, or their union, null first."""
    return branches[0] if len(branches) == 1 else sorted(branches, key=lambda each: each != "null")


def _referred(reference: Any, path: str, document: Document) -> list[Any]:
    target = document.target(reference, path)
    if target is None:
        return []
    schema, pointer = target
    if pointer in document.followed:
        return document.problem(f"{path}/$ref", f"{reference!r} refers to itself without an object in between")
    before, document.followed = document.followed, document.followed | {pointer}
    found = _branches(schema, pointer, _last_step(pointer), document)
    document.followed = before
    return found


def _any_of(parts: list[Any], path: str, hint: str, document: Document) -> list[Any]:
    found = [_branches(each, f"{path}/{n}", hint, document) for n, each in enumerate(parts)]
    return _union(chain.from_iterable(found), path, document)


def _all_of(schema: dict[str, Any], parts: list[Any], path: str, hint: str, document: Document) -> list[Any]:
    """Return the record of an ``allOf`` of objects, or the type of its only part that says one."""
    typed = [
        (each, f"{path}/allOf/{n}")
        for n, each in enumerate(parts)
        if isinstance(each, dict)
        and (has_structure(each) or not each.keys().isdisjoint(("$ref", "anyOf", "oneOf", "allOf")))
    ]
    if len(typed) == 1:
        return _branches(*typed[0], hint, document)
    if typed and all(json_types(document.follow(*each)[0]) == ["object"] for each in typed):
        return [_record(schema, path, hint, document)]
    return document.problem(f"{path}/allOf", "only objects can be put together; expected 'type': 'object' in each part")


def _enumerated(values: list[Any], path: str, hint: str, document: Document) -> list[Any]:
    rest = [value for value in values if value is not None]
    null = ["null"] if len(rest) < len(values) else []
    if rest and all(isinstance(value, str) and NAME.fullmatch(value) for value in rest):
        if path in document.named:
            return [*null, document.named[path]]
        name = document.name(path, f"{hint}_enum")
        document.enums.add(name)
        return [*null, {"type": "enum", "name": name, "symbols": list(dict.fromkeys(rest))}]
    kinds = list(dict.fromkeys(_kind_of(value) for value in rest))
    if None in kinds or not values:
        expected = "expected text, numbers, true or false"
        return document.problem(
            path, f"objects and arrays as values; {expected}" if values else f"no value; {expected}"
        )
    return [*null, *(kind for kind in kinds if kind != "long" or "double" not in kinds)]


def _kind_of(value: Any) -> str | None:
    match value:
        case bool():
            return "boolean"
        case int():
            return "long"
        case float():
            return "double"
        case str():
            return "string"
        case _:
            return None


def _typed(kind: str, schema: dict[str, Any], path: str, hint: str, document: Document) -> list[Any]:
    """Return the Avro type of one JSON type; none if there is a problem."""
    match kind:
        case "string":
            return [_FORMATS.get(str(schema.get("format")), "string")]
        case "object":
            return [_object(schema, path, hint, document)]
        case "array":
            return [_array(schema, path, hint, document)]
        case _ if kind in _SIMPLE:
            return [_SIMPLE[kind]]
        case _:
            known = [*_SIMPLE, "string", "object", "array"]
            return document.problem(f"{path}/type", f"unknown type {shorten(kind)!r}{suggest(kind, known)}")


def _object(schema: dict[str, Any], path: str, hint: str, document: Document) -> Any:
    values = _unnamed_members(schema, path)
    if "properties" in schema or "allOf" in schema or not values:
        return _record(schema, path, hint, document)
    found = [_branches(*each, hint, document) for each in values]
    return {"type": "map", "values": _one(_union(chain.from_iterable(found), path, document))}


def _unnamed_members(schema: dict[str, Any], path: str) -> list[Placed]:
    """Return the schemas of the properties that an object has without naming them."""
    patterns = object_of(schema, "patternProperties").items()
    found: list[Placed] = [(each, pointer_to(path, "patternProperties", key)) for key, each in patterns]
    more = object_of(schema, "additionalProperties")
    return [*found, (more, f"{path}/additionalProperties")] if more else found


def _array(schema: dict[str, Any], path: str, hint: str, document: Document) -> Any:
    places = [
        (each, f"{path}/{key}/{n}") for key in ("prefixItems", "items") for n, each in enumerate(list_of(schema, key))
    ]
    if isinstance(schema.get("items"), dict):
        places.append((schema["items"], f"{path}/items"))
    if not places:
        document.problem(path, "an array without 'items'; expected the type of its items")
    items = _union(chain.from_iterable([_branches(*each, hint, document) for each in places]), path, document)
    if all(_is_scalar(each, document) for each in items):
        items = _union(["null", *items], path, document)
    return {"type": "array", "items": _one(items)}


def _is_scalar(avro: Any, document: Document) -> bool:
    if isinstance(avro, dict):
        return avro["type"] in ("enum", "string")
    return avro not in document.taken or avro in document.enums


def _record(schema: dict[str, Any], path: str, hint: str, document: Document) -> Any:
    """Return the record of an object, or its name where it is defined already or being defined."""
    if path in document.named:
        return document.named[path]
    name = document.name(path, f"{hint}_record")
    before, document.followed = document.followed, frozenset()
    fields = _fields(schema, path, document)
    document.followed = before
    if not fields:
        document.warnings.append(Problem(path, "an object without 'properties': nothing of what it holds is kept"))
    return {"type": "record", "name": name, "fields": fields}


def _fields(schema: dict[str, Any], path: str, document: Document) -> list[dict[str, Any]]:
    members, required = _members(schema, path, document, frozenset())
    names = avro_names(list(members))
    found = zip(members.items(), names, strict=True)
    return [_field(key, name, member, key in required, document) for (key, member), name in found]


def _members(
    schema: dict[str, Any], path: str, document: Document, seen: frozenset[str]
) -> tuple[dict[str, Placed], set[str]]:
    """Return an object's properties, those of its ``allOf`` included, and the names of the required ones."""
    if path in seen:
        document.problem(path, "an object that is put together from itself")
        return {}, set()
    properties = object_of(schema, "properties")
    if not isinstance(schema.get("properties", {}), dict):
        document.problem(f"{path}/properties", f"found {shown(schema['properties'])}; expected an object")
    if properties and _unnamed_members(schema, path):
        document.warnings.append(Problem(path, "properties that are not named in 'properties' are not kept"))
    members: dict[str, Placed] = {key: (each, pointer_to(path, "properties", key)) for key, each in properties.items()}
    required = {each for each in list_of(schema, "required") if isinstance(each, str)}
    for n, part in enumerate(list_of(schema, "allOf")):
        inside, where = document.follow(part, f"{path}/allOf/{n}")
        if not isinstance(inside, dict):
            continue
        more, also_required = _members(inside, where, document, seen | {path})
        required |= also_required
        for key, (each, place) in more.items():
            if members.setdefault(key, (each, place))[0] != each:
                document.problem(place, f"another {key!r} than the one at {members[key][1]}")
    return members, required


def _field(key: str, name: str, member: Placed, required: bool, document: Document) -> dict[str, Any]:
    schema, path = member
    branches = _branches(schema, path, name, document)
    said = schema if isinstance(schema, dict) else {}
    entry: dict[str, Any] = {"name": name, **({"display": True} if document.display else {}), **document.doc(said)}
    title = said.get("title") if name == key else key
    if isinstance(title, str) and title != name:
        entry["title"] = title
    default = said.get("default")
    if default is None and ("default" in said or not required):
        return {**entry, "type": _one(_union(["null", *branches], path, document)), "default": None}
    if default is None:
        return {**entry, "type": _one(branches)}
    first = [each for each in branches if _takes(each, default)][:1]
    if not first and branches:
        document.problem(f"{path}/default", f"found {shown(default)}; expected a value of the property's type")
    # The branch of the default comes first, where readers of older versions of Avro look for it.
    ordered = [*first, *(each for each in branches if each not in first)]
    return {**entry, "type": ordered[0] if len(ordered) == 1 else ordered, "default": default}


def _takes(avro: Any, value: Any) -> bool:
    """Return whether a value is of a type's kind; what a record or an array holds is for the Avro parser to see."""
    match avro:
        case {"type": "enum", "symbols": list() as symbols}:
            return bool(value in symbols)
        case {"type": "record" | "map"}:
            return isinstance(value, dict)
        case {"type": "array"}:
            return isinstance(value, list)
        case {"type": base}:
            return _takes(base, value)
        case "double":
            return _kind_of(value) in ("double", "long")
        case "null" | "boolean" | "long" | "string":
            return bool(_kind_of(value) == avro)
        case _:  # the name of a record or enum
            return isinstance(value, str | dict)
