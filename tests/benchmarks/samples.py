"""What every benchmark works on: orders (flat) and web visits (nested), the same rows each time, and pages of them.

Everything is made column by column, so that a million rows take seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.wire.bodies import encode_rows
from intempt_nb.codecs.wire.wire import wire_schema
from intempt_nb.schema.schema import Schema
from nullserver import COLLECTION_ID, DATA, KEY, PAGE_START, page_end

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["SCHEMAS", "deep", "items", "make", "page", "wide", "write_csv"]

_DAY = 86_400_000
_CATEGORIES = ("grocery", "electronics", "toys", "home & garden", "books", "sport")
_HOSTS = ("www.example.com", "shop.example.com", "news.example.org")
_WORDS = ("lorem", "ipsum", "café", 'said "yes"', "a\\b", "line\nbreak", "to you, too")


def _record(name: str, *fields: tuple[str, Any]) -> dict[str, Any]:
    """Return an Avro record; a field that may be null is null by default."""
    listed = [
        {"name": field, "type": kind} | ({"default": None} if isinstance(kind, list) else {}) for field, kind in fields
    ]
    return {"type": "record", "name": name, "fields": listed}


_INSTANT = {"type": "long", "logicalType": "timestamp-millis"}
_TEXT_OR_NULL = ["null", "string"]
_ORDERS = _record(
    "orders",
    (KEY, "string"),
    ("category", "string"),
    ("country", "string"),
    ("orderDate", {"type": "string", "logicalType": "date"}),
    ("timestamp", _INSTANT),
    ("quantity", "long"),
    ("price", "double"),
    ("comment", _TEXT_OR_NULL),
)
_URL = _record(
    "url",
    ("scheme", "string"),
    ("host", "string"),
    ("port", ["null", "int"]),
    ("path", "string"),
    ("query", _TEXT_OR_NULL),
)
_ELEMENT = _record(
    "element", ("id", "string"), ("text", _TEXT_OR_NULL), ("classes", {"type": "array", "items": "string"})
)
_VISITS = _record(
    "visits",
    (KEY, "string"),
    ("visitorId", "string"),
    ("timestamp", _INSTANT),
    ("title", _TEXT_OR_NULL),
    ("pageUrl", _URL),
    ("element", _ELEMENT),
)
SCHEMAS = {"flat": Schema.parse(_ORDERS), "nested": Schema.parse(_VISITS)}


def make(kind: str, rows: int) -> pa.Table:
    """Return rows of a kind, ``"flat"`` or ``"nested"``, in the Arrow types of its schema."""
    random = np.random.default_rng(7)
    columns = _orders(random, rows) if kind == "flat" else _visits(random, rows)
    return pa.table(columns, schema=wire_schema(SCHEMAS[kind]))


def wide(columns: int, rows: int) -> tuple[Schema, pa.Table]:
    """Return a schema of some columns, texts, numbers and instants by turns, and rows of it."""
    fields = [(f"field{index}", _WIDE[index % len(_WIDE)]) for index in range(columns)]
    return _filled(Schema.parse(_record("wide", *fields)), _wide_columns(columns, rows))


def deep(depth: int, rows: int) -> tuple[Schema, pa.Table]:
    """Return a schema of eight values inside records, one in the other, and rows of it."""
    inner: Any = _record("level0", *((f"field{index}", _WIDE[index % len(_WIDE)]) for index in range(8)))
    for level in range(1, depth + 1):
        inner = _record(f"level{level}", ("inner", inner))
    schema = Schema.parse(inner)
    levels = [list(wire_schema(schema))]
    while pa.types.is_struct(levels[-1][0].type):
        levels.append(list(levels[-1][0].type))
    columns = _wide_columns(8, rows)
    for fields in reversed(levels[1:]):
        columns = [pa.StructArray.from_arrays(columns, fields=fields)]
    return _filled(schema, columns)


_WIDE: Sequence[Any] = ("string", "long", "double", _INSTANT)


def _wide_columns(columns: int, rows: int) -> list[pa.Array]:
    random = np.random.default_rng(7)
    makers = (
        lambda: _texts("value-", random.integers(0, 10**6, rows)),
        lambda: pa.array(random.integers(0, 10**6, rows)),
        lambda: pa.array(np.round(random.random(rows) * 999, 2)),
        lambda: pa.array(_instants(random, rows), pa.timestamp("ms", "UTC")),
    )
    return [makers[index % len(makers)]() for index in range(columns)]


def _filled(schema: Schema, columns: Sequence[pa.Array]) -> tuple[Schema, pa.Table]:
    return schema, pa.table(columns, schema=wire_schema(schema))


def _orders(random: np.random.Generator, rows: int) -> list[pa.Array]:
    instants = _instants(random, rows)
    return [
        _texts("order-", np.arange(10**8, 10**8 + rows)),
        _picked(random, _CATEGORIES, rows),
        _picked(random, ("GB", "DE", "FR", "US", "PL", "ES"), rows),
        pa.array((instants // _DAY).astype("int32"), pa.date32()),
        pa.array(instants, pa.timestamp("ms", "UTC")),
        pa.array(random.integers(1, 500, rows)),
        pa.array(np.round(random.random(rows) * 999, 2)),
        _sometimes(random, 0.5, _remarks(random, rows)),
    ]


def _visits(random: np.random.Generator, rows: int) -> list[pa.Array]:
    schema = wire_schema(SCHEMAS["nested"])
    paths = pc.binary_join_element_wise("/catalogue/", _picked(random, _CATEGORIES, rows), "/item-", _count(rows), "")
    url = [
        pa.repeat("https", rows),
        _picked(random, _HOSTS, rows),
        _sometimes(random, 0.8, pa.repeat(pa.scalar(8443, pa.int32()), rows)),
        paths,
        _sometimes(random, 0.6, _texts("utm_source=mail&q=", random.integers(0, 77, rows))),
    ]
    counts = random.integers(0, 4, rows)
    classes = pa.ListArray.from_arrays(
        pa.array(np.concatenate(([0], np.cumsum(counts))).astype("int32")),
        _picked(random, ("btn", "btn-primary", "col-3", "col-12"), int(counts.sum())),
        type=schema.field("element").type.field("classes").type,
    )
    element = [
        _texts("btn-", random.integers(0, 50, rows)),
        _sometimes(random, 0.3, pa.repeat("Add to basket", rows)),
        classes,
    ]
    return [
        _texts("8f2a61d04c7b4e5fa3d2-", np.arange(10**11, 10**11 + rows)),
        _texts("c0ffee5eed", random.integers(10**16, 10**17, rows)),
        pa.array(_instants(random, rows), pa.timestamp("ms", "UTC")),
        _sometimes(random, 0.1, _remarks(random, rows)),
        pa.StructArray.from_arrays(url, fields=list(schema.field("pageUrl").type)),
        pa.StructArray.from_arrays(element, fields=list(schema.field("element").type)),
    ]


def _instants(random: np.random.Generator, rows: int) -> npt.NDArray[np.int64]:
    return random.integers(1_550_000_000_000, 1_600_000_000_000, rows)


def _count(rows: int) -> pa.Array:
    return pa.array(np.arange(rows)).cast(pa.string())


def _texts(prefix: str, numbers: npt.NDArray[np.int64]) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _picked(random: np.random.Generator, values: Sequence[str], rows: int) -> pa.Array:
    return pa.array(values).take(pa.array(random.integers(0, len(values), rows)))


def _sometimes(random: np.random.Generator, nulls: float, values: pa.Array) -> pa.Array:
    """Return the values with some of them null."""
    return pc.if_else(pa.array(random.random(len(values)) >= nulls), values, pa.scalar(None, values.type))


def _remarks(random: np.random.Generator, rows: int) -> pa.Array:
    """Return texts, a tenth of which have characters that JSON and CSV must escape or quote."""
    plain = _texts("no remarks ", np.arange(rows))
    return pc.if_else(pa.array(random.random(rows) < 0.1), _picked(random, _WORDS, rows), plain)


def items(schema: Schema, table: pa.Table) -> memoryview:
    """Return the rows as the API sends items, with a comma between two."""
    data = pa.StructArray.from_arrays(table.combine_chunks().to_batches()[0].columns, fields=list(table.schema))
    numbers = _texts("9848", np.arange(10**14, 10**14 + len(table)))
    collection = f"https://api.intempt.com{DATA.removesuffix('/data')}"
    links = {
        "self": pc.binary_join_element_wise(f"{collection}/data/", numbers, ""),
        "collection": pa.repeat(collection, len(table)),
    }
    item = _item_schema(schema)
    arrow = wire_schema(item)
    hrefs = [
        pa.StructArray.from_arrays([href], fields=list(arrow.field("_links").type.field(name).type))
        for name, href in links.items()
    ]
    no_matches = pa.ListArray.from_arrays(pa.array(np.zeros(len(table) + 1, "int32")), pa.array([], pa.string()))
    columns = [
        pa.repeat(COLLECTION_ID, len(table)),
        numbers,
        pa.array(np.arange(len(table)) + 1_590_584_152_176),
        data,
        no_matches.cast(arrow.field("matches").type),
        pa.StructArray.from_arrays(hrefs, fields=list(arrow.field("_links").type)),
    ]
    return encode_rows(pa.table(columns, schema=arrow), item).data[:-1]


def _item_schema(schema: Schema) -> Schema:
    link = _record("link", ("href", "string"))
    return Schema.parse(
        _record(
            "item",
            ("collId", "string"),
            ("id", "string"),
            ("updated", "long"),
            ("data", schema.to_avro()),
            ("matches", {"type": "array", "items": "string"}),
            ("_links", _record("links", ("self", link), ("collection", "link"))),
        )
    )


def page(schema: Schema, table: pa.Table) -> bytes:
    """Return the rows as one page, the last."""
    return b"".join((PAGE_START, items(schema, table), page_end()))


def write_csv(table: pa.Table, path: Path, *, bad: bool = False) -> None:
    """Write orders as pandas does; `bad` spoils the quantity of every hundredth row."""
    frame = table.to_pandas()
    if bad:
        frame["quantity"] = frame["quantity"].astype(object)
        frame.loc[::100, "quantity"] = "many"
    frame.to_csv(path, index=False)
