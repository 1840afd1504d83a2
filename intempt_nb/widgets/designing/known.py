"""What the designer knows of the server: sources to choose from, and the collections that they have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from intempt_nb.client import Client
from intempt_nb.errors import DataError
from intempt_nb.handles import CollectionHandle, SourceHandle
from intempt_nb.schema.parsing.avro import read_source
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from intempt_nb.api.transport import Transport

__all__ = ["Known", "ask", "live_schema"]


@dataclass(frozen=True, slots=True)
class Known:
    """What was asked of the server.

    Parameters
    ----------
    org, base_url
        Where it is.
    sources
        One, or all of the organisation.
    is_fixed
        Whether the source was given, rather than to be chosen.
    collections
        Those of the sources.
    edited
        The collection that is to be changed; None where a new one is made.
    """

    org: str
    base_url: str
    sources: tuple[SourceHandle, ...]
    is_fixed: bool
    collections: tuple[CollectionHandle, ...]
    edited: CollectionHandle | None = None

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

    def with_collection(self, made: CollectionHandle) -> Known:
        """Return the same after a collection was created or updated."""
        rest = [each for each in self.collections if each.id != made.id]
        return replace(self, collections=(*rest, made))


def ask(where: SourceHandle | Client | CollectionHandle) -> Known:
    """Ask the server for the sources and their collections.

    Raises
    ------
    DataError
        If `where` is none of these.
    """
    if isinstance(where, Client):
        sources, collections = tuple(where.sources.values()), tuple(where.collections.values())
        return Known(where.org, where.base_url, sources, False, collections)
    if not isinstance(where, SourceHandle | CollectionHandle):
        raise DataError(f"found {type(where).__name__}; expected a source, a client, or a collection to change")
    source = where.source if isinstance(where, CollectionHandle) else where
    edited = where if isinstance(where, CollectionHandle) else None
    transport: Transport = source._transport
    return Known(transport.org, transport.base_url, (source,), True, tuple(source.collections.values()), edited)


def live_schema(collection: CollectionHandle) -> Schema:
    """Return a collection's schema without a word on what it could be without.

    Raises
    ------
    SchemaError
        If it cannot be read.
    """
    text, parsed, _ = read_source(collection.record.schema_json, strict=False)
    return Schema(text, parsed).require_record()
