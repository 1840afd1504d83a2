"""What the designer knows of the server: sources to choose from, and the collections that they have."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from intempt_nb.client import Client
from intempt_nb.errors import DataError
from intempt_nb.handles import CollectionHandle, SourceHandle
from intempt_nb.schema.parsing.avro import read_source
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.api.resources import Collection, Identifier
    from intempt_nb.api.transport import Transport

__all__ = ["Known", "ask", "live_schema", "same_definition"]


@dataclass(frozen=True, slots=True)
class Known:
    """What was asked of the server.

    Parameters
    ----------
    transport
        The way to it.
    sources
        One, or all of the organisation.
    is_fixed
        Whether the source was given, rather than to be chosen.
    collections
        Those of the sources.
    edited
        The collection that is to be changed; None where a new one is made.
    records
        What the server said of the collections, by id: a handle may be told something newer meanwhile.
    identifiers
        Those of the collection that is to be changed.
    """

    transport: Transport
    sources: tuple[SourceHandle, ...]
    is_fixed: bool
    collections: tuple[CollectionHandle, ...]
    edited: CollectionHandle | None = None
    records: Mapping[str, Collection] = field(default_factory=dict)
    identifiers: tuple[Identifier, ...] = ()

    def source(self, source_id: str | None) -> SourceHandle | None:
        """Return the source of that id."""
        return next((each for each in self.sources if each.id == source_id), None)

    def of_source(self, source_id: str | None) -> list[CollectionHandle]:
        """Return the collections of a source."""
        return [each for each in self.collections if each.record.source_id == source_id]

    def called(self, name: str, source_id: str | None) -> CollectionHandle | None:
        """Return the collection of that name."""
        return next((each for each in self.of_source(source_id) if each.name == name), None)

    def target(self, name: str, source_id: str | None) -> CollectionHandle | None:
        """Return the collection that is updated, rather than that one is created."""
        return self.called(name, source_id) if self.edited is None else self.edited

    def record(self, collection: CollectionHandle) -> Collection:
        """Return what the server said of a collection."""
        return self.records.get(collection.id, collection.record)

    def with_collection(self, made: CollectionHandle) -> Known:
        """Return the same after a collection was created or updated."""
        return self.with_record(made.record, made)

    def with_record(self, record: Collection, handle: CollectionHandle | None = None) -> Known:
        """Return the same with what the server says of a collection now."""
        there = next((each for each in self.collections if each.id == record.id), handle)
        rest = [each for each in self.collections if each.id != record.id]
        found = [] if there is None else [there if handle is None else handle]
        return replace(self, collections=(*rest, *found), records={**self.records, record.id: record})


def ask(where: SourceHandle | Client | CollectionHandle) -> Known:
    """Ask the server for the sources and their collections.

    Raises
    ------
    DataError
        If `where` is none of these.
    """
    if isinstance(where, Client):
        sources, collections = tuple(where.sources.values()), tuple(where.collections.values())
        return Known(where._transport, sources, False, collections, records=_records(collections))
    if not isinstance(where, SourceHandle | CollectionHandle):
        raise DataError(f"found {type(where).__name__}; expected a source, a client, or a collection to change")
    source = where.source if isinstance(where, CollectionHandle) else where
    edited = where if isinstance(where, CollectionHandle) else None
    collections = tuple(source.collections.values())
    identifiers = () if edited is None else tuple(edited.identifiers.values())
    return Known(source._transport, (source,), True, collections, edited, _records(collections), identifiers)


def _records(collections: tuple[CollectionHandle, ...]) -> dict[str, Collection]:
    return {each.id: each.record for each in collections}


def same_definition(one: Collection, other: Collection) -> bool:
    """Return whether two answers about a collection define the same."""
    return _definition(one) == _definition(other)


def _definition(record: Collection) -> tuple[object, ...]:
    return record.name, record.title or "", record.kind, json.dumps(record.schema_json)


def live_schema(record: Collection) -> Schema:
    """Return a collection's schema without a word on what it could be without.

    Raises
    ------
    SchemaError
        If it cannot be read.
    """
    text, parsed, _ = read_source(record.schema_json, strict=False)
    return Schema(text, parsed).require_record()
