"""Collections handed over to DuckDB, for SQL."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.extras import require
from intempt_nb.handles import CollectionHandle, SourceHandle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from duckdb import DuckDBPyConnection

    from intempt_nb.listing import Listing

__all__ = ["MOST_ROWS", "collections_among", "to_duckdb"]

MOST_ROWS = 5_000_000
"""Rows that are copied without a limit having been given."""

_CHUNK_ROWS = 1 << 18
_MOST_DIGITS = 38
_ROWS = "intempt_nb_rows"
_TAKEN = {"main", "memory", "temp", "system", "information_schema", "pg_catalog"}
"""Schemas that DuckDB has already, or cannot tell from its databases."""


def collections_among(given: Iterable[Any], known: Listing[CollectionHandle]) -> Iterator[CollectionHandle]:
    """Yield the collections that are meant: handles, names, ids, sources for all of theirs, or lists of these.

    Raises
    ------
    DataError
        For anything else.
    NotFoundError
        If there is no collection of a name.
    """
    for each in given:
        if isinstance(each, str):
            yield known.find(each)
        elif isinstance(each, CollectionHandle):
            yield each
        elif isinstance(each, SourceHandle):
            yield from each.collections.values()
        elif isinstance(each, list | tuple):
            yield from collections_among(each, known)
        else:
            found = type(each).__name__
            raise DataError(f"expected collections, their names, or a source, found {found}: client.duckdb('visits')")


def to_duckdb(collections: Sequence[CollectionHandle], limit: int | None) -> DuckDBPyConnection:
    """Return a connection to a database in memory that holds copies of collections.

    Raises
    ------
    DataError
        If there are too many rows, or two of the tables would have the same name.
    """
    duckdb = require("duckdb", "analysis")
    tables = _table_names(collections)
    if limit is None:
        _check_size(collections)
    connection: DuckDBPyConnection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")  # of the machine otherwise, and days would depend on it
        copied = 0
        for (schema, name), each in zip(tables, collections, strict=True):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}")
            left = None if limit is not None else MOST_ROWS - copied
            copied += _copy(connection, f"{_quoted(schema)}.{_quoted(name)}", each, limit, left)
        times = Counter(_folded(name) for _, name in tables)
        for schema, name in tables:
            if times[_folded(name)] == 1:
                connection.execute(f"CREATE VIEW {_quoted(name)} AS FROM {_quoted(schema)}.{_quoted(name)}")
    except BaseException:
        connection.close()
        raise
    return connection


def _table_names(collections: Sequence[CollectionHandle]) -> list[tuple[str, str]]:
    """Return the schema and the name of each collection's table."""
    sources = [each.record.source_name or each.source.name for each in collections]
    schemas = [f"{source}_" if _folded(source) in _TAKEN else source for source in sources]
    names = [(schema, each.name) for schema, each in zip(schemas, collections, strict=True)]
    folded = [(_folded(schema), _folded(name)) for schema, name in names]
    times = Counter(folded)
    for (schema, name), table in zip(names, folded, strict=True):
        if times[table] > 1:
            same = {source for source, other in zip(sources, folded, strict=True) if other == table}
            kept = [source for source in same if _folded(source) in _TAKEN]
            renamed = len({_folded(source) for source in same}) > 1
            why = f"keeps {kept[0]!r} for itself" if renamed else "takes capital letters for small ones"
            raise DataError(
                f"DuckDB {why}, and there is more than one collection {f'{schema}.{name}'!r} then; take them one by "
                "one: client.duckdb(collection)"
            )
    return names


def _check_size(collections: Sequence[CollectionHandle]) -> None:
    """Refuse to copy very much; what the server does not count, is counted while it is copied."""
    counts = sorted(((each.count() or 0, each.name) for each in collections), reverse=True)
    total = sum(count for count, _ in counts)
    if total > MOST_ROWS:
        sizes = ", ".join(f"{shorten(name)} {count:,}" for count, name in counts[:3])
        raise _too_many(f"the collections have {total:,} rows ({sizes}{', …' * (len(counts) > 3)})")


def _too_many(found: str) -> DataError:
    return DataError(
        f"{found}; without a limit, at most {MOST_ROWS:,} are copied. Name the collections that you need, or say how "
        "many rows to take of each: client.duckdb('visits', limit=1_000_000). Without a copy, and read from the server "
        "by every query: duckdb.connect().register('visits', collection.scan(columns))",
        expected=f"at most {MOST_ROWS:,} rows",
    )


def _copy(
    connection: DuckDBPyConnection, table: str, collection: CollectionHandle, limit: int | None, left: int | None
) -> int:
    """Copy a collection and return how many rows it has; no more than are `left`."""
    scan = collection.scan(limit=limit)
    schema = pa.schema([each.with_type(_takeable(each.type)) for each in scan.arrow_schema])
    rows = 0
    _run(connection, f"CREATE TABLE {table} AS FROM {_ROWS}", schema.empty_table())
    for chunk in _chunks(scan.to_batches()):
        rows += len(chunk)
        if left is not None and rows > left:
            raise _too_many(f"collection {collection.name!r} and those before it have more than {MOST_ROWS:,} rows")
        _run(connection, f"INSERT INTO {table} FROM {_ROWS}", chunk.cast(schema))
    return rows


def _run(connection: DuckDBPyConnection, sql: str, rows: pa.Table) -> None:
    connection.register(_ROWS, rows)
    try:
        connection.execute(sql)
    finally:
        connection.unregister(_ROWS)


def _chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield the same rows in larger tables: each costs a statement."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= _CHUNK_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _takeable(kind: pa.DataType) -> pa.DataType:
    """Return a type that DuckDB takes: decimals of more digits than its own have become text, which keeps them."""
    types = pa.types
    if types.is_decimal(kind) and kind.precision > _MOST_DIGITS:
        return pa.string()
    if types.is_list(kind):
        return pa.list_(_takeable_field(kind.value_field))
    if types.is_map(kind):
        return pa.map_(kind.key_field, _takeable_field(kind.item_field))
    return pa.struct([_takeable_field(each) for each in kind]) if types.is_struct(kind) else kind


def _takeable_field(field: pa.Field) -> pa.Field:
    # In Arrow, the parts of a record that is null are null even where the schema says that they never are.
    return field.with_type(_takeable(field.type)).with_nullable(True)


def _folded(name: str) -> str:
    """Return a name as DuckDB compares it: only ASCII letters are the same in both cases."""
    return name.encode().lower().decode()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
