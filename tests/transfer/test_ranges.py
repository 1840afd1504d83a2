"""Parts: together they are the whole, each item in one of them, whatever comes in and goes meanwhile."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, count, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.server import app, data_calls
from intempt_nb.server.answers import invalid
from intempt_nb.transfer.ranges import Ranges, ranges_of
from intempt_nb.transfer.scan import Scan

if TYPE_CHECKING:
    from intempt_nb.server.calls import Call

SCHEMA = {"type": "record", "name": "things", "fields": [{"name": "n", "type": "long"}]}
NAMES = count()


def make(shop: inb.SourceHandle, numbers: range = range(0)) -> inb.CollectionHandle:
    things = shop.create_collection(f"things-{next(NAMES)}", SCHEMA)
    things.create_identifier("key", fields=["n"])
    add(things, numbers)
    return things


def add(things: inb.CollectionHandle, numbers: range) -> None:
    body = {things.name: [{"n": number} for number in numbers]}
    things._transport.post_json(f"sources/{things.record.source_id}/data", body)


def ranges(things: inb.CollectionHandle, parts: int, after: str | None = None, until: str | None = None) -> Ranges:
    return ranges_of(things._transport, things.id, parts, after, until)


def read(things: inb.CollectionHandle, start: str | None, limit: int | None = None) -> list[int]:
    scan = Scan(things._transport, things.id, things.name, things.schema, limit=limit, start=start)
    return scan.to_arrow()["n"].to_pylist()


def read_all(things: inb.CollectionHandle, found: Ranges) -> list[int]:
    return [each for start in found.parts for each in read(things, start)]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_calls, "DEFAULT_LIMIT", 7)


@pytest.fixture(scope="module")
def long_shop() -> Any:
    with inb.sandbox() as client:
        yield client.create_source("shop")


@pytest.mark.usefixtures("small_pages")
class TestTheWhole:
    @settings(max_examples=12)
    @given(
        first=st.integers(0, 30),
        later=st.integers(0, 20),
        parts=st.integers(1, 12),
        lost=st.sets(st.integers(0, 32), max_size=5),
    )
    def test_parts_in_their_order_are_the_whole(
        self, long_shop: inb.SourceHandle, first: int, later: int, parts: int, lost: set[int]
    ) -> None:
        things = make(long_shop, range(first))
        mark = ranges(things, 1).later
        add(things, range(first, first + later))
        stored = things.load(item_ids="id")
        for row in stored[stored["n"].isin(lost)].itertuples():
            things._transport.delete(f"collections/{things.id}/data/{row.id}")
        found = ranges(things, parts)
        kept = [number for number in range(first + later) if number not in lost]
        pieces = [read(things, start) for start in found.parts]
        assert list(chain(*pieces)) == kept == read(things, None)
        assert found.total == len(kept)
        assert len(pieces) == max(1, min(parts, len(kept)))
        assert max(map(len, pieces)) - min(map(len, pieces)) <= 1
        new = ranges(things, parts, after=mark)
        assert read_all(things, new) == [each for each in kept if each >= first]

    def test_each_item_once_while_items_come_and_go(self, shop: inb.SourceHandle) -> None:
        things = make(shop, range(300))
        ids = things.load(item_ids="id")["id"].tolist()
        done = threading.Event()

        def disturb() -> None:
            for number in count():
                if done.is_set():
                    return
                add(things, range(300 + 20 * number, 320 + 20 * number))
                if 3 * number < 150:  # every third of the first half goes
                    things._transport.delete(f"collections/{things.id}/data/{ids[3 * number]}")

        with ThreadPoolExecutor(5) as pool:
            disturbing = pool.submit(disturb)
            try:
                seen: list[int] = []
                mark = None
                for _ in range(3):
                    found = ranges(things, 4, mark)
                    seen += chain(*pool.map(lambda start: read(things, start), found.parts))
                    mark = found.later
            finally:
                done.set()
            disturbing.result()
        rest = ranges(things, 4, mark)
        seen += read_all(things, rest)
        assert len(seen) == len(set(seen))
        assert set(things.load()["n"]) <= set(seen)

    def test_a_limit_is_that_of_a_part(self, shop: inb.SourceHandle) -> None:
        things = make(shop, range(60))
        _, second, _ = ranges(things, 3).parts
        assert read(things, second, limit=9) == list(range(20, 29))
        assert read(things, second, limit=30) == list(range(20, 40))


def test_between_two_marks_there_is_always_the_same(shop: inb.SourceHandle) -> None:
    things = make(shop)
    marks = [ranges(things, 1).later]
    for start in (0, 10, 20):
        add(things, range(start, start + 10))
        marks.append(ranges(things, 1).later)
    for begin, (after, until) in enumerate(pairwise(marks)):
        again = ranges(things, 2, after, until)
        assert (again.total, again.later) == (10, until)
        assert read_all(things, again) == list(range(10 * begin, 10 * begin + 10))
    assert ranges(things, 4, marks[2], marks[2]).total == 0


def test_ranges_travel_to_other_processes(shop: inb.SourceHandle) -> None:
    found = ranges(make(shop, range(5)), 2)
    assert pickle.loads(pickle.dumps(found)) == found


def test_no_more_parts_are_asked_for_than_the_sandbox_has(shop: inb.SourceHandle) -> None:
    assert len(ranges(make(shop, range(3)), 1_001).parts) == 3


def test_a_server_that_does_not_divide_has_one_part(shop: inb.SourceHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    things = make(shop, range(25))
    mark = ranges(things, 1).later

    def documented(call: Call) -> Any:
        known = {name: call.query[name] for name in ("limit", "cursor") if name in call.query}
        return data_calls.list_items(replace(call, query=known))

    monkeypatch.setitem(app._ROUTES["/collections/{collection}/data"], "GET", documented)
    assert ranges(things, 8) == Ranges((None,), 25, None)
    assert read(things, None) == list(range(25))
    with pytest.raises(inb.TransportError, match="does not say what came in after a mark"):
        ranges(things, 8, after=mark)


def test_a_server_that_refuses_what_it_does_not_know_has_one_part(
    shop: inb.SourceHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    things = make(shop, range(25))

    def strict(call: Call) -> Any:
        if call.query.keys() - {"cursor"}:
            raise invalid("unknown parameter")
        return data_calls.list_items(call)

    monkeypatch.setitem(app._ROUTES["/collections/{collection}/data"], "GET", strict)
    assert ranges(things, 8) == Ranges((None,), None, None)
    for marks in ({"after": "x"}, {"until": "x"}):
        with pytest.raises(inb.RejectedError, match="unknown parameter"):
            ranges(things, 8, **marks)


def test_the_key_goes_to_no_other_server(shop: inb.SourceHandle) -> None:
    things = make(shop, range(5))
    with inb.sandbox() as other, pytest.raises(inb.TransportError, match="a link leads to"):
        read(things, f"{other.base_url}/v1/{other.org}/collections/{things.id}/data")


@pytest.mark.parametrize("parts", [0, -1, True, 1.5, "3"])
def test_a_number_of_parts_that_is_none(shop: inb.SourceHandle, parts: Any) -> None:
    with pytest.raises(inb.DataError, match="expected a number of parts, 1 or more"):
        ranges(make(shop), parts)


def test_what_the_server_refuses_is_said(shop: inb.SourceHandle) -> None:
    things = make(shop)
    with pytest.raises(inb.RejectedError, match="'after': 'yesterday' is no mark that was given out here"):
        ranges(things, 2, after="yesterday")


@pytest.mark.parametrize(
    "answer",
    [
        {"_links": {"parts": []}, "mark": "m", "page": {"totalElements": 1}},
        {"_links": {"parts": [{"href": 1}]}, "mark": "m", "page": {"totalElements": 1}},
        {"_links": {"parts": [{"href": "/x"}]}, "page": {"totalElements": 1}},
        {"_links": {"parts": [{"href": "/x"}]}, "mark": "m"},
        {"_links": {"parts": [{"href": "/x"}]}, "mark": "m", "page": {"totalElements": -1}},
        {"_links": {"parts": [{"href": "/x"}, {"href": 1}]}, "mark": "m", "page": {"totalElements": 1}},
        {"_links": {"parts": [{"href": "/x"}, {"href": "/x"}]}, "mark": "m", "page": {"totalElements": 1}},
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error(
    shop: inb.SourceHandle, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr("intempt_nb.api.endpoints.data_parts", lambda *given, **more: answer)
    with pytest.raises(inb.TransportError, match="the parts of a collection: expected "):
        ranges(make(shop), 2)
