"""Random Avro schemas, values and files; nothing here uses the package to know what is right but for the framing.

A `Kind` is one Avro type with all that a test needs to know of it: its schema, the schema without logical types (the
binary encoding is the same, and fastavro leaves the values alone), and values as fastavro takes them.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fastavro
from hypothesis import strategies as st

from intempt_nb.codecs.avro.container import Header, encode_block, encode_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

_numbers = itertools.count()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["", "x" * 64, "\u2028😀"])


@dataclass(frozen=True)
class Kind:
    avro: Any
    raw: Any
    values: SearchStrategy[Any]
    tag: str


def leaf(raw: Any, values: SearchStrategy[Any], logical: dict[str, Any] | None = None) -> Kind:
    avro = raw if logical is None else {**(raw if isinstance(raw, dict) else {"type": raw}), **logical}
    return Kind(avro, raw, values, raw["name"] if isinstance(raw, dict) else raw)


def fixed(size: int) -> dict[str, Any]:
    return {"type": "fixed", "name": f"f{next(_numbers)}", "size": size}


def enum() -> Kind:
    symbols = ["RED", "GREEN", "BLUE"]
    return leaf({"type": "enum", "name": f"e{next(_numbers)}", "symbols": symbols}, st.sampled_from(symbols))


def minimal(unscaled: int) -> bytes:
    """The fewest bytes of a decimal, by trying."""
    return next(
        unscaled.to_bytes(n, "big", signed=True) for n in range(1, 40) if -(1 << 8 * n - 1) <= unscaled < 1 << 8 * n - 1
    )


def decimal(precision: int, size: int | None) -> Kind:
    numbers = st.integers(-(10**precision) + 1, 10**precision - 1) | st.sampled_from([0, -1, 127, 128, -128, -129])
    logical = {"logicalType": "decimal", "precision": precision, "scale": 2}
    if size is None:
        return leaf("bytes", numbers.map(minimal), logical)
    return leaf(fixed(size), numbers.map(lambda each: each.to_bytes(size, "big", signed=True)), logical)


INT = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([0, -1, 63, 64, -64, -65, 8191, 8192])
LONG = st.integers(-(2**63), 2**63 - 1) | INT
DURATION = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1))
LEAVES: list[Callable[[], Kind]] = [
    lambda: leaf("null", st.none()),
    lambda: leaf("boolean", st.booleans()),
    lambda: leaf("int", INT),
    lambda: leaf("long", LONG),
    lambda: leaf("float", st.floats(width=32, allow_nan=False)),
    lambda: leaf("double", st.floats(allow_nan=False)),
    lambda: leaf("string", TEXT),
    lambda: leaf("bytes", st.binary(max_size=9)),
    enum,
    lambda: leaf(fixed(3), st.binary(min_size=3, max_size=3)),
    lambda: leaf("string", st.dates().map(dt.date.isoformat), {"logicalType": "date"}),
    lambda: leaf("int", st.integers(-719_162, 2_932_896), {"logicalType": "date"}),
    lambda: leaf("int", st.integers(0, 86_399_999), {"logicalType": "time-millis"}),
    lambda: leaf("long", st.integers(0, 86_399_999_999), {"logicalType": "time-micros"}),
    lambda: leaf("long", LONG, {"logicalType": "timestamp-millis"}),
    lambda: leaf("long", LONG, {"logicalType": "local-timestamp-nanos"}),
    lambda: leaf("string", st.uuids().map(str), {"logicalType": "uuid"}),
    lambda: leaf(fixed(16), st.binary(min_size=16, max_size=16), {"logicalType": "uuid"}),
    lambda: leaf(fixed(12), DURATION.map(lambda parts: struct.pack("<III", *parts)), {"logicalType": "duration"}),
    lambda: leaf("bytes", st.binary(max_size=9), {"logicalType": "big-decimal"}),
    lambda: decimal(5, None),
    lambda: decimal(30, 13),
    lambda: decimal(9, 20),
    lambda: decimal(60, None),
]


def array_of(kind: Kind) -> Kind:
    return Kind(
        {"type": "array", "items": kind.avro},
        {"type": "array", "items": kind.raw},
        st.lists(kind.values, max_size=3),
        "array",
    )


def map_of(kind: Kind) -> Kind:
    return Kind(
        {"type": "map", "values": kind.avro},
        {"type": "map", "values": kind.raw},
        st.dictionaries(TEXT, kind.values, max_size=3),
        "map",
    )


def record_of(kinds: list[Kind]) -> Kind:
    name = f"r{next(_numbers)}"
    fields = {f"field{index}": kind for index, kind in enumerate(kinds)}

    def schema(part: str) -> Any:
        return {
            "type": "record",
            "name": name,
            "fields": [{"name": each, "type": getattr(kind, part)} for each, kind in fields.items()],
        }

    values = st.fixed_dictionaries({each: kind.values for each, kind in fields.items()})
    return Kind(schema("avro"), schema("raw"), values, name)


def union_of(kinds: list[Kind]) -> Kind:
    by_tag = {kind.tag: kind for kind in kinds if kind.tag != "union"} or {"null": LEAVES[0]()}
    branches = list(by_tag.values())
    values = st.one_of([kind.values.map(lambda value, tag=kind.tag: (tag, value)) for kind in branches])
    return Kind([kind.avro for kind in branches], [kind.raw for kind in branches], values, "union")


def recursive(kind: Kind) -> Kind:
    name = f"r{next(_numbers)}"
    link = ["null", name, "long"]

    def schema(part: Any) -> Any:
        fields = [{"name": "value", "type": part}, {"name": "next", "type": link}]
        fields.append({"name": "more", "type": {"type": "array", "items": name}})
        return {"type": "record", "name": name, "fields": fields}

    def node(following: SearchStrategy[Any], more: SearchStrategy[Any]) -> SearchStrategy[Any]:
        return st.fixed_dictionaries({"value": kind.values, "next": following, "more": more})

    end = st.just(("null", None)) | LONG.map(lambda value: ("long", value))
    values = st.recursive(
        node(end, st.just([])),
        lambda inner: node(inner.map(lambda value: (name, value)) | end, st.lists(inner, max_size=2)),
        max_leaves=4,
    )
    return Kind(schema(kind.avro), schema(kind.raw), values, name)


KINDS = st.recursive(
    st.sampled_from(LEAVES).map(lambda make: make()),
    lambda inner: (
        inner.map(array_of)
        | inner.map(map_of)
        | st.lists(inner, max_size=3).map(record_of)
        | st.lists(inner, min_size=1, max_size=4).map(union_of)
        | inner.map(recursive)
    ),
    max_leaves=5,
)


def optional(kind: Kind, first: bool) -> Kind:
    """Null or a value: null on either side."""
    if kind.tag in ("null", "union"):
        return kind
    null = LEAVES[0]()
    return union_of([null, kind] if first else [kind, null])


FAST_KINDS = st.recursive(
    st.sampled_from(LEAVES[1:]).map(lambda make: make()),
    lambda inner: (
        inner.map(array_of)
        | inner.map(map_of)
        | st.lists(inner, min_size=1, max_size=3).map(record_of)
        | st.tuples(inner, st.booleans()).map(lambda pair: optional(*pair))
    ),
    max_leaves=4,
)
"""What the fast way knows."""


def file_of(schema: Any, blocks: list[tuple[int, bytes]], codec: str = "null") -> bytes:
    header = Header(json.dumps(schema), codec, {}, bytes(range(16)))
    return encode_header(header) + b"".join(encode_block(header, rows, data) for rows, data in blocks)


@st.composite
def files(draw: st.DrawFn, fast: bool = False) -> tuple[Kind, list[Any], bytes]:
    """A type, rows of it as fastavro takes them, and the file that holds them."""
    kinds = FAST_KINDS if fast else KINDS
    kind = draw(st.lists(kinds, min_size=1, max_size=3).map(record_of) | kinds)
    rows = draw(st.lists(kind.values, max_size=6))
    parsed = fastavro.parse_schema(kind.raw)
    encoded = []
    for row in rows:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, row)
        encoded.append(out.getvalue())
    cut = draw(st.integers(0, len(rows)))
    blocks = [(cut, b"".join(encoded[:cut])), (len(rows) - cut, b"".join(encoded[cut:]))]
    return kind, rows, file_of(kind.avro, [block for block in blocks if block[0]])
