"""What the server says of a collection's identifiers, and of the collections that they could refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intempt_nb.codecs.ahead import in_order
from intempt_nb.errors import IntemptError
from intempt_nb.handles import CollectionHandle, list_collections
from intempt_nb.schema.parsing.avro import read_source
from intempt_nb.schema.schema import Schema
from intempt_nb.widgets.identifying.model import Known, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["read_others", "read_own"]


def read_own(collection: CollectionHandle) -> Known:
    """Return what is there of a collection: its fields, identifiers and relations."""
    return Known(_place(collection), tuple(collection.relations.values()))


def read_others(collection: CollectionHandle) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """Return the other collections, and why those are missing that cannot be read."""
    handles: Sequence[CollectionHandle] = list_collections(collection._transport).values()
    found = list(in_order(_place_or_problem, [each for each in handles if each.id != collection.id]))
    places = tuple(each for each in found if isinstance(each, Place))
    return places, tuple(each for each in found if isinstance(each, str))


def _place_or_problem(handle: CollectionHandle) -> Place | str:
    try:
        return _place(handle)
    except IntemptError as error:
        return f"{handle.name} cannot be read: {error}"


def _place(handle: CollectionHandle) -> Place:
    record = handle.record
    # What it would warn of is no news to the one who looks for something to refer to.
    text, parsed, _ = read_source(record.schema_json, strict=False)
    source = record.source_name or record.source_id
    return Place(handle, Schema(text, parsed), source, tuple(handle.identifiers.values()))
