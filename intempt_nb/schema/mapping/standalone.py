"""Avro JSON taken out of its schema: every name it uses defined in it, in the namespace it had there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from intempt_nb.schema.model import Array, AvroType, Defined, Map, Record, Reference, Union
from intempt_nb.schema.parsing.naming import PRIMITIVE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Definition", "chosen_fields", "definitions", "namespace_of", "same_definition", "standalone"]

Definition = tuple[Any, str]
"""The JSON of a named type, and the namespace around it."""

_NAMED = ("record", "error", "enum", "fixed")


def definitions(avro: Any, namespace: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield the named types that valid Avro JSON defines, by full name.

    Parameters
    ----------
    avro
        The JSON of a type, decoded.
    namespace
        The one around it.
    """
    match avro:
        case list():
            for each in avro:
                yield from definitions(each, namespace)
        case {"type": str() as kind} if kind in _NAMED:
            name = _full_name(avro, namespace)
            yield name, (avro, namespace)
            for each in avro.get("fields", ()):
                yield from definitions(each["type"], namespace_of(name))
        case {"type": "array", "items": inner} | {"type": "map", "values": inner}:
            yield from definitions(inner, namespace)
        case {"type": dict() | list() as inner}:
            yield from definitions(inner, namespace)


def standalone(avro: Any, namespace: str, defined: Mapping[str, Definition], known: set[str], around: str = "") -> Any:
    """Return the JSON of a type as it reads elsewhere.

    Parameters
    ----------
    avro
        The JSON of a type in a valid schema, decoded. It is not changed.
    namespace
        The one around it in its schema.
    defined
        From :func:`definitions` of the whole schema. A type that `avro` only names is defined where it is named first.
    known
        Full names that are defined where the type will be; those it defines are added. A definition of one of them is
        replaced by its name.
    around
        The namespace around the type where it will be.

    Returns
    -------
    Any
        Equal to `avro` if that uses no name it does not define, none of `known`, and the namespaces are the same.
    """
    match avro:
        case str() if avro in PRIMITIVE_NAMES:
            return avro
        case str():
            name = _resolved(avro, namespace, defined)
            if name in known or name not in defined:
                return avro if around == namespace else name
            return standalone(*defined[name], defined, known, around)
        case list():
            return [standalone(each, namespace, defined, known, around) for each in avro]
        case {"type": str() as kind} if kind in _NAMED:
            return _definition(avro, namespace, defined, known, around)
        case {"type": "array", "items": inner}:
            return {**avro, "items": standalone(inner, namespace, defined, known, around)}
        case {"type": "map", "values": inner}:
            return {**avro, "values": standalone(inner, namespace, defined, known, around)}
        case {"type": dict() | list() as inner}:
            return {**avro, "type": standalone(inner, namespace, defined, known, around)}
        case _:
            return avro


def chosen_fields(avro: Mapping[str, Any], names: Sequence[str], around: str = "") -> list[dict[str, Any]]:
    """Return name and type of some fields of a record, as another record can have them.

    Parameters
    ----------
    avro
        The record's JSON, decoded.
    names
        Of the fields, in order.
    around
        The namespace of the other record.
    """
    types = {field["name"]: field["type"] for field in avro["fields"]}
    defined, known = dict(definitions(avro)), set[str]()
    inside = namespace_of(_full_name(avro, ""))
    return [{"name": name, "type": standalone(types[name], inside, defined, known, around)} for name in names]


def _definition(
    avro: dict[str, Any], namespace: str, defined: Mapping[str, Definition], known: set[str], around: str
) -> Any:
    name = _full_name(avro, namespace)
    if name in known:
        return name
    known.add(name)
    moved = around != namespace and "." not in avro["name"] and "namespace" not in avro
    placed = {**avro, "namespace": namespace} if moved else dict(avro)
    if "fields" in avro:
        inside = namespace_of(name)
        placed["fields"] = [
            {**each, "type": standalone(each["type"], inside, defined, known, inside)} for each in avro["fields"]
        ]
    return placed


def namespace_of(full_name: str) -> str:
    """Return the namespace of a full name; empty for none."""
    return full_name.rpartition(".")[0]


def _full_name(avro: Mapping[str, Any], namespace: str) -> str:
    name: str = avro["name"]
    own = avro.get("namespace", namespace)
    return f"{own}.{name}" if own and "." not in name else name


def _resolved(name: str, namespace: str, defined: Mapping[str, Definition]) -> str:
    full = f"{namespace}.{name}" if namespace and "." not in name else name
    return full if full in defined else name


def same_definition(name: str, one: Mapping[str, Defined], other: Mapping[str, Defined]) -> bool:
    """Return whether a name means the same in two schemas, wherever in them the types it leads to are defined."""
    return _written_out(Reference(name), one, frozenset()) == _written_out(Reference(name), other, frozenset())


def _written_out(avro_type: AvroType, named: Mapping[str, Defined], around: frozenset[str]) -> AvroType:
    """Return the type with every name's definition in its place, but for those of the records around it."""
    match avro_type:
        case Reference(name) | Record(name=name) if name in around:
            return Reference(name)
        case Reference(name):
            return _written_out(named[name], named, around)
        case Record(name=name, fields=fields):
            inside = around | {name}
            parts = tuple(replace(each, type=_written_out(each.type, named, inside)) for each in fields)
            return replace(avro_type, fields=parts)
        case Array(items):
            return Array(_written_out(items, named, around))
        case Map(values):
            return Map(_written_out(values, named, around))
        case Union(branches):
            return Union(tuple(_written_out(each, named, around) for each in branches))
        case _:
            return avro_type
