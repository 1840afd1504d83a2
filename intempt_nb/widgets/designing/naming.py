"""Named types: names for new ones, and definitions that stay in front of their uses while fields move.

Avro wants a type's definition at its first use, and once. So when fields are moved, copied or deleted, a name that lost
its definition gets it where it is used first, and a second definition becomes the name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from intempt_nb.schema.mapping.arrow_names import avro_name, unused
from intempt_nb.schema.parsing.naming import PRIMITIVE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["new_name", "settled"]

_NAMED = ("record", "error", "enum", "fixed")


@dataclass(frozen=True, slots=True)
class _Definition:
    name: str
    namespace: str
    node: Mapping[str, Any]
    around: str


def new_name(document: Mapping[str, Any], wish: str) -> str:
    """Return a name for a new type, made of its field's, that no other type of the document has."""
    taken = {each.name.rpartition(".")[2] for each in _definitions(document, "")}
    return unused(avro_name(wish), taken.union(PRIMITIVE_NAMES))


def settled(document: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document whose fields were moved, copied or deleted, with every name defined once, at its first use.

    Parameters
    ----------
    document
        After the edit.
    before
        Before it. Names that it defines twice are left alone.
    """
    known = _once(before)
    root = _full_name(before, "")
    if known.keys() <= {root and root[0]}:  # the record itself, which stays where it is
        return document
    known |= {name: each for name, each in _once(document).items() if name in known}
    made: dict[str, Any] = _Walk(known).type(document, "")
    return made


def _once(document: Mapping[str, Any]) -> dict[str, _Definition]:
    found = list(_definitions(document, ""))
    times = Counter(each.name for each in found)
    return {each.name: each for each in found if times[each.name] == 1}


def _full_name(node: Mapping[str, Any], around: str) -> tuple[str, str] | None:
    """Return the full name of a definition and its namespace; None for what is none."""
    name, own = node.get("name"), node.get("namespace", around)
    if node.get("type") not in _NAMED or not isinstance(name, str) or not isinstance(own, str):
        return None
    if "." in name:
        return name, name.rpartition(".")[0]
    return f"{own}.{name}" if own else name, own


def _definitions(value: Any, around: str) -> Iterator[_Definition]:
    if isinstance(value, list):
        for branch in value:
            yield from _definitions(branch, around)
    if not isinstance(value, dict):
        return
    named = _full_name(value, around)
    if named is not None:
        yield _Definition(*named, value, around)
        around = named[1]
    inner = [each.get("type") for each in _fields(value) or () if isinstance(each, dict)]
    for each in (*inner, *(found for _, found in _inner_types(value))):
        if not isinstance(each, str):
            yield from _definitions(each, around)


def _inner_types(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the types inside of a type's JSON by their keys, where those are single."""
    kind = node.get("type")
    key = {"array": "items", "map": "values"}.get(kind, "") if isinstance(kind, str) else "type"
    if key in node:
        yield key, node[key]


def _fields(node: Mapping[str, Any]) -> list[Any] | None:
    found = node.get("fields")
    return found if node.get("type") in ("record", "error") and isinstance(found, list) else None


@dataclass(slots=True)
class _Walk:
    """Goes through a document in its order, as its readers do."""

    known: Mapping[str, _Definition]
    met: set[str] = field(default_factory=set)

    def type(self, value: Any, around: str) -> Any:
        match value:
            case str():
                return self._name(value, around)
            case list():
                return [self.type(branch, around) for branch in value]
            case dict():
                return self._object(value, around)
            case _:
                return value

    def _name(self, name: str, around: str) -> Any:
        if name in PRIMITIVE_NAMES:
            return name
        for candidate in [f"{around}.{name}", name] if around and "." not in name else [name]:
            if candidate in self.met:
                return name
            if candidate in self.known:
                found = self.known[candidate]
                moved = found.around != around and "." not in found.node["name"]
                return self._object({**found.node, "namespace": found.namespace} if moved else found.node, around)
        return name

    def _object(self, node: Mapping[str, Any], around: str) -> Any:
        named = _full_name(node, around)
        if named is not None:
            name, namespace = named
            if name in self.met and name in self.known:
                return node["name"] if namespace == around else name
            self.met.add(name)
            around = namespace
        made = dict(node)
        fields = _fields(node)
        if fields is not None:
            made["fields"] = [self._field(each, around) for each in fields]
        return made | {key: self.type(inner, around) for key, inner in _inner_types(node)}

    def _field(self, value: Any, around: str) -> Any:
        if isinstance(value, dict) and "type" in value:
            return {**value, "type": self.type(value["type"], around)}
        return value
