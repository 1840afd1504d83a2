"""How large a type becomes once every name in it is written out, told without writing it out.

A few lines of schema, each type naming the one before twice, can stand for millions of types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.schema.model import Array, AvroType, Map, Record, Reference, Union

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Extent", "extent_of_parts"]


@dataclass(frozen=True, slots=True)
class Extent:
    """How deep a type is and how many types are in it, itself included."""

    depth: int = 1
    types: int = 1


def extent_of_parts(parts: Iterable[AvroType], known: Mapping[str, Extent]) -> Extent:
    """Return the extent of a type that consists of these parts.

    Parameters
    ----------
    parts
        The types of a record's fields, say.
    known
        The extents of the records inside, by name. One that is not known is still open, so it contains this type: it
        counts as one, since a recursive type is never written out.
    """
    extents = [_extent(part, known) for part in parts]
    return Extent(1 + max((each.depth for each in extents), default=0), 1 + sum(each.types for each in extents))


def _extent(avro_type: AvroType, known: Mapping[str, Extent]) -> Extent:
    match avro_type:
        case Record(name=name) | Reference(name):
            return known.get(name, Extent())
        case Array(inner) | Map(inner):
            return extent_of_parts((inner,), known)
        case Union(branches):
            return extent_of_parts(branches, known)
        case _:
            return Extent()
