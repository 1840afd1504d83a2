"""Collections as dask DataFrames: dtypes of each partition, columns that nobody needs, servers without parts."""

from __future__ import annotations

import json
import random
from itertools import count
from typing import TYPE_CHECKING, Any

import cloudpickle
import dask
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.api import endpoints
from intempt_nb.engines import dask_load
from intempt_nb.server import data_calls
from intempt_nb.transfer.ranges import Ranges
from random_schemas import Maker, Values, has_union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.schema.mapping.pandas import DtypeBackend

FIELDS = {
    "flag": "boolean",
    "big": "long",
    "wide": "double",
    "text": "string",
    "raw": "bytes",
    "day": {"type": "string", "logicalType": "date"},
    "time": {"type": "long", "logicalType": "timestamp-millis"},
    "kind": {"type": "enum", "name": "Kind", "symbols": ["a", "b"]},
    "tags": {"type": "array", "items": "string"},
    "price": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    "stay": {"type": "fixed", "name": "Stay", "size": 12, "logicalType": "duration"},
    "place": {"type": "record", "name": "Place", "fields": [{"name": "x", "type": "double"}]},
}
KIND = {
    "type": "record",
    "name": "thing",
    "fields": [{"name": "id", "type": "string"}, *({"name": n, "type": ["null", t]} for n, t in FIELDS.items())],
}

NAMES = count()


@pytest.fixture(autouse=True)
def synchronous() -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def long_shop() -> Iterator[inb.SourceHandle]:
    with inb.sandbox() as client:
        yield client.create_source("shop")


def collection_of(source: inb.SourceHandle, name: str, schema: Any) -> inb.CollectionHandle:
    made = source.create_collection(name, schema, kind="event")
    made.create_identifier("id", fields=["id"], type="primary")
    return made


@pytest.fixture
def things(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """Nine items; the first three have values in each field, the others none."""
    made = collection_of(shop, "things", KIND)
    full = {
        "flag": True, "big": 2**60, "wide": 0.5, "text": "é", "raw": "/w==", "day": "2020-05-25", "time": 1,
        "kind": "b", "tags": ["x"], "price": "12.34", "place": {"x": 1.5},
    }  # fmt: skip
    made.upload([{"id": str(each), **(full if each < 3 else {})} for each in range(9)]).raise_for_rejects()
    return made


@pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable", None])
@pytest.mark.parametrize("item_ids", [None, "_id"])
def test_partitions_have_the_dtypes_that_the_frame_says_and_the_rows_that_load_gives(
    backend: DtypeBackend, item_ids: str | None, things: inb.CollectionHandle
) -> None:
    frame = inb.engines.dask.load(things, partitions=3, dtype_backend=backend, item_ids=item_ids)
    whole = things.load(dtype_backend=backend, item_ids=item_ids)
    assert frame.npartitions == 3
    for part in dask.compute(*frame.to_delayed()):
        assert part.dtypes.tolist() == frame.dtypes.tolist() == whole.dtypes.tolist()
        assert len(part) == 3
    pd.testing.assert_frame_equal(frame.compute().reset_index(drop=True), whole)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=8)
def test_dtypes_hold_for_any_schema(long_shop: inb.SourceHandle, seed: int) -> None:
    chance = random.Random(seed)
    schema = Maker(chance).record(2)
    schema["fields"].insert(0, {"name": "id", "type": "string"})
    made = collection_of(long_shop, f"things-{next(NAMES)}", schema)
    if not has_union(schema):
        values = Values(chance, schema)
        with_values = [values.of(schema) | {"id": str(each)} for each in range(5)]
        made.upload(with_values)
    frame, whole = inb.engines.dask.load(made, partitions=2), made.load()
    assert frame.dtypes.tolist() == frame._meta_nonempty.dtypes.tolist() == whole.dtypes.tolist()
    parts = dask.compute(*frame.to_delayed())
    assert all(part.dtypes.tolist() == whole.dtypes.tolist() for part in parts)
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)


def test_only_the_columns_that_are_needed_are_read(
    things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[Any]()
    scan = dask_load.Scan
    monkeypatch.setattr(
        dask_load, "Scan", lambda *args, **named: read.append((args[4], named["item_ids"])) or scan(*args, **named)
    )
    frame = inb.engines.dask.load(things, partitions=2, item_ids="_id")
    assert not read
    assert frame["big"].sum().compute() == 3 * 2**60
    assert frame[["wide", "text"]].count().compute().tolist() == [3, 3]
    assert frame["_id"].nunique().compute() == 9
    assert read == [(("big",), None)] * 2 + [(("wide", "text"), None)] * 2 + [((), "_id")] * 2
    assert len(frame) == 9
    some = inb.engines.dask.load(things, ["text", "big"])
    assert list(some.columns) == ["text", "big"]
    assert some.compute().big.sum() == 3 * 2**60


@pytest.mark.parametrize(
    ("partitions", "total", "sizes"),
    [
        (1, 25, [25]),
        (3, 25, [10, 10, 5]),
        (7, 25, [10, 10, 5, 0, 0, 0, 0]),
        (None, 25, [10, 10, 5, 0]),
        (2, None, [10, 15]),
        (None, None, [10, 10, 5, *[0] * 97]),
    ],
)
def test_a_server_without_parts_is_read_page_after_page(
    partitions: int | None,
    total: int | None,
    sizes: list[int],
    shop: inb.SourceHandle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = collection_of(shop, "many", {"type": "record", "name": "m", "fields": [{"name": "id", "type": "string"}]})
    made.upload(pa.table({"id": [str(each) for each in range(25)]}))
    monkeypatch.setattr(data_calls, "DEFAULT_LIMIT", 10)
    monkeypatch.setattr(dask_load, "PARTITION_ROWS", 10)
    monkeypatch.setattr(dask_load, "ranges_of", lambda *_: Ranges((None,), total, None))
    frame = inb.engines.dask.load(made, partitions=partitions)
    needed = {name for key, task in frame.dask.items() if "page" in key[0] for name, _ in task.dependencies}
    assert all("end" in name for name in needed)  # no rows travel to whoever reads on
    parts = dask.compute(*frame.to_delayed())
    assert [len(part) for part in parts] == sizes
    assert all(part.dtypes.tolist() == frame.dtypes.tolist() for part in parts)
    pd.testing.assert_frame_equal(frame.compute().reset_index(drop=True), made.load())


@pytest.mark.parametrize("partitions", [1, 3])
def test_pages_that_go_round_in_a_circle_are_an_error(
    partitions: int, things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str | None]()
    following = {None: "/2", "/2": "/3", "/3": "/2"}

    def page(*_: Any, next_href: str | None, **__: Any) -> Iterator[bytes]:
        asked.append(next_href)
        assert len(asked) < 9
        links = {"next": {"href": following[next_href]}}
        yield json.dumps({"_embedded": {"dataItemList": [{"id": "1", "data": {"id": "a"}}]}, "_links": links}).encode()

    monkeypatch.setattr(endpoints, "data_page", page)
    monkeypatch.setattr(dask_load, "ranges_of", lambda *_: Ranges((None,), 3, None))
    with pytest.raises(inb.TransportError, match="the pages of 'things' go round in a circle: '/2' came twice"):
        inb.engines.dask.load(things, partitions=partitions).compute()
    assert asked == [None, "/2", "/3"]


def test_a_collection_is_divided_by_its_size(things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inb.engines.dask.load(things).npartitions == 4
    assert inb.engines.dask.load(things, partitions=1_001).npartitions == 9
    monkeypatch.setattr(dask_load, "PARTITION_ROWS", 2)
    assert inb.engines.dask.load(things).npartitions == 5


def test_a_frame_is_lazy_is_read_anew_each_time_and_holds_no_key(
    client: inb.Client, things: inb.CollectionHandle
) -> None:
    frame = inb.engines.dask.load(things)
    kept = frame.persist()
    things.upload([{"id": "0", "text": "new"}])
    assert frame.text.isin(["new"]).sum().compute() == 1
    assert kept.text.isin(["new"]).sum().compute() == 0
    assert client._transport.key.reveal().encode() not in cloudpickle.dumps(frame.dask)


def test_what_cannot_be_loaded_is_said_at_once(things: inb.CollectionHandle) -> None:
    with pytest.raises(inb.DataError, match="text"):
        inb.engines.dask.load(things, ["txt"])
    with pytest.raises(inb.ConfigurationError, match="partitions is 0"):
        inb.engines.dask.load(things, partitions=0)
