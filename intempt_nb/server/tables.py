"""The tables of a store: rows as frozen records, and one `Transaction` with every query.

Nothing here knows a rule of the API; see `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.server.answers import to_json
from intempt_nb.server.ids import id_floor, new_tracker_number

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["LAYOUT", "Collection", "Identifier", "Item", "Relation", "Source", "Transaction", "upgrade"]

_BY_TRACKER = "CREATE UNIQUE INDEX sources_by_tracker ON sources (tracker_number)"

LAYOUT = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('last_id', 0)",
    """CREATE TABLE sources (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL, description TEXT,
        type TEXT NOT NULL, tracker_number INTEGER)""",
    _BY_TRACKER,
    """CREATE TABLE api_keys (
        digest BLOB PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE) WITHOUT ROWID""",
    """CREATE TABLE collections (
        id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
        name TEXT NOT NULL, title TEXT, profile INTEGER NOT NULL, event INTEGER NOT NULL, schema TEXT NOT NULL,
        items INTEGER NOT NULL DEFAULT 0, UNIQUE (source_id, name))""",
    """CREATE TABLE identifiers (
        id INTEGER PRIMARY KEY, collection_id INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        type TEXT NOT NULL, name TEXT NOT NULL, schema TEXT NOT NULL,
        reference_id INTEGER REFERENCES identifiers ON DELETE CASCADE)""",
    "CREATE INDEX identifiers_of_collection ON identifiers (collection_id)",
    "CREATE INDEX identifiers_by_reference ON identifiers (reference_id)",
    """CREATE TABLE relations (
        id INTEGER PRIMARY KEY, identifier_id INTEGER NOT NULL REFERENCES identifiers ON DELETE CASCADE,
        name TEXT NOT NULL, type TEXT NOT NULL)""",
    "CREATE INDEX relations_of_identifier ON relations (identifier_id)",
    """CREATE TABLE items (
        id INTEGER PRIMARY KEY, collection_id INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        key TEXT NOT NULL, updated INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE (collection_id, key))""",
    # An index entry ends with the row id, so this one is (collection, item id): what the pages are read by.
    "CREATE INDEX items_of_collection ON items (collection_id)",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring the first layout to the second, which has tracker numbers; the sources that need one get it."""
    connection.execute("ALTER TABLE sources ADD COLUMN tracker_number INTEGER")
    connection.execute(_BY_TRACKER)
    found = connection.execute("SELECT id FROM sources WHERE type IN ('js', 'ios')").fetchall()
    numbers = [(new_tracker_number(), source_id) for (source_id,) in found]
    connection.executemany("UPDATE sources SET tracker_number = ? WHERE id = ?", numbers)


@dataclass(frozen=True, slots=True)
class Source:
    """An integration that data comes through; `tracker_number` is what its pages send with, None for other kinds."""

    id: int
    name: str
    title: str
    description: str | None
    type: str
    tracker_number: int | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """A table; `schema` is its Avro record as JSON text."""

    id: int
    source_id: int
    source_name: str
    source_title: str
    name: str
    title: str | None
    profile: bool
    event: bool
    schema: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """A key of a collection, or a link to the key of another."""

    id: int
    collection_id: int
    source_id: int
    type: str
    name: str
    schema: str
    reference_id: int | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A named foreign key."""

    id: int
    identifier_id: int
    source_id: int
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a collection; `data` is its JSON text."""

    id: int
    updated: int
    data: str


_SOURCES = "SELECT id, name, title, description, type, tracker_number FROM sources"
_COLLECTIONS = """SELECT collections.id, source_id, sources.name, sources.title, collections.name, collections.title,
    profile, event, schema FROM collections JOIN sources ON sources.id = source_id"""
_IDENTIFIERS = """SELECT identifiers.id, collection_id, source_id, type, identifiers.name, identifiers.schema,
    reference_id FROM identifiers JOIN collections ON collections.id = collection_id"""
_RELATIONS = """SELECT relations.id, identifier_id, source_id, relations.name, relations.type FROM relations
    JOIN identifiers ON identifiers.id = identifier_id JOIN collections ON collections.id = collection_id"""
_EXISTING = """SELECT items.key, items.id FROM json_each(?) AS wanted
    CROSS JOIN items ON items.collection_id = ? AND items.key = wanted.value"""


class Transaction:
    """The queries, over a connection that has a transaction open.

    Parameters
    ----------
    connection
        Where to ask.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _all(self, sql: str, **values: Any) -> list[Any]:
        """Return the rows for which each named column has its value; None asks for nothing."""
        asked = {column: value for column, value in values.items() if value is not None}
        where = " AND ".join(f"{column.replace('__', '.')} = :{column}" for column in asked)
        return self._connection.execute(f"{sql}{f' WHERE {where}' if where else ''} ORDER BY 1", asked).fetchall()

    def _add(self, table: str, **values: Any) -> int:
        new_id = self.new_ids(1)
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self._connection.execute(
            f"INSERT INTO {table} (id, {columns}) VALUES (?, {marks})",  # noqa: S608  (names are this module's own)
            (new_id, *values.values()),
        )
        return new_id

    def new_ids(self, count: int) -> int:
        """Take `count` ids, each above every id ever taken from this store, and return the first."""
        row = self._connection.execute(
            "UPDATE meta SET value = max(value, ?) + ? WHERE name = 'last_id' RETURNING value", (id_floor(), count)
        ).fetchone()
        return int(row[0]) - count + 1

    def add_source(
        self,
        name: str,
        title: str,
        description: str | None,
        kind: str,
        key_digest: bytes,
        tracker_number: int | None = None,
    ) -> Source:
        """Add a source and its API key."""
        new_id = self._add(
            "sources", name=name, title=title, description=description, type=kind, tracker_number=tracker_number
        )
        self._connection.execute("INSERT INTO api_keys VALUES (?, ?)", (key_digest, new_id))
        return Source(new_id, name, title, description, kind, tracker_number)

    def sources(self, name: str | None = None) -> list[Source]:
        """Return all sources, or the one of that name."""
        return [Source(*row) for row in self._all(_SOURCES, name=name)]

    def source(self, source_id: int) -> Source | None:
        """Return a source, None if there is none."""
        rows = self._all(_SOURCES, id=source_id)
        return Source(*rows[0]) if rows else None

    def source_of_tracker(self, number: int) -> Source | None:
        """Return the source of a tracker number, None if there is none."""
        rows = self._all(_SOURCES, tracker_number=number)
        return Source(*rows[0]) if rows else None

    def delete_source(self, source_id: int) -> None:
        """Delete a source with all that belongs to it."""
        self._connection.execute("DELETE FROM sources WHERE id = ?", (source_id,))

    def api_keys(self) -> list[tuple[bytes, int]]:
        """Return the digest of each API key with its source."""
        return self._connection.execute("SELECT digest, source_id FROM api_keys").fetchall()

    def add_collection(
        self, source_id: int, name: str, title: str | None, profile: bool, event: bool, schema: str
    ) -> int:
        """Add a collection and return its id."""
        return self._add(
            "collections", source_id=source_id, name=name, title=title, profile=profile, event=event, schema=schema
        )

    def update_collection(
        self, collection_id: int, name: str, title: str | None, profile: bool, event: bool, schema: str
    ) -> None:
        """Overwrite what a collection says of itself."""
        self._connection.execute(
            "UPDATE collections SET name = ?, title = ?, profile = ?, event = ?, schema = ? WHERE id = ?",
            (name, title, profile, event, schema, collection_id),
        )

    def collections(self, name: str | None = None, source_id: int | None = None) -> list[Collection]:
        """Return the collections, all or those of a name or a source."""
        rows = self._all(_COLLECTIONS, collections__name=name, source_id=source_id)
        return [_collection(row) for row in rows]

    def collection(self, collection_id: int) -> Collection | None:
        """Return a collection, None if there is none."""
        rows = self._all(_COLLECTIONS, collections__id=collection_id)
        return _collection(rows[0]) if rows else None

    def delete_collection(self, collection_id: int) -> None:
        """Delete a collection, its items, and the identifiers anywhere that refer to it, with their relations."""
        self._connection.execute("DELETE FROM collections WHERE id = ?", (collection_id,))

    def add_identifier(
        self, collection_id: int, kind: str, name: str, schema: str, reference_id: int | None = None
    ) -> int:
        """Add an identifier and return its id."""
        return self._add(
            "identifiers", collection_id=collection_id, type=kind, name=name, schema=schema, reference_id=reference_id
        )

    def identifiers(
        self, collection_id: int | None = None, source_id: int | None = None, kind: str | None = None
    ) -> list[Identifier]:
        """Return the identifiers, all or those of a collection, a source or a type."""
        rows = self._all(_IDENTIFIERS, collection_id=collection_id, source_id=source_id, type=kind)
        return [Identifier(*row) for row in rows]

    def identifier(self, identifier_id: int) -> Identifier | None:
        """Return an identifier, None if there is none."""
        rows = self._all(_IDENTIFIERS, identifiers__id=identifier_id)
        return Identifier(*rows[0]) if rows else None

    def add_relation(self, identifier_id: int, name: str, kind: str) -> int:
        """Add a relation and return its id."""
        return self._add("relations", identifier_id=identifier_id, name=name, type=kind)

    def relations(self, collection_id: int | None = None, source_id: int | None = None) -> list[Relation]:
        """Return the relations, all or those of a collection or a source."""
        return [Relation(*row) for row in self._all(_RELATIONS, collection_id=collection_id, source_id=source_id)]

    def relation(self, relation_id: int) -> Relation | None:
        """Return a relation, None if there is none."""
        rows = self._all(_RELATIONS, relations__id=relation_id)
        return Relation(*rows[0]) if rows else None

    def upsert_items(self, collection_id: int, items: Sequence[tuple[str, str]], updated: int) -> list[int]:
        """Store items; one whose key is there already keeps its id and gets the new data.

        Parameters
        ----------
        collection_id
            Where to.
        items
            Key and JSON text of each; of those with the same key the last one stays. A key is JSON text as well, so it
            has no control characters, which SQLite's own JSON would cut it at.
        updated
            Epoch milliseconds.

        Returns
        -------
        list of int
            The id of each item, in order.
        """
        last = dict(items)
        ids = self._known(collection_id, last)
        known = [(updated, last[key], item_id) for key, item_id in ids.items()]
        new = [key for key in last if key not in ids]
        if known:
            self._connection.executemany("UPDATE items SET updated = ?, data = ? WHERE id = ?", known)
        if new:
            ids.update(self._insert(collection_id, {key: last[key] for key in new}, updated))
        return [ids[key] for key, _ in items]

    def add_missing_items(self, collection_id: int, items: Mapping[str, str], updated: int) -> None:
        """Store items, JSON text by key, but for those whose key is there already: these stay as they are."""
        known = self._known(collection_id, items)
        new = {key: text for key, text in items.items() if key not in known}
        if new:
            self._insert(collection_id, new, updated)

    def _known(self, collection_id: int, keys: Iterable[str]) -> dict[str, int]:
        """Return the id of each of the keys that is there."""
        return dict(self._connection.execute(_EXISTING, (to_json(list(keys)), collection_id)).fetchall())

    def _insert(self, collection_id: int, items: Mapping[str, str], updated: int) -> dict[str, int]:
        """Insert items whose keys are not there, and return their ids."""
        ids = dict(zip(items, range(first := self.new_ids(len(items)), first + len(items)), strict=True))
        self._connection.executemany(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?)",
            [(ids[key], collection_id, key, updated, text) for key, text in items.items()],
        )
        self._count(collection_id, len(items))
        return ids

    def item(self, collection_id: int, item_id: int) -> Item | None:
        """Return an item, None if there is none."""
        row = self._connection.execute(
            "SELECT id, updated, data FROM items WHERE id = ? AND collection_id = ?", (item_id, collection_id)
        ).fetchone()
        return Item(*row) if row else None

    def items_between(self, collection_id: int, after: int, last: int, limit: int) -> list[tuple[int, int, str]]:
        """Return id, update time and JSON text of the next items behind an id, up to the last, in the order of ids."""
        return self._connection.execute(
            "SELECT id, updated, data FROM items WHERE collection_id = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
            (collection_id, after, last, limit),
        ).fetchall()

    def item_id_behind(self, collection_id: int, after: int, number: int) -> int:
        """Return the id of the `number`-th item, from 1, behind an id; there have to be as many."""
        row = self._connection.execute(
            "SELECT id FROM items WHERE collection_id = ? AND id > ? ORDER BY id LIMIT 1 OFFSET ?",
            (collection_id, after, number - 1),
        ).fetchone()
        return int(row[0])

    def count_items_between(self, collection_id: int, after: int, last: int) -> int:
        """Return how many items there are behind an id, up to the last: counted, in an index."""
        row = self._connection.execute(
            "SELECT count(*) FROM items WHERE collection_id = ? AND id > ? AND id <= ?", (collection_id, after, last)
        ).fetchone()
        return int(row[0])

    def last_item_id(self, collection_id: int) -> int:
        """Return the highest id of a collection's items, 0 if it has none."""
        row = self._connection.execute("SELECT max(id) FROM items WHERE collection_id = ?", (collection_id,)).fetchone()
        return int(row[0] or 0)

    def count_items(self, collection_id: int) -> int:
        """Return how many items a collection has; kept as a number, since counting would read them all."""
        row = self._connection.execute("SELECT items FROM collections WHERE id = ?", (collection_id,)).fetchone()
        return int(row[0]) if row else 0

    def delete_item(self, collection_id: int, item_id: int) -> None:
        """Delete an item."""
        self._connection.execute("DELETE FROM items WHERE id = ?", (item_id,))
        self._count(collection_id, -1)

    def _count(self, collection_id: int, change: int) -> None:
        self._connection.execute("UPDATE collections SET items = items + ? WHERE id = ?", (change, collection_id))


def _collection(row: tuple[Any, ...]) -> Collection:
    key, source_id, source_name, source_title, name, title, profile, event, schema = row
    return Collection(key, source_id, source_name, source_title, name, title, bool(profile), bool(event), schema)
