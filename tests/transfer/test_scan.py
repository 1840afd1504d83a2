from __future__ import annotations

import json
import signal
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.api import endpoints
from intempt_nb.codecs.wire.envelope import cut_page
from intempt_nb.transfer import scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FIELDS = [
    {"name": "id", "type": "string"},
    {"name": "big", "type": ["null", "long"], "default": None},
    {"name": "day", "type": ["null", {"type": "string", "logicalType": "date"}], "default": None},
    {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": None},
    {"name": "kind", "type": ["null", {"type": "enum", "name": "kind", "symbols": ["A", "B"]}], "default": None},
    {
        "name": "url",
        "type": [
            "null",
            {"type": "record", "name": "url", "fields": [{"name": "host", "type": "string"}]},
        ],
        "default": None,
    },
    {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
]


@pytest.fixture
def things(shop: inb.SourceHandle) -> inb.CollectionHandle:
    things = shop.create_collection("things", {"type": "record", "name": "things", "fields": FIELDS})
    things.create_identifier("key", fields=["id"])
    return things


def item(number: int) -> dict[str, Any]:
    return {"id": f"row-{number}", "big": 2**62 + number, "day": "2020-05-25", "at": 1590364800000, "tags": ["x"]}


def fill(things: inb.CollectionHandle, count: int) -> None:
    frame = pd.DataFrame({"id": [f"row-{i}" for i in range(count)], "big": [2**62 + i for i in range(count)]})
    things.upload(frame.assign(tags=[["x"]] * count), progress=False)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The page requests that are made, each by its address; None for the first page."""
    asked: list[str | None] = []
    original = endpoints.data_page

    def small_page(
        transport: Any, coll_id: str, *, next_href: str | None = None, limit: int | None = None
    ) -> Iterator[bytes]:
        asked.append(next_href)
        return original(transport, coll_id, next_href=next_href, limit=min(limit or 10, 10))

    monkeypatch.setattr(endpoints, "data_page", small_page)
    return asked


@pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable", None])
def test_an_empty_collection_is_an_empty_frame_with_the_right_dtypes(
    things: inb.CollectionHandle, backend: Any
) -> None:
    frame = things.load(dtype_backend=backend)
    assert len(frame) == 0
    full = things.schema.to_arrow().empty_table().to_pandas()
    assert list(frame.columns) == list(full.columns)
    if backend == "pyarrow":
        assert dict(frame.dtypes) == things.schema.to_pandas()
    assert things.scan().to_arrow().schema.equals(things.schema.to_arrow())


def test_types_are_exactly_those_of_the_schema(things: inb.CollectionHandle) -> None:
    things.post({**item(1), "kind": "B", "url": {"host": "a.com"}})
    things.post({"id": "row-2", "tags": []})
    table = things.scan().to_arrow()
    assert table.schema.equals(things.schema.to_arrow())
    assert table.to_pylist()[0]["big"] == 2**62 + 1
    assert table.to_pylist()[0]["url"] == {"host": "a.com"}
    assert things.load().iloc[1].isna().tolist() == [False, True, True, True, True, True, False]
    assert dict(things.load().dtypes) == things.schema.to_pandas()


def test_pages_are_followed_to_the_end_without_loss_or_repeats(
    things: inb.CollectionHandle, pages: list[str | None]
) -> None:
    fill(things, 95)
    assert things.load()["id"].tolist() == [f"row-{i}" for i in range(95)]
    assert len(pages) == 10
    assert pages[0] is None
    assert len(set(pages)) == 10


def test_limit_stops_the_requests(things: inb.CollectionHandle, pages: list[str | None]) -> None:
    fill(things, 95)
    assert things.load(limit=25)["id"].tolist() == [f"row-{i}" for i in range(25)]
    assert len(pages) == 3
    assert len(things.load(limit=0)) == 0
    assert len(pages) == 3
    assert len(things.load(limit=1_000)) == 95


@pytest.mark.parametrize("limit", [-1, 1.5, True, "3", float("nan")])
def test_a_limit_that_is_no_number_of_rows_is_refused(things: inb.CollectionHandle, limit: Any) -> None:
    with pytest.raises(inb.DataError, match="expected a whole number of rows"):
        things.load(limit=limit)


def test_a_limit_beyond_what_a_page_may_have_is_fine(things: inb.CollectionHandle) -> None:
    fill(things, 3)
    assert len(things.load(limit=10**9)) == 3


def test_batches_are_requested_as_they_are_taken(things: inb.CollectionHandle, pages: list[str | None]) -> None:
    fill(things, 95)
    batches = things.scan().to_batches()
    assert pages == []
    assert next(batches).num_rows == 10
    assert 1 <= len(pages) < 8  # some are had ahead
    batches.close()
    reader = things.scan().to_reader()
    assert reader.schema.equals(things.schema.to_arrow())
    assert reader.read_all().num_rows == 95


def test_columns_are_projected_in_the_order_asked_for(things: inb.CollectionHandle) -> None:
    things.post(item(1))
    frame = things.load(columns=["day", "id"])
    assert list(frame.columns) == ["day", "id"]
    assert frame["id"].tolist() == ["row-1"]
    with pytest.raises(inb.DataError, match=r"no field 'dya'; did you mean 'day'\?"):
        things.load(columns=["dya"])
    with pytest.raises(inb.DataError, match=r"columns is the text 'id'; expected a list of names: columns=\['id'\]"):
        things.load(columns="id")


def test_other_libraries_read_a_scan_through_the_arrow_stream(things: inb.CollectionHandle) -> None:
    things.post(item(1))
    table = pa.table(things.scan(columns=["id", "big"]))
    assert table.to_pylist() == [{"id": "row-1", "big": 2**62 + 1}]


def test_a_scan_says_what_it_is_and_asks_nothing(things: inb.CollectionHandle, pages: list[str | None]) -> None:
    assert repr(things.scan(columns=["id"], limit=5)) == (
        "Scan of 'things': columns id, at most 5 rows; nothing is requested before to_pandas() or another sink"
    )
    assert pages == []


def test_pages_that_go_round_in_a_circle_are_an_error(
    things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = b'{"_embedded": {"dataItemList": []}, "_links": {"next": {"href": "/again"}}}'
    monkeypatch.setattr(endpoints, "data_page", lambda *args, **kwargs: iter([page]))
    with pytest.raises(inb.TransportError, match="go round in a circle"):
        things.load()


def page_of(*data: dict[str, Any], next_href: str | None = None) -> bytes:
    items = [{"id": str(number), "data": each} for number, each in enumerate(data)]
    links = {} if next_href is None else {"next": {"href": next_href}}
    return json.dumps({"_embedded": {"dataItemList": items}, "_links": links}).encode()


def serve(monkeypatch: pytest.MonkeyPatch, served: dict[str | None, bytes]) -> list[str | None]:
    """Let the pages be these, by their address, cut into pieces of an item or two; return what is asked for."""
    asked: list[str | None] = []

    def page(*args: Any, next_href: str | None = None, **kwargs: Any) -> Iterator[bytes]:
        asked.append(next_href)
        yield from (served[next_href][start : start + 100] for start in range(0, len(served[next_href]), 100))

    monkeypatch.setattr(endpoints, "data_page", page)
    monkeypatch.setattr(scan, "cut_page", partial(cut_page, piece_size=1))
    return asked


def test_a_circle_may_begin_where_a_scan_begins(things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, {"/2": page_of({"id": "a"}, next_href="/2")})
    given = []
    with pytest.raises(inb.TransportError, match="go round in a circle: '/2' came twice"):
        given.extend(inb.Scan(things._transport, things.id, things.name, things.schema, start="/2").to_batches())
    assert len(given) == 1


def test_a_page_that_cannot_be_cut_is_asked_for_again_and_loses_nothing(
    things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item that holds lists of items is cut where it should not be; rows before it were handed out already."""
    inner = [{"id": "x", "data": {"id": "no row"}}] * 20
    rows = [{"id": f"row-{number}"} for number in range(90)]
    odd = [*rows[30:45], {**rows[45], "url": {"host": "h", "more": inner}}, *rows[46:60]]
    served = {None: page_of(*rows[:30], next_href="/2"), "/2": page_of(*odd, next_href="/3"), "/3": page_of(*rows[60:])}
    asked = serve(monkeypatch, served)
    assert things.load(columns=["id"])["id"].tolist() == [f"row-{number}" for number in range(90)]
    assert asked.count("/2") == 2
    for limit in (40, 46, 59, 60, 61):
        assert things.load(columns=["id"], limit=limit)["id"].tolist() == [f"row-{number}" for number in range(limit)]


def test_what_came_before_an_error_is_handed_out(things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": f"row-{number}"} for number in range(10)]
    served = {None: page_of(*rows, next_href="/2"), "/2": page_of(*rows[:7], {"id": "x", "big": "y"})}
    serve(monkeypatch, served)
    given = []
    with pytest.raises(inb.DataError, match='found "y"; expected long or null') as caught:
        given.extend(things.scan().to_batches())
    assert (caught.value.row, caught.value.field) == (7, "big")
    assert sum(map(len, given)) == 17


def test_the_items_ids_come_on_request(things: inb.CollectionHandle) -> None:
    stored = [things.post(item(number)) for number in range(3)]
    frame = things.load(columns=["id"], item_ids="itemId")
    assert frame["itemId"].tolist() == [each.id for each in stored]
    assert things.get(frame["itemId"].iloc[1]).data["id"] == "row-1"
    assert list(things.scan(item_ids="itemId").arrow_schema.names) == ["itemId", *things.schema.names]
    with pytest.raises(inb.DataError, match="item_ids is 'id', and a column has that name"):
        things.scan(item_ids="id")
    for wrong in (5, ""):
        with pytest.raises(inb.DataError, match="expected the name of a column"):
            things.scan(item_ids=wrong)


def test_a_scan_that_is_left_stops_asking(things: inb.CollectionHandle, pages: list[str | None]) -> None:
    fill(things, 200)
    for _ in things.scan().to_batches():
        break
    asked = len(pages)
    assert asked < 10
    assert not [each for each in threading.enumerate() if each.name.startswith("intempt-download")]


def test_an_interruption_does_not_wait_for_a_server_that_stalls(
    things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def page(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        yield page_of({"id": "a"})[:-20]
        # As a person would: once the main thread waits for what does not come.
        threading.Timer(0.2, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()
        released.wait(30)
        yield page_of({"id": "a"})[-20:]

    monkeypatch.setattr(endpoints, "data_page", page)
    start = time.monotonic()
    signal.siginterrupt(signal.SIGINT, False)  # as polars does when it is imported
    try:
        with pytest.raises(KeyboardInterrupt):
            things.load()
        assert time.monotonic() - start < 10
    finally:
        signal.siginterrupt(signal.SIGINT, True)
        released.set()
