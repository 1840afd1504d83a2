"""A type beside the JSON that declares it, for what only the JSON says: attributes that the model does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.schema.model import (
    Array,
    AvroType,
    Decimal,
    Duration,
    Enum,
    Fixed,
    Logical,
    Map,
    Record,
    Union,
    Uuid,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Declared", "declared", "definitions", "parts"]

_IN_THE_MODEL = frozenset({"type", "name", "namespace", "fields", "symbols", "size", "items", "values", "aliases"})
_OF_A_LOGICAL_TYPE = frozenset({"logicalType", "precision", "scale"})


@dataclass(frozen=True, slots=True)
class Declared:
    """A type, and the JSON that declares it.

    Parameters
    ----------
    type
        The type.
    json
        Its decoded JSON, without objects that only wrap it.
    attributes
        What the JSON says beyond the structure of the type: a doc, an enum's default, whatever its writer added.
    """

    type: AvroType
    json: Any
    attributes: Mapping[str, Any]


def declared(avro_type: AvroType, json: Any) -> Declared:
    """Return the type beside its JSON, what wraps it taken off and its attributes kept.

    Parameters
    ----------
    avro_type
        A type as the parser gives it.
    json
        The decoded JSON it was made of.
    """
    known = _IN_THE_MODEL
    if isinstance(avro_type, Logical):
        known = known | _OF_A_LOGICAL_TYPE
    attributes: dict[str, Any] = {}
    while isinstance(json, dict):
        attributes |= {key: each for key, each in json.items() if key not in known}
        if not isinstance(json["type"], dict | list):
            break
        json = json["type"]
    if isinstance(json, dict) and json["type"] == "error":  # the model has it as a record
        attributes["type"] = "error"
    if attributes.get("doc", "") is None:
        del attributes["doc"]
    return Declared(avro_type, json, attributes)


def parts(whole: Declared) -> list[Declared]:
    """Return the types directly inside: those of the fields, items, values or branches, in order."""
    match whole.type:
        case Record(fields=fields):
            return [declared(each.type, json["type"]) for each, json in zip(fields, whole.json["fields"], strict=True)]
        case Array(items):
            return [declared(items, whole.json["items"])]
        case Map(values):
            return [declared(values, whole.json["values"])]
        case Union(branches):
            return [declared(each, json) for each, json in zip(branches, whole.json, strict=True)]
        case _:
            return []


def definitions(root: Declared) -> dict[str, Declared]:
    """Return the named types by full name, each where it is written out."""
    found: dict[str, Declared] = {}
    rest = [root]
    while rest:
        each = rest.pop()
        match each.type:
            case Record(name=name) | Enum(name=name) | Fixed(name=name):
                found[name] = each
            case Decimal(fixed=Fixed() as base) | Duration(base) | Uuid(Fixed() as base):
                found[base.name] = declared(base, each.json)
        rest.extend(parts(each))
    return found
