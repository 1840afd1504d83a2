"""What a collection's columns are in Spark: each type, in lists, maps and records, and the way back."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.codecs.wire.wire import wire_schema
from intempt_nb.engines.spark.types import as_spark, fitting, given_schema, spark_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

pytest.importorskip("pyspark")

EPOCH = dt.datetime(1970, 1, 1)
UTC_EPOCH = EPOCH.replace(tzinfo=dt.UTC)
WIDE = decimal.Context(prec=76)
MILLIS = st.integers(-(10**13), 10**13)


def days(text: int) -> str:
    return "P0D" if not text else f"P{text}D"


# Arrow type of a scan → how raw values are made into cells, and what Spark should have for them.
LEAVES: list[tuple[pa.DataType, SearchStrategy[Any], Callable[[Any], Any], Callable[[Any], Any]]] = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1), lambda raw: raw, lambda raw: raw),
    (pa.string(), st.text(max_size=3), lambda raw: raw, lambda raw: raw),
    (pa.binary(2), st.binary(min_size=2, max_size=2), lambda raw: raw, lambda raw: raw),
    (pa.uuid(), st.uuids(), lambda raw: raw.bytes, str),
    (
        pa.decimal256(40, 20),
        st.integers(-(10**40) + 1, 10**40 - 1),
        lambda raw: decimal.Decimal(raw).scaleb(-20, WIDE),
        lambda raw: f"{'-' * (raw < 0)}{abs(raw) // 10**20}.{abs(raw) % 10**20:020}",
    ),
    (
        pa.time32("ms"),
        st.integers(0, 86_399_999),
        lambda raw: raw,
        lambda raw: (EPOCH + dt.timedelta(milliseconds=raw)).time().isoformat("milliseconds"),
    ),
    (
        pa.timestamp("ms", "UTC"),
        MILLIS,
        lambda raw: raw,
        lambda raw: UTC_EPOCH + dt.timedelta(milliseconds=raw),
    ),
    (pa.timestamp("us"), MILLIS, lambda raw: raw, lambda raw: EPOCH + dt.timedelta(microseconds=raw)),
    (
        pa.timestamp("ns", "UTC"),
        st.integers(0, 10**18),
        lambda raw: raw,
        lambda raw: f"{EPOCH + dt.timedelta(seconds=raw // 10**9)}.{raw % 10**9:09}Z",
    ),
    (pa.month_day_nano_interval(), st.integers(0, 99), lambda raw: pa.MonthDayNano([0, raw, 0]), days),
    (pa.dictionary(pa.int32(), pa.string()), st.sampled_from("ab"), lambda raw: raw, lambda raw: raw),
    (pa.null(), st.nothing(), lambda raw: raw, lambda raw: raw),
]


class Kind:
    """An Arrow type, with cells of it and what Spark should have for them."""

    def __init__(self, arrow: pa.DataType, cells: SearchStrategy[tuple[Any, Any]]) -> None:
        self.arrow, self.cells = arrow, st.just((None, None)) | cells


def leaf(made: tuple[pa.DataType, SearchStrategy[Any], Any, Any]) -> Kind:
    arrow, raws, cell, expected = made
    return Kind(arrow, raws.map(lambda raw: (cell(raw), expected(raw))))


def list_of(kind: Kind) -> Kind:
    return Kind(pa.list_(kind.arrow), st.lists(kind.cells, max_size=3).map(turned))


def map_of(kind: Kind) -> Kind:
    entries = st.dictionaries(st.sampled_from("xyz"), kind.cells, max_size=2)
    pairs = entries.map(
        lambda some: ([(k, cell) for k, (cell, _) in some.items()], [(k, wanted) for k, (_, wanted) in some.items()])
    )
    return Kind(pa.map_(pa.string(), kind.arrow), pairs)


def struct_of(kind: Kind) -> Kind:
    return Kind(pa.struct([("p", kind.arrow)]), kind.cells.map(lambda pair: ({"p": pair[0]}, {"p": pair[1]})))


def turned(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    return [cell for cell, _ in pairs], [wanted for _, wanted in pairs]


KINDS = st.recursive(
    # pyarrow makes no lists of extension types out of Python's values
    st.sampled_from([each for each in LEAVES if each[0] != pa.uuid()]).map(leaf),
    lambda inner: inner.map(list_of) | inner.map(map_of) | inner.map(struct_of),
    max_leaves=3,
)


@settings(max_examples=150)
@given(st.data())
def test_any_slice_of_any_column_has_the_same_values_in_spark(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(LEAVES).map(leaf) | KINDS)
    cells, wanted = turned(data.draw(st.lists(kind.cells, max_size=6)))
    first, last = sorted((data.draw(st.integers(0, len(cells))), data.draw(st.integers(0, len(cells)))))
    batch = pa.record_batch({"c": pa.array(cells, kind.arrow)}).slice(first, last - first)
    found = as_spark(batch, spark_schema(batch.schema))
    found.validate(full=True)
    assert found["c"].to_pylist() == wanted[first:last]


EXOTIC = {
    "c": {"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 20},
    "dd": {"type": "fixed", "name": "Period", "size": 12, "logicalType": "duration"},
    "e": {"type": "enum", "name": "Size", "symbols": ["S", "L"]},
    "t": {"type": "long", "logicalType": "time-micros"},
    "n": {"type": "long", "logicalType": "timestamp-nanos"},
    "l": {"type": "long", "logicalType": "local-timestamp-nanos"},
    "m": {"type": "long", "logicalType": "timestamp-millis"},
    "u": {"type": "fixed", "name": "Id16", "size": 16, "logicalType": "uuid"},
    "f": {"type": "fixed", "name": "Three", "size": 3},
    "y": {"type": "string", "logicalType": "date"},
    "b": "bytes",
    "o": ["string", "long", "null"],
}
VALUES = {
    "c": [decimal.Decimal("0.00000000000000000001"), decimal.Decimal("-1234567890123456789012345678901234567890.5")],
    "dd": ["P14M3DT0.5S", "P0D"],
    "e": ["S", "L"],
    "t": [dt.time(13, 5, 0, 250), dt.time(0)],
    "n": [1_700_000_000_123_456_789, -5],
    "l": [1_700_000_000_123_456_789, -5],
    "m": [1_700_000_000_123, -62_135_596_800_000],
    "u": [str(uuid.UUID(int=1)), str(uuid.UUID(int=2**127))],
    "f": [b"abc", b"\x00\xff\x00"],
    "y": ["0001-01-01", "9999-12-31"],
    "b": [b"", b"\xff"],
    "o": ["1", 1],
}


def schema_of(kinds: dict[str, Any]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = [{"name": "id", "type": "string"}]
    numbers = count()
    for name, avro in kinds.items():
        alone = avro if isinstance(avro, list) else ["null", avro]
        again = avro["name"] if isinstance(avro, dict) and "name" in avro else avro
        fields.append({"name": name, "type": alone})
        fields.append({"name": f"{name}_list", "type": {"type": "array", "items": again}})
        inside = {"type": "record", "name": f"Inside{next(numbers)}", "fields": [{"name": name, "type": again}]}
        fields.append({"name": f"{name}_map", "type": {"type": "map", "values": inside}})
    return {"type": "record", "name": "exotic", "fields": fields}


def test_what_spark_read_is_uploaded_without_loss(shop: inb.SourceHandle) -> None:
    kinds = {name: EXOTIC[name] for name in VALUES}
    here, there = (shop.create_collection(name, schema_of(kinds)) for name in ("here", "there"))
    for each in (here, there):
        each.create_identifier("key", fields=["id"])
    rows: list[dict[str, Any]] = [
        {
            "id": "null",
            **{f"{name}_{more}": [] if more == "list" else {} for name in VALUES for more in ("list", "map")},
        }
    ]
    for index in (0, 1):
        row: dict[str, Any] = {"id": str(index)}
        for name, values in VALUES.items():
            row |= {name: values[index], f"{name}_list": values, f"{name}_map": {"k": {name: values[index]}}}
        rows.append(row)
    here.upload(rows, progress=False).raise_for_rejects()
    target = spark_schema(wire_schema(here.schema))
    read = pa.Table.from_batches([as_spark(each, target) for each in here.scan().to_batches()])
    there.upload(read, progress=False).raise_for_rejects()
    assert there.scan().to_arrow().equals(here.scan().to_arrow())
    assert len(read) == 3
    assert read["c"].to_pylist()[1] == "0.00000000000000000001"


def test_spark_takes_every_type_there_is(shop: inb.SourceHandle) -> None:
    from pyspark.sql.pandas.types import from_arrow_schema

    handle = shop.create_collection("all", schema_of({name: EXOTIC[name] for name in VALUES}))
    arrow = spark_schema(wire_schema(handle.schema))
    assert given_schema(from_arrow_schema(arrow, prefer_timestamp_ntz=True)).equals(arrow)


OWN = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("n", pa.int64()),
        pa.field("tags", pa.list_(pa.field("element", pa.string(), nullable=False))),
    ]
)


def test_columns_are_read_in_the_order_asked_for_and_may_be_said_to_have_gaps() -> None:
    asked = pa.schema([("tags", pa.list_(pa.field("element", pa.string()))), ("id", pa.string())])
    assert fitting(OWN, asked).equals(asked)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (pa.field("nn", pa.int64()), "no column 'nn'; did you mean 'n'"),
        (pa.field("n", pa.int32()), "the column is bigint, and int was asked for"),
        (pa.field("n", pa.int64(), nullable=False), "may have gaps, and NOT NULL"),
        (pa.field("tags", pa.list_(pa.field("element", pa.int64()))), "array<string>, and array<bigint>"),
    ],
)
def test_columns_that_do_not_fit_are_refused(asked: pa.Field, message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        fitting(OWN, pa.schema([asked]))


def test_an_instant_beyond_microseconds_is_an_error_and_no_other_instant() -> None:
    far = pa.record_batch({"at": pa.array([2**62], pa.timestamp("ms", "UTC"))})
    with pytest.raises(inb.DataError, match="field 'at': Spark cannot hold"):
        as_spark(far, spark_schema(far.schema))
