"""A JSON Schema document: what its references point at, what its keywords stand for, and what was met on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from intempt_nb.display import shorten
from intempt_nb.errors import Problem, SchemaError, suggest
from intempt_nb.schema.mapping.arrow_names import avro_name, unused
from intempt_nb.schema.parsing.naming import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Document", "Placed", "has_structure", "json_types", "list_of", "names_of", "object_of", "pointer_to"]

MAX_TYPES = 20_000  # a few lines of references can otherwise stand for millions
STRUCTURE = ("type", "properties", "additionalProperties", "patternProperties", "items", "prefixItems", "enum", "const")

Placed: TypeAlias = tuple[Any, str]
"""A schema and the JSON pointer to it."""


@dataclass(slots=True)
class Document:
    """A JSON Schema, and what its conversion has met so far.

    Parameters
    ----------
    root
        The decoded JSON.
    display
        Whether each field is to say ``"display": true``.
    """

    root: Any
    display: bool = False
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    enums: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)  # where a record or enum stands → its name
    followed: frozenset[str] = frozenset()  # references since the last record, which alone may contain itself
    types: int = 0

    def problem(self, path: str, message: str) -> list[Any]:
        """Note a problem; there is no type then."""
        self.problems.append(Problem(path, message))
        return []

    def count(self, path: str) -> None:
        """Count one more type; raises SchemaError when there are too many."""
        self.types += 1
        if self.types > MAX_TYPES:
            message = f"more than {MAX_TYPES:,} types, with every reference written out"
            raise SchemaError([*self.problems, Problem(path, message)])

    def name(self, path: str, wanted: str) -> str:
        """Return a name that no other type has, for the type at a place."""
        self.named[path] = unused(wanted, self.taken)
        return self.named[path]

    def target(self, reference: Any, path: str) -> Placed | None:
        """Return what the reference at a place points at, None (and a problem) if it leads nowhere."""
        where = f"{path}/$ref"
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            advice = "expected a pointer into this document, '#/…'; put what it means under '$defs'"
            self.problem(where, f"found {shown(reference)}; {advice}")
            return None
        pointer = unquote(reference[1:])
        found = self.root
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                there = suggest(key, found) if isinstance(found, dict) else ""
                self.problem(where, f"{shorten(reference)!r} leads nowhere{there}")
                return None
        return found, pointer

    def follow(self, schema: Any, path: str) -> Placed:
        """Return what a schema says behind its references and an ``allOf`` of one; {} where that is unknown."""
        seen: set[str] = set()
        while isinstance(schema, dict):
            if path in seen:
                self.problem(path, "refers to itself")
                return {}, path
            seen.add(path)
            parts = list_of(schema, "allOf")
            if "$ref" in schema:
                schema, path = self.target(schema["$ref"], path) or ({}, path)
            elif len(parts) == 1 and not has_structure(schema):
                schema, path = parts[0], f"{path}/allOf/0"
            else:
                break
        return schema, path

    def doc(self, schema: Any) -> dict[str, str]:
        """Return a schema's description; its own comes before that of what it refers to."""
        for each in (schema, Document(self.root).follow(schema, "")[0]):
            if isinstance(each, dict) and isinstance(each.get("description"), str):
                return {"doc": each["description"]}
        return {}


def names_of(identity: Any) -> tuple[str, str]:
    """Return the name and the namespace that an ``id`` stands for; both may be empty.

    ``http://shop.com/schemas/order.json`` is ``order_json`` in ``com.shop.schemas``.
    """
    if not isinstance(identity, str):
        return "", ""
    try:
        parts = urlsplit(identity)
        host = parts.hostname or ""
    except ValueError:  # no URL, though it looks like one
        return avro_name(identity), ""
    *folders, last = parts.path.strip("/").split("/")
    spaces = [*reversed(host.split(".")), *folders]
    return avro_name(last) if last else "", ".".join(avro_name(each) for each in spaces if each)


def has_structure(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema says by itself what its values are made of."""
    return any(key in schema for key in STRUCTURE)


def json_types(schema: Any) -> list[str]:
    """Return the JSON types that a schema says or that its keywords stand for."""
    match schema:
        case {"type": str() as kind}:
            return [kind]
        case {"type": list() as kinds}:
            return [str(kind) for kind in kinds]
        case {"properties": _} | {"additionalProperties": dict()} | {"patternProperties": dict()}:
            return ["object"]
        case {"items": _} | {"prefixItems": _}:
            return ["array"]
        case {"allOf": list() as parts} if any(json_types(each) == ["object"] for each in parts):
            return ["object"]
        case _:
            return []


def list_of(schema: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list under a key, an empty one if there is none."""
    found = schema.get(key)
    return found if isinstance(found, list) else []


def object_of(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the object under a key, an empty one if there is none."""
    found = schema.get(key)
    return found if isinstance(found, dict) else {}


def pointer_to(path: str, *steps: str) -> str:
    """Return a JSON pointer (RFC 6901) with more steps."""
    return "/".join([path, *(step.replace("~", "~0").replace("/", "~1") for step in steps)])
