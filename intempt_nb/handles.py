"""The handles: `SourceHandle` and `CollectionHandle`, by which a person calls the rooms below.

A handle names a thing and sends nothing until one of its verbs needs it, or a notebook shows it; then it asks once and
remembers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from intempt_nb.api import endpoints
from intempt_nb.collection_data import CollectionData, names_of
from intempt_nb.display import html_table, text_table
from intempt_nb.errors import DataError, IntemptError, NotFoundError
from intempt_nb.links import identifiers_of, relations_of
from intempt_nb.listing import Listing
from intempt_nb.schema.mapping.standalone import chosen_fields
from intempt_nb.schema.schema import Schema
from intempt_nb.source_kinds import Example, how_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.api.resources import Collection, CollectionKind, Identifier, Relation, Source
    from intempt_nb.api.transport import Transport
    from intempt_nb.source_kinds import HowTo

__all__ = ["CollectionHandle", "SourceHandle", "list_collections", "list_sources"]


class SourceHandle:
    """A source: where data comes from, and the owner of collections.

    Attributes
    ----------
    collections
        Its collections: a mapping by name or id, with Tab completion.
    """

    def __init__(self, transport: Transport, key: str, record: Source | None = None) -> None:
        self._transport = transport
        self._key = key
        self._record = record
        self.collections: Listing[CollectionHandle] = list_collections(transport, self)

    @property
    def record(self) -> Source:
        """What the server says of it; asked for once."""
        if self._record is None:
            self._record = list_sources(self._transport).find(self._key).record
        return self._record

    @property
    def id(self) -> str:
        """The id."""
        return self.record.id

    @property
    def name(self) -> str:
        """The name."""
        return self.record.name

    @property
    def type(self) -> str | None:
        """The kind of source: ``js``, ``ios``, ``api`` and others; None if the server does not say."""
        return self.record.type

    @property
    def how_to(self) -> HowTo:
        """How to put data in, with a collection of its own (which the server is asked for), and without any key."""
        try:
            found = [(each.name, each.kind, each.schema) for each in self.collections.values()]
        except IntemptError:
            found = []  # the key may not read them; the way in is the same
        return how_to(self.record, Example.choose(self.type, found), self._transport.base_url, self._transport.org)

    def create_collection(
        self,
        name: str,
        schema: Schema | Mapping[str, Any] | str,
        kind: Literal["profile", "event", "attribute"] = "attribute",
        title: str | None = None,
    ) -> CollectionHandle:
        """Create a collection in this source.

        Parameters
        ----------
        name
            Unique in the source; the key of its items in a bulk request.
        schema
            An Avro record schema; sent as it was written.
        kind
            ``"profile"`` (facts about a user; at most one in a source), ``"event"`` (something that happened) or
            ``"attribute"`` (anything else).
        title
            For people.

        Raises
        ------
        SchemaError
            If the schema cannot be used; nothing is sent then.
        RejectedError
            If the server refuses it: the name is taken, for one.
        """
        checked = _known_kind(kind)
        parsed = Schema.parse(schema).require_record()
        record = endpoints.create_collection(self._transport, self.id, name, parsed.to_avro(), checked, title)
        return CollectionHandle(self._transport, record.name, record=record)

    def delete(self) -> None:
        """Delete the source with its collections and their data."""
        endpoints.delete_source(self._transport, self.id)

    def __repr__(self) -> str:
        """Say what is known of it; debuggers call this, so the server is not asked."""
        return _handle_text("source", self._key, self._rows())

    def __str__(self) -> str:
        """Return what it is, and how to put data in."""
        way_in = self.how_to
        return f"{self!r}\n\n{way_in}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))

    def _repr_html_(self) -> str:
        return html_table((f"Source {self.record.name}", ""), self._rows()) + self.how_to._repr_html_()

    def _rows(self) -> list[tuple[str, object]]:
        if self._record is None:
            return [("", "nothing asked of the server yet")]
        source = self._record
        rows = [
            ("id", source.id),
            ("type", source.type),
            ("title", source.title),
            ("description", source.description),
            ("tracker number", source.tracker_number),
        ]
        return [(label, value) for label, value in rows if value is not None]


class CollectionHandle(CollectionData):
    """A collection: a table whose columns are an Avro record schema.

    Attributes
    ----------
    identifiers, relations
        Mappings by name or id, with Tab completion.
    """

    def __init__(
        self,
        transport: Transport,
        key: str,
        *,
        source: SourceHandle | None = None,
        record: Collection | None = None,
    ) -> None:
        self._transport = transport
        self._key = key
        self._owner = source
        self._record = record
        self._schema: Schema | None = None
        self.identifiers: Listing[Identifier] = identifiers_of(transport, lambda: self.id)
        self.relations: Listing[Relation] = relations_of(transport, lambda: self.id)

    @property
    def record(self) -> Collection:
        """What the server says of it; asked for once."""
        if self._record is None:
            self._record = list_collections(self._transport, self._owner).find(self._key).record
        return self._record

    @property
    def id(self) -> str:
        """The id."""
        return self.record.id

    @property
    def name(self) -> str:
        """The name."""
        return self.record.name

    @property
    def kind(self) -> Literal["profile", "event", "attribute"]:
        """What an item is: facts about a user, something that happened, or anything else."""
        return self.record.kind

    @property
    def source(self) -> SourceHandle:
        """The source it belongs to."""
        return self._owner or SourceHandle(self._transport, self.record.source_id)

    @property
    def schema(self) -> Schema:
        """The schema, as the server has it."""
        if self._schema is None:
            self._schema = Schema.parse(self.record.schema_json, strict=False).require_record()
        return self._schema

    @property
    def primary(self) -> Identifier:
        """The primary identifier.

        Raises
        ------
        NotFoundError
            If there is none yet.
        """
        for identifier in self.identifiers.values():
            if identifier.type == "primary":
                return identifier
        raise NotFoundError(
            f"collection {self.name!r} has no primary identifier, and takes no data before it has one. "
            "Create it: collection.create_identifier('id', fields=[…], type='primary')"
        )

    def create_identifier(
        self,
        name: str,
        fields: Sequence[str],
        type: Literal["primary", "foreign", "user", "profile", "account"] = "primary",
        references: Identifier | str | None = None,
    ) -> Identifier:
        """Create an identifier over some of the collection's fields.

        Parameters
        ----------
        name
            The name.
        fields
            Names of the fields, in order; their types are the schema's.
        type
            ``"primary"``: the key, one per collection. ``"foreign"``: points at another collection's primary.
            ``"user"``: joins profiles of several sources by a value such as an e-mail address.
        references
            For ``"foreign"``: the primary identifier it points at, or its id: ``visitors.primary``.

        Raises
        ------
        DataError
            If the schema has no such field.
        RejectedError
            If the server refuses it: a second primary, or types that do not fit the referenced one.
        """
        avro = self.schema.to_avro()
        wanted = [self.schema[name].name for name in names_of(fields, "fields")]
        chosen = chosen_fields(avro, wanted, avro.get("namespace", ""))
        schema: dict[str, Any] = {"type": "record", "name": name, "fields": chosen}
        if "namespace" in avro:
            schema = {"type": "record", "name": name, "namespace": avro["namespace"], "fields": chosen}
        reference = references if isinstance(references, str) or references is None else references.id
        return endpoints.create_identifier(self._transport, self.id, type, name, schema, reference)

    def create_relation(
        self,
        name: str,
        identifier: Identifier | str,
        type: Literal["one_to_many", "many_to_one"] = "many_to_one",
    ) -> Relation:
        """Give a foreign identifier of this collection a name and a direction.

        Parameters
        ----------
        name
            The name.
        identifier
            The foreign identifier, or its name or id.
        type
            ``"many_to_one"``: many items here belong to one there; ``"one_to_many"`` the other way round.
        """
        found = self.identifiers[identifier] if isinstance(identifier, str) else identifier
        return endpoints.create_relation(self._transport, name, found.id, type)

    def update(
        self,
        schema: Schema | Mapping[str, Any] | str | None = None,
        *,
        name: str | None = None,
        kind: Literal["profile", "event", "attribute"] | None = None,
        title: str | None = None,
    ) -> CollectionHandle:
        """Change what the collection is; what is None stays as it is, and so do its items.

        Parameters
        ----------
        schema
            An Avro record schema; sent as it was written. ``schema.compatibility(collection.schema)`` tells
            beforehand whether it reads the items that are there.
        name, kind, title
            As :meth:`SourceHandle.create_collection` has them; an empty title for none.

        Returns
        -------
        CollectionHandle
            The collection itself.

        Raises
        ------
        SchemaError
            If the schema cannot be used; nothing is sent then.
        RejectedError
            If the server refuses it: the name is taken, or identifiers need fields that would be gone.
        """
        avro = None if schema is None else Schema.parse(schema).require_record().to_avro()
        now = endpoints.get_collection(self._transport, self.id)  # others may have changed it
        self._record = endpoints.update_collection(
            self._transport,
            now.id,
            now.source_id,
            now.name if name is None else name,
            now.schema_json if avro is None else avro,
            now.kind if kind is None else _known_kind(kind),
            now.title if title is None else title,
        )
        self._key, self._schema = self._record.name, None
        return self

    def delete(self) -> None:
        """Delete the collection with its data."""
        endpoints.delete_collection(self._transport, self.id)

    def __repr__(self) -> str:
        return _handle_text("collection", self._key, self._rows())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("…" if cycle or not self.record else repr(self))

    def _repr_html_(self) -> str:
        return html_table((f"Collection {self.record.name}", ""), self._rows()) + self.schema._repr_html_()

    def _rows(self) -> list[tuple[str, object]]:
        if self._record is None:
            return [("", "nothing asked of the server yet")]
        record = self._record
        rows = [
            ("id", record.id),
            ("kind", record.kind),
            ("source", record.source_name or record.source_id),
            ("title", record.title),
            ("fields", len(record.schema_json.get("fields", []))),
        ]
        return [(label, value) for label, value in rows if value is not None]


KINDS = ("profile", "event", "attribute")


def _known_kind(kind: CollectionKind) -> CollectionKind:
    if kind in KINDS:
        return kind
    raise DataError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}", expected=" | ".join(KINDS))


def _handle_text(noun: str, key: str, rows: list[tuple[str, object]]) -> str:
    (label, value), *rest = rows
    return text_table((label, str(value)), rest, f"{noun} {key}")


def list_sources(transport: Transport) -> Listing[SourceHandle]:
    """Return the organisation's sources as a mapping by name or id."""

    def fetch() -> list[tuple[str, str, str, SourceHandle]]:
        found = endpoints.list_sources(transport)
        return [(each.id, each.name, each.id, SourceHandle(transport, each.name, each)) for each in found]

    def rows(sources: Sequence[SourceHandle]) -> list[tuple[object, ...]]:
        return [(each.name, each.type, each.record.title, each.id) for each in sources]

    return Listing("source", fetch, ("name", "type", "title", "id"), rows, lambda key: SourceHandle(transport, key))


def list_collections(transport: Transport, source: SourceHandle | None = None) -> Listing[CollectionHandle]:
    """Return the collections of a source, or of the organisation, as a mapping by name or id."""

    def fetch() -> list[tuple[str, str, str, CollectionHandle]]:
        if source is None:
            found = endpoints.list_collections(transport)
        else:
            found = endpoints.list_source_collections(transport, source.id)
        return [
            (
                each.id,
                each.name,
                each.source_name or each.source_id,
                CollectionHandle(transport, each.name, source=source, record=each),
            )
            for each in found
        ]

    def rows(collections: Sequence[CollectionHandle]) -> list[tuple[object, ...]]:
        records = [(each.record, len(each.schema.fields)) for each in collections]
        return [(record.name, record.kind, fields, record.source_name, record.id) for record, fields in records]

    header = ("name", "kind", "fields", "source", "id")
    return Listing("collection", fetch, header, rows, lambda key: CollectionHandle(transport, key, source=source))
