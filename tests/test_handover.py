"""Collections as tables of DuckDB and polars, through the sandbox."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb import handover

UTC = dt.UTC
KEY = "00000000-0000-0000-0000-000000000007"
DIGITS = f"1{'0' * 37}7.5"
LONG = {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 1}
NESTED = {
    "type": "record",
    "name": "deep",
    "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": ["null", {"type": "map", "values": LONG}]}],
}
# A field's type, a value as Arrow has it, the type and the value in DuckDB.
KINDS: dict[str, tuple[Any, Any, str, Any]] = {
    "boolean": ("boolean", True, "BOOLEAN", True),
    "int": ("int", -(2**31), "INTEGER", -(2**31)),
    "long": ("long", 2**63 - 1, "BIGINT", 2**63 - 1),
    "float": ("float", 0.5, "FLOAT", 0.5),
    "double": ("double", 0.1, "DOUBLE", 0.1),
    "text": ("string", "ä", "VARCHAR", "ä"),
    "bytes": ("bytes", b"\0\xff", "BLOB", b"\0\xff"),
    "fixed": ({"type": "fixed", "name": "three", "size": 3}, b"\0\xff\1", "BLOB", b"\0\xff\1"),
    "enum": ({"type": "enum", "name": "letter", "symbols": ["A", "B"]}, "B", "VARCHAR", "B"),
    "day": ({"type": "int", "logicalType": "date"}, dt.date(1969, 2, 28), "DATE", dt.date(1969, 2, 28)),
    "textDay": ({"type": "string", "logicalType": "date"}, dt.date(2020, 2, 29), "DATE", dt.date(2020, 2, 29)),
    "clock": ({"type": "int", "logicalType": "time-millis"}, dt.time(1, 2, 3, 4000), "TIME", dt.time(1, 2, 3, 4000)),
    "fine": ({"type": "long", "logicalType": "time-micros"}, dt.time(1, 2, 3, 4), "TIME", dt.time(1, 2, 3, 4)),
    "at": (
        {"type": "long", "logicalType": "timestamp-millis"}, dt.datetime(2020, 1, 1, 23, 30, tzinfo=UTC),
        "TIMESTAMP WITH TIME ZONE", dt.datetime(2020, 1, 1, 23, 30, tzinfo=UTC),
    ),
    "atMicros": (
        {"type": "long", "logicalType": "timestamp-micros"}, dt.datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        "TIMESTAMP WITH TIME ZONE", dt.datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    ),
    "local": (
        {"type": "long", "logicalType": "local-timestamp-micros"}, dt.datetime(2020, 1, 1, 0, 0, 0, 7),
        "TIMESTAMP", dt.datetime(2020, 1, 1, 0, 0, 0, 7),
    ),
    "price": (
        {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 2}, Decimal("-1.10"),
        "DECIMAL(38,2)", Decimal("-1.10"),
    ),
    "long_decimal": (LONG, Decimal(DIGITS), "VARCHAR", DIGITS),
    "uuid": ({"type": "string", "logicalType": "uuid"}, KEY, "VARCHAR", KEY),
    "uuidBytes": (
        {"type": "fixed", "name": "key", "size": 16, "logicalType": "uuid"}, uuid.UUID(KEY).bytes, "UUID", KEY
    ),
    "elapsed": (
        {"type": "fixed", "name": "elapsed", "size": 12, "logicalType": "duration"}, (1, 2, 3_000_000),
        "INTERVAL", pa.MonthDayNano((1, 2, 3_000_000)),
    ),
    "empty": ({"type": "record", "name": "empty", "fields": []}, {}, "STRUCT", {}),
    "nothing": ("null", None, '"NULL"', None),
    "union": (["null", "int", "string"], "7", "VARCHAR", "7"),
    "list": ({"type": "array", "items": ["null", "int"]}, [1, None], "INTEGER[]", [1, None]),
    "map": ({"type": "map", "values": "long"}, [("a", 1)], "MAP(VARCHAR, BIGINT)", [("a", 1)]),
    "record": (
        NESTED, {"x": 1, "y": [("k", Decimal("0.5"))]},
        "STRUCT(x INTEGER, y MAP(VARCHAR, VARCHAR))", {"x": 1, "y": [("k", "0.5")]},
    ),
}  # fmt: skip
NOT_FOR_POLARS = {"long_decimal", "record", "elapsed"}


@pytest.fixture
def everything(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """A collection of all types, with one row."""
    fields = [{"name": name, "type": kind} for name, (kind, *_) in KINDS.items()]
    everything = shop.create_collection("all-types", {"type": "record", "name": "all", "fields": fields})
    everything.create_identifier("key", fields=["long"])
    columns = [
        pa.array([value], everything.scan([name]).arrow_schema[0].type) for name, (_, value, *_) in KINDS.items()
    ]
    assert everything.upload(pa.table(columns, list(KINDS)), progress=False).accepted == 1
    return everything


def things(source: inb.SourceHandle, name: str, rows: int, field: str = "id") -> inb.CollectionHandle:
    schema = {"type": "record", "name": "r", "fields": [{"name": field, "type": "int"}]}
    made = source.create_collection(name, schema)
    made.create_identifier("key", fields=[field])
    if rows:
        made.upload(pa.table({field: pa.array(range(rows), pa.int32())}), progress=False)
    return made


def test_every_type_arrives_in_duckdb_with_its_value(client: inb.Client, everything: inb.CollectionHandle) -> None:
    with client.duckdb(everything) as db:
        found = db.sql('FROM "all-types"')
        assert dict(zip(found.columns, map(str, found.types), strict=True)) == {
            name: kind for name, (_, _, kind, _) in KINDS.items()
        }
        row = found.to_arrow_table().to_pylist()[0]
        del row["uuidBytes"]  # which Arrow's texts of UUIDs come back as
        assert row == {name: value for name, (*_, value) in KINDS.items() if name in row}
        assert db.sql('SELECT "uuidBytes"::VARCHAR, "at"::DATE FROM "all-types"').fetchall() == [
            (KEY, dt.date(2020, 1, 1))
        ]
        assert db.sql("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_records_that_are_null_are_null_in_duckdb(client: inb.Client, shop: inb.SourceHandle) -> None:
    part = {"type": "record", "name": "part", "fields": [{"name": "x", "type": "int"}]}
    fields = [
        {"name": "id", "type": "int"},
        {"name": "one", "type": ["null", part]},
        {"name": "many", "type": {"type": "array", "items": ["null", "part"]}},
        {"name": "named", "type": {"type": "map", "values": ["null", "part"]}},
    ]
    places = shop.create_collection("places", {"type": "record", "name": "r", "fields": fields})
    places.create_identifier("key", fields=["id"])
    places.post({"id": 1, "one": None, "many": [None, {"x": 1}], "named": {"a": None}})
    with client.duckdb(places) as db:
        assert db.sql("SELECT one, many, named['a'] FROM places").fetchall() == [(None, [None, {"x": 1}], None)]


def test_polars_reads_a_scan_in_the_schemas_types(everything: inb.CollectionHandle) -> None:
    taken = [name for name in KINDS if name not in NOT_FOR_POLARS]
    frame = pl.DataFrame(everything.scan(taken))
    row = frame.row(0, named=True)
    for name in set(taken) - {"uuidBytes", "list", "map"}:
        assert row[name] == KINDS[name][1] or name == "union", name
    assert (frame["textDay"].dtype, frame["price"].dtype) == (pl.Date, pl.Decimal(38, 2))
    assert frame["list"].to_list() == [[1, None]]


def test_tables_are_named_by_source_and_collection(client: inb.Client) -> None:
    web, main = client.create_source("we-b"), client.create_source("main")
    things(web, "visits", 3)
    things(web, "dup", 1)
    things(main, "Dup", 2)
    with client.duckdb() as db:
        tables = db.sql("SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL").fetchall()
        assert tables == [("main", "visits"), ("main_", "Dup"), ("we-b", "dup"), ("we-b", "visits")]
        assert db.sql('SELECT count(*) FROM visits JOIN "main_".dup USING (id)').fetchall() == [(2,)]
        with pytest.raises(duckdb.CatalogException, match="does not exist"):
            db.sql("FROM dup")


def test_collections_are_named_or_limited(client: inb.Client, shop: inb.SourceHandle) -> None:
    visits = things(shop, "visits", 5)
    things(shop, "other", 5)
    with client.duckdb(shop) as db:
        assert db.sql("SHOW TABLES").fetchall() == [("other",), ("visits",)]
    with client.duckdb([]) as db:
        assert db.sql("SHOW ALL TABLES").fetchall() == []
    with pytest.raises(inb.DataError, match=r"expected collections, their names, or a source, found int"):
        client.duckdb([visits, 5])  # type: ignore[list-item]  # what a user may well try
    with client.duckdb(["visits", visits], visits.id, limit=3) as db:
        assert db.sql("SHOW TABLES").fetchall() == [("visits",)]
        assert db.sql("SELECT count(*) FROM visits").fetchall() == [(3,)]
        db.sql("DELETE FROM shop.visits WHERE id = 0")
    assert visits.count() == 5
    with pytest.raises(inb.NotFoundError, match="visits"):
        client.duckdb("visit")


@pytest.mark.parametrize("counted", [True, False])
def test_much_is_not_loaded_by_surprise(
    client: inb.Client, shop: inb.SourceHandle, monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    monkeypatch.setattr(handover, "MOST_ROWS", 7)
    things(shop, "small", 2)
    things(shop, "large", 6)
    if not counted:
        monkeypatch.setattr(inb.CollectionHandle, "count", lambda collection: None)
    said = r"the collections have 8 rows \(large 6, small 2\)" if counted else "have more than 7 rows"
    with pytest.raises(inb.DataError, match=f"{said}; without a limit, at most 7 are copied"):
        client.duckdb()
    with client.duckdb("large") as db:
        assert db.sql("SELECT count(*) FROM large").fetchall() == [(6,)]
    client.duckdb(limit=100).close()


def test_names_that_duckdb_cannot_tell_apart_are_refused(client: inb.Client, shop: inb.SourceHandle) -> None:
    things(shop, "visits", 0)
    big = things(shop, "VISITS", 0)
    with pytest.raises(inb.DataError, match=r"more than one collection 'shop\.(visits|VISITS)'"):
        client.duckdb()
    assert things(client.create_source("main"), "visits", 0).name == "visits"
    things(client.create_source("main_"), "visits", 0)
    with pytest.raises(inb.DataError, match=r"DuckDB keeps 'main' for itself, and .* collection 'main_\.visits'"):
        client.duckdb(client.sources["main"], client.sources["main_"])
    quoted = things(shop, 'a"b', 1)
    with client.duckdb(big, quoted) as db:
        assert db.sql('SELECT count(*) FROM visits, "a""b"').fetchall() == [(0,)]


def test_errors_while_loading_are_the_toolkits_own(client: inb.Client, shop: inb.SourceHandle) -> None:
    visits = things(shop, "visits", 1)
    visits.delete()
    with pytest.raises(inb.NotFoundError):
        client.duckdb(visits)
