"""Pages and bodies over random schemas: the two ways to read agree, and what is written is what was meant.

A `Kind` is one Avro type with all that a test needs to know of it, on its own account: values, how they look in JSON,
and how they look in Arrow. Nothing here uses the package to know what is right.
"""

from __future__ import annotations

import base64
import copy
import datetime as dt
import decimal
import itertools
import json
import math
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.wire import pages
from intempt_nb.codecs.wire.bodies import body, cut, encode_rows, join_rows
from intempt_nb.codecs.wire.envelope import cut_page, decode_page
from intempt_nb.codecs.wire.pages import Page, read_page
from intempt_nb.errors import DataError
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Callable

_numbers = itertools.count()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "\x00", "\u2028\u2029", "\x7f\x1f", "😀", '"dataItemList":[', '},{"id":', "]}", "\\", "null"]
)


@dataclass(frozen=True)
class Kind:
    avro: Any
    values: st.SearchStrategy[Any]
    arrow: Callable[[list[Any]], pa.Array]
    json: Callable[[Any], Any] = lambda value: value
    maps: bool = False  # whether the fast way cannot read it


def plain(avro: Any, arrow: pa.DataType, values: st.SearchStrategy[Any], **more: Any) -> Kind:
    return Kind(avro, values, lambda cells: pa.array(cells, arrow), **more)


def logical(base: str, name: str) -> dict[str, Any]:
    return {"type": base, "logicalType": name}


def enum() -> Kind:
    symbols = ["RED", "GREEN", "BLUE"]

    def arrow(cells: list[Any]) -> pa.Array:
        indices = [None if cell is None else symbols.index(cell) for cell in cells]
        return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), symbols)

    return Kind({"type": "enum", "name": f"e{next(_numbers)}", "symbols": symbols}, st.sampled_from(symbols), arrow)


def fixed(size: int) -> Kind:
    avro = {"type": "fixed", "name": f"f{next(_numbers)}", "size": size}
    return plain(avro, pa.binary(size), st.binary(min_size=size, max_size=size), json=base64_text)


def fixed_uuid() -> Kind:
    def arrow(cells: list[Any]) -> pa.Array:
        raw = pa.array([None if cell is None else cell.bytes for cell in cells], pa.binary(16))
        return pa.ExtensionArray.from_storage(pa.uuid(), raw)

    avro = {"type": "fixed", "name": f"f{next(_numbers)}", "size": 16, "logicalType": "uuid"}
    return Kind(avro, st.uuids(), arrow, json=str)


def duration() -> Kind:
    def arrow(cells: list[Any]) -> pa.Array:
        values = [None if cell is None else pa.MonthDayNano([cell[0], cell[1], cell[2] * 10**6]) for cell in cells]
        return pa.array(values, pa.month_day_nano_interval())

    def text(value: Any) -> str:
        months, days, millis = value
        seconds = str(decimal.Decimal(millis).scaleb(-3).normalize().__format__("f"))
        text = "P" + f"{months}M" * (months > 0) + f"{days}D" * (days > 0) + f"T{seconds}S" * (millis > 0)
        return "P0D" if text == "P" else text

    avro = {"type": "fixed", "name": f"f{next(_numbers)}", "size": 12, "logicalType": "duration"}
    parts = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1))
    return Kind(avro, parts, arrow, json=text)


def base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def number(precision: int, scale: int) -> Kind:
    limit = 10**precision - 1
    values = st.integers(-limit, limit).map(
        lambda unscaled: decimal.Decimal(f"{unscaled}e-{scale}").quantize(
            decimal.Decimal((0, (1,), -scale)), context=decimal.Context(prec=precision + 1)
        )
    )
    arrow = pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    avro = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    return plain(avro, arrow, values, json=lambda value: f"{value:f}")


def shortest(value: float) -> float:
    return float(str(np.float32(value)))


EPOCH = dt.datetime(1970, 1, 1)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(TEXT, inner | st.none(), max_size=3),
    max_leaves=4,
)


def units(per_second: int, unit: str, name: str) -> Kind:
    low, high = (-(2**62), 2**62) if unit == "ns" else (-62_135_596_800 * per_second, 253_402_300_799 * per_second)
    zone = None if name.startswith("local") else "UTC"
    return plain(logical("long", name), pa.timestamp(unit, zone), st.integers(low, high))


def leaves() -> st.SearchStrategy[Kind]:
    makers: list[Callable[[], Kind]] = [
        lambda: plain("boolean", pa.bool_(), st.booleans()),
        lambda: plain("int", pa.int32(), st.integers(-(2**31), 2**31 - 1)),
        lambda: plain("long", pa.int64(), st.integers(-(2**63), 2**63 - 1)),
        lambda: plain("float", pa.float32(), st.floats(width=32, allow_nan=False, allow_infinity=False), json=shortest),
        lambda: plain("double", pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
        lambda: plain("string", pa.string(), TEXT),
        lambda: plain("bytes", pa.binary(), st.binary(max_size=9), json=base64_text),
        lambda: plain(logical("string", "date"), pa.date32(), st.dates(), json=lambda day: day.isoformat()),
        lambda: plain(logical("int", "date"), pa.date32(), st.dates(), json=lambda day: (day - EPOCH.date()).days),
        lambda: plain(logical("int", "time-millis"), pa.time32("ms"), st.integers(0, 86_399_999)),
        lambda: plain(logical("long", "time-micros"), pa.time64("us"), st.integers(0, 86_399_999_999)),
        lambda: units(10**3, "ms", "timestamp-millis"),
        lambda: units(10**6, "us", "timestamp-micros"),
        lambda: units(10**9, "ns", "timestamp-nanos"),
        lambda: units(10**3, "ms", "local-timestamp-millis"),
        lambda: units(10**9, "ns", "local-timestamp-nanos"),
        lambda: plain(logical("string", "uuid"), pa.string(), st.uuids().map(str)),
        lambda: plain(
            ["long", "string", "boolean"],
            pa.string(),
            JSON.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))),
            json=json.loads,
            maps=True,
        ),
        enum,
        fixed_uuid,
        duration,
        lambda: plain(logical("bytes", "big-decimal"), pa.binary(), st.binary(max_size=9), json=base64_text),
        lambda: fixed(3),
        lambda: number(5, 2),
        lambda: number(38, 12),
        lambda: number(60, 30),
    ]
    return st.sampled_from(makers).map(lambda make: make())


def nullable(kind: Kind) -> Kind:
    union = ["null", *kind.avro] if isinstance(kind.avro, list) else ["null", kind.avro]
    return Kind(
        union,
        st.none() | kind.values,
        kind.arrow,
        lambda value: None if value is None else kind.json(value),
        kind.maps,
    )


def spread(cells: list[Any]) -> tuple[pa.Array, list[Any]]:
    offsets = list(itertools.accumulate((len(cell or ()) for cell in cells), initial=0))
    return pa.array(offsets, pa.int32()), [each for cell in cells for each in cell or ()]


def gaps(cells: list[Any]) -> pa.Array:
    return pa.array([cell is None for cell in cells], pa.bool_())


def is_nullable(kind: Kind) -> bool:
    return isinstance(kind.avro, list) and "null" in kind.avro


def array_of(kind: Kind) -> Kind:
    def arrow(cells: list[Any]) -> pa.Array:
        offsets, flat = spread(cells)
        values = kind.arrow(flat)
        of = pa.list_(pa.field("item", values.type, nullable=is_nullable(kind)))
        return pa.ListArray.from_arrays(offsets, values, of, mask=gaps(cells))

    return Kind(
        {"type": "array", "items": kind.avro},
        st.lists(kind.values, max_size=3),
        arrow,
        lambda value: [kind.json(each) for each in value],
        kind.maps,
    )


def map_of(kind: Kind) -> Kind:
    def arrow(cells: list[Any]) -> pa.Array:
        offsets, flat = spread([None if cell is None else list(cell.items()) for cell in cells])
        values = kind.arrow([value for _, value in flat])
        of = pa.map_(pa.string(), pa.field("value", values.type, nullable=is_nullable(kind)))
        keys = pa.array([key for key, _ in flat], pa.string())
        return pa.MapArray.from_arrays(offsets, keys, values, of, mask=gaps(cells))

    return Kind(
        {"type": "map", "values": kind.avro},
        st.dictionaries(TEXT, kind.values, max_size=3),
        arrow,
        lambda value: {key: kind.json(each) for key, each in value.items()},
        maps=True,
    )


def record_of(fields: dict[str, Kind]) -> Kind:
    def arrow(cells: list[Any]) -> pa.Array:
        if not fields:
            return pa.array(cells, pa.struct([]))
        # a value under a null record does not matter; the record's own null hides it
        parts = {
            name: kind.arrow([None if cell is None else cell[name] for cell in cells]) for name, kind in fields.items()
        }
        types = [pa.field(name, part.type, nullable=is_nullable(fields[name])) for name, part in parts.items()]
        return pa.StructArray.from_arrays(list(parts.values()), fields=types, mask=gaps(cells))

    return Kind(
        {
            "type": "record",
            "name": f"r{next(_numbers)}",
            "fields": [{"name": name, "type": kind.avro} for name, kind in fields.items()],
        },
        st.fixed_dictionaries({name: kind.values for name, kind in fields.items()}),
        arrow,
        lambda value: {name: kind.json(value[name]) for name, kind in fields.items()},
        any(kind.maps for kind in fields.values()),
    )


def floats(width: int) -> Kind:
    """Return floats of which those that are not finite are null in JSON."""
    avro, arrow = {32: ("float", pa.float32()), 64: ("double", pa.float64())}[width]
    text = shortest if width == 32 else float

    def mended(value: float | None) -> float | None:
        return None if value is None or not math.isfinite(value) else text(value)

    return plain(["null", avro], arrow, st.none() | st.floats(width=width), json=mended)


NAMES = st.sampled_from(["a", "b", "id", "data", "dataItemList", "_embedded", "_links", "x_1"])


def nested(kinds: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    return st.recursive(
        kinds,
        lambda inner: (
            inner.map(array_of)
            | inner.map(map_of)
            | inner.map(array_of).map(nullable)
            | inner.map(map_of).map(nullable)
            | st.dictionaries(NAMES, inner, max_size=3).map(record_of)
            | st.dictionaries(NAMES, inner, max_size=3).map(record_of).map(nullable)
        ),
        max_leaves=5,
    )


KINDS = nested(leaves() | leaves().map(nullable))


@dataclass(frozen=True)
class Collection:
    """Random columns, and rows that fit them."""

    kinds: dict[str, Kind]
    rows: list[dict[str, Any]]

    @property
    def schema(self) -> Schema:
        return Schema.parse({**record_of(self.kinds).avro, "name": "items"})

    @property
    def table(self) -> pa.Table:
        columns = [kind.arrow([row[name] for row in self.rows]) for name, kind in self.kinds.items()]
        return pa.Table.from_arrays(columns, schema=self.schema.to_arrow(unions="json"))

    @property
    def data(self) -> list[dict[str, Any]]:
        return [{name: kind.json(row[name]) for name, kind in self.kinds.items()} for row in self.rows]


@st.composite
def collections(draw: st.DrawFn, kinds: st.SearchStrategy[Kind] = KINDS) -> Collection:
    chosen = draw(st.dictionaries(NAMES, kinds, min_size=1, max_size=4))
    rows = draw(st.lists(st.fixed_dictionaries({name: kind.values for name, kind in chosen.items()}), max_size=5))
    return Collection(chosen, rows)


def page_of(data: list[Any], ids: list[Any] | None = None, indent: int | None = None, flipped: bool = False) -> bytes:
    items = [
        {"collId": "7", "id": str(row) if ids is None else ids[row], "data": each, "matches": [], "_links": {}}
        for row, each in enumerate(data)
    ]
    page = {"_embedded": {"dataItemList": items}, "_links": {"curies": [{"collId": 1}], "next": {"href": "/n"}}}
    if flipped:
        page = dict(reversed(page.items()))
    return json.dumps(page, indent=indent, ensure_ascii=flipped).encode()


def same(left: pa.Table, right: pa.Table) -> bool:
    """Compare by value and type; ``equals`` does not know extension types inside lists."""
    return left.schema.equals(right.schema, check_metadata=True) and repr(left.to_pylist()) == repr(right.to_pylist())


def read_exactly(page: bytes, schema: Schema) -> Page:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "cut_page", decode_page)
        return read_page(page, schema, item_ids="$id")


def read_in_pieces(page: bytes, schema: Schema) -> Page:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "cut_page", partial(cut_page, piece_size=64))
        return read_page(page, schema, item_ids="$id")


def read_split(page: bytes, schema: Schema) -> Page:
    """Read it in one piece, which is split if there is something odd."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_SMALLEST_SPLIT", 200)
        return read_page(page, schema, item_ids="$id")


def read_fast(page: bytes, schema: Schema) -> Page:
    return read_page(page, schema, item_ids="$id")


def refuse(*_: object) -> None:
    raise AssertionError("the fast way refused")


@given(collections(), st.none() | st.integers(0, 3), st.booleans())
def test_every_way_of_reading_gives_the_values(case: Collection, indent: int | None, flipped: bool) -> None:
    page = page_of(case.data, indent=indent, flipped=flipped)
    schema = case.schema
    assert same(read_page(page, schema).table, case.table)
    for read in (read_fast, read_exactly, read_in_pieces, read_split):
        found = read(page, schema)
        assert same(found.table.select(case.table.column_names), case.table)
        found.table.validate(full=True)
        assert found.table["$id"].to_pylist() == [str(row) for row in range(len(case.rows))]
        assert found.next == "/n"


@given(collections(KINDS.filter(lambda kind: not kind.maps)), st.none() | st.integers(0, 3))
def test_the_fast_way_takes_what_fits(case: Collection, indent: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_exact_batch", refuse)
        found = read_page(page_of(case.data, indent=indent), case.schema)
    assert same(found.table, case.table)


ODD = st.sampled_from(
    [None, True, False, 0, -1, 5, 5.0, 5.7, -0.0, 1e16, 1e39, 1e300, 2**31, 2**63, 2**64, 10**25, "5", "5.0", "-1",
     "1e2", "+3", ".5", "5.", "NaN", "Infinity", float("nan"), float("inf"), "", " ", "x", "true", "2020-05-25",
     "2020-02-30", "0000-01-01", "2020-05-25T10:00:00Z", "2020-05-25T10:00", "12:30", "YQ==", "YQ", "YWJj", "PURPLE",
     "8a6b1a86-2d2c-4a2d-9b2d-8d1f8f8a1b2c", "8A6B1A862D2C4A2D9B2D8D1F8F8A1B2C", "\ud800", "a\udfffb", "😀", [], [1],
     [None], {}, {"a": 1}, {"a": None, "b": "\ud83d"}, [[[]]]]
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value, as a container and a key or index."""
    steps = list(value.items() if isinstance(value, dict) else enumerate(value))
    inner = [place for _, each in steps if isinstance(each, dict | list) for place in places(each)]
    return [(value, key) for key, _ in steps] + inner


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[Schema, list[Any]]:
    case = draw(collections().filter(lambda case: case.rows))
    data = case.data
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(data)))
        if isinstance(container, dict) and draw(st.booleans()):
            del container[key]
        else:
            container[key] = copy.deepcopy(draw(ODD))  # the strategy gives the same object every time
        if not places(data):
            break
    return case.schema, data


def outcome(read: Callable[[bytes, Schema], Page], page: bytes, schema: Schema) -> tuple[Any, ...]:
    try:
        found = read(page, schema)
    except DataError as error:
        return error.row, error.field, error.value, error.expected, str(error)
    found.table.validate(full=True)
    return found.table.schema, shown(found.table)


def shown(table: pa.Table) -> str:
    """Return all values as text, in which NaN is like NaN; Python has no words for times after the year 9999."""
    try:
        return repr(table.to_pylist())
    except OverflowError:
        return table.combine_chunks().to_string(preview_cols=10**6)


@given(spoiled())
def test_both_ways_judge_alike(case: tuple[Schema, list[Any]]) -> None:
    schema, data = case
    page = page_of(data, flipped=True)
    exact = outcome(read_exactly, page, schema)
    assert outcome(read_fast, page, schema) == exact
    for read in (read_in_pieces, read_split):
        in_pieces = outcome(read, page, schema)
        assert in_pieces == exact or (len(in_pieces) == len(exact) == 5)  # with two faults, another may come first


@given(st.lists(st.none() | st.integers(-(2**65), 2**65) | TEXT, min_size=1, max_size=6))
def test_ids_of_any_kind_become_text(ids: list[Any]) -> None:
    schema = Schema.parse({"type": "record", "name": "r", "fields": []})
    page = page_of([{}] * len(ids), ids=ids)
    expected = [None if each is None else str(each) for each in ids]
    for read in (read_fast, read_exactly, read_in_pieces, read_split):
        assert read(page, schema).table["$id"].to_pylist() == expected


def without_nulls(value: Any, kind: Any) -> Any:
    """Leave null fields out of records, but not entries out of maps, nor anything out of free JSON."""
    if isinstance(kind, list):
        rest = [each for each in kind if each != "null"]
        return value if value is None or len(rest) > 1 else without_nulls(value, rest[0])
    match kind:
        case {"type": "record", "fields": fields}:
            parts = {field["name"]: without_nulls(value[field["name"]], field["type"]) for field in fields}
            return {name: each for name, each in parts.items() if each is not None}
        case {"type": "array", "items": inner}:
            return [without_nulls(each, inner) for each in value]
        case {"type": "map", "values": inner}:
            return {key: without_nulls(each, inner) for key, each in value.items()}
        case _:
            return value


def rows_of(case: Collection, table: pa.Table | pa.RecordBatch, **options: Any) -> list[str]:
    """Encode, and return each row as JSON text with its keys sorted, which tells 1 from 1.0 and 0.0 from -0.0."""
    rows = encode_rows(table, case.schema, **options)
    texts = [bytes(rows.data[begin : end - 1]) for begin, end in itertools.pairwise(rows.offsets.tolist())]
    assert [len(text) for text in texts] == rows.sizes.tolist()
    assert json.loads(join_rows("c", rows, range(len(rows)))) == {"c": [json.loads(text) for text in texts]}
    return [canonical(json.loads(text)) for text in texts]


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(collections())
def test_rows_are_written_exactly(case: Collection) -> None:
    table = case.table
    expected = [canonical(each) for each in case.data]
    assert rows_of(case, table) == expected
    assert rows_of(case, pa.concat_tables([table[1:], table])) == expected[1:] + expected
    for batch in table.to_batches():
        assert rows_of(case, batch) == expected
    omitted = [canonical(without_nulls(each, record_of(case.kinds).avro)) for each in case.data]
    assert rows_of(case, table, nulls="omit") == omitted


def is_finite(value: Any) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case dict():
            return all(map(is_finite, value.values()))
        case list():
            return all(map(is_finite, value))
        case _:
            return True


@given(collections(nested(st.sampled_from([32, 64]).map(floats) | leaves())))
def test_numbers_that_are_not_finite_are_written_as_null_or_refused(case: Collection) -> None:
    table = case.table
    expected = [canonical(each) for each in case.data]
    assert rows_of(case, table, nan="null") == expected
    assert rows_of(case, pa.concat_tables([table[1:], table]), nan="null") == expected[1:] + expected
    omitted = [canonical(without_nulls(each, record_of(case.kinds).avro)) for each in case.data]
    assert rows_of(case, table, nan="null", nulls="omit") == omitted
    finite = [is_finite(row) for row in case.rows]
    if all(finite):
        assert rows_of(case, table) == expected
    else:
        with pytest.raises(DataError, match="NaN and infinity have no form in JSON") as caught:
            encode_rows(table, case.schema)
        first = next(name for name in case.kinds if not all(is_finite(row[name]) for row in case.rows))
        assert (caught.value.field, caught.value.row) == (
            first,
            [is_finite(row[first]) for row in case.rows].index(False),
        )


@given(collections(), st.sampled_from(["explicit", "omit"]))
def test_what_is_written_is_read_again(case: Collection, nulls: Any) -> None:
    table = case.table
    rows = encode_rows(table, case.schema, nulls=nulls)
    data = json.loads(body("c", rows, 0, len(rows)))["c"]
    items = b",".join(
        b'{"id":"%d","data":%b}' % (row, rows.data[begin : end - 1])
        for row, (begin, end) in enumerate(itertools.pairwise(rows.offsets.tolist()))
    )
    assert len(data) == len(case.rows)
    assert same(read_page(b'{"_embedded":{"dataItemList":[%b]}}' % items, case.schema).table, table)
    names = list(reversed(case.kinds))
    found = read_page(page_of(data), case.schema, names).table
    assert found.schema.equals(case.schema.select(names, unions="json"), check_metadata=True)
    assert found.to_pylist() == table.select(names).to_pylist()


@given(st.lists(st.integers(2, 40), max_size=30), st.integers(1, 120), st.integers(1, 9), st.text(max_size=4))
def test_batches_are_as_large_as_allowed(sizes: list[int], max_bytes: int, max_rows: int, name: str) -> None:
    schema = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "t", "type": "string"}]})
    rows = encode_rows(pa.table({"t": ["x" * size for size in sizes]}, schema.to_arrow(unions="json")), schema)
    overhead = len(body(name, rows, 0, 0))
    batches = cut(rows.sizes, max_bytes=max_bytes, max_rows=max_rows, overhead=overhead)
    assert [row for start, stop in batches for row in range(start, stop)] == list(range(len(sizes)))
    for start, stop in batches:
        size = len(body(name, rows, start, stop))
        assert stop - start <= max_rows
        assert size <= max_bytes or stop - start == 1
        if stop < len(sizes) and stop - start < max_rows:
            assert len(body(name, rows, start, stop + 1)) > max_bytes


def test_uuids_in_any_case_are_read() -> None:
    each = uuid.UUID("8a6b1a86-2d2c-4a2d-9b2d-8d1f8f8a1b2c")
    kind = fixed_uuid()
    schema = Schema.parse(record_of({"u": kind}).avro)
    assert read_page(page_of([{"u": str(each).upper()}]), schema).table["u"].to_pylist() == [each]
